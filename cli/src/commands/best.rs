//! `trimtab best`: the best parameters, in the form that whoever uses them takes.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use trimtab_api::study::ParameterValue;
use trimtab_protocol::environment::variable;

use crate::account::{BestAccount, best_of, unit};
use crate::error::Error;
use crate::record::Place;
use crate::{Exit, output};

/// Of which Study, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's name, or the folder of a local study.
    study: String,
    #[command(flatten)]
    place: Place,
    /// How to answer.
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// Arguments of a command: --learning-rate=0.01.
    Flags,
    /// Variables as trials have them: PARAM_LEARNING_RATE=0.01.
    Env,
    /// The trial, its value and its parameters.
    Json,
    /// The same in YAML.
    Yaml,
}

/// Prints the best parameters.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read(&options.study)?;
    let Some(best) = best_of(&record) else {
        output::complain(&format!(
            "the Study `{}` has no usable value yet; `trimtab watch {}` follows it",
            options.study, options.study
        ));
        return Ok(Exit::No);
    };
    let metric = record.study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
    match options.output {
        Output::Table => output::print(&best.render(metric, unit(&record.study)))?,
        Output::Flags => output::print(&format!("{}\n", flags(&best.parameters)))?,
        Output::Env => output::print(&env(&best.parameters))?,
        Output::Json => output::print_json(&Answer::new(&best, metric))?,
        Output::Yaml => {
            let text = serde_saphyr::to_string(&Answer::new(&best, metric))
                .map_err(|error| Error::Render(error.to_string()))?;
            output::print(&text)?;
        }
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
fn flags(parameters: &[ParameterValue]) -> String {
    let flags = parameters.iter().map(|p| format!("--{}={}", p.name.replace('_', "-"), quoted(&p.value)));
    flags.collect::<Vec<_>>().join(" ")
}

fn env(parameters: &[ParameterValue]) -> String {
    parameters.iter().map(|p| format!("{}={}\n", variable(&p.name), quoted(&p.value))).collect()
}

/// A value as a shell takes it: a choice may hold anything.
fn quoted(value: &str) -> String {
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
