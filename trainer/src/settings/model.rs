//! What the flags say about the network.

use super::text::{Error, Text};
use crate::data::Preparation;
use crate::flags::ModelFlags;
use crate::model::layers::Pool;
use crate::model::{Activation, Architecture, Block, Initialization};

/// The most hidden layers of a kind.
const MAX_LAYERS: usize = 64;
/// The widest layer.
const MAX_WIDTH: u64 = 8192;
/// The most weights of a network: four times as many bytes, and as many again for gradients and each state of the optimizer.
const MAX_WEIGHTS: usize = 1 << 28;

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Dense layers.
    Dense,
    /// No hidden layer: a linear regression, or a softmax (logistic) regression.
    Linear,
    /// Blocks of convolutions, then dense layers.
    Convolutional,
}

impl Kind {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("mlp", Self::Dense), ("linear", Self::Linear), ("cnn", Self::Convolutional)];
}

/// What the flags say about the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The kind.
    pub kind: Kind,
    /// The width of each hidden dense layer.
    pub widths: Vec<usize>,
    /// The blocks of convolutions.
    pub blocks: Vec<Block>,
    /// Whether the blocks' images are averaged.
    pub global_average: bool,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// Whether each hidden layer is normalized by its batch.
    pub batch_norm: bool,
    /// How the weights are drawn.
    pub initialization: Initialization,
    /// The share of outputs that is dropped: of each block, then of each hidden dense layer.
    dropout: Vec<f64>,
}

impl Model {
    /// Checks the flags.
    ///
    /// # Errors
    /// If a value cannot be used.
    pub fn new(flags: &ModelFlags) -> Result<Self, Error> {
        let kind = Text("--model", "PARAM_MODEL", &flags.model).name(&Kind::ALL, Kind::Dense)?;
        let convolutional = kind == Kind::Convolutional;
        let (layers, units) = if convolutional { (1, 128) } else { (2, 256) };
        let layers = Text("--layers", "PARAM_LAYERS", &flags.layers).whole(1, MAX_LAYERS as u64, layers)? as usize;
        let units = Text("--hidden-units", "PARAM_HIDDEN_UNITS", &flags.hidden_units).whole(1, MAX_WIDTH, units)?;
        let width = |width: &usize| (1..=MAX_WIDTH as usize).contains(width);
        let expected = format!("a whole number from 1 to {MAX_WIDTH}");
        let widths = Text("--widths", "PARAM_WIDTHS", &flags.widths).values(expected, MAX_LAYERS, width)?;
        let widths = match kind {
            Kind::Linear => Vec::new(),
            _ if widths.is_empty() => vec![units as usize; layers],
            _ => widths,
        };
        let blocks = Self::blocks(flags, convolutional)?;
        let switch = |flag, variable, value| Text(flag, variable, value).name(&[("on", true), ("off", false)], false);
        let dropout = [
            per_layer("--block-dropout", "PARAM_BLOCK_DROPOUT", &flags.block_dropout, blocks.len())?,
            per_layer("--dropout", "PARAM_DROPOUT", &flags.dropout, widths.len())?,
        ];
        Ok(Self {
            kind,
            widths,
            blocks,
            global_average: convolutional && switch("--global-average", "PARAM_GLOBAL_AVERAGE", &flags.global_average)?,
            activation: Text("--activation", "PARAM_ACTIVATION", &flags.activation)
                .name(&Activation::ALL, Activation::Relu)?,
            batch_norm: switch("--batch-norm", "PARAM_BATCH_NORM", &flags.batch_norm)?,
            initialization: Text("--initialization", "PARAM_INITIALIZATION", &flags.initialization)
                .name(&Initialization::ALL, Initialization::Auto)?,
            dropout: dropout.concat(),
        })
    }

    fn blocks(flags: &ModelFlags, convolutional: bool) -> Result<Vec<Block>, Error> {
        let channels = Text("--channels", "PARAM_CHANNELS", &flags.channels);
        let expected = "a whole number from 1 to 1024";
        let mut channels = channels.values(expected, MAX_LAYERS, |value: &usize| (1..=1024).contains(value))?;
        if channels.is_empty() {
            channels = vec![32, 64];
        }
        let convolutions = Text("--convolutions", "PARAM_CONVOLUTIONS", &flags.convolutions).whole(1, 8, 1)? as usize;
        let kernel = Text("--kernel", "PARAM_KERNEL", &flags.kernel);
        let kernel = kernel.name(&[("1", 1), ("3", 3), ("5", 5), ("7", 7), ("9", 9)], 3)?;
        let pool = Text("--pool", "PARAM_POOL", &flags.pool).name(&Pool::ALL, Pool::Max)?;
        if !convolutional {
            return Ok(Vec::new());
        }
        Ok(channels.into_iter().map(|channels| Block { channels, convolutions, kernel, pool }).collect())
    }

    /// The share that is dropped of the outputs of the hidden layer or block at `place`.
    #[must_use]
    pub fn dropout(&self, place: usize) -> f64 {
        self.dropout.get(place).copied().unwrap_or_default()
    }

    /// The shares that are dropped, for people.
    #[must_use]
    pub fn dropout_summary(&self) -> String {
        match self.dropout.as_slice() {
            [] => "0".to_owned(),
            [first, rest @ ..] if rest.iter().all(|share| share == first) => first.to_string(),
            all => all.iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    /// The network for data that is prepared as `preparation` says.
    ///
    /// # Errors
    /// If it does not suit the data.
    pub fn architecture(&self, preparation: &Preparation) -> Result<Architecture, String> {
        let architecture = Architecture {
            shape: preparation.shape,
            blocks: self.blocks.clone(),
            global_average: self.global_average,
            widths: self.widths.clone(),
            activation: self.activation,
            batch_norm: self.batch_norm,
            outputs: preparation.outputs(),
        };
        architecture.check()?;
        Ok(architecture)
    }
}

impl Architecture {
    /// Refuses what cannot be computed.
    ///
    /// # Errors
    /// If a convolution has no image, pooling leaves no pixel of it, or there are too many weights.
    pub fn check(&self) -> Result<(), String> {
        let [_, height, width] = self.shape;
        if self.blocks.iter().any(|block| block.kernel % 2 == 0 || block.convolutions == 0) {
            return Err("the blocks of a network need kernels of an odd side".to_owned());
        }
        if !self.blocks.is_empty() && height < 2 {
            return Err(
                "a convolutional network needs images, but the data is a table: expected --model=mlp or linear"
                    .to_owned(),
            );
        }
        if self.flattened().is_none() {
            return Err(format!("{} blocks leave no pixel of {height} x {width}", self.blocks.len()));
        }
        let dense = self.dense();
        let mut weights =
            dense.windows(2).try_fold(0_usize, |sum, pair| sum.checked_add(pair[0].checked_mul(pair[1])?));
        let mut channels = self.shape[0];
        for block in &self.blocks {
            let area = block.kernel.saturating_mul(block.kernel);
            let first = channels.saturating_mul(block.channels).saturating_mul(area);
            let others = block.channels.saturating_mul(block.channels).saturating_mul(area);
            let all = first.saturating_add(others.saturating_mul(block.convolutions.saturating_sub(1)));
            weights = weights.and_then(|weights| weights.checked_add(all));
            channels = block.channels;
        }
        match weights {
            Some(weights) if weights <= MAX_WEIGHTS => Ok(()),
            _ => Err(format!("the network {} has more than {MAX_WEIGHTS} weights", self.summary())),
        }
    }
}

/// A share for each of `count` layers: one for all, or a list of as many.
fn per_layer(
    flag: &'static str,
    variable: &'static str,
    value: &Option<String>,
    count: usize,
) -> Result<Vec<f64>, Error> {
    let text = Text(flag, variable, value);
    let shares = match text.list().len() {
        0 | 1 => vec![text.share(0.0)?],
        _ => text.values("a number from 0 to below 1", MAX_LAYERS, |share: &f64| (0.0..1.0).contains(share))?,
    };
    match shares.as_slice() {
        [one] => Ok(vec![*one; count]),
        _ if shares.len() == count => Ok(shares),
        _ => Err(text.error(format!("one number, or one for each of {count} layers"))),
    }
}
