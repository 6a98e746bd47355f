//! Bayesian optimization on a Gaussian process, on one for each of two or three objectives.
//!
//! Matern's kernel of smoothness 5/2 with a length scale for each axis ([`kernel`]), its hyperparameters the maximum a
//! posteriori ([`fit`]), values warped against heavy tails ([`super::surrogate`]), the logarithm of expected improvement
//! searched along its gradient ([`search`]), pending trials as fantasies ([`posterior`]): Snoek et al. 2012, "Practical
//! Bayesian Optimization of Machine Learning Algorithms", with the logarithm and its numerics by Ament et al. 2023. With
//! several objectives it is the improvement of hypervolume that is expected ([`acquisition`], [`region`]), and a trial's tag says so.
//!
//! - Hyperparameters are refitted at fixed counts of evidence (each up to 40, then each 5 % more), to the first that many
//!   trials with a value: between two counts a memo serves, and without the memo the same is computed again.
//! - Beyond [`MOST`] trials the model is of the best third of that number, the newest third, and others drawn by chance; the fit
//!   of hyperparameters of [`MOST_FITTED`] likewise. So time and memory are bounded.
//! - What counts as a usual value, and so as a unit, is said by all trials for odd numbers, and by all places for even ones: the
//!   first finds the bottom of the basin it is in, the second other basins (`bench/samplers/automatic.md`).
//! - A failed trial counts like the worst value of all, but is no part of the fit: a cliff says nothing of length scales.
//! - With several objectives the best are those on the first fronts, and processes are fitted at the same counts and to the same
//!   trials.

mod acquisition;
mod descent;
mod fit;
mod kernel;
mod linear;
mod posterior;
mod region;
mod search;

use std::sync::{Arc, Mutex};

use self::acquisition::Acquisition;
use self::kernel::{Axes, Hyper};
use self::posterior::{Posterior, Seen};
use self::search::Search;
use super::Proposal;
use super::surrogate::{
    Candidate, Encoding, Known, View, all_left, best_first, by_model, evidence_of_all, first_new, first_trials, newest,
    subset, warped,
};
use crate::pareto::MAX_OBJECTIVES;
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::Assignment;
use crate::state::State;

pub(super) const NAME: &str = "gaussianProcess";

/// The most trials that the model is of.
const MOST: usize = 300;

/// The most trials that hyperparameters are fitted to.
const MOST_FITTED: usize = 150;

/// The most pending trials that are fantasized, the newest.
const MOST_PENDING: usize = 100;

/// The most objectives that can be searched for.
pub(crate) const MOST_OBJECTIVES: usize = 3;

/// Worlds with pending trials, with one objective and with several, where each costs more.
const WORLDS: usize = 8;
const WORLDS_OF_SEVERAL: usize = 4;

/// Near how many of the best trials it searches, and at how many points each, with one objective and with several.
const BEST: (usize, usize) = (5, 40);
const BEST_OF_SEVERAL: (usize, usize) = (10, 20);

/// The hyperparameters fitted last in each view, and to which evidence. Nothing depends on it but time.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<[Option<Arc<Fitted>>; 2]>);

#[derive(Debug)]
struct Fitted {
    key: Vec<(u32, [u64; MAX_OBJECTIVES])>,
    /// One for each objective.
    hypers: Vec<Hyper>,
}

impl Clone for Memo {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.0.lock().map(|fitted| fitted.clone()).unwrap_or_default()))
    }
}

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    let mut tag = None;
    let mut proposal = by_model(plan, state, number, NAME, |plan, state, encoding, number| {
        model(plan, state, encoding, number, &mut tag)
    })?;
    proposal.note.tag = tag;
    Some(proposal)
}

/// What the model proposes, and with several objectives what it says of it; `None` where chance is to decide.
fn model(
    plan: &Plan,
    state: &State<'_>,
    encoding: &Encoding<'_>,
    number: u32,
    tag: &mut Option<String>,
) -> Option<Assignment> {
    let rows = (2 * encoding.dimension() + 2).clamp(4, 10);
    let Some(evidence) = evidence_of_all(plan, state, encoding, rows) else {
        return first_trials(plan, state, encoding, number, u32::try_from(rows).unwrap_or(1));
    };
    let seed = plan.spec().seed;
    let objectives = plan.spec().objectives().count();
    let axes = Axes::new(encoding);
    let view = if number.is_multiple_of(2) { View::Wide } else { View::Near };
    let hypers = hypers(state, &axes, &evidence.known, objectives, view, seed)?;
    let known: Vec<&Known> = subset(&evidence.known.iter().collect::<Vec<_>>(), objectives, MOST, seed);
    let features: Vec<Vec<f64>> = known.iter().map(|known| axes.features(&known.point)).collect();
    let pending: Vec<Vec<f64>> =
        newest(&evidence.pending, MOST_PENDING).iter().map(|point| axes.features(point)).collect();
    let (worlds, (count, near)) = if objectives > 1 { (WORLDS_OF_SEVERAL, BEST_OF_SEVERAL) } else { (WORLDS, BEST) };
    let seen = Seen { known: &features, pending: &pending, worlds };
    let mut stream = Stream::new(seed, Purpose::Search, u64::from(number));
    let fitted = hypers.iter().zip(warped(&known, objectives, view));
    let posteriors: Option<Vec<Posterior<'_>>> =
        fitted.map(|(hyper, values)| Posterior::new(&axes, hyper, seen, &values, &mut stream)).collect();
    let acquisition = Acquisition::new(posteriors?);
    let search = Search { plan, encoding, axes: &axes, acquisition: &acquisition, near };
    let candidates = if let Some(left) = all_left(plan, state, encoding) {
        let mut rated: Vec<Candidate> = left.into_iter().map(|point| search.rate(point)).collect();
        Candidate::sort(&mut rated);
        rated
    } else {
        let best = best_first(&known, objectives, count);
        let best: Vec<_> = best.iter().take(count).map(|known| &known.point).collect();
        search.run(&best, &mut stream)
    };
    let found = first_new(plan, state, &candidates, newest(&evidence.pending, MOST_PENDING))?;
    if objectives > 1 {
        let front = acquisition.front();
        *tag =
            Some(format!("expected improvement of the hypervolume of {objectives} objectives, on a front of {front}"));
    }
    Some(found)
}

/// The hyperparameters of each objective with this evidence, by the memo or anew.
fn hypers(
    state: &State<'_>,
    axes: &Axes,
    known: &[Known],
    objectives: usize,
    view: View,
    seed: u64,
) -> Option<Vec<Hyper>> {
    let finite: Vec<&Known> = known.iter().filter(|known| known.vector.is_some()).collect();
    let first = finite.get(..fitted_count(finite.len()))?;
    let key: Vec<_> = first.iter().map(|k| (k.place, k.vector.unwrap_or_default().map(f64::to_bits))).collect();
    let slot = usize::from(view == View::Wide);
    let memo = state.fits().0.lock().ok().and_then(|memo| memo.get(slot)?.clone());
    if let Some(fitted) = memo.filter(|fitted| fitted.key == key) {
        return Some(fitted.hypers.clone());
    }
    let chosen = subset(first, objectives, MOST_FITTED, seed);
    let points: Vec<Vec<f64>> = chosen.iter().map(|known| axes.features(&known.point)).collect();
    let hypers: Vec<Hyper> =
        warped(&chosen, objectives, view).iter().map(|values| fit::fit(axes, &points, values)).collect();
    if let Ok(mut memo) = state.fits().0.lock()
        && let Some(memo) = memo.get_mut(slot)
    {
        *memo = Some(Arc::new(Fitted { key, hypers: hypers.clone() }));
    }
    Some(hypers)
}

/// The largest count at which hyperparameters are fitted, not above this one.
fn fitted_count(count: usize) -> usize {
    let mut at = 1;
    loop {
        let next = at + (at / 20).max(1);
        if next > count {
            return at;
        }
        at = next;
    }
}

#[cfg(test)]
mod tests;
