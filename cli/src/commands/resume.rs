//! `trimtab resume`: a study that was suspended or stopped goes on. In a cluster the operator is told; on this machine this process
//! works on it, as `run` does.

use std::time::{Duration, Instant};

use clap::Args;
use trimtab_api::wish::{self, Wish};
use trimtab_local::request::{self, Reply};
use trimtab_local::{Book, Folder};

use super::run::{self, Work};
use crate::asking::Asking;
use crate::error::Error;
use crate::{Exit, record};

/// Which study, and what it may have.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    work: Work,
    /// The program to run instead of the container's image, as with `run`; left out: the one that the study was begun with.
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

/// Lets the study go on.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    match record::local(&options.asking.study) {
        Some(folder) => resume(options, &folder),
        None => options.asking.ask(Wish::Resume),
    }
}

fn resume(options: &Options, folder: &Folder) -> Result<Exit, Error> {
    let asking = &options.asking;
    let book = Book::read(folder)?;
    let is_held = book.study.spec.suspend || wish::is_stopped(&book.study);
    let deadline = Instant::now() + asking.patience();
    // Whoever was told to suspend it may still be ending its runs.
    while !request::is_free(folder)? {
        if !is_held {
            return asking.tell(Wish::Resume, &Reply::Already);
        }
        if Instant::now() >= deadline {
            return asking.tell(Wish::Resume, &Reply::Stopping(Book::read(folder)?.counts().running));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let book = Book::read(folder)?;
    if let Some((state, reason, _)) = &book.pause
        && (state == "Complete" || state == "Failed")
        && !is_held
    {
        return asking.tell(Wish::Resume, &Reply::Ended(state.clone(), reason.clone()));
    }
    let mut study = book.study.clone();
    wish::carry_out(&mut study, Wish::Resume, book.history.active_seconds);
    run::work(&study, folder, &options.work, &options.program)
}
