//! Bayesian optimization on a random forest, SMAC's way.
//!
//! Hutter, Hoos and Leyton-Brown 2011, "Sequential Model-Based Optimization for General Algorithm Configuration", and SMAC3
//! (Lindauer et al. 2022): ten regression trees on bootstrap samples, five sixths of the axes at each split; the prediction
//! is the trees' mean, and its variance that of the trees' means plus the mean of the leaves' variances (Hutter et al. 2014, section 4.3.2); log
//! expected improvement over many random points, and a one-exchange local search from the best trials and points; some
//! trials are drawn at random in between. Values are warped against heavy tails, where SMAC takes a logarithm.
//!
//! A pending trial counts with the value that the forest predicts for it, and each ask grows its own forest, so that asks at
//! once differ. Beyond [`MOST`] trials the forest is of the best third of that number, the newest third, and others drawn by
//! chance. A failed trial counts like the worst value of all.

mod tree;

use self::tree::{Rule, Samples, Tree};
use super::Proposal;
use super::surrogate::{
    Candidate, Encoding, Kind, Known, Point, View, all_left, by_model, evidence, first_new, first_trials, is_active,
    is_allowed, log_ei, newest, subset, warped,
};
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::Assignment;
use crate::state::State;

pub(super) const NAME: &str = "randomForest";

/// The share of trials that are drawn at random in between: a model that is wrong finds out.
const RANDOM: f64 = 0.085;

const TREES: usize = 10;

const RULE: Rule = Rule { least: 3, share: 5.0 / 6.0 };

/// The most trials that the forest is of.
const MOST: usize = 600;

/// The most pending trials that are predicted, the newest.
const MOST_PENDING: usize = 100;

/// Random points that are looked at.
const DRAWS: usize = 1_000;

/// From how many points, half of them trials, a local search starts, and the most steps that it takes.
const CLIMBS: usize = 10;
const STEPS: usize = 12;

/// Neighbours on an axis of numbers, and how far they are.
const NEIGHBOURS: usize = 4;
const WIDTH: f64 = 0.2;

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
    let mut stream = Stream::new(seed, Purpose::Search, u64::from(number));
    if stream.uniform() < RANDOM {
        return None;
    }
    let known: Vec<&Known> = subset(&evidence.known.iter().collect::<Vec<_>>(), 1, MOST, seed);
    let mut points: Vec<Point> = known.iter().map(|known| known.point.clone()).collect();
    let mut values = warped(&known, 1, View::Near).pop()?;
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values.get(a).unwrap_or(&0.0).total_cmp(values.get(b).unwrap_or(&0.0)));
    let starts: Vec<Point> = order.iter().take(CLIMBS / 2).filter_map(|&at| points.get(at).cloned()).collect();
    let mut forest = Forest::grow(encoding, points.clone(), values.clone(), &mut stream);
    if !evidence.pending.is_empty() {
        for point in newest(&evidence.pending, MOST_PENDING) {
            values.push(forest.predict(point).0);
            points.push(point.clone());
        }
        forest = Forest::grow(encoding, points, values, &mut stream);
    }
    let search = Search { plan, encoding, forest, best };
    let candidates = match all_left(plan, state, encoding) {
        Some(left) => {
            let mut rated: Vec<Candidate> = left.into_iter().map(|point| search.rate(point)).collect();
            Candidate::sort(&mut rated);
            rated
        }
        None => search.run(starts, &mut stream),
    };
    first_new(plan, state, &candidates, newest(&evidence.pending, MOST_PENDING))
}

/// Trees that were grown on different samples.
struct Forest {
    trees: Vec<Tree>,
}

impl Forest {
    fn grow(encoding: &Encoding<'_>, points: Vec<Point>, values: Vec<f64>, stream: &mut Stream) -> Self {
        let axes = encoding.axes.iter().enumerate().filter(|(_, axis)| axis.kind != Kind::Fixed);
        let axes = axes.map(|(at, axis)| (at, matches!(axis.kind, Kind::Named(_)))).collect();
        let samples = Samples::new(points, values, axes);
        Self { trees: (0..TREES).map(|_| Tree::grow(&samples, RULE, stream)).collect() }
    }

    /// Mean and variance of what a point may be worth.
    fn predict(&self, point: &[f64]) -> (f64, f64) {
        let (mut sum, mut squares, mut within) = (0.0, 0.0, 0.0);
        for tree in &self.trees {
            let (mean, variance) = tree.predict(point);
            sum += mean;
            squares += mean * mean;
            within += variance;
        }
        #[expect(clippy::cast_precision_loss, reason = "there are few trees")]
        let count = self.trees.len().max(1) as f64;
        let mean = sum / count;
        (mean, (squares / count - mean * mean).max(0.0) + within / count)
    }
}

struct Search<'a> {
    plan: &'a Plan,
    encoding: &'a Encoding<'a>,
    forest: Forest,
    best: f64,
}

impl Search<'_> {
    fn rate(&self, point: Point) -> Candidate {
        if !is_allowed(self.plan, &point) {
            return Candidate { merit: f64::NEG_INFINITY, point };
        }
        let (mean, variance) = self.forest.predict(&point);
        Candidate { merit: log_ei(self.best, mean, variance.max(1e-10).sqrt()), point }
    }

    fn run(&self, starts: Vec<Point>, stream: &mut Stream) -> Vec<Candidate> {
        let mut rated: Vec<Candidate> = (0..DRAWS).map(|_| self.rate(self.encoding.draw(stream))).collect();
        Candidate::sort(&mut rated);
        let promising = rated.iter().take(CLIMBS - CLIMBS / 2).cloned();
        let starts: Vec<Candidate> = starts.into_iter().map(|point| self.rate(point)).chain(promising).collect();
        // Whatever was seen on the way is a candidate: the summit may be a trial that exists.
        for mut at in starts {
            for _ in 0..STEPS {
                let seen: Vec<Candidate> =
                    self.neighbours(&at.point, stream).into_iter().map(|point| self.rate(point)).collect();
                let top = seen.iter().max_by(|a, b| a.merit.total_cmp(&b.merit)).cloned();
                rated.extend(seen);
                match top.filter(|top| top.merit > at.merit) {
                    Some(top) => at = top,
                    None => break,
                }
            }
        }
        Candidate::sort(&mut rated);
        rated
    }

    /// The points that differ on one axis.
    fn neighbours(&self, point: &Point, stream: &mut Stream) -> Vec<Point> {
        let mut list = Vec::new();
        for (at, axis) in self.encoding.axes.iter().enumerate() {
            let Some(&own) = point.get(at).filter(|&&coordinate| is_active(coordinate)) else { continue };
            let options: Vec<f64> = match axis.kind {
                Kind::Fixed => continue,
                Kind::Named(_) => axis.all(0).unwrap_or_default(),
                Kind::Continuous | Kind::Ordered(_) => {
                    (0..NEIGHBOURS).map(|_| axis.shifted(own, WIDTH * super::surrogate::normal(stream))).collect()
                }
            };
            for option in options.into_iter().filter(|&option| option != own) {
                let mut neighbour = point.clone();
                if let Some(coordinate) = neighbour.get_mut(at) {
                    *coordinate = option;
                }
                self.encoding.settle(&mut neighbour);
                list.push(neighbour);
            }
        }
        list
    }
}

#[cfg(test)]
mod tests;
