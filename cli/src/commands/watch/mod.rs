//! `trimtab watch`: a live view on a terminal, one line for each change in a pipe, until the Study ends.
//!
//! It asks again and again instead of holding a stream open: a Study changes a few times a minute, and a question that
//! fails is simply asked again.

mod frame;
mod live;
mod rows;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use trimtab_api::Study;
use trimtab_api::conditions::study as condition;
use trimtab_local::{Book, Folder};

use crate::account::{BestAccount, FrontAccount, unit};
use crate::cluster::{self, Access, Cluster};
use crate::error::Error;
use crate::standing::{end, find};
use crate::{Exit, output, record, style};

/// The longest pause after questions that failed.
const LONGEST: Duration = Duration::from_secs(30);

/// What to follow.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's name, or the folder of a local study.
    study: String,
    #[command(flatten)]
    access: Access,
    /// Seconds between questions.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = seconds)]
    interval: f64,
    /// One line for each change, also on a terminal.
    #[arg(long)]
    plain: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let given = text.parse::<f64>().ok().filter(|s| (0.05..=3600.0).contains(s));
    given.ok_or_else(|| "must be from 0.05 to 3600".to_owned())
}

/// Follows a Study.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let local = record::local(&options.study);
    if std::io::stdout().is_terminal() && !style::is_dumb() && !options.plain {
        return live::follow(options, local.as_ref());
    }
    match local {
        Some(folder) => follow_local(options, &folder),
        None => cluster::block_on(follow(options)),
    }
}

/// Follows a local study, which says itself whether somebody works on it.
fn follow_local(options: &Options, folder: &Folder) -> Result<Exit, Error> {
    let mut said = String::new();
    loop {
        let (study, _) = Book::read(folder)?.objects();
        let line = line(&study);
        if line != said {
            output::print(&format!("{} {line}\n", jiff::Timestamp::now().strftime("%H:%M:%SZ")))?;
            said = line;
        }
        if let Some(end) = end(&study) {
            return finish(&study, end);
        }
        if study.status.as_ref().and_then(|status| status.state.as_deref()) == Some(condition::SUSPENDED) {
            return finish(&study, Exit::Paused);
        }
        std::thread::sleep(Duration::from_secs_f64(options.interval));
    }
}

async fn follow(options: &Options) -> Result<Exit, Error> {
    let pause = Duration::from_secs_f64(options.interval);
    let cluster = Cluster::connect(&options.access).await?;
    // The first answer says whether there is anything to follow, so it is not asked for twice.
    let mut study = cluster.study(&options.study).await?;
    let uid = study.metadata.uid.clone();
    let mut said = String::new();
    let mut failures = 0_u32;
    loop {
        let line = line(&study);
        if line != said {
            output::print(&format!("{} {line}\n", jiff::Timestamp::now().strftime("%H:%M:%SZ")))?;
            said = line;
        }
        if let Some(end) = end(&study) {
            return finish(&study, end);
        }
        study = loop {
            tokio::time::sleep(pause.saturating_mul(1 << failures.min(10)).min(LONGEST.max(pause))).await;
            match cluster.find(&options.study).await {
                Ok(Some(found)) if found.metadata.uid == uid => break found,
                Ok(_) => return Err(Error::Deleted { name: options.study.clone() }),
                Err(error) if Error::is_passing(&error) => {
                    failures += 1;
                    output::complain(&format!("asking again: {}", Error::of("reading the Study", &error)));
                }
                Err(error) => return Err(Error::of("reading the Study", &error)),
            }
        };
        failures = 0;
    }
}

/// How a Study stands, in a line that only changes when the Study does.
fn line(study: &Study) -> String {
    let Some(status) = &study.status else { return "waiting for the operator to look at the Study".to_owned() };
    let mut line = status.state.clone().unwrap_or_else(|| "Pending".to_owned());
    if let Some(progress) = &status.progress {
        let _ = write!(line, "  {progress} trials");
    }
    if let Some(counts) = &status.trials {
        let counts = [
            ("running", counts.running),
            ("pending", counts.pending),
            ("paused", counts.paused),
            ("complete", counts.complete),
            ("stopped", counts.stopped),
            ("failed", counts.failed),
            ("removed", counts.removed),
        ];
        for (word, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let _ = write!(line, "  {count} {word}");
        }
    }
    if let Some(best) = &status.best {
        let metric = study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
        let _ = write!(line, "  best {metric} {} at {} {} ({})", best.value, unit(study), best.level, best.trial_name);
    }
    if let Some(front) = &status.front {
        let _ = write!(line, "  front: {} at {} {}", front.words(), unit(study), front.level);
    }
    for kind in [condition::ACCEPTED, condition::STALLED, condition::FAILED] {
        // Accepted is good when it is true, the others are bad.
        let wrong = if kind == condition::ACCEPTED { "False" } else { "True" };
        if let Some(found) = find(study, kind).filter(|c| c.status == wrong) {
            let _ = write!(line, "  {}: {}", found.reason, found.message);
        }
    }
    line
}

fn finish(study: &Study, end: Exit) -> Result<Exit, Error> {
    if let Some(best) = study.status.as_ref().and_then(|status| status.best.as_ref()) {
        let best = BestAccount {
            trial: best.trial_name.clone(),
            number: best.number,
            level: best.level,
            value: best.value.clone(),
            parameters: best.parameters.clone(),
        };
        let metric = study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
        output::print(&format!("\n{}", best.render(metric, unit(study))))?;
    }
    if let Some(front) = study.status.as_ref().and_then(|status| status.front.as_ref()) {
        output::print(&format!("\n{}", FrontAccount::new(front, &[]).render(unit(study))))?;
    }
    Ok(end)
}
