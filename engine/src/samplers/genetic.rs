//! A genetic algorithm, steady: every trial is bred from the best that are known when it is asked for. With several
//! objectives the best are those that NSGA-II would keep (Deb, Pratap, Agarwal and Meyarivan, IEEE Transactions on
//! Evolutionary Computation 6(2), 2002): by fronts, those of the last front by how evenly they cover it, and whoever
//! breaks bounds on reported metrics behind everybody who keeps them. They are chosen among all trials, and not only among
//! parents and children, so nothing good is ever lost.
//!
//! There are no generations to wait for, so results may come late, in any order and from any number of workers: the
//! survivors are the best `population` trials by rank (so failures die out), parents win tournaments of two among them,
//! numbers are crossed by simulated binary crossover and changed by polynomial mutation (Deb and Agrawal, Complex Systems
//! 9, 1995; Deb and Goyal, Computer Science and Informatics 26, 1996), in the unit interval of their scale; choices are
//! taken from either parent and changed to another choice. A parameter that only one parent has comes from that one, and
//! one that neither has is drawn.
//!
//! Trials of an earlier study survive and breed like others. They have no numbers here, so no record names them as parents.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::finite::is_new;
use super::ranking::{Standing, standing};
use super::{Proposal, random};
use crate::history::{Note, TrialNumber};
use crate::pareto::{self, Point};
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::{Assignment, Domain, Parameter, Value};
use crate::state::{State, Trial};

pub(super) const NAME: &str = "genetic";

/// Survivors where the Study does not say.
const DEFAULT_POPULATION: u32 = 20;

/// The same with several objectives: a front needs more of them than a point.
const DEFAULT_FRONT: u32 = 50;

/// The sizes of population that a Study may ask for.
pub const POPULATION: std::ops::RangeInclusive<u32> = 4..=1_000;

/// How often a child that exists already, or that a constraint refuses, is bred again.
const REDRAWS: usize = 64;

/// How likely a child has two parents.
const CROSSOVER: f64 = 0.9;

/// How near to its parents a crossed number stays: larger is nearer.
const CROSSOVER_INDEX: f64 = 10.0;

/// How near to its old value a mutated number stays: larger is nearer.
const MUTATION_INDEX: f64 = 10.0;

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32, population: Option<u32>) -> Option<Proposal> {
    let several = plan.spec().has_several_objectives();
    let population = population.unwrap_or(if several { DEFAULT_FRONT } else { DEFAULT_POPULATION }) as usize;
    let mut ranked: Vec<Standing> = Vec::new();
    let mut started = 0;
    for (place, trial) in state.evidence().filter(|(_, trial)| !trial.is_hole()) {
        started += 1;
        ranked.extend(standing(plan, place, trial).map(|(standing, _)| standing).filter(Standing::is_usable));
    }
    if started < population || ranked.len() < 2 {
        // The first population is drawn, and so is the rest of it while there is nobody to breed from.
        return Some(Proposal::plain(random::propose(plan, state, number)?, NAME));
    }
    let places: Vec<u32> = if several {
        fittest(plan, state, &ranked, population)
    } else {
        if ranked.len() > population {
            ranked.select_nth_unstable(population - 1);
            ranked.truncate(population);
        }
        ranked.sort_unstable();
        ranked.iter().map(Standing::place).collect()
    };
    // Nothing is inherited that the space does not have, whatever is on record.
    let is_whole = |trial: &&Trial<'_>| trial.parameters.as_deref().is_some_and(|own| plan.spec().space.contains(own));
    let survivors: Vec<&Trial<'_>> = places.iter().filter_map(|&at| state.at_place(at)).filter(is_whole).collect();
    let mut stream = Stream::new(plan.spec().seed, Purpose::Parameters, u64::from(number));
    for _ in 0..=REDRAWS {
        let Some((child, parents)) = breed(plan, &survivors, &mut stream) else { break };
        if is_new(plan, state, &child) {
            let note = Note { parents, ..Note::default() };
            return Some(Proposal { assignment: child, sampler: NAME, note });
        }
    }
    Proposal::fallback(random::propose(plan, state, number)?, NAME, random::NAME)
}

/// So many of these trials as NSGA-II ranks them, from the highest level down.
fn fittest(plan: &Plan, state: &State<'_>, usable: &[Standing], population: usize) -> Vec<u32> {
    let mut levels: BTreeMap<Reverse<usize>, Vec<(u32, Point)>> = BTreeMap::new();
    let last = |place: u32| state.at_place(place)?.evidence(plan).last();
    let shown = usable.iter().filter_map(|standing| Some((standing.place(), last(standing.place())?)));
    for (place, shown) in shown {
        levels.entry(Reverse(shown.level)).or_default().extend(plan.point(shown).map(|point| (place, point)));
    }
    let mut places: Vec<u32> = Vec::new();
    for members in levels.into_values() {
        let wanted = population.saturating_sub(places.len());
        let points: Vec<Point> = members.iter().map(|(_, point)| *point).collect();
        let order = pareto::order(&points, plan.spec().objectives().count(), wanted);
        places.extend(order.into_iter().take(wanted).filter_map(|at| members.get(at)).map(|(place, _)| *place));
    }
    places
}

/// A child of two survivors, or a changed copy of one.
fn breed(plan: &Plan, survivors: &[&Trial<'_>], stream: &mut Stream) -> Option<(Assignment, Vec<TrialNumber>)> {
    let first = tournament(survivors.len(), stream);
    let mother = survivors.get(first)?;
    let is_crossed = stream.uniform() < CROSSOVER;
    let mut second = tournament(survivors.len() - 1, stream);
    second += usize::from(second >= first);
    let father = survivors.get(second).filter(|_| is_crossed);
    let (one, other) = (mother.parameters.as_deref()?, father.and_then(|trial| trial.parameters.as_deref()));
    let space = &plan.spec().space;
    let mut child = Assignment::default();
    let mut is_inherited = Vec::new();
    for parameter in &space.parameters {
        if !space.is_active(parameter, &child) {
            continue;
        }
        let genes = (one.get(&parameter.name), other.and_then(|other| other.get(&parameter.name)));
        let gene = match genes {
            (Some(a), Some(b)) => Some(cross(&parameter.domain, a, b, stream)),
            (Some(a), None) | (None, Some(a)) => Some(a.clone()),
            (None, None) => None,
        };
        is_inherited.push(gene.is_some());
        let value = gene.unwrap_or_else(|| parameter.domain.at_unit(stream.uniform()));
        child.values.push((parameter.name.clone(), value));
    }
    let is_copy = child == *one || other.is_some_and(|other| child == *other);
    let child = mutate(plan, &child, &is_inherited, is_copy, stream);
    let parents =
        [Some(mother), father].into_iter().flatten().filter(|trial| !trial.is_imported()).map(|trial| trial.number);
    Some((child, parents.collect()))
}

/// The better of two survivors, by their places.
fn tournament(survivors: usize, stream: &mut Stream) -> usize {
    let mut draw = || usize::try_from(stream.below(survivors as u64)).unwrap_or(0);
    draw().min(draw())
}

/// Changes one parameter in expectation, and at least one of a copy. What hangs on a changed parent is drawn anew where
/// it did not exist before, and dropped where it does not exist any more.
fn mutate(plan: &Plan, child: &Assignment, inherited: &[bool], is_copy: bool, stream: &mut Stream) -> Assignment {
    let space = &plan.spec().space;
    let changeable: Vec<&Parameter> = child
        .values
        .iter()
        .zip(inherited)
        .filter(|(_, is_inherited)| **is_inherited)
        .filter_map(|((name, _), _)| space.parameter(name))
        .filter(|parameter| parameter.domain.count() != Some(1))
        .collect();
    let certain = if is_copy { stream.below(changeable.len() as u64) } else { u64::MAX };
    #[expect(clippy::cast_precision_loss, reason = "there are at most 64 parameters")]
    let chance = 1.0 / changeable.len().max(1) as f64;
    let mut mutated = Assignment::default();
    let mut at = 0;
    for parameter in &space.parameters {
        let is_changeable = changeable.get(at).is_some_and(|next| next.name == parameter.name);
        let is_changed = is_changeable && (at as u64 == certain || stream.uniform() < chance);
        at += usize::from(is_changeable);
        if !space.is_active(parameter, &mutated) {
            continue;
        }
        let value = match child.get(&parameter.name) {
            Some(old) if is_changed => change(&parameter.domain, old, stream),
            Some(old) => old.clone(),
            None => parameter.domain.at_unit(stream.uniform()),
        };
        mutated.values.push((parameter.name.clone(), value));
    }
    mutated
}

/// A value from two: for a choice one of them, for a number by simulated binary crossover within the range.
fn cross(domain: &Domain, a: &Value, b: &Value, stream: &mut Stream) -> Value {
    let (side, is_kept, draw) = (stream.uniform() < 0.5, stream.uniform() < 0.5, stream.uniform());
    let chosen = if side { a } else { b };
    let units = domain.to_unit(a).zip(domain.to_unit(b));
    let Some((a, b)) = units.filter(|_| !is_kept && !matches!(domain, Domain::Categorical { .. })) else {
        return chosen.clone();
    };
    let (low, high) = (a.min(b), a.max(b));
    if high - low < 1e-14 {
        return chosen.clone();
    }
    let (room, sign) = if side { (low, -1.0) } else { (1.0 - high, 1.0) };
    let spread = 1.0 + 2.0 * room / (high - low);
    let share = 2.0 - libm::pow(spread, -(CROSSOVER_INDEX + 1.0));
    let inside = draw * share;
    let base = if inside <= 1.0 { inside } else { 1.0 / (2.0 - inside) };
    let factor = libm::pow(base, 1.0 / (CROSSOVER_INDEX + 1.0));
    domain.at_unit(0.5 * (low + high + sign * factor * (high - low)))
}

/// Another value near the old one: another choice, or polynomial mutation within the range, by one step at least.
fn change(domain: &Domain, old: &Value, stream: &mut Stream) -> Value {
    let (draw, other) = (stream.uniform(), stream.uniform());
    let count = domain.count();
    if let (Domain::Categorical { .. }, Some(count), Some(index)) = (domain, count, domain.index_of(old)) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 256 choices"
        )]
        let pick = ((count - 1) as f64 * other) as u64;
        return domain.at(pick + u64::from(pick >= index));
    }
    let Some(unit) = domain.to_unit(old) else { return old.clone() };
    let power = MUTATION_INDEX + 1.0;
    let moved = if draw < 0.5 {
        unit + libm::pow(2.0 * draw + (1.0 - 2.0 * draw) * libm::pow(1.0 - unit, power), 1.0 / power) - 1.0
    } else {
        unit + 1.0 - libm::pow(2.0 * (1.0 - draw) + (2.0 * draw - 1.0) * libm::pow(unit, power), 1.0 / power)
    };
    let value = domain.at_unit(moved);
    if value != *old {
        return value;
    }
    let (Some(count), Some(index)) = (count, domain.index_of(old)) else { return value };
    let goes_up = index == 0 || (draw >= 0.5 && index + 1 < count);
    domain.at(if goes_up { index + 1 } else { index - 1 })
}

#[cfg(test)]
mod tests;
