//! How a session begins: the journal is read or made, what a killed session left is put in order, and the Study's changes are
//! taken.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use trimtab_api::Study;
use trimtab_api::ending::{Class, class};
use trimtab_api::record::{self, Scale};
use trimtab_engine::{Held, Verdict};
use trimtab_protocol::Metrics;

use super::{Ledger, warm};
use crate::book::{self, Book};
use crate::error::Error;
use crate::folder::Folder;
use crate::identity;
use crate::journal::{FORMAT, Journal, Record};
use crate::judge::Ended;
use crate::notice::Notice;
use crate::output::Output;
use crate::request;
use crate::supervisor::Ending;

/// How long a supervisor whose session is gone may take to end its run.
const ORPHANS: Duration = Duration::from_secs(5);

impl Ledger {
    /// Opens the study in a folder, or begins it there. Without `keeps`, nothing is read or written.
    ///
    /// # Errors
    /// When the Study is not valid or is another one than the folder's, when somebody else works on it, or when the journal is
    /// damaged.
    pub(crate) fn open(
        study: &Study,
        folder: Folder,
        keeps: bool,
        program: &[String],
        directory: &Path,
    ) -> Result<Self, Error> {
        let mut notices = Vec::new();
        let (mut journal, mut records) = (None, Vec::new());
        if keeps {
            std::fs::create_dir_all(folder.root()).map_err(Error::file("make", folder.root()))?;
            let (opened, held, cut) = Journal::open(&folder.journal())?;
            request::take(&folder);
            if let Some(cut) = cut {
                let words = format!(
                    "the journal ended in {} bytes that were no whole record: cut off, as after a crash; {} records are whole",
                    cut.bytes, cut.records
                );
                notices.push(Notice::Warning(words));
            }
            (journal, records) = (Some(opened), held);
        }
        if records.is_empty() {
            let begin = first(study, program, directory)?;
            // A study that cannot begin as it says leaves no record, so that what it says can be mended.
            warm::copy(&Book::fold(&folder.journal(), vec![begin.clone()])?, &folder)?;
            journal.as_mut().map_or(Ok(()), |journal| journal.append(&begin))?;
            records.push(begin);
        }
        let mut book = Book::fold(&folder.journal(), records)?;
        if let Some(field) = book::difference(&book.study.spec, &study.spec) {
            return Err(Error::Changed { folder: folder.root().to_owned(), field });
        }
        if book::changeable(&book.study.spec) != book::changeable(&study.spec) {
            journal.as_mut().map_or(Ok(()), |journal| journal.append(&Record::spec(study)))?;
            book.change(study)?;
        }
        if let Some(copied) = warm::copy(&book, &folder)? {
            let record = Record::Warm { copied: Box::new(copied.clone()) };
            journal.as_mut().map_or(Ok(()), |journal| journal.append(&record))?;
            notices.push(Notice::Warm(copied.message.clone()));
            book.begin_with(copied);
        }
        let open: BTreeSet<u32> = book
            .trials
            .iter()
            .filter(|trial| {
                let status = trial.status.as_ref();
                let is_resting = status.is_some_and(|s| s.rested_level >= Some(trial.spec.target_level));
                status.is_none_or(|s| s.outcome.is_none()) && (!is_resting || trial.spec.stop.is_some())
            })
            .map(|trial| trial.spec.number)
            .collect();
        let is_unable = book
            .trials
            .iter()
            .filter_map(|t| t.status.as_ref()?.outcome.as_ref())
            .any(|outcome| class(&outcome.reason) == Class::NeverStarts);
        let mut ledger = Self {
            before: book.history.active_seconds,
            best: book.best(),
            front: book.front(),
            held: Held::new(&book.plan, &book.history),
            book,
            journal,
            folder,
            open,
            standing: Verdict::Running,
            is_dirty: true,
            notices,
            is_unable,
            began: Instant::now(),
        };
        ledger.put_in_order()?;
        ledger.clear()?;
        Ok(ledger)
    }

    /// What the study wants to know of a program's output.
    pub(crate) fn metrics(&self) -> Metrics {
        let spec = &self.book.study.spec;
        let log = spec.trial.metrics.as_ref().and_then(|metrics| metrics.log.as_ref());
        let names = spec.metrics().into_iter().collect();
        Metrics { fidelity_key: log.and_then(|log| log.fidelity_key.clone()), names }
    }

    /// Ends what a killed session left running, and gives its runs the end that they came to.
    fn put_in_order(&mut self) -> Result<(), Error> {
        let left: Vec<u32> = self
            .book
            .trials
            .iter()
            .filter(|trial| trial.status.as_ref().and_then(|s| s.runs.last()).is_some_and(|run| run.end.is_none()))
            .map(|trial| trial.spec.number)
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        // A supervisor whose session is gone ends its run by itself, and writes down how it ended, so it is waited for.
        let deadline = Instant::now() + ORPHANS;
        let mine: Vec<_> = left.iter().filter_map(|n| self.book.processes.get(n)).map(|(_, id)| id.clone()).collect();
        while mine.iter().any(identity::Identity::is_alive) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        mine.iter().for_each(identity::Identity::kill);
        let mark = format!("{}/", self.book.study.metadata.uid.as_deref().unwrap_or_default());
        let killed = identity::kill_marked(&mark, &self.folder.trials());
        let words = format!(
            "the last session was killed: {} of its runs go on from where they were{}",
            left.len(),
            if killed > 0 { format!("; {killed} processes that it left were ended") } else { String::new() }
        );
        self.notices.push(Notice::Warning(words));
        for number in left {
            self.adopt_end(number)?;
        }
        Ok(())
    }

    /// Removes what a session would have removed that was killed behind the end of a run, and what a copy waited for when its donor's
    /// run ended.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        let numbers: Vec<u32> = self.book.trials.iter().map(|trial| trial.spec.number).collect();
        for number in numbers {
            self.clean_up(number)?;
        }
        Ok(())
    }

    /// A run that a killed session left: its output is read again, and it has the end that its supervisor wrote down.
    fn adopt_end(&mut self, number: u32) -> Result<(), Error> {
        let Some(mut status) = self.book.trial(number).and_then(|trial| trial.status.clone()) else { return Ok(()) };
        let Some(index) = status.runs.len().checked_sub(1) else { return Ok(()) };
        let Some(run) = status.runs.get(index).map(|run| run.number) else { return Ok(()) };
        let folder = self.folder.run(number, run);
        let mut reports = Vec::new();
        // A session that was killed between the intent and the process has no output.
        if let Ok(output) = Output::open(&folder.output(), &self.metrics()) {
            output.finish(&mut reports).map_err(Error::file("read", &folder.output()))?;
        }
        record::record(&mut status, index, Scale { plan: &self.book.plan }, &reports);
        let ending = Ending::read(&folder.end());
        let seconds = ending.as_ref().map_or_else(|| written_for(&folder.output()), |e| e.milliseconds / 1000);
        let ended = Ended { ending, wanted: None, short_of_memory: false, is_orphan: true };
        self.end_run(number, status, ended, seconds)?;
        Ok(())
    }
}

/// Seconds between the first and the last that was written to a file: how long a run took at least whose supervisor ended with it.
fn written_for(output: &Path) -> u64 {
    let span = |file: Metadata| file.modified().ok()?.duration_since(file.created().ok()?).ok();
    std::fs::metadata(output).ok().and_then(span).map_or(0, |span| span.as_secs())
}

/// The first record of a new study.
fn first(study: &Study, program: &[String], directory: &Path) -> Result<Record, Error> {
    let mut study = study.clone();
    // What a file says of how it stood elsewhere is no record: `import` takes that.
    study.status = None;
    // On a cluster the API server gives the UID, and a study without a seed gets its seed from it.
    study.metadata.uid.get_or_insert(random_uid()?);
    let directory = directory.to_owned();
    Ok(Record::Begin { format: FORMAT, study: Box::new(study), directory, program: program.to_vec() })
}

/// A random UUID (RFC 9562, version 4).
fn random_uid() -> Result<String, Error> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).map_err(Error::file("read", path))?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0xc << 60) | (0x4 << 76) | (0x8 << 60);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_has_its_version_and_is_random() {
        let (one, other) = (random_uid().unwrap(), random_uid().unwrap());
        assert_ne!(one, other);
        let bytes = one.as_bytes();
        assert_eq!((one.len(), bytes[14], bytes[8], bytes[13]), (36, b'4', b'-', b'-'));
        assert!(b"89ab".contains(&bytes[19]), "{one}");
    }
}
