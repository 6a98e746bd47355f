//! How good a network is on rows that it was not trained on.

use burn::tensor::Device;

use crate::data::{Prediction, Preparation, Samples, Targets};
use crate::loss::Distance;
use crate::metrics::{Metric, Outcome};
use crate::model::{Architecture, Learning, Network};
use crate::signals::Stop;
use crate::team::Team;

/// Rows that are looked at together; the result does not depend on it but for rounding.
const CHUNK: usize = 1000;

/// A network that predicts, and what it was prepared with.
#[derive(Clone, Copy, Debug)]
pub struct Predictor<'a> {
    /// The network, without gradients.
    pub network: &'a Network,
    /// Its shape.
    pub architecture: &'a Architecture,
    /// How its data is made, and what its outputs mean.
    pub preparation: &'a Preparation,
    /// Where it is.
    pub device: &'a Device,
    /// Who computes it.
    pub team: &'a Team,
}

/// How good a network is.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The mean cross-entropy, or the mean distance in deviations of the target.
    pub loss: f64,
    /// The predictions beside the truth.
    pub outcome: Outcome,
}

impl Evaluation {
    /// The value of `metric`.
    #[must_use]
    pub fn value(&self, metric: Metric) -> f64 {
        // A network whose scores are no numbers guesses nothing right, whatever class comes first.
        if self.loss.is_nan() { f64::NAN } else { self.outcome.value(metric) }
    }
}

impl Predictor<'_> {
    /// What the network gives for `rows`, row after row: a score for each class, or one number in deviations. Nothing if it was
    /// told to stop.
    #[must_use]
    pub fn outputs(&self, samples: &Samples, rows: &[u32], stop: &Stop) -> Option<Vec<f64>> {
        let chunks: Vec<&[u32]> = rows.chunks(CHUNK).collect();
        let outputs = self.team.each(chunks.len(), |chunk| {
            if stop.signal().is_some() {
                return None;
            }
            let inputs = samples.inputs(chunks[chunk], self.device).cast(self.network.dtype());
            let no_learning = None::<&mut Learning<fn(usize, usize) -> Option<Vec<f32>>>>;
            let scores = self.network.forward(self.architecture, inputs, no_learning);
            Some(scores.into_data().iter::<f64>().collect::<Vec<f64>>())
        });
        outputs.into_iter().collect::<Option<Vec<_>>>().map(|chunks| chunks.concat())
    }

    /// The probability of each class, row after row, or the predicted numbers in the target's unit.
    #[must_use]
    pub fn predictions(&self, outputs: &[f64]) -> Vec<f64> {
        match &self.preparation.target {
            Prediction::Classes { names, .. } => outputs.chunks_exact(names.len()).flat_map(softmax).collect(),
            Prediction::Number { mean, deviation, .. } => {
                outputs.iter().map(|&output| output * deviation + mean).collect()
            }
        }
    }

    /// Measures the network on `rows`, whose targets are known. Nothing if it was told to stop.
    #[must_use]
    pub fn evaluate(&self, samples: &Samples, rows: &[u32], distance: Distance, stop: &Stop) -> Option<Evaluation> {
        let outputs = self.outputs(samples, rows, stop)?;
        let predictions = self.predictions(&outputs);
        let evaluation = match (samples.targets(), &self.preparation.target) {
            (Targets::Classes(all), Prediction::Classes { names, .. }) => {
                let classes = names.len();
                let labels: Vec<u32> = rows.iter().map(|&row| all[row as usize]).collect();
                let scores = outputs.chunks_exact(classes).zip(&labels);
                let loss = scores.map(|(scores, &label)| cross_entropy(scores, label as usize)).sum::<f64>();
                let outcome = Outcome::Classes { classes, probabilities: predictions, labels };
                Evaluation { loss: loss / rows.len() as f64, outcome }
            }
            (Targets::Numbers(all), Prediction::Number { deviation, .. }) => {
                let actual: Vec<f64> = rows.iter().map(|&row| all[row as usize]).collect();
                let errors = predictions.iter().zip(&actual).map(|(left, right)| (left - right) / deviation);
                let loss = errors.map(|error| distance.of(error)).sum::<f64>() / rows.len() as f64;
                Evaluation { loss, outcome: Outcome::Numbers { predicted: predictions, actual } }
            }
            _ => {
                Evaluation { loss: f64::NAN, outcome: Outcome::Numbers { predicted: predictions, actual: Vec::new() } }
            }
        };
        Some(evaluation)
    }
}

/// The probabilities that scores stand for.
fn softmax(scores: &[f64]) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> = scores.iter().map(|&score| (score - highest).exp()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

/// The cross-entropy of one row, from scores, so that no probability is rounded to 0.
fn cross_entropy(scores: &[f64], label: usize) -> f64 {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|&score| (score - highest).exp()).sum();
    sum.ln() + highest - scores[label]
}
