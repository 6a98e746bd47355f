//! The command line, as text: what the values mean, `settings` says.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

/// Trains networks on images and tables: the worked example of a Trimtab trial.
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
    /// Trains a network on images in the IDX format (Fashion-MNIST and its family) or on a CSV table.
    ///
    /// Every flag can be given by its environment variable instead; an empty value counts as absent. Of a flag that is given
    /// twice the last one counts.
    #[command(args_override_self = true)]
    Train(Box<Flags>),
    /// Measures a saved model on other data, with all metrics.
    Evaluate(UseFlags),
    /// Predicts with a saved model, a line of CSV for each row.
    Predict(UseFlags),
    /// Says what a saved model or a checkpoint is.
    Inspect(InspectFlags),
    /// Fetches Fashion-MNIST from its publisher; what is there already is left alone.
    Fetch(FetchFlags),
}

impl Command {
    /// Where it is computed, if it computes.
    #[must_use]
    pub fn machine(&self) -> Option<&MachineFlags> {
        match self {
            Self::Train(flags) => Some(&flags.machine),
            Self::Evaluate(flags) | Self::Predict(flags) => Some(&flags.machine),
            Self::Inspect(_) | Self::Fetch(_) => None,
        }
    }
}

/// The flags of `evaluate` and `predict`.
#[derive(Args, Clone, Debug, Default)]
pub struct UseFlags {
    /// The file that `train --save` wrote
    #[arg(long, value_name = "FILE")]
    pub model: OsString,
    /// A CSV table, or a folder with the test files of images
    #[arg(long, env = "TRAINER_DATA", value_name = "PATH")]
    pub data: OsString,
    /// Where it is computed.
    #[command(flatten)]
    pub machine: MachineFlags,
}

/// The flags of `inspect`.
#[derive(Args, Clone, Debug, Default)]
pub struct InspectFlags {
    /// The file that `train --save` wrote, or the folder of a checkpoint
    #[arg(long, value_name = "PATH")]
    pub model: OsString,
}

/// The flags of `fetch`.
#[derive(Args, Clone, Debug, Default)]
pub struct FetchFlags {
    /// The folder that the files are put into
    #[arg(long, value_name = "DIR")]
    pub into: OsString,
    /// Where it is fetched from.
    #[command(flatten)]
    pub source: SourceFlags,
}

/// The flag about where Fashion-MNIST comes from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Data")]
pub struct SourceFlags {
    /// Address of a folder that Fashion-MNIST is fetched from [default: that of its publisher]
    #[arg(long, env = "TRAINER_SOURCE", value_name = "URL")]
    pub source: Option<String>,
}

// The values are text here, because clap takes an empty environment variable for a bad value and does not name the
// variable in its error.
/// The flags of `train`.
#[derive(Args, Clone, Debug, Default)]
#[command(allow_negative_numbers = true)]
pub struct Flags {
    /// What is trained on.
    #[command(flatten)]
    pub data: DataFlags,
    /// The epoch after which this run ends, counted from the trial's beginning [default: 10]
    #[arg(long, env = "TRIMTAB_FIDELITY", value_name = "N")]
    pub epochs: Option<String>,
    /// Seed of the weights, the order of the rows and the dropout [default: 0]
    #[arg(long, env = "TRIMTAB_SEED", value_name = "N")]
    pub seed: Option<String>,
    /// Train only this one of all folds and repeats, counted from 1, and print one line at its end
    #[arg(long, env = "TRIMTAB_REPEAT", value_name = "K")]
    pub repeat: Option<String>,
    /// Folder to keep the checkpoint in; a complete one that is there already is continued
    #[arg(long, env = "TRIMTAB_CHECKPOINT", value_name = "DIR")]
    pub checkpoint: Option<OsString>,
    /// Seconds after which the state within a long epoch is kept as well; 0 keeps it after each batch [default: 60]
    #[arg(long, env = "TRAINER_CHECKPOINT_SECONDS", value_name = "X")]
    pub checkpoint_seconds: Option<String>,
    /// Folder with the checkpoint to start from; it is only read
    #[arg(long, env = "TRIMTAB_RESUME", value_name = "DIR")]
    pub resume: Option<OsString>,
    /// File to write the model to at the end, in the safetensors format
    #[arg(long, env = "TRAINER_SAVE", value_name = "FILE")]
    pub save: Option<OsString>,
    /// Metrics to print besides the usual ones, with commas between
    #[arg(long, env = "TRAINER_METRICS", value_name = "NAMES")]
    pub metrics: Option<String>,
    /// After how many batches there is a line within an epoch, besides the one at its end [default: none]
    #[arg(long, env = "TRAINER_EVERY", value_name = "N")]
    pub every: Option<String>,
    /// Print gradient/NAME, the derivative of val_loss, for learning_rate, weight_decay, momentum or l1, with commas between
    #[arg(long, env = "TRAINER_HYPERGRADIENTS", value_name = "NAMES")]
    pub hypergradients: Option<String>,
    /// Measure the test files too, at the end
    #[arg(long)]
    pub test: bool,

    /// The network.
    #[command(flatten)]
    pub model: ModelFlags,
    /// How it learns.
    #[command(flatten)]
    pub learning: LearningFlags,
    /// Where it is computed.
    #[command(flatten)]
    pub machine: MachineFlags,
    /// Parts that a batch is computed in, side by side; sums are rounded by it [default: 1 below 64 rows, then 2 to 8 by the batch]
    #[arg(long, env = "TRAINER_PARTS", value_name = "N", help_heading = "Machine")]
    pub parts: Option<String>,
    /// single, or bfloat16: batches are computed in 16 bits, weights are kept and judged in 32 [default: single]
    #[arg(long, env = "TRAINER_PRECISION", value_name = "NAME", help_heading = "Machine")]
    pub precision: Option<String>,
}

/// The flags about data.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Data")]
pub struct DataFlags {
    /// Folder with IDX files, a CSV table (both plain or compressed with gzip), or generated:NAME [default: Fashion-MNIST, fetched unless it is installed]
    #[arg(long, env = "TRAINER_DATA", value_name = "PATH")]
    pub data: Option<OsString>,
    /// Where it is fetched from.
    #[command(flatten)]
    pub source: SourceFlags,
    /// The column of a table to predict [default: the last]
    #[arg(long, env = "TRAINER_TARGET", value_name = "COLUMN")]
    pub target: Option<String>,
    /// classification or regression [default: by what the target looks like]
    #[arg(long, env = "TRAINER_TASK", value_name = "NAME")]
    pub task: Option<String>,
    /// Columns that are texts although they look like numbers, with commas between
    #[arg(long, env = "TRAINER_CATEGORICAL", value_name = "COLUMNS")]
    pub categorical: Option<String>,
    /// Columns to leave out, with commas between
    #[arg(long, env = "TRAINER_IGNORE", value_name = "COLUMNS")]
    pub ignore: Option<String>,
    /// hold-out, stratified, k-fold, stratified-k-fold or leave-one-out [default: hold-out]
    #[arg(long, env = "TRAINER_SPLIT", value_name = "NAME")]
    pub split: Option<String>,
    /// Rows held out for validation, or their share [default: 10000 images, 0.2 of a table]
    #[arg(long, env = "TRAINER_VALIDATION", value_name = "N")]
    pub validation: Option<String>,
    /// Parts of k-fold [default: 5]
    #[arg(long, env = "TRAINER_FOLDS", value_name = "N")]
    pub folds: Option<String>,
    /// How often the rows are divided anew [default: 1]
    #[arg(long, env = "TRAINER_REPEATS", value_name = "N")]
    pub repeats: Option<String>,
    /// Decides which rows are held out; the same for all trials of a study [default: 0]
    #[arg(long, env = "TRAINER_SPLIT_SEED", value_name = "N")]
    pub split_seed: Option<String>,
    /// Train on this many of the remaining rows only [default: all]
    #[arg(long, env = "TRAINER_TRAIN_LIMIT", value_name = "N")]
    pub train_limit: Option<String>,
}

/// The flags about the network.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network")]
pub struct ModelFlags {
    /// mlp, linear or cnn [default: mlp]
    #[arg(long, env = "PARAM_MODEL", value_name = "NAME")]
    pub model: Option<String>,
    /// Hidden dense layers, 1 to 64 [default: 2, of cnn 1]
    #[arg(long, env = "PARAM_LAYERS", value_name = "N")]
    pub layers: Option<String>,
    /// Width of each hidden layer, 1 to 8192 [default: 256, of cnn 128]
    #[arg(long, env = "PARAM_HIDDEN_UNITS", value_name = "N")]
    pub hidden_units: Option<String>,
    /// The width of each hidden layer, with commas between, instead of the two above
    #[arg(long, env = "PARAM_WIDTHS", value_name = "LIST")]
    pub widths: Option<String>,
    /// relu, leaky-relu, elu, gelu, tanh, sigmoid, silu, mish or softplus [default: relu]
    #[arg(long, env = "PARAM_ACTIVATION", value_name = "NAME")]
    pub activation: Option<String>,
    /// Share of a hidden layer's outputs that is dropped, from 0 to below 1, or one for each layer [default: 0]
    #[arg(long, env = "PARAM_DROPOUT", value_name = "X")]
    pub dropout: Option<String>,
    /// The same of the blocks of cnn [default: 0]
    #[arg(long, env = "PARAM_BLOCK_DROPOUT", value_name = "X")]
    pub block_dropout: Option<String>,
    /// on or off: normalize each hidden layer by its batch [default: off]
    #[arg(long, env = "PARAM_BATCH_NORM", value_name = "SWITCH")]
    pub batch_norm: Option<String>,
    /// auto, he-uniform, he-normal, glorot-uniform, glorot-normal, lecun-uniform, lecun-normal, torch, orthogonal or zeros [default: auto]
    #[arg(long, env = "PARAM_INITIALIZATION", value_name = "NAME")]
    pub initialization: Option<String>,
    /// Channels of each block of cnn, with commas between [default: 32,64]
    #[arg(long, env = "PARAM_CHANNELS", value_name = "LIST")]
    pub channels: Option<String>,
    /// Convolutions of a block [default: 1]
    #[arg(long, env = "PARAM_CONVOLUTIONS", value_name = "N")]
    pub convolutions: Option<String>,
    /// Side of the kernels: 1, 3, 5, 7 or 9 [default: 3]
    #[arg(long, env = "PARAM_KERNEL", value_name = "N")]
    pub kernel: Option<String>,
    /// max, average or none: how a block's image shrinks [default: max]
    #[arg(long, env = "PARAM_POOL", value_name = "NAME")]
    pub pool: Option<String>,
    /// on or off: average the last block's images into one number a channel [default: off]
    #[arg(long, env = "PARAM_GLOBAL_AVERAGE", value_name = "SWITCH")]
    pub global_average: Option<String>,
}

/// The flags about learning.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Learning")]
pub struct LearningFlags {
    /// sgd, nesterov, adam, adamw or rmsprop [default: adam]
    #[arg(long, env = "PARAM_OPTIMIZER", value_name = "NAME")]
    pub optimizer: Option<String>,
    /// Learning rate, above 0 [default: 0.001]
    #[arg(long, env = "PARAM_LEARNING_RATE", value_name = "X")]
    pub learning_rate: Option<String>,
    /// Rows in a batch, 1 to 65536 [default: 128]
    #[arg(long, env = "PARAM_BATCH_SIZE", value_name = "N")]
    pub batch_size: Option<String>,
    /// Momentum, from 0 to below 1; adam has none [default: 0.9, of rmsprop 0]
    #[arg(long, env = "PARAM_MOMENTUM", value_name = "X")]
    pub momentum: Option<String>,
    /// Decay of adam's mean of gradients [default: 0.9]
    #[arg(long, env = "PARAM_BETA1", value_name = "X")]
    pub beta1: Option<String>,
    /// Decay of adam's mean of squared gradients [default: 0.999]
    #[arg(long, env = "PARAM_BETA2", value_name = "X")]
    pub beta2: Option<String>,
    /// Decay of rmsprop's mean of squared gradients [default: 0.99]
    #[arg(long, env = "PARAM_SMOOTHING", value_name = "X")]
    pub smoothing: Option<String>,
    /// Added to the divisor of adam and rmsprop [default: 1e-8]
    #[arg(long, env = "PARAM_EPSILON", value_name = "X")]
    pub epsilon: Option<String>,
    /// Decay of each weight and bias [default: 0]
    #[arg(long, env = "PARAM_WEIGHT_DECAY", value_name = "X")]
    pub weight_decay: Option<String>,
    /// l2 (the decay is added to the gradient) or decoupled [default: l2, of adamw decoupled]
    #[arg(long, env = "PARAM_DECAY", value_name = "NAME")]
    pub decay: Option<String>,
    /// L1 penalty of each weight and bias [default: 0]
    #[arg(long, env = "PARAM_L1", value_name = "X")]
    pub l1: Option<String>,
    /// The most that the norm of all gradients together may be [default: no limit]
    #[arg(long, env = "PARAM_CLIP_NORM", value_name = "X")]
    pub clip_norm: Option<String>,
    /// The most that each gradient may be [default: no limit]
    #[arg(long, env = "PARAM_CLIP_VALUE", value_name = "X")]
    pub clip_value: Option<String>,
    /// constant, step, cosine or one-cycle [default: constant]
    #[arg(long, env = "PARAM_SCHEDULE", value_name = "NAME")]
    pub schedule: Option<String>,
    /// Epochs in which the rate first rises in a line [default: 0]
    #[arg(long, env = "PARAM_WARM_UP", value_name = "N")]
    pub warm_up: Option<String>,
    /// Epochs of a whole training, for the schedule [default: those of this run]
    #[arg(long, env = "TRIMTAB_FIDELITY_MAX", value_name = "N")]
    pub schedule_epochs: Option<String>,
    /// Epochs between the steps of step [default: 10]
    #[arg(long, env = "PARAM_STEP_EPOCHS", value_name = "N")]
    pub step_epochs: Option<String>,
    /// What a step leaves of the rate [default: 0.1]
    #[arg(long, env = "PARAM_STEP_FACTOR", value_name = "X")]
    pub step_factor: Option<String>,
    /// The share of the rate that cosine ends with [default: 0]
    #[arg(long, env = "PARAM_LAST_RATE", value_name = "X")]
    pub last_rate: Option<String>,
    /// mse, mae or huber, for regression [default: mse]
    #[arg(long, env = "PARAM_LOSS", value_name = "NAME")]
    pub loss: Option<String>,
    /// Share of each row's certainty that is spread over all classes [default: 0]
    #[arg(long, env = "PARAM_LABEL_SMOOTHING", value_name = "X")]
    pub label_smoothing: Option<String>,
    /// equal, balanced, or a number for each class, with commas between [default: equal]
    #[arg(long, env = "PARAM_CLASS_WEIGHTS", value_name = "LIST")]
    pub class_weights: Option<String>,
    /// Stop after so many epochs without a better value [default: never]
    #[arg(long, env = "PARAM_PATIENCE", value_name = "N")]
    pub patience: Option<String>,
    /// The value that patience watches [default: val_loss]
    #[arg(long, env = "TRAINER_MONITOR", value_name = "METRIC")]
    pub monitor: Option<String>,
    /// By how much a value must be better to count [default: 0]
    #[arg(long, env = "TRAINER_MARGIN", value_name = "X")]
    pub margin: Option<String>,
}

/// The flags about the machine.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Machine")]
pub struct MachineFlags {
    /// cpu, or cuda or vulkan where they were built in; list says what there is [default: cpu]
    #[arg(long, env = "TRAINER_DEVICE", value_name = "NAME")]
    pub device: Option<String>,
    /// Threads on the CPU [default: the CPUs that the process may use, its cgroup's limit included]
    #[arg(long, env = "TRAINER_THREADS", value_name = "N")]
    pub threads: Option<String>,
}

impl MachineFlags {
    /// Whether they name no device, but ask which there are.
    #[must_use]
    pub fn asks_for_a_list(&self) -> bool {
        self.device.as_deref().is_some_and(|device| device.trim() == "list")
    }
}
