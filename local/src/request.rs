//! What a study is asked from outside while somebody may be working on it.
//!
//! Whoever asks takes the journal's lock. Who gets it knows that nobody works on the study, and writes what was asked into the journal
//! itself. Who does not get it leaves a file in the study's folder, whole or not at all. The session looks for it ten times a second; it
//! puts what was asked on record in its journal, and removes the file after that. So:
//!
//! - A file that is gone was taken by a session or removed by one that began since; the journal says which, and who still waits asks
//!   again.
//! - A session that ends without having looked gives the lock back, and the one who waits for it writes the journal.
//! - A session removes what it finds when it begins: that was asked of another one, and to begin is the newer word.
//! - Who asked may be killed at any moment: it was asked or it was not.

use std::fs;
use std::time::{Duration, Instant};

use trimtab_api::conditions::{reason, study as condition};
use trimtab_api::wish::{self, Wish};
use trimtab_engine::VerdictReason;

use crate::book::Book;
use crate::error::Error;
use crate::folder::Folder;
use crate::identity;
use crate::journal::{Journal, Record};

/// How often who waits looks.
const LOOK: Duration = Duration::from_millis(50);

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is as asked, and nothing runs.
    Done,
    /// It was so before.
    Already,
    /// The study has ended: its state, and the reason.
    Ended(String, String),
    /// It is on record or was asked, and this many runs had not ended when patience did.
    Stopping(u32),
}

/// Asks a study to suspend or to stop, and waits until nothing of it runs. To resume is to begin a session.
///
/// # Errors
/// When there is no such study, or its journal cannot be read or written.
pub fn ask(folder: &Folder, wish: Wish, patience: Duration) -> Result<Reply, Error> {
    // Opening for writing would make one.
    fs::metadata(folder.journal()).map_err(Error::journal(&folder.journal()))?;
    let deadline = Instant::now() + patience;
    let (mut is_asked, mut is_recorded) = (false, false);
    loop {
        match Journal::open(&folder.journal()) {
            Ok((journal, records, _)) => {
                let book = Book::fold(&folder.journal(), records)?;
                return settle(folder, journal, book, wish, is_asked);
            }
            Err(Error::InUse { .. }) => {}
            Err(error) => return Err(error),
        }
        if !is_recorded && !folder.request().exists() {
            is_recorded = is_so(&Book::read(folder)?, wish);
            if !is_recorded {
                put(folder, wish)?;
            }
            is_asked = true;
        }
        if Instant::now() >= deadline {
            return Ok(Reply::Stopping(Book::read(folder)?.counts().running));
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether nobody works on a study.
///
/// # Errors
/// When there is no such study, or its journal cannot be read.
pub fn is_free(folder: &Folder) -> Result<bool, Error> {
    fs::metadata(folder.journal()).map_err(Error::journal(&folder.journal()))?;
    match Journal::open(&folder.journal()) {
        Ok(_) => Ok(true),
        Err(Error::InUse { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Nobody works on the study.
fn settle(folder: &Folder, mut journal: Journal, mut book: Book, wish: Wish, is_asked: bool) -> Result<Reply, Error> {
    take(folder);
    let state = book.pause.as_ref().map(|(state, reason, _)| (state.clone(), reason.clone()));
    match (state, wish) {
        (Some((state, _)), Wish::Suspend) if state == condition::SUSPENDED => {
            return Ok(if is_asked { Reply::Done } else { Reply::Already });
        }
        (Some((state, reason)), _) if state != condition::SUSPENDED => {
            return Ok(if is_asked && is_so(&book, wish) { Reply::Done } else { Reply::Ended(state, reason) });
        }
        _ => {}
    }
    // What a killed session may have left.
    identity::kill_marked(&format!("{}/", book.study.metadata.uid.as_deref().unwrap_or_default()), &folder.trials());
    let active_seconds = book.history.active_seconds;
    record(&mut book, &mut journal, wish, active_seconds)?;
    let (state, reason) = match wish {
        Wish::Stop => (condition::COMPLETE, VerdictReason::ActiveSecondsReached.as_str()),
        Wish::Suspend | Wish::Resume => (condition::SUSPENDED, reason::SUSPENDED),
    };
    let (state, reason) = (state.to_owned(), reason.to_owned());
    journal.append(&Record::Pause { active_seconds, state, reason, message: String::new() })?;
    journal.flush()?;
    Ok(Reply::Done)
}

/// Whether a study's spec is as it was asked.
fn is_so(book: &Book, wish: Wish) -> bool {
    match wish {
        Wish::Suspend => book.study.spec.suspend,
        Wish::Stop => wish::is_stopped(&book.study),
        Wish::Resume => !book.study.spec.suspend && !wish::is_stopped(&book.study),
    }
}

/// Puts what was asked on record, and takes it.
pub(crate) fn record(book: &mut Book, journal: &mut Journal, wish: Wish, active_seconds: u64) -> Result<(), Error> {
    let mut study = book.study.clone();
    wish::carry_out(&mut study, wish, active_seconds);
    journal.append(&Record::spec(&study))?;
    book.change(&study)?;
    journal.flush()
}

/// What is asked of whoever works on the study. What cannot be read is nothing that this program asked, and is removed.
pub(crate) fn pending(folder: &Folder) -> Option<Wish> {
    let bytes = fs::read(folder.request()).ok()?;
    let wish = serde_json::from_slice(&bytes).ok();
    if wish.is_none() {
        take(folder);
    }
    wish
}

/// Removes what was asked.
pub(crate) fn take(folder: &Folder) {
    // It is there or it is not; what cannot be removed is asked again and changes nothing.
    let _ = fs::remove_file(folder.request());
}

fn put(folder: &Folder, wish: Wish) -> Result<(), Error> {
    let path = folder.request();
    let draft = path.with_extension(std::process::id().to_string());
    let text = serde_json::to_vec(&wish).map_err(|error| Error::file("write", &path)(error.into()))?;
    fs::write(&draft, text).and_then(|()| fs::rename(&draft, &path)).map_err(Error::file("write", &path))
}
