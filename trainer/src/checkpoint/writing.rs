//! How a checkpoint comes to disk: its files first, then the manifest that names them, then what nobody names any more is removed.

use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::store::RecordError;
use burn::tensor::Bytes;
use burn_pack::{Reader, Writer};

use super::files::{Entry, put, sync};
use super::within::Within;
use super::{Error, FORMAT, MANIFEST, Manifest, WITHIN};
use crate::report::Line;
use crate::settings::Settings;
use crate::stopping::Progress;
use crate::training::Training;

/// What stands in the names of files that belong to an epoch under way.
const AFTER: &str = "-after-";

/// What is known of a training besides its networks.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The epochs that are trained.
    pub epoch: u32,
    /// What was printed for the last of them.
    pub line: Option<&'a Line>,
    /// What early stopping remembers.
    pub progress: &'a Progress,
    /// Of the epoch under way, if the networks have begun with it.
    pub within: Option<&'a Within>,
}

/// Writes a checkpoint of `folds`. One of whole epochs takes the place of all that `folder` holds, one of an epoch under way that of
/// another such.
///
/// # Errors
/// If it cannot be written; the earlier ones are then still there.
pub fn write(folder: &Path, folds: &[Training<'_>], settings: &Settings, known: Known<'_>) -> Result<(), Error> {
    let Some(first) = folds.first() else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let Known { epoch, line, progress, within } = known;
    let mut manifest = Manifest {
        format: FORMAT,
        epoch,
        architecture: first.architecture.clone(),
        optimizer: settings.optimization.method.name().to_owned(),
        hypergradients: settings.hypergradients.clone(),
        data: folds.iter().map(|fold| fold.data.identity.clone()).collect(),
        preparation: folds.iter().map(|fold| fold.data.preparation.clone()).collect(),
        line: line.cloned(),
        progress: progress.clone(),
        within: within.cloned(),
        models: Vec::new(),
        states: Vec::new(),
        slopes: Vec::new(),
    };
    // Files of another moment have other names, so that what a manifest names is never written over.
    let moment = match within {
        None => epoch.to_string(),
        Some(within) if folds.len() == 1 => format!("{epoch}{AFTER}{}", within.batches),
        Some(within) => format!("{epoch}{AFTER}{}-{}", within.results.len(), within.batches),
    };
    for (place, training) in folds.iter().enumerate() {
        let model = training.network.valid().into_record().into_bytes().map_err(Error::Pack)?;
        let state = training.optimizer.0.into_bytes().and_then(in_order).map_err(Error::Pack)?;
        let name = |what: &str, end: &str| match folds.len() {
            1 => format!("{what}-{moment}.{end}"),
            _ => format!("{what}-{moment}-{place}.{end}"),
        };
        let add = |file: String, content: &[u8], entries: &mut Vec<Entry>| {
            put(folder, &file, content)?;
            entries.push(Entry::of(file, content));
            Ok(())
        };
        add(name("model", "bpk"), &model, &mut manifest.models)?;
        add(name("optimizer", "bpk"), &state, &mut manifest.states)?;
        if let Some(trajectory) = &training.trajectory {
            add(name("slopes", "bin"), &trajectory.to_bytes(), &mut manifest.slopes)?;
        }
    }
    let own = if within.is_some() { WITHIN } else { MANIFEST };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::Write { path: folder.join(own), source: error.into() })?;
    sync(folder)?;
    put(folder, own, &text)?;
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

/// Removes what earlier moments and interrupted writes left; beside an epoch under way the whole ones stay. A file that is not
/// removed is only a waste of space.
fn remove_others(folder: &Path, manifest: &Manifest) {
    if manifest.within.is_none() {
        // Before the files that it names: without them it would look damaged.
        let _ = fs::remove_file(folder.join(WITHIN));
    }
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let part = ["model-", "optimizer-", "slopes-"].iter().any(|start| name.starts_with(start))
            && [".bpk", ".bin"].iter().any(|end| name.ends_with(end));
        let torn = [MANIFEST, WITHIN, "model-", "optimizer-", "slopes-"].iter().any(|start| name.starts_with(start))
            && name.ends_with(".tmp");
        let outdated = part && (manifest.within.is_none() || name.contains(AFTER));
        let mut kept = manifest.models.iter().chain(&manifest.states).chain(&manifest.slopes);
        if (outdated || torn) && kept.all(|entry| entry.file != name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
