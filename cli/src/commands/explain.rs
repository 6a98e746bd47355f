//! `trimtab explain`: says why, from what is on record.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::account::StudyAccount;
use crate::error::Error;
use crate::record::Place;
use crate::verification::Verification;
use crate::{Exit, output};

/// What to explain.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's name, or the folder of a local study.
    study: String,
    #[command(flatten)]
    place: Place,
    /// Only this trial, by its number.
    #[arg(long, value_name = "NUMBER")]
    trial: Option<u32>,
    /// Recompute every decision from what was before it; the exit code is 1 if one on record is another.
    #[arg(long)]
    verify: bool,
    /// How to answer.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Serialize)]
struct Answer {
    study: StudyAccount,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

/// Reads, explains, and recomputes if asked to.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read(&options.study)?;
    let mut study = StudyAccount::new(&record);
    if let Some(number) = options.trial {
        let known = study.known();
        study.trials.retain(|trial| trial.number == number);
        if study.trials.is_empty() {
            return Err(Error::UnknownTrial { number, known });
        }
    }
    let verification = if options.verify { Some(Verification::new(&record)?) } else { None };
    let holds = verification.as_ref().is_none_or(Verification::holds);
    match options.output {
        Output::Json => output::print_json(&Answer { study, verification })?,
        Output::Text => {
            // A trial alone is asked for by who knows the study, and a verification by who wants nothing else.
            let mut text = String::new();
            match (&verification, options.trial) {
                (Some(verification), trial) => {
                    if trial.is_some() {
                        text.push_str(study.render_trials().trim_start());
                        text.push('\n');
                    }
                    text.push_str(&verification.render());
                }
                (None, Some(_)) => text.push_str(study.render_trials().trim_start()),
                (None, None) => {
                    text.push_str(&study.render());
                    text.push_str(&study.render_trials());
                }
            }
            output::print(&text)?;
        }
    }
    Ok(if holds { Exit::Yes } else { Exit::No })
}
