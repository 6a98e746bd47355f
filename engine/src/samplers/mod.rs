//! What proposes configurations. A sampler is a file here and a line in each of this file's matches.

mod bohb;
mod grid;
mod random;

use crate::plan::{Plan, PlanSpec, Sampler};
use crate::space::{Assignment, Enumeration};
use crate::state::State;

/// The most points that a grid may put on a float.
pub const MAX_POINTS: u32 = 1_000;

/// A proposed configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The configuration.
    pub assignment: Assignment,
    /// The name of the sampler that proposed it.
    pub sampler: &'static str,
}

/// Proposes the configuration of the trial of this number; `None` exactly when the sampler [`is_exhausted`].
#[must_use]
pub fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    let (assignment, sampler) = match plan.spec().sampler {
        Sampler::Random => (random::propose(plan, state, number)?, random::NAME),
        Sampler::Bohb => bohb::propose(plan, state, number)?,
        Sampler::Grid { .. } => (grid::propose(plan, number)?, grid::NAME),
    };
    Some(Proposal { assignment, sampler })
}

/// Whether the sampler has nothing more to propose from this number on.
#[must_use]
pub fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    match plan.spec().sampler {
        Sampler::Random | Sampler::Bohb => random::is_exhausted(plan, state),
        Sampler::Grid { .. } => grid::is_exhausted(plan, number),
    }
}

/// The numbered configurations that the study's sampler works with, if it can.
pub(crate) fn enumeration(spec: &PlanSpec) -> Option<Enumeration> {
    match spec.sampler {
        Sampler::Random | Sampler::Bohb => random::enumeration(&spec.space),
        Sampler::Grid { points } => Enumeration::new(&spec.space, points),
    }
}
