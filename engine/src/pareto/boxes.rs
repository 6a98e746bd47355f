//! What a front leaves: the space up to a reference that no point dominates, in boxes.

use super::hypervolume::{Rectangle, Stairs};
use super::{MAX_OBJECTIVES, Vector};

/// A box by its ends in each objective; the lower ones can be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The end with the smaller values.
    pub low: Vector,
    /// The end with the larger values.
    pub high: Vector,
}

/// The part of the space below the reference that none of the points dominates, by the first `objectives` values of each, 1 to
/// 3 of them, in boxes that do not overlap and are not empty: for n points at most n + 1 of them with two objectives, and 2 n + 1
/// with three (Yang, Emmerich, Deutz and Bäck, *Efficient computation of expected hypervolume improvement using box
/// decomposition algorithms*, Journal of Global Optimization 75, 2019). Points that are not below the reference in every
/// objective take nothing from it.
///
/// With three objectives the plane of the first two is cut into rectangles by who is the first to cover each as the third
/// objective rises: below that point's third value nobody dominates there.
#[must_use]
pub fn undominated(points: &[Vector], reference: &Vector, objectives: usize) -> Vec<Cell> {
    let [x, y, z, _] = *reference;
    let is_inside = |point: &&Vector| point.iter().zip(reference).take(objectives).all(|(a, b)| a < b);
    let mut inside: Vec<Vector> = points.iter().filter(is_inside).copied().collect();
    let mut cells = Vec::new();
    match objectives {
        1 => cells.push(cell(&[(f64::NEG_INFINITY, inside.iter().map(|[a, ..]| *a).fold(x, f64::min))])),
        2 => {
            let mut stairs = Stairs::new(x, y);
            inside.iter().for_each(|[a, b, ..]| stairs.cover(*a, *b, &mut |_| {}));
            cells.extend(stairs.bare().map(|Rectangle { x, y }| cell(&[x, y])));
        }
        3 => {
            inside.sort_by(|a, b| a[2].total_cmp(&b[2]));
            let mut stairs = Stairs::new(x, y);
            for [a, b, c, _] in inside {
                stairs.cover(a, b, &mut |Rectangle { x, y }| cells.push(cell(&[x, y, (f64::NEG_INFINITY, c)])));
            }
            cells.extend(stairs.bare().map(|Rectangle { x, y }| cell(&[x, y, (f64::NEG_INFINITY, z)])));
        }
        _ => {}
    }
    cells.retain(|cell| cell.low.iter().zip(&cell.high).take(objectives).all(|(low, high)| low < high));
    cells
}

fn cell(sides: &[(f64, f64)]) -> Cell {
    let mut cell = Cell { low: [0.0; MAX_OBJECTIVES], high: [0.0; MAX_OBJECTIVES] };
    for ((low, high), side) in cell.low.iter_mut().zip(&mut cell.high).zip(sides) {
        (*low, *high) = *side;
    }
    cell
}
