//! What the steps of a descent have told of its curvature: the direction of limited-memory BFGS.
//!
//! Nocedal and Wright, "Numerical Optimization", algorithm 7.4. Coordinates that rest at a bound and would leave it are held there
//! (Bertsekas 1982).

use std::collections::VecDeque;

/// How many steps are remembered.
const MEMORY: usize = 8;

/// A step, and how the gradient changed over it.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) step: Vec<f64>,
    pub(super) change: Vec<f64>,
    /// The product of the two, above zero where the function curves upward along the step.
    pub(super) product: f64,
}

impl Pair {
    pub(super) fn new(step: Vec<f64>, change: Vec<f64>) -> Self {
        let product = dot(&step, &change);
        Self { step, change, product }
    }
}

/// The newest steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Curvature(VecDeque<Pair>);

impl Curvature {
    /// Remembers a step, and forgets the oldest of too many.
    pub(super) fn learn(&mut self, pair: Pair) {
        if self.0.len() == MEMORY {
            self.0.pop_front();
        }
        self.0.push_back(pair);
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Whether nothing is known of the curvature.
    pub(super) fn is_unknown(&self) -> bool {
        self.0.is_empty()
    }

    /// The two-loop recursion, in the space of the free coordinates: where a gradient leads that is 0 on what is held.
    pub(super) fn direction(&self, free: &[f64], held: &[bool]) -> Vec<f64> {
        let mut direction: Vec<f64> = free.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.0.len());
        for pair in self.0.iter().rev() {
            let share = dot(&pair.step, &direction) / pair.product;
            direction.iter_mut().zip(&pair.change).for_each(|(d, y)| *d -= share * y);
            shares.push(share);
        }
        if let Some(last) = self.0.back() {
            let curvature = last.product / dot(&last.change, &last.change);
            direction.iter_mut().for_each(|d| *d *= curvature);
        }
        for (pair, share) in self.0.iter().zip(shares.iter().rev()) {
            let back = dot(&pair.change, &direction) / pair.product;
            direction.iter_mut().zip(&pair.step).for_each(|(d, s)| *d += (share - back) * s);
        }
        direction.iter_mut().zip(held).for_each(|(d, &held)| {
            if held {
                *d = 0.0;
            }
        });
        direction
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
