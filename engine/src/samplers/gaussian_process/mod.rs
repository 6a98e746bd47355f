//! Bayesian optimization on a Gaussian process.
//!
//! Matern's kernel of smoothness 5/2 with a length scale for each axis ([`kernel`]), its hyperparameters the maximum a
//! posteriori ([`fit`]), values warped against heavy tails ([`super::surrogate`]), the logarithm of expected improvement
//! searched along its gradient ([`search`]), pending trials as fantasies ([`posterior`]): Snoek et al. 2012, "Practical
//! Bayesian Optimization of Machine Learning Algorithms", with the logarithm and its numerics by Ament et al. 2023.
//!
//! - Hyperparameters are refitted at fixed counts of evidence (each up to 40, then each 5 % more), to the first that many
//!   trials with a value: between two counts a memo serves, and without the memo the same is computed again.
//! - Beyond [`MOST`] trials the model is of the best third of that number, the newest third, and others drawn by chance; the fit
//!   of hyperparameters of [`MOST_FITTED`] likewise. So time and memory are bounded.
//! - What counts as a usual value, and so as a unit, is said by all trials for odd numbers, and by all places for even ones: the
//!   first finds the bottom of the basin it is in, the second other basins (`bench/samplers/automatic.md`).
//! - A failed trial counts like the worst value of all, but is no part of the fit: a cliff says nothing of length scales.

mod descent;
mod fit;
mod kernel;
mod linear;
mod posterior;
mod search;

use std::sync::{Arc, Mutex};

use self::kernel::{Axes, Hyper};
use self::posterior::Posterior;
use self::search::Search;
use super::Proposal;
use super::surrogate::{
    Candidate, Encoding, Known, View, all_left, by_model, evidence, first_new, first_trials, newest, subset, warped,
};
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

/// The hyperparameters fitted last in each view, and to which evidence. Nothing depends on it but time.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<[Option<Arc<Fitted>>; 2]>);

#[derive(Debug)]
struct Fitted {
    key: Vec<(u32, u64)>,
    hyper: Hyper,
}

impl Clone for Memo {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.0.lock().map(|fitted| fitted.clone()).unwrap_or_default()))
    }
}

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    by_model(plan, state, number, NAME, model)
}

/// What the model proposes; `None` where chance is to decide.
fn model(plan: &Plan, state: &State<'_>, encoding: &Encoding<'_>, number: u32) -> Option<Assignment> {
    let rows = (2 * encoding.dimension() + 2).clamp(4, 10);
    let Some(evidence) = evidence(plan, state, encoding, rows) else {
        return first_trials(plan, state, encoding, number, u32::try_from(rows).unwrap_or(1));
    };
    let seed = plan.spec().seed;
    let axes = Axes::new(encoding);
    let view = if number.is_multiple_of(2) { View::Wide } else { View::Near };
    let hyper = hyper(state, &axes, &evidence.known, view, seed)?;
    let known: Vec<&Known> = subset(&evidence.known.iter().collect::<Vec<_>>(), MOST, seed);
    let features: Vec<(Vec<f64>, f64)> =
        known.iter().map(|known| axes.features(&known.point)).zip(warped(&known, view)).collect();
    let pending: Vec<Vec<f64>> =
        newest(&evidence.pending, MOST_PENDING).iter().map(|point| axes.features(point)).collect();
    let mut stream = Stream::new(seed, Purpose::Search, u64::from(number));
    let posterior = Posterior::new(&axes, &hyper, &features, &pending, &mut stream)?;
    let search = Search { plan, encoding, axes: &axes, posterior: &posterior };
    let candidates = if let Some(left) = all_left(plan, state, encoding) {
        let mut rated: Vec<Candidate> = left.into_iter().map(|point| search.rate(point)).collect();
        Candidate::sort(&mut rated);
        rated
    } else {
        let mut order: Vec<usize> = (0..known.len()).collect();
        let value = |at: usize| features.get(at).map_or(f64::INFINITY, |&(_, value)| value);
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
        let best: Vec<_> = order.iter().take(5).filter_map(|&at| known.get(at)).map(|known| &known.point).collect();
        search.run(&best, &mut stream)
    };
    first_new(plan, state, &candidates, newest(&evidence.pending, MOST_PENDING))
}

/// The hyperparameters of this evidence, by the memo or anew.
fn hyper(state: &State<'_>, axes: &Axes, known: &[Known], view: View, seed: u64) -> Option<Hyper> {
    let finite: Vec<&Known> = known.iter().filter(|known| known.value.is_some()).collect();
    let first = finite.get(..fitted_count(finite.len()))?;
    let key: Vec<(u32, u64)> = first.iter().map(|k| (k.place, k.value.unwrap_or(0.0).to_bits())).collect();
    let slot = usize::from(view == View::Wide);
    let memo = state.fits().0.lock().ok().and_then(|memo| memo.get(slot)?.clone());
    if let Some(fitted) = memo.filter(|fitted| fitted.key == key) {
        return Some(fitted.hyper.clone());
    }
    let chosen = subset(first, MOST_FITTED, seed);
    let points: Vec<Vec<f64>> = chosen.iter().map(|known| axes.features(&known.point)).collect();
    let hyper = fit::fit(axes, &points, &warped(&chosen, view));
    if let Ok(mut memo) = state.fits().0.lock()
        && let Some(memo) = memo.get_mut(slot)
    {
        *memo = Some(Arc::new(Fitted { key, hyper: hyper.clone() }));
    }
    Some(hyper)
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
