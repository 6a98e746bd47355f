//! The judge of what runs cost: what the kubelets know against what is on record.

use std::collections::BTreeMap;

use serde_json::Value;
use trimtab_api::conditions::{self, study as condition};
use trimtab_api::trial::Run;
use trimtab_api::{Study, Trial};

use crate::clock::{self, Millis, SECOND};
use crate::cluster::Cluster;
use crate::kubelet::Container;
use crate::store::{self, Change};

/// How long a pod's container ran.
#[derive(Clone, Copy, Debug, Default)]
struct Ran {
    started: Option<Millis>,
    finished: Option<Millis>,
}

/// How long the container of each pod ran: by its Job's UID, then by its own.
#[derive(Debug, Default)]
pub struct Spending(BTreeMap<String, BTreeMap<String, Ran>>);

impl Spending {
    /// Hears of a pod.
    pub fn hear(&mut self, change: &Change, cluster: &Cluster) {
        let Some(job) = store::controller(&change.object) else { return };
        let uid = store::uid(&change.object);
        let held = self.0.entry(job.to_owned()).or_default().entry(uid.to_owned()).or_default();
        let state = &change.object["status"]["containerStatuses"][0]["state"];
        let at = |end: &Value, what: &str| end[what].as_str().and_then(clock::parse);
        let told = match cluster.kubelets.bodies.get(uid).map(|body| &body.container) {
            Some(Container::Running(since)) => (Some(*since), None),
            Some(Container::Ended { started, finished, .. }) => (*started, started.map(|_| *finished)),
            Some(Container::Waiting) => (None, None),
            // Its kubelet has forgotten it.
            None => (at(&state["terminated"], "startedAt"), at(&state["terminated"], "finishedAt")),
        };
        *held = Ran { started: held.started.or(told.0), finished: held.finished.or(told.1) };
    }

    /// What is wrong with the record of what a study's runs cost. `is_whole`: none of its trials was removed.
    #[must_use]
    pub fn judge(&self, study: &Study, trials: &[Trial], is_whole: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for trial in trials {
            let Some(status) = &trial.status else { continue };
            let (number, runs) = (trial.spec.number, &status.runs);
            let sum: u64 = runs.iter().filter_map(|run| run.end.as_ref()).map(|end| end.seconds).sum();
            // Only the last runs are kept one by one.
            let is_all = runs.first().is_none_or(|run| run.number == 1);
            if is_all && sum != status.run_seconds {
                wrong.push(format!("trial {number}: its runs took {sum} s and {} s are counted", status.run_seconds));
            }
            let found = runs.iter().filter_map(|run| Some((run.number, self.judge_run(run)?)));
            wrong.extend(found.map(|(run, what)| format!("trial {number}, run {run}: {what}")));
        }
        wrong.extend(judge_hours(study, trials, is_whole));
        wrong
    }

    fn judge_run(&self, run: &Run) -> Option<String> {
        let end = run.end.as_ref()?;
        let pods: Vec<Ran> = self.0.get(run.job_uid.as_ref()?)?.values().copied().collect();
        if pods.iter().all(|pod| pod.started.is_none()) {
            // It waited for a place, for an image or for nothing, and that is free.
            return (end.seconds > 0).then(|| format!("no container of it ran and it cost {} s", end.seconds));
        }
        // As objects have them: whole seconds, on both ends.
        let seconds = |pod: &Ran| Some((pod.finished? / SECOND).saturating_sub(pod.started? / SECOND));
        let really: u64 = pods.iter().filter(|pod| pod.started.is_some()).map(seconds).sum::<Option<u64>>()?;
        let is_told = end.exit_code.is_some();
        if is_told && end.seconds != really {
            return Some(format!("it ran for {really} s and cost {} s: {end:?}", end.seconds));
        }
        // Nobody saw how it ended, so it was counted up to when it was found gone; a node that is lost says nothing at all, and what
        // does not stop in time is counted no longer.
        let is_left = end.message.ends_with("is left to its node");
        let is_known = run.start_time.is_some() && end.reason != conditions::reason::NODE_LOST && !is_left;
        (is_known && end.seconds < really)
            .then(|| format!("it ran for {really} s and cost only {} s: {end:?}", end.seconds))
    }
}

/// The hours that the status tells against the seconds of the trials, and the end of the study against both.
fn judge_hours(study: &Study, trials: &[Trial], is_whole: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let (Some(status), Some(limits)) = (&study.status, &study.spec.limits) else { return wrong };
    let seconds: u64 = trials.iter().filter_map(|t| t.status.as_ref()).map(|s| s.run_seconds).sum();
    let complete = status.conditions.iter().find(|c| c.type_ == condition::COMPLETE && c.status == "True");
    let why = complete.map_or("", |c| c.reason.as_str());
    let is_by_hours = why == "ResourceHoursReached";
    let mut is_reached = false;
    for limit in &limits.resource_hours {
        let pod = &study.spec.trial.job.spec.0["template"]["spec"]["containers"][0]["resources"]["limits"];
        // What the setting asks for is whole.
        let held = pod[&limit.resource].as_f64().unwrap_or(0.0);
        let really = held * seconds as f64 / 3600.0;
        let told = status.resource_hours.iter().find(|h| h.resource == limit.resource).map_or(0.0, |h| h.hours);
        let name = &limit.resource;
        if told < really - 1e-9 || (is_whole && !is_by_hours && told > really + 1e-9) {
            wrong.push(format!("{really} hours of {name} were used and the status says {told}"));
        }
        is_reached |= told >= limit.hours;
        if ["TrialsReached", "BracketsDone", "FullTrainingsReached", "SpaceExhausted"].contains(&why)
            && told >= limit.hours
        {
            wrong.push(format!("{told} of {} hours of {name} are used and the study ended by {why}", limit.hours));
        }
    }
    if is_by_hours && !is_reached {
        wrong.push(format!(
            "it ended by {why}, and {:?} of {:?} are used",
            status.resource_hours, limits.resource_hours
        ));
    }
    wrong
}
