//! What a run is to do: the command line's text, checked.

mod learning;
mod model;
pub mod text;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::data::split::{Amount, Scheme, Split};
use crate::data::table::{Options, Task};
use crate::device::{Kind, Precision};
use crate::fetch;
use crate::flags::{DataFlags, Flags, MachineFlags, SourceFlags};
use crate::hypergradient::Parameter;
use crate::loss::{ClassWeights, Distance};
use crate::metrics::Metric;
use crate::optimization::Optimization;
use crate::schedule::Schedule;
use crate::stopping::Patience;

pub use model::{Kind as ModelKind, Model};
pub use text::Error;
use text::Text;

/// Where Debian's package of Fashion-MNIST puts it.
const INSTALLED: &str = "/usr/share/datasets/fashion-mnist";

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data set.
    pub data: PathBuf,
    /// From where it is fetched first, if nobody said which, and it is not installed.
    pub fetch: Option<String>,
    /// How a table is read.
    pub options: Options,
    /// How the rows are divided.
    pub split: Split,
    /// Whether the test files are measured at the end.
    pub test: bool,
    /// What is printed besides loss, `val_loss` and the usual metric.
    pub metrics: Vec<Metric>,
    /// After how many batches there is a line within an epoch.
    pub every: Option<usize>,
    /// The parameters whose hypergradients are printed.
    pub hypergradients: Vec<Parameter>,
    /// The epoch after which the run ends.
    pub epochs: u32,
    /// The trial's seed.
    pub seed: u64,
    /// Where the checkpoint is kept.
    pub checkpoint: Option<PathBuf>,
    /// How long a run may go on within an epoch before it keeps its state.
    pub pause: Duration,
    /// Where to start from.
    pub resume: Option<PathBuf>,
    /// Where the model is written at the end.
    pub save: Option<PathBuf>,
    /// The network.
    pub model: Model,
    /// How the weights follow the gradients.
    pub optimization: Optimization,
    /// How far.
    pub learning_rate: f64,
    /// How that changes.
    pub schedule: Schedule,
    /// Rows in a batch.
    pub batch_size: usize,
    /// Parts that a batch is computed in, if they are given.
    pub parts: Option<usize>,
    /// What a regression makes small.
    pub distance: Distance,
    /// The share of each row's certainty that is spread over all classes.
    pub smoothing: f64,
    /// How classes count.
    pub class_weights: ClassWeights,
    /// When training ends by itself.
    pub patience: Option<Patience>,
    /// In which numbers batches are computed.
    pub precision: Precision,
    /// What it is computed on.
    pub machine: Machine,
}

/// What it is computed on.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The device.
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
        let epochs = Text("--epochs", "TRIMTAB_FIDELITY", &flags.epochs).whole(1, 1_000_000, 10)? as u32;
        let learning = &flags.learning;
        let given = path(flags.data.data.as_ref());
        let (data, fetch) = match given {
            Some(data) => (data, None),
            None => usual_data(Path::new(INSTALLED), cache(), &source(&flags.data.source)),
        };
        Ok(Self {
            data,
            fetch,
            options: options(&flags.data)?,
            split: split(flags)?,
            test: flags.test,
            metrics: metrics(&Text("--metrics", "TRAINER_METRICS", &flags.metrics))?,
            every: Text("--every", "TRAINER_EVERY", &flags.every)
                .maybe_whole(1, u32::MAX.into())?
                .map(|every| every as usize),
            hypergradients: hypergradients(&Text("--hypergradients", "TRAINER_HYPERGRADIENTS", &flags.hypergradients))?,
            epochs,
            seed: Text("--seed", "TRIMTAB_SEED", &flags.seed).whole(0, u64::MAX, 0)?,
            checkpoint: path(flags.checkpoint.as_ref()),
            pause: Duration::from_secs_f64(
                Text("--checkpoint-seconds", "TRAINER_CHECKPOINT_SECONDS", &flags.checkpoint_seconds).number(
                    "a number from 0 to 1e9",
                    |seconds| (0.0..=1e9).contains(&seconds),
                    60.0,
                )?,
            ),
            resume: path(flags.resume.as_ref()),
            save: path(flags.save.as_ref()),
            model: Model::new(&flags.model)?,
            optimization: learning::optimization(learning)?,
            learning_rate: Text("--learning-rate", "PARAM_LEARNING_RATE", &learning.learning_rate).number(
                "a number above 0 and at most 1000",
                |rate| rate > 0.0 && rate <= 1000.0,
                1e-3,
            )?,
            schedule: learning::schedule(learning, epochs)?,
            batch_size: Text("--batch-size", "PARAM_BATCH_SIZE", &learning.batch_size).whole(1, 65_536, 128)? as usize,
            parts: Text("--parts", "TRAINER_PARTS", &flags.parts).maybe_whole(1, 1024)?.map(|parts| parts as usize),
            distance: Text("--loss", "PARAM_LOSS", &learning.loss).name(&Distance::ALL, Distance::Squared)?,
            smoothing: Text("--label-smoothing", "PARAM_LABEL_SMOOTHING", &learning.label_smoothing).share(0.0)?,
            class_weights: learning::class_weights(learning)?,
            patience: learning::patience(learning)?,
            precision: Text("--precision", "TRAINER_PRECISION", &flags.precision)
                .name(&Precision::ALL, Precision::Single)?,
            machine: Machine::new(&flags.machine)?,
        })
    }
}

impl Machine {
    /// Checks the flags.
    ///
    /// # Errors
    /// If a value cannot be used.
    pub fn new(flags: &MachineFlags) -> Result<Self, Error> {
        let device = Text("--device", "TRAINER_DEVICE", &flags.device);
        let expected = |error: Error| match device.given() {
            Some(name) if Kind::NAMES.contains(&name) => device.error(format!(
                "a program that was built with --features {name}; --device=list says what this one has"
            )),
            _ => error,
        };
        Ok(Self {
            device: device.name(Kind::BUILT_IN, Kind::Cpu).map_err(expected)?,
            threads: Text("--threads", "TRAINER_THREADS", &flags.threads).whole(1, 1024, available_threads())? as usize,
        })
    }
}

fn options(flags: &DataFlags) -> Result<Options, Error> {
    let tasks = [("classification", Task::Classification), ("regression", Task::Regression)];
    Ok(Options {
        target: Text("--target", "TRAINER_TARGET", &flags.target).given().map(str::to_owned),
        task: Text("--task", "TRAINER_TASK", &flags.task).maybe_name(&tasks)?,
        categorical: Text("--categorical", "TRAINER_CATEGORICAL", &flags.categorical).list(),
        ignore: Text("--ignore", "TRAINER_IGNORE", &flags.ignore).list(),
    })
}

fn split(flags: &Flags) -> Result<Split, Error> {
    let data = &flags.data;
    let validation = Text("--validation", "TRAINER_VALIDATION", &data.validation);
    let share =
        validation.given().and_then(|text| text.parse().ok()).filter(|share: &f64| *share > 0.0 && *share < 1.0);
    let validation = match (validation.given(), share) {
        (None, _) => Amount::Default,
        (Some(_), Some(share)) => Amount::Share(share),
        (Some(text), None) => match text.parse().ok().filter(|count| (1..=u32::MAX as usize).contains(count)) {
            Some(count) => Amount::Count(count),
            None => {
                let expected = format!("a whole number from 1 to {}, or a share between 0 and 1", u32::MAX);
                return Err(validation.error(expected));
            }
        },
    };
    Ok(Split {
        scheme: Text("--split", "TRAINER_SPLIT", &data.split).name(&Scheme::ALL, Scheme::HoldOut)?,
        validation,
        folds: Text("--folds", "TRAINER_FOLDS", &data.folds).whole(2, 1000, 5)? as usize,
        repeats: Text("--repeats", "TRAINER_REPEATS", &data.repeats).whole(1, 1000, 1)? as usize,
        only: Text("--repeat", "TRIMTAB_REPEAT", &flags.repeat)
            .maybe_whole(1, 1_000_000)?
            .map(|repeat| repeat as usize),
        seed: Text("--split-seed", "TRAINER_SPLIT_SEED", &data.split_seed).whole(0, u64::MAX, 0)?,
        train_limit: Text("--train-limit", "TRAINER_TRAIN_LIMIT", &data.train_limit)
            .maybe_whole(1, u32::MAX.into())?
            .map(|limit| limit as usize),
    })
}

fn metrics(text: &Text<'_>) -> Result<Vec<Metric>, Error> {
    let parsed: Option<Vec<Metric>> = text.list().iter().map(|name| Metric::parse(name)).collect();
    parsed.ok_or_else(|| {
        let all = Metric::CLASSIFICATION.into_iter().chain(Metric::REGRESSION);
        let names: Vec<String> = all.map(Metric::name).collect();
        text.error(format!("names with commas between, of top_K, {}", names.join(", ")))
    })
}

fn hypergradients(text: &Text<'_>) -> Result<Vec<Parameter>, Error> {
    let mut parameters = Vec::new();
    for name in text.list() {
        let found = Parameter::ALL.iter().find(|(known, _)| *known == name).map(|&(_, parameter)| parameter);
        match found {
            Some(parameter) if parameters.contains(&parameter) => {}
            Some(parameter) => parameters.push(parameter),
            None => {
                let names: Vec<_> = Parameter::ALL.iter().map(|(name, _)| *name).collect();
                return Err(text.error(format!("names with commas between, of {}", names.join(", "))));
            }
        }
    }
    Ok(parameters)
}

/// The CPUs that the process may use: the smallest of the machine's, its affinity's and its cgroup's quota.
fn available_threads() -> u64 {
    thread::available_parallelism().map_or(1, |threads: NonZero<usize>| threads.get() as u64)
}

/// Where Fashion-MNIST is fetched from.
#[must_use]
pub fn source(flags: &SourceFlags) -> String {
    Text("--source", "TRAINER_SOURCE", &flags.source).given().unwrap_or(fetch::PUBLISHER).to_owned()
}

/// Where Fashion-MNIST is, and from where it is fetched if it is not installed. A process without a folder for a user's files
/// fetches nothing: it is a trial, and its data is mounted.
fn usual_data(installed: &Path, cache: Option<PathBuf>, source: &str) -> (PathBuf, Option<String>) {
    match cache {
        Some(cache) if !installed.exists() => (cache.join("trimtab/fashion-mnist"), Some(source.to_owned())),
        _ => (installed.to_owned(), None),
    }
}

/// The folder of a user's files that can be made anew (XDG Base Directory Specification).
fn cache() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

/// A path, unless it is empty.
fn path(value: Option<&OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests;
