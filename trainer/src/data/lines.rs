//! Which line of a file a byte is on: a CSV reader counts records, and skips empty lines without saying so. And it reads a record
//! to its end, which a quotation mark that is never closed puts at the end of the file: so what a record takes is bounded here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

/// The most bytes of a row.
pub const MAX_ROW: u64 = 4 << 20;
/// What may have been read since the beginning of the row before: two rows, and what readers read ahead.
const MAX_AHEAD: u64 = 2 * MAX_ROW + (1 << 20);

/// A row does not end.
#[derive(Debug, thiserror::Error)]
#[error("a row of more than {MAX_ROW} bytes")]
pub struct Endless;

/// Where lines begin: the offset of the first byte of each that is not empty, and its number, counted from 1.
#[derive(Clone, Debug, Default)]
pub struct Lines(Rc<RefCell<VecDeque<(u64, u64)>>>);

impl Lines {
    /// The line of a record that was read from `offset` on; those before it are forgotten.
    #[must_use]
    pub fn of(&self, offset: u64) -> u64 {
        let mut starts = self.0.borrow_mut();
        // Between the end of one record and the beginning of the next there may be empty lines, and the rest of a line's end.
        while starts.front().is_some_and(|&(start, _)| start < offset) {
            starts.pop_front();
        }
        starts.front().map_or(0, |&(_, line)| line)
    }
}

/// A reader that takes note of lines.
#[derive(Debug)]
pub struct Noting<R> {
    reader: R,
    lines: Lines,
    offset: u64,
    line: u64,
    empty: bool,
}

impl<R> Noting<R> {
    /// One that notes in `lines` what `reader` gives.
    pub fn new(reader: R, lines: &Lines) -> Self {
        Self { reader, lines: lines.clone(), offset: 0, line: 1, empty: true }
    }
}

impl<R: Read> Read for Noting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let mut starts = self.lines.0.borrow_mut();
        if starts.front().is_some_and(|&(start, _)| self.offset - start > MAX_AHEAD) {
            return Err(io::Error::other(Endless));
        }
        for &byte in &buffer[..count] {
            if byte == b'\n' {
                self.line += 1;
                self.empty = true;
            } else if self.empty && byte != b'\r' {
                starts.push_back((self.offset, self.line));
                self.empty = false;
            }
            self.offset += 1;
        }
        Ok(count)
    }
}
