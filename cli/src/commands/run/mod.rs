//! `trimtab run`: a Study on this machine, to its end.

mod bars;
mod lines;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use trimtab_api::Study;
use trimtab_api::wish;
use trimtab_local::slots::find_gpus;
use trimtab_local::{Book, End, Folder, Launcher, Observer, Session, interrupts};

use super::report;
use crate::account::{BestAccount, FrontAccount, unit};
use crate::check;
use crate::error::Error;
use crate::home::Home;
use crate::record::Record;
use crate::{Exit, output};

use bars::Bars;
use lines::Lines;

/// What to run, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's file; `-` is standard input. Run again, it goes on where it was; limits, parallelism, target and suspend may have
    /// changed.
    file: PathBuf,
    /// The program to run instead of the container's image: alone it stands for the image's entrypoint, and the container's args
    /// follow; with arguments it replaces them.
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
    #[command(flatten)]
    home: Home,
    /// How many trials run at once, instead of what the Study says.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    parallelism: Option<u32>,
    #[command(flatten)]
    work: Work,
}

/// How a study is worked on.
#[derive(Debug, Default, Args)]
pub(crate) struct Work {
    /// The GPUs that trials may have, as in CUDA_VISIBLE_DEVICES; left out: all that are found.
    #[arg(long, value_name = "NUMBERS")]
    gpus: Option<String>,
    /// Write the study's report into this file when the work ends, also when the study only rests.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Works on a Study until it ends or is interrupted.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let Some(mut study) = check::one(&options.file)? else { return Ok(Exit::No) };
    if let Some(parallelism) = options.parallelism {
        study.spec.parallelism = parallelism;
    }
    let name = study.metadata.name.clone().unwrap_or_default();
    work(&study, &options.home.of(&name), &options.work, &options.program)
}

/// Works on a Study in its folder. Without a program it is the one that the study was begun with, or the container's.
pub(crate) fn work(study: &Study, folder: &Folder, how: &Work, program: &[String]) -> Result<Exit, Error> {
    let here = |error| Error::Read { file: ".".to_owned(), error };
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
    let session = trimtab_local::Options {
        folder: folder.clone(),
        program: program.to_vec(),
        directory: std::env::current_dir().map_err(here)?,
        launcher: Launcher { program: std::env::current_exe().map_err(here)?, arguments: vec!["supervise".to_owned()] },
        gpus: find_gpus(how.gpus.as_deref().or(visible.as_deref())),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        interrupts: interrupts::count().map_err(here)?,
    };
    let mut session = Session::begin(study, session)?;
    let mut observer: Box<dyn Observer> =
        if std::io::stderr().is_terminal() { Box::new(Bars::new()) } else { Box::new(Lines::new()) };
    let end = session.work(&mut *observer);
    drop(observer);
    let shown = folder.root().display().to_string();
    let end = end?;
    let exit = finish(session.book(), &shown, &end)?;
    if let Some(file) = &how.report {
        report::write_into(file, &Record::of(session.book()))?;
        output::complain(&format!("the report is in {}", file.display()));
    }
    Ok(exit)
}

/// Says how it ended, and what is best.
fn finish(book: &Book, folder: &str, end: &End) -> Result<Exit, Error> {
    let metric = book.study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
    if let Some(best) = book.best() {
        let best = BestAccount {
            trial: best.trial_name,
            number: best.number,
            level: best.level,
            value: best.value,
            parameters: best.parameters,
        };
        output::print(&best.render(metric, unit(&book.study)))?;
    }
    if let Some(front) = book.front() {
        output::print(&FrontAccount::new(&front, &book.trials).render(unit(&book.study)))?;
    }
    let counts = book.counts();
    let word = match end {
        End::Complete(_) if wish::is_stopped(&book.study) => "stopped; `trimtab resume` takes that back".to_owned(),
        End::Complete(why) => format!("complete ({why})"),
        End::Failed(why, words) if words.is_empty() => format!("failed ({why})"),
        End::Failed(why, words) => format!("failed ({why}): {words}"),
        End::Suspended => "suspended; run it again to go on".to_owned(),
    };
    output::complain(&format!(
        "{word}: {} trials, {} complete, {} stopped, {} failed, {} waiting; in {folder}",
        book.trials.len(),
        counts.complete,
        counts.stopped,
        counts.failed,
        counts.paused + counts.pending + counts.running
    ));
    Ok(match end {
        End::Complete(_) => Exit::Yes,
        End::Failed(..) => Exit::No,
        End::Suspended => Exit::Paused,
    })
}
