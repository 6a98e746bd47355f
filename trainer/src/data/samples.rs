//! Rows as the model sees them, and the batches that are made of them.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::error::Error;
use super::images::Images;
use super::raw::Raw;
use super::table;
use super::{Inputs, Prediction, Preparation};

/// Rows, prepared.
#[derive(Debug)]
pub struct Samples {
    width: usize,
    features: Features,
    targets: Targets,
}

/// What the model gets.
#[derive(Debug)]
enum Features {
    /// Bytes, and the number that each of the 256 values stands for. The bytes are shared by all folds.
    Bytes { bytes: Arc<Vec<u8>>, scale: Vec<f32> },
    /// Numbers, row after row.
    Numbers(Vec<f32>),
}

/// What the model is to give.
#[derive(Clone, Debug)]
pub enum Targets {
    /// Nobody knows.
    Unknown,
    /// Each row's class.
    Classes(Arc<Vec<u32>>),
    /// Each row's number, as it is in the table.
    Numbers(Arc<Vec<f64>>),
}

impl Samples {
    /// The images as `preparation` says.
    ///
    /// # Errors
    /// If it was learnt from images of another size, of fewer classes, or from a table.
    pub fn of_images(images: &Images, preparation: &Preparation) -> Result<Self, Error> {
        let misfit = |path: &std::path::Path, expected: String, found: String| {
            Err(Error::Misfit { path: path.to_owned(), expected, found })
        };
        let (Inputs::Pixels { mean, deviation }, Prediction::Classes { names, .. }) =
            (&preparation.inputs, &preparation.target)
        else {
            return misfit(&images.path, "a table".to_owned(), "images".to_owned());
        };
        let [_, height, width] = preparation.shape;
        if images.size != [height, width] {
            let found = format!("{} x {}", images.size[0], images.size[1]);
            return misfit(&images.path, format!("images of {height} x {width} pixels"), found);
        }
        if let Some(label) = images.labels.iter().find(|&&label| label as usize >= names.len()) {
            return misfit(&images.labels_path, format!("labels below {}", names.len()), label.to_string());
        }
        Ok(Self {
            width: images.pixels(),
            features: Features::Bytes {
                bytes: Arc::clone(&images.bytes),
                scale: (0..=255).map(|pixel| ((f64::from(pixel) - mean) / deviation) as f32).collect(),
            },
            targets: Targets::Classes(Arc::clone(&images.labels)),
        })
    }

    /// The rows of a table as `preparation` says, with the target if it is asked for.
    ///
    /// # Errors
    /// If it was learnt from another table, or from images.
    pub fn of_table(raw: &Raw, preparation: &Preparation, target: bool) -> Result<Self, Error> {
        let misfit = |expected: String, found: String| Error::Misfit { path: raw.path.clone(), expected, found };
        let Inputs::Columns(columns) = &preparation.inputs else {
            return Err(misfit("a folder of IDX files".to_owned(), "a table".to_owned()));
        };
        let column = |name: &str| raw.column(name).ok_or_else(|| misfit(format!("a column `{name}`"), raw.names()));
        let targets = match &preparation.target {
            _ if !target => Targets::Unknown,
            Prediction::Classes { column: None, .. } => Targets::Unknown,
            Prediction::Classes { column: Some(name), names } => {
                Targets::Classes(Arc::new(table::labels(raw, column(name)?, names)?))
            }
            Prediction::Number { column: name, .. } => Targets::Numbers(Arc::new(table::numbers(raw, column(name)?)?)),
        };
        let features = Features::Numbers(table::encode(raw, columns)?);
        Ok(Self { width: preparation.width(), features, targets })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let numbers = match &self.features {
            Features::Bytes { bytes, .. } => bytes.len(),
            Features::Numbers(numbers) => numbers.len(),
        };
        numbers.checked_div(self.width).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the model is to give.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The inputs of `rows` as one tensor, a line each.
    #[must_use]
    pub fn inputs(&self, rows: &[u32], device: &Device) -> Tensor<2> {
        let mut values = Vec::with_capacity(rows.len() * self.width);
        for &row in rows {
            let place = row as usize * self.width..(row as usize + 1) * self.width;
            match &self.features {
                Features::Bytes { bytes, scale } => {
                    values.extend(bytes[place].iter().map(|&byte| scale[usize::from(byte)]));
                }
                Features::Numbers(numbers) => values.extend_from_slice(&numbers[place]),
            }
        }
        Tensor::from_data(TensorData::new(values, [rows.len(), self.width]), device)
    }

    /// A checksum of inputs and targets of `rows`.
    #[must_use]
    pub fn checksum(&self, rows: &[u32]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for &row in rows {
            let place = row as usize * self.width..(row as usize + 1) * self.width;
            match &self.features {
                Features::Bytes { bytes, .. } => hasher.update(&bytes[place]),
                Features::Numbers(numbers) => {
                    numbers[place].iter().for_each(|number| hasher.update(&number.to_le_bytes()));
                }
            }
            match &self.targets {
                Targets::Unknown => {}
                Targets::Classes(labels) => hasher.update(&labels[row as usize].to_le_bytes()),
                Targets::Numbers(numbers) => hasher.update(&numbers[row as usize].to_le_bytes()),
            }
        }
        hasher.finalize()
    }
}
