//! The tables that Ultralytics prints: a header, and rows under it.
//!
//! A training row gives each column under its own name and as `train/<column>`, at the epoch that the row begins with. The
//! validation row for `all` classes gives each column under its own name (that of the first group, boxes, where there are
//! several), as `<group>/<column>`, such as `mask/mAP50-95`, and under the name that Ultralytics' own `results.csv` has,
//! such as `metrics/mAP50-95(B)`.

use super::{Found, Wanted, number, pairs, steps};

/// The most columns that a header may have.
const COLUMNS: usize = 32;

/// The headers that were seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables {
    pub(super) training: Vec<String>,
    pub(super) validation: Vec<String>,
}

impl Tables {
    /// Reads a frame that is a header or a row. Says whether it was one.
    pub(super) fn read(&mut self, frame: &[u8], key: &[u8], wanted: &Wanted, found: &mut Found) -> bool {
        let words: Vec<&[u8]> =
            frame.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(COLUMNS + 1).collect();
        steps::count(frame.len());
        let (Some(first), Some(second)) = (words.first(), words.get(1)) else { return false };
        if *first == b"Epoch" && second.eq_ignore_ascii_case(b"gpu_mem") {
            self.training = header(&words);
            return true;
        }
        if *first == b"Class" && *second == b"Images" || *first == b"classes" && second.starts_with(b"top1_acc") {
            self.validation = header(&words);
            return true;
        }
        if *first == b"all" && !self.validation.is_empty() && words.len() == self.validation.len() {
            self.validation_row(&words, wanted, found);
            return true;
        }
        let is_row = !self.training.is_empty() && words.len() >= self.training.len() && is_memory(second);
        let epoch = if is_row { pairs::fidelity(number::read(first, 0, true)) } else { None };
        let (Some(epoch), true) = (epoch, first.contains(&b'/')) else { return false };
        if key.eq_ignore_ascii_case(b"epoch") {
            found.fidelity = Some(epoch);
        }
        for (column, word) in self.training.iter().zip(&words).skip(2) {
            let value = word.strip_suffix(b":").unwrap_or(word);
            for name in [column.clone(), format!("train/{column}")] {
                wanted.exactly(name.as_bytes(), |spelling| found.offer_whole(spelling, value));
            }
        }
        true
    }

    fn validation_row(&self, words: &[&[u8]], wanted: &Wanted, found: &mut Found) {
        let mut group = "";
        let mut groups = 0;
        for (column, word) in self.validation.iter().zip(words).skip(1) {
            let mut name = column.as_str();
            if let Some((opened, first)) = name.split_once('(') {
                (group, name) = (opened, first);
                groups += 1;
            }
            let closes = name.ends_with(')');
            name = name.trim_end_matches(')');
            let mut names = Vec::new();
            if groups <= 1 {
                names.push(name.to_owned());
            }
            let long = match name {
                "P" => "precision",
                "R" => "recall",
                "top1_acc" => "accuracy_top1",
                "top5_acc" => "accuracy_top5",
                name => name,
            };
            match group.chars().next() {
                Some(letter) => {
                    names.push(format!("{}/{name}", group.to_ascii_lowercase()));
                    names.push(format!("metrics/{long}({letter})"));
                }
                None => names.push(format!("metrics/{long}")),
            }
            for name in names {
                wanted.exactly(name.as_bytes(), |spelling| found.offer_whole(spelling, word));
            }
            if closes {
                group = "";
            }
        }
    }
}

/// The columns of a header: up to the one with a colon, behind which a progress bar may stand.
fn header(words: &[&[u8]]) -> Vec<String> {
    let mut columns = Vec::new();
    for word in words.iter().take(COLUMNS) {
        let name = word.strip_suffix(b":").unwrap_or(word);
        columns.push(String::from_utf8_lossy(name.get(..64).unwrap_or(name)).into_owned());
        if name.len() < word.len() {
            break;
        }
    }
    columns
}

/// Whether a word is an amount of memory, such as `2.1G` or `0G`.
fn is_memory(word: &[u8]) -> bool {
    let digits = word.strip_suffix(b"G").unwrap_or(word);
    !digits.is_empty() && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}
