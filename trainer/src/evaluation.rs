//! How good a network is on images that it was not trained on.

use burn::tensor::Device;

use crate::data::{Dataset, Part};
use crate::model::{Activation, Network};
use crate::signals::Stop;

/// Images that are looked at together; the result does not depend on it but for rounding.
const CHUNK: usize = 1000;

/// How good a network is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// The share of images whose class has the highest score.
    pub accuracy: f64,
    /// The mean cross-entropy.
    pub loss: f64,
}

/// Measures `network` on a part of `data`, or nothing if it was told to stop.
pub fn measure(
    network: &Network,
    activation: Activation,
    data: &Dataset,
    part: &Part,
    device: &Device,
    stop: &Stop,
) -> Option<Measure> {
    let rows: Vec<u32> = (0..part.len() as u32).collect();
    let (mut right, mut loss) = (0_usize, 0.0_f64);
    for rows in rows.chunks(CHUNK) {
        if stop.signal().is_some() {
            return None;
        }
        let scores = network.forward(data.images(part, rows, device), activation, |_| None);
        let scores: Vec<f32> = scores.into_data().iter::<f32>().collect();
        for (scores, label) in scores.chunks_exact(data.identity.classes).zip(data.labels(part, rows)) {
            let best = scores.iter().copied().enumerate().fold((0, f32::NEG_INFINITY), |best, (class, score)| {
                if score > best.1 { (class, score) } else { best }
            });
            right += usize::from(best.0 == label);
            let highest = f64::from(best.1);
            let sum: f64 = scores.iter().map(|&score| (f64::from(score) - highest).exp()).sum();
            loss += sum.ln() + highest - f64::from(scores[label]);
        }
    }
    let loss = loss / part.len() as f64;
    // A network whose scores are no numbers guesses nothing right, whatever class comes first.
    let accuracy = if loss.is_nan() { f64::NAN } else { right as f64 / part.len() as f64 };
    Some(Measure { accuracy, loss })
}
