//! `trimtab show`: the trials of a study in a table.

use clap::Args;

use crate::Exit;
use crate::account::{StudyAccount, others, unit};
use crate::error::Error;
use crate::output::Output;
use crate::record::{Place, Record};
use crate::table::Table;

/// Which Study, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// Shows a study's trials.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read()?;
    let account = StudyAccount::new(&record);
    options.output.answer(&account, || table(&record, &account))?;
    Ok(Exit::Yes)
}

fn table(record: &Record, account: &StudyAccount) -> String {
    let metric = record.study.spec.objectives.first().map(|o| o.metric.to_uppercase()).unwrap_or_default();
    let level = unit(&record.study).to_uppercase();
    let names: Vec<String> = record.study.spec.parameters.iter().map(|p| p.name.to_uppercase()).collect();
    let mut headings = vec!["TRIAL", "STATE", level.as_str(), metric.as_str()];
    let others = others(&record.study);
    let more: Vec<String> = others.iter().map(|name| name.to_uppercase()).collect();
    headings.extend(more.iter().chain(&names).map(String::as_str));
    let mut table = Table::new(&headings);
    for trial in &account.trials {
        let (at, value) = trial.newest().unwrap_or_default();
        let mut row = vec![trial.number.to_string(), trial.state.clone(), at, value];
        row.extend(others.iter().map(|name| trial.other(name).to_owned()));
        // A parameter that the trial does not have leaves its column empty.
        row.extend(record.study.spec.parameters.iter().map(|p| trial.parameter(&p.name).to_owned()));
        table.row(row);
    }
    table.render(0)
}
