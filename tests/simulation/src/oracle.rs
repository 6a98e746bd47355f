//! The judges: what must hold after every step, on the server's truth and never on anybody's cache.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trimtab_api::study::{ActionKind, BatchRecord};
use trimtab_api::{Study, Trial, names};
use trimtab_engine::{ResultKey, TrialNumber, admitted};

use crate::clock::{self, MINUTE};
use crate::cluster::Cluster;
use crate::kubelet::Printed;
use crate::late::Late;
use crate::resource::{Key, Resource};
use crate::spending::Spending;
use crate::store::{self, Change, ChangeKind};
use crate::values;

/// How long after its deletion a pod may hold its place; the operator's own setting.
const LOST_AFTER: u64 = MINUTE;

/// What is remembered of a trial.
#[derive(Clone, Debug)]
pub struct TrialTruth {
    /// Its UID.
    pub uid: String,
    /// Its parameters.
    pub parameters: Value,
    /// The batch that started it.
    pub batch: u64,
    /// It is gone, and whether its batch was marked as applied then.
    pub gone: Option<bool>,
}

/// What is remembered of a study.
#[derive(Clone, Debug, Default)]
pub struct StudyTruth {
    /// Its name.
    pub name: String,
    /// Its batches, as they were decided.
    pub batches: BTreeMap<u64, BatchRecord>,
    /// Its trials by number.
    pub trials: BTreeMap<u32, TrialTruth>,
    /// The newest batch that was marked as applied.
    pub applied: u64,
    /// It was deleted.
    pub gone: bool,
}

/// The judges.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Lives of operators so far.
    pub lives: u64,
    /// Studies by UID.
    pub studies: BTreeMap<String, StudyTruth>,
    /// What was printed: study name and trial number, then epoch.
    pub printed: BTreeMap<(String, u32), BTreeMap<u32, f64>>,
    /// Trials whose logs may have lost lines, by study name and number.
    pub lossy: BTreeSet<(String, u32)>,
    /// Jobs that came too late.
    pub late: Late,
    /// What runs really cost.
    spending: Spending,
}

impl Oracle {
    /// Batches and trials so far.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let sum = |count: fn(&StudyTruth) -> usize| self.studies.values().map(|s| count(s) as u64).sum();
        (sum(|s| s.batches.len()), sum(|s| s.trials.len()))
    }

    /// Hears what programs printed.
    pub fn hear(&mut self, printed: Vec<Printed>) {
        for Printed { study, trial, report, .. } in printed {
            self.printed.entry((study, trial)).or_default().entry(report.epoch).or_insert(report.value);
        }
    }

    /// Judges a change. Returns what is wrong.
    pub fn judge(&mut self, change: &Change, cluster: &Cluster) -> Option<String> {
        self.late.note(change, cluster);
        match change.key.resource {
            Resource::Study => self.judge_study(change, cluster),
            Resource::Trial => self.judge_trial(change, cluster),
            Resource::Pod => {
                self.spending.hear(change, cluster);
                self.judge_pod(change, cluster)
            }
            Resource::Job | Resource::Event | Resource::Lease => None,
        }
    }

    /// What the volume found wrong, but for what Jobs that came too late did to it.
    #[must_use]
    pub fn judge_volume(&self, wrongs: Vec<String>) -> Option<String> {
        wrongs.into_iter().find(|wrong| !wrong.split(' ').any(|word| self.late.has_pod(word.trim_end_matches(','))))
    }

    fn judge_study(&mut self, change: &Change, cluster: &Cluster) -> Option<String> {
        let uid = store::uid(&change.object).to_owned();
        let truth = self.studies.entry(uid.clone()).or_default();
        truth.name.clone_from(&change.key.name);
        if change.kind == ChangeKind::Deleted {
            truth.gone = true;
            return None;
        }
        let status = &change.object["status"];
        truth.applied = truth.applied.max(status["appliedBatch"].as_u64().unwrap_or(0));
        let record = &status["batch"];
        if !record.is_object() || change.old.as_deref().is_some_and(|o| o["status"]["batch"] == *record) {
            return None;
        }
        let record: BatchRecord = match serde_json::from_value(record.clone()) {
            Ok(record) => record,
            Err(error) => return Some(format!("a batch cannot be decoded: {error}")),
        };
        let last = truth.batches.keys().next_back().copied().unwrap_or(0);
        if record.number != last + 1 {
            return Some(format!("batch {} follows batch {last}", record.number));
        }
        if record.actions.is_empty() {
            return Some(format!("batch {} has no actions", record.number));
        }
        if truth.applied < last {
            return Some(format!("batch {} was decided before batch {last} was applied", record.number));
        }
        let truth = truth.clone();
        let wrong = fresh_numbers(&truth, &record).or_else(|| caps(&uid, &truth, &record, cluster, &self.late));
        if let Some(held) = self.studies.get_mut(&uid) {
            held.batches.insert(record.number, record);
        }
        wrong
    }

    fn judge_trial(&mut self, change: &Change, cluster: &Cluster) -> Option<String> {
        let object = &change.object;
        let study_uid = object["spec"]["studyUID"].as_str().unwrap_or("").to_owned();
        let number = u32::try_from(object["spec"]["number"].as_u64()?).ok()?;
        let study = self.studies.get_mut(&study_uid)?;
        if change.key.name != names::trial(&study.name, number) {
            return Some(format!("trial {number} is named {}", change.key.name));
        }
        let place = (study.name.clone(), number);
        match (study.trials.get_mut(&number), change.kind) {
            (Some(held), ChangeKind::Deleted) => {
                held.gone = Some(study.applied >= held.batch);
                None
            }
            (Some(held), ChangeKind::Added) => {
                // What a late operator makes for a study that is gone, the garbage collector takes away; the end is judged on that.
                if held.gone == Some(true) && !study.gone {
                    return Some(format!("trial {number} is back, after it was deleted and its batch was applied"));
                }
                let differs = held.parameters != object["spec"]["parameters"];
                held.uid = store::uid(object).to_owned();
                held.gone = None;
                differs.then(|| format!("trial {number} is back with other parameters"))
            }
            (Some(held), ChangeKind::Modified) => {
                if held.parameters != object["spec"]["parameters"] {
                    return Some(format!("the parameters of trial {number} changed"));
                }
                if object["status"]["values"]
                    == change.old.as_deref().map_or(Value::Null, |o| o["status"]["values"].clone())
                {
                    return None;
                }
                let rotated = |b: &crate::kubelet::Body| {
                    b.rotated > 0 && b.training().is_some_and(|t| t.facts.study == place.0 && t.facts.trial == number)
                };
                if cluster.kubelets.bodies.values().any(rotated) {
                    self.lossy.insert(place.clone());
                }
                let fair = !self.lossy.contains(&place);
                let printed = self.printed.get(&place);
                let study = cluster.store.get(&Key::new(Resource::Study, &change.key.namespace, &place.0))?;
                values::judge(object, study, printed, fair).map(|why| format!("trial {number}: {why}"))
            }
            (None, ChangeKind::Added) => {
                let batch = object["spec"]["batches"][0]["number"].as_u64().unwrap_or(0);
                let started = study
                    .batches
                    .get(&batch)
                    .and_then(|b| b.actions.iter().find(|a| a.trial == number && a.action == ActionKind::Start));
                let Some(action) = started else { return Some(format!("trial {number} was started by no batch")) };
                let decided = serde_json::to_value(&action.parameters).unwrap_or_default();
                let parameters = if object["spec"]["parameters"].is_null() {
                    Value::Array(Vec::new())
                } else {
                    object["spec"]["parameters"].clone()
                };
                if decided != parameters {
                    return Some(format!(
                        "trial {number} has other parameters than its batch decided: {parameters} instead of {decided}"
                    ));
                }
                let from = serde_json::to_value(&action.from).unwrap_or_default();
                if from != object["spec"]["from"] {
                    return Some(format!("trial {number} begins from {} instead of {from}", object["spec"]["from"]));
                }
                let truth = TrialTruth {
                    uid: store::uid(object).to_owned(),
                    parameters: object["spec"]["parameters"].clone(),
                    batch,
                    gone: None,
                };
                study.trials.insert(number, truth);
                None
            }
            (None, _) => None,
        }
    }

    fn judge_pod(&mut self, change: &Change, cluster: &Cluster) -> Option<String> {
        if may_lose(change, cluster)
            && let Some(facts) = crate::program::Facts::read(&change.object["spec"]["containers"][0])
        {
            self.lossy.insert((facts.study, facts.trial));
        }
        let job_uid = store::controller(&change.object)?;
        let (_, job) = cluster.store.all(Resource::Job).find(|(_, job)| store::uid(job) == job_uid)?;
        let trial_uid = store::controller(job)?.to_owned();
        if change.kind == ChangeKind::Added {
            let trial = cluster.store.all(Resource::Trial).find(|(_, trial)| store::uid(trial) == trial_uid);
            if let Some(wrong) = trial.and_then(|(_, trial)| wrong_origin(&change.object, trial)) {
                return Some(format!("pod {} {wrong}", change.key.name));
            }
        }
        let mut live = Vec::new();
        for key in cluster.store.dependents(&trial_uid) {
            let Some(job) = cluster.store.get(&key).filter(|job| !self.late.has(store::uid(job))) else {
                continue;
            };
            for pod in cluster.store.dependents(store::uid(job)) {
                live.extend(cluster.store.get(&pod).filter(|p| holds_a_place(p, cluster)).map(|_| pod.name.clone()));
            }
        }
        (live.len() > 1).then(|| format!("pods {live:?} of one trial are alive at once"))
    }

    /// Whether every study that is there has its end, and those that are not have left nothing.
    #[must_use]
    pub fn ended(&self, cluster: &Cluster) -> bool {
        cluster.store.all(Resource::Study).all(|(_, study)| {
            let conditions = study["status"]["conditions"].as_array();
            let generation = &study["metadata"]["generation"];
            conditions.into_iter().flatten().any(|c| {
                (c["type"] == "Complete" || c["type"] == "Failed")
                    && c["status"] == "True"
                    && c["observedGeneration"] == *generation
            })
        })
    }

    /// Why a world did not settle, in words.
    #[must_use]
    pub fn unsettled(&self, cluster: &Cluster) -> String {
        let mut words = Vec::new();
        for (key, study) in cluster.store.all(Resource::Study) {
            let list = study["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let on: Vec<String> = list
                .iter()
                .filter(|c| c["status"] == "True")
                .map(|c| format!("{}: {}", c["type"], c["reason"]))
                .collect();
            words.push(format!(
                "{key} {on:?} batch {} applied {}",
                study["status"]["batch"]["number"], study["status"]["appliedBatch"]
            ));
        }
        for (key, trial) in cluster.store.all(Resource::Trial) {
            let status = &trial["status"];
            let over = status["outcome"].is_object()
                || status["restedLevel"].as_u64() >= trial["spec"]["targetLevel"].as_u64();
            if !over {
                let run = status["runs"].as_array().and_then(|r| r.last()).cloned().unwrap_or_default();
                words.push(format!("{} {} run {run}", key.name, status["state"]));
            }
        }
        words.truncate(8);
        words.join("; ")
    }

    /// Judges the end.
    #[must_use]
    pub fn finish(&self, cluster: &Cluster) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, _) in cluster.store.all(Resource::Job).filter(|(_, job)| self.late.has(store::uid(job))) {
            wrong.push(format!("Job {} came too late and is still there", key.name));
        }
        for (uid, truth) in &self.studies {
            let trials: Vec<Trial> = cluster
                .store
                .all(Resource::Trial)
                .filter(|(_, t)| t["spec"]["studyUID"] == uid.as_str())
                .filter_map(|(_, t)| serde_json::from_value((**t).clone()).ok())
                .collect();
            let live: Vec<&String> = cluster
                .kubelets
                .bodies
                .values()
                .filter(|b| b.alive() && b.training().is_some_and(|t| t.facts.study == truth.name))
                .map(|b| &b.key.name)
                .collect();
            if !live.is_empty() {
                wrong.push(format!("pods {live:?} still run after the end of {}", truth.name));
            }
            if truth.gone {
                let left = trials.len();
                if left > 0 {
                    wrong.push(format!("{left} trials of {} outlive their study", truth.name));
                }
                continue;
            }
            let study =
                cluster.store.all(Resource::Study).find(|(_, s)| store::uid(s) == uid).map(|(_, s)| (**s).clone());
            match study.map(serde_json::from_value::<Study>) {
                Some(Ok(study)) => {
                    wrong.extend(at_the_end(truth, &study, &trials));
                    let is_whole = truth.trials.values().all(|t| t.gone.is_none());
                    let found = self.spending.judge(&study, &trials, is_whole);
                    wrong.extend(found.into_iter().map(|what| format!("{}: {what}", truth.name)));
                }
                Some(Err(error)) => wrong.push(format!("{} cannot be decoded: {error}", truth.name)),
                None => wrong.push(format!("{} is lost", truth.name)),
            }
        }
        wrong
    }
}

/// A pod that is lost, disrupted, deleted or out of reach may take lines with it that nobody has read.
fn may_lose(change: &Change, cluster: &Cluster) -> bool {
    let uid = store::uid(&change.object);
    let rotated = cluster.kubelets.bodies.get(uid).is_some_and(|b| b.rotated > 0);
    store::deleting(&change.object)
        || rotated
        || change.kind == ChangeKind::Deleted
        || change.object["status"]["reason"].is_string()
}

/// Only a copy reads the folder of another trial, and then that of the run where its donor came to the level at which it was copied.
fn wrong_origin(pod: &Value, trial: &Value) -> Option<String> {
    let facts = crate::program::Facts::read(&pod["spec"]["containers"][0])?;
    let folder = facts.resume?;
    let mut parts = folder.rsplit('/').map(|part| part.parse::<u64>().ok());
    let (run, donor) = (parts.next().flatten(), parts.next().flatten());
    if donor == Some(facts.trial.into()) {
        return None;
    }
    let from = &trial["spec"]["from"];
    let is_named = donor.is_some() && (donor, run) == (from["trial"].as_u64(), from["run"].as_u64());
    let is_there = Some(u64::from(facts.reached)) >= from["level"].as_u64();
    (!is_named || !is_there)
        .then(|| format!("is to begin from {} of {folder}, and its trial from {from}", facts.reached))
}

/// Whether a pod runs, may run, or may still be running.
fn holds_a_place(pod: &Value, cluster: &Cluster) -> bool {
    let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let told = pod["metadata"]["deletionTimestamp"].as_str().and_then(clock::parse);
    !over && told.is_none_or(|at| cluster.agenda.now() <= at + LOST_AFTER)
}

/// Starts have the next free numbers, and no other action is about a trial that was never started.
fn fresh_numbers(truth: &StudyTruth, record: &BatchRecord) -> Option<String> {
    let started: BTreeSet<u32> = truth
        .batches
        .values()
        .flat_map(|b| &b.actions)
        .filter(|a| a.action == ActionKind::Start)
        .map(|a| a.trial)
        .collect();
    let mut next = started.iter().next_back().map_or(0, |n| n + 1);
    for action in &record.actions {
        if action.action == ActionKind::Start {
            if action.trial != next {
                return Some(format!("batch {} starts trial {} where {next} is free", record.number, action.trial));
            }
            next += 1;
        } else if !started.contains(&action.trial) {
            return Some(format!("batch {} acts on trial {}, which was never started", record.number, action.trial));
        }
        if let Some(compared) = &action.compared {
            let passes = compared.rank <= compared.kept;
            // Whoever was made for a level is stopped there, however good it is; whoever is audited goes on because it is not among the best.
            let finite = !["NotFinite", "Evaluated"].contains(&action.reason.as_str());
            let earned = action.action == ActionKind::Continue && action.reason != "Audited";
            if passes != earned && finite {
                return Some(format!(
                    "batch {}: trial {} is {:?} at rank {} of {} with {} to pass",
                    record.number, action.trial, action.action, compared.rank, compared.of, compared.kept
                ));
            }
        }
    }
    None
}

/// No action lifts the active trials above the parallelism that the batch saw.
fn caps(study_uid: &str, truth: &StudyTruth, record: &BatchRecord, cluster: &Cluster, late: &Late) -> Option<String> {
    // How often each trial has rested, as far as this batch or one before it knows.
    let mut known: BTreeMap<u32, usize> = BTreeMap::new();
    for batch in truth.batches.values().chain([record]) {
        for key in admitted::decode(&batch.admitted).unwrap_or_default() {
            if let ResultKey::Rested(_, TrialNumber(number)) = key {
                *known.entry(number).or_default() += 1;
            }
        }
    }
    let mut active: BTreeSet<u32> = BTreeSet::new();
    let mut rested: BTreeMap<u32, u64> = BTreeMap::new();
    let mut words = Vec::new();
    for (_, trial) in
        cluster.store.all(Resource::Trial).filter(|(_, t)| t["spec"]["studyUID"] == study_uid && !store::deleting(t))
    {
        let number = u32::try_from(trial["spec"]["number"].as_u64().unwrap_or(0)).unwrap_or(0);
        let status = &trial["status"];
        let over =
            status["outcome"].is_object() || status["restedLevel"].as_u64() >= trial["spec"]["targetLevel"].as_u64();
        let jobs = cluster.store.dependents(store::uid(trial));
        let in_time = jobs.iter().filter_map(|k| cluster.store.get(k)).filter(|job| !late.has(store::uid(job)));
        let live = in_time.into_iter().any(|job| {
            cluster
                .store
                .dependents(store::uid(job))
                .iter()
                .filter_map(|k| cluster.store.get(k))
                .any(|p| holds_a_place(p, cluster))
        });
        // A rest that the batch does not know of yet: the trial's place is still taken as far as it can tell.
        let rests = status["rests"].as_array().map_or(0, Vec::len);
        let unseen = rests > known.get(&number).copied().unwrap_or(0);
        if !over || live || unseen {
            active.insert(number);
            words.push(format!(
                "{number}: target {} rested {} stop {} over {over} live {live}",
                trial["spec"]["targetLevel"], status["restedLevel"], trial["spec"]["stop"]["reason"]
            ));
        }
        rested.extend(status["restedLevel"].as_u64().map(|level| (number, level)));
    }
    let before = active.len();
    // A trial that already rests at or above the level that it is let go on to holds no place for it, nor does one that was
    // removed meanwhile.
    let exists = |number: u32| truth.trials.get(&number).is_some_and(|trial| trial.gone.is_none());
    let lifts = |a: &&trimtab_api::study::ActionRecord| match a.action {
        ActionKind::Start => true,
        ActionKind::Continue => exists(a.trial) && rested.get(&a.trial).copied() < a.level.map(u64::from),
        ActionKind::Stop => false,
    };
    let lifted: BTreeSet<u32> = record.actions.iter().filter(lifts).map(|a| a.trial).collect();
    let new = lifted.difference(&active).count();
    let after = before + new;
    let most = usize::try_from(record.settings.parallelism).unwrap_or(usize::MAX);
    (new > 0 && after > most).then(|| {
        let actions: Vec<String> =
            record.actions.iter().map(|a| format!("{:?} {} to {:?}", a.action, a.trial, a.level)).collect();
        format!(
            "batch {} ({actions:?}) lifts the active trials from {before} ({words:?}) to {after}, and {most} may be",
            record.number
        )
    })
}

fn at_the_end(truth: &StudyTruth, study: &Study, trials: &[Trial]) -> Vec<String> {
    let mut wrong = Vec::new();
    let plan = match trimtab_api::validate(study) {
        Ok(plan) => plan,
        Err(errors) => return vec![format!("{} is invalid: {errors:?}", truth.name)],
    };
    let history = trimtab_api::history::history(&plan, study, trials, 0);
    let whole = truth.trials.values().all(|t| t.gone.is_none());
    for finding in trimtab_engine::verify::verify(&plan, &history) {
        match finding {
            trimtab_engine::verify::Finding::Unverifiable { .. } if !whole => {}
            finding => wrong.push(format!("{}: {finding:?}", truth.name)),
        }
    }
    // What was decided is on the trials, action by action.
    for record in truth.batches.values() {
        for (index, action) in record.actions.iter().enumerate() {
            let Some(trial) = trials.iter().find(|t| t.spec.number == action.trial) else {
                let gone = truth.trials.get(&action.trial).is_some_and(|t| t.gone.is_some());
                if !gone {
                    wrong.push(format!("trial {} of batch {} was lost", action.trial, record.number));
                }
                continue;
            };
            let carried = trial.spec.batches.iter().find(|b| b.number == record.number && b.index as usize == index);
            if carried.is_none_or(|b| b.action != action.action || b.reason != action.reason || b.level != action.level)
            {
                wrong.push(format!("action {index} of batch {} is not on trial {}", record.number, action.trial));
            }
        }
    }
    let status = study.status.clone().unwrap_or_default();
    let is = |kind: &str| trimtab_api::conditions::is_true(&status.conditions, kind);
    if is("Complete") == is("Failed") {
        wrong.push(format!("{} has ended well and badly at once, or neither", truth.name));
    }
    let started = truth.batches.values().flat_map(|b| &b.actions).filter(|a| a.action == ActionKind::Start).count();
    if status.next_trial as usize != started {
        wrong.push(format!("{started} trials were started and the next number is {}", status.next_trial));
    }
    let best = trimtab_engine::best(&plan, &history);
    let told = status.best.as_ref().map(|b| (b.number, b.value.clone()));
    let held = best.map(|b| (b.number.0, trimtab_engine::number::to_text(b.value)));
    // The best that was seen stays in the status when its trial is removed and no other has a value.
    let removed = held.is_none()
        && told.as_ref().is_some_and(|(number, _)| truth.trials.get(number).is_some_and(|t| t.gone.is_some()));
    if told != held && !removed {
        wrong.push(format!("{}: the best trial is {held:?} and the status says {told:?}", truth.name));
    }
    let references = trimtab_api::front::references(&study.spec);
    let front = trimtab_engine::front(&plan, &history, &references)
        .map(|front| trimtab_api::front::record(&truth.name, &plan, &front, trimtab_api::front::MAX_NAMED));
    // A front is kept like the best trial.
    let told = status.front.as_ref();
    let removed = |number: u32| truth.trials.get(&number).is_some_and(|t| t.gone.is_some());
    let kept = front.is_none() && told.is_some_and(|told| told.trials.iter().all(|t| removed(t.number)));
    if told != front.as_ref() && !kept {
        wrong.push(format!("{}: the front is {front:?} and the status says {told:?}", truth.name));
    }
    if let Some(counts) = &status.trials {
        let sum = counts.pending
            + counts.running
            + counts.paused
            + counts.complete
            + counts.stopped
            + counts.failed
            + counts.removed;
        if sum != status.next_trial {
            wrong.push(format!("{}: {} trials are counted as {counts:?}", truth.name, status.next_trial));
        }
        if counts.running > 0 {
            wrong.push(format!("{}: after the end {} trials are counted as running", truth.name, counts.running));
        }
    }
    wrong
}

/// What a change is about, for the trace.
#[must_use]
pub fn gist(change: &Change) -> String {
    let object = &change.object;
    let status = &object["status"];
    let deleting = if store::deleting(object) { " deleting" } else { "" };
    let last = |list: &Value| list.as_array().and_then(|l| l.last()).cloned().unwrap_or_default();
    match change.key.resource {
        Resource::Study => format!(
            " batch {} applied {} next {} state {}{deleting} actions {}",
            status["batch"]["number"],
            status["appliedBatch"],
            status["nextTrial"],
            status["state"],
            status["batch"]["actions"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|a| format!("{}{}:{}", a["action"].as_str().unwrap_or("?"), a["trial"], a["level"]))
                .collect::<Vec<_>>()
                .join(",")
        ),
        Resource::Trial => format!(
            " target {} suspend {} stop {} state {} rested {} reached {} values {} outcome {} run {}{deleting}",
            object["spec"]["targetLevel"],
            object["spec"]["suspend"],
            object["spec"]["stop"]["reason"],
            status["state"],
            status["restedLevel"],
            status["reached"],
            status["values"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|v| format!(
                    "{}={}#{}",
                    v["level"],
                    v["metrics"][0]["last"].as_str().unwrap_or(""),
                    v["metrics"][0]["count"]
                ))
                .collect::<Vec<_>>()
                .join(","),
            status["outcome"]["reason"],
            last(&status["runs"]),
        ),
        Resource::Job => format!(
            " {:?}{deleting}",
            status["conditions"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|c| c["type"].as_str().unwrap_or(""))
                .collect::<Vec<_>>()
        ),
        Resource::Pod => format!(" {} {}{deleting}", status["phase"], status["containerStatuses"][0]["state"]),
        Resource::Event => format!(" {} {}", object["reason"], object["note"]),
        Resource::Lease => String::new(),
    }
}
