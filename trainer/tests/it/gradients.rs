//! Learning is right: gradients of every layer and loss against differences.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use trimtab_trainer::data::split::Fold;
use trimtab_trainer::data::{Dataset, Source, Targets, generated, table};
use trimtab_trainer::loss::{ClassWeights, Distance, Loss};
use trimtab_trainer::model::layers::Pool;
use trimtab_trainer::model::{Activation, Architecture, Block, Initialization, Learning, Network};
use trimtab_trainer::random::{Purpose, Stream};

/// Moves every parameter by `step` times a direction that is drawn, and sums up what the gradients say about it.
struct Walk<'a> {
    stream: Stream,
    step: f64,
    gradients: Option<&'a GradientsParams>,
    slope: f64,
}

impl ModuleMapper for Walk<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        if !tensor.is_require_grad() {
            return Param::from_mapped_value(id, tensor, mapper);
        }
        let (shape, device) = (tensor.dims(), tensor.device());
        let direction: Vec<f32> = (0..shape.iter().product()).map(|_| self.stream.normal() as f32).collect();
        if let Some(gradients) = self.gradients {
            let gradient = gradients.get::<D>(id).unwrap().into_data();
            let products =
                gradient.iter::<f32>().zip(&direction).map(|(left, right)| f64::from(left) * f64::from(*right));
            self.slope += products.sum::<f64>();
        }
        let direction = Tensor::<D>::from_data(TensorData::new(direction, shape), &device);
        let moved = Tensor::from_inner((tensor + direction.mul_scalar(self.step)).inner()).require_grad();
        Param::from_mapped_value(id, moved, mapper)
    }
}

fn walk(network: &Network, step: f64, gradients: Option<&GradientsParams>) -> (Network, f64) {
    let mut walk = Walk { stream: Stream::new(5, Purpose::Weights, [9, 9, 9]), step, gradients, slope: 0.0 };
    let network = network.clone().map(&mut walk);
    (network, walk.slope)
}

/// Compares the slope along a direction with the difference of the loss to both sides of it.
fn check(what: &str, architecture: &Architecture, loss: &Loss, data: &Dataset) {
    let device = Device::flex().autodiff();
    let network = Network::new(architecture, Initialization::Auto, 11, 0, &device);
    let rows: Vec<u32> = (0..24).collect();
    let total = loss.total(&data.samples, &rows);
    let value = |network: &Network| {
        // Dropout keeps the same outputs each time, so that there is one function to differentiate.
        let dropout = |place: usize, count: usize| {
            Some(Stream::new(1, Purpose::Dropout, [place as u32, 0, 0]).dropout(0.2, count))
        };
        let mut learning = Learning { dropout, statistics: Vec::new() };
        let inputs = data.samples.inputs(&rows, &device);
        let inputs = if inputs.dims()[1] == architecture.shape.iter().product::<usize>() {
            inputs
        } else {
            // A table has two columns; images are made of them.
            let values: Vec<f32> = inputs.into_data().iter::<f32>().collect();
            let pixels: usize = architecture.shape.iter().product();
            let drawn = values.chunks(2).flat_map(|row| {
                (0..pixels).map(|pixel| (row[pixel % 2] * (1.0 + pixel as f32)).sin()).collect::<Vec<_>>()
            });
            Tensor::from_data(TensorData::new(drawn.collect::<Vec<f32>>(), [rows.len(), pixels]), &device)
        };
        let targets = loss.targets(&data.samples, &rows, total, &device);
        loss.value(network.forward(architecture, inputs, Some(&mut learning)), targets, total)
    };
    let gradients = GradientsParams::from_grads(value(&network).backward(), &network);
    let (_, slope) = walk(&network, 0.0, Some(&gradients));
    let step = 1e-3;
    let at = |step: f64| f64::from(value(&walk(&network, step, None).0).into_scalar::<f32>());
    let difference = (at(step) - at(-step)) / (2.0 * step);
    let error = (slope - difference).abs() / slope.abs().max(difference.abs()).max(0.05);
    assert!(error < 0.02, "{what}: {slope} by gradients, {difference} by differences");
}

fn data(name: &str) -> Dataset {
    let raw = generated::table(name).unwrap();
    let source = Source::Table(Box::new(table::Table::new(raw, &table::Options::default()).unwrap()));
    Dataset::new(&source, Fold { number: 0, train: (0..100).collect(), validation: vec![100] }, 0).unwrap()
}

fn dense(activation: Activation, batch_norm: bool, outputs: usize) -> Architecture {
    Architecture {
        shape: [1, 1, 2],
        blocks: Vec::new(),
        global_average: false,
        widths: vec![12, 7],
        activation,
        batch_norm,
        outputs,
    }
}

fn loss(data: &Dataset, distance: Distance, smoothing: f64, weights: &ClassWeights) -> Loss {
    Loss::new(&data.preparation, &data.samples, &data.train, (distance, smoothing, weights)).unwrap()
}

#[test]
fn gradients_of_every_activation_and_batch_norm_are_right() {
    let data = data("blobs");
    let loss = loss(&data, Distance::Squared, 0.0, &ClassWeights::Equal);
    // Not of relu and its leaky form, whose corners lie between the two sides of a difference now and then.
    for (name, activation) in Activation::ALL.into_iter().skip(2) {
        check(name, &dense(activation, false, 3), &loss, &data);
    }
    check("batch norm", &dense(Activation::Tanh, true, 3), &loss, &data);
    check("linear", &Architecture { widths: Vec::new(), ..dense(Activation::Relu, false, 3) }, &loss, &data);
}

#[test]
fn gradients_of_every_loss_are_right() {
    let classes = data("blobs");
    for (what, smoothing, weights) in [
        ("smoothing", 0.2, ClassWeights::Equal),
        ("weights", 0.0, ClassWeights::Given(vec![1.0, 3.0, 0.5])),
        ("both", 0.1, ClassWeights::Balanced),
    ] {
        let loss = loss(&classes, Distance::Squared, smoothing, &weights);
        check(what, &dense(Activation::Tanh, false, 3), &loss, &classes);
    }
    let numbers = data("waves");
    for (name, distance) in Distance::ALL {
        let loss = loss(&numbers, distance, 0.0, &ClassWeights::Equal);
        check(name, &dense(Activation::Tanh, false, 1), &loss, &numbers);
    }
}

#[test]
fn gradients_of_convolutions_and_pools_are_right() {
    let data = data("blobs");
    let loss = loss(&data, Distance::Squared, 0.0, &ClassWeights::Equal);
    for (what, pool, global_average, batch_norm, convolutions) in [
        ("average", Pool::Average, false, false, 1),
        ("none", Pool::None, false, false, 2),
        ("global average", Pool::None, true, false, 1),
        ("batch norm", Pool::Average, false, true, 1),
        ("max", Pool::Max, false, false, 1),
    ] {
        let architecture = Architecture {
            shape: [1, 6, 6],
            blocks: vec![Block { channels: 3, convolutions, kernel: 3, pool }],
            global_average,
            widths: vec![5],
            activation: Activation::Tanh,
            batch_norm,
            outputs: 3,
        };
        check(what, &architecture, &loss, &data);
    }
}

#[test]
fn losses_are_what_they_are_by_hand() {
    let data = data("blobs");
    let device = Device::flex();
    let rows = [0, 1, 2];
    let outputs = [[1.0_f64, 2.0, 0.5], [0.0, 0.0, 0.0], [3.0, -1.0, 0.2]];
    let weights = [1.0, 3.0, 0.5];
    let Targets::Classes(labels) = data.samples.targets() else { unreachable!() };
    let smoothing = 0.3;
    let (mut sum, mut all) = (0.0, 0.0);
    for (row, outputs) in outputs.iter().enumerate() {
        let total: f64 = outputs.iter().map(|output| output.exp()).sum();
        let label = labels[row] as usize;
        let each = outputs.iter().enumerate().map(|(class, output)| {
            let target = if class == label { 1.0 - smoothing + smoothing / 3.0 } else { smoothing / 3.0 };
            -target * (output - total.ln())
        });
        sum += weights[label] * each.sum::<f64>();
        all += weights[label];
    }
    let loss = loss(&data, Distance::Squared, smoothing, &ClassWeights::Given(weights.to_vec()));
    let total = loss.total(&data.samples, &rows);
    let flat: Vec<f32> = outputs.iter().flatten().map(|&output| output as f32).collect();
    let tensor = Tensor::from_data(TensorData::new(flat, [3, 3]), &device);
    let targets = loss.targets(&data.samples, &rows, total, &device);
    let found = f64::from(loss.value(tensor, targets, total).into_scalar::<f32>());
    assert!((found - sum / all).abs() < 1e-6, "{found} {}", sum / all);
}
