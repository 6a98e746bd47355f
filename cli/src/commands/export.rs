//! `trimtab export`: a study with all that is known of it, for other programs.

use clap::Args;
use kube::ResourceExt;
use serde_json::{Value, json};
use trimtab_api::study::Goal;

use crate::account::{StudyAccount, front_of, others};
use crate::error::Error;
use crate::output::{Form, forms};
use crate::record::{Place, Record};
use crate::starting::{self, Found};
use crate::{Exit, output};

/// Which Study, and in which form.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The form. JSON and YAML have the Study and its Trials as objects, which `import`, and `--from` of the other verbs, read.
    #[arg(long, short, default_value = "json", value_name = "FORM",
        value_parser = forms(&[Form::Json, Form::Yaml, Form::Csv, Form::Study]))]
    output: Form,
    /// How many configurations the form `study` begins with.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    best: u32,
}

/// Writes a study to standard output.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read()?;
    if options.output == Form::Study {
        output::print(&elsewhere(&record, options.best)?)?;
        return Ok(Exit::Yes);
    }
    options.output.answer(&objects(&record)?, || csv(&record))?;
    Ok(Exit::Yes)
}

fn objects(record: &Record) -> Result<Value, Error> {
    let render = |error: serde_json::Error| Error::Render(error.to_string());
    let mut items = vec![serde_json::to_value(&record.study).map_err(render)?];
    for trial in &record.trials {
        items.push(serde_json::to_value(trial).map_err(render)?);
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// A Study for another place, which begins with the best of this one.
fn elsewhere(record: &Record, best: u32) -> Result<String, Error> {
    let account = StudyAccount::new(record);
    // Of several objectives the front is what is best.
    let front = front_of(record);
    let is_good = |number: u32| front.as_ref().is_none_or(|front| front.trials.iter().any(|t| t.number == number));
    let trials = account.trials.iter().zip(&record.trials).filter(|(said, _)| is_good(said.number));
    let found = trials.filter_map(|(said, trial)| {
        let (level, value) = said.newest()?;
        let (level, value) = (level.parse().unwrap_or_default(), starting::value(&value));
        Some(Found { parameters: trial.spec.parameters.clone(), level, value })
    });
    let mut found: Vec<Found> = found.collect();
    starting::rank(&mut found, record.study.spec.objectives.first().map_or(Goal::Minimize, |o| o.goal));
    let (study, added) = starting::study(&record.study, &found, usize::try_from(best).unwrap_or(usize::MAX))?;
    let comment = format!(
        "The {added} best configurations of {} trials are tried first. Their values are not taken over: they are measured again.",
        record.trials.len()
    );
    starting::manifest(&study, &comment)
}

fn csv(record: &Record) -> String {
    let parameters = &record.study.spec.parameters;
    let heads = ["trial", "state", "bracket", "level", "value", "spent", "run_seconds"].map(str::to_owned);
    let others = others(&record.study);
    let more = others.iter().map(|&name| name.to_owned());
    let mut text = line(heads.into_iter().chain(more).chain(parameters.iter().map(|p| p.name.clone())));
    let account = StudyAccount::new(record);
    for (trial, said) in record.trials.iter().zip(&account.trials) {
        let status = trial.status.clone().unwrap_or_default();
        let (level, value) = said.newest().unwrap_or_default();
        let fields = [
            trial.name_any(),
            said.state.clone(),
            trial.spec.bracket.to_string(),
            level,
            value,
            status.spent_fidelity.to_string(),
            status.run_seconds.to_string(),
        ];
        let more = others.iter().map(|name| said.other(name).to_owned());
        text.push_str(&line(
            fields.into_iter().chain(more).chain(parameters.iter().map(|p| said.parameter(&p.name).to_owned())),
        ));
    }
    text
}

/// A line by RFC 4180.
fn line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    format!("{}\r\n", quoted.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = ["plain", "a,b", "say \"hi\"", "two\nlines", ""].map(str::to_owned);
        assert_eq!(line(fields.into_iter()), "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\r\n");
    }
}
