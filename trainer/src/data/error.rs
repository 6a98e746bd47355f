//! What can be wrong with data: each names the file, where in it, what was expected and what was found.

use std::io;
use std::path::PathBuf;

use super::idx;

/// What can be wrong with a data set.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file in the IDX format.
    #[error(transparent)]
    File(#[from] idx::Error),
    /// There is nothing at the path.
    #[error("{path} does not exist: expected a folder of IDX files, a CSV file, or generated:NAME")]
    Absent {
        /// The path.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No generated problem has this name.
    #[error("`generated:{name}` is no problem: expected one of {expected}, perhaps followed by :ROWS")]
    Generated {
        /// What was asked for.
        name: String,
        /// What there is.
        expected: String,
    },
    /// The data as a whole cannot be used.
    #[error("{path}: {problem}")]
    Whole {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, what was expected.
        problem: String,
    },
    /// A line of a table cannot be used.
    #[error("{path}, line {line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, the header included.
        line: u64,
        /// What is wrong, what was expected.
        problem: String,
    },
    /// A column of a table cannot be used.
    #[error("{path}, column `{column}`: {problem}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column's name.
        column: String,
        /// What is wrong, what was expected.
        problem: String,
    },
    /// A cell of a table cannot be used.
    #[error("{path}, line {line}, column `{column}`: {problem}")]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, the header included.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong, what was expected.
        problem: String,
    },
    /// Images and labels do not belong together.
    #[error("{images} has {images_count} images, but {labels} has {labels_count} labels")]
    Counts {
        /// The file of images.
        images: PathBuf,
        /// How many it has.
        images_count: u64,
        /// The file of labels.
        labels: PathBuf,
        /// How many it has.
        labels_count: u64,
    },
    /// Other data does not fit what the model was trained on.
    #[error("{path} does not fit the training data: expected {expected}, found {found}")]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What the training data has.
        expected: String,
        /// What this data has.
        found: String,
    },
    /// Nothing would be left to train on, or to validate on.
    #[error("{path} has {rows}: {problem}")]
    Split {
        /// The file.
        path: PathBuf,
        /// How much it has, with its unit.
        rows: String,
        /// Why that is not enough.
        problem: String,
    },
    /// The data does not fit into memory.
    #[error("{path} needs about {needed} MiB of memory, but only {available} MiB are available to this process")]
    Memory {
        /// The file.
        path: PathBuf,
        /// What it takes in memory.
        needed: u64,
        /// What the machine or the control group has left.
        available: u64,
    },
}
