//! The layers: dense and convolutional, each with its normalization.

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::module::{avg_pool2d, batch_norm, batch_norm_train, conv2d, linear, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::initialization::Initialization;
use crate::random::{Purpose, Stream};

/// What keeps the square root of a variance from 0, as in other libraries.
const EPSILON: f64 = 1e-5;
/// How much of a batch's mean and variance goes into the running ones, as in other libraries.
const RUNNING: f64 = 0.1;

/// How a block's image shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// The largest of two by two.
    Max,
    /// The mean of two by two.
    Average,
    /// Not at all.
    None,
}

impl Pool {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] = [("max", Self::Max), ("average", Self::Average), ("none", Self::None)];

    /// The image after it. A row or column left over is dropped, as in other libraries.
    #[must_use]
    pub fn apply(self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Max => max_pool2d(input, MaxPoolOptions::new([2, 2])),
            Self::Average => avg_pool2d(input, AvgPoolOptions::new([2, 2])),
            Self::None => input,
        }
    }

    /// Height or width after it.
    #[must_use]
    pub fn side(self, side: usize) -> usize {
        if self == Self::None { side } else { side / 2 }
    }
}

/// Makes parameters with ids of their own. An id is its place in the network: burn would draw it at random, and a
/// checkpoint's optimizer state is found by it.
#[derive(Debug)]
pub struct Maker<'a> {
    /// The trial's seed.
    pub seed: u64,
    /// Which fold or repeat the network is for.
    pub fold: u32,
    /// How weights are drawn.
    pub initialization: Initialization,
    /// What follows the layers.
    pub activation: Activation,
    /// Where they are.
    pub device: &'a Device,
    /// Layers that were made.
    pub layers: u32,
    /// Parameters that were made.
    pub parameters: u64,
}

impl Maker<'_> {
    fn parameter<const D: usize>(&mut self, values: Vec<f32>, shape: [usize; D], learnt: bool) -> Param<Tensor<D>> {
        self.parameters += 1;
        let tensor = Tensor::from_data(TensorData::new(values, shape), self.device);
        let tensor = if learnt && self.device.is_autodiff() { tensor.require_grad() } else { tensor };
        Param::initialized(ParamId::from(self.parameters), tensor)
    }

    fn stream(&mut self) -> Stream {
        self.layers += 1;
        Stream::of_fold(self.seed, Purpose::Weights, [self.layers - 1, 0, 0], self.fold)
    }

    /// A dense layer. One that is normalized has no bias: the normalization's replaces it.
    pub fn dense(&mut self, inputs: usize, outputs: usize, normalized: bool) -> Dense {
        let mut stream = self.stream();
        let fans = [inputs, outputs];
        let weights = self.initialization.weights(fans, fans, self.activation, &mut stream);
        let weight = self.parameter(weights, fans, true);
        let biases = self.initialization.biases(inputs, outputs, &mut stream);
        let bias = (!normalized).then(|| self.parameter(biases, [outputs], true));
        Dense { linear: Linear { weight, bias }, norm: normalized.then(|| self.norm(outputs)) }
    }

    /// A convolution that keeps height and width, with a square kernel of an odd side.
    pub fn convolution(&mut self, inputs: usize, outputs: usize, kernel: usize, normalized: bool) -> Convolution {
        let mut stream = self.stream();
        let area = kernel * kernel;
        let fans = [inputs * area, outputs * area];
        let weights = self.initialization.weights([outputs, inputs * area], fans, self.activation, &mut stream);
        let weight = self.parameter(weights, [outputs, inputs, kernel, kernel], true);
        let biases = self.initialization.biases(fans[0], outputs, &mut stream);
        let bias = (!normalized).then(|| self.parameter(biases, [outputs], true));
        let around = kernel / 2;
        let padding = PaddingConfig2d::Explicit(around, around, around, around);
        let convolution = Conv2d {
            weight,
            bias,
            stride: [1, 1],
            kernel_size: [kernel, kernel],
            dilation: [1, 1],
            groups: 1,
            padding,
        };
        Convolution { convolution, norm: normalized.then(|| self.norm(outputs)) }
    }

    fn norm(&mut self, features: usize) -> Norm {
        Norm {
            gamma: self.parameter(vec![1.0; features], [features], true),
            beta: self.parameter(vec![0.0; features], [features], true),
            mean: self.parameter(vec![0.0; features], [features], false),
            variance: self.parameter(vec![1.0; features], [features], false),
        }
    }
}

/// Mean and variance of a batch, one of each for a feature.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// The mean.
    pub mean: Tensor<1>,
    /// The variance, as an estimate of that of all data.
    pub variance: Tensor<1>,
}

/// Batch normalization (Ioffe and Szegedy 2015).
#[derive(Module, Debug)]
pub struct Norm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    mean: Param<Tensor<1>>,
    variance: Param<Tensor<1>>,
}

impl Norm {
    /// By the batch's statistics, which are appended to `statistics`, or by the running ones where there is none; in the precision of
    /// its own numbers, whatever that of `input` is, because means of squares need it.
    fn forward<const D: usize>(&self, input: Tensor<D>, statistics: Option<&mut Vec<Statistics>>) -> Tensor<D> {
        let (given, own) = (input.dtype(), self.gamma.val().dtype());
        if given != own {
            return self.forward(input.cast(own), statistics).cast(given);
        }
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        let Some(statistics) = statistics else {
            return batch_norm(input, gamma, beta, self.mean.val(), self.variance.val(), EPSILON);
        };
        let dims = input.dims();
        let count = dims.iter().product::<usize>() / dims[1];
        let result = batch_norm_train(input, gamma, beta, EPSILON);
        let estimate = count as f64 / count.saturating_sub(1).max(1) as f64;
        statistics.push(Statistics { mean: result.mean, variance: result.variance.mul_scalar(estimate) });
        result.output
    }

    /// Moves the running statistics towards those of a batch.
    pub fn learn(&mut self, statistics: Statistics) {
        let blend = |running: &Param<Tensor<1>>, batch: Tensor<1>| {
            let value = running.val().mul_scalar(1.0 - RUNNING) + batch.mul_scalar(RUNNING);
            Param::initialized(running.id, value.detach())
        };
        self.mean = blend(&self.mean, statistics.mean);
        self.variance = blend(&self.variance, statistics.variance);
    }
}

/// A dense layer and its normalization.
#[derive(Module, Debug)]
pub struct Dense {
    linear: Linear,
    /// After it.
    pub norm: Option<Norm>,
}

impl Dense {
    /// The type of its numbers.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.linear.weight.val().dtype()
    }

    /// Its outputs, in the precision of `input`.
    #[must_use]
    pub fn forward(&self, input: Tensor<2>, statistics: Option<&mut Vec<Statistics>>) -> Tensor<2> {
        let Linear { weight, bias } = &self.linear;
        let dtype = input.dtype();
        let output = if dtype == self.dtype() {
            self.linear.forward(input)
        } else {
            linear(input, weight.val().cast(dtype), bias.as_ref().map(|bias| bias.val().cast(dtype)))
        };
        match &self.norm {
            Some(norm) => norm.forward(output, statistics),
            None => output,
        }
    }
}

/// A convolution and its normalization.
#[derive(Module, Debug)]
pub struct Convolution {
    convolution: Conv2d,
    /// After it.
    pub norm: Option<Norm>,
}

impl Convolution {
    /// Its outputs, in the precision of `input`.
    #[must_use]
    pub fn forward(&self, input: Tensor<4>, statistics: Option<&mut Vec<Statistics>>) -> Tensor<4> {
        let Conv2d { weight, bias, stride, kernel_size, dilation, groups, .. } = &self.convolution;
        let (weight, dtype) = (weight.val(), input.dtype());
        let output = if dtype == weight.dtype() {
            self.convolution.forward(input)
        } else {
            let around = kernel_size.map(|side| side / 2);
            let options = ConvOptions::new(*stride, around, *dilation, *groups);
            conv2d(input, weight.cast(dtype), bias.as_ref().map(|bias| bias.val().cast(dtype)), options)
        };
        match &self.norm {
            Some(norm) => norm.forward(output, statistics),
            None => output,
        }
    }
}
