//! Where the most improvement is expected.
//!
//! Many points are looked at, drawn from the whole space and near the best trials; from a few of the most promising, and the
//! best trial, it goes uphill: along the gradient on axes that are smooth or nearly so, and by trying the others' values one by
//! one, until neither gains.

use super::acquisition::Acquisition;
use super::descent::{Bounds, descend};
use super::kernel::Axes;
use crate::plan::Plan;
use crate::random::Stream;
use crate::samplers::surrogate::{Candidate, Encoding, Kind, Point, is_active, is_allowed};

/// Points drawn from the whole space.
const DRAWS: usize = 800;

/// From how many points it goes uphill.
const CLIMBS: usize = 4;

const ROUNDS: usize = 4;

/// An axis with at most this many places has each of them tried.
const FEW: u64 = 16;

/// What is searched, and by what measure.
pub(super) struct Search<'a> {
    pub(super) plan: &'a Plan,
    pub(super) encoding: &'a Encoding<'a>,
    pub(super) axes: &'a Axes,
    pub(super) acquisition: &'a Acquisition<'a>,
    /// Points drawn near each of the best trials.
    pub(super) near: usize,
}

impl Search<'_> {
    /// What a constraint refuses has no merit.
    pub(super) fn rate(&self, point: Point) -> Candidate {
        if !is_allowed(self.plan, &point) {
            return Candidate { merit: f64::NEG_INFINITY, point };
        }
        Candidate { merit: self.acquisition.merit(&self.axes.features(&point)), point }
    }

    /// Points by falling merit. `best` are those of the best trials.
    pub(super) fn run(&self, best: &[&Point], stream: &mut Stream) -> Vec<Candidate> {
        let mut points: Vec<Point> = (0..DRAWS).map(|_| self.encoding.draw(stream)).collect();
        for point in best {
            for turn in 0..self.near {
                let (chance, width) = if turn % 2 == 0 { (0.3, 0.1) } else { (1.0, 0.02) };
                points.push(self.encoding.near(point, chance, width, stream));
            }
        }
        let mut rated: Vec<Candidate> = points.into_iter().map(|point| self.rate(point)).collect();
        Candidate::sort(&mut rated);
        let starts = apart(&rated).into_iter().chain(best.first().map(|&point| self.rate(point.clone())));
        let mut climbed: Vec<Candidate> = starts.map(|start| self.climb(start)).collect();
        climbed.extend(rated);
        Candidate::sort(&mut climbed);
        climbed
    }

    fn climb(&self, mut at: Candidate) -> Candidate {
        for _ in 0..ROUNDS {
            let before = at.merit;
            at = self.slide(at);
            at = self.exchange(at);
            if at.merit.is_nan() || at.merit - before < 1e-4 {
                break;
            }
        }
        at
    }

    fn is_smooth(&self, position: usize) -> bool {
        self.encoding.axes.get(position).is_some_and(|axis| match axis.kind {
            Kind::Continuous => true,
            Kind::Ordered(count) => count > FEW,
            Kind::Named(_) | Kind::Fixed => false,
        })
    }

    /// Along the gradient, in length scales; axes with many places are walked as if they were smooth.
    fn slide(&self, from: Candidate) -> Candidate {
        let smooth: Vec<(usize, usize, f64)> = self
            .axes
            .positions()
            .zip(self.acquisition.weights())
            .enumerate()
            .filter(|&(_, (position, _))| {
                self.is_smooth(position) && from.point.get(position).is_some_and(|&coordinate| is_active(coordinate))
            })
            // A length scale beyond the range would make the axis too short to walk on.
            .map(|(feature, (position, weight))| (feature, position, weight.clamp(0.1, 1e4).sqrt()))
            .collect();
        if smooth.is_empty() {
            return from;
        }
        let coordinate = |position: usize| from.point.get(position).copied().unwrap_or(0.5);
        let start: Vec<f64> = smooth.iter().map(|&(_, position, unit)| coordinate(position) * unit).collect();
        let (low, high) = (vec![0.0; start.len()], smooth.iter().map(|&(.., unit)| unit).collect::<Vec<_>>());
        let place = |walked: &[f64]| {
            let mut point = from.point.clone();
            for (&(_, position, unit), x) in smooth.iter().zip(walked) {
                if let Some(coordinate) = point.get_mut(position) {
                    *coordinate = (x / unit).clamp(0.0, 1.0);
                }
            }
            point
        };
        let mut function = |walked: &[f64]| {
            let (value, gradient) = self.acquisition.merit_slope(&self.axes.features(&place(walked)));
            let by = |&(feature, _, unit): &(usize, usize, f64)| -gradient.get(feature).copied().unwrap_or(0.0) / unit;
            (-value, smooth.iter().map(by).collect())
        };
        let bounds = Bounds { low: &low, high: &high, steps: 25, gain: 1e-5 };
        let Some((_, walked)) = descend(&mut function, &start, bounds) else { return from };
        let mut point = place(&walked);
        self.encoding.settle(&mut point);
        let found = self.rate(point);
        if found.merit > from.merit { found } else { from }
    }

    /// To the best value of each axis that is not smooth, one after the other; on those with many places, to a neighbour.
    fn exchange(&self, mut at: Candidate) -> Candidate {
        for (position, axis) in self.encoding.axes.iter().enumerate() {
            let Some(&own) = at.point.get(position).filter(|&&coordinate| is_active(coordinate)) else { continue };
            let options = match axis.kind {
                Kind::Fixed | Kind::Continuous => continue,
                Kind::Named(_) => axis.all(0).unwrap_or_default(),
                Kind::Ordered(_) => {
                    axis.all(FEW).unwrap_or_else(|| vec![axis.neighbour(own, -1.0), axis.neighbour(own, 1.0)])
                }
            };
            for option in options {
                if option == own {
                    continue;
                }
                let mut point = at.point.clone();
                if let Some(coordinate) = point.get_mut(position) {
                    *coordinate = option;
                }
                self.encoding.settle(&mut point);
                let found = self.rate(point);
                if found.merit > at.merit {
                    at = found;
                }
            }
        }
        at
    }
}

/// The most promising, leaving out those that are near one taken already: they would climb the same hill.
fn apart(rated: &[Candidate]) -> Vec<Candidate> {
    let mut taken: Vec<Candidate> = Vec::new();
    for candidate in rated.iter().take(10 * CLIMBS) {
        let is_near = |other: &Candidate| {
            let gaps = candidate.point.iter().zip(&other.point).map(|(a, b)| (a - b).abs());
            gaps.fold(0.0, f64::max) < 0.1
        };
        if taken.len() < CLIMBS && !taken.iter().any(is_near) {
            taken.push(candidate.clone());
        }
    }
    taken
}
