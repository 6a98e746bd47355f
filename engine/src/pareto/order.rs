//! The order of points: by fronts, and within a front by how evenly the first ones cover it.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use super::Point;
use crate::number::sortable;

/// The front of each point, from 0: the points that no other dominates, then those that only they dominate, and so on
/// (the fast sort of Deb et al. 2002, in the form of Zhang, Tian, Cheng and Jin, *An efficient approach to nondominated
/// sorting*, IEEE Transactions on Evolutionary Computation 19(2), 2015, with a binary search over the fronts).
#[must_use]
pub fn ranks(points: &[Point], objectives: usize) -> Vec<usize> {
    let mut sorted: Vec<(usize, &Point)> = points.iter().enumerate().collect();
    // Whoever dominates comes before whom it dominates.
    sorted.sort_by(|(i, a), (j, b)| before(a, b).then(i.cmp(j)));
    let mut ranks = vec![0; points.len()];
    let mut fronts: Vec<Vec<&Point>> = Vec::new();
    for (at, point) in sorted {
        // Of two objectives, the newest member of a front has the smallest second value there.
        let reach = if objectives <= 2 { 1 } else { usize::MAX };
        let is_dominated = |front: &Vec<&Point>| front.iter().rev().take(reach).any(|other| other.dominates(point));
        // Who is dominated by somebody on a front is dominated by somebody on each front before.
        let rank = fronts.partition_point(is_dominated);
        match fronts.get_mut(rank) {
            Some(front) => front.push(point),
            None => fronts.push(vec![point]),
        }
        if let Some(place) = ranks.get_mut(at) {
            *place = rank;
        }
    }
    ranks
}

fn before(a: &Point, b: &Point) -> Ordering {
    let values = || a.vector.iter().zip(&b.vector).map(|(x, y)| sortable(*x).cmp(&sortable(*y)));
    a.violation.total_cmp(&b.violation).then_with(|| values().find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
}

/// Points by their places in the list, the best first, and at least so many of them: by fronts, and within a front so that
/// the first few of any number are spread over it. Fronts are never cut; of two points that are alike in all the first in
/// the list comes first.
#[must_use]
pub fn order(points: &[Point], objectives: usize, enough: usize) -> Vec<usize> {
    let ranks = ranks(points, objectives);
    let mut fronts: Vec<Vec<usize>> = vec![Vec::new(); ranks.iter().max().map_or(0, |last| last + 1)];
    for (at, rank) in ranks.into_iter().enumerate() {
        if let Some(front) = fronts.get_mut(rank) {
            front.push(at);
        }
    }
    let mut order = Vec::new();
    for front in fronts {
        if order.len() >= enough {
            break;
        }
        order.extend(spread(points, front, objectives));
    }
    order
}

/// One axis of a front: each member's value as a share of the front's range, and its neighbours in sorted order.
struct Axis {
    shares: Vec<f64>,
    before: Vec<Option<usize>>,
    after: Vec<Option<usize>>,
}

impl Axis {
    fn new(values: &[f64]) -> Self {
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        // By halves, so that the range of the largest numbers is one.
        let range = high / 2.0 - low / 2.0;
        let share = |x: &f64| if range > 0.0 { (x / 2.0 - low / 2.0) / range } else { 0.0 };
        let mut sorted: Vec<usize> = (0..values.len()).collect();
        sorted.sort_by_key(|&at| (values.get(at).copied().map(sortable), at));
        let mut this = Self {
            shares: values.iter().map(share).collect(),
            before: vec![None; values.len()],
            after: vec![None; values.len()],
        };
        for pair in sorted.windows(2) {
            if let [a, b] = *pair {
                this.join(Some(a), Some(b));
            }
        }
        this
    }

    fn join(&mut self, a: Option<usize>, b: Option<usize>) {
        if let Some(place) = a.and_then(|a| self.after.get_mut(a)) {
            *place = b;
        }
        if let Some(place) = b.and_then(|b| self.before.get_mut(b)) {
            *place = a;
        }
    }

    fn neighbours(&self, at: usize) -> [Option<usize>; 2] {
        [&self.before, &self.after].map(|side| side.get(at).copied().flatten())
    }

    /// The distance between the neighbours; infinite at both ends.
    fn gap(&self, at: usize) -> f64 {
        let share = |at: usize| self.shares.get(at).copied();
        match self.neighbours(at).map(|side| side.and_then(share)) {
            [Some(a), Some(b)] => b - a,
            _ => f64::INFINITY,
        }
    }

    fn remove(&mut self, at: usize) {
        let [a, b] = self.neighbours(at);
        self.join(a, b);
    }
}

/// The members of a front: the one with the smallest crowding distance (Deb et al. 2002, section III-B) is taken away,
/// again and again, and who is taken last comes first. Distances follow who is left, so that of two that crowd each other
/// one stays.
///
/// Of equal points only the first takes part; the others come last.
fn spread(points: &[Point], front: Vec<usize>, objectives: usize) -> Vec<usize> {
    if front.len() <= 2 {
        return front;
    }
    let mut seen = BTreeSet::new();
    let (front, twins): (Vec<usize>, Vec<usize>) =
        front.into_iter().partition(|&at| seen.insert(points.get(at).map(|point| point.vector.map(sortable))));
    let value =
        |at: usize, axis: usize| points.get(at).and_then(|point| point.vector.get(axis)).copied().unwrap_or(0.0);
    let mut axes: Vec<Axis> = (0..objectives.max(1))
        .map(|axis| Axis::new(&front.iter().map(|&at| value(at, axis)).collect::<Vec<_>>()))
        .collect();
    let crowd = |axes: &[Axis], at: usize| sortable(axes.iter().map(|axis| axis.gap(at)).sum());
    let mut keys: Vec<u64> = (0..front.len()).map(|at| crowd(&axes, at)).collect();
    let mut left: BTreeSet<(u64, Reverse<usize>)> = keys.iter().zip(0..).map(|(&key, at)| (key, Reverse(at))).collect();
    let mut taken = Vec::with_capacity(front.len());
    while let Some((_, Reverse(at))) = left.pop_first() {
        taken.push(at);
        let neighbours: BTreeSet<usize> = axes.iter().flat_map(|axis| axis.neighbours(at)).flatten().collect();
        axes.iter_mut().for_each(|axis| axis.remove(at));
        for other in neighbours {
            if let Some(key) = keys.get_mut(other) {
                left.remove(&(*key, Reverse(other)));
                *key = crowd(&axes, other);
                left.insert((*key, Reverse(other)));
            }
        }
    }
    taken.into_iter().rev().filter_map(|at| front.get(at).copied()).chain(twins).collect()
}
