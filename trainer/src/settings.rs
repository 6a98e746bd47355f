//! What a run is to do: the command line's text, checked.

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use crate::data::Split;
use crate::device::Kind;
use crate::flags::Flags;
use crate::model::Activation;
use crate::optimization::Method;

/// Where Debian's package of the data set puts it.
const DEFAULT_DATA: &str = "/usr/share/datasets/fashion-mnist";

/// A value that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{flag} (or {variable}) is `{value}`: expected {expected}")]
pub struct Error {
    flag: &'static str,
    variable: &'static str,
    value: String,
    expected: String,
}

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the data set.
    pub data: PathBuf,
    /// How the training files are divided.
    pub split: Split,
    /// Whether the test files are measured at the end.
    pub test: bool,
    /// The epoch after which the run ends.
    pub epochs: u32,
    /// The trial's seed.
    pub seed: u64,
    /// Where the checkpoint is kept.
    pub checkpoint: Option<PathBuf>,
    /// Where to start from.
    pub resume: Option<PathBuf>,
    /// Hidden layers.
    pub layers: usize,
    /// The width of each.
    pub hidden_units: usize,
    /// What follows each.
    pub activation: Activation,
    /// The share of each hidden layer's outputs that is dropped in training.
    pub dropout: f64,
    /// How the weights follow the gradients.
    pub method: Method,
    /// How far.
    pub learning_rate: f64,
    /// The L2 penalty.
    pub weight_decay: f64,
    /// Images in a batch.
    pub batch_size: usize,
    /// What it is computed on.
    pub device: Kind,
    /// Threads on the CPU.
    pub threads: usize,
}

impl Settings {
    /// Checks the flags.
    ///
    /// # Errors
    /// If a value cannot be used.
    pub fn new(flags: &Flags) -> Result<Self, Error> {
        Ok(Self {
            data: path(flags.data.as_ref()).unwrap_or_else(|| DEFAULT_DATA.into()),
            split: Split {
                validation: Text("--validation", "TRAINER_VALIDATION", &flags.validation).whole(
                    1,
                    u32::MAX.into(),
                    10_000,
                )? as usize,
                seed: Text("--split-seed", "TRAINER_SPLIT_SEED", &flags.split_seed).whole(0, u64::MAX, 0)?,
                train_limit: Text("--train-limit", "TRAINER_TRAIN_LIMIT", &flags.train_limit)
                    .maybe_whole(1, u32::MAX.into())?
                    .map(|limit| limit as usize),
            },
            test: flags.test,
            epochs: Text("--epochs", "TRIMTAB_FIDELITY", &flags.epochs).whole(1, 1_000_000, 10)? as u32,
            seed: Text("--seed", "TRIMTAB_SEED", &flags.seed).whole(0, u64::MAX, 0)?,
            checkpoint: path(flags.checkpoint.as_ref()),
            resume: path(flags.resume.as_ref()),
            layers: Text("--layers", "PARAM_LAYERS", &flags.layers).whole(1, 8, 2)? as usize,
            hidden_units: Text("--hidden-units", "PARAM_HIDDEN_UNITS", &flags.hidden_units).whole(1, 8192, 256)?
                as usize,
            activation: Text("--activation", "PARAM_ACTIVATION", &flags.activation)
                .name(&Activation::ALL, Activation::Relu)?,
            dropout: Text("--dropout", "PARAM_DROPOUT", &flags.dropout).share(0.0)?,
            method: Self::method(flags)?,
            learning_rate: Text("--learning-rate", "PARAM_LEARNING_RATE", &flags.learning_rate).number(
                "a number above 0 and at most 1000",
                |rate| rate > 0.0 && rate <= 1000.0,
                1e-3,
            )?,
            weight_decay: Text("--weight-decay", "PARAM_WEIGHT_DECAY", &flags.weight_decay).number(
                "a number from 0 to 1000",
                |decay| (0.0..=1000.0).contains(&decay),
                0.0,
            )?,
            batch_size: Text("--batch-size", "PARAM_BATCH_SIZE", &flags.batch_size).whole(1, 65_536, 128)? as usize,
            device: Text("--device", "TRAINER_DEVICE", &flags.device).name(Kind::BUILT_IN, Kind::Cpu)?,
            threads: Text("--threads", "TRAINER_THREADS", &flags.threads).whole(1, 1024, available_threads())? as usize,
        })
    }

    fn method(flags: &Flags) -> Result<Method, Error> {
        // A momentum beside adam is checked and then unused: a search space may well give it to all trials.
        let momentum = Text("--momentum", "PARAM_MOMENTUM", &flags.momentum).share(0.9)?;
        let named = Text("--optimizer", "PARAM_OPTIMIZER", &flags.optimizer)
            .name(&[("sgd", Method::Sgd { momentum }), ("adam", Method::Adam)], Method::Adam)?;
        Ok(named)
    }
}

/// The CPUs that the process may use: the smallest of the machine's, its affinity's and its cgroup's quota.
fn available_threads() -> u64 {
    thread::available_parallelism().map_or(1, |threads: NonZero<usize>| threads.get() as u64)
}

/// A path, unless it is empty.
fn path(value: Option<&OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A flag, its environment variable and the value that one of them gave.
struct Text<'a>(&'static str, &'static str, &'a Option<String>);

impl Text<'_> {
    /// The value, unless it is empty.
    fn given(&self) -> Option<&str> {
        self.2.as_deref().map(str::trim).filter(|value| !value.is_empty())
    }

    fn error(&self, expected: impl Into<String>) -> Error {
        Error {
            flag: self.0,
            variable: self.1,
            value: self.given().unwrap_or_default().to_owned(),
            expected: expected.into(),
        }
    }

    fn maybe_whole(&self, min: u64, max: u64) -> Result<Option<u64>, Error> {
        let parsed = self.given().map(|value| u64::from_str(value).ok().filter(|value| (min..=max).contains(value)));
        match parsed {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(self.error(format!("a whole number from {min} to {max}"))),
        }
    }

    fn whole(&self, min: u64, max: u64, default: u64) -> Result<u64, Error> {
        Ok(self.maybe_whole(min, max)?.unwrap_or(default))
    }

    fn number(&self, expected: &str, allowed: impl Fn(f64) -> bool, default: f64) -> Result<f64, Error> {
        let Some(value) = self.given() else {
            return Ok(default);
        };
        f64::from_str(value).ok().filter(|&value| allowed(value)).ok_or_else(|| self.error(expected))
    }

    fn share(&self, default: f64) -> Result<f64, Error> {
        self.number("a number from 0 to below 1", |share| (0.0..1.0).contains(&share), default)
    }

    fn name<T: Copy>(&self, all: &[(&str, T)], default: T) -> Result<T, Error> {
        let Some(value) = self.given() else {
            return Ok(default);
        };
        all.iter().find(|(name, _)| *name == value).map(|&(_, value)| value).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
            self.error(if names.len() == 1 { names.join("") } else { format!("one of {}", names.join(", ")) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_count_as_absent() {
        let flags = Flags {
            layers: Some(String::new()),
            momentum: Some(" ".to_owned()),
            resume: Some(OsString::new()),
            ..Flags::default()
        };
        let settings = Settings::new(&flags).unwrap();
        assert_eq!((settings.layers, settings.resume), (2, None));
    }

    #[test]
    fn bad_values_name_flag_variable_value_and_what_is_allowed() {
        let error = |flags: Flags| Settings::new(&flags).unwrap_err().to_string();
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(
            error(Flags { layers: text("9"), ..Flags::default() }),
            "--layers (or PARAM_LAYERS) is `9`: expected a whole number from 1 to 8"
        );
        assert_eq!(
            error(Flags { activation: text("elu"), ..Flags::default() }),
            "--activation (or PARAM_ACTIVATION) is `elu`: expected one of relu, gelu, tanh, sigmoid, silu"
        );
        for (flags, expected) in [
            (Flags { learning_rate: text("NaN"), ..Flags::default() }, "a number above 0 and at most 1000"),
            (Flags { learning_rate: text("0"), ..Flags::default() }, "a number above 0 and at most 1000"),
            (Flags { dropout: text("1"), ..Flags::default() }, "a number from 0 to below 1"),
            (Flags { momentum: text("-0.5"), ..Flags::default() }, "a number from 0 to below 1"),
            (Flags { weight_decay: text("inf"), ..Flags::default() }, "a number from 0 to 1000"),
            (Flags { epochs: text("0"), ..Flags::default() }, "a whole number from 1 to 1000000"),
            (Flags { batch_size: text("1.5"), ..Flags::default() }, "a whole number from 1 to 65536"),
            (Flags { optimizer: text("Adam"), ..Flags::default() }, "one of sgd, adam"),
        ] {
            let error = error(flags);
            assert!(error.ends_with(&format!("expected {expected}")), "{error}");
        }
    }
}
