//! Batch by batch through an epoch, which sees every training row once, in an order that belongs to the epoch.
//!
//! A batch is computed in parts, side by side, whose gradients are added in the parts' order. How many there are belongs to what
//! is computed, because sums are rounded: it depends on the batch and never on the threads.

mod precise;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, Device};

use crate::data::{Dataset, Samples};
use crate::device::{Kind, Precision};
use crate::evaluation::{Evaluation, Predictor};
use crate::hypergradient::network::with_numbers;
use crate::hypergradient::{self, Trajectory};
use crate::loss::Loss;
use crate::model::layers::Statistics;
use crate::model::{Architecture, Learning, Network};
use crate::optimization;
use crate::random::{Purpose, Stream};
use crate::settings::Settings;
use crate::signals::Stop;
use crate::team::Team;

/// Rows below which a batch is not divided.
const UNDIVIDED: usize = 64;
/// The most parts of a batch, unless they are given.
const MOST_PARTS: usize = 8;

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
    /// The training in double precision, if hypergradients are asked for.
    pub trajectory: Option<Trajectory>,
    loss: Loss,
    parts: usize,
    team: &'a Team,
    device: Device,
    inference: Device,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Its loss.
    pub loss: f64,
    /// What it counts among others.
    pub weight: f64,
}

/// What one part of a batch comes to.
struct Part {
    loss: f64,
    gradients: GradientsParams,
    statistics: Vec<Statistics>,
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
    pub fn new(settings: &'a Settings, data: &'a Dataset, team: &'a Team) -> Result<Self, String> {
        let architecture = settings.model.architecture(&data.preparation)?;
        let loss = Loss::new(
            &data.preparation,
            &data.samples,
            &data.train,
            (settings.distance, settings.smoothing, &settings.class_weights),
        )?;
        let wanted = &settings.hypergradients;
        if let Some(reason) = hypergradient::refusal(wanted, &settings.optimization, architecture.batch_norm) {
            return Err(reason.to_owned());
        }
        let inference = settings.machine.device.open().map_err(|missing| missing.to_string())?;
        if settings.precision == Precision::Mixed && !wanted.is_empty() {
            return Err("hypergradients are computed in double precision: expected --precision=single".to_owned());
        }
        if settings.precision == Precision::Mixed && !inference.supports_dtype(DType::BF16) {
            return Err(format!("{} cannot compute in bfloat16", settings.machine.device.name()));
        }
        let device = inference.clone().autodiff();
        let fold = data.identity.fold;
        let network = Network::new(&architecture, settings.model.initialization, settings.seed, fold, &device);
        let trajectory = || Trajectory::new(hypergradient::network::numbers(&network), wanted.len());
        Ok(Self {
            trajectory: (!wanted.is_empty()).then(trajectory),
            network,
            optimizer: Optimizer(settings.optimization.optimizer(settings.machine.device)),
            parts: parts(settings, &architecture),
            team,
            settings,
            data,
            architecture,
            loss,
            device,
            inference,
        })
    }

    /// Batches of an epoch.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.data.train.len().div_ceil(self.settings.batch_size)
    }

    /// The training rows in the order in which an epoch sees them.
    #[must_use]
    pub fn order(&self, epoch: u32) -> Vec<u32> {
        let mut order = self.data.train.clone();
        let fold = self.data.identity.fold as u32;
        Stream::of_fold(self.settings.seed, Purpose::Order, [epoch, 0, 0], fold).shuffle(&mut order);
        order
    }

    /// Learns from one batch of an epoch, counted from 0, whose `order` is given.
    ///
    /// What it does depends on the weights, the optimizer's state and the two numbers only: a resumed run computes what an
    /// uninterrupted one would, at whichever batch it goes on.
    pub fn batch(&mut self, epoch: u32, order: &[u32], batch: usize) -> Batch {
        let (settings, of) = (self.settings, self.batches() as u64);
        let rows = order.chunks(settings.batch_size).nth(batch).unwrap_or_default();
        let step = u64::from(epoch - 1) * of + batch as u64;
        let rate = settings.schedule.rate(settings.learning_rate, step, of);
        let weight = self.loss.total(&self.data.samples, rows);
        let loss = self.step([epoch, batch as u32], rows, rate, weight);
        Batch { loss, weight }
    }

    /// Ends an epoch: what was trained in double precision is the network from here on. To end it again changes nothing.
    pub fn settle(&mut self) {
        if let Some(trajectory) = &self.trajectory {
            let network = std::mem::take(&mut self.network);
            self.network = with_numbers(network, trajectory.weights(), DType::F32, &self.device);
        }
    }

    /// Learns from one batch and returns its loss.
    fn step(&mut self, index: [u32; 2], rows: &[u32], rate: f64, total: f64) -> f64 {
        let size = rows.len().div_ceil(self.parts);
        let parts: Vec<&[u32]> = rows.chunks(size).collect();
        if let Some(mut trajectory) = self.trajectory.take() {
            let loss = self.precise_step(&mut trajectory, index, &parts, (rate, total));
            self.trajectory = Some(trajectory);
            return loss;
        }
        // Each part has a network of its own, which shares the numbers: burn would join the graphs of one network and let one
        // thread wait for another.
        let plain = self.network.valid();
        let parts = self.team.each(parts.len(), |part| {
            let network = plain.clone().train();
            self.part(index, (part as u32, parts[part]), &network, total)
        });
        drop(plain);
        let (mut loss, mut gradients, mut statistics) = (0.0, Vec::new(), Vec::new());
        for part in parts {
            loss += part.loss;
            gradients.push(part.gradients);
            statistics.extend(part.statistics);
        }
        let (optimization, device) = (&self.settings.optimization, self.settings.machine.device);
        // The numbers are changed in their place as long as nobody else has them.
        let (network, optimizer) = (std::mem::take(&mut self.network), &mut self.optimizer.0);
        self.network = self.team.whole(|| {
            let gradients = optimization::sum(&network, gradients, device);
            let mut network = optimization.step(optimizer, network, gradients, (rate, device));
            network.learn(statistics);
            network
        });
        loss
    }

    /// What `rows`, a part of a batch, say about `network`. Of the batch, `total` is what its losses are divided by.
    fn part(&self, [epoch, batch]: [u32; 2], (part, rows): (u32, &[u32]), network: &Network, total: f64) -> Part {
        let (settings, data) = (self.settings, self.data);
        let fold = data.identity.fold as u32;
        let dropout = |place: usize, count: usize| {
            let rate = settings.model.dropout(place);
            let index = [epoch, batch, place as u32 | part << 16];
            (rate > 0.0).then(|| Stream::of_fold(settings.seed, Purpose::Dropout, index, fold).dropout(rate, count))
        };
        let mut learning = Learning { dropout, statistics: Vec::new() };
        let weights = network.dtype();
        let passes = if settings.precision == Precision::Mixed { DType::BF16 } else { weights };
        let inputs = data.samples.inputs(rows, &self.device).cast(passes);
        let targets = self.loss.targets(&data.samples, rows, total, &self.device).cast(weights);
        let outputs = network.forward(&self.architecture, inputs, Some(&mut learning));
        let outputs = if passes == weights { outputs } else { outputs.cast(weights) };
        let loss = self.loss.value(outputs, targets, total);
        Part {
            loss: loss.clone().into_scalar::<f64>(),
            gradients: GradientsParams::from_grads(loss.backward(), network),
            statistics: learning.statistics,
        }
    }

    /// Measures the network on the rows held out. Nothing if it was told to stop.
    #[must_use]
    pub fn validate(&self, stop: &Stop) -> Option<Evaluation> {
        self.measure(&self.data.samples, &self.data.validation, stop)
    }

    /// Measures the network on `rows` of `samples`. Nothing if it was told to stop.
    #[must_use]
    pub fn measure(&self, samples: &Samples, rows: &[u32], stop: &Stop) -> Option<Evaluation> {
        let network = self.judged();
        let predictor = Predictor {
            network: &network,
            architecture: &self.architecture,
            preparation: &self.data.preparation,
            device: &self.inference,
            team: self.team,
        };
        predictor.evaluate(samples, rows, self.settings.distance, stop)
    }
}

/// How many parts a batch is divided into. Normalization needs a batch as a whole, and a GPU has threads of its own.
fn parts(settings: &Settings, architecture: &Architecture) -> usize {
    if architecture.batch_norm || settings.machine.device != Kind::Cpu {
        return 1;
    }
    let usual =
        if settings.batch_size < UNDIVIDED { 1 } else { (settings.batch_size / UNDIVIDED).clamp(2, MOST_PARTS) };
    settings.parts.unwrap_or(usual).min(settings.batch_size)
}
