//! Reads what a run prints while it prints it, and keeps the file within bounds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nix::fcntl::{FallocateFlags, fallocate};
use trimtab_protocol::{Lines, Metrics, Parser, Report};

/// Bytes at the beginning and at the end of a long output that are kept.
const HEAD: u64 = 1 << 20;
const TAIL: u64 = 32 << 20;
/// The most that is read in one go, so that one run which prints without end does not keep the others waiting.
const PIECE: usize = 4 << 20;

/// A run's output, read as it grows.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    lines: Lines,
    parser: Parser,
    read: u64,
    punched: u64,
}

impl Output {
    /// Reads from the beginning: a report that is read again changes nothing.
    pub(crate) fn open(path: &Path, metrics: &Metrics) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Self { file, lines: Lines::plain(), parser: Parser::new(metrics), read: 0, punched: HEAD })
    }

    /// Reads a piece; says whether there may be more.
    pub(crate) fn read(&mut self, reports: &mut Vec<Report>) -> io::Result<bool> {
        let mut buffer = vec![0_u8; 64 << 10];
        let mut taken = 0;
        while taken < PIECE {
            let count = self.file.read(&mut buffer)?;
            if count == 0 {
                self.punch();
                return Ok(false);
            }
            let Self { lines, parser, .. } = self;
            lines.push(buffer.get(..count).unwrap_or_default(), |line| reports.extend(parser.parse(line.text).reports));
            taken += count;
            self.read += count as u64;
        }
        self.punch();
        Ok(true)
    }

    /// The run has ended: reads all that is left, and what was held back.
    pub(crate) fn finish(mut self, reports: &mut Vec<Report>) -> io::Result<()> {
        while self.read(reports)? {}
        let Self { mut lines, mut parser, .. } = self;
        lines.finish(|line| reports.extend(parser.parse(line.text).reports));
        reports.extend(parser.finish().reports);
        Ok(())
    }

    /// Gives the middle of a long output that was read back to the file system. Places in the file stay what they are.
    fn punch(&mut self) {
        let until = self.read.saturating_sub(TAIL);
        // In large steps: it is a call for each, and the disk is only to be kept from filling up.
        if until < self.punched + TAIL {
            return;
        }
        let (Ok(from), Ok(length)) = (i64::try_from(self.punched), i64::try_from(until - self.punched)) else { return };
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        // A file system that cannot do it keeps all.
        let _ = fallocate(&self.file, flags, from, length);
        self.punched = until;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn metrics() -> Metrics {
        Metrics { fidelity_key: None, names: ["loss".to_owned()].into() }
    }

    #[test]
    fn what_grows_is_read_once_and_a_last_line_without_newline_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut writer = File::create(&path).unwrap();
        let mut output = Output::open(&path, &metrics()).unwrap();
        let mut reports = Vec::new();
        writer.write_all(b"epoch=1 loss=0.5\nepoch=2 lo").unwrap();
        assert!(!output.read(&mut reports).unwrap());
        assert_eq!(reports.len(), 1);
        writer.write_all(b"ss=0.25").unwrap();
        output.read(&mut reports).unwrap();
        assert_eq!(reports.len(), 1);
        output.finish(&mut reports).unwrap();
        assert_eq!(reports.iter().map(|r| r.value).collect::<Vec<_>>(), [0.5, 0.25]);
    }

    #[test]
    fn a_long_output_is_read_whole_and_takes_bounded_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut writer = File::create(&path).unwrap();
        let noise = vec![b'x'; 1 << 20];
        let mut output = Output::open(&path, &metrics()).unwrap();
        let mut reports = Vec::new();
        for unit in 1..=160 {
            writer.write_all(&noise).unwrap();
            writeln!(writer, "\nepoch={unit} loss=0.5").unwrap();
            while output.read(&mut reports).unwrap() {}
        }
        output.finish(&mut reports).unwrap();
        assert_eq!(reports.len(), 160);
        let metadata = std::fs::metadata(&path).unwrap();
        assert!(metadata.len() > 160 << 20);
        // Not every file system can give a part of a file back; those that can, must.
        let room = metadata.blocks() * 512;
        assert!(room < 100 << 20 || room >= metadata.len(), "{room} bytes of {}", metadata.len());
    }
}
