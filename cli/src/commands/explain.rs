//! `trimtab explain`: says why, from what is on record.

use clap::Args;
use serde::Serialize;

use crate::Exit;
use crate::account::StudyAccount;
use crate::error::Error;
use crate::numbers::whole;
use crate::output::Output;
use crate::record::Place;
use crate::verification::Verification;

/// What to explain.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Only this trial, by its number.
    #[arg(long, value_name = "NUMBER", value_parser = whole::<u32>)]
    trial: Option<u32>,
    /// Recompute every decision from what was before it; the exit code is 1 if one on record is another.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Answer {
    study: StudyAccount,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

/// Reads, explains, and recomputes if asked to.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read()?;
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
    let answer = Answer { study, verification };
    options.output.answer(&answer, || answer.render(options.trial.is_some()))?;
    Ok(if holds { Exit::Yes } else { Exit::No })
}

impl Answer {
    /// A trial alone is asked for by who knows the study, and a verification by who wants nothing else.
    fn render(&self, is_one: bool) -> String {
        let trials = || self.study.render_trials();
        match (&self.verification, is_one) {
            (Some(verification), true) => format!("{}\n{}", trials().trim_start(), verification.render()),
            (Some(verification), false) => verification.render(),
            (None, true) => trials().trim_start().to_owned(),
            (None, false) => self.study.render() + &trials(),
        }
    }
}
