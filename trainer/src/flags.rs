//! The command line, as text: what the values mean, `settings` says.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

/// Trains an image classifier: the worked example of a Trimtab trial.
#[derive(Debug, Parser)]
#[command(name = "trimtab-trainer", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Trains a fully connected network on images in the IDX format (Fashion-MNIST and its family).
    ///
    /// Every flag can be given by its environment variable instead; an empty value counts as absent.
    Train(Box<Flags>),
}

// The values are text here, because clap takes an empty environment variable for a bad value and does not name the
// variable in its error.
/// The flags of `train`.
#[derive(Args, Clone, Debug, Default)]
#[command(allow_negative_numbers = true)]
pub struct Flags {
    /// Folder with the four IDX files, plain or compressed with gzip [default: /usr/share/datasets/fashion-mnist]
    #[arg(long, env = "TRAINER_DATA", value_name = "DIR")]
    pub data: Option<OsString>,
    /// The epoch after which this run ends, counted from the trial's beginning [default: 10]
    #[arg(long, env = "TRIMTAB_FIDELITY", value_name = "N")]
    pub epochs: Option<String>,
    /// Seed of the weights, the order of the images and the dropout [default: 0]
    #[arg(long, env = "TRIMTAB_SEED", value_name = "N")]
    pub seed: Option<String>,
    /// Folder to keep the checkpoint in; a complete one that is there already is continued
    #[arg(long, env = "TRIMTAB_CHECKPOINT", value_name = "DIR")]
    pub checkpoint: Option<OsString>,
    /// Folder with the checkpoint to start from; it is only read
    #[arg(long, env = "TRIMTAB_RESUME", value_name = "DIR")]
    pub resume: Option<OsString>,

    /// Hidden layers, 1 to 8 [default: 2]
    #[arg(long, env = "PARAM_LAYERS", value_name = "N", help_heading = "Parameters")]
    pub layers: Option<String>,
    /// Width of each hidden layer, 1 to 8192 [default: 256]
    #[arg(long, env = "PARAM_HIDDEN_UNITS", value_name = "N", help_heading = "Parameters")]
    pub hidden_units: Option<String>,
    /// relu, gelu, tanh, sigmoid or silu [default: relu]
    #[arg(long, env = "PARAM_ACTIVATION", value_name = "NAME", help_heading = "Parameters")]
    pub activation: Option<String>,
    /// Share of each hidden layer's outputs that is dropped, from 0 to below 1 [default: 0]
    #[arg(long, env = "PARAM_DROPOUT", value_name = "X", help_heading = "Parameters")]
    pub dropout: Option<String>,
    /// sgd or adam [default: adam]
    #[arg(long, env = "PARAM_OPTIMIZER", value_name = "NAME", help_heading = "Parameters")]
    pub optimizer: Option<String>,
    /// Momentum of sgd, from 0 to below 1; adam has none [default: 0.9]
    #[arg(long, env = "PARAM_MOMENTUM", value_name = "X", help_heading = "Parameters")]
    pub momentum: Option<String>,
    /// Learning rate, above 0 [default: 0.001]
    #[arg(long, env = "PARAM_LEARNING_RATE", value_name = "X", help_heading = "Parameters")]
    pub learning_rate: Option<String>,
    /// Images in a batch, 1 to 65536 [default: 128]
    #[arg(long, env = "PARAM_BATCH_SIZE", value_name = "N", help_heading = "Parameters")]
    pub batch_size: Option<String>,
    /// L2 penalty, added to the gradient of each weight and bias [default: 0]
    #[arg(long, env = "PARAM_WEIGHT_DECAY", value_name = "X", help_heading = "Parameters")]
    pub weight_decay: Option<String>,

    /// Training images held out for validation [default: 10000]
    #[arg(long, env = "TRAINER_VALIDATION", value_name = "N", help_heading = "Data")]
    pub validation: Option<String>,
    /// Decides which images are held out; the same for all trials of a study [default: 0]
    #[arg(long, env = "TRAINER_SPLIT_SEED", value_name = "N", help_heading = "Data")]
    pub split_seed: Option<String>,
    /// Train on this many of the remaining images only [default: all]
    #[arg(long, env = "TRAINER_TRAIN_LIMIT", value_name = "N", help_heading = "Data")]
    pub train_limit: Option<String>,
    /// Measure the test files too, at the end
    #[arg(long, help_heading = "Data")]
    pub test: bool,

    /// cpu, or cuda or vulkan where they were built in [default: cpu]
    #[arg(long, env = "TRAINER_DEVICE", value_name = "NAME", help_heading = "Machine")]
    pub device: Option<String>,
    /// Threads on the CPU [default: the CPUs that the process may use, its cgroup's limit included]
    #[arg(long, env = "TRAINER_THREADS", value_name = "N", help_heading = "Machine")]
    pub threads: Option<String>,
}
