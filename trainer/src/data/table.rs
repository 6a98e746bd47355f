//! A table with a target: which columns are inputs, which is what is predicted, and what kind of problem that makes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::{self, Column};
use super::error::Error;
use super::memory;
use super::raw::{NONE, Raw, RawColumn};

/// A target with whole numbers is taken for classes up to so many different ones.
const MAX_GUESSED_CLASSES: usize = 20;
/// The most classes.
const MAX_CLASSES: usize = 1000;

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of several classes.
    Classification,
    /// A number.
    Regression,
}

/// How a table is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The column to predict; the last one if not said.
    pub target: Option<String>,
    /// The kind of problem; guessed from the target if not said.
    pub task: Option<Task>,
    /// Columns that are texts although they look like numbers.
    pub categorical: Vec<String>,
    /// Columns that are no inputs.
    pub ignore: Vec<String>,
}

/// What a table predicts, for each row.
#[derive(Debug)]
pub enum Target {
    /// The names of the classes in order, and each row's.
    Classes {
        /// The names, sorted; as numbers if they are.
        names: Vec<String>,
        /// Each row's class.
        labels: Vec<u32>,
    },
    /// Each row's number.
    Numbers(Vec<f64>),
}

/// A table with a target.
#[derive(Debug)]
pub struct Table {
    /// Its text.
    pub raw: Raw,
    /// The target's name.
    pub target_name: String,
    /// The target.
    pub target: Target,
    /// The columns that are inputs, with their values where they are numbers.
    inputs: Vec<(usize, Option<Vec<f64>>)>,
}

impl Table {
    /// Decides what each column of `raw` is.
    ///
    /// # Errors
    /// If a column is unknown or cannot be used.
    pub fn new(raw: Raw, options: &Options) -> Result<Self, Error> {
        let known = |flag: &str, name: &String| match raw.column(name) {
            Some(_) => Ok(()),
            None => Err(Error::Whole {
                path: raw.path.clone(),
                problem: format!("{flag} names `{name}`, expected one of the columns {}", raw.names()),
            }),
        };
        options.target.iter().try_for_each(|name| known("--target", name))?;
        options.categorical.iter().try_for_each(|name| known("--categorical", name))?;
        options.ignore.iter().try_for_each(|name| known("--ignore", name))?;
        let last = raw.columns.last().map(|column| column.name.clone());
        let target_name = options.target.clone().or(last).unwrap_or_default();
        let mut inputs = Vec::new();
        for (place, column) in raw.columns.iter().enumerate() {
            if column.name == target_name || options.ignore.contains(&column.name) {
                continue;
            }
            let numeric = columns::is_numeric(&raw, column, options.categorical.contains(&column.name))?;
            inputs.push((place, if numeric { Some(columns::numbers(&raw, column)?) } else { None }));
        }
        if inputs.is_empty() {
            let problem = format!("expected columns besides the target `{target_name}`, found none");
            return Err(Error::Whole { path: raw.path, problem });
        }
        let target = match raw.column(&target_name) {
            Some(column) => target(&raw, column, options)?,
            None => Target::Numbers(Vec::new()),
        };
        Ok(Self { target, target_name, inputs, raw })
    }

    /// Learns from the training rows how the columns become inputs.
    #[must_use]
    pub fn learn(&self, rows: &[u32]) -> Vec<Column> {
        let learn = |(place, numbers): &(usize, Option<Vec<f64>>)| {
            let column = &self.raw.columns[*place];
            match numbers {
                Some(numbers) => Column::of_numbers(&column.name, numbers, rows),
                None => Column::of_texts(column, rows),
            }
        };
        self.inputs.iter().map(learn).collect()
    }
}

/// The inputs of all rows of `raw` as `columns` say, row after row.
///
/// # Errors
/// If a column is missing or has other values than it had in training, or if the inputs do not fit into memory.
pub fn encode(raw: &Raw, columns: &[Column]) -> Result<Vec<f32>, Error> {
    let width: usize = columns.iter().map(Column::width).sum();
    // A column of texts is as many inputs as it has texts, so that a small table may become a large one.
    let bytes = (raw.lines.len() as u64).saturating_mul(4 * width as u64);
    memory::require(&raw.path, bytes, memory::available())?;
    let mut inputs = vec![0.0; raw.lines.len() * width];
    let mut offset = 0;
    for column in columns {
        column.encode(raw, &mut inputs, width, offset)?;
        offset += column.width();
    }
    Ok(inputs)
}

/// Refuses a row without target.
fn complete(raw: &Raw, column: &RawColumn) -> Result<(), Error> {
    let Some(row) = column.codes.iter().position(|&code| code == NONE) else {
        return Ok(());
    };
    let problem = "expected the value to predict, found none".to_owned();
    Err(Error::Cell { path: raw.path.clone(), line: raw.lines[row], column: column.name.clone(), problem })
}

/// Each row's class as an index into `names`.
///
/// # Errors
/// If a row has none, or one that is not in `names`.
pub fn labels(raw: &Raw, column: &RawColumn, names: &[String]) -> Result<Vec<u32>, Error> {
    complete(raw, column)?;
    let mut places = Vec::with_capacity(column.texts.len());
    for (code, text) in column.texts.iter().enumerate() {
        let place = names.iter().position(|name| name == text).ok_or_else(|| Error::Cell {
            path: raw.path.clone(),
            line: raw.lines[column.first(code as u32)],
            column: column.name.clone(),
            problem: format!(
                "expected one of the classes {}, found `{}`",
                columns::listed(names),
                columns::shortened(text)
            ),
        })?;
        places.push(place as u32);
    }
    Ok(column.codes.iter().map(|&code| places[code as usize]).collect())
}

/// Each row's number to predict.
///
/// # Errors
/// If a row has none.
pub fn numbers(raw: &Raw, column: &RawColumn) -> Result<Vec<f64>, Error> {
    complete(raw, column)?;
    columns::numbers(raw, column)
}

fn target(raw: &Raw, column: &RawColumn, options: &Options) -> Result<Target, Error> {
    complete(raw, column)?;
    let bad = |problem: String| Error::Column { path: raw.path.clone(), column: column.name.clone(), problem };
    let parsed: Option<Vec<f64>> = column.texts.iter().map(|text| text.parse().ok()).collect();
    let guessed = match &parsed {
        None => Task::Classification,
        Some(values) if values.len() <= MAX_GUESSED_CLASSES && values.iter().all(|value| value.fract() == 0.0) => {
            Task::Classification
        }
        Some(_) => Task::Regression,
    };
    match options.task.unwrap_or(guessed) {
        Task::Regression => {
            let numbers = columns::numbers(raw, column)?;
            if column.texts.len() < 2 {
                let found = columns::shortened(&column.texts[0]);
                return Err(bad(format!("expected different numbers to predict, found only {found}")));
            }
            Ok(Target::Numbers(numbers))
        }
        Task::Classification => {
            let found = column.texts.len();
            if found < 2 {
                let found = columns::shortened(&column.texts[0]);
                return Err(bad(format!("expected at least two classes, found only `{found}`")));
            }
            if found > MAX_CLASSES {
                return Err(bad(format!(
                    "expected at most {MAX_CLASSES} classes, found {found}; numbers are predicted with --task=regression"
                )));
            }
            let mut names = column.texts.clone();
            match parsed {
                Some(_) => {
                    let value = |name: &str| name.parse::<f64>().unwrap_or(f64::NAN);
                    names.sort_by(|left, right| value(left).total_cmp(&value(right)).then_with(|| left.cmp(right)));
                }
                None => names.sort(),
            }
            let labels = labels(raw, column, &names)?;
            Ok(Target::Classes { names, labels })
        }
    }
}

/// Reads and decides in one step.
///
/// # Errors
/// If the file is no table, or a column cannot be used.
pub fn read(path: &Path, options: &Options) -> Result<Table, Error> {
    Table::new(Raw::read(path)?, options)
}
