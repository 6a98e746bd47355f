//! A product kernel density over the unit interval and over choices.

use crate::random::Stream;
use crate::space::Domain;

/// The narrowest kernel.
const NARROWEST: f64 = 1e-3;

/// Densities are not told apart below this logarithm, that of 1e-32: far from every point they are nothing but noise.
const LOWEST: f64 = -73.682_722_870_358_7;

/// What a coordinate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A place in the unit interval, with a normal kernel.
    Unit,
    /// The index of one of so many choices, with the kernel of Aitchison and Aitken over the declared ones, seen or not.
    Choice(u64),
}

impl Kind {
    pub(super) fn of(domain: &Domain) -> Self {
        match domain {
            Domain::Categorical { choices } => Self::Choice(choices.len() as u64),
            _ => Self::Unit,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "there are few choices")]
    pub(super) fn uniform(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Unit => stream.uniform(),
            Self::Choice(count) => stream.below(count) as f64,
        }
    }
}

/// The density of a set of points.
#[derive(Debug)]
pub(super) struct Density {
    kinds: Vec<Kind>,
    points: Vec<Vec<f64>>,
    /// One for each coordinate: a standard deviation, or the probability of another choice.
    widths: Vec<f64>,
}

impl Density {
    /// The density of at least one point. The widths are those of the normal reference rule, `1.06 s n^(-1/(4 + d))`.
    #[expect(clippy::cast_precision_loss, reason = "there are few points and dimensions")]
    pub(super) fn new(kinds: &[Kind], points: Vec<Vec<f64>>) -> Self {
        let shrink = 1.06 * libm::pow(points.len().max(1) as f64, -1.0 / (4.0 + kinds.len() as f64));
        let width = |(at, kind): (usize, &Kind)| {
            let column = || points.iter().filter_map(move |point| point.get(at).copied());
            match *kind {
                Kind::Unit => (shrink * deviation(column())).max(NARROWEST),
                Kind::Choice(count) => {
                    let most = (count.saturating_sub(1)) as f64 / count.max(1) as f64;
                    (shrink * diversity(column(), count)).max(NARROWEST).min(most)
                }
            }
        };
        let widths = kinds.iter().enumerate().map(width).collect();
        Self { kinds: kinds.to_vec(), points, widths }
    }

    /// The logarithm of the density, up to the same constant for every density of as many coordinates.
    #[expect(clippy::cast_precision_loss, reason = "there are few points and choices")]
    pub(super) fn log(&self, x: &[f64]) -> f64 {
        let dimensions = || self.kinds.iter().zip(&self.widths);
        let logs = || {
            self.points.iter().map(|point| {
                let (mut exponent, mut factor) = (0.0, 1.0);
                for (((kind, width), at), own) in dimensions().zip(point).zip(x) {
                    match *kind {
                        Kind::Unit => {
                            let z = (own - at) / width;
                            exponent -= 0.5 * z * z;
                        }
                        Kind::Choice(count) if count > 1 => {
                            let is_same = (own - at).abs() < 0.5;
                            factor *= if is_same { 1.0 - width } else { width / (count - 1) as f64 };
                        }
                        Kind::Choice(_) => {}
                    }
                }
                (exponent, factor)
            })
        };
        let sum: f64 = logs().map(|(exponent, factor)| factor * libm::exp(exponent)).sum();
        let scale: f64 =
            dimensions().filter(|(kind, _)| **kind == Kind::Unit).map(|(_, width)| -libm::log(*width)).sum();
        (libm::log(sum / self.points.len().max(1) as f64) + scale).max(LOWEST)
    }

    /// A point near one of the points, drawn with kernels that are so much wider. Widened kernels stay in the interval.
    pub(super) fn draw(&self, widened: f64, stream: &mut Stream) -> Vec<f64> {
        let drawn = usize::try_from(stream.below(self.points.len() as u64)).unwrap_or(0);
        let centre = self.points.get(drawn).map_or(&[][..], Vec::as_slice);
        let dimensions = self.kinds.iter().zip(&self.widths).zip(centre);
        dimensions
            .map(|((kind, width), &at)| match kind {
                Kind::Unit => within(at, width * widened, stream),
                // An index that is drawn anew may be the same again.
                Kind::Choice(_) if stream.uniform() < *width => kind.uniform(stream),
                Kind::Choice(_) => at,
            })
            .collect()
    }

    /// A point's place in the unit cube, where each choice has an equal share.
    #[expect(clippy::cast_precision_loss, reason = "there are few choices")]
    pub(super) fn in_unit_cube(&self, point: &[f64]) -> Vec<f64> {
        let place = |(x, kind): (&f64, &Kind)| match kind {
            Kind::Unit => *x,
            Kind::Choice(count) => (x + 0.5) / (*count).max(1) as f64,
        };
        point.iter().zip(&self.kinds).map(place).collect()
    }
}

/// The standard deviation of what was seen.
#[expect(clippy::cast_precision_loss, reason = "there are few points")]
fn deviation(column: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = column.clone().count().max(1) as f64;
    let mean = column.clone().sum::<f64>() / count;
    libm::sqrt(column.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count)
}

/// What a standard deviation is to numbers, for choices: the root of half the probability that two of them differ. For two
/// choices it is the standard deviation of their indices; for more, unlike that, it does not depend on their order.
#[expect(clippy::cast_precision_loss, reason = "there are few points and choices")]
fn diversity(column: impl Iterator<Item = f64> + Clone, count: u64) -> f64 {
    let all = column.clone().count().max(1) as f64;
    let share = |choice: u64| column.clone().filter(|x| (x - choice as f64).abs() < 0.5).count() as f64 / all;
    let same: f64 = (0..count).map(share).map(|p| p * p).sum();
    libm::sqrt(((1.0 - same) / 2.0).max(0.0))
}

/// A normal number about a place in the unit interval, within it.
fn within(centre: f64, width: f64, stream: &mut Stream) -> f64 {
    // From the interval's end, half of the draws are inside of a narrow kernel, and one in five of the widest.
    for _ in 0..64 {
        let (u, v) = (1.0 - stream.uniform(), stream.uniform());
        let z = libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v);
        let x = centre + width * z;
        if (0.0..=1.0).contains(&x) {
            return x;
        }
    }
    centre
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_rated_by_how_many_are_declared() {
        let seen = vec![vec![0.0], vec![0.0], vec![0.0], vec![1.0]];
        let density = Density::new(&[Kind::Choice(4)], seen);
        let rated: Vec<f64> = (0..4).map(|x| libm::exp(density.log(&[f64::from(x)]))).collect();
        assert!((rated.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{rated:?}");
        assert!(rated[0] > rated[1] && rated[1] > rated[2] && rated[2] == rated[3], "{rated:?}");
    }

    #[test]
    fn ten_choices_once_each_never_rate_an_unseen_one_above_a_seen_one() {
        // The rule of thumb on indices gives a width of 2.55 here, and a probability above one.
        let density = Density::new(&[Kind::Choice(10)], (0..6).map(|x| vec![f64::from(x)]).collect());
        assert!(density.widths[0] <= 0.9);
        assert!(density.log(&[0.0]) >= density.log(&[9.0]));
    }

    #[test]
    fn one_value_seen_gives_finite_densities() {
        let density = Density::new(&[Kind::Choice(3), Kind::Unit], vec![vec![1.0, 0.5]; 4]);
        assert!(density.log(&[0.0, 0.9]).is_finite() && density.log(&[1.0, 0.5]).is_finite());
        assert!(density.log(&[1.0, 0.5]) > density.log(&[0.0, 0.5]));
        let single = Density::new(&[Kind::Choice(1)], vec![vec![0.0]]);
        assert!(single.log(&[0.0]).abs() < 1e-12);
    }

    #[test]
    fn widths_follow_the_normal_reference_rule() {
        let density = Density::new(&[Kind::Unit], [0.1, 0.4, 0.7, 0.8].map(|x| vec![x]).to_vec());
        // By hand: the deviation of the four is sqrt(0.075), and 4^(-1/5) is 0.757858283255199.
        assert!((density.widths[0] - 1.06 * 0.075_f64.sqrt() * 0.757_858_283_255_199).abs() < 1e-12);
        // And the density of a point is the mean of the normal densities, without the constant.
        let x = 0.3;
        let width = density.widths[0];
        let by_hand: f64 = [0.1, 0.4, 0.7, 0.8]
            .map(|at: f64| libm::exp(-0.5 * ((x - at) / width) * ((x - at) / width)) / width)
            .iter()
            .sum();
        assert!((density.log(&[x]) - libm::log(by_hand / 4.0)).abs() < 1e-12);
    }

    #[test]
    fn draws_stay_in_the_interval_and_among_the_choices() {
        let mut stream = Stream::new(1, crate::random::Purpose::Bohb, 0);
        let density =
            Density::new(&[Kind::Unit, Kind::Choice(3)], vec![vec![0.0, 0.0], vec![1.0, 2.0], vec![0.9, 0.0]]);
        let mut seen = [false; 3];
        for _ in 0..2_000 {
            let point = density.draw(3.0, &mut stream);
            assert!((0.0..=1.0).contains(&point[0]) && [0.0, 1.0, 2.0].contains(&point[1]), "{point:?}");
            seen[point[1] as usize] = true;
        }
        assert_eq!(seen, [true; 3], "an unseen choice is drawn now and then");
    }
}
