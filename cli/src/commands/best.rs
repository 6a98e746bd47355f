//! `trimtab best`: the best parameters, in the form that whoever uses them takes.

use std::collections::BTreeMap;

use clap::Args;
use trimtab_api::study::ParameterValue;
use trimtab_protocol::environment::variable;

use crate::account::{BestAccount, FrontAccount, best_of, front_of, unit};
use crate::error::Error;
use crate::output::{Form, forms};
use crate::record::Place;
use crate::{Exit, output};

/// Of which Study, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The trial of the front to answer with, by its number, where there are several objectives.
    #[arg(long, value_name = "NUMBER")]
    trial: Option<u32>,
    /// How to answer.
    #[arg(long, short, default_value = "table", value_name = "FORM",
        value_parser = forms(&[Form::Table, Form::Json, Form::Yaml, Form::Flags, Form::Env]))]
    output: Form,
}

/// Prints the best parameters.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read()?;
    if let Some(front) = front_of(&record) {
        return of_front(options, &front, unit(&record.study));
    }
    let Some(best) = best_of(&record) else {
        output::complain(&format!(
            "the Study `{}` has no usable value yet; `trimtab watch {}` follows it",
            options.place.study, options.place.study
        ));
        return Ok(Exit::No);
    };
    let metric = record.study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
    options.output.answer(&Answer::new(&best, metric), || match options.output {
        Form::Flags => format!("{}\n", flags(&best.parameters)),
        Form::Env => env(&best.parameters),
        _ => best.render(metric, unit(&record.study)),
    })?;
    Ok(Exit::Yes)
}

/// Prints the front, or a trial of it.
fn of_front(options: &Options, front: &FrontAccount, unit: &str) -> Result<Exit, Error> {
    let chosen = options.trial.and_then(|number| front.trials.iter().find(|trial| trial.number == number));
    let complain = |words: &str| {
        let numbers: Vec<String> = front.trials.iter().map(|trial| trial.number.to_string()).collect();
        output::complain(&format!("{words}; on the front are {}", numbers.join(", ")));
        Ok(Exit::No)
    };
    let is_line = matches!(options.output, Form::Flags | Form::Env);
    let text = |parameters: &[ParameterValue]| match options.output {
        Form::Flags => format!("{}\n", flags(parameters)),
        Form::Env => env(parameters),
        _ => front.render(unit),
    };
    match chosen {
        None if options.trial.is_some() => return complain("that trial is not on the front"),
        None if is_line => return complain("with several objectives there is no best trial: choose one with --trial"),
        None => options.output.answer(front, || text(&[]))?,
        Some(trial) => options.output.answer(trial, || text(&trial.parameters))?,
    }
    Ok(Exit::Yes)
}

#[derive(serde::Serialize)]
struct Answer<'b> {
    trial: &'b str,
    metric: &'b str,
    value: &'b str,
    level: u32,
    parameters: BTreeMap<&'b str, &'b str>,
}

impl<'b> Answer<'b> {
    fn new(best: &'b BestAccount, metric: &'b str) -> Self {
        let parameters = best.parameters.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
        Self { trial: &best.trial, metric, value: &best.value, level: best.level, parameters }
    }
}

/// Programs spell their options with dashes.
pub(crate) fn flags(parameters: &[ParameterValue]) -> String {
    let flags = parameters.iter().map(|p| format!("--{}={}", p.name.replace('_', "-"), quoted(&p.value)));
    flags.collect::<Vec<_>>().join(" ")
}

/// Variables as trials have them, a line each.
pub(crate) fn env(parameters: &[ParameterValue]) -> String {
    parameters.iter().map(|p| format!("{}={}\n", variable(&p.name), quoted(&p.value))).collect()
}

/// A value as a shell takes it: a choice may hold anything.
pub(crate) fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.+-:/@,=".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> ParameterValue {
        ParameterValue { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn values_are_safe_in_a_shell() {
        let parameters = [given("learning_rate", "1e-4"), given("note", "it's; $(rm)"), given("empty", "")];
        assert_eq!(flags(&parameters), r"--learning-rate=1e-4 --note='it'\''s; $(rm)' --empty=''");
        assert_eq!(env(&parameters[..1]), "PARAM_LEARNING_RATE=1e-4\n");
    }
}
