//! The parameters that have gradients, as coordinates of the unit cube, and what a trial says of the slope there.
//!
//! In the unit interval of its scale a parameter moves as it is searched: of one on a logarithmic scale the coordinate is that of
//! the logarithm, and a reported derivative is turned into one by the chain rule.

use crate::plan::Plan;
use crate::space::{Assignment, Domain, Parameter, Scale, Value};
use crate::state::Trial;

/// A parameter without steps that can vary, and its place in the space.
struct Axis<'p> {
    parameter: &'p Parameter,
    place: usize,
}

/// The parameters that chains move in.
pub(super) struct Field<'p> {
    plan: &'p Plan,
    axes: Vec<Axis<'p>>,
}

impl<'p> Field<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let all = plan.spec().space.parameters.iter().enumerate();
        let axes = all.filter(|(_, parameter)| parameter.domain.is_continuum());
        Self { plan, axes: axes.map(|(place, parameter)| Axis { parameter, place }).collect() }
    }

    /// The coordinates of a configuration; the middle where a parameter does not exist in it.
    pub(super) fn point(&self, parameters: &Assignment) -> Vec<f64> {
        let place = |axis: &Axis<'_>| axis.parameter.domain.to_unit(parameters.get(&axis.parameter.name)?);
        self.axes.iter().map(|axis| place(axis).unwrap_or(0.5)).collect()
    }

    /// How the oriented objective changes with each coordinate, by what a trial has reported: 0 where it reported nothing, or no
    /// finite number, so that the coordinate stays. `None` where that leaves nothing.
    pub(super) fn slope(&self, trial: &Trial<'_>) -> Option<Vec<f64>> {
        let parameters = trial.parameters.as_deref()?;
        let objective = &self.plan.spec().objective;
        let slope = |axis: &Axis<'_>| {
            let value = parameters.get(&axis.parameter.name)?;
            let derivative = objective.orient(trial.gradient.0.get(axis.place).copied()?);
            Some(in_unit(&axis.parameter.domain, value, derivative)).filter(|slope| slope.is_finite())
        };
        let slopes: Vec<f64> = self.axes.iter().map(|axis| slope(axis).unwrap_or(0.0)).collect();
        slopes.iter().any(|&slope| slope != 0.0).then_some(slopes)
    }

    /// The configuration at a point: another one's, moved. Coordinates that have not moved keep the very number.
    pub(super) fn at(&self, point: &[f64], base: &Assignment, from: &[f64]) -> Assignment {
        let mut moved = base.clone();
        for ((axis, to), from) in self.axes.iter().zip(point).zip(from) {
            let value = moved.values.iter_mut().find(|(name, _)| *name == axis.parameter.name);
            if let Some((_, value)) = value.filter(|_| to != from) {
                *value = axis.parameter.domain.at_unit(*to);
            }
        }
        moved
    }

    /// Whether two configurations differ in nothing that chains do not move.
    pub(super) fn is_beside(&self, a: &Assignment, b: &Assignment) -> bool {
        let is_moved = |name: &String| self.axes.iter().any(|axis| axis.parameter.name == *name);
        a.values.len() == b.values.len()
            && a.values.iter().zip(&b.values).all(|(a, b)| a.0 == b.0 && (a.1 == b.1 || is_moved(&a.0)))
    }
}

/// A derivative in a parameter, made one in its coordinate.
fn in_unit(domain: &Domain, value: &Value, derivative: f64) -> f64 {
    match (domain, value) {
        (Domain::Float { min, max, scale: Scale::Linear, .. }, _) => derivative * (max - min),
        (Domain::Float { min, max, scale: Scale::Log, .. }, Value::Float(x)) => {
            derivative * x * (libm::log(*max) - libm::log(*min))
        }
        _ => f64::NAN,
    }
}

/// The largest distance on any axis.
pub(super) fn reach(step: &[f64]) -> f64 {
    step.iter().map(|x| x.abs()).fold(0.0, f64::max)
}
