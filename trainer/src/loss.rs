//! What training makes small.

use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::data::columns::listed;
use crate::data::{Prediction, Preparation, Samples, Targets};

/// Where Huber's loss turns from a parabola into a line, in deviations of the target.
const HUBER: f64 = 1.0;

/// What is made small in a regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// The squared error.
    Squared,
    /// The absolute error.
    Absolute,
    /// The squared error, halved, near 0; a line from one deviation on (Huber 1964).
    Huber,
}

impl Distance {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("mse", Self::Squared), ("mae", Self::Absolute), ("huber", Self::Huber)];

    /// Of one error.
    #[must_use]
    pub fn of(self, error: f64) -> f64 {
        match self {
            Self::Squared => error * error,
            Self::Absolute => error.abs(),
            Self::Huber if error.abs() <= HUBER => 0.5 * error * error,
            Self::Huber => HUBER * (error.abs() - 0.5 * HUBER),
        }
    }
}

/// How classes count.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// All alike.
    Equal,
    /// So that each class counts as much as any other: rows / (classes x rows of the class).
    Balanced,
    /// As given, in the order of the classes.
    Given(Vec<f64>),
}

/// What training makes small.
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// The cross-entropy of classes.
    CrossEntropy {
        /// The share of each row's certainty that is spread over all classes (Szegedy et al. 2016).
        smoothing: f64,
        /// The weight of each class's rows.
        weights: Vec<f32>,
    },
    /// The mean distance of numbers, in deviations of the target.
    Numbers {
        /// The distance.
        distance: Distance,
        /// Of the training rows' target.
        mean: f64,
        /// Of the training rows' target.
        deviation: f64,
    },
}

impl Loss {
    /// The loss for data that is prepared as `preparation` says.
    ///
    /// # Errors
    /// If weights are given for another number of classes.
    pub fn new(
        preparation: &Preparation,
        samples: &Samples,
        train: &[u32],
        (distance, smoothing, weights): (Distance, f64, &ClassWeights),
    ) -> Result<Self, String> {
        let names = match &preparation.target {
            Prediction::Number { mean, deviation, .. } => {
                return Ok(Self::Numbers { distance, mean: *mean, deviation: *deviation });
            }
            Prediction::Classes { names, .. } => names,
        };
        let weights = match weights {
            ClassWeights::Equal => vec![1.0; names.len()],
            ClassWeights::Balanced => balanced(samples, train, names.len()),
            ClassWeights::Given(weights) if weights.len() == names.len() => {
                weights.iter().map(|&weight| weight as f32).collect()
            }
            ClassWeights::Given(weights) => {
                return Err(format!(
                    "--class-weights (or PARAM_CLASS_WEIGHTS) has {} numbers, but the classes are {}",
                    weights.len(),
                    listed(names)
                ));
            }
        };
        Ok(Self::CrossEntropy { smoothing, weights })
    }

    /// What the losses of `rows` are divided by: the weights of their classes together, or their number.
    #[must_use]
    pub fn total(&self, samples: &Samples, rows: &[u32]) -> f64 {
        match (self, samples.targets()) {
            (Self::CrossEntropy { weights, .. }, Targets::Classes(labels)) => {
                rows.iter().map(|&row| f64::from(weights[labels[row as usize] as usize])).sum()
            }
            _ => rows.len() as f64,
        }
    }

    /// The targets of `rows`, a line each, of as many numbers as the model gives. For classes each line has already been
    /// multiplied by its weight and divided by `total`.
    #[must_use]
    pub fn targets(&self, samples: &Samples, rows: &[u32], total: f64, device: &Device) -> Tensor<2> {
        let (values, width) = match (self, samples.targets()) {
            (Self::CrossEntropy { smoothing, weights }, Targets::Classes(labels)) => {
                let classes = weights.len();
                let everywhere = smoothing / classes as f64;
                let mut values = Vec::with_capacity(rows.len() * classes);
                for &row in rows {
                    let label = labels[row as usize] as usize;
                    let weight = f64::from(weights[label]) / total;
                    let start = values.len();
                    values.resize(start + classes, (weight * everywhere) as f32);
                    values[start + label] = (weight * (1.0 - smoothing + everywhere)) as f32;
                }
                (values, classes)
            }
            (Self::Numbers { mean, deviation, .. }, Targets::Numbers(numbers)) => {
                (rows.iter().map(|&row| ((numbers[row as usize] - mean) / deviation) as f32).collect(), 1)
            }
            // A row of which nobody knows the target is not trained on.
            _ => (vec![0.0; rows.len()], 1),
        };
        Tensor::from_data(TensorData::new(values, [rows.len(), width]), device)
    }

    /// The loss of a batch: of each row the part that `targets` says.
    #[must_use]
    pub fn value(&self, outputs: Tensor<2>, targets: Tensor<2>, total: f64) -> Tensor<1> {
        match self {
            Self::CrossEntropy { .. } => (activation::log_softmax(outputs, 1) * targets).sum().neg(),
            Self::Numbers { distance, .. } => {
                let error = outputs - targets;
                let each = match distance {
                    Distance::Squared => error.square(),
                    Distance::Absolute => error.abs(),
                    Distance::Huber => {
                        // Inside: e^2 / 2. Outside: |e| - 1/2. With c the part of |e| inside, both are c^2 / 2 + |e| - c.
                        let size = error.abs();
                        let inside = size.clone().clamp_max(HUBER);
                        inside.clone().square().mul_scalar(0.5) + (size - inside).mul_scalar(HUBER)
                    }
                };
                each.sum().div_scalar(total)
            }
        }
    }
}

/// Weights by which each class counts as much as any other. A class without training rows weighs nothing.
fn balanced(samples: &Samples, train: &[u32], classes: usize) -> Vec<f32> {
    let mut counts = vec![0_usize; classes];
    if let Targets::Classes(labels) = samples.targets() {
        for &row in train {
            counts[labels[row as usize] as usize] += 1;
        }
    }
    let weight = |count: usize| if count == 0 { 0.0 } else { train.len() as f64 / (classes * count) as f64 };
    counts.into_iter().map(|count| weight(count) as f32).collect()
}
