//! A network's numbers in a row, in double precision, and its gradient by them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::model::Network;

/// All numbers of `network` in a row.
#[must_use]
pub fn numbers(network: &Network) -> Vec<f64> {
    let mut collect = Collect { gradients: None, numbers: Vec::new() };
    network.visit(&mut collect);
    collect.numbers
}

/// All numbers of the gradients of `network` in a row, in the same order.
#[must_use]
pub fn gradient(network: &Network, gradients: &GradientsParams) -> Vec<f64> {
    let mut collect = Collect { gradients: Some(gradients), numbers: Vec::new() };
    network.visit(&mut collect);
    collect.numbers
}

/// `network` with other numbers, of the type `dtype`, to be learnt.
#[must_use]
pub fn with_numbers(network: Network, numbers: &[f64], dtype: DType, device: &Device) -> Network {
    network.map(&mut Replace { numbers, dtype, device })
}

struct Collect<'a> {
    gradients: Option<&'a GradientsParams>,
    numbers: Vec<f64>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.gradients {
            None => self.numbers.extend(param.val().into_data().iter::<f64>()),
            Some(gradients) => match gradients.get::<D>(param.id) {
                Some(gradient) => self.numbers.extend(gradient.into_data().iter::<f64>()),
                // What the loss does not depend on has no gradient.
                None => self.numbers.resize(self.numbers.len() + param.val().shape().num_elements(), 0.0),
            },
        }
    }
}

struct Replace<'a> {
    numbers: &'a [f64],
    dtype: DType,
    device: &'a Device,
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let (numbers, rest) = self.numbers.split_at(shape.iter().product());
        self.numbers = rest;
        let data = TensorData::new(numbers.to_vec(), shape);
        let tensor = Tensor::<D>::from_data(data, (self.device, self.dtype));
        let tensor = if self.device.is_autodiff() { tensor.require_grad() } else { tensor };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
