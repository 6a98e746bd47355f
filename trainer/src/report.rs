//! What a run prints: a line for each epoch, which Trimtab reads, and remarks, which nobody takes for metrics.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// The metrics of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The epoch, counted from the trial's beginning.
    pub epoch: u32,
    /// The mean loss over the epoch's training images, as it was when each was seen.
    pub loss: f64,
    /// The share of validation images that are classified right.
    pub val_accuracy: f64,
    /// The mean loss over the validation images.
    pub val_loss: f64,
    /// How long the epoch took, validation included.
    pub seconds: f64,
}

impl Line {
    /// Whether training has left the numbers: nothing better can follow.
    #[must_use]
    pub fn diverged(&self) -> bool {
        !(self.loss.is_finite() && self.val_loss.is_finite())
    }

    /// Prints it. It is one write and it is flushed, so that no reader sees half of it.
    ///
    /// # Errors
    /// If the output is closed.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = format!(
            "epoch={} loss={} val_accuracy={} val_loss={} seconds={:.3}\n",
            self.epoch,
            metric(self.loss),
            metric(self.val_accuracy),
            metric(self.val_loss),
            self.seconds
        );
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// A metric as text: six decimals, which tell any two accuracies of up to a million images apart.
#[must_use]
pub fn metric(value: f64) -> String {
    if value.is_finite() && value.abs() >= 1e9 { format!("{value:e}") } else { format!("{value:.6}") }
}

/// Prints a remark. It has no `=` and no `:`, which would make a metric of it.
///
/// # Errors
/// If the output is closed.
pub fn remark(out: &mut dyn Write, text: &str) -> io::Result<()> {
    out.write_all(format!("# {text}\n").as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_all_metrics_and_no_number_is_printed_as_nan() {
        let line = Line { epoch: 3, loss: f64::NAN, val_accuracy: 0.8712, val_loss: f64::INFINITY, seconds: 4.21 };
        let mut text = Vec::new();
        line.print(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "epoch=3 loss=NaN val_accuracy=0.871200 val_loss=inf seconds=4.210\n"
        );
        assert!(line.diverged());
        assert_eq!(metric(1.5e12), "1.5e12");
    }
}
