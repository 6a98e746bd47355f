//! How the weights follow the gradients.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, ModuleOptimizer, SgdConfig};

/// A method of descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Stochastic gradient descent.
    Sgd {
        /// The share of the last step that is repeated.
        momentum: f64,
    },
    /// Adam, with its authors' constants.
    Adam,
}

impl Method {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam => "adam",
        }
    }

    /// An optimizer with a state of zero.
    #[must_use]
    pub fn optimizer(self, weight_decay: f64) -> ModuleOptimizer {
        let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
        match self {
            Self::Sgd { momentum } => {
                // burn's defaults dampen, which no other library does.
                let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
                SgdConfig::new().with_weight_decay(decay).with_momentum(Some(momentum)).init()
            }
            // burn's default epsilon is a thousand times the usual one.
            Self::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
        }
    }
}
