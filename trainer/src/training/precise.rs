//! Training in double precision, with the derivatives that hypergradients are made of.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::DType;

use super::Training;
use crate::data::Prediction;
use crate::hypergradient::network::{gradient, with_numbers};
use crate::hypergradient::{Step, Trajectory};
use crate::loss::Loss;
use crate::model::{Learning, Network};
use crate::signals::Stop;

/// Rows of which the validation loss is differentiated together.
const CHUNK: usize = 1000;

impl Training<'_> {
    /// Learns from one batch, given in its parts, and returns its loss.
    pub(super) fn precise_step(
        &self,
        trajectory: &mut Trajectory,
        index: [u32; 2],
        parts: &[&[u32]],
        (rate, total): (f64, f64),
    ) -> f64 {
        let settings = self.settings;
        let step = Step {
            optimization: &settings.optimization,
            parameters: &settings.hypergradients,
            rate,
            share: rate / settings.learning_rate,
        };
        let mut loss = 0.0;
        trajectory.step(step, |points| {
            let found = self.team.each(points.len() * parts.len(), |place| {
                let (point, part) = (&points[place / parts.len()], place % parts.len());
                let network = self.doubled(point);
                let part = self.part(index, (part as u32, parts[part]), &network, total);
                (part.loss, gradient(&network, &part.gradients))
            });
            loss = found.iter().take(parts.len()).map(|(loss, _)| loss).sum();
            let gradients: Vec<Vec<f64>> = found.into_iter().map(|(_, gradient)| gradient).collect();
            gradients.chunks(parts.len()).map(sum).collect()
        });
        loss
    }

    /// The network with the numbers of `point`, in double precision.
    fn doubled(&self, point: &[f64]) -> Network {
        with_numbers(self.network.clone(), point, DType::F64, &self.device)
    }

    /// The network as validation is to see it: in double precision where it is trained in that.
    pub(super) fn judged(&self) -> Network {
        match &self.trajectory {
            Some(trajectory) => with_numbers(self.network.valid(), trajectory.weights(), DType::F64, &self.inference),
            None => self.network.valid(),
        }
    }

    /// The derivative of the validation loss in each of the parameters that are asked for. Nothing if it was told to stop.
    #[must_use]
    pub fn hypergradients(&self, stop: &Stop) -> Option<Vec<f64>> {
        let Some(trajectory) = &self.trajectory else {
            return Some(Vec::new());
        };
        let data = self.data;
        let loss = self.plain_loss();
        let total = data.validation.len() as f64;
        let chunks: Vec<&[u32]> = data.validation.chunks(CHUNK).collect();
        let found = self.team.each(chunks.len(), |chunk| {
            if stop.signal().is_some() {
                return None;
            }
            let network = self.doubled(trajectory.weights());
            let inputs = data.samples.inputs(chunks[chunk], &self.device).cast(DType::F64);
            let targets = loss.targets(&data.samples, chunks[chunk], total, &self.device).cast(DType::F64);
            let no_learning = None::<&mut Learning<fn(usize, usize) -> Option<Vec<f32>>>>;
            let value = loss.value(network.forward(&self.architecture, inputs, no_learning), targets, total);
            Some(gradient(&network, &GradientsParams::from_grads(value.backward(), &network)))
        });
        let found: Option<Vec<Vec<f64>>> = found.into_iter().collect();
        Some(trajectory.along(&sum(&found?)))
    }

    /// The validation loss: without the weights and the smoothing of training.
    fn plain_loss(&self) -> Loss {
        match &self.data.preparation.target {
            Prediction::Number { mean, deviation, .. } => {
                Loss::Numbers { distance: self.settings.distance, mean: *mean, deviation: *deviation }
            }
            Prediction::Classes { names, .. } => Loss::CrossEntropy { smoothing: 0.0, weights: vec![1.0; names.len()] },
        }
    }
}

/// The sum of gradients, from the first to the last.
fn sum(gradients: &[Vec<f64>]) -> Vec<f64> {
    let mut gradients = gradients.iter();
    let mut all = gradients.next().cloned().unwrap_or_default();
    for gradient in gradients {
        all.iter_mut().zip(gradient).for_each(|(all, number)| *all += number);
    }
    all
}
