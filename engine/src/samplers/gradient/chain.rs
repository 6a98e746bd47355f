//! One chain: from its start to the newest trial that was better than all before, and the next step from there.
//!
//! A step goes where limited-memory BFGS points, or straight down while nothing is known of the curvature, at most so far on any
//! axis. A step that is better becomes the new base, and the next may go twice as far. One that is not, or failed, is
//! tried again nearer; what its gradient says of the curvature is learnt all the same. Values and slopes may be any
//! number: only their signs and ratios count.

use super::field::{Field, reach};
use crate::plan::Plan;
use crate::samplers::quasi_newton::{Curvature, Pair, dot};
use crate::space::Assignment;
use crate::state::Trial;

/// How far the first step goes on the axis that it moves most, as a share of its range.
const FIRST: f64 = 0.1;

/// The farthest that any step goes.
const FARTHEST: f64 = 0.5;

/// A step that is shorter than this is none: the chain has arrived.
const SHORTEST: f64 = 1e-6;

/// After so many steps in a row that were not better the chain gives up.
const PATIENCE: u32 = 4;

/// How often a step is halved that a constraint refuses, or that leads to a configuration which exists.
const HALVINGS: u32 = 8;

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    /// Nothing yet.
    Pending,
    /// It failed, was stopped or lost, broke a bound, or its value is no finite number.
    Useless,
    /// Its value at the highest level, oriented so that smaller is better.
    Value(f64),
}

impl Told {
    pub(super) fn of(plan: &Plan, trial: &Trial<'_>) -> Self {
        let top = plan.top_level();
        if trial.ended.is_some() {
            return Self::Useless;
        }
        let Some(shown) = trial.evidence_at(plan, top).filter(|_| trial.rested == Some(top)) else {
            return Self::Pending;
        };
        let value = plan.leading_score(shown).filter(|_| plan.is_feasible(shown));
        value.map_or(Self::Useless, Self::Value)
    }
}

/// Where a chain stands.
struct Base<'t> {
    number: u32,
    parameters: &'t Assignment,
    point: Vec<f64>,
    value: f64,
    slope: Vec<f64>,
}

/// A chain.
pub(super) struct Chain<'t> {
    base: Base<'t>,
    /// What its start was worth.
    pub(super) start: f64,
    /// How far the next step may go on any axis.
    reach: f64,
    refused: u32,
    curvature: Curvature,
    is_waiting: bool,
    /// Its newest base has no slope.
    is_lost: bool,
}

impl<'t> Chain<'t> {
    /// The chain that begins with a trial; `None` where that has no value or no slope.
    pub(super) fn begin(field: &Field<'_>, trial: &'t Trial<'_>, told: Told) -> Option<Self> {
        let Told::Value(value) = told else { return None };
        let parameters = trial.parameters.as_deref()?;
        let slope = field.slope(trial)?;
        Some(Self {
            base: Base { number: trial.number.0, parameters, point: field.point(parameters), value, slope },
            start: value,
            reach: FIRST,
            refused: 0,
            curvature: Curvature::default(),
            is_waiting: false,
            is_lost: false,
        })
    }

    /// The trial that the next step starts from.
    pub(super) fn base(&self) -> u32 {
        self.base.number
    }

    pub(super) fn value(&self) -> f64 {
        self.base.value
    }

    /// Whether a step from this trial would be the chain's next.
    pub(super) fn goes_on_from(&self, number: u32) -> bool {
        self.base.number == number && !self.is_waiting
    }

    /// Whether the chain can be asked for a step.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_waiting && !self.is_lost && self.refused < PATIENCE
    }

    /// Whether two chains stand at one place.
    pub(super) fn is_near(&self, field: &Field<'_>, other: &Self, by: f64) -> bool {
        let is_near = self.base.point.iter().zip(&other.base.point).all(|(a, b)| (a - b).abs() < by);
        is_near && field.is_beside(self.base.parameters, other.base.parameters)
    }

    /// Learns of its step; says whether it was better, `None` while that is not known.
    pub(super) fn learn(&mut self, field: &Field<'_>, trial: &'t Trial<'_>, told: Told) -> Option<bool> {
        self.is_waiting = told == Told::Pending;
        let parameters = trial.parameters.as_deref().filter(|_| !self.is_waiting)?;
        let point = field.point(parameters);
        let step = difference(&point, &self.base.point);
        let length = reach(&step);
        let Told::Value(value) = told else {
            (self.refused, self.reach) = (self.refused + 1, 0.25 * length);
            return Some(false);
        };
        let slope = field.slope(trial);
        let down = dot(&self.base.slope, &step);
        let bent = slope.as_ref().is_some_and(|slope| self.bend(&step, difference(slope, &self.base.slope)));
        if value < self.base.value {
            (self.refused, self.reach) = (0, self.reach.max((2.0 * length).min(FARTHEST)));
            self.is_lost = slope.is_none();
            let slope = slope.unwrap_or_default();
            self.base = Base { number: trial.number.0, parameters, point, value, slope };
            return Some(true);
        }
        // Where the curvature is known it says how far to go. Else a parabola does, through both values and along the slope.
        let bottom = -down / (2.0 * (value - self.base.value - down));
        let share = if bent || !bottom.is_finite() { 0.5 } else { bottom.clamp(0.1, 0.5) };
        (self.refused, self.reach) = (self.refused + 1, share * length);
        Some(false)
    }

    /// Takes note of how the slope changed over a step, where it curves upward.
    fn bend(&mut self, step: &[f64], change: Vec<f64>) -> bool {
        let pair = Pair::new(step.to_vec(), change);
        let sizes = (dot(&pair.step, &pair.step) * dot(&pair.change, &pair.change)).sqrt();
        let is_bent = pair.product > 1e-8 * sizes && sizes.is_finite() && sizes > 0.0;
        if is_bent {
            self.curvature.learn(pair);
        }
        is_bent
    }

    /// The configuration of the next step that `is_free` lets through; `None` where the chain has arrived, or none is.
    pub(super) fn next(&self, field: &Field<'_>, is_free: impl Fn(&Assignment) -> bool) -> Option<Assignment> {
        let direction = self.direction()?;
        let mut share = (self.reach / reach(&direction)).min(1.0);
        for _ in 0..HALVINGS {
            let moved = |(x, d): (&f64, &f64)| (x + share * d).clamp(0.0, 1.0);
            let to: Vec<f64> = self.base.point.iter().zip(&direction).map(moved).collect();
            let step = difference(&to, &self.base.point);
            let gain = -dot(&self.base.slope, &step);
            // What would be gained must be more than what rounding makes of the value.
            if reach(&step) < SHORTEST || gain <= 1e-14 * self.base.value.abs() {
                return None;
            }
            let next = field.at(&to, self.base.parameters, &self.base.point);
            if is_free(&next) {
                return Some(next);
            }
            share *= 0.5;
        }
        None
    }

    /// Where it goes down: as far as the curvature says, or at most as far as it may.
    fn direction(&self) -> Option<Vec<f64>> {
        let Base { point, slope, .. } = &self.base;
        let is_held = |(&x, &s): (&f64, &f64)| s == 0.0 || (x <= 0.0 && s > 0.0) || (x >= 1.0 && s < 0.0);
        let held: Vec<bool> = point.iter().zip(slope).map(is_held).collect();
        let free: Vec<f64> = slope.iter().zip(&held).map(|(&s, &held)| if held { 0.0 } else { s }).collect();
        let steepest = reach(&free);
        if steepest <= 0.0 {
            return None;
        }
        let straight = || free.iter().map(|s| -s / steepest * self.reach).collect::<Vec<f64>>();
        if self.curvature.is_unknown() {
            return Some(straight());
        }
        let bent = self.curvature.direction(&free, &held);
        let goes_down = dot(&bent, &free) < 0.0 && reach(&bent) > 0.0 && bent.iter().all(|d| d.is_finite());
        Some(if goes_down { bent } else { straight() })
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
