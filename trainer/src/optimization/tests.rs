use burn::tensor::{Device, TensorData};
use serde::Deserialize;

use super::*;
use crate::model::{Activation, Architecture, Initialization};

/// A network of 3 x 5 and 5 x 2 weights.
fn network() -> Network {
    let architecture = Architecture {
        shape: [1, 1, 3],
        blocks: Vec::new(),
        global_average: false,
        widths: vec![5],
        activation: Activation::Relu,
        batch_norm: false,
        outputs: 2,
    };
    Network::new(&architecture, Initialization::Torch, 4, 0, &Device::flex().autodiff())
}

fn usual(method: Method) -> Optimization {
    Optimization {
        method,
        momentum: 0.9,
        beta1: 0.9,
        beta2: 0.999,
        smoothing: 0.99,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        l1: 0.0,
        clip_norm: None,
        clip_value: None,
    }
}

/// Draws a gradient for each parameter.
struct Draw(GradientsParams, f32);

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.val().dims();
        let numbers = (0..shape.iter().product::<usize>()).map(|place| (place as f32 * 0.7 + self.1).sin());
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), shape);
        self.0.register(param.id, Tensor::<D>::from_data(data, &Device::flex()));
    }
}

fn gradients(network: &Network, step: f32) -> GradientsParams {
    let mut draw = Draw(GradientsParams::new(), step);
    network.visit(&mut draw);
    draw.0
}

#[derive(Default)]
struct Numbers(Vec<f32>);

impl ModuleVisitor for Numbers {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(param.val().into_data().iter::<f32>());
    }
}

fn numbers(network: &Network) -> Vec<u32> {
    let mut numbers = Numbers::default();
    network.visit(&mut numbers);
    numbers.0.into_iter().map(f32::to_bits).collect()
}

#[test]
fn one_pass_does_what_burn_does_in_many_bit_for_bit() {
    for method in [Method::Sgd, Method::Nesterov, Method::Adam, Method::AdamW] {
        for (weight_decay, decoupled) in [(0.0, false), (0.01, false), (0.01, true)] {
            let optimization = Optimization { weight_decay, decoupled, ..usual(method) };
            let (mut fused, mut general) = (optimization.optimizer(Kind::Cpu), optimization.general());
            let (mut left, mut right) = (network(), network());
            for step in 0..5 {
                let step = step as f32;
                left = optimization.step(&mut fused, left.clone(), gradients(&left, step), (0.03, Kind::Cpu));
                if decoupled {
                    right = right.map(&mut Decay { keep: 1.0 - 0.03 * weight_decay });
                }
                right = general.step(0.03, right.clone(), gradients(&right, step));
            }
            assert_eq!(numbers(&left), numbers(&right), "{optimization:?}");
            // What one remembers, the other goes on with.
            let mut other = optimization.optimizer(Kind::Cpu).from_bytes(general.into_bytes().unwrap()).unwrap();
            let kept = optimization.step(&mut other, left.clone(), gradients(&left, 9.0), (0.03, Kind::Cpu));
            let whole = optimization.step(&mut fused, left.clone(), gradients(&left, 9.0), (0.03, Kind::Cpu));
            assert_eq!(numbers(&kept), numbers(&whole), "{optimization:?}");
        }
    }
}

#[test]
fn gradients_of_parts_are_added_in_their_order() {
    let network = network();
    let parts = || (0..3).map(|part| gradients(&network, part as f32)).collect();
    let sum = |device| {
        let all = sum(&network, parts(), device);
        let moved = usual(Method::Sgd).general().step(1.0, network.clone(), all);
        numbers(&moved)
    };
    let by_hand: Vec<u32> = {
        let one = |step| {
            let mut numbers = Numbers::default();
            let gradients = gradients(&network, step);
            struct Each<'a>(&'a GradientsParams, &'a mut Vec<f32>);
            impl ModuleVisitor for Each<'_> {
                fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                    self.1.extend(self.0.get::<D>(param.id).unwrap().into_data().iter::<f32>());
                }
            }
            network.visit(&mut Each(&gradients, &mut numbers.0));
            numbers.0
        };
        let (first, second, third) = (one(0.0), one(1.0), one(2.0));
        let weights = numbers(&network).into_iter().map(f32::from_bits);
        let sums = first.iter().zip(second).zip(third).map(|((first, second), third)| first + second + third);
        weights.zip(sums).map(|(weight, sum)| (weight - sum).to_bits()).collect()
    };
    assert_eq!(sum(Kind::Cpu), by_hand);
}

/// What PyTorch's optimizer came to (`tests/golden/optimizers.py`).
#[derive(Deserialize)]
struct Golden {
    method: String,
    momentum: f64,
    weight_decay: f64,
    decoupled: bool,
    l1: f64,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
    weights: Vec<f64>,
}

/// Gives each parameter the numbers that the golden values begin with.
struct Begin;

impl ModuleMapper for Begin {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let numbers = (0..shape.iter().product()).map(|place: usize| 0.5 * (place as f32 * 0.3 + 1.0).cos());
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), shape);
        Param::from_mapped_value(id, Tensor::from_data(data, &tensor.device()).require_grad(), mapper)
    }
}

#[test]
fn every_method_penalty_and_clipping_does_what_it_does_in_pytorch() {
    let cases: Vec<Golden> = serde_json::from_str(include_str!("../../tests/golden/optimizers.json")).unwrap();
    for (name, method) in Method::ALL {
        assert!(cases.iter().any(|case| case.method == name), "{name}");
        for case in cases.iter().filter(|case| case.method == name) {
            let &Golden { momentum, weight_decay, decoupled, l1, clip_norm, clip_value, .. } = case;
            let optimization =
                Optimization { momentum, weight_decay, decoupled, l1, clip_norm, clip_value, ..usual(method) };
            let mut optimizer = optimization.optimizer(Kind::Cpu);
            let mut network = network().map(&mut Begin);
            for step in 0..7 {
                let gradients = gradients(&network, step as f32);
                network = optimization.step(&mut optimizer, network, gradients, (0.03, Kind::Cpu));
            }
            let found: Vec<f32> = numbers(&network).into_iter().map(f32::from_bits).collect();
            assert_eq!(found.len(), case.weights.len());
            for (found, expected) in found.into_iter().zip(&case.weights) {
                assert!((f64::from(found) - expected).abs() < 3e-6, "{found}, not {expected}: {optimization:?}");
            }
        }
    }
}
