//! The methods of descent, a number at a time, as formulas that can be differentiated.

use super::number::Number;
use crate::optimization::{Method, Optimization};

/// What a step depends on besides weight, memory and gradient.
#[derive(Clone, Copy, Debug)]
pub struct Constants<N> {
    /// The learning rate of this step.
    pub rate: N,
    /// The decay of weights.
    pub weight_decay: N,
    /// The share of the last step that is repeated.
    pub momentum: N,
    /// The L1 penalty.
    pub l1: N,
}

/// A weight and what the method remembers of it: velocity, or mean of gradients, and mean of squares.
pub type State<N> = [N; 3];

/// The state after step `time`, counted from 1, along `gradient`.
pub fn step<N: Number>(
    optimization: &Optimization,
    time: u64,
    [weight, first, second]: State<N>,
    gradient: N,
    Constants { rate, weight_decay, momentum, l1 }: Constants<N>,
) -> State<N> {
    let one = N::from(1.0);
    let mut gradient = gradient + weight.sign() * l1;
    let mut kept = weight;
    if optimization.decoupled {
        kept = weight * (one - rate * weight_decay);
    } else {
        gradient = gradient + weight * weight_decay;
    }
    let blend = |old: N, new: N, share: f64| old * N::from(share) + new * N::from(1.0 - share);
    match optimization.method {
        Method::Sgd | Method::Nesterov => {
            let velocity = first * momentum + gradient;
            let nesterov = optimization.method == Method::Nesterov;
            let direction = if nesterov { velocity * momentum + gradient } else { velocity };
            [kept - direction * rate, velocity, second]
        }
        Method::Adam | Method::AdamW => {
            let Optimization { beta1, beta2, epsilon, .. } = *optimization;
            let (first, second) = (blend(first, gradient, beta1), blend(second, gradient * gradient, beta2));
            let rest = |beta: f64| N::from(1.0 - beta.powi(i32::try_from(time).unwrap_or(i32::MAX)));
            let direction = first / rest(beta1) / ((second / rest(beta2)).root() + N::from(epsilon));
            [kept - direction * rate, first, second]
        }
        Method::RmsProp => {
            let second = blend(second, gradient * gradient, optimization.smoothing);
            let velocity = first * momentum + gradient / (second.root() + N::from(optimization.epsilon));
            [kept - velocity * rate, velocity, second]
        }
    }
}
