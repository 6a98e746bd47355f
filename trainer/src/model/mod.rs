//! The network: blocks of convolutions, then dense layers; with neither it is a linear or softmax regression.

pub mod activation;
pub mod initialization;
pub mod layers;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

pub use activation::Activation;
pub use initialization::Initialization;
use layers::{Convolution, Dense, Maker, Pool, Statistics};

/// The shape of a network: what must be equal for weights to be exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Channels, height and width of a sample.
    pub shape: [usize; 3],
    /// The blocks of convolutions.
    pub blocks: Vec<Block>,
    /// Whether the blocks' images are averaged into one number a channel before the dense layers.
    pub global_average: bool,
    /// The width of each hidden dense layer.
    pub widths: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// Whether each hidden layer is normalized by its batch.
    pub batch_norm: bool,
    /// Outputs.
    pub outputs: usize,
}

/// Convolutions of one width, and a pool at their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Channels of each.
    pub channels: usize,
    /// How many.
    pub convolutions: usize,
    /// Side of the kernel, odd.
    pub kernel: usize,
    /// How the image shrinks.
    pub pool: Pool,
}

impl Architecture {
    /// The numbers that the first dense layer gets; nothing if pooling leaves no pixel.
    #[must_use]
    pub fn flattened(&self) -> Option<usize> {
        let [mut channels, mut height, mut width] = self.shape;
        for block in &self.blocks {
            channels = block.channels;
            (height, width) = (block.pool.side(height), block.pool.side(width));
        }
        // The numbers may come from a file, and anything may stand there.
        let area = height.checked_mul(width)?;
        let pixels = if self.global_average && !self.blocks.is_empty() { 1 } else { area };
        channels.checked_mul(pixels).filter(|_| area > 0)
    }

    /// The dense layers' widths from inputs to outputs, after the blocks.
    #[must_use]
    pub fn dense(&self) -> Vec<usize> {
        let mut widths = vec![self.flattened().unwrap_or_default()];
        widths.extend(&self.widths);
        widths.push(self.outputs);
        widths
    }

    /// The numbers of a network like this, those that are learnt and the running statistics of normalization.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        // One that is normalized has four numbers for an output in the place of a bias.
        let extra = |normalized: bool| if normalized { 4 } else { 1 };
        let mut channels = self.shape[0] as u64;
        let mut sum = 0_u64;
        for block in &self.blocks {
            for _ in 0..block.convolutions {
                let (outputs, kernel) = (block.channels as u64, block.kernel as u64);
                let each =
                    channels.saturating_mul(kernel.saturating_mul(kernel)).saturating_add(extra(self.batch_norm));
                sum = sum.saturating_add(outputs.saturating_mul(each));
                channels = outputs;
            }
        }
        for (place, pair) in self.dense().windows(2).enumerate() {
            let each = (pair[0] as u64).saturating_add(extra(self.batch_norm && place < self.widths.len()));
            sum = sum.saturating_add((pair[1] as u64).saturating_mul(each));
        }
        sum
    }

    /// The numbers that a sample becomes on its way through the network, layer by layer: they are kept until its gradient is known.
    #[must_use]
    pub fn passed(&self) -> u64 {
        let [channels, mut height, mut width] = self.shape.map(|side| side as u64);
        let mut sum = channels.saturating_mul(height).saturating_mul(width);
        for block in &self.blocks {
            let image = (block.channels as u64).saturating_mul(height).saturating_mul(width);
            sum = sum.saturating_add(image.saturating_mul(block.convolutions as u64));
            [height, width] = [height, width].map(|side| block.pool.side(side as usize) as u64);
        }
        let dense = self.dense();
        dense.iter().skip(1).fold(sum, |sum, &outputs| sum.saturating_add(outputs as u64))
    }

    /// The architecture in a few words, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let [channels, height, width] = self.shape;
        let mut parts = Vec::new();
        for block in &self.blocks {
            let times = if block.convolutions == 1 { String::new() } else { format!("{} x ", block.convolutions) };
            parts.push(format!("{times}{}c{}", block.channels, block.kernel));
        }
        let dense: Vec<String> = self.dense().iter().map(usize::to_string).collect();
        let dense = dense.join("-");
        let norm = if self.batch_norm { " with batch norm" } else { "" };
        if parts.is_empty() {
            return format!("{dense} {}{norm}", self.activation.name());
        }
        format!("{channels}x{height}x{width} {} {dense} {}{norm}", parts.join(" "), self.activation.name())
    }
}

/// What a pass in training needs and leaves.
#[derive(Debug)]
pub struct Learning<F> {
    /// The factors for the outputs of a hidden layer: its place and their number are given.
    pub dropout: F,
    /// The batch's mean and variance of each normalized layer, in their order.
    pub statistics: Vec<Statistics>,
}

/// A network of one architecture.
#[derive(Module, Debug, Default)]
pub struct Network {
    convolutions: Vec<Convolution>,
    layers: Vec<Dense>,
}

impl Network {
    /// A network whose weights are drawn from `seed`.
    #[must_use]
    pub fn new(
        architecture: &Architecture,
        initialization: Initialization,
        seed: u64,
        fold: usize,
        device: &Device,
    ) -> Self {
        let mut maker = Maker {
            seed,
            fold: fold as u32,
            initialization,
            activation: architecture.activation,
            device,
            layers: 0,
            parameters: 0,
        };
        let norm = architecture.batch_norm;
        let mut channels = architecture.shape[0];
        let mut convolutions = Vec::new();
        for block in &architecture.blocks {
            for _ in 0..block.convolutions {
                convolutions.push(maker.convolution(channels, block.channels, block.kernel, norm));
                channels = block.channels;
            }
        }
        let widths = architecture.dense();
        let hidden = architecture.widths.len();
        let layers = widths.windows(2).enumerate();
        let layers = layers.map(|(place, pair)| maker.dense(pair[0], pair[1], norm && place < hidden)).collect();
        Self { convolutions, layers }
    }

    /// The outputs for `inputs`, a line of numbers each; in training with `learning`.
    #[must_use]
    pub fn forward<F: FnMut(usize, usize) -> Option<Vec<f32>>>(
        &self,
        architecture: &Architecture,
        inputs: Tensor<2>,
        mut learning: Option<&mut Learning<F>>,
    ) -> Tensor<2> {
        let mut values = inputs;
        if !architecture.blocks.is_empty() {
            let [channels, height, width] = architecture.shape;
            let rows = values.dims()[0];
            let images = values.reshape([rows, channels, height, width]);
            values = self.blocks(architecture, images, learning.as_deref_mut());
        }
        let before = architecture.blocks.len();
        let last = self.layers.len() - 1;
        for (place, layer) in self.layers.iter().enumerate() {
            values = layer.forward(values, learning.as_deref_mut().map(|learning| &mut learning.statistics));
            if place < last {
                values = architecture.activation.apply(values);
                values = dropped(values, before + place, learning.as_deref_mut());
            }
        }
        values
    }

    fn blocks<F: FnMut(usize, usize) -> Option<Vec<f32>>>(
        &self,
        architecture: &Architecture,
        images: Tensor<4>,
        mut learning: Option<&mut Learning<F>>,
    ) -> Tensor<2> {
        let mut images = images;
        let mut layers = self.convolutions.iter();
        for (place, block) in architecture.blocks.iter().enumerate() {
            for layer in layers.by_ref().take(block.convolutions) {
                images = layer.forward(images, learning.as_deref_mut().map(|learning| &mut learning.statistics));
                images = architecture.activation.apply(images);
            }
            images = dropped(block.pool.apply(images), place, learning.as_deref_mut());
        }
        let flat: Tensor<3> = images.flatten(2, 3);
        if architecture.global_average { flat.mean_dim(2).flatten(1, 2) } else { flat.flatten(1, 2) }
    }

    /// Moves the running statistics of the normalized layers towards those of a batch, given in the layers' order.
    pub fn learn(&mut self, statistics: Vec<Statistics>) {
        let convolutions = self.convolutions.iter_mut().filter_map(|layer| layer.norm.as_mut());
        let layers = self.layers.iter_mut().filter_map(|layer| layer.norm.as_mut());
        for (norm, statistics) in convolutions.chain(layers).zip(statistics) {
            norm.learn(statistics);
        }
    }

    /// The type of its numbers.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.layers.first().map_or(DType::F32, Dense::dtype)
    }

    /// The number of parameters that are learnt.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let mut count = Count::default();
        self.visit(&mut count);
        count.all
    }
}

/// Multiplies by the factors of dropout, if there are any.
fn dropped<const D: usize, F: FnMut(usize, usize) -> Option<Vec<f32>>>(
    values: Tensor<D>,
    place: usize,
    learning: Option<&mut Learning<F>>,
) -> Tensor<D> {
    let shape = values.dims();
    match learning.and_then(|learning| (learning.dropout)(place, shape.iter().product())) {
        Some(factors) => {
            let factors = Tensor::from_data(TensorData::new(factors, shape), (&values.device(), values.dtype()));
            values * factors
        }
        None => values,
    }
}

/// Counts what is learnt: all but the running statistics, which are called by the same names in each layer.
#[derive(Default)]
struct Count {
    name: String,
    all: usize,
}

impl ModuleVisitor for Count {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        name.clone_into(&mut self.name);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !["mean", "variance"].contains(&self.name.as_str()) {
            self.all += param.val().shape().num_elements();
        }
    }
}
