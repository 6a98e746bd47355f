//! A study that was begun elsewhere, with all that is known of it, becomes one of this machine: with the same numbers, the same
//! decisions behind it, and the same ones before it.
//!
//! The UID stays, because the seed and the trials' names come from it. What only a cluster knows goes: owners, pods, conditions. A run that
//! had not ended there is interrupted here, and the trial goes on from a checkpoint that was brought along, or from zero.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use trimtab_api::conditions::{reason, study as condition};
use trimtab_api::record::Scale;
use trimtab_api::study::ActionKind;
use trimtab_api::{Study, StudyStatus, Trial, ending, history, lineage, names};

use crate::book;
use crate::error::Error;
use crate::folder::Folder;
use crate::journal::{FORMAT, Journal, Record};

/// What is brought along.
#[derive(Debug)]
pub struct Luggage {
    /// The Study, with its status.
    pub study: Study,
    /// Its Trials.
    pub trials: Vec<Trial>,
    /// What is run instead of the image; empty: what the container says.
    pub program: Vec<String>,
    /// The folder that trials are started in.
    pub directory: PathBuf,
    /// Checkpoints as a cluster's volume has them: `<study UID>/<trial>/<run>`.
    pub checkpoints: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// How many trials there are.
    pub trials: usize,
    /// Those whose run had not ended when they left.
    pub interrupted: Vec<u32>,
    /// Those that can go on from a checkpoint.
    pub resumable: Vec<u32>,
    /// Those that had one, and begin again.
    pub restarted: Vec<u32>,
}

/// Makes a study's folder of what was brought along. Nothing is run.
///
/// # Errors
/// When the Study is not valid, when there is a study in the folder already, or when the file system refuses. What was made by then is
/// removed.
pub fn import(luggage: Luggage, folder: &Folder) -> Result<Arrival, Error> {
    let plan = book::plan(&luggage.study)?;
    if folder.root().exists() {
        return Err(Error::Exists { folder: folder.root().to_owned() });
    }
    let Luggage { study, trials, program, directory, checkpoints } = luggage;
    let mut arrival = Arrival::default();
    let (study, mut trials) = settle(study, trials);
    for trial in &mut trials {
        unpack(trial, Scale { plan: &plan }, &mut arrival);
    }
    arrival.trials = trials.len();
    let made = write(&study, &trials, program, directory, folder).and_then(|()| {
        for trial in &trials {
            let copied = lineage::needed(&plan, &trials, trial.spec.number, lineage::is_over(&study));
            bring(&study, (trial, &copied), checkpoints.as_deref(), folder, &mut arrival)?;
        }
        Ok(())
    });
    if let Err(error) = made {
        // It was not there before.
        let _ = std::fs::remove_dir_all(folder.root());
        return Err(error);
    }
    Ok(arrival)
}

/// The objects as this machine has them, with the newest batch carried out: a cluster may have been about to.
fn settle(mut study: Study, mut trials: Vec<Trial>) -> (Study, Vec<Trial>) {
    let ObjectMeta { name, uid, annotations, labels, .. } = std::mem::take(&mut study.metadata);
    study.metadata = ObjectMeta { name, uid, annotations, labels, ..ObjectMeta::default() };
    if let Some(annotations) = &mut study.metadata.annotations {
        // What kubectl notes is the whole Study once more.
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    let status = study.status.clone().unwrap_or_default();
    if let Some(batch) = &status.batch {
        for (index, action) in (0_u32..).zip(&batch.actions) {
            let held = trials.iter_mut().find(|trial| trial.spec.number == action.trial);
            match (action.action, held) {
                (ActionKind::Start, None) if status.applied_batch < batch.number => {
                    trials.extend(history::trial_from_start(&study, batch, index));
                }
                (ActionKind::Start, _) | (_, None) => {}
                (_, Some(trial)) => {
                    if let Some(spec) = history::apply_to_trial(&study, batch, index, trial) {
                        trial.spec = spec;
                    }
                }
            }
        }
    }
    study.status = Some(StudyStatus {
        batch: status.batch.clone(),
        warm_start: status.warm_start,
        applied_batch: status.batch.as_ref().map_or(status.applied_batch, |batch| batch.number),
        next_trial: status.next_trial,
        active_seconds: status.active_seconds,
        conditions: status.conditions,
        ..StudyStatus::default()
    });
    trials.sort_by_key(|trial| trial.spec.number);
    for trial in &mut trials {
        let ObjectMeta { labels, owner_references, .. } = std::mem::take(&mut trial.metadata);
        let name = study.metadata.name.as_deref().unwrap_or_default();
        let name = Some(names::trial(name, trial.spec.number));
        trial.metadata = ObjectMeta { name, labels, owner_references, ..ObjectMeta::default() };
        trial.spec.suspend = false;
    }
    (study, trials)
}

/// What a cluster knows of a trial's runs, in the words of this machine.
fn unpack(trial: &mut Trial, scale: Scale<'_>, arrival: &mut Arrival) {
    let Some(status) = &mut trial.status else { return };
    (status.state, status.cursor, status.retry_after, status.observed_generation) = (None, None, None, None);
    status.conditions.clear();
    status.cleaned = false;
    for run in &mut status.runs {
        (run.job_uid, run.pod_name) = (None, None);
    }
    let Some(index) = status.runs.len().checked_sub(1) else { return };
    let Some(run) = status.runs.get(index) else { return };
    match &run.end {
        None => {
            let words = "the study was taken to another place while the run was there";
            ending::write_end(status, index, scale, (reason::INTERRUPTED, words), None, 0, Timestamp::now());
            arrival.interrupted.push(trial.spec.number);
        }
        Some(end) if end.gone => return,
        // It was about to be settled there.
        Some(_) => {}
    }
    ending::settle(status, index, scale);
}

fn write(
    study: &Study,
    trials: &[Trial],
    program: Vec<String>,
    directory: PathBuf,
    folder: &Folder,
) -> Result<(), Error> {
    std::fs::create_dir_all(folder.root()).map_err(Error::file("make", folder.root()))?;
    let (mut journal, ..) = Journal::open(&folder.journal())?;
    let status = study.status.clone().unwrap_or_default();
    journal.append(&Record::Begin { format: FORMAT, study: Box::new(study.clone()), directory, program })?;
    for trial in trials {
        journal.append(&Record::Known { trial: Box::new(trial.clone()) })?;
    }
    let ended = [condition::COMPLETE, condition::FAILED]
        .into_iter()
        .find_map(|kind| status.conditions.iter().find(|c| c.type_ == kind && c.status == "True"));
    let (state, why, message) = match ended {
        Some(held) => (held.type_.clone(), held.reason.clone(), held.message.clone()),
        None => (condition::SUSPENDED.to_owned(), reason::SUSPENDED.to_owned(), String::new()),
    };
    journal.append(&Record::Pause { active_seconds: status.active_seconds, state, reason: why, message })?;
    journal.flush()
}

/// Brings the checkpoint along that the trial would go on from, and those of these runs, which copies begin from.
fn bring(
    study: &Study,
    (trial, copied): (&Trial, &BTreeSet<u32>),
    from: Option<&Path>,
    folder: &Folder,
    arrival: &mut Arrival,
) -> Result<(), Error> {
    let Some(status) = trial.status.as_ref().filter(|_| study.spec.trial.checkpoint.is_some()) else { return Ok(()) };
    let number = trial.spec.number;
    let uid = study.metadata.uid.as_deref().unwrap_or_default();
    let own = ending::resume_from(&status.runs).map(|(run, _)| run).filter(|_| status.outcome.is_none());
    let is_there = |run: u32| Some(from?.join(names::run_folder(uid, number, run))).filter(|path| path.is_dir());
    for run in copied.iter().copied().filter(|run| Some(*run) != own) {
        if let Some(there) = is_there(run) {
            copy(&there, &folder.run(number, run).checkpoint())?;
        }
    }
    let Some(run) = own else { return Ok(()) };
    let Some(there) = is_there(run) else {
        arrival.restarted.push(number);
        return Ok(());
    };
    copy(&there, &folder.run(number, run).checkpoint())?;
    arrival.resumable.push(number);
    Ok(())
}

/// Copies a folder with all that is in it. Links are not followed out of it, and are left.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(Error::file("make", to))?;
    for entry in std::fs::read_dir(from).map_err(Error::file("read", from))? {
        let entry = entry.map_err(Error::file("read", from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::file("read", &path))?;
        if kind.is_dir() {
            copy(&path, &target)?;
        } else if kind.is_file() {
            std::fs::copy(&path, &target).map_err(Error::file("copy", &path))?;
        }
    }
    Ok(())
}
