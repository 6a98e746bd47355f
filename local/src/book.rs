//! The fold of a journal: the Study, its Trials and the engine's history of them.
//!
//! What it must keep true: folding a journal again gives what the session that wrote it had.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use trimtab_api::conditions::{self, study as condition};
use trimtab_api::study::{
    ActionKind, BatchRecord, BestTrial, Front, ResourceHours, SettingsRecord, TrialCounts, WarmStarted,
};
use trimtab_api::trial::{OutcomeKind, TrialStatus};
use trimtab_api::{Study, StudySpec, Trial, front, history, lineage, resources, validate, warm};
use trimtab_engine::{self as engine, Best, Decision, History, Plan, ResultKey, Settings};

use crate::error::Error;
use crate::folder::Folder;
use crate::identity::Identity;
use crate::journal::{self, Record};

/// A study as its journal has it.
#[derive(Clone, Debug)]
pub struct Book {
    /// The Study, without its status.
    pub study: Study,
    /// Its plan.
    pub plan: Plan,
    /// Its trials, by number.
    pub trials: Vec<Trial>,
    /// What the engine knows.
    pub history: History,
    /// The folder that trials are started in.
    pub directory: PathBuf,
    /// What is run instead of the image.
    pub program: Vec<String>,
    /// The newest process of each trial, and its run.
    pub processes: BTreeMap<u32, (u32, Identity)>,
    /// How the last session ended: state, reason and message. `None` while one is at work, or was killed.
    pub pause: Option<(String, String, String)>,
    /// Results that are in the history.
    seen: BTreeSet<ResultKey>,
}

impl Book {
    /// Reads a study's folder, also while somebody works on it.
    ///
    /// # Errors
    /// When the journal cannot be read, is damaged or empty.
    pub fn read(folder: &Folder) -> Result<Self, Error> {
        let path = folder.journal();
        let (records, _) = journal::read(&path)?;
        Self::fold(&path, records)
    }

    /// Reads a study's folder, if nobody works on it.
    ///
    /// # Errors
    /// As of [`Book::read`], and when somebody does.
    pub(crate) fn read_at_rest(folder: &Folder) -> Result<Self, Error> {
        let path = folder.journal();
        Self::fold(&path, journal::read_at_rest(&path)?)
    }

    /// Folds a journal's records.
    ///
    /// # Errors
    /// When there is no study in them.
    pub fn fold(path: &Path, records: Vec<Record>) -> Result<Self, Error> {
        let mut records = records.into_iter();
        let Some(Record::Begin { study, directory, program, .. }) = records.next() else {
            return Err(Error::Empty { path: path.to_owned() });
        };
        let mut study = *study;
        let (mut trials, mut processes, mut pause) = (Vec::new(), BTreeMap::new(), None);
        // A study that was begun here has none.
        let begun = study.status.take().unwrap_or_default();
        let (mut active, mut last, mut warm) = (begun.active_seconds, begun.batch.map(Box::new), begun.warm_start);
        for record in records {
            match record {
                Record::Begin { .. } => {}
                Record::Known { trial } => trials.push(*trial),
                Record::Warm { copied } => warm = Some(*copied),
                Record::Spec { spec, annotations } => {
                    study.spec = *spec;
                    study.metadata.annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
                }
                Record::Batch { batch, active_seconds } => {
                    apply(&study, &mut trials, &batch);
                    (active, pause) = (active_seconds, None);
                    last = Some(batch);
                }
                Record::Trial { number, status } => {
                    if let Some(trial) = at(&mut trials, number) {
                        trial.status = Some(*status);
                    }
                    pause = None;
                }
                Record::Process { number, run, identity } => {
                    processes.insert(number, (run, identity));
                }
                Record::Pause { active_seconds, state, reason, message } => {
                    active = active_seconds;
                    pause = Some((state, reason, message));
                }
            }
        }
        let plan = plan(&study)?;
        let mut status = trimtab_api::StudyStatus { seed: Some(plan.spec().seed), ..Default::default() };
        status.applied_batch = last.as_ref().map_or(0, |batch| batch.number);
        status.next_trial = next(&trials).max(begun.next_trial);
        status.batch = last.map(|batch| *batch);
        status.warm_start = warm;
        study.status = Some(status);
        let history = history::history(&plan, &study, &trials, active);
        let seen = trials.iter().flat_map(|trial| history::results(&plan, trial)).map(|result| result.key()).collect();
        Ok(Self { study, plan, trials, history, directory, program, processes, pause, seen })
    }

    /// Takes what the study begins with, which is on record. Nothing has been decided yet.
    pub(crate) fn begin_with(&mut self, copied: WarmStarted) {
        self.history.imported = warm::evidence(&self.plan, &copied);
        self.study.status.get_or_insert_default().warm_start = Some(copied);
    }

    /// Makes a batch of a decision by this study's plan, perhaps under other settings; nothing is changed.
    #[must_use]
    pub fn batch(&self, plan: &Plan, decision: &Decision) -> BatchRecord {
        let newest = self.study.status.as_ref().map_or(0, |status| status.applied_batch);
        let number = self.history.batches.last().map_or(0, |batch| batch.number).max(newest) + 1;
        let mut batch = history::batch_record(plan, decision, number);
        lineage::name_runs(&mut batch, |number| self.trial(number)?.status.as_ref());
        batch
    }

    /// Takes a batch that is on record, and the settings that it was decided under.
    pub fn decided(&mut self, decision: Decision, batch: BatchRecord, settings: Settings) {
        apply(&self.study, &mut self.trials, &batch);
        let admitted: BTreeSet<ResultKey> = decision.admitted.iter().map(trimtab_engine::TrialResult::key).collect();
        self.history.open.retain(|result| !admitted.contains(&result.key()));
        self.history.next_number = self.history.next_number.max(next(&self.trials));
        self.history.batches.push(trimtab_engine::Batch {
            number: batch.number,
            settings,
            admitted: decision.admitted,
            actions: decision.actions,
        });
        let status = self.study.status.get_or_insert_default();
        status.applied_batch = batch.number;
        status.next_trial = self.history.next_number;
        status.batch = Some(batch);
        self.pause = None;
    }

    /// Takes a trial's status that is on record; says whether it brought new evidence.
    pub fn learned(&mut self, number: u32, status: TrialStatus) -> bool {
        let Some(trial) = at(&mut self.trials, number) else { return false };
        trial.status = Some(status);
        let new: Vec<_> =
            history::results(&self.plan, trial).into_iter().filter(|result| self.seen.insert(result.key())).collect();
        let is_new = !new.is_empty();
        self.history.open.extend(new);
        self.pause = None;
        is_new
    }

    /// Takes a changed spec, and the annotations with it, that are on record.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn change(&mut self, changed: &Study) -> Result<(), Error> {
        let before = self.study.clone();
        self.study.spec = changed.spec.clone();
        self.study.metadata.annotations.clone_from(&changed.metadata.annotations);
        match plan(&self.study) {
            Ok(plan) => self.plan = plan,
            Err(error) => {
                self.study = before;
                return Err(error);
            }
        }
        Ok(())
    }

    /// A trial.
    #[must_use]
    pub fn trial(&self, number: u32) -> Option<&Trial> {
        let place = self.trials.binary_search_by_key(&number, |trial| trial.spec.number).ok()?;
        self.trials.get(place)
    }

    /// The best trial so far.
    #[must_use]
    pub fn best(&self) -> Option<BestTrial> {
        trimtab_engine::best(&self.plan, &self.history).and_then(|best| self.name(best))
    }

    /// The engine's best trial as people know it.
    pub(crate) fn name(&self, best: Best) -> Option<BestTrial> {
        let trial = self.trial(best.number.0)?;
        Some(BestTrial {
            trial_name: trimtab_api::names::trial(&trial.spec.study_name, best.number.0),
            number: best.number.0,
            level: self.plan.fidelity(best.level),
            value: trimtab_engine::number::to_text(best.value),
            parameters: trial.spec.parameters.clone(),
        })
    }

    /// The front so far, with several objectives.
    #[must_use]
    pub fn front(&self) -> Option<Front> {
        let found = engine::front(&self.plan, &self.history, &front::references(&self.study.spec));
        found.map(|found| self.name_front(&found))
    }

    /// The engine's front as people know it.
    pub(crate) fn name_front(&self, front: &engine::Front) -> Front {
        let name = self.study.metadata.name.as_deref().unwrap_or_default();
        front::record(name, &self.plan, front, front::MAX_NAMED)
    }

    /// The Study with a status for people, and its trials, as a cluster would show them.
    #[must_use]
    pub fn objects(&self) -> (Study, Vec<Trial>) {
        let mut study = self.study.clone();
        let mut status = study.status.take().unwrap_or_default();
        let counts = self.counts();
        let done = u64::from(counts.complete + counts.stopped + counts.failed);
        let wanted = self.plan.settings().limits.trials.map(u64::from).or_else(|| self.plan.overview().trials);
        status.progress = Some(wanted.map_or_else(|| done.to_string(), |wanted| format!("{done}/{wanted}")));
        status.best = self.best();
        status.front = self.front();
        status.answer = front::answer(status.best.as_ref(), status.front.as_ref());
        status.spent_fidelity = self.trials.iter().filter_map(|t| t.status.as_ref()).map(|s| s.spent_fidelity).sum();
        status.resource_hours = resources::told(self.resource_hours(0));
        status.active_seconds = self.history.active_seconds;
        status.trials = Some(counts);
        let (state, reason, message) =
            self.pause.clone().unwrap_or_else(|| ("Running".to_owned(), "StudyRunning".to_owned(), String::new()));
        let now = Timestamp::now();
        for kind in [condition::COMPLETE, condition::FAILED, condition::SUSPENDED] {
            conditions::set(&mut status.conditions, kind, state == kind, &reason, &message, 0, now);
        }
        status.state = Some(state);
        study.status = Some(status);
        (study, self.trials.clone())
    }

    /// Hours that runs have used of resources, when those that go on have run for so many seconds together.
    #[must_use]
    pub fn resource_hours(&self, live: u64) -> Vec<ResourceHours> {
        let ended: u64 = self.trials.iter().filter_map(|t| t.status.as_ref()).map(|s| s.run_seconds).sum();
        resources::used(&self.study.spec, ended.saturating_add(live), &[])
    }

    /// Trials by state.
    #[must_use]
    pub fn counts(&self) -> TrialCounts {
        let mut counts = TrialCounts::default();
        let top = self.plan.fidelity(self.plan.top_level());
        for trial in &self.trials {
            let Some(status) = &trial.status else {
                counts.pending += 1;
                continue;
            };
            let count = match status.outcome.as_ref().map(|o| o.kind) {
                Some(OutcomeKind::Failed | OutcomeKind::Lost) => &mut counts.failed,
                Some(OutcomeKind::Stopped) => &mut counts.stopped,
                None if status.rested_level >= Some(top) => &mut counts.complete,
                None if status.runs.last().is_some_and(|run| run.end.is_none()) => &mut counts.running,
                None if status.rested_level >= Some(trial.spec.target_level) => &mut counts.paused,
                None => &mut counts.pending,
            };
            *count += 1;
        }
        counts
    }
}

/// The plan of a Study, or what is wrong with it in one message.
pub(crate) fn plan(study: &Study) -> Result<Plan, Error> {
    validate(study).map_err(|mistakes| {
        let words: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        Error::Invalid(words.join("; "))
    })
}

/// The settings of a spec that may change while a study lives.
pub(crate) fn changeable(spec: &StudySpec) -> SettingsRecord {
    trimtab_api::plan::settings_record(spec)
}

/// The field that makes two specs different studies, if one does.
pub(crate) fn difference(old: &StudySpec, new: &StudySpec) -> Option<&'static str> {
    let searched = |spec: &StudySpec| {
        let mut objectives = spec.objectives.clone();
        objectives.iter_mut().for_each(|objective| (objective.target, objective.reference) = (None, None));
        objectives
    };
    [
        ("objectives", searched(old) == searched(new)),
        ("recordMetrics", old.record_metrics == new.record_metrics),
        ("parameters", old.parameters == new.parameters),
        ("constraints", old.constraints == new.constraints),
        ("fidelity", old.fidelity == new.fidelity),
        ("sampler", old.sampler == new.sampler),
        ("scheduler", old.scheduler == new.scheduler),
        ("seed", old.seed == new.seed),
        ("warmStart", old.warm_start == new.warm_start),
        ("trial", old.trial == new.trial),
    ]
    .into_iter()
    .find_map(|(field, is_same)| (!is_same).then_some(field))
}

fn at(trials: &mut [Trial], number: u32) -> Option<&mut Trial> {
    let place = trials.binary_search_by_key(&number, |trial| trial.spec.number).ok()?;
    trials.get_mut(place)
}

/// The number behind those that are given. A trial that was removed where an imported study comes from leaves a hole.
fn next(trials: &[Trial]) -> u32 {
    trials.last().map_or(0, |trial| trial.spec.number.saturating_add(1))
}

/// Carries a batch out on the trials.
fn apply(study: &Study, trials: &mut Vec<Trial>, batch: &BatchRecord) {
    for (index, action) in (0_u32..).zip(&batch.actions) {
        if action.action == ActionKind::Start {
            // Numbers are given in order, so trials stay in theirs.
            trials.extend(history::trial_from_start(study, batch, index));
        } else if let Some(trial) = at(trials, action.trial)
            && let Some(spec) = history::apply_to_trial(study, batch, index, trial)
        {
            trial.spec = spec;
        }
    }
}
