//! The checkpoint volume: which epoch each folder holds, and who writes where.

use std::collections::{BTreeMap, BTreeSet};

/// A folder of a run.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// The epoch of the newest complete checkpoint.
    pub epoch: u32,
    /// Whether its program went on past where its run was to end.
    pub is_beyond: bool,
    /// Pods whose container is alive and writes here.
    pub writers: BTreeSet<String>,
}

/// The volume of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    folders: BTreeMap<String, Folder>,
    wrongs: Vec<String>,
}

impl Volume {
    /// The epoch of a folder's checkpoint, if it holds one.
    #[must_use]
    pub fn epoch(&self, folder: &str) -> Option<u32> {
        self.folders.get(folder).map(|f| f.epoch).filter(|e| *e > 0)
    }

    /// A container begins to write to a folder.
    pub fn open(&mut self, folder: &str, pod: &str) {
        let held = self.folders.entry(folder.to_owned()).or_default();
        if let Some(other) = held.writers.iter().find(|w| *w != pod) {
            self.wrongs.push(format!("pods {other} and {pod} both write {folder}"));
        }
        held.writers.insert(pod.to_owned());
    }

    /// A container saves a checkpoint, and may be beyond where its run was to end.
    pub fn save(&mut self, folder: &str, epoch: u32, is_beyond: bool) {
        let held = self.folders.entry(folder.to_owned()).or_default();
        held.epoch = epoch;
        held.is_beyond |= is_beyond;
    }

    /// A container reads a folder that another run wrote.
    pub fn read(&mut self, folder: &str, pod: &str) -> Option<u32> {
        let held = self.folders.get(folder)?;
        if let Some(writer) = held.writers.iter().find(|w| *w != pod) {
            self.wrongs.push(format!("pod {pod} resumes from {folder}, which pod {writer} still writes"));
        }
        Some(held.epoch).filter(|e| *e > 0)
    }

    /// A copy begins from a folder that is to hold what its donor had when it rested. A program saves first and prints after, so
    /// that what it was told when it was ended may be one more than what it printed; and one that goes on past its end does so until
    /// it is killed, whatever was read of it by then.
    pub fn judge_copy(&mut self, folder: &str, pod: &str, held: Option<u32>, told: u32) {
        let is_beyond = self.folders.get(folder).is_some_and(|folder| folder.is_beyond);
        let most = if is_beyond { u32::MAX } else { told.saturating_add(1) };
        if !held.is_some_and(|held| (told..=most).contains(&held)) {
            self.wrongs.push(format!("pod {pod} is to begin from epoch {told} of {folder}, which holds {held:?}"));
        }
    }

    /// The newest checkpoint of a folder is not whole: what it holds is the one before.
    pub fn tear(&mut self, folder: &str) {
        if let Some(held) = self.folders.get_mut(folder) {
            held.epoch = held.epoch.saturating_sub(1);
        }
    }

    /// A container is dead.
    pub fn close(&mut self, pod: &str) {
        for folder in self.folders.values_mut() {
            folder.writers.remove(pod);
        }
    }

    /// What was done that must not be, taken away.
    pub fn take_wrongs(&mut self) -> Vec<String> {
        std::mem::take(&mut self.wrongs)
    }
}
