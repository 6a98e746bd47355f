//! The hypervolume: how much of the space between a front and a reference point the front dominates (Zitzler and Thiele,
//! PPSN 1998). Exact, by sweeping one objective and keeping what the others cover.

use super::Vector;

/// The measure of what the points dominate and the reference does not, by the first `objectives` values of each, 1 to 4 of
/// them. Points that are not better than the reference in every one add nothing, and dominated ones do no harm.
///
/// The price for n points is n log n for two objectives, at worst n squared for three and n cubed for four.
#[must_use]
pub fn hypervolume(points: &[Vector], reference: &Vector, objectives: usize) -> f64 {
    let [x, y, z, w] = *reference;
    let is_inside = |point: &&Vector| point.iter().zip(reference).take(objectives).all(|(a, b)| a < b);
    let mut inside: Vec<Vector> = points.iter().filter(is_inside).copied().collect();
    match objectives {
        0 => 0.0,
        1 => inside.iter().map(|[a, ..]| x - a).fold(0.0, f64::max),
        2 => {
            let mut stairs = Stairs::new(x, y);
            inside.iter().map(|[a, b, ..]| stairs.add(*a, *b)).sum()
        }
        3 => {
            inside.sort_by(|a, b| a[2].total_cmp(&b[2]));
            swept(inside.iter().map(|&[a, b, c, _]| [a, b, c]), [x, y, z])
        }
        _ => {
            inside.sort_by(|a, b| a[3].total_cmp(&b[3]));
            let mut slice = Slice { corner: [x, y, z], points: Vec::new(), volume: 0.0 };
            let (mut total, mut from) = (0.0, w);
            for [a, b, c, d] in inside {
                if !slice.points.is_empty() {
                    total += slice.volume * (d - from);
                }
                from = d;
                slice.add([a, b, c]);
            }
            total + slice.volume * (w - from)
        }
    }
}

/// What points cover of a plane, as a staircase: rising in the first coordinate, falling in the second.
pub(super) struct Stairs {
    corner: (f64, f64),
    steps: Vec<(f64, f64)>,
}

/// A part of the plane: from the left to the right, and from the lower to the upper end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

impl Stairs {
    pub(super) fn new(x: f64, y: f64) -> Self {
        Self { corner: (x, y), steps: Vec::new() }
    }

    /// Adds a point, and says how much more is covered.
    fn add(&mut self, x: f64, y: f64) -> f64 {
        let mut added = 0.0;
        self.cover(x, y, &mut |new| added += (new.x.1 - new.x.0) * (new.y.1 - new.y.0));
        added
    }

    /// Adds a point, and tells what is covered beside what was, in parts that do not overlap.
    pub(super) fn cover(&mut self, x: f64, y: f64, tell: &mut impl FnMut(Rectangle)) {
        let at = self.steps.partition_point(|step| step.0 < x);
        let mut height =
            at.checked_sub(1).and_then(|before| self.steps.get(before)).map_or(self.corner.1, |step| step.1);
        if height <= y || self.steps.get(at).is_some_and(|step| step.0 <= x && step.1 <= y) {
            return;
        }
        let (mut left, mut end) = (x, at);
        while let Some(&(right, lower)) = self.steps.get(end).filter(|step| step.1 >= y) {
            tell(Rectangle { x: (left, right), y: (y, height) });
            (left, height, end) = (right, lower, end + 1);
        }
        let right = self.steps.get(end).map_or(self.corner.0, |step| step.0);
        self.steps.splice(at..end, [(x, y)]);
        tell(Rectangle { x: (left, right), y: (y, height) });
    }

    /// What is not covered, in strips from below.
    pub(super) fn bare(&self) -> impl Iterator<Item = Rectangle> {
        let rights = self.steps.iter().map(|step| step.0).chain([self.corner.0]);
        let lefts = std::iter::once((f64::NEG_INFINITY, self.corner.1)).chain(self.steps.iter().copied());
        lefts.zip(rights).map(|((left, height), right)| Rectangle { x: (left, right), y: (f64::NEG_INFINITY, height) })
    }
}

/// The volume of points that come by rising third coordinate.
fn swept(points: impl Iterator<Item = [f64; 3]>, [x, y, z]: [f64; 3]) -> f64 {
    let mut stairs = Stairs::new(x, y);
    let (mut volume, mut area, mut from) = (0.0, 0.0, z);
    for [a, b, c] in points {
        if area > 0.0 {
            volume += area * (c - from);
        }
        from = c;
        area += stairs.add(a, b);
    }
    volume + area * (z - from)
}

/// What points cover of a space of three dimensions; they are held by rising third coordinate.
struct Slice {
    corner: [f64; 3],
    points: Vec<[f64; 3]>,
    volume: f64,
}

impl Slice {
    fn add(&mut self, point: [f64; 3]) {
        let covers = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).all(|(x, y)| x <= y);
        if self.points.iter().any(|other| covers(other, &point)) {
            return;
        }
        self.points.retain(|other| !covers(&point, other));
        let at = self.points.partition_point(|other| other[2] < point[2]);
        self.points.insert(at, point);
        self.volume = swept(self.points.iter().copied(), self.corner);
    }
}
