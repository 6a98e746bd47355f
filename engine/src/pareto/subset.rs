//! A few points that cover about as much as all: the greedy subset by hypervolume.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{MAX_OBJECTIVES, Vector, hypervolume};
use crate::number::sortable;

/// The corner from which points are measured, in units of the range that they span: a tenth beyond the worst, so that the ends
/// of a front count.
const CORNER: f64 = 1.1;

/// So many of the points by their places in the list, each the one that adds most to the hypervolume of those before it
/// (Guerreiro, Fonseca and Paquete, Evolutionary Computation 24(3), 2016); all where there are no more. Of equals the first
/// in the list. Each axis counts by the range that the points span on it.
///
/// What a point adds only falls as others are chosen, so what it added before bounds what it adds now, and few are
/// computed again.
#[must_use]
pub fn subset(points: &[Vector], objectives: usize, count: usize) -> Vec<usize> {
    let scaled = scaled(points);
    let corner = [CORNER; MAX_OBJECTIVES];
    let volume = |chosen: &[Vector]| hypervolume(chosen, &corner, objectives);
    let mut waiting: BinaryHeap<(u64, Reverse<usize>, usize)> =
        scaled.iter().enumerate().map(|(at, point)| (sortable(volume(&[*point])), Reverse(at), 0)).collect();
    let (mut chosen, mut places): (Vec<Vector>, Vec<usize>) = (Vec::new(), Vec::new());
    while places.len() < count
        && let Some((_, Reverse(at), known)) = waiting.pop()
    {
        let Some(point) = scaled.get(at) else { continue };
        if known == chosen.len() {
            chosen.push(*point);
            places.push(at);
            continue;
        }
        // What the chosen ones leave of what the point dominates.
        let clipped: Vec<Vector> = chosen.iter().map(|other| std::array::from_fn(|k| other[k].max(point[k]))).collect();
        let added = (volume(&[*point]) - volume(&clipped)).max(0.0);
        waiting.push((sortable(added), Reverse(at), chosen.len()));
    }
    places
}

/// The points with each axis going from 0 to 1.
fn scaled(points: &[Vector]) -> Vec<Vector> {
    let mut scaled = points.to_vec();
    for axis in 0..MAX_OBJECTIVES {
        // By halves, so that the range of the largest numbers is one.
        let halves = || points.iter().map(|point| point[axis] / 2.0);
        let (low, high) = (halves().fold(f64::INFINITY, f64::min), halves().fold(f64::NEG_INFINITY, f64::max));
        for (point, half) in scaled.iter_mut().zip(halves()) {
            point[axis] = if high > low { (half - low) / (high - low) } else { 0.0 };
        }
    }
    scaled
}
