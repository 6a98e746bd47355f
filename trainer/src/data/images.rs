//! Images in the IDX format with their labels.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::{idx, memory};

/// Grey images of one size with their classes.
#[derive(Clone, Debug)]
pub struct Images {
    /// The file of the images.
    pub path: PathBuf,
    /// The file of the labels.
    pub labels_path: PathBuf,
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// All pixels, image after image.
    pub bytes: Arc<Vec<u8>>,
    /// Each image's class.
    pub labels: Arc<Vec<u32>>,
    /// The number of classes: the highest label and one.
    pub classes: usize,
}

impl Images {
    /// Reads the images and the labels in `folder` whose names begin with `prefix`.
    ///
    /// # Errors
    /// If a file is missing, is not what it should be, or does not fit the other.
    pub fn read(folder: &Path, prefix: &str) -> Result<Self, Error> {
        let available = memory::available();
        let images = idx::images(folder, &format!("{prefix}-images-idx3-ubyte"), |path, bytes| {
            memory::require(path, bytes, available)
        })?;
        let labels = idx::labels(folder, &format!("{prefix}-labels-idx1-ubyte"), |path, count| {
            if count == images.count as u64 {
                return Ok(());
            }
            Err(Error::Counts {
                images_count: images.count as u64,
                labels_count: count,
                images: images.path.clone(),
                labels: path.to_owned(),
            })
        })?;
        let highest = labels.bytes.iter().max().copied().unwrap_or_default();
        Ok(Self {
            path: images.path,
            labels_path: labels.path,
            size: images.size,
            bytes: Arc::new(images.bytes),
            labels: Arc::new(labels.bytes.into_iter().map(u32::from).collect()),
            classes: usize::from(highest) + 1,
        })
    }

    /// Refuses images of one class only, which teach nothing.
    ///
    /// # Errors
    /// If all have the same label.
    pub fn require_classes(&self) -> Result<(), Error> {
        if self.labels.iter().any(|label| *label != self.labels[0]) {
            return Ok(());
        }
        let problem = format!("expected at least two classes, found only {}", self.labels[0]);
        Err(Error::Whole { path: self.labels_path.clone(), problem })
    }

    /// The pixels of an image.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Mean and standard deviation of the pixels of `rows`, from sums of whole numbers so that they are exact in any order.
    #[must_use]
    pub fn moments(&self, rows: &[u32]) -> (f64, f64) {
        let pixels = self.pixels();
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for &row in rows {
            let start = row as usize * pixels;
            for &pixel in &self.bytes[start..start + pixels] {
                let pixel = u64::from(pixel);
                sum += pixel;
                squares += pixel * pixel;
            }
        }
        let count = (rows.len() * pixels) as f64;
        let mean = sum as f64 / count;
        let variance = squares as f64 / count - mean * mean;
        // Images of one colour have no spread to divide by.
        (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
    }
}
