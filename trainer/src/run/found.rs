//! The checkpoint that a run begins with, and how it goes on from there.

use std::io::Write;
use std::path::Path;

use super::{Error, Run};
use crate::checkpoint::within::{Within, recipe};
use crate::checkpoint::{self, Checkpoint};
use crate::report::remark;
use crate::settings::Settings;
use crate::signals::Stop;

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
        match look(settings, folder, out)? {
            Ok(Some(checkpoint)) => return Ok(Some(Found { checkpoint, own: true })),
            Ok(None) => {}
            // Work is lost, but the trial can still be trained, and this checkpoint will be replaced.
            Err(checkpoint::Error::Damaged { path, reason }) => left_out(&path, &reason, out)?,
            Err(error) => return Err(error.into()),
        }
    }
    let Some(folder) = &settings.resume else {
        return Ok(None);
    };
    // To begin again would cost the user what the checkpoint was to save, so anything wrong with it is an error.
    let missing = || checkpoint::Error::Missing { folder: folder.clone() };
    let checkpoint = look(settings, folder, out)??.ok_or_else(missing)?;
    Ok(Some(Found { checkpoint, own: false }))
}

/// The checkpoint in `folder` that leads furthest: within an epoch, if this run is to do the rest of it and in the same way, else that
/// of whole epochs.
fn look(
    settings: &Settings,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<Result<Option<Checkpoint>, checkpoint::Error>, Error> {
    let whole = Checkpoint::read(folder);
    let epochs = whole.as_ref().ok().and_then(Option::as_ref).map_or(0, |whole| whole.manifest.epoch);
    let mut found = whole;
    match Checkpoint::read_within(folder) {
        // A whole epoch that came later has not removed it yet, or nobody wants the rest of it.
        Ok(Some(within)) if within.manifest.epoch < epochs || within.manifest.epoch >= settings.epochs => {}
        Ok(Some(within)) if within.manifest.within.as_ref().is_some_and(|known| known.recipe == recipe(settings)) => {
            found = Ok(Some(within));
        }
        Ok(Some(within)) => {
            let epoch = within.manifest.epoch + 1;
            let text = format!("the beginning of epoch {epoch} was trained in another way and is left out");
            remark(out, &text)?;
        }
        Ok(None) => {}
        Err(checkpoint::Error::Damaged { path, reason }) => left_out(&path, &reason, out)?,
        Err(error) => return Err(error.into()),
    }
    if let Ok(Some(Checkpoint { manifest, .. })) = &found {
        let how_far = manifest.within.clone().unwrap_or_default().how_far(manifest.epoch, manifest.data.len());
        remark(out, &format!("resumed from {how_far} of {}", folder.display()))?;
    }
    Ok(found)
}

impl Run<'_> {
    /// Takes over what an earlier run left.
    pub(super) fn restore(&mut self, found: Option<Found>, out: &mut dyn Write, stop: &Stop) -> Result<(), Error> {
        let Some(Found { checkpoint, own }) = found else {
            return Ok(());
        };
        let settings = self.settings;
        self.line.clone_from(&checkpoint.manifest.line);
        self.reached = checkpoint.manifest.epoch;
        self.progress = checkpoint.manifest.progress.clone();
        let within = checkpoint.manifest.within.clone();
        checkpoint.restore(&mut self.folds, settings, self.metrics.len())?;
        let (reached, ended) = (self.reached, self.is_over() || self.reached >= settings.epochs);
        self.within.ours = own && within.as_ref().is_none_or(|within| within.ours);
        let again = self.within.ours && reached <= settings.epochs;
        if let Some(line) = &self.line
            && (again || reached == settings.epochs || (ended && reached < settings.epochs))
        {
            // A run was cut off between saving the epoch and printing it, or its output was lost: say it again. The same line
            // twice counts once, and a run without a line would look like one that measures nothing.
            self.say(line, out)?;
        }
        if let Some(within) = within {
            let (ours, said) = (self.within.ours, within.said.clone().filter(|_| own));
            if let Some(said) = &said {
                said.line.print_within(said.at, out)?;
            }
            self.within = Within { said, ours, ..within };
            if own {
                self.kept = self.within.place();
            }
        }
        if !own && ended {
            // Whoever resumes from this run looks into its own folder.
            self.save_progress(stop)?;
        }
        if reached >= settings.epochs {
            remark(out, &format!("nothing to do, epoch {reached} is reached and {} was asked", settings.epochs))?;
        }
        Ok(())
    }
}

fn left_out(path: &Path, reason: &str, out: &mut dyn Write) -> Result<(), Error> {
    remark(out, &format!("the checkpoint {} is damaged and left out, {reason}", path.display()))?;
    Ok(())
}
