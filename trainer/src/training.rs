//! One epoch: every training row once, in an order that belongs to the epoch.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;

use crate::data::{Dataset, Samples};
use crate::evaluation::{Evaluation, Predictor};
use crate::loss::Loss;
use crate::model::{Architecture, Learning, Network};
use crate::random::{Purpose, Stream};
use crate::settings::Settings;
use crate::signals::Stop;

/// A network in training.
#[derive(Debug)]
pub struct Training<'a> {
    settings: &'a Settings,
    /// What it is trained on.
    pub data: &'a Dataset,
    /// The shape of the network.
    pub architecture: Architecture,
    /// The network.
    pub network: Network,
    /// What the optimizer remembers of the steps so far.
    pub optimizer: Optimizer,
    loss: Loss,
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
    ///
    /// # Errors
    /// If the network or its loss does not suit the data.
    pub fn new(settings: &'a Settings, data: &'a Dataset) -> Result<Self, String> {
        let architecture = settings.model.architecture(&data.preparation)?;
        let loss = Loss::new(
            &data.preparation,
            &data.samples,
            &data.train,
            (settings.distance, settings.smoothing, &settings.class_weights),
        )?;
        let inference = settings.machine.device.open();
        let device = inference.clone().autodiff();
        let fold = data.identity.fold;
        Ok(Self {
            network: Network::new(&architecture, settings.model.initialization, settings.seed, fold, &device),
            optimizer: Optimizer(settings.optimization.optimizer()),
            settings,
            data,
            architecture,
            loss,
            device,
            inference,
        })
    }

    /// Trains one epoch and returns the mean loss over it, or nothing if it was told to stop.
    ///
    /// What it does depends on the weights, the optimizer's state and the epoch's number only: a resumed run computes what
    /// an uninterrupted one would.
    pub fn epoch(&mut self, epoch: u32, stop: &Stop) -> Option<f64> {
        let (settings, data) = (self.settings, self.data);
        let mut order = data.train.clone();
        let fold = data.identity.fold as u32;
        Stream::of_fold(settings.seed, Purpose::Order, [epoch, 0, 0], fold).shuffle(&mut order);
        let steps = order.len().div_ceil(settings.batch_size) as u64;
        let (mut sum, mut all) = (0.0, 0.0);
        for (batch, rows) in order.chunks(settings.batch_size).enumerate() {
            if stop.signal().is_some() {
                return None;
            }
            let step = u64::from(epoch - 1) * steps + batch as u64;
            let rate = settings.schedule.rate(settings.learning_rate, step, steps);
            let total = self.loss.total(&data.samples, rows);
            sum += self.step([epoch, batch as u32], rows, rate, total) * total;
            all += total;
        }
        Some(sum / all)
    }

    /// Learns from one batch and returns its loss.
    fn step(&mut self, [epoch, batch]: [u32; 2], rows: &[u32], rate: f64, total: f64) -> f64 {
        let (settings, data) = (self.settings, self.data);
        let fold = data.identity.fold as u32;
        let dropout = |place: usize, count: usize| {
            let rate = settings.model.dropout(place);
            let draw = || Stream::of_fold(settings.seed, Purpose::Dropout, [epoch, batch, place as u32], fold);
            (rate > 0.0).then(|| draw().dropout(rate, count))
        };
        let mut learning = Learning { dropout, statistics: Vec::new() };
        let inputs = data.samples.inputs(rows, &self.device);
        let targets = self.loss.targets(&data.samples, rows, total, &self.device);
        let outputs = self.network.forward(&self.architecture, inputs, Some(&mut learning));
        let loss = self.loss.value(outputs, targets, total);
        let value = f64::from(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        // The optimizer takes the network and gives it back; a clone shares its tensors.
        self.network = settings.optimization.step(&mut self.optimizer.0, self.network.clone(), gradients, rate);
        self.network.learn(learning.statistics);
        value
    }

    /// Measures the network on the rows held out. Nothing if it was told to stop.
    pub fn validate(&self, stop: &Stop) -> Option<Evaluation> {
        self.measure(&self.data.samples, &self.data.validation, stop)
    }

    /// Measures the network on `rows` of `samples`. Nothing if it was told to stop.
    pub fn measure(&self, samples: &Samples, rows: &[u32], stop: &Stop) -> Option<Evaluation> {
        let network = self.network.valid();
        let predictor = Predictor {
            network: &network,
            architecture: &self.architecture,
            preparation: &self.data.preparation,
            device: &self.inference,
        };
        predictor.evaluate(samples, rows, self.settings.distance, stop)
    }
}
