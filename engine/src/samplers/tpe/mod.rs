//! Tree-structured Parzen estimators: one model of the good trials, one of the others, and the point where the first most
//! outweighs the second.
//!
//! Bergstra et al., *Algorithms for Hyper-Parameter Optimization*, NIPS 2011; Watanabe, *Tree-Structured Parzen Estimator*,
//! arXiv 2304.11127, for the joint kernels and their widths. Parameters that exist under the same conditions form a group
//! and are modelled jointly, from the trials that have them; groups are drawn after those that they depend on. Trials that
//! are not known yet count among the others, so that asks at the same time spread out.
//!
//! With several objectives a trial is good by its front, and on the front that is half good by what it covers of it (Ozaki et
//! al., JAIR 73, 2022).
//!
//! Until enough trials have a value the proposals are quasi-random.

mod evidence;
mod normal;
mod parzen;
mod widths;

use self::evidence::Evidence;
use self::parzen::{BATCH, Lanes, Parzen};
use super::points::{Axis, Points};
use super::{Memo, Proposal, finite, quasi_random};
use crate::plan::{Plan, TpeSettings};
use crate::random::{Purpose, Stream};
use crate::space::{Assignment, Space};
use crate::state::State;

pub(super) const NAME: &str = "tpe";

/// How often a configuration that exists already is drawn again before any free one is taken.
const REDRAWS: usize = 16;

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32, settings: TpeSettings) -> Option<Proposal> {
    let model = match state.sampling() {
        Memo::Points(points) => Evidence::new(plan, state, settings.startup_trials).zip(Some(points)),
        Memo::None | Memo::CmaEs(_) => None,
    };
    let Some((evidence, points)) = model else {
        return Proposal::fallback(quasi_random::propose(plan, state, number)?, NAME, quasi_random::NAME);
    };
    if finite::is_full(plan, state) {
        return None;
    }
    let space = &plan.spec().space;
    let groups = groups(space, settings.independent);
    let mut stream = Stream::new(plan.spec().seed, Purpose::Parameters, u64::from(number));
    let mut models: Vec<Option<Model<'_>>> = groups.iter().map(|_| None).collect();
    for _ in 0..=REDRAWS {
        let mut drawn: Vec<Assignment> = vec![Assignment::default()];
        for (group, model) in groups.iter().zip(&mut models) {
            // The best of the first groups is what the later ones stand beside.
            drawn.truncate(1);
            let Some(before) = drawn.pop() else { break };
            let is_active =
                group.first().and_then(|&at| space.parameters.get(at)).is_some_and(|p| space.is_active(p, &before));
            if !is_active {
                drawn.push(before);
                continue;
            }
            let model = model.get_or_insert_with(|| Model::new(&evidence, points, group));
            drawn = model.draw(space, &before, &mut stream);
        }
        // Where the last group decides, the best of its points that is not taken.
        if let Some(found) = drawn.into_iter().map(|a| in_order(space, a)).find(|a| finite::is_free(plan, state, a)) {
            return Some(Proposal::plain(found, NAME));
        }
    }
    let found = finite::any_free(plan, state, &mut stream).or_else(|| quasi_random::propose(plan, state, number))?;
    Some(Proposal::plain(found, NAME))
}

/// The two estimators of a group, with the group's axes.
struct Model<'a> {
    group: &'a [usize],
    axes: Vec<&'a Axis>,
    good: Parzen<'a>,
    bad: Parzen<'a>,
}

impl<'a> Model<'a> {
    fn new(evidence: &Evidence, points: &'a Points, group: &'a [usize]) -> Self {
        let columns: Vec<&[f64]> = group.iter().map(|&at| points.column(at)).collect();
        let axes: Vec<&Axis> = group.iter().filter_map(|&at| points.axes().get(at)).collect();
        let at = |column: &[f64], place: u32| column.get(place as usize).copied().unwrap_or(f64::NAN);
        // Parameters of a group exist together, but a record may hold anything.
        let split = evidence.split(|place| columns.iter().all(|column| !at(column, place).is_nan()));
        let parzen = |places: &[u32], is_even: bool| {
            let observed = |column: &&[f64]| places.iter().map(|&place| at(column, place)).collect();
            Parzen::new(&axes.iter().copied().zip(columns.iter().map(observed)).collect::<Vec<_>>(), is_even)
        };
        let (good, bad) = (parzen(&split.good, evidence.weighs_evenly()), parzen(&split.bad, false));
        Self { group, axes, good, bad }
    }

    /// Configurations that begin with these values, from the most to the least promising of a batch.
    fn draw(&self, space: &Space, before: &Assignment, stream: &mut Stream) -> Vec<Assignment> {
        let points: Vec<Lanes> = self.good.draw(&self.axes, stream);
        let (good, bad) = (self.good.log_density(&points), self.bad.log_density(&points));
        let mut lanes: Vec<(f64, usize)> = good.iter().zip(&bad).map(|(g, b)| g - b).zip(0..BATCH).collect();
        lanes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let assignment = |lane: usize| {
            let mut assignment = before.clone();
            for ((&at, axis), lanes) in self.group.iter().zip(&self.axes).zip(&points) {
                if let (Some(parameter), Some(&coordinate)) = (space.parameters.get(at), lanes.get(lane)) {
                    assignment.values.push((parameter.name.clone(), axis.value(coordinate)));
                }
            }
            assignment
        };
        lanes.into_iter().map(|(_, lane)| assignment(lane)).collect()
    }
}

/// The parameters that are modelled together, by their places: those with the same conditions, in the order of the first of
/// each; or each by itself.
fn groups(space: &Space, independent: bool) -> Vec<Vec<usize>> {
    let conditions = |at: &usize| space.parameters.get(*at).map(|parameter| &parameter.when);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in 0..space.parameters.len() {
        let alike =
            groups.iter_mut().find(|group| !independent && group.first().and_then(conditions) == conditions(&at));
        match alike {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// The values in the order of the space.
fn in_order(space: &Space, mut assignment: Assignment) -> Assignment {
    let place = |name: &str| space.parameters.iter().position(|parameter| parameter.name == name);
    assignment.values.sort_by_cached_key(|(name, _)| place(name));
    assignment
}

#[cfg(test)]
mod tests;
