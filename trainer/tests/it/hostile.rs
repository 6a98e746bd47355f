//! Files that anything may stand in: good ones altered in many ways, and streams without an end. They are read, or refused by a
//! message that names the file; nothing panics, and no memory is taken for what is not there.

use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;
use trimtab_trainer::data::idx::{self, Open};
use trimtab_trainer::data::raw::{NONE, Raw};
use trimtab_trainer::data::split::{Amount, Scheme, Split};
use trimtab_trainer::data::table::{Options, Task};
use trimtab_trainer::data::{Dataset, Error, Source};

use crate::fixture::header;

/// How often each kind of file is altered.
const TIMES: usize = 1500;

/// Numbers that look random and are always the same (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % count as u64) as usize
    }
}

/// What readers stumble over: sizes, delimiters, numbers that are none, letters of several bytes.
const TOKENS: [&[u8]; 26] = [
    &[0xff; 4],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0; 4],
    &[0, 0, 0, 1],
    &[0, 1, 0, 0],
    &[0x1f, 0x8b],
    b"\"",
    b"\"\"",
    b"\n",
    b"\r\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b"\0",
    b"NaN",
    b"1e999",
    b"-1e308",
    b"1e-308",
    b"inf",
    b"?",
    "é".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\x1b[31m",
    &[b'x'; 5000],
];

/// One of `good`, altered in up to four places, and now and then compressed, whole or cut.
fn altered(dice: &mut Dice, good: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = good[dice.below(good.len())].clone();
    for _ in 0..=dice.below(4) {
        // Headers decide most.
        let range = if dice.below(2) == 0 { bytes.len().min(24) } else { bytes.len() };
        let from = dice.below(range + 1);
        let to = (from + dice.below(20)).min(bytes.len());
        let token = TOKENS[dice.below(TOKENS.len())];
        match dice.below(7) {
            0 => bytes.truncate(from),
            1 if from < bytes.len() => bytes[from] ^= 1 << dice.below(8),
            2 => drop(bytes.splice(from..from, token.iter().copied())),
            3 => drop(bytes.splice(from..(from + token.len()).min(bytes.len()), token.iter().copied())),
            4 => drop(bytes.drain(from..to)),
            5 => {
                let again = bytes[from..to].to_vec();
                drop(bytes.splice(from..from, again));
            }
            _ => {
                let other = &good[dice.below(good.len())];
                bytes.truncate(from);
                bytes.extend_from_slice(&other[from.min(other.len())..]);
            }
        }
    }
    if dice.below(5) == 0 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).unwrap();
        bytes = encoder.finish().unwrap();
        if dice.below(2) == 0 {
            bytes.truncate(dice.below(bytes.len()));
        }
    }
    bytes
}

/// Reads `path` and makes of it what a training makes. Returns whether it could be used.
fn used(path: &Path, options: &Options) -> bool {
    let prepared = || -> Result<(), Error> {
        let source = Source::read(path, options)?;
        let rows = source.rows().count;
        if let Source::Table(table) = &source {
            for column in &table.raw.columns {
                assert_eq!(column.codes.len(), rows);
                assert!(column.codes.iter().all(|&code| code == NONE || (code as usize) < column.texts.len()));
            }
            assert!(table.raw.lines.is_sorted() && table.raw.lines[0] > 1, "{:?}", table.raw.lines);
        }
        let split = Split {
            scheme: Scheme::HoldOut,
            validation: Amount::Share(0.3),
            folds: 2,
            repeats: 1,
            only: None,
            seed: 1,
            train_limit: None,
        };
        let fold = split.folds(&source.rows())?.remove(0);
        let data = Dataset::new(&source, fold, 0)?;
        assert_eq!(data.samples.len(), rows);
        let all: Vec<u32> = (0..rows as u32).collect();
        let inputs = data.samples.inputs(&all, &Device::flex()).into_data();
        assert!(inputs.iter::<f32>().all(|input| (input * input).is_finite()));
        Ok(())
    };
    let Err(error) = prepared() else { return true };
    let said = error.to_string();
    assert!(said.starts_with(&*path.to_string_lossy()) || said.contains(&format!(" {}", path.display())), "{said}");
    assert!(said.len() < 6000 && !said.contains('\u{1b}'), "{} bytes: {said:?}", said.len());
    false
}

#[test]
fn altered_images_are_read_or_refused() {
    let (mut dice, folder) = (Dice(1), TempDir::new().unwrap());
    let mut good = Vec::new();
    for (magic, sizes) in [(0x803, &[12, 3, 4][..]), (0x803, &[12, 1, 1]), (0x801, &[12])] {
        let content: usize = sizes.iter().product();
        let mut bytes = header(magic, sizes);
        bytes.extend((0..content).map(|place| (place * 37 % 5) as u8));
        good.push(bytes);
    }
    let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"].map(|name| folder.path().join(name));
    let mut count = 0;
    for _ in 0..TIMES {
        let [images, labels] = match dice.below(3) {
            0 => [altered(&mut dice, &good), good[2].clone()],
            1 => [good[0].clone(), altered(&mut dice, &good)],
            _ => [altered(&mut dice, &good), altered(&mut dice, &good)],
        };
        fs::write(&names[0], images).unwrap();
        fs::write(&names[1], labels).unwrap();
        count += usize::from(used(folder.path(), &Options::default()));
    }
    assert!((TIMES / 100..TIMES / 2).contains(&count), "{count} of {TIMES} could be used");
}

#[test]
fn altered_tables_are_read_or_refused() {
    let (mut dice, folder) = (Dice(2), TempDir::new().unwrap());
    let rows = |delimiter: &str, end: &str| {
        let rows = (0..14).map(|row| {
            let words = ["red", "\"light, blue\"", ""][row % 3];
            [&format!("{}", row as f64 * 0.7), words, &format!("{}", row % 5), ["no", "yes"][row % 2]].join(delimiter)
                + end
        });
        let names = ["size", "colour", "\"how \"\"many\"\"\"", "sold"].join(delimiter) + end;
        std::iter::once(names).chain(rows).collect::<String>().into_bytes()
    };
    let good = [rows(",", "\n"), rows(";", "\r\n"), rows("\t", "\n"), b"a,b\n1,2\n3,4.5\n5,-7\n8,1e3\n".to_vec()];
    let path = folder.path().join("t.csv");
    let mut count = 0;
    for _ in 0..TIMES {
        fs::write(&path, altered(&mut dice, &good)).unwrap();
        let task = [None, Some(Task::Classification), Some(Task::Regression)][dice.below(3)];
        count += usize::from(used(&path, &Options { task, ..Options::default() }));
    }
    assert!((TIMES / 10..TIMES).contains(&count), "{count} of {TIMES} could be used");
}

/// Bytes again and again.
struct Again(&'static [u8], usize);

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(buffer.len())
    }
}

fn endless(start: &'static [u8], rest: &'static [u8]) -> impl Read {
    Cursor::new(start).chain(Again(rest, 0))
}

/// The most memory that this process had so far, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
#[ignore = "of use in a process of its own, which `what_does_not_end_takes_little_memory` gives it"]
fn what_does_not_end_is_refused() {
    let began = peak();
    let table = |start, rest| {
        let available = Some(8 << 20);
        let error = Raw::parse(Path::new("t.csv"), endless(start, rest), available).unwrap_err().to_string();
        assert!(peak() < began + 150, "{} MiB after {} MiB: {error}", peak(), began);
        error
    };
    let unclosed = "expected a row of at most 4 MiB, found more; is a quotation mark not closed?";
    assert_eq!(table(b"a,b\n\n1,\"", b"never closed\n"), format!("t.csv, line 3: {unclosed}"));
    assert_eq!(table(b"", b"a"), format!("t.csv, line 1: {unclosed}"));
    assert_eq!(table(b"a,b\n1,", b"2,"), format!("t.csv, line 2: {unclosed}"));
    let memory = "t.csv needs about 9 MiB of memory, but only 8 MiB are available to this process";
    assert_eq!(table(b"a,b\n", b",\n"), memory);
    assert_eq!(table(b"a,b\n", b"1234567890,\n1,\n2,\n3,1\n"), memory);

    let open = |start| Open { path: PathBuf::from("f"), reader: endless(start, &[0]), most: u64::MAX };
    let fits = |_: &Path, _: u64| -> Result<(), Error> { Ok(()) };
    let more = |what, bytes| format!("f is too long: its header promises {bytes} bytes of {what}, found more");
    let images = idx::read_images(open(&[0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2]), fits).unwrap_err();
    assert_eq!(images.to_string(), more("images", 36));
    let labels = idx::read_labels(open(&[0, 0, 8, 1, 0, 16, 0, 0]), fits).unwrap_err();
    assert_eq!(labels.to_string(), more("labels", 1 << 20));
    // A header that promises 8 GiB, and nothing behind it.
    let start = [0, 0, 8, 3, 0, 8, 0, 0, 0, 0, 0, 128, 0, 0, 0, 128];
    let short = Open { path: PathBuf::from("f"), reader: Cursor::new(start), most: 16 };
    let images = idx::read_images(short, fits).unwrap_err();
    assert!(images.to_string().starts_with("f is truncated: its header promises 8589934592 bytes"), "{images}");
    assert!(peak() < began + 150, "{} MiB after {began} MiB", peak());
}

#[test]
fn what_does_not_end_takes_little_memory() {
    let name = "hostile::what_does_not_end_is_refused";
    let output = Command::new(std::env::current_exe().unwrap()).args([name, "--exact", "--ignored"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
