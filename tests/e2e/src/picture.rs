//! Everything of Trimtab's in a namespace at one moment.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use trimtab_api::trial::{OutcomeKind, TrialStatus};
use trimtab_api::{Study, Trial};

/// The objects of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Studies by name.
    pub studies: BTreeMap<String, Study>,
    /// Trials by name.
    pub trials: BTreeMap<String, Trial>,
    /// Jobs by name.
    pub jobs: BTreeMap<String, Job>,
    /// Pods by name.
    pub pods: BTreeMap<String, Pod>,
}

async fn all<K>(client: &Client, namespace: &str) -> Result<BTreeMap<String, K>>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let list = Api::<K>::namespaced(client.clone(), namespace).list(&ListParams::default()).await;
    let list = list.with_context(|| format!("listing {}", K::kind(&())))?;
    Ok(list.items.into_iter().map(|object| (object.name_any(), object)).collect())
}

impl Picture {
    /// Looks at a namespace. What is made is listed before what makes it, so that a child is never seen without its parent's
    /// knowing of it.
    ///
    /// # Errors
    /// When a list fails.
    pub async fn take(client: &Client, namespace: &str) -> Result<Self> {
        let pods = all(client, namespace).await?;
        let jobs = all(client, namespace).await?;
        let trials = all(client, namespace).await?;
        let studies = all(client, namespace).await?;
        Ok(Self { studies, trials, jobs, pods })
    }

    /// A condition of a Study.
    #[must_use]
    pub fn condition(&self, study: &str, kind: &str) -> Option<&Condition> {
        self.studies.get(study)?.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == kind)
    }

    /// Whether a condition of a Study is `True`.
    #[must_use]
    pub fn is(&self, study: &str, kind: &str) -> bool {
        self.condition(study, kind).is_some_and(|condition| condition.status == "True")
    }

    /// A Study's trials by number.
    #[must_use]
    pub fn trials_of(&self, study: &str) -> BTreeMap<u32, &Trial> {
        let trials = self.trials.values().filter(|trial| trial.spec.study_name == study);
        trials.map(|trial| (trial.spec.number, trial)).collect()
    }

    /// The only trial of a number.
    #[must_use]
    pub fn trial(&self, study: &str, number: u32) -> Option<&Trial> {
        self.trials.get(&trimtab_api::names::trial(study, number))
    }

    /// What came of a trial.
    #[must_use]
    pub fn status(&self, study: &str, number: u32) -> Option<&TrialStatus> {
        self.trial(study, number)?.status.as_ref()
    }

    /// The pods of trials that may run still. The clean-up's pods are no runs.
    #[must_use]
    pub fn live_pods(&self) -> Vec<&Pod> {
        let is_run = |pod: &&Pod| pod.labels().contains_key(trimtab_api::names::RUN_LABEL);
        self.pods.values().filter(is_run).filter(|pod| !matches!(phase(pod), "Succeeded" | "Failed")).collect()
    }

    /// The pods of trials that hold a node's resources.
    #[must_use]
    pub fn running_pods(&self) -> Vec<&Pod> {
        self.live_pods().into_iter().filter(|pod| phase(pod) == "Running").collect()
    }

    /// In a few lines, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut lines = Vec::new();
        for (name, study) in &self.studies {
            let status = study.status.clone().unwrap_or_default();
            let batch = status.batch.as_ref().map_or(0, |batch| batch.number);
            lines.push(format!(
                "study {name}: {:?}, batch {batch}, applied {}, next trial {}, {:?}",
                status.state, status.applied_batch, status.next_trial, status.trials
            ));
            lines.extend(
                status.conditions.iter().map(|c| format!("  {}={} {}: {}", c.type_, c.status, c.reason, c.message)),
            );
        }
        for (name, trial) in &self.trials {
            let status = trial.status.clone().unwrap_or_default();
            let spec = &trial.spec;
            lines.push(format!(
                "trial {name}: {:?}, target {}, cleared {:?}, stop {:?}, suspend {}, reached {:?}, rested {:?}, spent {}, retries {}, outcome {:?}",
                status.state,
                spec.target_level,
                spec.cleared_level,
                spec.stop.as_ref().map(|stop| &stop.reason),
                spec.suspend,
                status.reached,
                status.rested_level,
                status.spent_fidelity,
                status.retries,
                status.outcome
            ));
            for run in &status.runs {
                let end = run.end.as_ref().map(|end| format!("{} ({}) gone {}", end.reason, end.message, end.gone));
                lines.push(format!(
                    "  run {} to {} from {} (run {:?}), first {:?}, reached {:?}: {end:?}",
                    run.number, run.target_level, run.start, run.resume_from, run.first, run.reached
                ));
            }
        }
        lines.extend(self.jobs.iter().map(|(name, job)| {
            format!(
                "job {name}: deleting {}, {:?}",
                job.metadata.deletion_timestamp.is_some(),
                job.status.as_ref().map(|s| (s.active, s.succeeded, s.failed))
            )
        }));
        lines.extend(self.pods.iter().map(|(name, pod)| {
            format!("pod {name}: {}, deleting {}", phase(pod), pod.metadata.deletion_timestamp.is_some())
        }));
        lines.join("\n")
    }
}

/// A pod's phase.
#[must_use]
pub fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// How a trial ended, if it did: kind and reason.
#[must_use]
pub fn outcome(status: &TrialStatus) -> Option<(OutcomeKind, &str)> {
    status.outcome.as_ref().map(|outcome| (outcome.kind, outcome.reason.as_str()))
}

/// The reasons for which a trial's runs ended, in their order.
#[must_use]
pub fn ends(status: &TrialStatus) -> Vec<&str> {
    status.runs.iter().filter_map(|run| run.end.as_ref()).map(|end| end.reason.as_str()).collect()
}
