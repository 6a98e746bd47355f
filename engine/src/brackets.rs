//! Brackets: ladders of rungs, computed in exact integers.
//!
//! The rule is Algorithm 1 of Li et al., JMLR 18(185), for a lowest fidelity `min` that need not be 1: with `eta` the
//! reduction factor, `s_max` is the largest whole number with `min * eta^s_max <= max`; the bracket of `s` promotions
//! starts `n = ceil((s_max + 1) / (s + 1) * eta^s)` trials, has `floor(n / eta^i)` of them on rung `i` (at least one), and
//! compares them at `max / eta^(s - i)`, rounded to the nearest whole unit, halves up, and kept within `min..=max`.
//!
//! `HpBandSter` and its descendants round down before they multiply: `n = floor((s_max + 1) / (s + 1)) * eta^s`. Those sizes
//! can be had by name, so that results can be compared.
//!
//! Rungs that fall on the same whole level become one, which keeps the size of the lower one: nobody is judged twice on
//! the same value, and sizes still never rise. (With whole `eta >= 2` rounding never makes two levels meet; the rule is
//! here so that nothing depends on that.)

use crate::plan::{FidelityRange, PlanError, Scheduler, Sizes};

/// One rung of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RungPlan {
    /// The level's index in [`crate::Plan::levels`].
    pub level: usize,
    /// How many trials the rung holds when it is full; in an asynchronous ladder, which is never full, their proportion.
    pub size: u32,
}

/// One bracket: its rungs from the lowest to the highest level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BracketPlan {
    /// The rungs.
    pub rungs: Vec<RungPlan>,
}

/// A rung before levels are numbered: fidelity and size.
pub type RawRung = (u32, u64);

/// The most trials that a first rung may have.
pub const MAX_FIRST_RUNG: u64 = 100_000;

/// The most levels that a plan may have.
pub const MAX_LEVELS: usize = 64;

/// The scheduler's name in the API.
#[must_use]
pub fn name(scheduler: &Scheduler) -> &'static str {
    match scheduler {
        Scheduler::None => "none",
        Scheduler::SuccessiveHalving { .. } => "successiveHalving",
        Scheduler::Hyperband { .. } => "hyperband",
        Scheduler::Asha { .. } => "asha",
        Scheduler::Dehb { .. } => "dehb",
        Scheduler::PopulationBased { .. } => "populationBased",
    }
}

/// How many promotions fit between two fidelities: the largest `s` with `min * eta^s <= max`.
#[must_use]
pub fn promotions(range: FidelityRange, eta: u32) -> u32 {
    let (mut s, mut reach) = (0, u64::from(range.min.max(1)));
    while reach * u64::from(eta.max(2)) <= u64::from(range.max) {
        reach *= u64::from(eta.max(2));
        s += 1;
    }
    s
}

/// The brackets of one pass of Hyperband, the longest first.
#[must_use]
pub fn hyperband(range: FidelityRange, eta: u32, sizes: Sizes) -> Vec<Vec<RawRung>> {
    let s_max = promotions(range, eta);
    (0..=s_max)
        .rev()
        .map(|s| {
            let first = match sizes {
                Sizes::Paper => (u64::from(s_max + 1) * power(eta, s)).div_ceil(u64::from(s + 1)),
                Sizes::Hpbandster => u64::from((s_max + 1) / (s + 1)) * power(eta, s),
            };
            ladder(range, eta, s, first)
        })
        .collect()
}

/// The bracket of successive halving: every promotion that fits, with this many trials on the first rung.
#[must_use]
pub fn successive_halving(range: FidelityRange, eta: u32, configurations: Option<u32>) -> Vec<RawRung> {
    let s_max = promotions(range, eta);
    ladder(range, eta, s_max, configurations.map_or_else(|| power(eta, s_max), u64::from))
}

/// Whole powers; the callers' exponents keep them below 2^33.
fn power(eta: u32, exponent: u32) -> u64 {
    u64::from(eta.max(2)).saturating_pow(exponent)
}

fn ladder(range: FidelityRange, eta: u32, promotions: u32, first: u64) -> Vec<RawRung> {
    let mut rungs: Vec<RawRung> = Vec::new();
    for i in 0..=promotions {
        let divisor = power(eta, promotions - i);
        let nearest = (2 * u64::from(range.max) + divisor) / (2 * divisor);
        let level = u32::try_from(nearest).unwrap_or(range.max).clamp(range.min, range.max);
        if rungs.last().is_none_or(|&(below, _)| below < level) {
            rungs.push((level, (first / power(eta, i)).max(1)));
        }
    }
    rungs
}

/// The levels of a population: the lowest fidelity, every so many units from there, and the highest.
fn levels(range: FidelityRange, interval: u32) -> Result<Vec<u32>, PlanError> {
    let steps = (range.max.saturating_sub(range.min)).div_ceil(interval.max(1));
    if steps as usize >= MAX_LEVELS {
        let least = range.max.saturating_sub(range.min).div_ceil(u32::try_from(MAX_LEVELS).unwrap_or(u32::MAX) - 1);
        let field = "scheduler.populationBased.interval".to_owned();
        let message = format!(
            "must be at least {least}, so that there are at most {MAX_LEVELS} levels from `fidelity.min` to `fidelity.max` (given {interval})"
        );
        return Err(PlanError { field, message });
    }
    let rising = (0..steps).map(|step| range.min + step * interval);
    Ok(rising.chain([range.max]).collect())
}

/// The levels and the brackets of a study.
///
/// # Errors
/// When a first rung would be too large, or the range has no room for a single promotion.
pub fn plan(fidelity: Option<FidelityRange>, scheduler: &Scheduler) -> Result<(Vec<u32>, Vec<BracketPlan>), PlanError> {
    let top = fidelity.map_or(1, |range| range.max);
    let (raw, eta, kind) = match (scheduler, fidelity) {
        (Scheduler::SuccessiveHalving { reduction_factor: eta, configurations, .. }, Some(range)) => {
            (vec![successive_halving(range, *eta, *configurations)], *eta, "successiveHalving")
        }
        (Scheduler::Hyperband { reduction_factor: eta, sizes, .. }, Some(range)) => {
            (hyperband(range, *eta, *sizes), *eta, "hyperband")
        }
        (Scheduler::Dehb { reduction_factor: eta }, Some(range)) => {
            (hyperband(range, *eta, Sizes::Paper), *eta, "dehb")
        }
        (Scheduler::Asha { reduction_factor: eta, brackets, .. }, Some(range)) => {
            let mut raw = hyperband(range, *eta, Sizes::Paper);
            let most = raw.len();
            if *brackets as usize > most {
                let field = "scheduler.asha.brackets".to_owned();
                let message = format!("must be at most {most}, one for each rung of the ladder (given {brackets})");
                return Err(PlanError { field, message });
            }
            raw.truncate(*brackets as usize);
            (raw, *eta, "asha")
        }
        (Scheduler::PopulationBased { population, interval, .. }, Some(range)) => {
            let levels = levels(range, *interval)?;
            let rung = |level: usize| RungPlan { level, size: *population };
            let rungs = (0..levels.len()).map(rung).collect();
            return Ok((levels, vec![BracketPlan { rungs }]));
        }
        (Scheduler::None, _) | (_, None) => return Ok((vec![top], Vec::new())),
    };
    let error = |field: &str, message: String| PlanError { field: format!("scheduler.{kind}.{field}"), message };
    let widest = raw.iter().filter_map(|rungs| rungs.first()).map(|&(_, size)| size).max().unwrap_or(0);
    if widest > MAX_FIRST_RUNG {
        return Err(error(
            "reductionFactor",
            format!(
                "gives a first rung of {widest} trials; at most {MAX_FIRST_RUNG} are allowed: raise `fidelity.min`"
            ),
        ));
    }
    if raw.iter().all(|rungs| rungs.len() < 2) {
        return Err(error(
            "reductionFactor",
            format!("leaves no room for a promotion: `fidelity.min` times {eta} is above `fidelity.max`"),
        ));
    }
    let mut levels: Vec<u32> = raw.iter().flatten().map(|&(level, _)| level).collect();
    levels.sort_unstable();
    levels.dedup();
    if levels.len() > MAX_LEVELS {
        return Err(error(
            "reductionFactor",
            format!("gives {} levels; at most {MAX_LEVELS} are allowed", levels.len()),
        ));
    }
    let brackets = raw
        .iter()
        .map(|rungs| BracketPlan {
            rungs: rungs
                .iter()
                .map(|&(level, size)| RungPlan {
                    level: levels.partition_point(|&below| below < level),
                    size: u32::try_from(size).unwrap_or(u32::MAX),
                })
                .collect(),
        })
        .collect();
    Ok((levels, brackets))
}

#[cfg(test)]
mod tests;
