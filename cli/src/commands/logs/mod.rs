//! `trimtab logs`: what trials have printed.

mod local;
mod remote;

use clap::Args;
use trimtab_api::Trial;
use trimtab_api::trial::Run;

use crate::cluster::Access;
use crate::error::Error;
use crate::numbers::whole;
use crate::{Exit, output, record};

/// Lines of each trial that are shown when there are several.
const FEW: usize = 10;

/// Of which trials, and how much.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's name, or the folder of a local study.
    study: String,
    /// The trial, by its number; left out: all that run, each line behind its trial.
    #[arg(value_parser = whole::<u32>)]
    trial: Option<u32>,
    #[command(flatten)]
    access: Access,
    /// The trial's run, by its number; left out: the newest.
    #[arg(long, value_name = "NUMBER", value_parser = whole::<u32>, requires = "trial")]
    run: Option<u32>,
    /// Goes on until the runs have ended.
    #[arg(long, short)]
    follow: bool,
    /// Only this many lines from the end; left out: all of one trial, 10 of each of several.
    #[arg(long, value_name = "LINES", value_parser = whole::<usize>)]
    tail: Option<usize>,
}

/// A run whose output is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    trial: u32,
    run: u32,
    /// Where it runs or ran, in a cluster.
    pod: Option<String>,
    /// What stands before each of its lines.
    prefix: String,
}

/// Prints what there is.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    match record::local(&options.study) {
        Some(folder) => local::print(options, &folder),
        None => remote::print(options),
    }
}

/// The runs that are meant. None, and that is told, when nothing runs and no trial is named.
fn choose(options: &Options, trials: &[Trial], has_output: fn(&Run) -> bool) -> Result<Vec<Wanted>, Error> {
    let Some(number) = options.trial else {
        let mut wanted: Vec<Wanted> = trials.iter().filter_map(|trial| running(trial, has_output)).collect();
        let width = wanted.iter().map(|w| w.prefix.len()).max().unwrap_or(0);
        wanted.iter_mut().for_each(|w| w.prefix = format!("{:width$} | ", w.prefix));
        if wanted.is_empty() {
            let name = &options.study;
            output::complain(&format!("no trial of {name} runs now: name one, as in `trimtab logs {name} 0`"));
        }
        return Ok(wanted);
    };
    let Some(trial) = trials.iter().find(|trial| trial.spec.number == number) else {
        let known = match (trials.first(), trials.last()) {
            (Some(first), Some(last)) => format!("{} to {}", first.spec.number, last.spec.number),
            _ => "none".to_owned(),
        };
        return Err(Error::UnknownTrial { number, known });
    };
    let runs = trial.status.as_ref().map(|status| status.runs.as_slice()).unwrap_or_default();
    let found = match options.run {
        Some(wanted) => runs.iter().find(|run| run.number == wanted),
        None => runs.last(),
    };
    let Some(run) = found else {
        let known: Vec<_> = runs.iter().map(|run| run.number.to_string()).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        return Err(Error::UnknownRun { trial: number, known });
    };
    Ok(vec![Wanted { trial: number, run: run.number, pod: run.pod_name.clone(), prefix: String::new() }])
}

fn running(trial: &Trial, has_output: fn(&Run) -> bool) -> Option<Wanted> {
    let run = trial.status.as_ref()?.runs.last().filter(|run| run.end.is_none() && has_output(run))?;
    let number = trial.spec.number;
    Some(Wanted { trial: number, run: run.number, pod: run.pod_name.clone(), prefix: format!("trial {number}") })
}

impl Options {
    /// How many lines from the end, if not all.
    fn lines(&self) -> Option<usize> {
        self.tail.or(self.trial.is_none().then_some(FEW))
    }
}

impl Wanted {
    /// Prints a line as it is, or behind its trial.
    fn print(&self, line: &[u8]) -> Result<(), Error> {
        if self.prefix.is_empty() {
            return output::print_bytes(line);
        }
        let line = String::from_utf8_lossy(line);
        output::print(&format!("{}{}\n", self.prefix, line.trim_end_matches(['\n', '\r'])))
    }
}
