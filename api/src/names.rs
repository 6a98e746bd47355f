//! Names, labels and annotations: functions of study, trial number and run number, never random.

/// What the keys of our labels and annotations begin with.
pub const PREFIX: &str = "trimtab.dev/";
/// The label that carries a study's name on everything made for it.
pub const STUDY_LABEL: &str = "trimtab.dev/study";
/// The label that carries the study's UID, so that a study of the same name never takes what was another's.
pub const STUDY_UID_LABEL: &str = "trimtab.dev/study-uid";
/// The label that carries a trial's name on its Jobs and pods.
pub const TRIAL_LABEL: &str = "trimtab.dev/trial";
/// The label that carries a run's number on its Job and pods.
pub const RUN_LABEL: &str = "trimtab.dev/run";
/// The label that says who manages an object.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// The field manager, the value of `app.kubernetes.io/managed-by` and the reporter of events.
pub const MANAGER: &str = "trimtab";

/// The name of the volume in a trial's pod that holds checkpoints.
pub const CHECKPOINT_VOLUME: &str = "trimtab-checkpoints";

/// The longest study name: trial, run and pod suffixes must still fit a DNS label of 63 characters.
pub const MAX_STUDY_NAME: usize = 40;

/// The name of a trial: `fashion-mnist-0007`.
#[must_use]
pub fn trial(study: &str, number: u32) -> String {
    format!("{study}-{number:04}")
}

/// The name of the Job of a run: `fashion-mnist-0007-2`. Runs count from 1.
#[must_use]
pub fn job(study: &str, number: u32, run: u32) -> String {
    format!("{study}-{number:04}-{run}")
}

/// The folder of a run below the mount path: `<study UID>/<trial>/<run>`.
#[must_use]
pub fn run_folder(study_uid: &str, number: u32, run: u32) -> String {
    format!("{study_uid}/{number}/{run}")
}
