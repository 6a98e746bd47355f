//! What proposes configurations. A sampler is a file here and a line in each of this file's matches.

mod automatic;
mod bohb;
mod cma_es;
mod differential_evolution;
pub(crate) mod finite;
mod gaussian_process;
mod genetic;
mod gradient;
mod grid;
mod points;
mod population_based;
mod quasi_newton;
mod quasi_random;
mod random;
mod random_forest;
mod ranking;
mod start_points;
mod surrogate;
mod tpe;

#[cfg(test)]
mod constrained_tests;

use crate::expression::Constraint;
use crate::history::Note;
use crate::plan::{Plan, PlanError, PlanSpec, Sampler};
use crate::schedulers;
use crate::space::{Assignment, Enumeration, Space};
use crate::state::{State, Trial};

pub(crate) use gaussian_process::{MOST_OBJECTIVES as MAX_MODELLED, Memo as Fits};

/// The most points that a grid may put on a float.
pub const MAX_POINTS: u32 = 1_000;

pub use cma_es::POPULATION as CMA_ES_POPULATION;
pub use genetic::POPULATION as GENETIC_POPULATION;
pub use start_points::MAX_POINTS as MAX_START_POINTS;

pub(crate) use start_points::{Memory as StartMemory, StartPoint};
/// The most trials that a model may wait for.
pub const MAX_STARTUP: u32 = 1_000;

impl Sampler {
    /// Its name, as in a Study.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Automatic => automatic::NAME,
            Self::Random => random::NAME,
            Self::Grid { .. } => grid::NAME,
            Self::QuasiRandom => quasi_random::NAME,
            Self::Tpe(_) => tpe::NAME,
            Self::Genetic { .. } => genetic::NAME,
            Self::CmaEs { .. } => cma_es::NAME,
            Self::Bohb => bohb::NAME,
            Self::GaussianProcess => gaussian_process::NAME,
            Self::RandomForest => random_forest::NAME,
            Self::Gradient => gradient::NAME,
        }
    }
}

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
    /// Where the trials are in the space.
    Points(points::Points),
}

impl Memo {
    pub(crate) fn new(plan: &Plan) -> Self {
        match automatic::lasting(plan) {
            Sampler::Random
            | Sampler::Grid { .. }
            | Sampler::QuasiRandom
            | Sampler::Genetic { .. }
            | Sampler::Bohb
            | Sampler::GaussianProcess
            | Sampler::RandomForest => Self::None,
            // What these pick as trials come in is the process, and then estimators.
            Sampler::Tpe(_) | Sampler::Automatic | Sampler::Gradient => {
                Self::Points(points::Points::new(&plan.spec().space))
            }
            Sampler::CmaEs { .. } => Self::CmaEs(Box::new(cma_es::Memory::new(plan))),
        }
    }

    /// A trial was started, or a hole was found. Each has the next place of the evidence.
    pub(crate) fn started(&mut self, plan: &Plan, place: u32, trial: &Trial<'_>) {
        match self {
            Self::None => {}
            Self::CmaEs(memory) => memory.learned(plan, place, trial),
            Self::Points(points) => points.push(trial.parameters.as_deref()),
        }
    }

    /// Something became known of the trial at this place.
    pub(crate) fn learned(&mut self, plan: &Plan, place: u32, trial: &Trial<'_>) {
        match self {
            Self::None | Self::Points(_) => {}
            Self::CmaEs(memory) => memory.learned(plan, place, trial),
        }
    }
}

/// Proposes the configuration of the trial of this number; `None` exactly when the sampler [`is_exhausted`].
#[must_use]
pub fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    if let Some(copying) = state.memo().copying(plan, number) {
        return population_based::propose(plan, state, copying, number);
    }
    if let Some(proposal) = start_points::propose(plan, state, number) {
        return Some(proposal);
    }
    if let schedulers::Memo::Dehb(dehb) = state.memo() {
        return differential_evolution::propose(plan, state, dehb, number);
    }
    let Sampler::Automatic = plan.spec().sampler else { return ask(plan.spec().sampler, plan, state, number) };
    let (sampler, why) = automatic::choose(plan, state);
    let mut proposal = ask(sampler, plan, state, number)?;
    let own = proposal.note.tag.take().map_or_else(String::new, |tag| tag + "; ");
    proposal.note.tag = Some(format!("{own}{}: {why}", automatic::NAME));
    Some(proposal)
}

fn ask(sampler: Sampler, plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    match sampler {
        Sampler::Random => Some(Proposal::plain(random::propose(plan, state, number)?, sampler.name())),
        Sampler::Grid { .. } => Some(Proposal::plain(grid::propose(plan, state, number)?, sampler.name())),
        Sampler::QuasiRandom => Some(Proposal::plain(quasi_random::propose(plan, state, number)?, sampler.name())),
        Sampler::Tpe(settings) => tpe::propose(plan, state, number, settings),
        Sampler::Bohb => bohb::propose(plan, state, number),
        Sampler::Genetic { population } => genetic::propose(plan, state, number, population),
        Sampler::CmaEs { .. } => match state.sampling() {
            Memo::CmaEs(memory) => cma_es::propose(plan, state, memory, number),
            Memo::None | Memo::Points(_) => None,
        },
        Sampler::GaussianProcess => gaussian_process::propose(plan, state, number),
        Sampler::RandomForest => random_forest::propose(plan, state, number),
        Sampler::Gradient => gradient::propose(plan, state, number),
        // It never picks itself.
        Sampler::Automatic => None,
    }
}

/// Whether the sampler has nothing more to propose from this number on.
#[must_use]
pub fn is_exhausted(plan: &Plan, state: &State<'_>, number: u32) -> bool {
    let is_done = match plan.spec().sampler {
        Sampler::Grid { .. } => grid::is_exhausted(plan, state, number),
        _ => finite::is_exhausted(plan, state, number),
    };
    is_done && start_points::propose(plan, state, number).is_none()
}

/// Whether the sampler has nothing to propose although it did not try everything: the constraints leave too little.
pub(crate) fn gave_up(plan: &Plan, state: &State<'_>) -> bool {
    !plan.constraints.is_empty()
        && !matches!(plan.spec().sampler, Sampler::Grid { .. })
        && !finite::tries_all(plan, state)
}

/// Reads starting points, and says of each mistake where it is.
pub(crate) fn parse_start_points(
    space: &Space,
    points: &[Vec<(String, String)>],
    constraints: &[Constraint],
    errors: &mut Vec<PlanError>,
) -> Vec<StartPoint> {
    let before = errors.len();
    let parsed = start_points::parse(space, points, errors);
    if errors.len() == before {
        for (i, point) in parsed.iter().enumerate() {
            let refuses = |constraint: &Constraint| point.whole(space).is_some_and(|whole| !constraint.holds(whole));
            if let Some(k) = constraints.iter().position(refuses) {
                let message = format!("must meet the constraints (`constraints[{k}]` refuses it)");
                errors.push(PlanError { field: format!("startWith[{i}]"), message });
            }
        }
    }
    parsed
}

/// The numbers of a grid's points that the constraints allow; `None` without constraints.
pub(crate) fn allowed_points(
    spec: &PlanSpec,
    enumeration: Option<&Enumeration>,
    constraints: &[Constraint],
    errors: &mut Vec<PlanError>,
) -> Option<Vec<u64>> {
    let all = enumeration.filter(|_| matches!(spec.sampler, Sampler::Grid { .. }) && !constraints.is_empty())?;
    if all.size() > grid::MAX_CONSTRAINED {
        let most = grid::MAX_CONSTRAINED;
        let message =
            format!("must have at most {most} combinations where there are constraints (given {})", all.size());
        errors.push(PlanError { field: "sampler.grid".to_owned(), message });
        return None;
    }
    let allows =
        |&point: &u64| all.at(point).is_some_and(|a| constraints.iter().all(|constraint| constraint.holds(&a)));
    Some((0..all.size()).filter(allows).collect())
}

/// The numbered configurations that the study's sampler works with, if it can.
pub(crate) fn enumeration(spec: &PlanSpec) -> Option<Enumeration> {
    match spec.sampler {
        Sampler::Grid { points } => Enumeration::new(&spec.space, points),
        _ => finite::enumeration(&spec.space),
    }
}
