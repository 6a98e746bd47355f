//! The data that a run trains and validates on: read, divided, prepared by what its training part teaches, and made into
//! batches.

pub mod columns;
pub mod error;
pub mod generated;
pub mod idx;
pub mod images;
pub mod lines;
pub mod memory;
pub mod raw;
pub mod samples;
pub mod split;
pub mod table;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use error::Error;
use images::Images;
use raw::Raw;
pub use samples::{Samples, Targets};
use split::{Fold, Rows};
use table::{Options, Table, Target};

use columns::Column;

/// Data as it was read.
#[derive(Debug)]
pub enum Source {
    /// Images of the MNIST family.
    Images(Images),
    /// A table.
    Table(Box<Table>),
}

/// What the training part teaches about how data becomes numbers. Other data is prepared by it: nothing is learnt from what a
/// model is judged on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// Channels, height and width of a sample; a row of a table is one line of one channel.
    pub shape: [usize; 3],
    /// How the inputs are made.
    pub inputs: Inputs,
    /// What is predicted.
    pub target: Prediction,
}

/// How inputs are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    /// Pixels, less their mean, divided by their deviation.
    Pixels {
        /// Of the training images.
        mean: f64,
        /// Of the training images.
        deviation: f64,
    },
    /// Columns of a table.
    Columns(Vec<Column>),
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// A class.
    Classes {
        /// The column of a table.
        column: Option<String>,
        /// The classes' names, in the order of the outputs.
        names: Vec<String>,
    },
    /// A number, which the model learns less its mean, divided by its deviation.
    Number {
        /// The column.
        column: String,
        /// Of the training rows.
        mean: f64,
        /// Of the training rows.
        deviation: f64,
    },
}

impl Preparation {
    /// The numbers that the model gets for a sample.
    #[must_use]
    pub fn width(&self) -> usize {
        // The numbers may come from a file, and anything may stand there.
        self.shape.iter().fold(1, |product: usize, &side| product.saturating_mul(side))
    }

    /// The numbers that the model gives for a sample.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match &self.target {
            Prediction::Classes { names, .. } => names.len(),
            Prediction::Number { .. } => 1,
        }
    }
}

/// What makes two runs train on the same data; kept in checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Rows to train on.
    pub train: usize,
    /// Rows held out for validation.
    pub validation: usize,
    /// Which fold or repeat, counted from 0.
    pub fold: usize,
    /// The seed of the split.
    pub split_seed: u64,
    /// Numbers that the model gets for a sample.
    pub inputs: usize,
    /// Numbers that it gives.
    pub outputs: usize,
    /// A checksum of the training rows, in their order.
    pub checksum: u32,
}

/// One division of the data, prepared.
#[derive(Debug)]
pub struct Dataset {
    /// What it is made of.
    pub identity: Identity,
    /// What its training part taught.
    pub preparation: Preparation,
    /// All rows.
    pub samples: Samples,
    /// The rows to train on.
    pub train: Vec<u32>,
    /// The rows to validate on.
    pub validation: Vec<u32>,
}

impl Source {
    /// Reads what is at `path`: a folder of IDX files, a CSV file, or a generated problem.
    ///
    /// # Errors
    /// If there is nothing, or it cannot be used.
    pub fn read(path: &Path, options: &Options) -> Result<Self, Error> {
        if let Some(raw) = table_at(path)? {
            return Ok(Self::Table(Box::new(Table::new(raw, options)?)));
        }
        let images = Images::read(path, "train")?;
        images.require_classes()?;
        Ok(Self::Images(images))
    }

    /// What is divided into folds.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        match self {
            Self::Images(images) => {
                Rows { path: &images.path, unit: "images", count: images.labels.len(), labels: Some(&images.labels) }
            }
            Self::Table(table) => {
                let labels = match &table.target {
                    Target::Classes { labels, .. } => Some(labels.as_slice()),
                    Target::Numbers(_) => None,
                };
                Rows { path: &table.raw.path, unit: "rows", count: table.raw.lines.len(), labels }
            }
        }
    }

    /// Learns from the training rows how the data becomes numbers.
    #[must_use]
    pub fn prepare(&self, train: &[u32]) -> Preparation {
        match self {
            Self::Images(images) => {
                let (mean, deviation) = images.moments(train);
                let names = (0..images.classes).map(|class| class.to_string()).collect();
                Preparation {
                    shape: [1, images.size[0], images.size[1]],
                    inputs: Inputs::Pixels { mean, deviation },
                    target: Prediction::Classes { column: None, names },
                }
            }
            Self::Table(table) => {
                let columns = table.learn(train);
                let target = match &table.target {
                    Target::Classes { names, .. } => {
                        Prediction::Classes { column: Some(table.target_name.clone()), names: names.clone() }
                    }
                    Target::Numbers(numbers) => {
                        let (mean, deviation) = columns::moments(train.iter().map(|&row| numbers[row as usize]));
                        Prediction::Number { column: table.target_name.clone(), mean, deviation }
                    }
                };
                let width = columns.iter().map(Column::width).sum();
                Preparation { shape: [1, 1, width], inputs: Inputs::Columns(columns), target }
            }
        }
    }

    /// All rows as `preparation` says, which was learnt from some of them.
    ///
    /// # Errors
    /// If it was learnt from other data.
    pub fn encode(&self, preparation: &Preparation) -> Result<Samples, Error> {
        match self {
            Self::Images(images) => Samples::of_images(images, preparation),
            Self::Table(table) => Samples::of_table(&table.raw, preparation, true),
        }
    }
}

impl Dataset {
    /// The data of one fold.
    ///
    /// # Errors
    /// If it cannot be prepared.
    pub fn new(source: &Source, fold: Fold, split_seed: u64) -> Result<Self, Error> {
        let preparation = source.prepare(&fold.train);
        let samples = source.encode(&preparation)?;
        let identity = Identity {
            train: fold.train.len(),
            validation: fold.validation.len(),
            fold: fold.number,
            split_seed,
            inputs: preparation.width(),
            outputs: preparation.outputs(),
            checksum: samples.checksum(&fold.train),
        };
        Ok(Self { identity, preparation, samples, train: fold.train, validation: fold.validation })
    }
}

/// Reads data that a model was not trained on, as `preparation` says: a table, or the test files of a folder. With `target`,
/// what is to be predicted must be there too.
///
/// # Errors
/// If there is nothing, or it does not fit.
pub fn read_other(path: &Path, preparation: &Preparation, target: bool) -> Result<(Samples, Option<Raw>), Error> {
    if let Some(raw) = table_at(path)? {
        return Ok((Samples::of_table(&raw, preparation, target)?, Some(raw)));
    }
    let images = Images::read(path, "t10k")?;
    Ok((Samples::of_images(&images, preparation)?, None))
}

/// The table at `path`, or nothing if it is a folder.
fn table_at(path: &Path) -> Result<Option<Raw>, Error> {
    if let Some(name) = path.to_str().and_then(|path| path.strip_prefix(generated::PREFIX)) {
        return Ok(Some(generated::table(name)?));
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(None),
        Ok(_) => Ok(Some(Raw::read(path)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::Absent { path: path.to_owned() }),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}
