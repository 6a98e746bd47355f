//! Differential evolution, rand/1/bin (Storn and Price, Journal of Global Optimization 11, 1997), as DEHB breeds with it (Awad, Mallik and
//! Hutter, IJCAI 2021, section 3): [`Dehb`] says for which place, and from whom.
//!
//! A mutant is one vector plus half the difference of two others. The child has each coordinate of the mutant by one chance in two, at
//! least one of them, and the others of the holder of its place; what lies outside the unit interval is drawn anew. Where
//! fewer than three can be mated, mutants of everybody join them.
//!
//! It moves in the unit cube, with a coordinate for every parameter, those that do not exist beside the others included. Whole numbers and
//! choices are the shares of their axis that [`crate::Space::at`] reads, so that ends and middles are equally likely. The vector is on
//! record in the tag: a share is a whole interval, and a configuration does not tell where in it the trial is. One that was made
//! by somebody else, such as a starting point, is put at a random place of its shares.

use super::finite::is_new;
use super::{Proposal, random};
use crate::history::{MAX_PARENTS, Note, TrialNumber};
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::schedulers::{Breeding, Dehb};
use crate::state::{State, Trial};

pub(super) const NAME: &str = "differentialEvolution";

/// How many vectors a mutant is made of.
const MATES: usize = 3;

/// How far a mutant goes along a difference.
const FACTOR: f64 = 0.5;

/// How likely a coordinate is the mutant's.
const CROSSOVER: f64 = 0.5;

/// How often a child that exists already, or that a constraint refuses, is bred again.
const REDRAWS: usize = 64;

/// A point of the unit cube, and the trials that it was made from.
struct Made {
    vector: Vec<f64>,
    from: Vec<u32>,
}

pub(super) fn propose(plan: &Plan, state: &State<'_>, dehb: &Dehb, number: u32) -> Option<Proposal> {
    let breeding = dehb.breeding(plan)?;
    let mut stream = Stream::new(plan.spec().seed, Purpose::Evolution, u64::from(number));
    for _ in 0..=REDRAWS {
        let mut child = breed(plan, state, &breeding, &mut stream);
        for x in &mut child.vector {
            // What goes on record is exactly what is tried.
            *x = format!("{x:.12}").parse().unwrap_or(0.5);
        }
        let assignment = plan.spec().space.at(&child.vector);
        if is_new(plan, state, &assignment) {
            let note =
                Note { tag: Some(tag(plan, &breeding, &child.vector)), parents: parents(child.from), fallback: None };
            return Some(Proposal { assignment, sampler: NAME, note });
        }
    }
    Proposal::fallback(random::propose(plan, state, number)?, NAME, random::NAME)
}

/// A child for the place; a point drawn at random while there is too little to breed from.
fn breed(plan: &Plan, state: &State<'_>, breeding: &Breeding, stream: &mut Stream) -> Made {
    let everyone: Vec<u32> = breeding.everyone.iter().copied().filter(|n| Some(*n) != breeding.target).collect();
    if everyone.len() < MATES {
        return Made { vector: uniform(plan, stream), from: Vec::new() };
    }
    // Mates that are made up come as none. One more than are missing, so that they are not the same each time.
    let missing = MATES.saturating_sub(breeding.mates.len());
    let made_up = if missing == 0 { 0 } else { missing + 1 };
    let mates = breeding.mates.iter().copied().filter(|n| Some(*n) != breeding.target).map(Some);
    let mut mates: Vec<Option<u32>> = mates.chain(std::iter::repeat_n(None, made_up)).collect();
    mates.resize(mates.len().max(MATES), None);
    let chosen: Vec<Made> = pick(&mates, stream)
        .into_iter()
        .map(|mate| match mate {
            Some(number) => Made { vector: vector(plan, state, number), from: vec![number] },
            None => {
                let strangers = pick(&everyone, stream);
                let vectors = strangers.iter().map(|&n| Made { vector: vector(plan, state, n), from: vec![n] });
                mutant(vectors.collect())
            }
        })
        .collect();
    let mutant = mutant(chosen);
    let target = breeding.target.map_or_else(|| uniform(plan, stream), |target| vector(plan, state, target));
    let certain = stream.below(target.len() as u64);
    let mut child = Vec::with_capacity(target.len());
    for (at, (own, other)) in (0..).zip(target.iter().zip(&mutant.vector)) {
        let (chance, anew) = (stream.uniform(), stream.uniform());
        let x = if at == certain || chance < CROSSOVER { *other } else { *own };
        child.push(if (0.0..=1.0).contains(&x) { x } else { anew });
    }
    Made { vector: child, from: breeding.target.into_iter().chain(mutant.from).collect() }
}

/// The first plus half the difference of the two others.
fn mutant(made: Vec<Made>) -> Made {
    let coordinate = |i: usize, at: usize| made.get(i).and_then(|made| made.vector.get(at)).copied().unwrap_or(0.5);
    let length = made.first().map_or(0, |made| made.vector.len());
    let vector = (0..length).map(|at| coordinate(0, at) + FACTOR * (coordinate(1, at) - coordinate(2, at))).collect();
    Made { vector, from: made.into_iter().flat_map(|made| made.from).collect() }
}

/// Three different members of a list that has as many.
fn pick<T: Copy>(all: &[T], stream: &mut Stream) -> Vec<T> {
    let mut left: Vec<T> = all.to_vec();
    let mut draw = || {
        let at = usize::try_from(stream.below(left.len() as u64)).unwrap_or(0);
        (at < left.len()).then(|| left.swap_remove(at))
    };
    (0..MATES).filter_map(|_| draw()).collect()
}

fn uniform(plan: &Plan, stream: &mut Stream) -> Vec<f64> {
    plan.spec().space.parameters.iter().map(|_| stream.uniform()).collect()
}

/// Where a trial is in the unit cube.
fn vector(plan: &Plan, state: &State<'_>, number: u32) -> Vec<f64> {
    let Some(trial) = state.trial(number) else { return Vec::new() };
    let tag = trial.note.tag.as_deref().filter(|_| trial.sampler == NAME);
    tag.and_then(|tag| read(tag, plan.spec().space.parameters.len())).unwrap_or_else(|| somewhere(plan, trial))
}

/// A point whose configuration is the trial's.
fn somewhere(plan: &Plan, trial: &Trial<'_>) -> Vec<f64> {
    let mut stream = Stream::new(plan.spec().seed, Purpose::Vector, u64::from(trial.number.0));
    let place = |parameter: &crate::space::Parameter| {
        let chance = stream.uniform();
        let value = trial.parameters.as_deref().and_then(|parameters| parameters.get(&parameter.name));
        let Some(value) = value else { return chance };
        match parameter.domain.index_of(value) {
            Some(index) => {
                let (low, high) = (parameter.domain.lower_edge(index), parameter.domain.lower_edge(index + 1));
                (low + chance * (high - low)).clamp(0.0, 1.0)
            }
            None => parameter.domain.to_unit(value).unwrap_or(chance),
        }
    };
    plan.spec().space.parameters.iter().map(place).collect()
}

/// The trials that a child was made from, each once, in the order of their part in it.
fn parents(from: Vec<u32>) -> Vec<TrialNumber> {
    let mut parents: Vec<TrialNumber> = Vec::new();
    for number in from.into_iter().map(TrialNumber) {
        if !parents.contains(&number) && parents.len() < MAX_PARENTS {
            parents.push(number);
        }
    }
    parents
}

/// Such as `place 3 at 27: 0.5 0.25`.
fn tag(plan: &Plan, breeding: &Breeding, vector: &[f64]) -> String {
    let numbers: Vec<String> = vector.iter().map(|x| format!(" {x}")).collect();
    format!("place {} at {}:{}", breeding.place, plan.fidelity(breeding.level), numbers.concat())
}

/// Reads the vector of a tag; `None` for what is no tag of a space with so many parameters.
fn read(tag: &str, parameters: usize) -> Option<Vec<f64>> {
    let numbers = tag.strip_prefix("place ")?.split_once(": ")?.1.split(' ');
    let numbers = numbers.map(|word| word.parse::<f64>().ok().filter(|x| (0.0..=1.0).contains(x)));
    numbers.collect::<Option<Vec<f64>>>().filter(|vector| vector.len() == parameters)
}

#[cfg(test)]
#[path = "differential_evolution_tests.rs"]
mod tests;
