//! What samplers learn from: the trials of an earlier study ([`crate::imported`]), and then the study's own, each by its place.

use std::borrow::Cow;

use super::{Shown, State, Trial};
use crate::history::{Gradient, Note, Outcome, TrialNumber};
use crate::imported::Imported;
use crate::plan::Plan;

/// What an imported trial has in place of a number. No trial of the study can have it.
const NO_NUMBER: TrialNumber = TrialNumber(u32::MAX);

impl<'h> Trial<'h> {
    /// A trial of an earlier study: it has come to its end, and nothing is left to judge of it.
    pub(super) fn imported(plan: &Plan, imported: &'h Imported) -> Self {
        let level = imported.shown.as_ref().map_or(plan.top_level(), |shown| shown.level);
        Self {
            number: NO_NUMBER,
            parameters: Some(Cow::Borrowed(&imported.parameters)),
            sampler: Cow::Borrowed(""),
            note: Cow::Owned(Note::default()),
            bracket: 0,
            from: None,
            target: level,
            audited: false,
            cleared: Some(plan.top_level()),
            values: imported.shown.iter().cloned().collect(),
            rested: Some(level),
            gradient: Gradient::default(),
            spent: 0,
            stop: None,
            ended: imported.shown.is_none().then_some(Outcome::Failed),
            batch: 0,
            rests: 0,
            targets: 0,
        }
    }

    /// Whether it belongs to an earlier study.
    pub(crate) fn is_imported(&self) -> bool {
        self.number == NO_NUMBER
    }

    /// Of its values those that are evidence for a sampler, by rising level: up to the rung that judges it next.
    ///
    /// A run that goes through its rungs, or past its own end, has values above a rung that has not judged it yet. How many is a
    /// matter of how far the run got by the time of the decision, so they count once the rung is cleared, and never where it is lost.
    /// (They can win "best" all the same.) A model sampler asks here and never for the values themselves.
    pub(crate) fn evidence(&self, plan: &Plan) -> &[Shown] {
        let last = self.evidence_level(plan);
        self.values.get(..self.values.partition_point(|shown| shown.level <= last)).unwrap_or_default()
    }

    /// The evidence at a level.
    pub(crate) fn evidence_at(&self, plan: &Plan, level: usize) -> Option<&Shown> {
        self.values_at(level).filter(|_| level <= self.evidence_level(plan))
    }

    /// The highest level at which its values are evidence: the first rung of its bracket above what it cleared, and not below the
    /// one on which it began. Where nothing judges it any more, or nothing ever does, that is the highest of all: without a ladder
    /// (stopping rules have no rungs), on the last rung, when it is audited, and for a trial of an earlier study.
    pub(crate) fn evidence_level(&self, plan: &Plan) -> usize {
        let shapes = plan.brackets();
        let shape = (self.bracket as usize).checked_rem(shapes.len()).and_then(|at| shapes.get(at));
        let Some(shape) = shape.filter(|_| !self.audited) else { return plan.top_level() };
        let mut coming = shape.rungs.iter().skip(self.first_rung(plan));
        coming.find(|rung| Some(rung.level) > self.cleared).map_or(plan.top_level(), |rung| rung.level)
    }
}

impl<'h> State<'h> {
    /// What samplers learn from: the trials of an earlier study, and then the study's own. Each has its place among them.
    pub(crate) fn evidence(&self) -> impl Iterator<Item = (u32, &Trial<'h>)> {
        (0..).zip(self.imported.iter().chain(&self.trials))
    }

    /// The trial at this place of the [evidence](Self::evidence).
    pub(crate) fn at_place(&self, place: u32) -> Option<&Trial<'h>> {
        let place = place as usize;
        self.imported.get(place).or_else(|| self.trials.get(place.checked_sub(self.imported.len())?))
    }

    /// The place in the evidence of the trial of this number.
    pub(super) fn place(&self, number: u32) -> u32 {
        u32::try_from(self.imported.len()).unwrap_or(u32::MAX).saturating_add(number)
    }
}
