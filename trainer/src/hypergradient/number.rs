//! Numbers that carry a derivative: one formula gives a step and what the step depends on (forward differentiation).

use std::ops::{Add, Div, Mul, Sub};

/// What a rule of descent computes with.
pub trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + From<f64>
{
    /// Its square root. Where that has no slope, at 0, the slope is 0: what is constantly 0 does not change.
    #[must_use]
    fn root(self) -> Self;
    /// 1, -1, or 0 for 0. It has no slope.
    #[must_use]
    fn sign(self) -> Self;
}

impl Number for f64 {
    fn root(self) -> Self {
        self.sqrt()
    }

    fn sign(self) -> Self {
        if self == 0.0 { 0.0 } else { self.signum() }
    }
}

/// A number and how fast it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual {
    /// The number.
    pub value: f64,
    /// Its derivative.
    pub slope: f64,
}

impl From<f64> for Dual {
    fn from(value: f64) -> Self {
        Self { value, slope: 0.0 }
    }
}

impl Add for Dual {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Dual {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, slope: self.slope - other.slope }
    }
}

impl Mul for Dual {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self { value: self.value * other.value, slope: self.slope * other.value + self.value * other.slope }
    }
}

impl Div for Dual {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self { value, slope: (self.slope - value * other.slope) / other.value }
    }
}

impl Number for Dual {
    fn root(self) -> Self {
        let value = self.value.sqrt();
        Self { value, slope: if value > 0.0 { self.slope / (2.0 * value) } else { 0.0 } }
    }

    fn sign(self) -> Self {
        self.value.sign().into()
    }
}
