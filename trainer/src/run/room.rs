//! Whether the networks fit into memory: said before they are made, because a process that is killed for memory cannot say it.

use super::Error;
use crate::data::{Dataset, memory};
use crate::device::Kind;
use crate::model::Architecture;
use crate::optimization::Method;
use crate::settings::Settings;

/// Bytes of a number in single precision.
const SINGLE: u64 = 4;
/// Bytes of a number in double precision.
const DOUBLE: u64 = 8;

/// Refuses networks that take more than there is. What a GPU has is not known.
pub(super) fn require(settings: &Settings, folds: &[Dataset]) -> Result<(), Error> {
    let architectures: Result<Vec<Architecture>, String> =
        folds.iter().map(|fold| settings.model.architecture(&fold.preparation)).collect();
    let needed = needed(settings, &architectures.map_err(Error::Unsuitable)?);
    match memory::available() {
        Some(available) if settings.machine.device == Kind::Cpu && needed > available => {
            let (needed, available) = (needed.div_ceil(1 << 20), available >> 20);
            let networks = if folds.len() == 1 { "the network needs" } else { "the networks of all folds need" };
            Err(Error::Unsuitable(format!(
                "{networks} at least {needed} MiB of memory, but only {available} MiB are available to this process"
            )))
        }
        _ => Ok(()),
    }
}

/// The least that they take: all networks with what is remembered of each, and of one the gradients and a batch on its way.
fn needed(settings: &Settings, networks: &[Architecture]) -> u64 {
    let optimization = &settings.optimization;
    let remembered = match optimization.method {
        Method::Adam | Method::AdamW => 2,
        Method::RmsProp => 1,
        Method::Sgd | Method::Nesterov => u64::from(optimization.momentum > 0.0),
    };
    // Hypergradients are followed in double precision, each beside the weights.
    let followed = settings.hypergradients.len() as u64;
    let each = SINGLE * (1 + remembered) + if followed > 0 { DOUBLE * (1 + followed) } else { 0 };
    let kept = networks.iter().fold(0, |sum: u64, network| sum.saturating_add(network.numbers().saturating_mul(each)));
    let pass = |network: &Architecture| {
        let batch = network.passed().saturating_mul(settings.batch_size as u64);
        network.numbers().saturating_add(batch).saturating_mul(SINGLE)
    };
    kept.saturating_add(networks.iter().map(pass).max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use clap::Parser;

    use super::*;
    use crate::flags::{Cli, Command};
    use crate::hypergradient::network::numbers;
    use crate::model::layers::Pool;
    use crate::model::{Activation, Block, Initialization, Network};

    fn network(blocks: Vec<Block>, widths: &[usize], batch_norm: bool) -> Architecture {
        let activation = Activation::Relu;
        let shape = if blocks.is_empty() { [1, 1, 10] } else { [1, 6, 6] };
        Architecture {
            shape,
            blocks,
            global_average: false,
            widths: widths.to_vec(),
            activation,
            batch_norm,
            outputs: 3,
        }
    }

    fn settings(flags: &[&str]) -> Settings {
        match Cli::try_parse_from(["trimtab-trainer", "train"].iter().chain(flags)).unwrap().command {
            Command::Train(flags) => Settings::new(&flags).unwrap(),
            _ => unreachable!(),
        }
    }

    #[test]
    fn numbers_are_counted_without_making_them() {
        let block = |channels, convolutions, pool| Block { channels, convolutions, kernel: 3, pool };
        for batch_norm in [false, true] {
            for (blocks, widths) in [
                (Vec::new(), &[][..]),
                (Vec::new(), &[7, 5]),
                (vec![block(4, 1, Pool::Max)], &[5]),
                (vec![block(4, 2, Pool::None), block(3, 3, Pool::Average)], &[]),
            ] {
                let architecture = network(blocks, widths, batch_norm);
                let made = Network::new(&architecture, Initialization::Zeros, 0, 0, &Device::flex());
                assert_eq!(architecture.numbers(), numbers(&made).len() as u64, "{architecture:?}");
            }
        }
    }

    #[test]
    fn what_is_needed_is_weights_memory_gradients_and_a_batch() {
        let plain = network(Vec::new(), &[20], false);
        let weights = 10 * 20 + 20 + 20 * 3 + 3;
        let batch = 50 * (10 + 20 + 3);
        for (flags, each) in [
            (&["--optimizer=adam"][..], 3),
            (&["--optimizer=sgd"], 2),
            (&["--optimizer=sgd", "--momentum=0"], 1),
            (&["--optimizer=rmsprop", "--hypergradients=l1"], 2 + 4),
        ] {
            let settings = settings(&[flags, &["--batch-size=50", "--data=x"]].concat());
            let two = needed(&settings, &[plain.clone(), plain.clone()]);
            assert_eq!(two, 4 * (2 * each * weights + weights + batch), "{flags:?}");
        }
    }
}
