//! How the validation loss changes with learning rate, weight decay, momentum and L1 penalty: the hypergradients that a run prints
//! as `gradient/PARAMETER`.
//!
//! Forward recursion (Franceschi et al. 2017, section 3.2): beside the weights goes, for each parameter, their derivative in it.
//! A step changes both by the same formula ([`rule::step`], on numbers that carry a derivative); what it needs of the loss is the
//! gradient's change along the weights' derivative, a product with the Hessian. burn has no second derivatives, so that is the
//! difference of two gradients, in double precision, which leaves ten digits. At the end of an epoch the gradient of the
//! validation loss, times the weights' derivative, is the hypergradient.

pub mod network;
pub mod number;
pub mod rule;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::optimization::{Method, Optimization};
use number::Dual;
use rule::{Constants, State};

/// How far a difference reaches to each side, as a share of the weights' norm.
const REACH: f64 = 1e-5;

/// A parameter that can have a hypergradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// The learning rate, which scales the whole schedule.
    LearningRate,
    /// The decay of weights.
    WeightDecay,
    /// The momentum; adam has none.
    Momentum,
    /// The L1 penalty.
    L1,
}

impl Parameter {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("learning_rate", Self::LearningRate),
        ("weight_decay", Self::WeightDecay),
        ("momentum", Self::Momentum),
        ("l1", Self::L1),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, parameter)| *parameter == self).map_or("unknown", |(name, _)| name)
    }

    /// What a step depends on, with slopes in this parameter. The step's rate is `share` times the learning rate.
    fn constants(self, optimization: &Optimization, rate: f64, share: f64) -> Constants<Dual> {
        let slope = |parameter: Self, value: f64, slope: f64| Dual {
            value,
            slope: if parameter == self { slope } else { 0.0 },
        };
        Constants {
            rate: slope(Self::LearningRate, rate, share),
            weight_decay: slope(Self::WeightDecay, optimization.weight_decay, 1.0),
            momentum: slope(Self::Momentum, optimization.momentum, 1.0),
            l1: slope(Self::L1, optimization.l1, 1.0),
        }
    }
}

/// A training in double precision and its derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// Steps that were made.
    time: u64,
    /// The weights and what the method of descent remembers of them.
    state: [Vec<f64>; 3],
    /// The derivatives of all that in each parameter.
    slopes: Vec<[Vec<f64>; 3]>,
}

/// What a step is made with.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The method of descent.
    pub optimization: &'a Optimization,
    /// The parameters whose hypergradients are wanted, in the order of the trajectory.
    pub parameters: &'a [Parameter],
    /// The learning rate of this step.
    pub rate: f64,
    /// Its share of the learning rate that was asked for.
    pub share: f64,
}

impl Trajectory {
    /// One that begins at `weights`, with derivatives in `parameters` of them.
    #[must_use]
    pub fn new(weights: Vec<f64>, parameters: usize) -> Self {
        let zeros = || vec![0.0; weights.len()];
        let slopes = (0..parameters).map(|_| [zeros(), zeros(), zeros()]).collect();
        let memory = [zeros(), zeros()];
        let [first, second] = memory;
        Self { time: 0, state: [weights, first, second], slopes }
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.state[0]
    }

    /// Makes a step. `gradients` gives the gradient at each of the points that it gets.
    pub fn step(&mut self, step: Step<'_>, gradients: impl FnOnce(&[Vec<f64>]) -> Vec<Vec<f64>>) {
        let norm = |numbers: &[f64]| numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
        let weights = &self.state[0];
        let scale = norm(weights).max(1.0);
        let mut points = vec![weights.clone()];
        let mut reaches = Vec::new();
        for slope in &self.slopes {
            let along = norm(&slope[0]);
            let reach = if along > 0.0 && along.is_finite() { REACH * scale / along } else { 0.0 };
            reaches.push(reach);
            if reach > 0.0 {
                for side in [reach, -reach] {
                    points.push(weights.iter().zip(&slope[0]).map(|(weight, slope)| weight + side * slope).collect());
                }
            }
        }
        let mut found = gradients(&points).into_iter();
        let gradient = found.next().unwrap_or_default();
        self.time += 1;
        let Step { optimization, parameters, rate, share } = step;
        for ((parameter, slope), reach) in parameters.iter().zip(&mut self.slopes).zip(reaches) {
            let sides = if reach > 0.0 { found.next().zip(found.next()) } else { None };
            let constants = parameter.constants(optimization, rate, share);
            for (place, &value) in gradient.iter().enumerate() {
                let change = sides.as_ref().map_or(0.0, |(up, down)| (up[place] - down[place]) / (2.0 * reach));
                let at = |part: usize| Dual { value: self.state[part][place], slope: slope[part][place] };
                let gradient = Dual { value, slope: change };
                let after = rule::step(optimization, self.time, [at(0), at(1), at(2)], gradient, constants);
                for (part, number) in after.into_iter().enumerate() {
                    slope[part][place] = number.slope;
                }
            }
        }
        let Optimization { weight_decay, momentum, l1, .. } = *optimization;
        let constants = Constants { rate, weight_decay, momentum, l1 };
        for (place, &value) in gradient.iter().enumerate() {
            let before: State<f64> = [0, 1, 2].map(|part| self.state[part][place]);
            let after = rule::step(optimization, self.time, before, value, constants);
            for (part, number) in after.into_iter().enumerate() {
                self.state[part][place] = number;
            }
        }
    }

    /// The derivative in each parameter of what has `gradient` at the weights.
    #[must_use]
    pub fn along(&self, gradient: &[f64]) -> Vec<f64> {
        let product = |slope: &[Vec<f64>; 3]| slope[0].iter().zip(gradient).map(|(left, right)| left * right).sum();
        self.slopes.iter().map(product).collect()
    }

    /// The trajectory as bytes: the steps, and all numbers in their order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = std::iter::once(&self.state).chain(&self.slopes).flatten().flatten();
        self.time.to_le_bytes().into_iter().chain(numbers.flat_map(|number| number.to_le_bytes())).collect()
    }

    /// The trajectory that `bytes` were made of, if it is like this one.
    #[must_use]
    pub fn with_bytes(&self, bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.chunks_exact(8).map(|word| <[u8; 8]>::try_from(word).unwrap_or_default());
        let expected = 1 + 3 * self.state[0].len() * (1 + self.slopes.len());
        if bytes.len() != 8 * expected {
            return None;
        }
        let mut read = self.clone();
        read.time = u64::from_le_bytes(words.next()?);
        for number in std::iter::once(&mut read.state).chain(&mut read.slopes).flatten().flatten() {
            *number = f64::from_le_bytes(words.next()?);
        }
        Some(read)
    }
}

/// Why the hypergradients of `parameters` cannot be had in a training like this.
#[must_use]
pub fn refusal(parameters: &[Parameter], optimization: &Optimization, batch_norm: bool) -> Option<&'static str> {
    let adam = matches!(optimization.method, Method::Adam | Method::AdamW);
    if parameters.is_empty() {
        None
    } else if batch_norm {
        Some("hypergradients do not go through batch normalization, whose running statistics are no step of descent")
    } else if optimization.clip_norm.is_some() || optimization.clip_value.is_some() {
        Some("hypergradients do not go through clipping, which has corners")
    } else if adam && parameters.contains(&Parameter::Momentum) {
        Some("adam has no momentum, and so no hypergradient of it")
    } else {
        None
    }
}
