//! One epoch: every training image once, in an order that belongs to the epoch.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::data::Dataset;
use crate::evaluation::{self, Measure};
use crate::model::{Architecture, Network};
use crate::random::{Purpose, Stream};
use crate::settings::Settings;
use crate::signals::Stop;

/// A network in training.
#[derive(Debug)]
pub struct Training<'a> {
    settings: &'a Settings,
    data: &'a Dataset,
    /// The shape of the network.
    pub architecture: Architecture,
    /// The network.
    pub network: Network,
    /// What the optimizer remembers of the steps so far.
    pub optimizer: Optimizer,
    device: Device,
    inference: Device,
}

/// burn's optimizer, which has no debug form of its own.
pub struct Optimizer(pub ModuleOptimizer);

impl std::fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Optimizer")
    }
}

impl<'a> Training<'a> {
    /// A network at its beginning.
    #[must_use]
    pub fn new(settings: &'a Settings, data: &'a Dataset) -> Self {
        let architecture = Architecture {
            inputs: data.identity.pixels,
            layers: settings.layers,
            hidden_units: settings.hidden_units,
            activation: settings.activation,
            classes: data.identity.classes,
        };
        let inference = settings.device.open();
        let device = inference.clone().autodiff();
        Self {
            network: Network::new(&architecture, settings.seed, &device),
            optimizer: Optimizer(settings.method.optimizer(settings.weight_decay)),
            settings,
            data,
            architecture,
            device,
            inference,
        }
    }

    /// Trains one epoch and returns the mean loss over it, or nothing if it was told to stop.
    ///
    /// What it does depends on the weights, the optimizer's state and the epoch's number only: a resumed run computes what
    /// an uninterrupted one would.
    pub fn epoch(&mut self, epoch: u32, stop: &Stop) -> Option<f64> {
        let (settings, data) = (self.settings, self.data);
        let mut order: Vec<u32> = (0..data.train.len() as u32).collect();
        Stream::new(settings.seed, Purpose::Order, [epoch, 0, 0]).shuffle(&mut order);
        let mut total = 0.0;
        for (batch, rows) in order.chunks(settings.batch_size).enumerate() {
            if stop.signal().is_some() {
                return None;
            }
            let images = data.images(&data.train, rows, &self.device);
            let targets = data.targets(&data.train, rows, &self.device);
            let scores = self.network.forward(images, settings.activation, |layer| {
                (settings.dropout > 0.0).then(|| self.dropout([epoch, batch as u32, layer as u32], rows.len()))
            });
            let losses = activation::log_softmax(scores, 1) * targets;
            let loss = losses.sum().mul_scalar(-1.0 / rows.len() as f64);
            total += f64::from(loss.clone().into_scalar::<f32>()) * rows.len() as f64;
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            // The optimizer takes the network and gives it back; a clone shares its tensors.
            self.network = self.optimizer.0.step(settings.learning_rate, self.network.clone(), gradients);
        }
        Some(total / data.train.len() as f64)
    }

    /// Measures the network on the images held out, or on `part`.
    pub fn measure(&self, part: Option<&crate::data::Part>, stop: &Stop) -> Option<Measure> {
        let part = part.unwrap_or(&self.data.validation);
        let network = self.network.valid();
        evaluation::measure(&network, self.settings.activation, self.data, part, &self.inference, stop)
    }

    fn dropout(&self, index: [u32; 3], rows: usize) -> Tensor<2> {
        let units = self.settings.hidden_units;
        let factors =
            Stream::new(self.settings.seed, Purpose::Dropout, index).dropout(self.settings.dropout, rows * units);
        Tensor::from_data(TensorData::new(factors, [rows, units]), &self.device)
    }
}
