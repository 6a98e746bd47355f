//! One parameter's values: their number, their order, their text, and their place in the unit interval.
//!
//! Transcendental functions come from `libm`, so that every machine computes the same doubles.

use super::{Domain, Scale, Value};
use crate::number;

/// Above this many points a float's step is finer than doubles in the unit interval can tell apart.
const MAX_STEPS: f64 = 9_007_199_254_740_992.0;

impl Domain {
    /// How many values there are; `None` when they are a continuum or more than a `u64` counts.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Float { min, max, step: None, .. } => (min >= max).then_some(1),
            Self::Float { min, max, step: Some(step), .. } => Some(steps(*min, *max, *step)),
            Self::Int { min, max, step, .. } => {
                let span = i128::from(*max) - i128::from(*min);
                u64::try_from(span.max(0) / i128::from(step.unwrap_or(1).max(1)) + 1).ok()
            }
            Self::Ordinal { values } => Some(values.len() as u64),
            Self::Categorical { choices } => Some(choices.len() as u64),
        }
    }

    /// Whether it is a float that takes any value of its range.
    #[must_use]
    pub fn is_continuum(&self) -> bool {
        matches!(self, Self::Float { step: None, min, max, .. } if min < max)
    }

    /// Whether the value is one of these.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Float { min, max, step: None, .. }, Value::Float(x)) => (*min..=*max).contains(x),
            _ => self.index_of(value).is_some(),
        }
    }

    /// The value of this index in the domain's order; the last one beyond the end. For a continuum: its lowest value.
    #[must_use]
    pub fn at(&self, index: u64) -> Value {
        match self {
            Self::Float { min, step: None, .. } => Value::Float(*min),
            Self::Float { min, max, step: Some(step), .. } => {
                Value::Float(on_grid(*min, *max, *step, index.min(steps(*min, *max, *step) - 1)))
            }
            Self::Int { min, max, step, .. } => {
                let step = i128::from(step.unwrap_or(1).max(1));
                let last = (i128::from(*max) - i128::from(*min)).max(0) / step;
                let value = i128::from(*min) + i128::from(index).min(last) * step;
                Value::Int(i64::try_from(value).unwrap_or(*max))
            }
            Self::Ordinal { values } => Value::Float(nth(values, index).copied().unwrap_or(0.0)),
            Self::Categorical { choices } => Value::Choice(nth(choices, index).cloned().unwrap_or_default()),
        }
    }

    /// The index of a value in the domain's order; `None` for a continuum and for what is no value of the domain.
    #[must_use]
    pub fn index_of(&self, value: &Value) -> Option<u64> {
        match (self, value) {
            (Self::Float { min, max, step: None, .. }, Value::Float(x)) => (min >= max && x == min).then_some(0),
            (Self::Float { min, max, step: Some(step), .. }, Value::Float(x)) => {
                let index = nearest_step(*min, *max, *step, *x);
                number::same(on_grid(*min, *max, *step, index), *x).then_some(index)
            }
            (Self::Int { min, max, step, .. }, Value::Int(x)) => {
                let (offset, step) = (i128::from(*x) - i128::from(*min), i128::from(step.unwrap_or(1).max(1)));
                (min <= x && x <= max && offset % step == 0).then(|| u64::try_from(offset / step).ok())?
            }
            (Self::Ordinal { values }, Value::Float(x)) => values.iter().position(|v| v == x).map(|i| i as u64),
            (Self::Categorical { choices }, Value::Choice(x)) => choices.iter().position(|c| c == x).map(|i| i as u64),
            _ => None,
        }
    }

    /// The lower edge, in the unit interval, of the share of the value of this index; for a countable domain.
    #[expect(clippy::cast_precision_loss, reason = "the position of a huge number is as exact as it can be")]
    pub(crate) fn lower_edge(&self, index: u64) -> f64 {
        match self {
            Self::Int { min, max, scale: Scale::Log, .. } if min < max => {
                let (low, high) = log_edges(*min, *max);
                (libm::log(*min as f64 + index as f64 - 0.5) - low) / (high - low)
            }
            _ => index as f64 / self.count().unwrap_or(u64::MAX) as f64,
        }
    }

    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Float { min, max, step, .. } => {
                let x = number::parse(text).ok_or_else(|| format!("must be a number (given `{text}`)"))?;
                if !(*min..=*max).contains(&x) {
                    let (min, max) = (number::to_text(*min), number::to_text(*max));
                    return Err(format!("must be between {min} and {max} (given `{text}`)"));
                }
                let Some(step) = step else { return Ok(Value::Float(x)) };
                let point = on_grid(*min, *max, *step, nearest_step(*min, *max, *step, x));
                if (point - x).abs() <= step * 1e-9 {
                    Ok(Value::Float(point))
                } else {
                    let (min, step) = (number::to_text(*min), number::to_text(*step));
                    Err(format!("must be {min} plus a multiple of {step} (given `{text}`)"))
                }
            }
            Self::Int { min, max, step, .. } => {
                let x: i64 = text.trim().parse().map_err(|_| format!("must be a whole number (given `{text}`)"))?;
                let value = Value::Int(x);
                if self.index_of(&value).is_none() {
                    let step = step.map(|s| format!(" in steps of {s}")).unwrap_or_default();
                    return Err(format!("must be between {min} and {max}{step} (given `{text}`)"));
                }
                Ok(value)
            }
            Self::Ordinal { values } => {
                let x = number::parse(text).ok_or_else(|| format!("must be a number (given `{text}`)"))?;
                values.iter().find(|v| **v == x).map(|v| Value::Float(*v)).ok_or_else(|| {
                    format!("must be one of {} (given `{text}`)", list(values.iter().map(|v| number::to_text(*v))))
                })
            }
            Self::Categorical { choices } => {
                if choices.iter().any(|c| c == text) {
                    Ok(Value::Choice(text.to_owned()))
                } else {
                    Err(format!("must be one of {} (given `{text}`)", list(choices.iter().cloned())))
                }
            }
        }
    }

    /// The value whose share of the unit interval holds this point.
    ///
    /// Whole numbers, steps, ordinals and choices have equal shares, the ends included; whole numbers on a logarithmic
    /// scale have the share of `value - 1/2 .. value + 1/2`.
    #[must_use]
    pub fn at_unit(&self, point: f64) -> Value {
        let u = if point.is_nan() { 0.5 } else { point.clamp(0.0, 1.0) };
        match self {
            // The ends are exact, whatever a logarithm and its inverse make of them.
            Self::Float { min, step: None, .. } if u <= 0.0 => Value::Float(*min),
            Self::Float { max, step: None, .. } if u >= 1.0 => Value::Float(*max),
            Self::Float { min, max, step: None, scale } if min < max => {
                let x = match scale {
                    // Two products instead of a difference: the range itself may be larger than any double.
                    Scale::Linear => min * (1.0 - u) + max * u,
                    Scale::Log => {
                        let (low, high) = (libm::log(*min), libm::log(*max));
                        libm::exp(low * (1.0 - u) + high * u)
                    }
                };
                Value::Float(x.clamp(*min, *max))
            }
            Self::Int { min, max, scale: Scale::Log, .. } if min < max => {
                let (low, high) = log_edges(*min, *max);
                let x = libm::exp(low * (1.0 - u) + high * u).round();
                #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and the clamp follows")]
                let whole = x as i64;
                Value::Int(whole.clamp(*min, *max))
            }
            _ => self.at(share(u, self.count())),
        }
    }

    /// The point of the unit interval that stands for a value: the middle of its share.
    #[must_use]
    pub fn to_unit(&self, value: &Value) -> Option<f64> {
        let u = match (self, value) {
            (Self::Float { min, max, step: None, scale }, Value::Float(x)) if min < max => match scale {
                Scale::Linear => (x / 2.0 - min / 2.0) / (max / 2.0 - min / 2.0),
                Scale::Log => (libm::log(*x) - libm::log(*min)) / (libm::log(*max) - libm::log(*min)),
            },
            #[expect(clippy::cast_precision_loss, reason = "the position of a huge number is as exact as it can be")]
            (Self::Int { min, max, scale: Scale::Log, .. }, Value::Int(x)) if min < max => {
                let (low, high) = log_edges(*min, *max);
                (libm::log(*x as f64) - low) / (high - low)
            }
            #[expect(clippy::cast_precision_loss, reason = "the position of a huge number is as exact as it can be")]
            _ => (self.index_of(value)? as f64 + 0.5) / self.count().unwrap_or(u64::MAX) as f64,
        };
        Some(if u.is_nan() { 0.5 } else { u.clamp(0.0, 1.0) })
    }

    /// The value at one of `points` equally spaced places from end to end, for a continuum. Between the ends it is
    /// rounded to twelve digits: people expect 0.001 between 0.0001 and 0.01, and not 0.0010000000000000002.
    #[must_use]
    pub(crate) fn spaced(&self, index: u64, points: u64) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "a grid has far fewer points than a double has digits")]
        let value = self.at_unit(index as f64 / points.saturating_sub(1).max(1) as f64);
        match (self, value) {
            (Self::Float { min, max, .. }, Value::Float(x)) if *min < x && x < *max => {
                Value::Float(number::parse(&format!("{x:.11e}")).unwrap_or(x).clamp(*min, *max))
            }
            (_, value) => value,
        }
    }
}

fn nth<T>(values: &[T], index: u64) -> Option<&T> {
    usize::try_from(index).ok().and_then(|i| values.get(i)).or(values.last())
}

fn list(texts: impl Iterator<Item = String>) -> String {
    texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "half a unit is lost only where doubles have no halves")]
fn log_edges(min: i64, max: i64) -> (f64, f64) {
    (libm::log(min as f64 - 0.5), libm::log(max as f64 + 0.5))
}

/// The index of the share that holds a point, in integers so that shares are exactly equal.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the point is in 0..=1")]
fn share(u: f64, count: Option<u64>) -> u64 {
    // A count that a u64 cannot hold is the full range of whole numbers, 2^64.
    let count = count.map_or(1_u128 << 64, u128::from);
    let index = (u128::from((u * MAX_STEPS) as u64) * count) >> 53;
    index.min(count.saturating_sub(1)) as u64
}

/// How many points `min + k * step` are in the range; a hair of tolerance, so that 0.1 to 0.9 by 0.1 has nine.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn steps(min: f64, max: f64, step: f64) -> u64 {
    let quotient = (max - min) / step;
    let tolerant = quotient * (1.0 + 1e-12) + 1e-9;
    if tolerant >= 0.0 { tolerant.min(MAX_STEPS) as u64 + 1 } else { 1 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn nearest_step(min: f64, max: f64, step: f64, x: f64) -> u64 {
    let last = steps(min, max, step) - 1;
    (((x - min) / step).round().max(0.0) as u64).min(last)
}

/// A point of a float's grid, with the decimals of its ends: 0.3 and not 0.30000000000000004.
#[expect(clippy::cast_precision_loss, reason = "steps are at most 2^53")]
fn on_grid(min: f64, max: f64, step: f64, index: u64) -> f64 {
    let raw = min + index as f64 * step;
    let digits = decimals(min).max(decimals(step));
    let short = if digits <= 17 { format!("{raw:.digits$}").parse().unwrap_or(raw) } else { raw };
    short.clamp(min, max.max(min))
}

fn decimals(x: f64) -> usize {
    format!("{x}").split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// Whether a float's step is coarse enough to be counted.
pub(super) fn step_is_countable(min: f64, max: f64, step: f64) -> bool {
    (max - min) / step < MAX_STEPS
}
