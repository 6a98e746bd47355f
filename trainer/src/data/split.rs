//! Which rows are trained on and which validated on: hold-out, k-fold, leave-one-out, each by class or not, and repeated.

use std::path::Path;

use super::error::Error;
use crate::random::{Purpose, Stream};

/// The most parts that one run trains side by side: each has a network of its own.
const MAX_PARTS: usize = 1000;
/// Images held out if nothing is said.
const DEFAULT_IMAGES: usize = 10_000;
/// The share of a table's rows that is held out if nothing is said.
const DEFAULT_SHARE: f64 = 0.2;

/// A way to divide rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Some rows are held out.
    HoldOut,
    /// Some rows are held out, of each class its share.
    Stratified,
    /// Each of k parts is held out once.
    KFold,
    /// Each of k parts is held out once, and each has of each class its share.
    StratifiedKFold,
    /// Each row is held out once.
    LeaveOneOut,
}

impl Scheme {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("hold-out", Self::HoldOut),
        ("stratified", Self::Stratified),
        ("k-fold", Self::KFold),
        ("stratified-k-fold", Self::StratifiedKFold),
        ("leave-one-out", Self::LeaveOneOut),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, scheme)| *scheme == self).map_or("unknown", |(name, _)| name)
    }
}

/// How many rows are held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// 10,000 images, or a fifth of a table.
    Default,
    /// So many.
    Count(usize),
    /// This share of all.
    Share(f64),
}

/// How the rows are divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The way.
    pub scheme: Scheme,
    /// Rows held out, for the schemes that hold out some.
    pub validation: Amount,
    /// The number of parts, for the schemes with parts.
    pub folds: usize,
    /// How often the whole is done, each time divided anew.
    pub repeats: usize,
    /// Train only this one of all folds and repeats, counted from 1.
    pub only: Option<usize>,
    /// Decides which rows; it is not the trial's seed, so that all trials are judged on the same rows.
    pub seed: u64,
    /// At most this many rows to train on.
    pub train_limit: Option<usize>,
}

/// One division of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Which of all it is, counted from 0.
    pub number: usize,
    /// The rows to train on, in the order that the seed decides.
    pub train: Vec<u32>,
    /// The rows to validate on.
    pub validation: Vec<u32>,
}

/// What is divided.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The file, for messages.
    pub path: &'a Path,
    /// What a row is called: `images` or `rows`.
    pub unit: &'static str,
    /// How many there are.
    pub count: usize,
    /// Each row's class, if there are classes.
    pub labels: Option<&'a [u32]>,
}

impl Split {
    /// Divides `rows`.
    ///
    /// # Errors
    /// If there are too few of them.
    pub fn folds(&self, rows: &Rows<'_>) -> Result<Vec<Fold>, Error> {
        let parts = match self.scheme {
            Scheme::HoldOut | Scheme::Stratified => 1,
            Scheme::KFold | Scheme::StratifiedKFold => self.folds,
            Scheme::LeaveOneOut => rows.count,
        };
        let single = matches!(self.scheme, Scheme::HoldOut | Scheme::Stratified);
        let all = parts * self.repeats;
        let numbers = match self.only {
            // A hold-out can be repeated without end.
            Some(only) if single || only <= all => only - 1..only,
            Some(only) => {
                return Err(rows.error(format!(
                    "{} of {parts} parts, {} times, has no part {only}",
                    self.scheme.name(),
                    self.repeats
                )));
            }
            None if all > MAX_PARTS => {
                return Err(rows.error(format!(
                    "{} makes {all} parts, but a run trains at most {MAX_PARTS} side by side",
                    self.scheme.name()
                )));
            }
            None => 0..all,
        };
        numbers.map(|number| self.fold(rows, number, parts)).collect()
    }

    fn fold(&self, rows: &Rows<'_>, number: usize, parts: usize) -> Result<Fold, Error> {
        let (repeat, part) = (number / parts, number % parts);
        let mut order: Vec<u32> = (0..rows.count as u32).collect();
        Stream::new(self.seed, Purpose::Split, [repeat as u32, 0, 0]).shuffle(&mut order);
        let held_out = match self.scheme {
            Scheme::HoldOut => spread(rows.count, self.validation(rows)?),
            Scheme::Stratified => by_class(rows, &order, self.validation(rows)?)?,
            Scheme::KFold => {
                if parts > rows.count {
                    return Err(rows.error(format!("{parts} folds need at least {parts}")));
                }
                let (from, to) = (part * rows.count / parts, (part + 1) * rows.count / parts);
                (0..rows.count).map(|place| (from..to).contains(&place)).collect()
            }
            Scheme::StratifiedKFold => dealt(rows, &order, part, parts)?,
            Scheme::LeaveOneOut => {
                if rows.count < 2 {
                    return Err(rows.error("leave-one-out needs at least 2".to_owned()));
                }
                // The rows' own order, so that part k leaves out row k.
                order.sort_unstable();
                (0..rows.count).map(|place| place == part).collect()
            }
        };
        let pick = |wanted: bool| {
            let places = order.iter().zip(&held_out).filter(|&(_, &held_out)| held_out == wanted);
            places.map(|(&row, _)| row).collect::<Vec<u32>>()
        };
        let mut train = pick(false);
        train.truncate(self.train_limit.unwrap_or(train.len()));
        Ok(Fold { number, train, validation: pick(true) })
    }

    /// The number of rows to hold out: at least one, and not all.
    fn validation(&self, rows: &Rows<'_>) -> Result<usize, Error> {
        let count = match self.validation {
            Amount::Default if rows.unit == "images" => DEFAULT_IMAGES,
            Amount::Default => (rows.count as f64 * DEFAULT_SHARE).round() as usize,
            Amount::Count(count) => count,
            Amount::Share(share) => (rows.count as f64 * share).round() as usize,
        };
        if count >= rows.count {
            return Err(rows.error(format!("{count} of them for validation leaves none to train on")));
        }
        if count == 0 {
            return Err(rows.error("this share of them is none to validate on".to_owned()));
        }
        Ok(count)
    }
}

impl Rows<'_> {
    fn error(&self, problem: String) -> Error {
        Error::Split { path: self.path.to_owned(), rows: format!("{} {}", self.count, self.unit), problem }
    }

    fn labels(&self) -> Result<&[u32], Error> {
        self.labels
            .ok_or_else(|| self.error("a stratified division needs classes, but the target is a number".to_owned()))
    }
}

/// The first `validation` places.
fn spread(count: usize, validation: usize) -> Vec<bool> {
    (0..count).map(|place| place < validation).collect()
}

/// `validation` places, of each class its share; what is left of rounding goes to the classes with the largest remainder.
fn by_class(rows: &Rows<'_>, order: &[u32], validation: usize) -> Result<Vec<bool>, Error> {
    let labels = rows.labels()?;
    let sizes = sizes(labels);
    // In whole numbers: the share of a class is size * validation / count.
    let mut wanted: Vec<usize> = sizes.iter().map(|size| size * validation / rows.count).collect();
    let mut classes: Vec<usize> = (0..sizes.len()).collect();
    classes.sort_by_key(|&class| (std::cmp::Reverse(sizes[class] * validation % rows.count), class));
    let missing = validation - wanted.iter().sum::<usize>();
    for &class in classes.iter().take(missing) {
        wanted[class] += 1;
    }
    Ok(order
        .iter()
        .map(|&row| {
            let left = &mut wanted[labels[row as usize] as usize];
            let held_out = *left > 0;
            *left -= usize::from(held_out);
            held_out
        })
        .collect())
}

/// The places of part `part`, when each class is dealt out to all parts in turn.
fn dealt(rows: &Rows<'_>, order: &[u32], part: usize, parts: usize) -> Result<Vec<bool>, Error> {
    let labels = rows.labels()?;
    let sizes = sizes(labels);
    if let Some((class, size)) = sizes.iter().enumerate().find(|&(_, &size)| size > 0 && size < parts) {
        return Err(rows.error(format!("class {class} has only {size}: {parts} stratified folds need {parts} of each")));
    }
    // Each class begins where the one before it ended, so that the parts differ by one row at most.
    let mut next: Vec<usize> = sizes.iter().scan(0, |sum, &size| Some(std::mem::replace(sum, *sum + size))).collect();
    Ok(order
        .iter()
        .map(|&row| {
            let next = &mut next[labels[row as usize] as usize];
            *next += 1;
            (*next - 1) % parts == part
        })
        .collect())
}

/// The number of rows of each class.
fn sizes(labels: &[u32]) -> Vec<usize> {
    let mut sizes = vec![0; labels.iter().max().map_or(0, |&label| label as usize + 1)];
    for &label in labels {
        sizes[label as usize] += 1;
    }
    sizes
}
