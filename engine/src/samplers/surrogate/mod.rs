//! What the samplers that fit a model of the objective share: the space in numbers, what the trials say, the values made
//! fit for a model, the acquisition, the first trials of a study, and never proposing a configuration twice.

mod design;
mod encoding;
mod evidence;
mod log_ei;
mod subset;
mod warp;

pub(super) use design::first_trials;
pub(super) use encoding::{Encoding, Kind, Point, is_active};
pub(super) use evidence::{Known, View, evidence, evidence_of_all, warped};
pub(super) use log_ei::{Slope, log_between, log_between_slope, log_ei, log_ei_slope};
pub(super) use subset::{best_first, newest, subset};

use super::finite::{self, is_new};
use super::{Proposal, random};
use crate::plan::Plan;
use crate::random::Stream;
use crate::space::{Assignment, Enumeration};
use crate::state::State;

/// A finite space with at most this many configurations left is looked at as a whole instead of being searched.
const MAX_WHOLE: u64 = 512;

/// Proposes by a model, and by chance where the model leaves it to chance; nothing once the space is exhausted.
pub(super) fn by_model(
    plan: &Plan,
    state: &State<'_>,
    number: u32,
    name: &'static str,
    model: impl FnOnce(&Plan, &State<'_>, &Encoding<'_>, u32) -> Option<Assignment>,
) -> Option<Proposal> {
    if finite::is_exhausted(plan, state, number) {
        return None;
    }
    match model(plan, state, &Encoding::new(&plan.spec().space), number) {
        Some(assignment) => Some(Proposal::plain(assignment, name)),
        None => Proposal::fallback(random::propose(plan, state, number)?, name, random::NAME),
    }
}

/// Pending trials that are nearer than this on every axis would tell the same.
const APART: f64 = 0.01;

/// A point and how much is expected of it; larger is better.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) merit: f64,
    pub(super) point: Point,
}

impl Candidate {
    /// Best first; what is no number is last, and ties keep their order.
    pub(super) fn sort(candidates: &mut [Self]) {
        let key = |candidate: &Self| if candidate.merit.is_nan() { f64::NEG_INFINITY } else { candidate.merit };
        candidates.sort_by(|a, b| key(b).total_cmp(&key(a)));
    }
}

/// The first of the points, best first, that is no trial's configuration yet; where it can be had, one that is apart from
/// every pending trial. A model that is sure of itself would send all workers to one spot.
pub(super) fn first_new(
    plan: &Plan,
    state: &State<'_>,
    candidates: &[Candidate],
    pending: &[Point],
) -> Option<Assignment> {
    let space = &plan.spec().space;
    let find = |near: bool| {
        let chosen =
            candidates.iter().filter(|candidate| near == pending.iter().any(|p| is_near(p, &candidate.point, APART)));
        chosen.map(|candidate| space.at(&candidate.point)).find(|assignment| is_new(plan, state, assignment))
    };
    find(false).or_else(|| find(true))
}

/// Whether two points differ by less than this on every axis.
fn is_near(a: &[f64], b: &[f64], by: f64) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() < by)
}

/// Whether the constraints allow a point.
pub(super) fn is_allowed(plan: &Plan, point: &[f64]) -> bool {
    plan.constraints.is_empty() || plan.allows(&plan.spec().space.at(point))
}

/// Every configuration that is left, where they are few.
pub(super) fn all_left(plan: &Plan, state: &State<'_>, encoding: &Encoding<'_>) -> Option<Vec<Point>> {
    let all: &Enumeration = plan.enumeration.as_deref()?;
    let taken = state.taken();
    if all.size().saturating_sub(taken.len() as u64) > MAX_WHOLE || all.size() > 64 * MAX_WHOLE {
        return None;
    }
    let left = (0..all.size()).filter(|point| !taken.contains(point));
    Some(left.filter_map(|point| encoding.encode(&all.at(point)?)).collect())
}

/// A standard normal number, by the polar form of Box and Muller (Marsaglia and Bray 1964).
pub(super) fn normal(stream: &mut Stream) -> f64 {
    loop {
        let (a, b) = (2.0 * stream.uniform() - 1.0, 2.0 * stream.uniform() - 1.0);
        let square = a * a + b * b;
        if square > 0.0 && square < 1.0 {
            return a * (-2.0 * libm::log(square) / square).sqrt();
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
