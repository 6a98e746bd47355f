//! Parzen's estimator: a mixture with a kernel on each observation and a wide one, the prior, over the whole range.
//!
//! A kernel is a product over the axes: a normal distribution truncated to the range on a continuum, its masses on the
//! shares of values in steps, and for choices a table. Coordinates are in `0..=1`, so a density differs from the one in the
//! parameters' own units by a constant, which cancels between two estimators.

use super::normal;
use super::widths::widths;
use crate::random::Stream;
use crate::samplers::points::{Axis, Kind};

/// How many points are looked at together.
pub(super) const BATCH: usize = 24;

/// One coordinate of a batch of points.
pub(super) type Lanes = [f64; BATCH];

/// Steps up to so many have their kernels shared: what has the same place and width is computed once.
const MAX_SHARED: u64 = 4_096;

/// On a share that is this narrow beside the kernel's width, the mass is taken from the density in its middle with two
/// more terms of its series: good to eight digits where it matters, and no error function.
const NARROW: f64 = 0.25;

/// Beyond so many standard deviations a normal distribution has no mass that a double could tell.
const FAR: f64 = 8.5;

/// Kernels that contribute less than this share of the prior's density, as a logarithm, are passed over.
const NEGLIGIBLE: f64 = -50.0;

/// Kernels are taken in blocks that stay in the processor's nearest memory.
const BLOCK: usize = 64;

/// A kernel on one numeric axis.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    at: f64,
    /// One through the width.
    inverse: f64,
    /// The logarithm of the normal's mass in the range.
    log_mass: f64,
    /// The logarithm of the density without the point's own part, `-z^2 / 2`.
    log_scale: f64,
}

impl Kernel {
    fn new(at: f64, width: f64) -> Self {
        let inverse = 1.0 / width;
        let (low, high) = (-at * inverse, (1.0 - at) * inverse);
        // Most kernels are far from both ends: that needs no error function.
        let tail = |z: f64| if z < FAR { normal::below(-z) } else { 0.0 };
        let outside = tail(-low) + tail(high);
        let log_mass = if outside > 0.0 { libm::log1p(-outside) } else { 0.0 };
        Self { at, inverse, log_mass, log_scale: normal::log_density(0.0) - libm::log(width) - log_mass }
    }

    /// The logarithm of the mass on a share.
    fn log_share(&self, share: &Share) -> f64 {
        let z = (share.middle - self.at) * self.inverse;
        let width = share.width * self.inverse;
        if width < NARROW {
            let (square, step) = (z * z, width * width);
            let terms = step * ((square - 1.0) / 24.0 + step * (square * (square - 6.0) + 3.0) / 1920.0);
            return self.log_scale - 0.5 * square + share.log_width + libm::log1p(terms);
        }
        let (low, high) = ((share.low - self.at) * self.inverse, (share.high - self.at) * self.inverse);
        if low > FAR || high < -FAR {
            return f64::NEG_INFINITY;
        }
        libm::log(normal::between(low, high)) - self.log_mass
    }

    fn draw(&self, stream: &mut Stream) -> f64 {
        let (low, high) = (normal::below(-self.at * self.inverse), normal::below((1.0 - self.at) * self.inverse));
        let z = normal::quantile(low + stream.uniform() * (high - low));
        (self.at + z / self.inverse).clamp(0.0, 1.0)
    }
}

/// The share of an axis that a value in steps has.
struct Share {
    low: f64,
    middle: f64,
    high: f64,
    width: f64,
    log_width: f64,
}

/// The kernels on one axis; the last one is the prior.
enum Column<'a> {
    Continuum(Vec<Kernel>),
    /// Different kernels, and which of them each observation has.
    Steps(&'a Axis, Vec<Kernel>, Vec<u32>),
    /// The choice of each observation, and how many choices there are. The prior's is beyond the last.
    Choices(usize, Vec<u32>),
}

/// The mixture over some axes.
pub(super) struct Parzen<'a> {
    columns: Vec<Column<'a>>,
    /// The kernels' weights added up, the prior's included.
    added: Vec<f64>,
    /// The logarithm of each weight, with the parts of the kernels that no point changes.
    constants: Vec<f64>,
}

impl<'a> Parzen<'a> {
    /// The estimator of observations: for each axis their coordinates, from the oldest to the newest. They weigh all the same,
    /// or the newest most.
    pub(super) fn new(axes: &[(&'a Axis, Vec<f64>)], is_even: bool) -> Self {
        let count = axes.first().map_or(0, |(_, at)| at.len());
        let weights = weights(count, is_even);
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let added = weights.iter().map(|weight| {
            sum += weight / total;
            sum
        });
        let mut this = Self {
            added: added.collect(),
            constants: weights.iter().map(|weight| libm::log(weight / total)).collect(),
            columns: Vec::new(),
        };
        for (axis, at) in axes {
            let column = column(axis, at);
            if let Column::Continuum(kernels) = &column {
                for (constant, kernel) in this.constants.iter_mut().zip(kernels) {
                    *constant += kernel.log_scale;
                }
            }
            this.columns.push(column);
        }
        this
    }

    /// Draws a batch of points: for each a kernel, and every coordinate from it.
    pub(super) fn draw(&self, axes: &[&Axis], stream: &mut Stream) -> Vec<Lanes> {
        let mut drawn = vec![[0.0; BATCH]; self.columns.len()];
        for lane in 0..BATCH {
            let mark = stream.uniform();
            let kernel = self.added.partition_point(|&sum| sum <= mark).min(self.added.len().saturating_sub(1));
            for ((column, axis), lanes) in self.columns.iter().zip(axes).zip(&mut drawn) {
                if let Some(coordinate) = lanes.get_mut(lane) {
                    *coordinate = axis.snap(column.draw(kernel, self.added.len(), stream));
                }
            }
        }
        drawn
    }

    /// The logarithms of the density at a batch of points, one list of coordinates for each axis.
    pub(super) fn log_density(&self, points: &[Lanes]) -> Lanes {
        let tables: Vec<Vec<Lanes>> =
            self.columns.iter().zip(points).map(|(column, at)| column.table(at, self.constants.len())).collect();
        // The prior is everywhere, and everything is measured against it.
        let prior = self.constants.len().saturating_sub(1);
        let mut block = [[0.0; BATCH]; BLOCK];
        self.log_kernels(prior, points, &tables, &mut block[..1]);
        let reference = block[0];
        let mut sums = [1.0; BATCH];
        for first in (0..prior).step_by(BLOCK) {
            let length = BLOCK.min(prior - first);
            let Some(part) = block.get_mut(..length) else { break };
            self.log_kernels(first, points, &tables, part);
            for logs in part {
                for ((sum, log), reference) in sums.iter_mut().zip(logs).zip(&reference) {
                    let ratio = *log - reference;
                    if ratio > NEGLIGIBLE {
                        *sum += libm::exp(ratio.min(600.0));
                    }
                }
            }
        }
        std::array::from_fn(|lane| reference[lane] + libm::log(sums[lane]))
    }

    /// The logarithms of some kernels, weights included, from the given one on.
    fn log_kernels(&self, first: usize, points: &[Lanes], tables: &[Vec<Lanes>], logs: &mut [Lanes]) {
        for (log, constant) in logs.iter_mut().zip(self.constants.iter().skip(first)) {
            *log = [*constant; BATCH];
        }
        for ((column, at), table) in self.columns.iter().zip(points).zip(tables) {
            match column {
                Column::Continuum(kernels) => {
                    for (log, kernel) in logs.iter_mut().zip(kernels.iter().skip(first)) {
                        for (log, x) in log.iter_mut().zip(at) {
                            let z = (x - kernel.at) * kernel.inverse;
                            *log -= 0.5 * z * z;
                        }
                    }
                }
                Column::Steps(_, _, which) | Column::Choices(_, which) => {
                    for (log, &which) in logs.iter_mut().zip(which.iter().skip(first)) {
                        let Some(row) = table.get(which as usize) else { continue };
                        for (log, value) in log.iter_mut().zip(row) {
                            *log += value;
                        }
                    }
                }
            }
        }
    }
}

fn column<'a>(axis: &'a Axis, at: &[f64]) -> Column<'a> {
    let prior = Kernel::new(0.5, 1.0);
    match axis.kind {
        Kind::Choices(count) => {
            let observed = at.iter().map(|&x| x as u32);
            Column::Choices(count, observed.chain([count as u32]).collect())
        }
        Kind::Continuum => {
            let kernels = at.iter().zip(widths(at)).map(|(&at, width)| Kernel::new(at, width));
            Column::Continuum(kernels.chain([prior]).collect())
        }
        Kind::Steps(count) => {
            let narrowest = 1.0 / (at.len() + 2).min(100) as f64;
            let mut shared = vec![None; if count <= MAX_SHARED { count as usize } else { 0 }];
            let (mut kernels, mut which) = (Vec::new(), Vec::with_capacity(at.len() + 1));
            for (&at, width) in at.iter().zip(widths(at)) {
                let slot = if width > narrowest { None } else { shared.get_mut(axis.index(at)) };
                let known = slot.as_ref().and_then(|slot| **slot);
                which.push(known.unwrap_or_else(|| {
                    kernels.push(Kernel::new(at, width));
                    let new = kernels.len() as u32 - 1;
                    if let Some(slot) = slot {
                        *slot = Some(new);
                    }
                    new
                }));
            }
            which.push(kernels.len() as u32);
            kernels.push(prior);
            Column::Steps(axis, kernels, which)
        }
    }
}

impl Column<'_> {
    /// A coordinate from a kernel.
    fn draw(&self, kernel: usize, kernels: usize, stream: &mut Stream) -> f64 {
        match self {
            Self::Continuum(all) => all.get(kernel).map_or(0.5, |kernel| kernel.draw(stream)),
            Self::Steps(_, all, which) => {
                which.get(kernel).and_then(|&which| all.get(which as usize)).map_or(0.5, |kernel| kernel.draw(stream))
            }
            Self::Choices(count, which) => {
                let seen = which.get(kernel).map_or(*count, |&which| which as usize);
                let spread = *count as f64 / kernels as f64;
                let mark = stream.uniform() * (1.0 + spread);
                // The share of what was seen comes last.
                let even = ((mark * kernels as f64) as usize).min(count.saturating_sub(1));
                if seen < *count && mark >= spread {
                    return seen as f64;
                }
                if seen < *count { even as f64 } else { stream.below(*count as u64) as f64 }
            }
        }
    }

    /// The logarithms of different kernels at a batch of points; nothing for a continuum.
    fn table(&self, at: &Lanes, kernels: usize) -> Vec<Lanes> {
        match self {
            Self::Continuum(_) => Vec::new(),
            Self::Steps(axis, all, _) => {
                let shares = at.map(|x| {
                    let (low, high, width) = axis.share(x);
                    // On a logarithmic scale a value is not in the middle of its share.
                    Share { low, middle: low.midpoint(high), high, width, log_width: libm::log(width) }
                });
                // A good value is drawn again and again: the first lane that has it computes it.
                let first: [usize; BATCH] =
                    std::array::from_fn(|lane| at[..lane].iter().position(|x| *x == at[lane]).unwrap_or(lane));
                let row = |kernel: &Kernel| {
                    let mut row = [0.0; BATCH];
                    for (lane, (share, &first)) in shares.iter().zip(&first).enumerate() {
                        row[lane] = if first < lane { row[first] } else { kernel.log_share(share) };
                    }
                    row
                };
                all.iter().map(row).collect()
            }
            Self::Choices(count, _) => {
                // A little everywhere, and one on what was seen.
                let little = 1.0 / kernels as f64;
                let sum = 1.0 + *count as f64 * little;
                let (other, same) = (libm::log(little / sum), libm::log((1.0 + little) / sum));
                let seen = (0..*count).map(|choice| at.map(|x| if x as usize == choice { same } else { other }));
                seen.chain([[-libm::log(*count as f64); BATCH]]).collect()
            }
        }
    }
}

/// The weights of observations from the oldest to the newest, and last the prior's: one each up to 25; of more the newest
/// 25 have one, and the others rise to it, unless all weigh the same.
pub(super) fn weights(count: usize, is_even: bool) -> Vec<f64> {
    let rising = if is_even { 0 } else { count.saturating_sub(25) };
    let least = 1.0 / count.max(1) as f64;
    let ramp = (0..rising).map(|i| match rising {
        1 => least,
        _ => least + (1.0 - least) * i as f64 / (rising - 1) as f64,
    });
    ramp.chain(std::iter::repeat_n(1.0, count - rising)).chain([1.0]).collect()
}
