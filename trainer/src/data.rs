//! The images that a run trains and validates on, and the batches that are made of them.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::idx::{self, Images, Labels};
use crate::random::{Purpose, Stream};

/// What can be wrong with a data set whose files can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the files.
    #[error(transparent)]
    File(#[from] idx::Error),
    /// Images and labels do not belong together.
    #[error("{images} has {images_count} images, but {labels} has {labels_count} labels")]
    Counts {
        /// The file of images.
        images: PathBuf,
        /// How many it has.
        images_count: usize,
        /// The file of labels.
        labels: PathBuf,
        /// How many it has.
        labels_count: usize,
    },
    /// The test part does not fit the training part.
    #[error("{path} does not fit the training files: expected {expected}, found {found}")]
    Test {
        /// The file of the test part.
        path: PathBuf,
        /// What the training part has.
        expected: String,
        /// What the test part has.
        found: String,
    },
    /// Nothing would be left to train on.
    #[error("{path} has {images} images: {validation} of them for validation leaves none to train on")]
    Split {
        /// The file of images.
        path: PathBuf,
        /// How many it has.
        images: usize,
        /// How many were asked for validation.
        validation: usize,
    },
}

/// How the training files are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Images held out for validation.
    pub validation: usize,
    /// Decides which; it is not the trial's seed, so that all trials are judged on the same images.
    pub seed: u64,
    /// At most this many images to train on.
    pub train_limit: Option<usize>,
}

/// What makes two runs train on the same data; kept in checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Images to train on.
    pub train_images: usize,
    /// Images held out for validation.
    pub validation_images: usize,
    /// The seed of the split.
    pub split_seed: u64,
    /// The pixels of an image.
    pub pixels: usize,
    /// The number of classes.
    pub classes: usize,
    /// The mean of the training pixels, which is subtracted from each pixel.
    pub mean: f64,
    /// Their standard deviation, by which each pixel is divided.
    pub deviation: f64,
}

/// A data set in memory.
#[derive(Debug)]
pub struct Dataset {
    /// What it is made of.
    pub identity: Identity,
    /// The images to train on.
    pub train: Part,
    /// The images to validate on.
    pub validation: Part,
    /// What each of the 256 values of a pixel is for the model.
    scale: Vec<f32>,
}

/// One part of a data set.
#[derive(Debug)]
pub struct Part {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Part {
    /// How many images it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images of `rows`, in that order.
    fn select(images: &Images, labels: &Labels, rows: &[u32]) -> Self {
        let mut pixels = Vec::with_capacity(rows.len() * images.pixels);
        for &row in rows {
            let start = row as usize * images.pixels;
            pixels.extend_from_slice(&images.bytes[start..start + images.pixels]);
        }
        Self { pixels, labels: rows.iter().map(|&row| labels.bytes[row as usize]).collect() }
    }
}

impl Dataset {
    /// Reads the training files in `folder` and divides them.
    ///
    /// # Errors
    /// If a file is missing, is not what it should be, or does not fit another.
    pub fn read(folder: &Path, split: &Split) -> Result<Self, Error> {
        let (images, labels) = pair(folder, "train")?;
        let validation = split.validation;
        if images.count <= validation {
            return Err(Error::Split { path: images.path, images: images.count, validation });
        }
        let mut rows: Vec<u32> = (0..images.count as u32).collect();
        Stream::new(split.seed, Purpose::Split, [0; 3]).shuffle(&mut rows);
        let (held_out, rest) = rows.split_at(validation);
        let rest = &rest[..split.train_limit.unwrap_or(rest.len()).min(rest.len())];

        let train = Part::select(&images, &labels, rest);
        let (mean, deviation) = moments(&train.pixels);
        let identity = Identity {
            train_images: train.len(),
            validation_images: validation,
            split_seed: split.seed,
            pixels: images.pixels,
            classes: labels.bytes.iter().max().map_or(1, |&label| usize::from(label) + 1),
            mean,
            deviation,
        };
        let scale = (0..=255).map(|pixel| ((f64::from(pixel) - mean) / deviation) as f32).collect();
        Ok(Self { validation: Part::select(&images, &labels, held_out), train, identity, scale })
    }

    /// Reads the test files in `folder`.
    ///
    /// # Errors
    /// If a file is missing, is not what it should be, or does not fit the training files.
    pub fn read_test(&self, folder: &Path) -> Result<Part, Error> {
        let (images, labels) = pair(folder, "t10k")?;
        let Identity { pixels, classes, .. } = self.identity;
        if images.pixels != pixels {
            let (expected, found) = (format!("{pixels} pixels an image"), images.pixels.to_string());
            return Err(Error::Test { path: images.path, expected, found });
        }
        if let Some(&label) = labels.bytes.iter().find(|&&label| usize::from(label) >= classes) {
            let (expected, found) = (format!("labels below {classes}"), label.to_string());
            return Err(Error::Test { path: labels.path, expected, found });
        }
        Ok(Part { pixels: images.bytes, labels: labels.bytes })
    }

    /// The images of `rows` as one tensor, each pixel standardized.
    #[must_use]
    pub fn images(&self, part: &Part, rows: &[u32], device: &Device) -> Tensor<2> {
        let pixels = self.identity.pixels;
        let mut values = Vec::with_capacity(rows.len() * pixels);
        for &row in rows {
            let start = row as usize * pixels;
            values.extend(part.pixels[start..start + pixels].iter().map(|&pixel| self.scale[usize::from(pixel)]));
        }
        Tensor::from_data(TensorData::new(values, [rows.len(), pixels]), device)
    }

    /// The classes of `rows`, each a row with a one at its class.
    #[must_use]
    pub fn targets(&self, part: &Part, rows: &[u32], device: &Device) -> Tensor<2> {
        let classes = self.identity.classes;
        let mut values = vec![0.0_f32; rows.len() * classes];
        for (place, label) in values.chunks_exact_mut(classes).zip(self.labels(part, rows)) {
            place[label] = 1.0;
        }
        Tensor::from_data(TensorData::new(values, [rows.len(), classes]), device)
    }

    /// The classes of `rows`.
    pub fn labels<'a>(&self, part: &'a Part, rows: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
        rows.iter().map(|&row| usize::from(part.labels[row as usize]))
    }
}

/// Reads the images and the labels whose names begin with `prefix`.
fn pair(folder: &Path, prefix: &str) -> Result<(Images, Labels), Error> {
    let images = idx::images(folder, &format!("{prefix}-images-idx3-ubyte"))?;
    let labels = idx::labels(folder, &format!("{prefix}-labels-idx1-ubyte"))?;
    if images.count != labels.bytes.len() {
        return Err(Error::Counts {
            images_count: images.count,
            labels_count: labels.bytes.len(),
            images: images.path,
            labels: labels.path,
        });
    }
    Ok((images, labels))
}

/// Mean and standard deviation, from sums of whole numbers so that they are exact in any order.
fn moments(pixels: &[u8]) -> (f64, f64) {
    let count = pixels.len() as f64;
    let (sum, squares) = pixels.iter().fold((0_u64, 0_u64), |(sum, squares), &pixel| {
        let pixel = u64::from(pixel);
        (sum + pixel, squares + pixel * pixel)
    });
    let mean = sum as f64 / count;
    let variance = squares as f64 / count - mean * mean;
    // Images of one colour have no spread to divide by.
    (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
}
