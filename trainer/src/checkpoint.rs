//! A trial's progress on disk: weights, the optimizer's state and the epoch that they belong to.
//!
//! A checkpoint is a manifest, `checkpoint.json`, and the two files that it names, in burn's own format. The files of an
//! epoch have names of their own and are on disk before the manifest is renamed into its place, so at any moment the
//! manifest names complete files of one epoch. Their lengths and checksums are in it, for the disk's own faults.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use burn_pack::{Reader, Writer};
use serde::{Deserialize, Serialize};

use crate::data::Identity;
use crate::model::Architecture;
use crate::report::Line;
use crate::training::Training;

/// The manifest's name.
const MANIFEST: &str = "checkpoint.json";
/// The version of the format. Another one is refused.
const FORMAT: u32 = 1;

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
    /// The data that it was trained on.
    pub data: Identity,
    /// What was printed for the epoch.
    pub line: Line,
    /// The weights.
    model: Entry,
    /// The optimizer's state.
    state: Entry,
}

/// A file that belongs to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    file: String,
    bytes: u64,
    crc32: u32,
}

impl Entry {
    fn of(file: String, content: &[u8]) -> Self {
        Self { file, bytes: content.len() as u64, crc32: crc32fast::hash(content) }
    }
}

/// A checkpoint that was read and found whole.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    /// What it says about itself.
    pub manifest: Manifest,
    model: Vec<u8>,
    state: Vec<u8>,
}

impl Checkpoint {
    /// Reads the checkpoint in `folder`, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or is not whole.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(MANIFEST);
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
        let model = read_entry(folder, &manifest.model)?;
        let state = read_entry(folder, &manifest.state)?;
        Ok(Some(Self { folder: folder.to_owned(), manifest, model, state }))
    }

    /// Puts the checkpoint's weights and state into `training`, which must be of the same network, optimizer and data.
    ///
    /// # Errors
    /// If it is not.
    pub fn restore(self, training: &mut Training<'_>, optimizer: &str, data: &Identity) -> Result<(), Error> {
        self.require("the network", &self.manifest.architecture, &training.architecture)?;
        self.require("the optimizer", self.manifest.optimizer.as_str(), optimizer)?;
        self.require("the data", &self.manifest.data, data)?;
        let unusable = |file: &str| {
            let path = self.folder.join(file);
            move |error: RecordError| Error::Damaged { path, reason: error.to_string() }
        };
        let (model, state) = (&self.manifest.model.file, &self.manifest.state.file);
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(self.model)).map_err(unusable(model))?;
        training.network = training.network.clone().try_load_record(record).map_err(unusable(model))?;
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(self.state)).map_err(unusable(state))?;
        training.optimizer.0 = training.optimizer.0.clone().load_record(record);
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

/// Writes a checkpoint of `training` after the epoch of `line`, in the place of the one that `folder` holds.
///
/// # Errors
/// If it cannot be written; the earlier one is then still there.
pub fn write(
    folder: &Path,
    training: &Training<'_>,
    optimizer: &str,
    data: &Identity,
    line: &Line,
) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let epoch = line.epoch;
    let model = training.network.valid().into_record().into_bytes().map_err(Error::Pack)?;
    let state = training.optimizer.0.into_bytes().and_then(in_order).map_err(Error::Pack)?;
    let (model_file, state_file) = (format!("model-{epoch}.bpk"), format!("optimizer-{epoch}.bpk"));
    let manifest = Manifest {
        format: FORMAT,
        epoch,
        architecture: training.architecture.clone(),
        optimizer: optimizer.to_owned(),
        data: data.clone(),
        line: line.clone(),
        model: Entry::of(model_file, &model),
        state: Entry::of(state_file, &state),
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::Write { path: folder.join(MANIFEST), source: error.into() })?;
    put(folder, &manifest.model.file, &model)?;
    put(folder, &manifest.state.file, &state)?;
    sync(folder)?;
    put(folder, MANIFEST, &text)?;
    sync(folder)?;
    remove_others(folder, &manifest);
    Ok(())
}

/// The same records, sorted by name: burn gives them in the order of a hash map, and equal states should be equal files.
fn in_order(bytes: Bytes) -> Result<Bytes, RecordError> {
    let reader = Reader::from_bytes(bytes)?;
    let (scalars, metadata) = (reader.scalars().clone(), reader.metadata().clone());
    let mut tensors = reader.into_tensors()?;
    tensors.sort_by(|left, right| left.name.cmp(&right.name));
    let mut writer = Writer::new(tensors);
    for (key, value) in &scalars {
        writer = writer.with_scalar(key, *value);
    }
    for (key, value) in &metadata {
        writer = writer.with_metadata(key, value);
    }
    Ok(writer.into_bytes()?)
}

/// Writes a file under another name, waits until it is on disk, and renames it.
fn put(folder: &Path, name: &str, content: &[u8]) -> Result<(), Error> {
    let (path, temporary) = (folder.join(name), folder.join(format!("{name}.tmp")));
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    };
    write().map_err(|source| Error::Write { path: path.clone(), source })
}

/// Waits until the folder's entries are on disk. Some network volumes cannot: there, a rename is all that can be had.
fn sync(folder: &Path) -> Result<(), Error> {
    let opened = File::open(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    match opened.sync_all() {
        Err(source) if !matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(Error::Write { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Removes what earlier epochs and interrupted writes left. A file that stays is only a waste of space.
fn remove_others(folder: &Path, manifest: &Manifest) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let ours = ["model-", "optimizer-", MANIFEST].iter().any(|start| name.starts_with(start))
            && [".bpk", ".tmp"].iter().any(|end| name.ends_with(end));
        if ours && name != manifest.model.file && name != manifest.state.file {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Reads a file that the manifest names and compares it with what the manifest says.
fn read_entry(folder: &Path, entry: &Entry) -> Result<Vec<u8>, Error> {
    let path = folder.join(&entry.file);
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    // The name is data: it must not lead out of the folder.
    if Path::new(&entry.file).file_name().is_none_or(|name| name != entry.file.as_str()) {
        return Err(damaged("its manifest names a file elsewhere".to_owned()));
    }
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged("it is missing".to_owned()));
        }
        Err(source) => return Err(Error::Read { path, source }),
    };
    if content.len() as u64 != entry.bytes {
        return Err(damaged(format!("expected {} bytes, found {}", entry.bytes, content.len())));
    }
    let crc32 = crc32fast::hash(&content);
    if crc32 != entry.crc32 {
        return Err(damaged(format!("expected the checksum {:#010x}, found {crc32:#010x}", entry.crc32)));
    }
    Ok(content)
}
