//! From columns of text to numbers: what is learnt from the training rows, and how it is applied to any rows.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::raw::{NONE, Raw, RawColumn};

/// The most different texts of a categorical column: each becomes an input.
const MAX_CATEGORIES: usize = 1000;
/// How far from 0 a number may be: sums of so many squares as there may be rows are still numbers.
const FARTHEST: f64 = 1e100;
/// How far an input may be from 0, in deviations: its square is still a number in single precision.
const FARTHEST_INPUT: f64 = 1e18;

/// How a column becomes inputs, learnt from the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// A number: less the mean, divided by the standard deviation. A missing one is the mean.
    Number {
        /// The column's name.
        name: String,
        /// Of the training rows.
        mean: f64,
        /// Of the training rows, or 1 where they are all equal.
        deviation: f64,
        /// Whether a second input says that the value is missing: where training rows lack it.
        indicator: bool,
    },
    /// A text: an input for each that training rows have, 1 for the row's own. Other texts are all zeros.
    Category {
        /// The column's name.
        name: String,
        /// The texts, sorted.
        values: Vec<String>,
        /// Whether one more input says that the value is missing: where training rows lack it.
        indicator: bool,
    },
}

impl Column {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name, .. } | Self::Category { name, .. } => name,
        }
    }

    /// How many inputs it becomes.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Number { indicator, .. } => 1 + usize::from(*indicator),
            Self::Category { values, indicator, .. } => values.len() + usize::from(*indicator),
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let (what, indicator) = match self {
            Self::Number { mean, deviation, indicator, .. } => {
                (format!("number, mean {mean:.4}, deviation {deviation:.4}"), *indicator)
            }
            Self::Category { values, indicator, .. } => (format!("one of {}", values.join(", ")), *indicator),
        };
        if indicator { format!("{what}, or missing") } else { what }
    }

    /// Learns the code of a column of numbers from the training rows.
    #[must_use]
    pub fn of_numbers(name: &str, numbers: &[f64], rows: &[u32]) -> Self {
        let known = rows.iter().map(|&row| numbers[row as usize]).filter(|value| !value.is_nan());
        let (mean, deviation) = moments(known);
        let indicator = rows.iter().any(|&row| numbers[row as usize].is_nan());
        Self::Number { name: name.to_owned(), mean, deviation, indicator }
    }

    /// Learns the code of a column of texts from the training rows.
    #[must_use]
    pub fn of_texts(column: &RawColumn, rows: &[u32]) -> Self {
        let codes: BTreeSet<u32> = rows.iter().map(|&row| column.codes[row as usize]).collect();
        let mut values: Vec<String> =
            codes.iter().filter(|&&code| code != NONE).map(|&code| column.texts[code as usize].clone()).collect();
        values.sort();
        Self::Category { name: column.name.clone(), values, indicator: codes.contains(&NONE) }
    }

    /// Writes the inputs of all rows of `raw` into `inputs`, rows of `stride` numbers, from `offset` on.
    ///
    /// # Errors
    /// If the table lacks the column, or has something else than a number where one is expected.
    pub fn encode(&self, raw: &Raw, inputs: &mut [f32], stride: usize, offset: usize) -> Result<(), Error> {
        let column = raw.column(self.name()).ok_or_else(|| Error::Misfit {
            path: raw.path.clone(),
            expected: format!("a column `{}`", self.name()),
            found: raw.names(),
        })?;
        let places = inputs.chunks_exact_mut(stride).map(|row| &mut row[offset..offset + self.width()]);
        match self {
            Self::Number { mean, deviation, indicator, .. } => {
                for (place, value) in places.zip(numbers(raw, column)?) {
                    let input = ((value - mean) / deviation).clamp(-FARTHEST_INPUT, FARTHEST_INPUT);
                    place[0] = if value.is_nan() { 0.0 } else { input as f32 };
                    if *indicator {
                        place[1] = f32::from(u8::from(value.is_nan()));
                    }
                }
            }
            Self::Category { values, indicator, .. } => {
                let known: HashMap<&str, usize> =
                    values.iter().enumerate().map(|(place, value)| (value.as_str(), place)).collect();
                let input: Vec<Option<usize>> =
                    column.texts.iter().map(|text| known.get(text.as_str()).copied()).collect();
                for (place, &code) in places.zip(&column.codes) {
                    let one = if code == NONE { indicator.then_some(values.len()) } else { input[code as usize] };
                    if let Some(one) = one {
                        place[one] = 1.0;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The column's values as numbers, a missing one as NaN.
///
/// # Errors
/// If one is no number, an infinite one, or too far from 0.
pub fn numbers(raw: &Raw, column: &RawColumn) -> Result<Vec<f64>, Error> {
    let mut parsed = Vec::with_capacity(column.texts.len());
    for (code, text) in column.texts.iter().enumerate() {
        parsed.push(number(text).ok_or_else(|| {
            let line = raw.lines[column.first(code as u32)];
            let (expected, hint) = match text.parse::<f64>() {
                Ok(value) if value.is_finite() => ("a number from -1e100 to 1e100", ""),
                Ok(_) => ("a finite number", ""),
                Err(_) => ("a number", "; a column of texts is named in --categorical"),
            };
            let problem = format!("expected {expected}, found `{}`{hint}", shortened(text));
            Error::Cell { path: raw.path.clone(), line, column: column.name.clone(), problem }
        })?);
    }
    let value = |&code: &u32| if code == NONE { f64::NAN } else { parsed[code as usize] };
    Ok(column.codes.iter().map(value).collect())
}

/// Whether the column is to be read as numbers: if at least half of the rows that have a value have one.
///
/// A column with both is then refused by [`numbers`], which names the text: it is more often a slip than a category.
///
/// # Errors
/// If it has no values, or too many texts to be a category.
pub fn is_numeric(raw: &Raw, column: &RawColumn, categorical: bool) -> Result<bool, Error> {
    let bad = |problem: String| Error::Column { path: raw.path.clone(), column: column.name.clone(), problem };
    if column.texts.is_empty() {
        return Err(bad("expected values, found none in any row; such a column is named in --ignore".to_owned()));
    }
    let numeric: Vec<bool> = column.texts.iter().map(|text| text.parse::<f64>().is_ok()).collect();
    let known = column.codes.iter().filter(|&&code| code != NONE);
    let (all, parsed) =
        known.fold((0, 0), |(all, parsed), &code| (all + 1, parsed + usize::from(numeric[code as usize])));
    if !categorical && 2 * parsed >= all {
        return Ok(true);
    }
    if column.texts.len() > MAX_CATEGORIES {
        let found = column.texts.len();
        return Err(bad(format!(
            "expected at most {MAX_CATEGORIES} different texts, found {found}; a column that only names the rows is named \
             in --ignore"
        )));
    }
    Ok(false)
}

/// A finite number that is not too far from 0.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.abs() <= FARTHEST)
}

/// A cell's text for a message: anyone's text, so that it is kept short and can do nothing to a terminal.
#[must_use]
pub fn shortened(text: &str) -> String {
    let seen = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    let letters = text.chars().map(seen);
    if text.chars().count() <= 40 { letters.collect() } else { letters.take(37).chain("...".chars()).collect() }
}

/// Texts for a message: the first of them.
#[must_use]
pub fn listed(texts: &[String]) -> String {
    let mut shown: Vec<String> = texts.iter().take(20).map(|text| shortened(text)).collect();
    if texts.len() > shown.len() {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

/// Mean and standard deviation; the deviation of equal values is 1, so that it can be divided by.
pub fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (count, sum) = values.clone().fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 {
        return (0.0, 1.0);
    }
    let mean = sum / count as f64;
    let variance = values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / count as f64;
    // What is left of equal values is the rounding of their sum.
    let deviation = variance.sqrt();
    (mean, if deviation > 1e-12 * mean.abs().max(f64::MIN_POSITIVE) { deviation } else { 1.0 })
}
