//! What a run prints: a line for each epoch, which Trimtab reads, and remarks, which nobody takes for metrics.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// The metrics of an epoch. Of several folds each is the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The epoch, counted from the trial's beginning.
    pub epoch: u32,
    /// The mean loss over the epoch's training rows, as it was when each was seen.
    pub loss: f64,
    /// What was measured on the rows held out, in the order in which it is printed.
    pub metrics: Vec<Measured>,
    /// How long the epoch took, validation included.
    pub seconds: f64,
}

/// A metric and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Its value. It is kept as text, because a metric may well be NaN, which JSON cannot say.
    #[serde(with = "as_text")]
    pub value: f64,
}

impl Line {
    /// A line of the mean over folds. With several, each metric is followed by its standard error.
    ///
    /// `folds` has for each fold the loss and the values of `names`.
    #[must_use]
    pub fn of_folds(epoch: u32, names: &[String], folds: &[(f64, Vec<f64>)], seconds: f64) -> Self {
        let mut metrics = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let values: Vec<f64> = folds.iter().map(|(_, values)| values[place]).collect();
            let (mean, error) = mean_and_error(&values);
            metrics.push(Measured { name: name.clone(), value: mean });
            if let Some(error) = error {
                metrics.push(Measured { name: format!("{name}_se"), value: error });
            }
        }
        let losses: Vec<f64> = folds.iter().map(|(loss, _)| *loss).collect();
        Self { epoch, loss: mean_and_error(&losses).0, metrics, seconds }
    }

    /// The value of the metric called `name`, or of the training loss.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        if name == "loss" {
            return Some(self.loss);
        }
        self.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value)
    }

    /// Whether training has left the numbers: nothing better can follow.
    #[must_use]
    pub fn diverged(&self) -> bool {
        !(self.loss.is_finite() && self.value("val_loss").is_none_or(f64::is_finite))
    }

    /// Prints it. It is one write and it is flushed, so that no reader sees half of it.
    ///
    /// # Errors
    /// If the output is closed.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = format!("epoch={}{} seconds={:.3}\n", self.epoch, self.fields('='), self.seconds);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Prints it as what was measured within an epoch, after `epochs` of them, a broken number.
    ///
    /// # Errors
    /// If the output is closed.
    pub fn print_within(&self, epochs: f64, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(format!("epoch={epochs:.6}{}\n", self.fields('=')).as_bytes())?;
        out.flush()
    }

    /// Prints it as the result of one fold or repeat, counted from 1.
    ///
    /// # Errors
    /// If the output is closed.
    pub fn print_repeat(&self, repeat: usize, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(format!("repeat={repeat}{}\n", self.fields('=')).as_bytes())?;
        out.flush()
    }

    /// Loss and metrics, each after a blank and with `between` between name and value.
    #[must_use]
    pub fn fields(&self, between: char) -> String {
        let mut text = format!(" loss{between}{}", metric(self.loss));
        for Measured { name, value } in &self.metrics {
            // Writing to a string cannot fail.
            let _ = write!(text, " {name}{between}{}", metric(*value));
        }
        text
    }
}

/// The mean, and of several values its standard error: their deviation, estimated, over the root of their number.
#[must_use]
pub fn mean_and_error(values: &[f64]) -> (f64, Option<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, None);
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, Some((squares / (count - 1.0) / count).sqrt()))
}

/// A metric as text: six decimals, which tell any two accuracies of up to a million rows apart.
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

/// Numbers as text that gives the same number again, NaN and infinity included.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes it.
    ///
    /// # Errors
    /// If the format cannot be written.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    /// Reads it.
    ///
    /// # Errors
    /// If it is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(folds: &[(f64, Vec<f64>)]) -> Line {
        Line::of_folds(3, &["val_accuracy".to_owned(), "val_loss".to_owned()], folds, 4.21)
    }

    #[test]
    fn a_line_has_all_metrics_and_no_number_is_printed_as_nan() {
        let line = line(&[(f64::NAN, vec![0.8712, f64::INFINITY])]);
        let mut text = Vec::new();
        line.print(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "epoch=3 loss=NaN val_accuracy=0.871200 val_loss=inf seconds=4.210\n"
        );
        assert!(line.diverged());
        assert_eq!(metric(1.5e12), "1.5e12");
    }

    #[test]
    fn several_folds_are_a_mean_and_its_standard_error() {
        let line = line(&[(0.5, vec![0.8, 1.0]), (0.7, vec![0.9, 1.0]), (0.6, vec![0.85, 1.0])]);
        // The deviation of 0.8, 0.9, 0.85 is 0.05; over the root of 3 that is 0.028868.
        let expected =
            " loss=0.600000 val_accuracy=0.850000 val_accuracy_se=0.028868 val_loss=1.000000 val_loss_se=0.000000";
        assert_eq!(line.fields('='), expected);
        assert!(!line.diverged());
    }

    #[test]
    fn a_line_survives_being_stored_with_all_its_digits() {
        let line = line(&[(0.1 + 0.2, vec![f64::NAN, 1.0 / 3.0])]);
        let stored = serde_json::to_string(&line).unwrap();
        let read: Line = serde_json::from_str(&stored).unwrap();
        assert_eq!((read.loss, read.metrics[1].value), (line.loss, line.metrics[1].value));
        assert!(read.metrics[0].value.is_nan());
    }
}
