//! Metrics of numbers.

use super::Metric;

/// The value of `metric`; NaN if it is none of numbers.
#[must_use]
pub fn value(metric: Metric, predicted: &[f64], actual: &[f64]) -> f64 {
    let count = actual.len() as f64;
    let squares = || predicted.iter().zip(actual).map(|(predicted, actual)| (predicted - actual).powi(2)).sum::<f64>();
    match metric {
        Metric::Mse => squares() / count,
        Metric::Rmse => (squares() / count).sqrt(),
        Metric::Mae => predicted.iter().zip(actual).map(|(left, right)| (left - right).abs()).sum::<f64>() / count,
        Metric::R2 => {
            let mean = actual.iter().sum::<f64>() / count;
            let spread: f64 = actual.iter().map(|actual| (actual - mean).powi(2)).sum();
            // Of rows that are all alike nothing can be explained; scikit-learn calls a perfect prediction of them 1.
            match (spread > 0.0, squares() > 0.0) {
                (true, _) => 1.0 - squares() / spread,
                (false, true) => 0.0,
                (false, false) => 1.0,
            }
        }
        _ => f64::NAN,
    }
}
