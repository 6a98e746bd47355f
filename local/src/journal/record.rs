//! What a journal holds: the same log as on a cluster, with what only a machine knows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trimtab_api::study::{BatchRecord, StudySpec, WarmStarted};
use trimtab_api::trial::TrialStatus;
use trimtab_api::{Study, Trial};

use crate::identity::Identity;

/// The format of the records. A program reads its own and all before.
///
/// 1: until the first import. 2: `Known`, and a Study with a status in `Begin`. 3: `Warm`.
pub const FORMAT: u32 = 3;

/// One record. Each is written whole or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "camelCase")]
pub enum Record {
    /// The first: the study as it began.
    Begin {
        /// See [`FORMAT`].
        format: u32,
        /// The Study, with the UID that it was given here; with its status, if it was imported.
        study: Box<Study>,
        /// The folder that trials are started in.
        directory: PathBuf,
        /// What is run instead of the image; empty: what the container says.
        program: Vec<String>,
    },
    /// A trial that was imported, as it was elsewhere. Those of a study come in order, behind `Begin`.
    Known {
        /// All of it.
        trial: Box<Trial>,
    },
    /// What the study begins with of an earlier one. It comes before the first batch, and once.
    Warm {
        /// The copy.
        copied: Box<WarmStarted>,
    },
    /// The changeable part of the Study was changed.
    Spec {
        /// The new spec.
        spec: Box<StudySpec>,
        /// The new annotations.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        annotations: BTreeMap<String, String>,
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

impl Record {
    /// The changeable part of a Study as it is now.
    #[must_use]
    pub fn spec(study: &Study) -> Self {
        let annotations = study.metadata.annotations.clone().unwrap_or_default();
        Self::Spec { spec: Box::new(study.spec.clone()), annotations }
    }
}
