//! The trainer's own early stopping: when a metric has not become better for some epochs.

use serde::{Deserialize, Serialize};

use crate::report::{Line, as_text};

/// When to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Patience {
    /// The metric that is watched, as it is printed.
    pub metric: String,
    /// Whether smaller is better.
    pub minimized: bool,
    /// Epochs without a better value after which training ends.
    pub epochs: u32,
    /// By how much a value must be better to count.
    pub margin: f64,
}

/// The best value so far; kept in checkpoints, so that a resumed run stops where an uninterrupted one would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The best value, oriented so that smaller is better.
    #[serde(with = "as_text")]
    best: f64,
    /// The epoch of it.
    pub epoch: u32,
}

impl Default for Progress {
    fn default() -> Self {
        Self { best: f64::INFINITY, epoch: 0 }
    }
}

impl Progress {
    /// Takes note of an epoch.
    pub fn see(&mut self, patience: &Patience, line: &Line) {
        let value = line.value(&patience.metric).unwrap_or(f64::NAN);
        let value = if patience.minimized { value } else { -value };
        if value < self.best - patience.margin || (self.epoch == 0 && !value.is_nan()) {
            *self = Self { best: value, epoch: line.epoch };
        }
    }

    /// Whether training is to end after `epoch`.
    #[must_use]
    pub fn is_over(&self, patience: &Patience, epoch: u32) -> bool {
        epoch >= self.epoch + patience.epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(minimized: bool, margin: f64, values: &[f64]) -> Option<u32> {
        let patience = Patience { metric: "val_loss".to_owned(), minimized, epochs: 2, margin };
        let mut progress = Progress::default();
        let mut epochs = (1..).zip(values);
        epochs.find_map(|(epoch, &value)| {
            let line = Line::of_folds(epoch, &["val_loss".to_owned()], &[(0.0, vec![value])], 0.0);
            progress.see(&patience, &line);
            // What is stored is what is remembered.
            progress = serde_json::from_str(&serde_json::to_string(&progress).unwrap()).unwrap();
            progress.is_over(&patience, epoch).then_some(epoch)
        })
    }

    #[test]
    fn it_ends_after_two_epochs_without_a_better_value() {
        assert_eq!(over(true, 0.0, &[3.0, 2.0, 2.0, 2.5, 1.0]), Some(4));
        assert_eq!(over(true, 0.0, &[3.0, 2.0, 2.5, 1.9, 2.0, 1.8]), None);
        assert_eq!(over(false, 0.0, &[0.5, 0.6, 0.6, 0.5]), Some(4));
        assert_eq!(over(true, 0.5, &[3.0, 2.8, 2.6, 1.0]), Some(3));
        assert_eq!(over(true, 0.0, &[f64::NAN, f64::NAN, 1.0]), Some(2));
    }
}
