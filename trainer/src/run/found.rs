//! The checkpoint that a run begins with.

use std::io::{self, Write};
use std::path::Path;

use super::Error;
use crate::checkpoint::{self, Checkpoint};
use crate::report::remark;
use crate::settings::Settings;

/// The checkpoint that a run begins with.
pub(super) struct Found {
    /// It.
    pub(super) checkpoint: Checkpoint,
    /// Whether this very run wrote it.
    pub(super) own: bool,
}

/// Finds it: the run's own if it is whole, else the one to resume from, which must be.
pub(super) fn find(settings: &Settings, out: &mut dyn Write) -> Result<Option<Found>, Error> {
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
