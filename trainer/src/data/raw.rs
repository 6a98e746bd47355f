//! Reads a CSV table as text: a header, rows of equal length, each column's different texts kept once.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use flate2::read::MultiGzDecoder;

use super::error::Error;
use super::lines::{Endless, Lines, MAX_ROW, Noting};
use super::memory;

/// The most bytes of a table, decompressed.
const MAX_BYTES: u64 = 8 << 30;
/// The most columns of a table.
const MAX_COLUMNS: usize = 10_000;
/// The most characters of a column's name.
const MAX_NAME: usize = 200;
/// What a cell takes: a code of 4 bytes, and once it is a number 8 more and 4 for the model.
const CELL: u64 = 16;
/// What a text takes besides its letters, which are there twice.
const TEXT: u64 = 100;
/// What stands for a value that is not known, besides an empty cell. Cells are compared without surrounding blanks.
const MISSING: [&str; 9] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "?"];
/// The code of a missing value.
pub const NONE: u32 = u32::MAX;

/// A table of text.
#[derive(Debug)]
pub struct Raw {
    /// The file that it comes from.
    pub path: PathBuf,
    /// Its columns, in their order.
    pub columns: Vec<RawColumn>,
    /// The line of each row, counted from 1; the header is a line too.
    pub lines: Vec<u64>,
}

/// A column of text.
#[derive(Debug)]
pub struct RawColumn {
    /// Its header.
    pub name: String,
    /// The different texts, in the order in which they appear.
    pub texts: Vec<String>,
    /// Which of them each row has, or [`NONE`].
    pub codes: Vec<u32>,
}

impl RawColumn {
    /// The first row that has the text of `code`.
    #[must_use]
    pub fn first(&self, code: u32) -> usize {
        self.codes.iter().position(|&found| found == code).unwrap_or_default()
    }
}

impl Raw {
    /// Reads the CSV file at `path`, plain or compressed with gzip.
    ///
    /// # Errors
    /// If it cannot be read or is no table.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let compressed = file.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
        // Of four letters a cell, and text shrinks to about a quarter.
        let available = memory::available();
        memory::require(path, size.saturating_mul(if compressed { CELL } else { CELL / 4 }), available)?;
        if compressed {
            Self::parse(path, MultiGzDecoder::new(file), available)
        } else {
            Self::parse(path, file, available)
        }
    }

    /// Reads a table from `reader`; `path` is for messages. What it takes must be within `available` bytes, if there is a bound: a
    /// file's size says little, as a compressed one may become a thousand times as long.
    ///
    /// # Errors
    /// If it cannot be read, is no table or does not fit.
    pub fn parse(path: &Path, reader: impl Read, available: Option<u64>) -> Result<Self, Error> {
        let mut reader = BufReader::with_capacity(1 << 16, reader.take(MAX_BYTES + 1));
        let delimiter = delimiter(reader.fill_buf().map_err(|source| read_error(path, source))?);
        let lines = Lines::default();
        let reader = Noting::new(reader, &lines);
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(reader);
        let mut record = ByteRecord::new();
        let mut table = Self { path: path.to_owned(), columns: Vec::new(), lines: Vec::new() };
        let mut codes: Vec<HashMap<String, u32>> = Vec::new();
        let mut needed = 0;
        loop {
            let read = reader.read_byte_record(&mut record);
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            if !read.map_err(|error| csv_error(path, line, error))? {
                break;
            }
            if table.columns.is_empty() {
                table.columns = header(path, &record)?;
                codes = vec![HashMap::new(); table.columns.len()];
                continue;
            }
            needed += table.row(&record, line, &mut codes)?;
            memory::require(path, needed, available)?;
        }
        let whole = |problem: &str| Error::Whole { path: path.to_owned(), problem: problem.to_owned() };
        if table.columns.is_empty() {
            return Err(whole("expected a header and rows, found an empty file"));
        }
        if table.lines.is_empty() {
            return Err(whole("expected rows after the header, found none"));
        }
        if reader.position().byte() > MAX_BYTES {
            return Err(whole("is larger than 8 GiB"));
        }
        Ok(table)
    }

    /// Appends a row, and says how many bytes it takes.
    fn row(&mut self, record: &ByteRecord, line: u64, codes: &mut [HashMap<String, u32>]) -> Result<u64, Error> {
        let (expected, found) = (self.columns.len(), record.len());
        let mut bytes = found as u64 * CELL;
        if expected != found {
            let problem = format!("expected {expected} cells as in the header, found {found}");
            return Err(Error::Line { path: self.path.clone(), line, problem });
        }
        for ((column, codes), cell) in self.columns.iter_mut().zip(codes).zip(record) {
            let text = std::str::from_utf8(cell).map_err(|_| Error::Cell {
                path: self.path.clone(),
                line,
                column: column.name.clone(),
                problem: "expected text in UTF-8, found other bytes".to_owned(),
            })?;
            let text = text.trim();
            let code = if text.is_empty() || MISSING.contains(&text) {
                NONE
            } else if let Some(&code) = codes.get(text) {
                code
            } else {
                let code = column.texts.len() as u32;
                bytes += 2 * text.len() as u64 + TEXT;
                column.texts.push(text.to_owned());
                codes.insert(text.to_owned(), code);
                code
            };
            column.codes.push(code);
        }
        self.lines.push(line);
        Ok(bytes)
    }

    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&RawColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The names of the columns, for messages.
    #[must_use]
    pub fn names(&self) -> String {
        let mut names: Vec<_> = self.columns.iter().take(20).map(|column| column.name.as_str()).collect();
        if self.columns.len() > names.len() {
            names.push("...");
        }
        names.join(", ")
    }
}

/// The columns that the first record names.
fn header(path: &Path, record: &ByteRecord) -> Result<Vec<RawColumn>, Error> {
    let bad = |problem: String| Error::Line { path: path.to_owned(), line: 1, problem };
    if record.len() > MAX_COLUMNS {
        return Err(bad(format!("expected at most {MAX_COLUMNS} columns, found {}", record.len())));
    }
    let mut columns: Vec<RawColumn> = Vec::new();
    for (place, name) in record.iter().enumerate() {
        // Spreadsheets write a byte order mark.
        let name = if place == 0 { name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) } else { name };
        let is_text = |name: &&str| name.chars().all(|letter| !letter.is_control() || letter.is_ascii_whitespace());
        let name = std::str::from_utf8(name).map(str::trim).ok().filter(is_text);
        let name = name.ok_or_else(|| bad("expected a header of text in UTF-8, found other bytes".to_owned()))?;
        let letters = name.chars().count();
        if letters > MAX_NAME {
            let column = place + 1;
            return Err(bad(format!(
                "expected names of at most {MAX_NAME} characters, found {letters} in column {column}"
            )));
        }
        if name.is_empty() {
            return Err(bad(format!("expected a name for each column, found none for column {}", place + 1)));
        }
        if columns.iter().any(|column| column.name == name) {
            return Err(bad(format!("expected different names, found two columns `{name}`")));
        }
        columns.push(RawColumn { name: name.to_owned(), texts: Vec::new(), codes: Vec::new() });
    }
    Ok(columns)
}

/// The delimiter that the first line has most of; a comma where there is none.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    // The last of equal ones is taken.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

fn read_error(path: &Path, source: io::Error) -> Error {
    // The decompressor calls a file that ends too early by the same name as a plain one.
    if source.kind() == io::ErrorKind::UnexpectedEof {
        let problem = "is truncated: the compressed data ends too early".to_owned();
        return Error::Whole { path: path.to_owned(), problem };
    }
    Error::Read { path: path.to_owned(), source }
}

fn csv_error(path: &Path, line: u64, error: csv::Error) -> Error {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(source)
            if source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Endless>) =>
        {
            let most = MAX_ROW >> 20;
            let problem = format!("expected a row of at most {most} MiB, found more; is a quotation mark not closed?");
            Error::Line { path: path.to_owned(), line, problem }
        }
        csv::ErrorKind::Io(source) => read_error(path, source),
        _ => Error::Whole { path: path.to_owned(), problem: text },
    }
}
