//! What proposes configurations. A sampler is a file here and a line in each of this file's matches.

mod cma_es;
mod genetic;
mod grid;
mod random;
mod ranking;

use crate::history::Note;
use crate::plan::{Plan, PlanSpec, Sampler};
use crate::space::{Assignment, Enumeration};
use crate::state::{State, Trial};

/// The most points that a grid may put on a float.
pub const MAX_POINTS: u32 = 1_000;

pub use cma_es::POPULATION as CMA_ES_POPULATION;
pub use genetic::POPULATION as GENETIC_POPULATION;

/// A proposed configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The configuration.
    pub assignment: Assignment,
    /// The name of the sampler that was asked.
    pub sampler: &'static str,
    /// What it says of the configuration.
    pub note: Note,
}

impl Proposal {
    /// A configuration of which there is nothing to say.
    fn plain(assignment: Assignment, sampler: &'static str) -> Self {
        Self { assignment, sampler, note: Note::default() }
    }

    /// A configuration that another sampler proposed in place of the one asked.
    fn fallback(assignment: Assignment, asked: &'static str, proposed: &str) -> Option<Self> {
        let note = Note { fallback: Some(proposed.to_owned()), ..Note::default() };
        Some(Self { assignment, sampler: asked, note })
    }
}

/// What a sampler keeps of the trials so far, told to it as the fold goes.
#[derive(Clone, Debug)]
pub(crate) enum Memo {
    /// Nothing to remember.
    None,
    /// The distribution.
    CmaEs(Box<cma_es::Memory>),
}

impl Memo {
    pub(crate) fn new(plan: &Plan) -> Self {
        match plan.spec().sampler {
            Sampler::Random | Sampler::Grid { .. } | Sampler::Genetic { .. } => Self::None,
            Sampler::CmaEs { .. } => Self::CmaEs(Box::new(cma_es::Memory::new(plan))),
        }
    }

    /// A trial was started, or something became known of it.
    pub(crate) fn learned(&mut self, plan: &Plan, trial: &Trial<'_>) {
        match self {
            Self::None => {}
            Self::CmaEs(memory) => memory.learned(plan, trial),
        }
    }
}

/// Proposes the configuration of the trial of this number; `None` exactly when the sampler [`is_exhausted`].
#[must_use]
pub fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    match plan.spec().sampler {
        Sampler::Random => Some(Proposal::plain(random::propose(plan, state, number)?, random::NAME)),
        Sampler::Grid { .. } => Some(Proposal::plain(grid::propose(plan, number)?, grid::NAME)),
        Sampler::Genetic { population } => genetic::propose(plan, state, number, population),
        Sampler::CmaEs { .. } => match state.sampling() {
            Memo::CmaEs(memory) => cma_es::propose(plan, state, memory, number),
            Memo::None => None,
        },
    }
}

/// Whether the sampler has nothing more to propose from this number on.
#[must_use]
pub fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    match plan.spec().sampler {
        Sampler::Random | Sampler::Genetic { .. } | Sampler::CmaEs { .. } => random::is_exhausted(plan, state),
        Sampler::Grid { .. } => grid::is_exhausted(plan, number),
    }
}

/// The numbered configurations that the study's sampler works with, if it can.
pub(crate) fn enumeration(spec: &PlanSpec) -> Option<Enumeration> {
    match spec.sampler {
        Sampler::Random | Sampler::Genetic { .. } | Sampler::CmaEs { .. } => random::enumeration(&spec.space),
        Sampler::Grid { points } => Enumeration::new(&spec.space, points),
    }
}

/// Whether a configuration may be proposed: it does not exist yet.
fn is_free(plan: &Plan, state: &State<'_>, assignment: &Assignment) -> bool {
    let Some(all) = &plan.enumeration else {
        return state.trials().iter().all(|trial| trial.parameters.as_deref() != Some(assignment));
    };
    all.number_of(assignment).is_some_and(|point| !state.taken().contains(&point))
}
