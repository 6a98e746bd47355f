//! What is known of an epoch that is under way: with it and the networks, the rest of the epoch is what it would have been.
//!
//! The order of the rows and what dropout drops are functions of the seed, the epoch and the batch (`random.rs`), so there is no
//! generator whose state would have to be kept.

use serde::{Deserialize, Serialize};

use crate::report::{Line, Measured, as_text};
use crate::schedule::{Schedule, Shape};
use crate::settings::Settings;
use crate::training::{Batch, Training};

/// What is known of an epoch that is under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// How it is trained, see [`recipe`].
    pub recipe: String,
    /// The networks that have done it, in their order.
    pub results: Vec<Outcome>,
    /// Batches that the next one has done.
    pub batches: usize,
    /// Over these batches.
    pub all: Sum,
    /// Over those of them that no line within the epoch tells of.
    pub since: Sum,
    /// The newest line within the epoch, if the run whose folder this is has printed one.
    pub said: Option<Said>,
    /// Whether the run whose folder this is has printed the line of the epoch before.
    pub ours: bool,
    /// How long it has taken so far.
    pub seconds: f64,
}

/// What a network came to in an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The mean of its batches' losses.
    #[serde(with = "as_text")]
    pub loss: f64,
    /// What was measured.
    pub metrics: Vec<Measured>,
}

/// The losses of some batches, added up from the first to the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Each times its weight.
    #[serde(with = "as_text")]
    loss: f64,
    /// The weights.
    #[serde(with = "as_text")]
    weight: f64,
}

/// A line that was printed within an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// After how many epochs, a broken number.
    pub at: f64,
    /// The line.
    pub line: Line,
}

impl Sum {
    /// Adds a batch.
    pub fn add(&mut self, batch: Batch) {
        self.loss += batch.loss * batch.weight;
        self.weight += batch.weight;
    }

    /// The mean; of no batch there is none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.loss / self.weight
    }

    /// Whether there is no batch in it: each weighs something.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weight == 0.0
    }
}

impl Within {
    /// Takes a batch in.
    pub fn add(&mut self, batch: Batch) {
        self.batches += 1;
        self.all.add(batch);
        self.since.add(batch);
    }

    /// The network whose turn it was is done: takes what was measured of it, and begins with the next one.
    pub fn pass(&mut self, metrics: Vec<Measured>) {
        self.results.push(Outcome { loss: self.all.mean(), metrics });
        self.batches = 0;
        (self.all, self.since) = (Sum::default(), Sum::default());
    }

    /// How far it is: networks that are done, and batches of the next one.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        (self.results.len(), self.batches)
    }

    /// Whether nothing is done yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.place() == (0, 0)
    }

    /// Whether all losses are numbers: where they are not, the epoch before is worth more.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.all.loss.is_finite() && self.results.iter().all(|outcome| outcome.loss.is_finite())
    }

    /// Whether networks like these can have come as far, if `measured` values are known of each after an epoch.
    #[must_use]
    pub fn fits(&self, folds: &[Training<'_>], measured: usize) -> bool {
        let next = folds.get(self.results.len());
        next.is_some_and(|next| self.batches <= next.batches())
            && self.results.iter().all(|outcome| outcome.metrics.len() == measured)
    }

    /// How far that is after `epoch` with `folds` networks, in words.
    #[must_use]
    pub fn how_far(&self, epoch: u32, folds: usize) -> String {
        let plural = if self.batches == 1 { "" } else { "es" };
        let batches = format!("{} batch{plural}", self.batches);
        match (self.is_empty(), folds) {
            (true, _) => format!("epoch {epoch}"),
            (false, 1) => format!("epoch {epoch} and {batches}"),
            (false, _) => {
                format!("epoch {epoch}, {} of {folds} networks and {batches} of the next", self.results.len())
            }
        }
    }
}

/// All that the rest of an epoch, and what is printed of it, depends on besides data and networks. A run with another recipe goes on
/// from the epoch before: so a copy in population based training, which has parameters of its own, begins where its donor had finished
/// an epoch, wherever that was interrupted.
#[must_use]
pub fn recipe(settings: &Settings) -> String {
    let Settings { seed, model, optimization, learning_rate, batch_size, parts, precision, metrics, patience, .. } =
        settings;
    let loss = (settings.distance, settings.smoothing, &settings.class_weights);
    // How many epochs there will be changes nothing in a rate that stays.
    let is_constant = settings.schedule.shape == Shape::Constant;
    let epochs = if is_constant { 0 } else { settings.schedule.epochs };
    let schedule = Schedule { epochs, ..settings.schedule };
    format!(
        "{:?}",
        (seed, model, optimization, (learning_rate, schedule), (batch_size, parts, precision), loss, metrics, patience)
    )
}
