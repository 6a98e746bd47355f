//! The methods of descent on a CPU, each in one pass over a parameter.
//!
//! burn's own do a pass and an allocation for each operation, which costs a third of a training of dense layers on one thread and
//! does not become less on two. The formulas are burn's, in the same order, so that every bit is the same; so is the state, so
//! that a checkpoint of one can be continued by the other.

use burn::optim::{
    AdamState, AdaptiveMomentumState, LearningRate, Optimizer, RecordState, StateSink, StateSource, join_path,
};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

/// Numbers that one thread takes at a time. It decides nothing: each number is computed by itself.
const PIECE: usize = 1 << 14;

/// What decay does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decay {
    /// Nothing.
    None,
    /// It is added to the gradient.
    Penalty(f32),
    /// It shrinks the weights by itself.
    Decoupled(f64),
}

impl Decay {
    /// What a step leaves of a weight, and how much of it is added to the gradient.
    fn factors(self, rate: f64) -> (f32, f32) {
        match self {
            Self::None => (1.0, 0.0),
            Self::Penalty(penalty) => (1.0, penalty),
            Self::Decoupled(decay) => ((1.0 - rate * decay) as f32, 0.0),
        }
    }
}

/// Adam (Kingma and Ba 2015).
#[derive(Clone, Copy, Debug)]
pub(super) struct Adam {
    pub(super) beta1: f32,
    pub(super) beta2: f32,
    pub(super) epsilon: f32,
    pub(super) decay: Decay,
}

/// Stochastic gradient descent with momentum, Polyak's or Nesterov's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sgd {
    pub(super) momentum: f32,
    pub(super) nesterov: bool,
    pub(super) decay: Decay,
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let device = tensor.device();
        let (time, first, second) = match state {
            Some(AdamState { momentum }) => {
                (momentum.time + 1, momentum.moment_1.into_data(), momentum.moment_2.into_data())
            }
            None => (1, zeros(&grad), zeros(&grad)),
        };
        let (mut weights, mut first, mut second) = (tensor.into_data(), first, second);
        let Self { beta1, beta2, epsilon, decay } = *self;
        let (keep, penalty) = decay.factors(lr);
        let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
        let steps = i32::try_from(time).unwrap_or(i32::MAX);
        let root = (1.0 - beta2.powi(steps)).sqrt();
        let (combined, epsilon, rate) = (root / (1.0 - beta1.powi(steps)), epsilon * root, lr as f32);
        let gradient = grad.into_data();
        let pieces = pieces(&mut weights).zip(pieces(&mut first)).zip(pieces(&mut second)).zip(read(&gradient));
        pieces.for_each(|(((weights, first), second), gradient)| {
            let numbers = weights.iter_mut().zip(first).zip(second).zip(gradient);
            for (((weight, first), second), &gradient) in numbers {
                let gradient = if penalty > 0.0 { *weight * penalty + gradient } else { gradient };
                *first = *first * beta1 + gradient * rest1;
                *second = *second * beta2 + gradient * gradient * rest2;
                *weight = *weight * keep - *first * combined / (second.sqrt() + epsilon) * rate;
            }
        });
        let [first, second] = [first, second].map(|data| Tensor::from_data(data, &device));
        let momentum = AdaptiveMomentumState::new(time, first, second);
        (Tensor::from_data(weights, &device), Some(AdamState { momentum }))
    }

    fn to_device<const D: usize>(mut state: AdamState<D>, device: &Device) -> AdamState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

/// What [`Sgd`] remembers, under the names that burn's has in a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Velocity<const D: usize>(Tensor<D>);

impl<const D: usize> RecordState for Velocity<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(&join_path(prefix, "momentum"), "velocity", self.0.to_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let data = src.take_tensor(&join_path(prefix, "momentum"), "velocity")?;
        Some(Self(Tensor::from_data(data, device)))
    }
}

impl Optimizer for Sgd {
    type State<const D: usize> = Velocity<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Velocity<D>>,
    ) -> (Tensor<D>, Option<Velocity<D>>) {
        let device = tensor.device();
        let Self { momentum, nesterov, decay } = *self;
        let (keep, penalty) = decay.factors(lr);
        let rate = lr as f32;
        let mut velocity = state.map_or_else(|| zeros(&grad), |Velocity(velocity)| velocity.into_data());
        let (mut weights, gradient) = (tensor.into_data(), grad.into_data());
        let pieces = pieces(&mut weights).zip(pieces(&mut velocity)).zip(read(&gradient));
        pieces.for_each(|((weights, velocity), gradient)| {
            for ((weight, velocity), &gradient) in weights.iter_mut().zip(velocity).zip(gradient) {
                let gradient = if penalty > 0.0 { *weight * penalty + gradient } else { gradient };
                *velocity = gradient + *velocity * momentum;
                let direction = if nesterov { *velocity * momentum + gradient } else { *velocity };
                *weight = *weight * keep - direction * rate;
            }
        });
        (Tensor::from_data(weights, &device), Some(Velocity(Tensor::from_data(velocity, &device))))
    }

    fn to_device<const D: usize>(state: Velocity<D>, device: &Device) -> Velocity<D> {
        Velocity(state.0.to_device(device))
    }
}

/// The sum of two gradients.
pub(super) fn sum<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    let device = left.device();
    let (mut left, right) = (left.into_data(), right.into_data());
    pieces(&mut left).zip(read(&right)).for_each(|(left, right)| {
        left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
    });
    Tensor::from_data(left, &device)
}

/// As many zeros as `like` has numbers.
fn zeros<const D: usize>(like: &Tensor<D>) -> TensorData {
    TensorData::zeros::<f32, _>(like.shape())
}

/// A parameter's numbers, to be changed. They are `f32`: `Maker::parameter` makes no others.
fn pieces(data: &mut TensorData) -> rayon::slice::ChunksMut<'_, f32> {
    data.as_mut_slice().unwrap_or_default().par_chunks_mut(PIECE)
}

/// The numbers of a gradient, which are those of its parameter.
fn read(data: &TensorData) -> rayon::slice::Chunks<'_, f32> {
    data.as_slice().unwrap_or_default().par_chunks(PIECE)
}
