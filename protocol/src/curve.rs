//! A metric's curve, thinned for display.

/// The most points that a curve has.
pub const POINTS: usize = 64;

/// At most [`POINTS`] of a metric's reports: every `stride`-th, and the newest. The stride doubles when they get too many,
/// so that a curve depends on the reports alone, not on when they came. It is for display and decides nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Every how many reports a point is kept; a power of two.
    pub stride: u32,
    /// How many reports there were.
    pub seen: u32,
    /// The points kept, each a fidelity and a value.
    pub kept: Vec<(f64, f64)>,
    /// The newest report.
    pub newest: Option<(f64, f64)>,
}

impl Default for Curve {
    fn default() -> Self {
        Self { stride: 1, seen: 0, kept: Vec::new(), newest: None }
    }
}

impl Curve {
    /// Adds a report; fidelities rise.
    pub fn push(&mut self, fidelity: f64, value: f64) {
        // A stride of zero can only come from a record that somebody wrote by hand.
        if self.seen.is_multiple_of(self.stride.max(1)) {
            if self.kept.len() + 1 >= POINTS {
                let mut index = 0_usize;
                self.kept.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.stride = self.stride.max(1).saturating_mul(2);
            }
            if self.seen.is_multiple_of(self.stride.max(1)) {
                self.kept.push((fidelity, value));
            }
        }
        self.seen = self.seen.saturating_add(1);
        self.newest = Some((fidelity, value));
    }

    /// The points to show, fidelities rising, with the newest at the end.
    #[must_use]
    pub fn points(&self) -> Vec<(f64, f64)> {
        let mut points = self.kept.clone();
        if let Some(newest) = self.newest
            && points.last().is_none_or(|last| last.0 < newest.0)
        {
            points.push(newest);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve_of(count: u32) -> Curve {
        let mut curve = Curve::default();
        for index in 0..count {
            curve.push(f64::from(index), f64::from(index) * 0.5);
        }
        curve
    }

    #[test]
    fn short_curve_is_kept_whole() {
        assert_eq!(curve_of(3).points(), [(0.0, 0.0), (1.0, 0.5), (2.0, 1.0)]);
    }

    #[test]
    fn long_curve_is_thinned_evenly_and_ends_with_the_newest() {
        for count in [63, 64, 65, 127, 128, 1_000, 12_345] {
            let curve = curve_of(count);
            let points = curve.points();
            assert!(points.len() <= POINTS && points.len() >= 32, "{count}: {}", points.len());
            assert_eq!(points.last().map(|point| point.0), Some(f64::from(count - 1)));
            for pair in curve.kept.windows(2) {
                assert_eq!(pair[1].0 - pair[0].0, f64::from(curve.stride), "{count}");
            }
        }
    }
}
