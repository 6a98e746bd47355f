//! A run of a trial: from where it was left, epoch by epoch, to where it ends.

mod epoch;
mod found;
mod introduction;
mod measure;
mod room;
mod watch;

use std::io::{self, Write};
use std::time::Instant;

use crate::checkpoint::within::{Within, recipe};
use crate::checkpoint::{self, Known};
use crate::data::{self, Dataset, Source};
use crate::fetch::{self, FASHION_MNIST};
use crate::model_file;
use crate::report::{Line, mean_and_error, metric, remark};
use crate::settings::Settings;
use crate::signals::{self, Stop};
use crate::stopping::Progress;
use crate::team::Team;
use crate::training::Training;
use measure::{Measure, metrics, values};

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data set.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The data set could not be fetched.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// The file of a model.
    #[error(transparent)]
    Model(#[from] model_file::Error),
    /// What was asked for does not suit the data.
    #[error("{0}")]
    Unsuitable(String),
    /// The system gives it no threads.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Nobody reads what it prints.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// 2 if the same run can never succeed, 1 if it may.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Data(_)
            | Self::Unsuitable(_)
            | Self::Checkpoint(checkpoint::Error::Mismatch { .. })
            | Self::Model(model_file::Error::Read { .. } | model_file::Error::Unusable { .. }) => 2,
            Self::Fetch(_)
            | Self::Checkpoint(_)
            | Self::Model(model_file::Error::Write { .. })
            | Self::Threads(_)
            | Self::Output(_) => 1,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It trained as far as it was told, or as far as made sense.
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
pub fn run(settings: &Settings, out: &mut (dyn Write + Send), stop: &Stop) -> Result<Ending, Error> {
    // Before anything is read or fetched.
    settings.machine.device.open().map_err(|missing| Error::Unsuitable(missing.to_string()))?;
    let team = Team::new(settings.machine.threads)?;
    team.lead(|| run_by(&team, settings, out, stop))
}

fn run_by(team: &Team, settings: &Settings, out: &mut dyn Write, stop: &Stop) -> Result<Ending, Error> {
    let found = found::find(settings, out)?;
    if let Some(from) = &settings.fetch
        && !fetch::fetch(from, &settings.data, &FASHION_MNIST, out, stop)?
    {
        return Ok(Ending::Stopped(stop.signal().unwrap_or_default()));
    }
    let source = Source::read(&settings.data, &settings.options)?;
    if settings.test && matches!(source, Source::Table(_)) {
        let text =
            "--test needs a folder with test files; of a table, `evaluate` measures a saved model on another one";
        return Err(Error::Unsuitable(text.to_owned()));
    }
    let folds = settings.split.folds(&source.rows())?.into_iter();
    let data: Result<Vec<Dataset>, _> = folds.map(|fold| Dataset::new(&source, fold, settings.split.seed)).collect();
    let data = data?;
    if settings.save.is_some() && data.len() > 1 {
        let text = "--save needs one network; several folds train one each: choose one with --repeat";
        return Err(Error::Unsuitable(text.to_owned()));
    }
    room::require(settings, &data)?;
    let trainings: Result<Vec<_>, _> = data.iter().map(|data| Training::new(settings, data, team)).collect();
    let mut run = Run {
        settings,
        folds: trainings.map_err(Error::Unsuitable)?,
        metrics: metrics(settings, &data[0])?,
        progress: Progress::default(),
        reached: 0,
        line: None,
        within: Within { recipe: recipe(settings), ..Within::default() },
        began: Instant::now(),
        kept: (0, 0),
        kept_at: Instant::now(),
    };
    introduction::introduce(settings, &source, &run.folds, out)?;
    run.restore(found, out, stop)?;
    run.train(out, stop)
}

/// A run under way.
struct Run<'a> {
    settings: &'a Settings,
    folds: Vec<Training<'a>>,
    metrics: Vec<(String, Measure)>,
    progress: Progress,
    /// The epochs that are trained.
    reached: u32,
    /// What the last of them came to.
    line: Option<Line>,
    /// The epoch that is under way.
    within: Within,
    /// When it began, or this run began to go on with it.
    began: Instant,
    /// How far it was when it was kept for the last time: networks, and batches of the next one.
    kept: (usize, usize),
    /// When anything was kept for the last time.
    kept_at: Instant,
}

impl Run<'_> {
    /// Trains to the end, and does what is to be done there.
    fn train(&mut self, out: &mut dyn Write, stop: &Stop) -> Result<Ending, Error> {
        let settings = self.settings;
        while self.reached < settings.epochs && !self.is_over() {
            let epoch = self.reached + 1;
            self.began = Instant::now();
            let Some(line) = self.epoch(epoch, out, stop)? else {
                self.keep_if_new(stop)?;
                return stopped(stop, &self.within.how_far(self.reached, self.folds.len()), out);
            };
            if line.diverged() {
                // It is not saved: the last good epoch is worth more than weights that are no numbers.
                self.say(&line, out)?;
                if let Some(repeat) = settings.split.only {
                    line.print_repeat(repeat, out)?;
                }
                remark(out, &format!("diverged in epoch {epoch}, the loss is no finite number"))?;
                return Ok(Ending::Diverged);
            }
            if let Some(patience) = &settings.patience {
                self.progress.see(patience, &line);
            }
            self.reached = epoch;
            self.line = Some(line.clone());
            self.within = Within { recipe: self.within.recipe.clone(), ours: true, ..Within::default() };
            self.save_progress(stop)?;
            self.say(&line, out)?;
        }
        if self.reached < settings.epochs
            && let Some(patience) = &settings.patience
        {
            let (name, epochs) = (&patience.metric, patience.epochs);
            let best = self.progress.epoch;
            remark(
                out,
                &format!(
                    "stopped early after epoch {}, {name} was best {epochs} epochs ago, in epoch {best}",
                    self.reached
                ),
            )?;
        }
        self.end(out, stop)
    }

    /// The result of a single fold, the test files, the model.
    fn end(&self, out: &mut dyn Write, stop: &Stop) -> Result<Ending, Error> {
        let settings = self.settings;
        if let (Some(repeat), Some(line)) = (settings.split.only, &self.line) {
            line.print_repeat(repeat, out)?;
        }
        if settings.test {
            let mut results = Vec::new();
            for training in &self.folds {
                let (samples, _) = data::read_other(&settings.data, &training.data.preparation, true)?;
                let rows: Vec<u32> = (0..samples.len() as u32).collect();
                let Some(evaluation) = training.measure(&samples, &rows, stop) else {
                    return stopped(stop, &format!("epoch {}", self.reached), out);
                };
                results.push(values(&self.metrics, &evaluation, &[]));
            }
            let mut fields = Vec::new();
            let measured = |measure: &Measure| !matches!(measure, Measure::Hypergradient(_));
            for (place, (name, _)) in self.metrics.iter().enumerate().filter(|(_, (_, measure))| measured(measure)) {
                let (mean, _) = mean_and_error(&results.iter().map(|values| values[place]).collect::<Vec<f64>>());
                fields.push(format!("{}={}", name.replacen("val_", "test_", 1), metric(mean)));
            }
            writeln!(out, "{}", fields.join(" "))?;
            out.flush()?;
        }
        if let (Some(path), Some(training)) = (&settings.save, self.folds.first()) {
            let Training { network, architecture, data, .. } = training;
            model_file::write(path, network, architecture, &data.preparation, self.reached)?;
            remark(out, &format!("the model is in {}", path.display()))?;
        }
        Ok(Ending::Complete)
    }

    /// Whether training has ended by itself.
    fn is_over(&self) -> bool {
        let patience = self.settings.patience.as_ref();
        self.reached > 0 && patience.is_some_and(|patience| self.progress.is_over(patience, self.reached))
    }

    /// Writes a checkpoint, with what is known of the epoch under way if that has begun.
    fn save_progress(&mut self, stop: &Stop) -> Result<(), Error> {
        let Self { settings, folds, reached, line, progress, within, .. } = self;
        if let Some(folder) = &settings.checkpoint {
            let within = Some(&*within).filter(|within| !within.is_empty());
            let known = Known { epoch: *reached, line: line.as_ref(), progress, within };
            stop.while_writing(|| checkpoint::write(folder, folds, settings, known))?;
        }
        (self.kept, self.kept_at) = (self.within.place(), Instant::now());
        Ok(())
    }

    /// Prints an epoch: as metrics, or, where the unit of fidelity is the fold, as a remark.
    fn say(&self, line: &Line, out: &mut dyn Write) -> io::Result<()> {
        match self.settings.split.only {
            None => line.print(out),
            Some(_) => remark(out, &format!("epoch {}{}", line.epoch, line.fields(' '))),
        }
    }
}

fn stopped(stop: &Stop, after: &str, out: &mut dyn Write) -> Result<Ending, Error> {
    let signal = stop.signal().unwrap_or_default();
    remark(out, &format!("stopped by {} after {after}", signals::name(signal)))?;
    Ok(Ending::Stopped(signal))
}
