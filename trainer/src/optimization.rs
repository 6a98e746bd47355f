//! How the weights follow the gradients.

mod fused;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig};
use burn::tensor::Tensor;

use crate::device::Kind;
use crate::model::Network;

/// A method of descent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Stochastic gradient descent, with momentum (Polyak 1964).
    Sgd,
    /// The same with Nesterov's momentum (Sutskever et al. 2013).
    Nesterov,
    /// Adam (Kingma and Ba 2015).
    Adam,
    /// Adam with decoupled decay (Loshchilov and Hutter 2019).
    AdamW,
    /// `RMSprop` (Tieleman and Hinton 2012).
    RmsProp,
}

impl Method {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("sgd", Self::Sgd),
        ("nesterov", Self::Nesterov),
        ("adam", Self::Adam),
        ("adamw", Self::AdamW),
        ("rmsprop", Self::RmsProp),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("unknown", |(name, _)| name)
    }

    /// The momentum if none is given: what the method is usually run with.
    #[must_use]
    pub fn usual_momentum(self) -> f64 {
        if matches!(self, Self::Sgd | Self::Nesterov) { 0.9 } else { 0.0 }
    }
}

/// A method of descent with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimization {
    /// The method.
    pub method: Method,
    /// The share of the last step that is repeated; of sgd, nesterov and rmsprop.
    pub momentum: f64,
    /// How slowly Adam's mean of gradients forgets.
    pub beta1: f64,
    /// How slowly Adam's mean of squared gradients forgets.
    pub beta2: f64,
    /// How slowly `RMSprop`'s mean of squared gradients forgets.
    pub smoothing: f64,
    /// What keeps the divisor of Adam and `RMSprop` from 0.
    pub epsilon: f64,
    /// The decay of weights.
    pub weight_decay: f64,
    /// Whether the decay is apart from the gradient; otherwise it is added to it, an L2 penalty.
    pub decoupled: bool,
    /// The L1 penalty.
    pub l1: f64,
    /// The most that the norm of all gradients together may be.
    pub clip_norm: Option<f64>,
    /// The most that each gradient may be.
    pub clip_value: Option<f64>,
}

impl Optimization {
    /// An optimizer with a state of zero.
    #[must_use]
    pub fn optimizer(&self, device: Kind) -> ModuleOptimizer {
        if device != Kind::Cpu {
            return self.general();
        }
        match (self.method, self.fused_decay()) {
            (Method::Sgd | Method::Nesterov, decay) => ModuleOptimizer::from(fused::Sgd {
                momentum: self.momentum as f32,
                nesterov: self.method == Method::Nesterov,
                decay,
            }),
            (Method::Adam | Method::AdamW, decay) => ModuleOptimizer::from(fused::Adam {
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                epsilon: self.epsilon as f32,
                decay,
            }),
            (Method::RmsProp, _) => self.general(),
        }
    }

    /// What decay does inside of the methods that are fused.
    fn fused_decay(&self) -> fused::Decay {
        match (self.weight_decay > 0.0, self.decoupled) {
            (false, _) => fused::Decay::None,
            (true, false) => fused::Decay::Penalty(self.weight_decay as f32),
            (true, true) => fused::Decay::Decoupled(self.weight_decay),
        }
    }

    /// burn's own optimizer, for any device.
    fn general(&self) -> ModuleOptimizer {
        let decay = self.weight_decay > 0.0 && !self.decoupled;
        let decay = decay.then(|| WeightDecayConfig::new(self.weight_decay as f32));
        match self.method {
            Method::Sgd | Method::Nesterov => {
                // burn's defaults dampen, which no other library does.
                let momentum = MomentumConfig::new()
                    .with_momentum(self.momentum)
                    .with_dampening(0.0)
                    .with_nesterov(self.method == Method::Nesterov);
                SgdConfig::new().with_weight_decay(decay).with_momentum(Some(momentum)).init()
            }
            Method::Adam | Method::AdamW => AdamConfig::new()
                .with_beta_1(self.beta1 as f32)
                .with_beta_2(self.beta2 as f32)
                .with_epsilon(self.epsilon as f32)
                .with_weight_decay(decay)
                .init(),
            Method::RmsProp => RmsPropConfig::new()
                .with_alpha(self.smoothing as f32)
                .with_momentum(self.momentum as f32)
                .with_epsilon(self.epsilon as f32)
                .with_weight_decay(decay)
                .init(),
        }
    }

    /// Moves the weights along the gradients.
    pub fn step(
        &self,
        optimizer: &mut ModuleOptimizer,
        network: Network,
        gradients: GradientsParams,
        (rate, device): (f64, Kind),
    ) -> Network {
        let gradients = self.shaped(&network, gradients);
        let fused = device == Kind::Cpu && self.method != Method::RmsProp;
        let network = if self.decoupled && self.weight_decay > 0.0 && !fused {
            network.map(&mut Decay { keep: 1.0 - rate * self.weight_decay })
        } else {
            network
        };
        optimizer.step(rate, network, gradients)
    }

    /// The gradients with the L1 penalty's, clipped.
    fn shaped(&self, network: &Network, mut gradients: GradientsParams) -> GradientsParams {
        if self.l1 > 0.0 {
            network.visit(&mut Each { gradients: &mut gradients, how: How::Sign(self.l1) });
        }
        if let Some(limit) = self.clip_value {
            network.visit(&mut Each { gradients: &mut gradients, how: How::Clamp(limit) });
        }
        if let Some(limit) = self.clip_norm {
            let mut squares = Squares { gradients: &gradients, sum: 0.0 };
            network.visit(&mut squares);
            let norm = squares.sum.sqrt();
            if norm > limit {
                network.visit(&mut Each { gradients: &mut gradients, how: How::Scale(limit / norm) });
            }
        }
        gradients
    }
}

/// The sum of the gradients of a batch's parts, from the first to the last.
#[must_use]
pub fn sum(network: &Network, parts: Vec<GradientsParams>, device: Kind) -> GradientsParams {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        network.visit(&mut Sum { all: &mut all, part, device });
    }
    all
}

/// Adds the gradients of a part.
struct Sum<'a> {
    all: &'a mut GradientsParams,
    part: GradientsParams,
    device: Kind,
}

impl ModuleVisitor for Sum<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let sum = match (self.all.remove::<D>(param.id), self.part.remove::<D>(param.id)) {
            (Some(all), Some(part)) if self.device == Kind::Cpu => fused::sum(all, part),
            (Some(all), Some(part)) => all + part,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        self.all.register(param.id, sum);
    }
}

/// What is done to each gradient.
#[derive(Clone, Copy)]
enum How {
    /// Each number is moved into [-x, x].
    Clamp(f64),
    /// Each number is multiplied.
    Scale(f64),
    /// The sign of the weight, times a factor, is added.
    Sign(f64),
}

/// Changes each gradient.
struct Each<'a> {
    gradients: &'a mut GradientsParams,
    how: How,
}

impl ModuleVisitor for Each<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return;
        };
        let gradient = match self.how {
            How::Clamp(limit) => gradient.clamp(-limit, limit),
            How::Scale(factor) => gradient.mul_scalar(factor),
            How::Sign(factor) => gradient + param.val().inner().sign().mul_scalar(factor),
        };
        self.gradients.register(param.id, gradient);
    }
}

/// Sums the squares of all gradients, in the parameters' order.
struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += f64::from(gradient.square().sum().into_scalar::<f32>());
        }
    }
}

/// Shrinks each parameter that is learnt.
struct Decay {
    keep: f64,
}

impl ModuleMapper for Decay {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let tensor = if tensor.is_require_grad() {
            Tensor::from_inner(tensor.inner().mul_scalar(self.keep)).require_grad()
        } else {
            tensor
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}

#[cfg(test)]
mod tests;
