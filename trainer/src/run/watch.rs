//! What is seen of an epoch while it is trained: a bar on a terminal, and lines every so many batches where they are asked for.

use std::io::Write;

use super::Error;
use super::measure::{Measure, measure};
use crate::bar::Bar;
use crate::report::Line;
use crate::settings::Settings;
use crate::signals::Stop;
use crate::training::{Batch, Training};

/// One epoch of one fold as it is seen.
pub(super) struct Watch<'a> {
    settings: &'a Settings,
    metrics: &'a [(String, Measure)],
    epoch: u32,
    bar: Option<Bar>,
    title: String,
    /// Loss and weight of the batches since the last line.
    since: (f64, f64),
}

impl<'a> Watch<'a> {
    /// The beginning of `epoch` in the fold at `place` of `several`.
    pub(super) fn new(
        settings: &'a Settings,
        metrics: &'a [(String, Measure)],
        epoch: u32,
        (place, several): (usize, usize),
    ) -> Self {
        let fold = if several > 1 { format!(", network {} of {several}", place + 1) } else { String::new() };
        let title = format!("epoch {epoch} of {}{fold}", settings.epochs);
        Self { settings, metrics, epoch, bar: Bar::new(), title, since: (0.0, 0.0) }
    }

    /// After a batch.
    pub(super) fn see(
        &mut self,
        training: &Training<'_>,
        batch: Batch,
        out: &mut dyn Write,
        stop: &Stop,
    ) -> Result<(), Error> {
        self.since = (self.since.0 + batch.loss * batch.weight, self.since.1 + batch.weight);
        if let Some(bar) = &mut self.bar {
            bar.show(&self.title, (batch.done as u64, batch.of as u64), &format!("loss {:.4}", batch.loss));
        }
        let due = self.settings.every.is_some_and(|every| batch.done.is_multiple_of(every)) && batch.done < batch.of;
        if !due {
            return Ok(());
        }
        // One that was told to stop says nothing more.
        let Some(values) = measure(self.metrics, training, stop) else { return Ok(()) };
        let names: Vec<String> = self.metrics.iter().map(|(name, _)| name.clone()).collect();
        let line = Line::of_folds(self.epoch, &names, &[(self.since.0 / self.since.1, values)], 0.0);
        self.since = (0.0, 0.0);
        let at = f64::from(self.epoch - 1) + batch.done as f64 / batch.of as f64;
        if let Some(bar) = &mut self.bar {
            bar.clear();
        }
        Ok(line.print_within(at, out)?)
    }
}
