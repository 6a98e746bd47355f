//! What a journal holds: the same log as on a cluster, with what only a machine knows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trimtab_api::Study;
use trimtab_api::study::{BatchRecord, StudySpec};
use trimtab_api::trial::TrialStatus;

use crate::identity::Identity;

/// The format of the records. A program reads its own and all before.
pub const FORMAT: u32 = 1;

/// One record. Each is written whole or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "camelCase")]
pub enum Record {
    /// The first: the study as it began.
    Begin {
        /// See [`FORMAT`].
        format: u32,
        /// The Study, with the UID that it was given here.
        study: Box<Study>,
        /// The folder that trials are started in.
        directory: PathBuf,
        /// What is run instead of the image; empty: what the container says.
        program: Vec<String>,
    },
    /// The changeable part of the Study was changed.
    Spec {
        /// The new spec.
        spec: Box<StudySpec>,
    },
    /// A decision.
    Batch {
        /// What it saw and does.
        batch: Box<BatchRecord>,
        /// Seconds that the study had been active by then.
        active_seconds: u64,
    },
    /// What is known of a trial now: its values, its runs and the intent of the next one.
    Trial {
        /// The trial.
        number: u32,
        /// All of it.
        status: Box<TrialStatus>,
    },
    /// A run has a process. It is on record before the process does anything.
    Process {
        /// The trial.
        number: u32,
        /// The run.
        run: u32,
        /// The process.
        identity: Identity,
    },
    /// A session ended in order.
    Pause {
        /// Seconds that the study has been active.
        active_seconds: u64,
        /// How the study stands: Complete, Failed or Suspended.
        state: String,
        /// Why, in one word of the closed lists.
        reason: String,
        /// Why, for people.
        message: String,
    },
}
