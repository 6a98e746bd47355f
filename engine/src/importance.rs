//! How much each parameter matters for being among the best: PED-ANOVA.
//!
//! Watanabe, Bansal and Hutter (IJCAI 2023, arXiv 2304.10255), Algorithm 1, with the best tenth as the top set and all evidence as
//! the region. A parameter's importance is the Pearson divergence of its density among the best from its density among
//! all, both estimated on a grid of at most 50 points with Scott's width; a parameter that exists in some trials only is
//! weighed by how often it exists among the best and among all (Conditional PED-ANOVA, arXiv 2601.20800, Theorem 4.2).
//! The grid, the widths and the prior are those of Optuna's `PedAnovaImportanceEvaluator`, and so are the shares.
//!
//! Values are counted on the grid once: time is linear in the trials, and memory beyond them is a grid a parameter.

use crate::normal;
use crate::number::sortable;
use crate::space::{Assignment, Domain, Scale, Space, Value};

mod density;

use density::Density;

/// Below so many trials nothing is said.
pub const FEWEST_TRIALS: usize = 10;

/// The most points of a parameter's grid.
const GRID: u64 = 50;

/// Of how many trials one is among the best.
const TENTH: usize = 10;

/// What a density is raised by, so that nothing is divided by zero.
const FLOOR: f64 = 1e-12;

/// How much each parameter matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// How many trials were looked at.
    pub trials: usize,
    /// How many of them are the best: a tenth, and who ties with the last of it.
    pub best: usize,
    /// A share for each parameter of the space, in its order: from 0 to 1, together 1; all 0 when nothing tells the best from the rest.
    pub shares: Vec<f64>,
}

/// How much each parameter of a space matters, by configurations with their values, smaller being better. Values that are not
/// finite are passed over; `None` when fewer than [`FEWEST_TRIALS`] are left.
#[must_use]
pub fn importance(space: &Space, evidence: &[(&Assignment, f64)]) -> Option<Importance> {
    let known: Vec<&(&Assignment, f64)> = evidence.iter().filter(|(_, value)| value.is_finite()).collect();
    if known.len() < FEWEST_TRIALS {
        return None;
    }
    let mut order: Vec<u64> = known.iter().map(|(_, value)| sortable(*value)).collect();
    let cutoff = *order.select_nth_unstable(known.len().div_ceil(TENTH) - 1).1;
    let is_best: Vec<bool> = known.iter().map(|(_, value)| sortable(*value) <= cutoff).collect();
    let best = is_best.iter().filter(|&&is_best| is_best).count();
    let importances: Vec<f64> = space
        .parameters
        .iter()
        .map(|parameter| {
            let Some(grid) = Grid::new(&parameter.domain) else { return 0.0 };
            let (mut top, mut all) = (vec![0_u32; grid.points()], vec![0_u32; grid.points()]);
            for ((assignment, _), is_best) in known.iter().zip(&is_best) {
                let Some(at) = assignment.get(&parameter.name).and_then(|value| grid.place(value)) else { continue };
                let count = |counts: &mut Vec<u32>| counts.get_mut(at).map(|count| *count += 1);
                count(&mut all);
                is_best.then(|| count(&mut top));
            }
            conditional(&grid, &top, &all, best, known.len())
        })
        .collect();
    let sum: f64 = importances.iter().sum();
    let shares = importances.iter().map(|importance| if sum > 0.0 { importance / sum } else { 0.0 }).collect();
    Some(Importance { trials: known.len(), best, shares })
}

/// The divergence where the parameter exists, weighed by how often it does.
#[expect(clippy::cast_precision_loss, reason = "trials are at most 200,000")]
fn conditional(grid: &Grid<'_>, top: &[u32], all: &[u32], best: usize, trials: usize) -> f64 {
    let sum = |counts: &[u32]| counts.iter().map(|&count| f64::from(count)).sum::<f64>();
    let (among_best, among_all) = (sum(top), sum(all));
    if among_best < 1.0 || among_all < 2.0 {
        return 0.0;
    }
    let (alpha, beta) = (among_best / best as f64, among_all / trials as f64);
    alpha * alpha / beta * divergence(&grid.density(top), &grid.density(all))
}

/// The Pearson divergence of a density from another.
fn divergence(top: &[f64], all: &[f64]) -> f64 {
    let part = |(top, all): (&f64, &f64)| {
        let ratio = (top + FLOOR) / (all + FLOOR) - 1.0;
        (all + FLOOR) * ratio * ratio
    };
    top.iter().zip(all).map(part).sum()
}

/// The points on which a parameter's values are counted.
#[derive(Debug)]
enum Grid<'d> {
    /// Evenly spaced between two ends, in the value or in its logarithm.
    Even { low: f64, high: f64, points: u64, is_log: bool },
    /// An index a point, in an order that means something.
    Ordered { domain: &'d Domain, points: usize },
    /// An index a point, without an order.
    Names { domain: &'d Domain, points: usize },
}

impl<'d> Grid<'d> {
    /// The grid of a domain; `None` when it has one value only.
    #[expect(clippy::cast_precision_loss, reason = "the position of a huge number is as exact as it can be")]
    fn new(domain: &'d Domain) -> Option<Self> {
        let even = |low: f64, high: f64, points: u64, is_log: bool| {
            let (low, high) = if is_log { (libm::log(low), libm::log(high)) } else { (low, high) };
            (low < high && (high - low).is_finite()).then_some(Self::Even { low, high, points, is_log })
        };
        match domain {
            Domain::Float { min, max, step: None, scale } => even(*min, *max, GRID, *scale == Scale::Log),
            Domain::Float { min, step: Some(_), .. } => {
                let count = domain.count()?;
                let Value::Float(high) = domain.at(count - 1) else { return None };
                even(*min, high, count.min(GRID), false)
            }
            Domain::Int { min, max, scale: Scale::Log, .. } => {
                let bits = libm::ceil(libm::log((*max as f64) - (*min as f64) + 1.0) / std::f64::consts::LN_2);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 64")]
                even(*min as f64, *max as f64, (bits as u64 + 1).min(GRID), true)
            }
            Domain::Int { min, .. } => {
                let count = domain.count().unwrap_or(u64::MAX);
                let Value::Int(high) = domain.at(count - 1) else { return None };
                even(*min as f64, high as f64, count.min(GRID), false)
            }
            Domain::Ordinal { values } => (values.len() > 1).then_some(Self::Ordered { domain, points: values.len() }),
            Domain::Categorical { choices } => {
                (choices.len() > 1).then_some(Self::Names { domain, points: choices.len() })
            }
        }
    }

    fn points(&self) -> usize {
        match self {
            Self::Even { points, .. } => usize::try_from(*points).unwrap_or(1),
            Self::Ordered { points, .. } | Self::Names { points, .. } => *points,
        }
    }

    /// The point that a value is counted at; between two, the lower one.
    #[expect(clippy::cast_precision_loss, reason = "the position of a huge number is as exact as it can be")]
    fn place(&self, value: &Value) -> Option<usize> {
        let (low, high, points, is_log) = match self {
            Self::Even { low, high, points, is_log } => (*low, *high, *points, *is_log),
            Self::Ordered { domain, .. } | Self::Names { domain, .. } => {
                return domain.index_of(value).and_then(|index| usize::try_from(index).ok());
            }
        };
        let x = match value {
            Value::Float(x) => *x,
            Value::Int(x) => *x as f64,
            Value::Choice(_) => return None,
        };
        let x = if is_log { libm::log(x) } else { x };
        let width = (high - low) / (points - 1) as f64;
        let index = libm::ceil((x - low) / width - 0.5);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid")]
        (!index.is_nan()).then_some(index.clamp(0.0, (points - 1) as f64) as usize)
    }

    /// The density at each point.
    fn density(&self, counts: &[u32]) -> Vec<f64> {
        match self {
            Self::Even { .. } | Self::Ordered { .. } => Density::ordered(counts),
            Self::Names { .. } => Density::names(counts),
        }
        .0
    }
}

/// The mass of a normal distribution between two points, exact in both tails.
fn mass(low: f64, high: f64) -> f64 {
    if low > 0.0 { normal::cdf(-low) - normal::cdf(-high) } else { normal::cdf(high) - normal::cdf(low) }
}
