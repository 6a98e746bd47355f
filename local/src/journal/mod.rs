//! The journal of a study: append-only, checksummed, locked by the one who writes.
//!
//! What may be lost: a `kill -9` of the program loses nothing that was appended, because appended bytes are the kernel's. When
//! the machine itself goes down, up to [`GROUP`] of records and the time of one flush may be missing, always from the end: a record is
//! never there without all before it. Nothing outside of the machine depends on a record, and the processes that were
//! started after it went down with it; so what is missing is done again.

mod frame;
mod record;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub use record::{FORMAT, Record};

use crate::error::Error;

/// How long records are gathered before they are flushed to the disk together.
pub const GROUP: Duration = Duration::from_millis(100);

/// A torn end that was cut off, or passed over by a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes that were no whole record.
    pub bytes: u64,
    /// Whole records before them.
    pub records: usize,
}

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    sum: u32,
    length: u64,
    flusher: Option<(Sender<()>, JoinHandle<()>)>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

/// The records of a journal, for who only reads. A torn end is passed over: somebody may just be writing it.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub fn read(path: &Path) -> Result<(Vec<Record>, Option<Cut>), Error> {
    let bytes = std::fs::read(path).map_err(Error::journal(path))?;
    let (records, cut, ..) = parse(path, &bytes)?;
    Ok((records, cut))
}

/// How often, and how far apart, a lock that somebody has is asked for.
const ATTEMPTS: u32 = 100;
const APART: Duration = Duration::from_millis(5);

/// Takes a lock. A child that was forked and runs no program of its own yet has its parent's lock a moment longer than the parent
/// itself, so that who finds it taken asks again for half a second.
fn lock(path: &Path, attempt: impl Fn() -> Result<(), TryLockError>) -> Result<(), Error> {
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(APART),
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", path)(error)),
            Ok(()) => return Ok(()),
        }
    }
    Err(Error::InUse { path: path.to_owned() })
}

/// The records of a journal that nobody writes now.
///
/// # Errors
/// When somebody writes it, when it cannot be read, or is damaged.
pub fn read_at_rest(path: &Path) -> Result<Vec<Record>, Error> {
    let mut file = File::open(path).map_err(Error::journal(path))?;
    lock(path, || file.try_lock_shared())?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Error::file("read", path))?;
    Ok(parse(path, &bytes)?.0)
}

type Parsed = (Vec<Record>, Option<Cut>, u32, u64);

fn parse(path: &Path, bytes: &[u8]) -> Result<Parsed, Error> {
    let frames = frame::decode(bytes);
    let corrupt = |line: usize, offset: usize, what: String| Error::Corrupt {
        path: path.to_owned(),
        line,
        offset: offset as u64,
        what,
    };
    if let Some((line, offset)) = frames.damage {
        return Err(corrupt(line, offset, "its checksum does not fit".to_owned()));
    }
    let mut records = Vec::with_capacity(frames.lines.len());
    for line in &frames.lines {
        if line.number == 1 {
            check_format(path, line.json)?;
        }
        let record = serde_json::from_slice(line.json).map_err(|error| {
            corrupt(line.number, line.offset, format!("its checksum fits and it is no record: {error}"))
        })?;
        records.push(record);
    }
    let (end, total) = (frames.end as u64, bytes.len() as u64);
    let cut = (end < total).then_some(Cut { bytes: total - end, records: records.len() });
    Ok((records, cut, frames.sum, end))
}

/// A newer format may have records that cannot be read, and that is no damage.
fn check_format(path: &Path, json: &[u8]) -> Result<(), Error> {
    let value: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
    let found = value.get("format").and_then(serde_json::Value::as_u64).and_then(|f| u32::try_from(f).ok());
    match found {
        Some(found) if found > FORMAT => Err(Error::Format { path: path.to_owned(), found, known: FORMAT }),
        _ => Ok(()),
    }
}

impl Journal {
    /// Opens a journal for writing, or makes one, and returns what it holds. A torn end is cut off.
    ///
    /// # Errors
    /// When somebody else writes it, when it is damaged, or when the file system refuses.
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>, Option<Cut>), Error> {
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::file("open", path))?;
        lock(path, || file.try_lock())?;
        if is_new && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            // Without that a machine that crashes may keep what is in the journal and forget that there is one.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file("flush", folder))?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file("read", path))?;
        let (records, cut, sum, length) = parse(path, &bytes)?;
        if cut.is_some() {
            file.set_len(length).map_err(Error::file("cut the torn end of", path))?;
        }
        file.seek(SeekFrom::Start(length)).map_err(Error::file("read", path))?;
        let failure = Arc::new(Mutex::new(None));
        let copy = file.try_clone().map_err(Error::file("open", path))?;
        let flusher = Some(flusher(copy, Arc::clone(&failure)));
        Ok((Self { file, path: path.to_owned(), sum, length, flusher, failure }, records, cut))
    }

    /// Appends a record. It survives the end of this process at once, and that of the machine after the next flush.
    ///
    /// # Errors
    /// When the disk refuses, now or at the last flush. The journal then ends with the record before.
    pub fn append(&mut self, record: &Record) -> Result<(), Error> {
        if let Some(error) = self.failure.lock().ok().and_then(|mut held| held.take()) {
            return Err(Error::file("flush", &self.path)(error));
        }
        let json = serde_json::to_string(record).map_err(|error| Error::file("write", &self.path)(error.into()))?;
        let (line, sum) = frame::encode(self.sum, &json);
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // What a full disk took of the line is a torn end; whether it can be cut now makes no difference later.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(Error::file("write", &self.path)(error));
        }
        self.sum = sum;
        self.length += line.len() as u64;
        if let Some((wake, _)) = &self.flusher {
            // It ends with the journal only.
            let _ = wake.send(());
        }
        Ok(())
    }

    /// Flushes everything to the disk before it returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::file("flush", &self.path))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some((wake, thread)) = self.flusher.take() {
            drop(wake);
            let _ = thread.join();
        }
        let _ = self.file.sync_data();
    }
}

/// A thread that flushes what was appended, at most once a [`GROUP`], so that nobody waits for the disk.
fn flusher(file: File, failure: Arc<Mutex<Option<io::Error>>>) -> (Sender<()>, JoinHandle<()>) {
    let (wake, woken) = channel::<()>();
    let thread = std::thread::spawn(move || {
        while woken.recv().is_ok() {
            let deadline = std::time::Instant::now() + GROUP;
            let mut is_over = false;
            while let Some(left) = deadline.checked_duration_since(std::time::Instant::now()) {
                if let Err(std::sync::mpsc::RecvTimeoutError::Disconnected) = woken.recv_timeout(left) {
                    is_over = true;
                    break;
                }
            }
            if let Err(error) = file.sync_data()
                && let Ok(mut held) = failure.lock()
            {
                held.get_or_insert(error);
            }
            if is_over {
                return;
            }
        }
    });
    (wake, thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(number: u64) -> Record {
        Record::Pause { active_seconds: number, state: "Suspended".into(), reason: "x".into(), message: "é\n".into() }
    }

    #[test]
    fn records_come_back_and_a_torn_end_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, records, cut) = Journal::open(&path).unwrap();
        assert_eq!((records, cut), (vec![], None));
        journal.append(&pause(1)).unwrap();
        journal.append(&pause(2)).unwrap();
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"0123abcd {\"record\":\"pau").unwrap();
        drop(file);
        assert_eq!(read(&path).unwrap().1, Some(Cut { bytes: 23, records: 2 }));
        let (mut journal, records, cut) = Journal::open(&path).unwrap();
        assert_eq!((records, cut), (vec![pause(1), pause(2)], Some(Cut { bytes: 23, records: 2 })));
        journal.append(&pause(3)).unwrap();
        drop(journal);
        assert_eq!(read(&path).unwrap(), (vec![pause(1), pause(2), pause(3)], None));
    }

    #[test]
    fn two_writers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let first = Journal::open(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::InUse { .. })));
        drop(first);
        assert!(Journal::open(&path).is_ok());
    }

    #[test]
    fn damage_inside_says_where_and_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, ..) = Journal::open(&path).unwrap();
        (0..4).for_each(|n| journal.append(&pause(n)).unwrap());
        drop(journal);
        let mut bytes = std::fs::read(&path).unwrap();
        let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
        bytes[second + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let error = Journal::open(&path).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { line: 2, offset, .. } if *offset == second as u64), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn a_newer_format_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (line, _) = frame::encode(0, r#"{"record":"begin","format":99,"new":true}"#);
        std::fs::write(&path, line).unwrap();
        assert!(matches!(read(&path), Err(Error::Format { found: 99, known: FORMAT, .. })));
    }
}
