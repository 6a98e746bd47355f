//! `trimtab export`: a study with all that is known of it, for other programs.

use clap::{Args, ValueEnum};
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::account::StudyAccount;
use crate::error::Error;
use crate::record::{Place, Record};
use crate::{Exit, output};

/// Which Study, and in which form.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's name, or the folder of a local study.
    study: String,
    #[command(flatten)]
    place: Place,
    /// The form.
    #[arg(long, short, value_enum, default_value_t = Output::Json)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// The Study and its Trials as objects, which `--from` of the other commands reads.
    Json,
    /// A trial a line: number, state, level, value, parameters.
    Csv,
}

/// Writes a study to standard output.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read(&options.study)?;
    match options.output {
        Output::Json => output::print_json(&objects(&record)?)?,
        Output::Csv => output::print(&csv(&record))?,
    }
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

fn csv(record: &Record) -> String {
    let parameters = &record.study.spec.parameters;
    let heads = ["trial", "state", "bracket", "level", "value", "spent", "run_seconds"].map(str::to_owned);
    let mut text = line(heads.into_iter().chain(parameters.iter().map(|p| p.name.clone())));
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
        text.push_str(&line(fields.into_iter().chain(parameters.iter().map(|p| said.parameter(&p.name).to_owned()))));
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
