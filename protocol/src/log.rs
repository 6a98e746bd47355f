//! Reads what a training prints.
//!
//! No framework needs to be named and nothing has to be set up: a [`Parser`] knows the metrics that the study wants, and
//! finds them in `epoch=3 val_accuracy=0.91`, `loss: 0.3`, JSON lines, Python dicts, and what Keras, Lightning, Hugging
//! Face, XGBoost, LightGBM, CatBoost and Ultralytics print.
//!
//! - **Names** are exact, upper and lower case included. In free text they consist of letters, digits and `_ - / . @ '`;
//!   in quotes they may have anything. LightGBM's `valid_0's auc` is found under that name and as `valid_0-auc`, never
//!   as a plain `auc`: that would mix training and validation.
//! - **Fidelity** is the number that the line gives for the key (`epoch` unless the study says otherwise, in any case):
//!   `epoch=3`, `Epoch 3/10`, `Epoch [3/10]`, `'epoch': 3.0`. Without it, the round that XGBoost, LightGBM and CatBoost
//!   begin their lines with; without that, the last one seen. `step` is not taken without being asked for: levels in
//!   epochs would all be passed within the first one. Fidelities stay as they are printed. Lightning and XGBoost count
//!   from 0, so they reach each level one unit late, and a study that minds prints a metric of its own that counts from
//!   1 (`self.log("epochs_done", self.current_epoch + 1.0, prog_bar=True)`) and makes that its key.
//! - **Values** may be NaN or infinite. What could be misread is refused and reported: see [`Why`].
//! - **Progress bars** count when they are full. A full bar that names its fidelity is drawn again when the validation is
//!   done, and shows the last unit's validation until then. So it is reported when the next unit begins, or the log ends.
//! - **Bounds**: 64 KiB a line, 256 values a line, 16 levels of JSON, names of 253 bytes. Reading is linear in the line.

mod bar;
mod number;
mod object;
mod pairs;
mod steps;
mod table;
mod terminal;

use std::collections::BTreeSet;

use crate::lines::{CAP, without_torn_end};
use bar::Bar;
use number::Reading;
use pairs::Name;
use table::Tables;

/// The most values that a line may report.
pub const VALUES: usize = 256;

/// The most levels that an object on a line may have.
pub const DEPTH: usize = 16;

/// The longest name of a metric, in bytes.
pub const NAME_BYTES: usize = 253;

/// The most refusals that are told of a line.
pub const REJECTED: usize = 8;

/// The key that gives a line's fidelity unless the study names another.
pub const DEFAULT_KEY: &str = "epoch";

/// What a study wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The name of the number that says how far the trial is; absent: `epoch`.
    pub fidelity_key: Option<String>,
    /// The metrics' names.
    pub names: BTreeSet<String>,
}

/// A metric's value at a fidelity, as the trial printed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The metric.
    pub metric: String,
    /// How far the trial was; absent while it has not said.
    pub fidelity: Option<f64>,
    /// The value; it may be NaN or infinite.
    pub value: f64,
}

/// Why something that stands where a metric's value belongs was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It is no number, or one that goes on in a way that makes it something else: a fraction, a date, a version.
    NotANumber,
    /// A unit follows without a space, and the next line may have another one.
    Unit,
    /// A comma and more digits follow, which could mean thousands or a list.
    Thousands,
    /// It is on a progress bar that is not full.
    Unfinished,
}

/// A value that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The metric.
    pub metric: String,
    /// The beginning of what stood there.
    pub text: String,
    /// Why it was not taken.
    pub why: Why,
}

/// What a line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineReport {
    /// The values, in the order in which they count. They can belong to a fidelity before the line's own.
    pub reports: Vec<Report>,
    /// What was not taken; the first [`REJECTED`].
    pub rejected: Vec<Rejected>,
    /// Whether the line was too long, or had too many values, and the rest was dropped.
    pub cut: bool,
}

/// What a parser carries from line to line, as plain values that can be stored. A parser that recalls it at the line after
/// goes on as if it had read all lines before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The fidelity last seen.
    pub fidelity: Option<f64>,
    /// What a full progress bar said that may be drawn again.
    pub pending: Vec<Report>,
    /// The columns of Ultralytics' training table.
    pub training_columns: Vec<String>,
    /// The columns of Ultralytics' validation table.
    pub validation_columns: Vec<String>,
}

/// Reads lines, one after the other.
#[derive(Clone, Debug)]
pub struct Parser {
    key: String,
    wanted: Wanted,
    fidelity: Option<f64>,
    pending: Vec<Report>,
    tables: Tables,
}

impl Parser {
    /// A parser at the beginning of a log.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self::recall(metrics, Memory::default())
    }

    /// A parser in the middle of a log.
    #[must_use]
    pub fn recall(metrics: &Metrics, memory: Memory) -> Self {
        Self {
            key: metrics.fidelity_key.clone().unwrap_or_else(|| DEFAULT_KEY.to_owned()),
            wanted: Wanted { names: metrics.names.clone() },
            fidelity: memory.fidelity,
            pending: memory.pending,
            tables: Tables { training: memory.training_columns, validation: memory.validation_columns },
        }
    }

    /// What has to be kept to go on from here.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            fidelity: self.fidelity,
            pending: self.pending.clone(),
            training_columns: self.tables.training.clone(),
            validation_columns: self.tables.validation.clone(),
        }
    }

    /// Reads a line without its newline.
    pub fn parse(&mut self, line: &[u8]) -> LineReport {
        let mut out = LineReport::default();
        let line = match line.get(..CAP) {
            Some(beginning) if line.len() > CAP => {
                out.cut = true;
                without_torn_end(beginning)
            }
            _ => line,
        };
        // What is drawn over is replaced by what it is drawn over with, metric by metric.
        let mut shown: Vec<Report> = Vec::new();
        for frame in terminal::frames(line) {
            let mut found = Found::default();
            let bar = self.read(&frame, &mut found);
            out.cut |= found.cut;
            out.reject(found.rejected);
            let says_fidelity = found.fidelity.is_some();
            if says_fidelity && found.fidelity != self.fidelity {
                out.add(shown.drain(..));
                out.add(self.pending.drain(..));
                self.fidelity = found.fidelity;
            }
            let reports =
                found.values.into_iter().map(|(metric, value)| Report { metric, fidelity: self.fidelity, value });
            match bar {
                Bar::None => replace(&mut shown, reports),
                Bar::Finished if says_fidelity => replace(&mut self.pending, reports),
                Bar::Finished => replace(&mut shown, reports),
                Bar::Unfinished => out.reject(reports.map(|report| Rejected {
                    metric: report.metric,
                    text: report.value.to_string(),
                    why: Why::Unfinished,
                })),
            }
        }
        out.add(shown.into_iter());
        out
    }

    /// The log has ended: gives what was held back.
    pub fn finish(&mut self) -> LineReport {
        let mut out = LineReport::default();
        out.add(self.pending.drain(..));
        out
    }

    /// Reads one frame, and says whether it is on a progress bar.
    fn read(&mut self, frame: &[u8], found: &mut Found) -> Bar {
        let key = self.key.as_bytes();
        if frame.first() == Some(&b'{') {
            let mut on_object = Found::default();
            if let Some(message) = object::read(frame, key, &self.wanted, &mut on_object) {
                *found = on_object;
                if let Some(message) = message.filter(|_| found.values.is_empty()) {
                    found.fidelity = found.fidelity.or_else(|| pairs::labelled(&message, key));
                    pairs::scan(&message, &self.wanted, found);
                }
                return Bar::None;
            }
        }
        let bar = bar::bar(frame);
        if self.tables.read(frame, key, &self.wanted, found) {
            // A row is drawn again only while its bar fills.
            return if bar == Bar::Finished { Bar::None } else { bar };
        }
        found.fidelity = pairs::labelled(frame, key).or_else(|| pairs::leading(frame));
        pairs::scan(frame, &self.wanted, found);
        bar
    }
}

impl LineReport {
    fn add(&mut self, reports: impl Iterator<Item = Report>) {
        for report in reports {
            if self.reports.len() < VALUES {
                self.reports.push(report);
            } else {
                self.cut = true;
            }
        }
    }

    fn reject(&mut self, rejected: impl IntoIterator<Item = Rejected>) {
        let room = REJECTED - self.rejected.len().min(REJECTED);
        self.rejected.extend(rejected.into_iter().take(room));
    }
}

/// Puts new reports in the place of those of the same metrics, and the rest behind.
fn replace(reports: &mut Vec<Report>, newer: impl Iterator<Item = Report>) {
    let newer: Vec<Report> = newer.collect();
    if newer.is_empty() {
        return;
    }
    let metrics: BTreeSet<&str> = newer.iter().map(|report| report.metric.as_str()).collect();
    reports.retain(|report| !metrics.contains(report.metric.as_str()));
    reports.extend(newer.iter().cloned());
    reports.truncate(VALUES);
}

/// The metrics that are wanted.
#[derive(Clone, Debug)]
struct Wanted {
    names: BTreeSet<String>,
}

impl Wanted {
    /// Gives the name to `then` if it is wanted.
    fn exactly(&self, name: &[u8], then: impl FnOnce(&str)) {
        if let Some(name) = std::str::from_utf8(name).ok().and_then(|name| self.names.get(name)) {
            then(name);
        }
    }

    /// Gives each wanted spelling of a printed name to `then`.
    fn each_spelling(&self, name: &Name<'_>, mut then: impl FnMut(&str)) {
        match name.owner {
            None => self.exactly(name.last, then),
            Some(owner) if owner.len() + name.last.len() <= NAME_BYTES => {
                for between in [b"'s ".as_slice(), b"-"] {
                    self.exactly(&[owner, between, name.last].concat(), &mut then);
                }
            }
            Some(_) => {}
        }
    }
}

/// What a frame says.
#[derive(Debug, Default)]
struct Found {
    fidelity: Option<f64>,
    values: Vec<(String, f64)>,
    rejected: Vec<Rejected>,
    cut: bool,
}

impl Found {
    /// Takes what stands where the metric's value belongs.
    fn offer(&mut self, metric: &str, reading: Reading, text: &[u8]) {
        match reading {
            Reading::Number(value, _) if self.values.len() < VALUES => self.values.push((metric.to_owned(), value)),
            Reading::Number(..) => self.cut = true,
            Reading::Refused(why) if self.rejected.len() < REJECTED => {
                self.rejected.push(Rejected { metric: metric.to_owned(), text: beginning(text), why });
            }
            Reading::Refused(_) | Reading::Nothing => {}
        }
    }

    /// As [`Found::offer`], for a text that must be a number as a whole.
    fn offer_whole(&mut self, metric: &str, text: &[u8]) {
        let reading = match (number::whole(text), number::read(text, 0, false)) {
            (Some(value), _) => Reading::Number(value, text.len()),
            (None, refused @ Reading::Refused(_)) => refused,
            (None, Reading::Number(..) | Reading::Nothing) => Reading::Refused(Why::NotANumber),
        };
        self.offer(metric, reading, text);
    }
}

/// The first word of a text, for a message.
fn beginning(text: &[u8]) -> String {
    let text = text.get(..64).unwrap_or(text).trim_ascii_start();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    String::from_utf8_lossy(text.get(..end).unwrap_or_default())
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}

#[cfg(test)]
mod tests;
