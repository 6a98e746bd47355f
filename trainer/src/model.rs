//! The network: fully connected layers of one width.

use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Stream};

/// What follows a hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// x times the normal distribution's share below x
    Gelu,
    /// The hyperbolic tangent
    Tanh,
    /// The logistic function
    Sigmoid,
    /// x times the logistic function
    Silu,
}

impl Activation {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("relu", Self::Relu),
        ("gelu", Self::Gelu),
        ("tanh", Self::Tanh),
        ("sigmoid", Self::Sigmoid),
        ("silu", Self::Silu),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, activation)| *activation == self).map_or("unknown", |(name, _)| name)
    }

    fn apply(self, input: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Relu => activation::relu(input),
            Self::Gelu => activation::gelu(input),
            Self::Tanh => activation::tanh(input),
            Self::Sigmoid => activation::sigmoid(input),
            Self::Silu => activation::silu(input),
        }
    }

    /// How wide the initial weights of a layer are drawn: He's bound where half of the outputs are cut off, Glorot's where
    /// the function is odd around its middle.
    fn bound(self, inputs: usize, outputs: usize) -> f64 {
        match self {
            Self::Relu | Self::Gelu | Self::Silu => (6.0 / inputs as f64).sqrt(),
            Self::Tanh | Self::Sigmoid => (6.0 / (inputs + outputs) as f64).sqrt(),
        }
    }
}

/// The shape of a network: what must be equal for weights to be exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Inputs.
    pub inputs: usize,
    /// Hidden layers.
    pub layers: usize,
    /// The width of each.
    pub hidden_units: usize,
    /// What follows each.
    pub activation: Activation,
    /// Outputs.
    pub classes: usize,
}

impl Architecture {
    /// The widths from the inputs to the outputs.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let mut widths = vec![self.inputs];
        widths.extend(std::iter::repeat_n(self.hidden_units, self.layers));
        widths.push(self.classes);
        widths
    }
}

/// A network of one architecture.
#[derive(Module, Debug)]
pub struct Network {
    layers: Vec<Linear>,
}

impl Network {
    /// A network whose weights are drawn from `seed`, with biases of zero.
    #[must_use]
    pub fn new(architecture: &Architecture, seed: u64, device: &Device) -> Self {
        let widths = architecture.widths();
        let mut layers = Vec::new();
        for (layer, pair) in widths.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bound = architecture.activation.bound(inputs, outputs) as f32;
            let mut stream = Stream::new(seed, Purpose::Weights, [layer as u32, 0, 0]);
            let weights: Vec<f32> = (0..inputs * outputs).map(|_| (stream.unit() * 2.0 - 1.0) * bound).collect();
            let weight = Tensor::<2>::from_data(TensorData::new(weights, [inputs, outputs]), device);
            let bias = Tensor::<1>::zeros([outputs], device);
            // The ids are the layers' places: burn would draw them at random, and a checkpoint's optimizer state is
            // found by them.
            let id = 2 * layer as u64 + 1;
            layers.push(Linear {
                weight: Param::initialized(ParamId::from(id), weight.require_grad()),
                bias: Some(Param::initialized(ParamId::from(id + 1), bias.require_grad())),
            });
        }
        Self { layers }
    }

    /// The scores of each class. `dropout` gives the factors for a hidden layer's outputs, in training.
    pub fn forward(
        &self,
        images: Tensor<2>,
        activation: Activation,
        mut dropout: impl FnMut(usize) -> Option<Tensor<2>>,
    ) -> Tensor<2> {
        let mut values = images;
        for (place, layer) in self.layers.iter().enumerate() {
            values = layer.forward(values);
            if place + 1 < self.layers.len() {
                values = activation.apply(values);
                if let Some(factors) = dropout(place) {
                    values = values * factors;
                }
            }
        }
        values
    }
}
