//! Jobs that came too late: their creation was on its way while somebody else ended the run. Nothing can hold such a request
//! back, so what is judged is that nobody counts what such a Job does, and that it is taken away.

use std::collections::BTreeSet;

use serde_json::Value;
use trimtab_api::names;

use crate::cluster::Cluster;
use crate::resource::Resource;
use crate::store::{self, Change, ChangeKind};

/// Which Jobs came too late.
#[derive(Debug, Default)]
pub struct Late {
    /// Their UIDs.
    jobs: BTreeSet<String>,
    /// Names of their pods.
    pods: BTreeSet<String>,
    /// UIDs of Jobs that were made when their trial was already told to end: whoever ends the run may have looked before.
    doubtful: BTreeSet<String>,
}

impl Late {
    /// Whether the Job of this UID came too late.
    #[must_use]
    pub fn has(&self, job_uid: &str) -> bool {
        self.jobs.contains(job_uid)
    }

    /// Whether the pod of this name is that of such a Job.
    #[must_use]
    pub fn has_pod(&self, name: &str) -> bool {
        self.pods.contains(name)
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.jobs.len() as u64
    }

    /// Takes note of a change.
    pub fn note(&mut self, change: &Change, cluster: &Cluster) {
        match (change.key.resource, change.kind) {
            (Resource::Job, ChangeKind::Added) => self.note_made(&change.object, cluster),
            (Resource::Trial, ChangeKind::Modified) => self.note_unseen(change, cluster),
            (Resource::Pod, _) if store::controller(&change.object).is_some_and(|job| self.has(job)) => {
                self.pods.insert(change.key.name.clone());
            }
            _ => {}
        }
    }

    /// A Job whose run has an end on record when it is made is late, and one whose run is to end then may be.
    fn note_made(&mut self, job: &Value, cluster: &Cluster) {
        let (Some(run), Some(trial)) = (run_of(job), store::controller(job)) else { return };
        let trial = cluster.store.all(Resource::Trial).find(|(_, held)| store::uid(held) == trial);
        let Some((_, trial)) = trial else { return };
        let runs = trial["status"]["runs"].as_array();
        let is_over = |held: &Value| {
            held["number"].as_u64() > Some(run) || held["number"].as_u64() == Some(run) && held["end"].is_object()
        };
        if runs.is_some_and(|runs| runs.iter().any(is_over)) {
            self.jobs.insert(store::uid(job).to_owned());
        } else if trial["spec"]["stop"].is_object() || trial["spec"]["suspend"] == true {
            self.doubtful.insert(store::uid(job).to_owned());
        }
    }

    /// A run that ends without anybody having seen its Job, and which has one: the Job was made between the look and this write.
    /// One that was made before the trial was told to end should have been seen.
    fn note_unseen(&mut self, change: &Change, cluster: &Cluster) {
        let runs = |object: &Value| object["status"]["runs"].as_array().cloned().unwrap_or_default();
        let before = change.old.as_deref().map(runs).unwrap_or_default();
        let had_end = |run: &Value| before.iter().any(|old| old["number"] == run["number"] && old["end"].is_object());
        let ends_unseen = |run: &Value| run["end"]["gone"] == true && !run["jobUID"].is_string() && !had_end(run);
        for run in runs(&change.object).iter().filter(|run| ends_unseen(run)) {
            for key in cluster.store.dependents(store::uid(&change.object)) {
                let Some(job) = cluster.store.get(&key).filter(|job| run_of(job) == run["number"].as_u64()) else {
                    continue;
                };
                let uid = store::uid(job);
                if self.doubtful.contains(uid) {
                    self.jobs.insert(uid.to_owned());
                    self.pods.extend(cluster.store.dependents(uid).into_iter().map(|pod| pod.name));
                }
            }
        }
    }
}

/// The number of the run that a Job is of.
fn run_of(job: &Value) -> Option<u64> {
    job["metadata"]["labels"][names::RUN_LABEL].as_str().and_then(|run| run.parse().ok())
}
