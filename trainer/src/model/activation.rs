//! What follows a hidden layer.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// What follows a hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// x, or a hundredth of it below 0
    LeakyRelu,
    /// x, or exp(x) - 1 below 0
    Elu,
    /// x times the normal distribution's share below x
    Gelu,
    /// The hyperbolic tangent
    Tanh,
    /// The logistic function
    Sigmoid,
    /// x times the logistic function
    Silu,
    /// x times the hyperbolic tangent of the softplus of x
    Mish,
    /// The logarithm of 1 + exp(x)
    Softplus,
}

impl Activation {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("relu", Self::Relu),
        ("leaky-relu", Self::LeakyRelu),
        ("elu", Self::Elu),
        ("gelu", Self::Gelu),
        ("tanh", Self::Tanh),
        ("sigmoid", Self::Sigmoid),
        ("silu", Self::Silu),
        ("mish", Self::Mish),
        ("softplus", Self::Softplus),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, activation)| *activation == self).map_or("unknown", |(name, _)| name)
    }

    /// The function, of each number.
    #[must_use]
    pub fn apply<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(input),
            Self::LeakyRelu => activation::leaky_relu(input, 0.01),
            Self::Elu => activation::elu(input, 1.0),
            Self::Gelu => activation::gelu(input),
            Self::Tanh => activation::tanh(input),
            Self::Sigmoid => activation::sigmoid(input),
            Self::Silu => activation::silu(input),
            Self::Mish => activation::mish(input),
            Self::Softplus => activation::softplus(input, 1.0),
        }
    }

    /// Whether about half of its outputs are near 0, which He's initial weights make up for.
    #[must_use]
    pub fn halves(self) -> bool {
        !matches!(self, Self::Tanh | Self::Sigmoid | Self::Softplus)
    }
}
