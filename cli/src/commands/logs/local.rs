//! What processes of this machine have printed: files that grow.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use trimtab_local::identity::Identity;
use trimtab_local::{Book, Folder};

use super::{Options, Wanted, choose};
use crate::Exit;
use crate::error::Error;

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes that are read in one go.
const PIECE: usize = 64 << 10;
/// A line that is longer is printed in parts.
const LONGEST: usize = 1 << 20;

/// A file that is read on.
struct Reader {
    wanted: Wanted,
    path: PathBuf,
    file: File,
    line: Vec<u8>,
    /// Bytes of the middle of a long output that are not there any more.
    missing: u64,
    process: Option<Identity>,
}

/// Prints the outputs of a local study.
pub(super) fn print(options: &Options, folder: &Folder) -> Result<Exit, Error> {
    let book = Book::read(folder)?;
    let wanted = choose(options, &book.trials, |_| true)?;
    if wanted.is_empty() {
        return Ok(Exit::No);
    }
    let mut readers = Vec::new();
    for wanted in wanted {
        let path = folder.run(wanted.trial, wanted.run).output();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            // On record, and its process is only being made.
            Err(error) if error.kind() == ErrorKind::NotFound && options.trial.is_none() => continue,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let words = format!("run {} of trial {} ran elsewhere, or was removed", wanted.run, wanted.trial);
                return Err(Error::NoOutput(words));
            }
            Err(error) => return Err(failed(&path, error)),
        };
        if let Some(lines) = options.lines() {
            skip(&mut file, lines).map_err(|error| failed(&path, error))?;
        }
        let process = book.processes.get(&wanted.trial).filter(|(run, _)| *run == wanted.run);
        let process = process.map(|(_, identity)| identity.clone());
        readers.push(Reader { wanted, path, file, line: Vec::new(), missing: 0, process });
    }
    loop {
        let mut is_over = true;
        for reader in &mut readers {
            // Asked before the file is read: what was printed by then is in it.
            let is_alive = options.follow && reader.process.as_ref().is_some_and(Identity::is_alive);
            reader.read(!is_alive)?;
            is_over &= !is_alive;
        }
        if is_over {
            return Ok(Exit::Yes);
        }
        std::thread::sleep(LOOK);
    }
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::Read { file: path.display().to_string(), error }
}

/// Goes to where the last lines begin.
fn skip(file: &mut File, lines: usize) -> std::io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let (mut at, mut left) = (end, lines);
    let mut buffer = vec![0; PIECE];
    while at > 0 {
        let count = usize::try_from(at).unwrap_or(PIECE).min(PIECE);
        at -= count as u64;
        file.seek(SeekFrom::Start(at))?;
        let piece = buffer.get_mut(..count).unwrap_or_default();
        file.read_exact(piece)?;
        for (place, _) in piece.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let behind = at + place as u64 + 1;
            // A newline at the very end ends the last line and begins none.
            if left == 0 || (left == 1 && behind < end) {
                file.seek(SeekFrom::Start(behind))?;
                return Ok(());
            }
            left -= usize::from(behind < end);
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

impl Reader {
    /// Prints what is new. What is no whole line yet waits, unless nothing follows.
    fn read(&mut self, is_last: bool) -> Result<(), Error> {
        let mut buffer = vec![0; PIECE];
        loop {
            let count = self.file.read(&mut buffer).map_err(|error| failed(&self.path, error))?;
            if count == 0 {
                break;
            }
            let piece = buffer.get(..count).unwrap_or_default();
            // The middle of a long output is given back to the disk, and reads as zeros.
            if piece.iter().all(|byte| *byte == 0) {
                self.missing += count as u64;
                continue;
            }
            self.tell_missing()?;
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                self.line.extend_from_slice(part);
                if part.ends_with(b"\n") || self.line.len() >= LONGEST {
                    self.flush()?;
                }
            }
        }
        if is_last {
            self.tell_missing()?;
            if !self.line.is_empty() {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn tell_missing(&mut self) -> Result<(), Error> {
        let missing = std::mem::take(&mut self.missing);
        if missing >= PIECE as u64 {
            let words = format!("[{missing} bytes that were read are not kept]\n");
            self.wanted.print(words.as_bytes())?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.wanted.print(&std::mem::take(&mut self.line))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_lines_begin_where_they_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let long = "x".repeat(PIECE);
        for (text, lines, expected) in [
            ("a\nb\nc\n", 2, "b\nc\n".to_owned()),
            ("a\nb\nc", 1, "c".to_owned()),
            ("a\nb\n", 0, String::new()),
            ("a\n", 5, "a\n".to_owned()),
            ("", 5, String::new()),
            (&format!("a\n{long}\nb\n"), 2, format!("{long}\nb\n")),
        ] {
            File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            let mut file = File::open(&path).unwrap();
            skip(&mut file, lines).unwrap();
            let mut rest = String::new();
            file.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, expected, "{} of {}", lines, text.len());
        }
    }
}
