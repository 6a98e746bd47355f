//! What proposes configurations. A sampler is a file here and a line in each of this file's matches.

pub(crate) mod finite;
mod grid;
mod points;
mod quasi_random;
mod random;
mod tpe;

use crate::plan::{Plan, PlanSpec, Sampler};
use crate::space::{Assignment, Enumeration};
use crate::state::{State, Trial};

/// The most points that a grid may put on a float.
pub const MAX_POINTS: u32 = 1_000;

/// The most trials that a model may wait for.
pub const MAX_STARTUP: u32 = 1_000;

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
        Sampler::Grid { .. } => (grid::propose(plan, number)?, grid::NAME),
        Sampler::QuasiRandom => (quasi_random::propose(plan, state, number)?, quasi_random::NAME),
        Sampler::Tpe(settings) => tpe::propose(plan, state, number, settings)?,
    };
    Some(Proposal { assignment, sampler })
}

/// Whether the sampler has nothing more to propose from this number on.
#[must_use]
pub fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    match plan.spec().sampler {
        Sampler::Grid { .. } => grid::is_exhausted(plan, number),
        Sampler::Random | Sampler::QuasiRandom | Sampler::Tpe(_) => finite::is_exhausted(plan, state),
    }
}

/// The numbered configurations that the study's sampler works with, if it can.
pub(crate) fn enumeration(spec: &PlanSpec) -> Option<Enumeration> {
    match spec.sampler {
        Sampler::Grid { points } => Enumeration::new(&spec.space, points),
        Sampler::Random | Sampler::QuasiRandom | Sampler::Tpe(_) => finite::enumeration(&spec.space),
    }
}

/// A sampler's memo: what it needs of the trials so far, told to it as the fold goes.
#[derive(Clone, Debug)]
pub(crate) enum Memo {
    /// Nothing to remember.
    None,
    /// Where the trials are in the space.
    Points(points::Points),
}

impl Memo {
    pub(crate) fn new(plan: &Plan) -> Self {
        match plan.spec().sampler {
            Sampler::Random | Sampler::Grid { .. } | Sampler::QuasiRandom => Self::None,
            Sampler::Tpe(_) => Self::Points(points::Points::new(&plan.spec().space)),
        }
    }

    /// A trial was started, or a hole was found.
    pub(crate) fn started(&mut self, trial: &Trial<'_>) {
        match self {
            Self::None => {}
            Self::Points(points) => points.push(trial.parameters.as_deref()),
        }
    }
}
