//! A trial's progress on disk: weights, the optimizer's state and the epoch that they belong to.
//!
//! A checkpoint is a manifest, `checkpoint.json`, and the files that it names, two for each fold, in burn's own format. The files of an
//! epoch have names of their own and are on disk before the manifest is renamed into its place, so at any moment the
//! manifest names complete files of one epoch. Their lengths and checksums are in it, for the disk's own faults.
//!
//! Beside it there may be one more, `within.json`, of the epoch that is under way. It takes nothing from the first: only a run that is
//! to do the rest of that epoch in the same way goes on from there, and for everybody else the folder holds whole epochs.

mod files;
pub mod within;
mod writing;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use crate::data::{Identity, Preparation};
use crate::hypergradient::Parameter;
use crate::model::Architecture;
use crate::report::Line;
use crate::settings::Settings;
use crate::stopping::Progress;
use crate::training::Training;

use files::{Entry, read_entry};
use within::Within;
pub use writing::{Known, write};

/// The manifest's name.
const MANIFEST: &str = "checkpoint.json";
/// The name of the one of the epoch that is under way.
const WITHIN: &str = "within.json";
/// The version of the format. Another one is refused.
const FORMAT: u32 = 2;

/// What can be wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be written.
    #[error("cannot write the checkpoint {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("cannot read the checkpoint {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was told to resume from a folder without one.
    #[error("{folder} holds no checkpoint")]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// It is torn or was altered.
    #[error("the checkpoint {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that shows.
        reason: String,
    },
    /// It is whole, but of another network, optimizer or data set.
    #[error("the checkpoint in {folder} is of {what} {found}, but this run has {expected}")]
    Mismatch {
        /// The folder.
        folder: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the checkpoint has.
        found: String,
        /// What this run has.
        expected: String,
    },
    /// burn cannot write its own state.
    #[error("cannot pack the weights: {0}")]
    Pack(RecordError),
}

/// What a checkpoint says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    format: u32,
    /// The epochs that are trained.
    pub epoch: u32,
    /// The shape of the network.
    pub architecture: Architecture,
    /// The method of descent whose state is kept.
    pub optimizer: String,
    /// The data that each fold was trained on.
    pub data: Vec<Identity>,
    /// What each fold's training part taught about the data.
    pub preparation: Vec<Preparation>,
    /// The parameters whose hypergradients are followed.
    #[serde(default)]
    pub hypergradients: Vec<Parameter>,
    /// What was printed for the epoch; before the first there is nothing.
    #[serde(default)]
    pub line: Option<Line>,
    /// What early stopping remembers.
    pub progress: Progress,
    /// What is known of the epoch that is under way, in the manifest of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// The weights of each fold.
    models: Vec<Entry>,
    /// The optimizer's state of each fold.
    states: Vec<Entry>,
    /// The training in double precision of each fold, where hypergradients are followed.
    #[serde(default)]
    slopes: Vec<Entry>,
}

/// A checkpoint that was read and found whole.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    /// What it says about itself.
    pub manifest: Manifest,
    models: Vec<Vec<u8>>,
    states: Vec<Vec<u8>>,
    slopes: Vec<Vec<u8>>,
}

impl Checkpoint {
    /// Reads the checkpoint of whole epochs in `folder`, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or is not whole.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        Self::read_one(folder, MANIFEST)
    }

    /// Reads the checkpoint of an epoch under way in `folder`, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or is not whole.
    pub fn read_within(folder: &Path) -> Result<Option<Self>, Error> {
        Self::read_one(folder, WITHIN)
    }

    fn read_one(folder: &Path, name: &str) -> Result<Option<Self>, Error> {
        let path = folder.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(damaged(format!("expected format {FORMAT}, found {}", manifest.format)));
        }
        let folds = manifest.data.len();
        let slopes = if manifest.hypergradients.is_empty() { 0 } else { folds };
        let counts = [manifest.models.len(), manifest.states.len(), manifest.preparation.len()];
        if folds == 0 || counts != [folds; 3] || manifest.slopes.len() != slopes {
            return Err(damaged("its manifest is not of one number of folds".to_owned()));
        }
        let is_what_it_is = match name {
            MANIFEST => manifest.within.is_none() && manifest.line.is_some(),
            _ => manifest.within.is_some(),
        };
        if !is_what_it_is {
            return Err(damaged("its manifest is of something else".to_owned()));
        }
        let read = |entries: &[Entry]| -> Result<Vec<Vec<u8>>, Error> {
            entries.iter().map(|entry| read_entry(folder, entry)).collect()
        };
        let (models, states, slopes) = (read(&manifest.models)?, read(&manifest.states)?, read(&manifest.slopes)?);
        Ok(Some(Self { folder: folder.to_owned(), manifest, models, states, slopes }))
    }

    /// Puts the checkpoint's weights and states into `folds`, which must be of the same network, optimizer and data, and of which
    /// `measured` values are known after an epoch.
    ///
    /// # Errors
    /// If they are not.
    pub fn restore(self, folds: &mut [Training<'_>], settings: &Settings, measured: usize) -> Result<(), Error> {
        for training in folds.iter() {
            self.require("the network", &self.manifest.architecture, &training.architecture)?;
        }
        self.require("the optimizer", self.manifest.optimizer.as_str(), settings.optimization.method.name())?;
        let hypergradients = settings.hypergradients.as_slice();
        self.require("the hypergradients", self.manifest.hypergradients.as_slice(), hypergradients)?;
        let data: Vec<&Identity> = folds.iter().map(|training| &training.data.identity).collect();
        self.require("the data", &self.manifest.data.iter().collect(), &data)?;
        if let Some(within) = self.manifest.within.as_ref().filter(|within| !within.fits(folds, measured)) {
            let reason =
                format!("{} is more than there is in an epoch", within.how_far(self.manifest.epoch, folds.len()));
            return Err(Error::Damaged { path: self.folder.join(WITHIN), reason });
        }
        let unusable = |entry: &Entry| {
            let path = self.folder.join(&entry.file);
            move |error: RecordError| Error::Damaged { path, reason: error.to_string() }
        };
        for (training, (bytes, entry)) in folds.iter_mut().zip(self.slopes.iter().zip(&self.manifest.slopes)) {
            let path = self.folder.join(&entry.file);
            let reason = || "it is not of a network like this".to_owned();
            let trajectory = training.trajectory.as_ref().and_then(|trajectory| trajectory.with_bytes(bytes));
            training.trajectory = Some(trajectory.ok_or_else(|| Error::Damaged { path, reason: reason() })?);
        }
        let models = self.models.into_iter().zip(&self.manifest.models);
        let states = self.states.into_iter().zip(&self.manifest.states);
        for (training, ((model, model_entry), (state, state_entry))) in folds.iter_mut().zip(models.zip(states)) {
            let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(model)).map_err(unusable(model_entry))?;
            let network = training.network.clone().try_load_record(record);
            training.network = network.map_err(unusable(model_entry))?;
            let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(state)).map_err(unusable(state_entry))?;
            training.optimizer.0 = training.optimizer.0.clone().load_record(record);
        }
        Ok(())
    }

    fn require<T: PartialEq + Serialize + ?Sized>(
        &self,
        what: &'static str,
        found: &T,
        expected: &T,
    ) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        let text = |value: &T| serde_json::to_string(value).unwrap_or_default();
        let (found, expected) = (text(found), text(expected));
        Err(Error::Mismatch { folder: self.folder.clone(), what, found, expected })
    }
}
