//! Gauges that are computed from the caches at each scrape: what is not in a cache has no series.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::ResourceExt;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Error, GaugeVec, Opts};
use serde::Serialize;
use trimtab_api::conditions::{self, reason, study as of_study, trial as of_trial};
use trimtab_api::resources as hours;
use trimtab_api::study::StudyStatus;
use trimtab_api::{Study, Trial};
use trimtab_engine::number::parse;

use super::CONTROLLERS;
use super::queue::Waiting;
use super::transitions::resources;
use crate::context::Caches;

/// A gauge of this file.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

macro_rules! families {
    ($($constant:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        /// All of them.
        pub(super) const FAMILIES: &[Family] = &[$(Family { name: $name, labels: &[$($label),*], help: $help }),*];
        $(const $constant: &str = $name;)*
    };
}

families! {
    STUDIES "trimtab_studies" ["namespace", "state"] "Studies by the word for people in `status.state`.";
    CONDITIONS "trimtab_study_conditions" ["namespace", "condition"] "Studies of which a condition is True.";
    STALLED "trimtab_studies_stalled" ["namespace", "reason"] "Studies whose condition Stalled is True, by its reason.";
    TRIALS "trimtab_trials" ["namespace", "state"] "Trials by the word for people in `status.state`.";
    BLOCKED "trimtab_trials_blocked" ["namespace", "reason"] "Trials whose run does not run, and why: a place, an image, a container's configuration, a name.";
    RUNGS "trimtab_rung_trials" ["namespace", "rung"] "Trials on their way to a level or resting there, by the level's index: 0 is the lowest.";
    LIMIT "trimtab_study_limit_used_ratio" ["namespace", "limit"] "The largest part of a limit that a Study at work has used: trials, fullTrainings, failedTrials, activeSeconds, resourceHours.";
    LARGEST "trimtab_largest_object_bytes" ["kind"] "The largest object of a kind, as JSON. etcd takes 1.5 MiB.";
    OBJECTS "trimtab_cache_objects" ["kind"] "Objects in the caches.";
    DEPTH "trimtab_workqueue_depth" ["controller"] "Objects that wait for a reconcile.";
    OLDEST "trimtab_workqueue_oldest_seconds" ["controller"] "Seconds that the oldest of them has waited.";
    UNEXPORTED "trimtab_studies_unexported" [] "Studies without series of their own, because there are more than the operator was told to export.";
    STUDY_INFO "trimtab_study_info" ["namespace", "study", "algorithm", "metric", "goal"] "1, with what the Study is about. Like all that have the label `study`, it is exported only on request.";
    STUDY_TRIALS "trimtab_study_trials" ["namespace", "study", "state"] "Trials of the Study by state.";
    STUDY_RUNGS "trimtab_study_rung_trials" ["namespace", "study", "rung"] "Trials of the Study on their way to a level or resting there, by the level's index.";
    STUDY_BEST "trimtab_study_best_value" ["namespace", "study"] "The best value of the objective so far.";
    STUDY_LEVEL "trimtab_study_best_level" ["namespace", "study"] "The fidelity at which it was reached.";
    STUDY_DONE "trimtab_study_progress_ratio" ["namespace", "study"] "Trials that ended or reached the top, of those known to be wanted.";
    STUDY_SPENT "trimtab_study_spent_seconds" ["namespace", "study", "resource"] "Seconds that the runs of the Study's Trials took.";
    STUDY_FIDELITY "trimtab_study_spent_fidelity" ["namespace", "study"] "Fidelity that all runs have paid, in the study's unit.";
    STUDY_BATCHES "trimtab_study_batches" ["namespace", "study"] "Decisions taken: the length of the Study's history.";
}

/// The reasons of a run that does not run and may have to be looked at.
const BLOCKERS: [&str; 5] =
    [reason::WAITING_FOR_PLACE, reason::IMAGE, reason::CONFIG, reason::NAME_TAKEN, reason::JOB_REFUSED];

#[derive(Debug, Default)]
struct Watched {
    caches: Vec<Caches>,
    /// Sizes by UID, with the resource version that they were measured at.
    sizes: BTreeMap<String, (Option<String>, f64)>,
}

/// The collector.
#[derive(Clone, Debug)]
pub(super) struct State {
    studies: usize,
    waiting: Waiting,
    watched: Arc<Mutex<Watched>>,
    descriptions: Arc<Vec<Desc>>,
}

type Series = BTreeMap<(&'static str, Vec<String>), f64>;

impl State {
    pub(super) fn new(studies: usize, waiting: Waiting) -> Result<Self, Error> {
        let describe = |family: &Family| {
            let labels = family.labels.iter().map(ToString::to_string).collect();
            Desc::new(family.name.to_owned(), family.help.to_owned(), labels, std::collections::HashMap::new())
        };
        let descriptions = FAMILIES.iter().map(describe).collect::<Result<_, Error>>()?;
        Ok(Self { studies, waiting, watched: Arc::default(), descriptions: Arc::new(descriptions) })
    }

    pub(super) fn watch(&self, caches: Caches) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).caches.push(caches);
    }

    fn series(&self) -> Series {
        let mut series = Series::new();
        for controller in CONTROLLERS {
            let (depth, oldest) = self.waiting.depth(controller);
            set(&mut series, DEPTH, &[controller], f64::from(depth));
            set(&mut series, OLDEST, &[controller], oldest.as_secs_f64());
        }
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sizes = Sizes { old: std::mem::take(&mut watched.sizes), new: BTreeMap::new() };
        let mut own = Vec::new();
        for caches in &watched.caches {
            let studies = caches.studies.store().state();
            for study in &studies {
                let trials =
                    caches.trials.group(&study.namespace().unwrap_or_default(), &study.uid().unwrap_or_default());
                let levels = trimtab_api::validate(study).map(|plan| plan.levels().to_vec()).unwrap_or_default();
                of_a_study(&mut series, study, &levels, &trials);
                most(&mut series, LARGEST, &["Study"], sizes.of(&**study));
                for trial in &trials {
                    most(&mut series, LARGEST, &["Trial"], sizes.of(&**trial));
                }
                own.push((Arc::clone(study), levels, trials));
            }
            let counts = [
                ("Study", studies.len()),
                ("Trial", caches.trials.store().len()),
                ("Job", caches.jobs.store().len()),
                ("Pod", caches.pods.store().len()),
            ];
            for (kind, count) in counts {
                add(&mut series, OBJECTS, &[kind], of(count));
            }
        }
        watched.sizes = sizes.new;
        drop(watched);
        // Those at work come first, then the newest.
        own.sort_by_cached_key(|(study, ..)| {
            let ended = study.status.as_ref().is_some_and(|s| s.completion_time.is_some());
            (ended, std::cmp::Reverse(study.metadata.creation_timestamp.as_ref().map(|t| t.0)), study.uid())
        });
        set(&mut series, UNEXPORTED, &[], of(own.len().saturating_sub(self.studies)));
        for (study, levels, trials) in own.iter().take(self.studies) {
            own_series(&mut series, study, levels, trials);
        }
        series
    }
}

impl Collector for State {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let series = self.series();
        let mut families = Vec::new();
        for family in FAMILIES {
            // What was described once can be made again.
            let Ok(gauge) = GaugeVec::new(Opts::new(family.name, family.help), family.labels) else { continue };
            for ((_, labels), value) in series.iter().filter(|((name, _), _)| *name == family.name) {
                gauge.with_label_values(labels).set(*value);
            }
            families.extend(gauge.collect().into_iter().filter(|family| !family.get_metric().is_empty()));
        }
        families
    }
}

struct Sizes {
    old: BTreeMap<String, (Option<String>, f64)>,
    new: BTreeMap<String, (Option<String>, f64)>,
}

impl Sizes {
    /// The size of an object as JSON, measured again only when the object has changed.
    fn of<K: ResourceExt + Serialize>(&mut self, object: &K) -> f64 {
        let (uid, version) = (object.uid().unwrap_or_default(), object.resource_version());
        let size = match self.old.remove(&uid) {
            Some((held, size)) if held == version => size,
            _ => serde_json::to_vec(object).map_or(0.0, |json| of(json.len())),
        };
        self.new.insert(uid, (version, size));
        size
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes are far below 2^53")]
fn of(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "seconds and limits are far below 2^53")]
fn big(count: u64) -> f64 {
    count as f64
}

fn entry<'s>(series: &'s mut Series, name: &'static str, labels: &[&str]) -> &'s mut f64 {
    series.entry((name, labels.iter().map(ToString::to_string).collect())).or_default()
}

fn set(series: &mut Series, name: &'static str, labels: &[&str], value: f64) {
    *entry(series, name, labels) = value;
}

fn add(series: &mut Series, name: &'static str, labels: &[&str], value: f64) {
    *entry(series, name, labels) += value;
}

fn most(series: &mut Series, name: &'static str, labels: &[&str], value: f64) {
    let held = entry(series, name, labels);
    *held = held.max(value);
}

/// The word for people of a Trial, which has one once the operator has looked at it.
fn state(trial: &Trial) -> &str {
    trial.status.as_ref().and_then(|s| s.state.as_deref()).unwrap_or("Pending")
}

/// The index of the level that a trial is on its way to or rests at; none once it has ended.
fn rung(levels: &[u32], trial: &Trial) -> Option<String> {
    let status = trial.status.as_ref()?;
    if status.outcome.is_some() || conditions::is_true(&status.conditions, of_trial::COMPLETE) {
        return None;
    }
    levels.iter().position(|level| *level == trial.spec.target_level).map(|index| index.to_string())
}

fn of_a_study(series: &mut Series, study: &Study, levels: &[u32], trials: &[Arc<Trial>]) {
    let namespace = study.namespace().unwrap_or_default();
    let status = study.status.clone().unwrap_or_default();
    add(series, STUDIES, &[&namespace, status.state.as_deref().unwrap_or("Pending")], 1.0);
    for kind in of_study::ALL {
        let is = conditions::is_true(&status.conditions, kind);
        add(series, CONDITIONS, &[&namespace, kind], if is { 1.0 } else { 0.0 });
    }
    if let Some(stalled) = status.conditions.iter().find(|c| c.type_ == of_study::STALLED && c.status == "True") {
        add(series, STALLED, &[&namespace, &stalled.reason], 1.0);
    }
    for trial in trials {
        add(series, TRIALS, &[&namespace, state(trial)], 1.0);
        let running = trial.status.as_ref().and_then(|s| s.conditions.iter().find(|c| c.type_ == of_trial::RUNNING));
        if let Some(why) = running.filter(|c| c.status != "True" && BLOCKERS.contains(&c.reason.as_str())) {
            add(series, BLOCKED, &[&namespace, &why.reason], 1.0);
        }
        if let Some(rung) = rung(levels, trial) {
            add(series, RUNGS, &[&namespace, &rung], 1.0);
        }
    }
    if status.completion_time.is_none() {
        limits(series, study, &status, &namespace, trials);
    }
}

fn limits(series: &mut Series, study: &Study, status: &StudyStatus, namespace: &str, trials: &[Arc<Trial>]) {
    let Some(limits) = &study.spec.limits else { return };
    let counts = status.trials.clone().unwrap_or_default();
    let mut used = |name: &str, used: f64, limit: Option<f64>| {
        if let Some(limit) = limit.filter(|limit| *limit > 0.0) {
            most(series, LIMIT, &[namespace, name], used / limit);
        }
    };
    used("trials", f64::from(status.next_trial), limits.trials.map(f64::from));
    used("failedTrials", f64::from(counts.failed), limits.failed_trials.map(f64::from));
    let now = jiff::Timestamp::now();
    let since = status.active_since.as_ref().map_or(0, |since| crate::clock::seconds_between(since.0, now));
    used("activeSeconds", big(status.active_seconds + since), limits.active_seconds.map(big));
    let run: u64 = trials.iter().filter_map(|t| t.status.as_ref()).map(|s| hours::seconds(s, now)).sum();
    let hours = hours::part(&study.spec, &hours::used(&study.spec, run, &status.resource_hours));
    used("resourceHours", hours.unwrap_or(0.0), hours.map(|_| 1.0));
    let top = study.spec.fidelity.as_ref().map_or(1.0, |f| f64::from(f.max));
    used("fullTrainings", big(status.spent_fidelity) / top, limits.full_trainings.map(f64::from));
}

fn own_series(series: &mut Series, study: &Study, levels: &[u32], trials: &[Arc<Trial>]) {
    let (namespace, name) = (study.namespace().unwrap_or_default(), study.name_any());
    let labels = [namespace.as_str(), name.as_str()];
    let status = study.status.clone().unwrap_or_default();
    let (metric, goal) = study
        .spec
        .objectives
        .first()
        .map_or((String::new(), String::new()), |o| (o.metric.clone(), format!("{:?}", o.goal)));
    let algorithm = status.algorithm.as_deref().unwrap_or_default();
    set(series, STUDY_INFO, &[&namespace, &name, algorithm, &metric, &goal], 1.0);
    for trial in trials {
        add(series, STUDY_TRIALS, &[&namespace, &name, state(trial)], 1.0);
        if let Some(rung) = rung(levels, trial) {
            add(series, STUDY_RUNGS, &[&namespace, &name, &rung], 1.0);
        }
    }
    if let Some(best) = &status.best {
        set(series, STUDY_LEVEL, &labels, f64::from(best.level));
        if let Some(value) = parse(&best.value) {
            set(series, STUDY_BEST, &labels, value);
        }
    }
    let progress = status.progress.as_deref().and_then(|p| p.split_once('/'));
    if let Some((done, wanted)) = progress.and_then(|(d, w)| Some((d.parse::<f64>().ok()?, w.parse::<f64>().ok()?))) {
        set(series, STUDY_DONE, &labels, if wanted > 0.0 { done / wanted } else { 1.0 });
    }
    let now = jiff::Timestamp::now();
    let seconds: u64 = trials.iter().filter_map(|t| t.status.as_ref()).map(|s| hours::seconds(s, now)).sum();
    for (resource, count) in resources(study) {
        set(series, STUDY_SPENT, &[&namespace, &name, &resource], big(seconds.saturating_mul(count)));
    }
    set(series, STUDY_FIDELITY, &labels, big(status.spent_fidelity));
    set(series, STUDY_BATCHES, &labels, status.batch.as_ref().map_or(0.0, |b| big(b.number)));
}
