//! DEHB: differential evolution on Hyperband's brackets (Awad, Mallik and Hutter, *DEHB: Evolutionary Hyperband for Scalable, Robust
//! and Efficient Hyperparameter Optimization*, IJCAI 2021).
//!
//! The first pass over the brackets is Hyperband's: whoever is among the best of a rung goes on to the next, from its checkpoint
//! where there is one. From the second pass on nobody is promoted: each place on a rung is a new trial that is bred for it
//! ([`crate::samplers`]), runs to the rung's level and is stopped there once its value is known. A rung takes its trials when
//! all of the one below have arrived or ended. Nobody waits for that: the first bracket that can take a trial takes the
//! next one, and where none can, another begins, if the budget pays all that have begun to their end.
//!
//! Each level has a subpopulation with as many places as its largest rung. A trial competes for the place whose turn it is when
//! it is sent there, and holds it when nobody who competed for it was better. What failed or is no number holds none.

mod population;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::ladder::{Ladder, position};
use super::{Pass, Place, hyperband};
use crate::brackets::RungPlan;
use crate::history::{Action, Comparison, Reason};
use crate::plan::Plan;
use crate::state::{State, Trial};
use population::{Entry, Population};

/// The memo of DEHB.
#[derive(Clone, Debug)]
pub(crate) struct Dehb {
    /// The brackets of the first pass.
    ladder: Ladder,
    /// The brackets after it, by their running counter.
    later: BTreeMap<u32, Vec<Rung>>,
    /// Those of them that have a place to give.
    open: BTreeSet<u32>,
    /// Trials after the first pass that have arrived below the highest level, and were not stopped yet.
    arrived: BTreeSet<u32>,
    /// The subpopulation of each level.
    levels: Vec<Population>,
    /// By a trial's number the levels and places that it competes for.
    seats: BTreeMap<u32, Vec<(usize, usize)>>,
}

/// A rung after the first pass.
#[derive(Clone, Debug, Default)]
struct Rung {
    /// How many were sent to it.
    members: u32,
    /// How many of them have not arrived or ended.
    waiting: u32,
}

/// What the next trial is bred from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Breeding {
    /// The level's index that it is made for.
    pub(crate) level: usize,
    /// The place that it competes for, of the level's subpopulation.
    pub(crate) place: usize,
    /// Who holds it.
    pub(crate) target: Option<u32>,
    /// Whom mutants are made of, the best first: the best of the level below, or on a first rung of the level itself.
    pub(crate) mates: Vec<u32>,
    /// The holders of all levels.
    pub(crate) everyone: Vec<u32>,
}

/// Whether a bracket comes after the first pass.
fn is_later(plan: &Plan, bracket: u32) -> bool {
    bracket as usize >= plan.brackets().len()
}

fn shape(plan: &Plan, bracket: u32) -> &[RungPlan] {
    let at = (bracket as usize).checked_rem(plan.brackets().len());
    at.and_then(|at| plan.brackets().get(at)).map_or(&[], |shape| &shape.rungs)
}

/// The rung of its bracket on which a trial began: in the first pass the lowest, later the one that it was made for.
pub(crate) fn first_rung(plan: &Plan, trial: &Trial<'_>) -> usize {
    let own = shape(plan, trial.bracket).iter().position(|rung| rung.level == trial.target);
    own.filter(|_| is_later(plan, trial.bracket)).unwrap_or(0)
}

/// Where a trial stands at a level that it was sent to, if it has arrived there and can hold a place. What it reports beyond is of no
/// level that it was sent to, so nobody is bred from it.
fn entry(plan: &Plan, trial: &Trial<'_>, level: usize) -> Option<Entry> {
    let standing = plan.standing(trial.arrived_at(plan, level).filter(|_| trial.is_eligible())?)?;
    Some((standing, Reverse(trial.number.0)))
}

impl Dehb {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut sizes = vec![0; plan.levels().len()];
        for rung in plan.brackets().iter().flat_map(|shape| &shape.rungs) {
            if let Some(size) = sizes.get_mut(rung.level) {
                *size = rung.size.max(*size);
            }
        }
        Self {
            ladder: Ladder::new(hyperband::RULE),
            later: BTreeMap::new(),
            open: BTreeSet::new(),
            arrived: BTreeSet::new(),
            levels: sizes.into_iter().map(Population::new).collect(),
            seats: BTreeMap::new(),
        }
    }

    /// The bracket and the rung that take the next trial.
    fn next(&self, plan: &Plan) -> (u32, usize) {
        let first = self.ladder.bracket_of_next(plan);
        if !is_later(plan, first) {
            return (first, 0);
        }
        let free = |&bracket: &u32| {
            let rungs = self.later.get(&bracket)?;
            let at = rungs.iter().zip(shape(plan, bracket)).position(|(rung, table)| rung.members < table.size)?;
            let below = at.checked_sub(1).and_then(|below| rungs.get(below));
            below.is_none_or(|below| below.waiting == 0).then_some((bracket, at))
        };
        let begun = self.later.last_key_value().map_or(first, |(last, _)| last.saturating_add(1));
        self.open.iter().find_map(free).unwrap_or((begun, 0))
    }

    pub(super) fn started(&mut self, plan: &Plan, trial: &Trial<'_>) {
        // A hole is where the next trial would have gone.
        let at = if trial.is_hole() { self.next(plan).1 } else { first_rung(plan, trial) };
        let shape = shape(plan, trial.bracket);
        let Some(level) = shape.get(at).map(|rung| rung.level) else { return };
        self.seat(trial, level);
        if !is_later(plan, trial.bracket) {
            self.ladder.started(plan, trial);
        } else {
            let rungs = self.later.entry(trial.bracket).or_default();
            rungs.resize_with(shape.len(), Rung::default);
            if let Some(rung) = rungs.get_mut(at) {
                rung.members = rung.members.saturating_add(1);
            }
            if rungs.iter().zip(shape).all(|(rung, table)| rung.members >= table.size) {
                self.open.remove(&trial.bracket);
            } else {
                self.open.insert(trial.bracket);
            }
        }
        // The ladder has entered it already.
        self.change(plan, trial, true);
    }

    /// Lets a trial compete for the place of a level whose turn it is.
    fn seat(&mut self, trial: &Trial<'_>, level: usize) {
        if let Some(population) = self.levels.get_mut(level) {
            self.seats.entry(trial.number.0).or_default().push((level, population.take()));
        }
    }

    pub(super) fn enter(&mut self, plan: &Plan, trial: &Trial<'_>) {
        if !is_later(plan, trial.bracket) {
            self.ladder.enter(plan, trial);
        }
        self.change(plan, trial, true);
    }

    pub(super) fn leave(&mut self, plan: &Plan, trial: &Trial<'_>) {
        if !is_later(plan, trial.bracket) {
            self.ladder.leave(plan, trial);
        }
        self.change(plan, trial, false);
    }

    /// Adds what a trial is to its places and, after the first pass, to its rung; or takes it away.
    fn change(&mut self, plan: &Plan, trial: &Trial<'_>, is_added: bool) {
        for &(level, place) in self.seats.get(&trial.number.0).into_iter().flatten() {
            if let Some((population, entry)) = self.levels.get_mut(level).zip(entry(plan, trial, level)) {
                if is_added { population.enter(place, entry) } else { population.leave(place, entry) }
            }
        }
        if !is_later(plan, trial.bracket) || trial.ended.is_some() || trial.stop.is_some() {
            return;
        }
        if trial.arrived_at(plan, trial.target).is_some() {
            if is_added && trial.target < plan.top_level() {
                self.arrived.insert(trial.number.0);
            } else {
                self.arrived.remove(&trial.number.0);
            }
        } else if let Some(rung) =
            self.later.get_mut(&trial.bracket).and_then(|rungs| rungs.get_mut(first_rung(plan, trial)))
        {
            rung.waiting = if is_added { rung.waiting + 1 } else { rung.waiting.saturating_sub(1) };
        }
    }

    pub(super) fn stopping(&mut self, plan: &Plan, trial: &Trial<'_>, reason: Reason) {
        if !is_later(plan, trial.bracket) {
            self.ladder.stopping(plan, trial, reason);
        }
    }

    pub(super) fn continuing(&mut self, plan: &Plan, trial: &Trial<'_>, cleared: usize, reason: Reason) {
        if is_later(plan, trial.bracket) {
            return;
        }
        let rungs = shape(plan, trial.bracket);
        let to = position(rungs, Some(cleared));
        if let Some(rung) = rungs.get(to).filter(|_| to > position(rungs, trial.cleared)) {
            self.seat(trial, rung.level);
        }
        self.ladder.continuing(plan, trial, cleared, reason);
    }

    pub(super) fn stop(&self, plan: &Plan, state: &State<'_>) -> Option<Action> {
        self.ladder.stop(plan, state).or_else(|| {
            let trial = state.trial(*self.arrived.first()?)?;
            let own = entry(plan, trial, trial.target);
            let reason = if own.is_some() { Reason::Evaluated } else { Reason::NotFinite };
            let compared = self.compare(plan, state, trial, own);
            Some(Action::Stop { number: trial.number, reason, compared })
        })
    }

    /// A trial against the best that competed for its place.
    fn compare(&self, plan: &Plan, state: &State<'_>, trial: &Trial<'_>, own: Option<Entry>) -> Option<Comparison> {
        let level = trial.target;
        let (_, place) = *self.seats.get(&trial.number.0)?.iter().find(|(at, _)| *at == level)?;
        let population = self.levels.get(level)?;
        let (rank, of) = population.rank(place, own);
        let shown = trial.values_at(level)?;
        let rival = population.rival(place, trial.number.0).and_then(|rival| state.trial(rival)?.values_at(level));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Some(Comparison {
            level,
            rank: count(rank),
            kept: 1,
            of: count(of),
            value: plan.leading_value(shown),
            cutoff: rival.map_or(f64::NAN, |rival| plan.leading_value(rival)),
            violation: plan.violation(shown),
        })
    }

    pub(super) fn continues(&self, plan: &Plan, state: &State<'_>) -> Vec<Pass> {
        self.ladder.continues(plan, state)
    }

    pub(super) fn pass(&self, plan: &Plan, state: &State<'_>, pass: &Pass) -> Option<Action> {
        self.ladder.pass(plan, state, pass)
    }

    pub(super) fn bracket_of_next(&self, plan: &Plan) -> u32 {
        self.next(plan).0
    }

    /// There is always a place: only the limits, or an exhausted space, end the study.
    pub(super) fn place(&self, plan: &Plan) -> Option<Place> {
        let (bracket, at) = self.next(plan);
        Some(Place { bracket, level: shape(plan, bracket).get(at)?.level, from: None })
    }

    /// Whether a new bracket would take what unfinished ones need.
    pub(super) fn holds_back(&self, plan: &Plan, state: &State<'_>, place: &Place) -> bool {
        if !is_later(plan, place.bracket) {
            return self.ladder.holds_back(plan, state, place);
        }
        let begun =
            self.ladder.all_unpaid(plan) + self.open.iter().map(|&bracket| self.unpaid(plan, bracket)).sum::<u64>();
        let is_beside = !self.later.contains_key(&place.bracket) && begun > 0;
        is_beside && super::waits_for_others(plan, state, begun + self.unpaid(plan, place.bracket))
    }

    /// What a bracket after the first pass has still to pay: whoever is sent to a rung trains all of its level.
    fn unpaid(&self, plan: &Plan, bracket: u32) -> u64 {
        let rungs = self.later.get(&bracket).map_or(&[][..], Vec::as_slice);
        let members = rungs.iter().map(|rung| rung.members).chain(std::iter::repeat(0));
        let places = shape(plan, bracket).iter().zip(members);
        places
            .map(|(rung, members)| u64::from(rung.size.saturating_sub(members)) * u64::from(plan.fidelity(rung.level)))
            .sum()
    }

    /// What the next trial is bred from. The first rung of all is drawn.
    pub(crate) fn breeding(&self, plan: &Plan) -> Option<Breeding> {
        let (bracket, at) = self.next(plan);
        let table = shape(plan, bracket).get(at)?;
        let population = self.levels.get(table.level)?;
        let place = population.next();
        if bracket == 0 {
            return Some(Breeding { level: table.level, place, target: None, mates: Vec::new(), everyone: Vec::new() });
        }
        let below = at.checked_sub(1).and_then(|below| shape(plan, bracket).get(below));
        let mut mates = self.levels.get(below.unwrap_or(table).level)?.holders();
        mates.truncate(table.size as usize);
        let all: BTreeSet<u32> = self.levels.iter().flat_map(Population::holders).collect();
        Some(Breeding {
            level: table.level,
            place,
            target: population.holder(place),
            mates,
            everyone: all.into_iter().collect(),
        })
    }
}
