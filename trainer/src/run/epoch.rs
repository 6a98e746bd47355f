//! An epoch of a run, batch by batch: after each of them it can be left, and what is known of it kept.

use std::io::Write;
use std::time::Instant;

use super::measure::measure;
use super::watch::Watch;
use super::{Error, Run};
use crate::checkpoint::within::{Said, Sum};
use crate::report::{Line, Measured};
use crate::signals::Stop;

impl Run<'_> {
    /// One epoch of each fold, from where it was left: its line. Nothing if it was told to stop.
    pub(super) fn epoch(&mut self, epoch: u32, out: &mut dyn Write, stop: &Stop) -> Result<Option<Line>, Error> {
        while self.within.results.len() < self.folds.len() {
            if !self.fold(epoch, out, stop)? {
                return Ok(None);
            }
        }
        let outcomes = self.within.results.iter();
        let results: Vec<(f64, Vec<f64>)> = outcomes
            .map(|outcome| (outcome.loss, outcome.metrics.iter().map(|metric| metric.value).collect()))
            .collect();
        Ok(Some(Line::of_folds(epoch, &self.names(), &results, self.seconds())))
    }

    /// The epoch of the next fold, and what is measured of it. Says whether it came to its end.
    fn fold(&mut self, epoch: u32, out: &mut dyn Write, stop: &Stop) -> Result<bool, Error> {
        let (place, several) = (self.within.results.len(), self.folds.len());
        let (order, of) = (self.folds[place].order(epoch), self.folds[place].batches());
        let mut watch = Watch::new(self.settings, epoch, (place, several));
        // Where it was stopped while it measured for a line, that is still to be said.
        self.speak((epoch, of), &mut watch, out, stop)?;
        while self.within.batches < of {
            if stop.signal().is_some() {
                return Ok(false);
            }
            let batch = self.folds[place].batch(epoch, &order, self.within.batches);
            self.within.add(batch);
            watch.see((self.within.batches, of), batch);
            self.speak((epoch, of), &mut watch, out, stop)?;
            if self.kept_at.elapsed() >= self.settings.pause {
                self.keep_if_new(stop)?;
            }
        }
        self.folds[place].settle();
        let Some(values) = measure(&self.metrics, &self.folds[place], stop) else { return Ok(false) };
        let measured = self.names().into_iter().zip(values).map(|(name, value)| Measured { name, value });
        self.within.pass(measured.collect());
        Ok(true)
    }

    /// Prints the line within the epoch that is due, if one is: saved first, because a run that goes on from here is told how far
    /// the lines say that this one came.
    fn speak(
        &mut self,
        (epoch, of): (u32, usize),
        watch: &mut Watch,
        out: &mut dyn Write,
        stop: &Stop,
    ) -> Result<(), Error> {
        let batches = self.within.batches;
        let due = self.settings.every.is_some_and(|every| batches.is_multiple_of(every)) && batches < of;
        if !due || self.within.since.is_empty() {
            return Ok(());
        }
        let place = self.within.results.len();
        // One that was told to stop says nothing more.
        let Some(values) = measure(&self.metrics, &self.folds[place], stop) else { return Ok(()) };
        let line = Line::of_folds(epoch, &self.names(), &[(self.within.since.mean(), values)], 0.0);
        let share = (place as f64 + batches as f64 / of as f64) / self.folds.len() as f64;
        let at = f64::from(epoch - 1) + share;
        self.within.since = Sum::default();
        self.within.said = Some(Said { at, line: line.clone() });
        self.keep(stop)?;
        watch.clear();
        Ok(line.print_within(at, out)?)
    }

    /// Keeps the epoch under way, unless it is kept already.
    pub(super) fn keep_if_new(&mut self, stop: &Stop) -> Result<(), Error> {
        if self.kept == self.within.place() { Ok(()) } else { self.keep(stop) }
    }

    /// Keeps the epoch under way, if there is anything of it that is worth keeping.
    fn keep(&mut self, stop: &Stop) -> Result<(), Error> {
        if self.within.is_empty() || !self.within.is_finite() {
            return Ok(());
        }
        self.within.seconds = self.seconds();
        self.began = Instant::now();
        self.save_progress(stop)
    }

    /// How long the epoch has taken so far, with the time before this run.
    fn seconds(&self) -> f64 {
        self.within.seconds + self.began.elapsed().as_secs_f64()
    }

    fn names(&self) -> Vec<String> {
        self.metrics.iter().map(|(name, _)| name.clone()).collect()
    }
}
