//! A run of a trial: from where it was left, epoch by epoch, to where it ends.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use burn::module::Module;

use crate::checkpoint::{self, Checkpoint};
use crate::data::{self, Dataset};
use crate::optimization::Method;
use crate::report::{Line, metric, remark};
use crate::settings::Settings;
use crate::signals::{self, Stop};
use crate::training::Training;

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data set.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// Nobody reads what it prints.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// 2 if the same run can never succeed, 1 if it may.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Data(_) | Self::Checkpoint(checkpoint::Error::Mismatch { .. }) => 2,
            Self::Checkpoint(_) | Self::Output(_) => 1,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It trained as far as it was told.
    Complete,
    /// The loss is no number any more.
    Diverged,
    /// A signal asked it to stop.
    Stopped(i32),
}

impl Ending {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Complete => 0,
            Self::Diverged => 3,
            Self::Stopped(signal) => 128 + signal,
        }
    }
}

/// Trains as `settings` say and prints what comes of it to `out`.
///
/// # Errors
/// If the data, the checkpoint or the output cannot be used.
pub fn run(settings: &Settings, out: &mut dyn Write, stop: &Stop) -> Result<Ending, Error> {
    let found = find(settings, out)?;
    let data = Dataset::read(&settings.data, &settings.split)?;
    let mut training = Training::new(settings, &data);
    introduce(settings, &data, &training, out)?;

    let optimizer = settings.method.name();
    let mut reached = 0;
    if let Some(Found { checkpoint, own }) = found {
        let line = checkpoint.manifest.line.clone();
        reached = checkpoint.manifest.epoch;
        checkpoint.restore(&mut training, optimizer, &data.identity)?;
        if own && reached <= settings.epochs || reached == settings.epochs {
            // A run was cut off between saving the epoch and printing it, or its output was lost: say it again. The same line
            // twice counts once, and a run without a line would look like one that measures nothing.
            line.print(out)?;
        }
        if !own
            && reached >= settings.epochs
            && let Some(folder) = &settings.checkpoint
        {
            // Whoever resumes from this run looks into its own folder.
            checkpoint::write(folder, &training, optimizer, &data.identity, &line)?;
        }
    }
    if reached >= settings.epochs {
        remark(out, &format!("nothing to do, epoch {reached} is reached and {} was asked", settings.epochs))?;
    }

    for epoch in reached + 1..=settings.epochs {
        let start = Instant::now();
        let trained = training.epoch(epoch, stop);
        let Some((loss, validation)) = trained.and_then(|loss| Some((loss, training.measure(None, stop)?))) else {
            return stopped(stop, epoch - 1, out);
        };
        let line = Line {
            epoch,
            loss,
            val_accuracy: validation.accuracy,
            val_loss: validation.loss,
            seconds: start.elapsed().as_secs_f64(),
        };
        if line.diverged() {
            // It is not saved: the last good epoch is worth more than weights that are no numbers.
            line.print(out)?;
            remark(out, &format!("diverged in epoch {epoch}, the loss is no finite number"))?;
            return Ok(Ending::Diverged);
        }
        if let Some(folder) = &settings.checkpoint {
            checkpoint::write(folder, &training, optimizer, &data.identity, &line)?;
        }
        line.print(out)?;
    }
    if settings.test {
        let part = data.read_test(&settings.data)?;
        let Some(measure) = training.measure(Some(&part), stop) else {
            return stopped(stop, settings.epochs, out);
        };
        writeln!(out, "test_accuracy={} test_loss={}", metric(measure.accuracy), metric(measure.loss))?;
        out.flush()?;
    }
    Ok(Ending::Complete)
}

/// The checkpoint that a run begins with.
struct Found {
    checkpoint: Checkpoint,
    /// Whether this very run wrote it.
    own: bool,
}

/// Finds it: the run's own if it is whole, else the one to resume from, which must be.
fn find(settings: &Settings, out: &mut dyn Write) -> Result<Option<Found>, Error> {
    if let Some(folder) = &settings.checkpoint {
        match Checkpoint::read(folder) {
            Ok(Some(checkpoint)) => {
                resumed(out, checkpoint.manifest.epoch, folder)?;
                return Ok(Some(Found { checkpoint, own: true }));
            }
            Ok(None) => {}
            // Work is lost, but the trial can still be trained, and this checkpoint will be replaced.
            Err(checkpoint::Error::Damaged { path, reason }) => {
                remark(out, &format!("the checkpoint {} is damaged and left out, {reason}", path.display()))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let Some(folder) = &settings.resume else {
        return Ok(None);
    };
    // To begin again would cost the user what the checkpoint was to save, so anything wrong with it is an error.
    let missing = || checkpoint::Error::Missing { folder: folder.clone() };
    let checkpoint = Checkpoint::read(folder)?.ok_or_else(missing)?;
    resumed(out, checkpoint.manifest.epoch, folder)?;
    Ok(Some(Found { checkpoint, own: false }))
}

fn resumed(out: &mut dyn Write, epoch: u32, folder: &Path) -> io::Result<()> {
    remark(out, &format!("resumed from epoch {epoch} of {}", folder.display()))
}

fn stopped(stop: &Stop, epoch: u32, out: &mut dyn Write) -> Result<Ending, Error> {
    let signal = stop.signal().unwrap_or_default();
    remark(out, &format!("stopped by {} after epoch {epoch}", signals::name(signal)))?;
    Ok(Ending::Stopped(signal))
}

/// Says what is trained, on what, with what.
fn introduce(settings: &Settings, data: &Dataset, training: &Training<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let widths: Vec<String> = training.architecture.widths().iter().map(usize::to_string).collect();
    let (network, activation) = (widths.join("-"), settings.activation.name());
    let parameters = training.network.num_params();
    remark(out, &format!("network {network} {activation}, {parameters} parameters"))?;
    let optimizer = match settings.method {
        Method::Sgd { momentum } => format!("sgd with momentum {momentum}"),
        Method::Adam => "adam".to_owned(),
    };
    let Settings { learning_rate, batch_size, weight_decay, dropout, seed, .. } = settings;
    remark(
        out,
        &format!(
            "{optimizer}, learning rate {learning_rate}, batches of {batch_size}, weight decay {weight_decay}, \
             dropout {dropout}, seed {seed}"
        ),
    )?;
    let (train, validation) = (data.train.len(), data.validation.len());
    let (device, threads) = (settings.device.name(), settings.threads);
    let plural = if threads == 1 { "" } else { "s" };
    remark(out, &format!("{train} images, {validation} more for validation, on {device}, {threads} thread{plural}"))?;
    Ok(())
}
