//! What is kept of Jobs and pods: the fields that the controllers read.
//!
//! A Job carries the user's pod template and a pod all of its spec, several times what is ever looked at, and the caches hold
//! every Job and pod there is. So they are decoded into types that have no place for the rest: what is not here cannot be read by
//! mistake, neither from a cache nor live. Nothing that is decoded here is ever written back.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::JobCondition;
use k8s_openapi::api::core::v1::{ContainerState, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use serde::{Deserialize, Deserializer};
use trimtab_api::names;

/// The labels that are read: whose the object is.
const LABELS: [&str; 2] = [names::TRIAL_LABEL, names::RUN_LABEL];

/// A `batch/v1` Job, as far as it is read.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Resource)]
#[resource(inherit = "k8s_openapi::api::batch::v1::Job")]
#[serde(default)]
pub struct Job {
    /// Whose it is, since when it is there, and whether it is to go.
    #[serde(deserialize_with = "metadata")]
    pub metadata: ObjectMeta,
    /// What is asked of it.
    pub spec: Option<JobSpec>,
    /// How it stands.
    pub status: Option<JobStatus>,
}

/// What is asked of a Job.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct JobSpec {
    /// Whether a queueing system, or a user, holds it.
    pub suspend: Option<bool>,
}

/// How a Job stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct JobStatus {
    /// Since when it may have a pod.
    pub start_time: Option<Time>,
    /// Whether and how it ended.
    pub conditions: Option<Vec<JobCondition>>,
}

/// A `v1` pod, as far as it is read.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Resource)]
#[resource(inherit = "k8s_openapi::api::core::v1::Pod")]
#[serde(default)]
pub struct Pod {
    /// Whose it is, since when it is there, and whether it is to go.
    #[serde(deserialize_with = "metadata")]
    pub metadata: ObjectMeta,
    /// How it stands.
    pub status: Option<PodStatus>,
}

/// How a pod stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// The phase of its life.
    pub phase: Option<String>,
    /// Why it is in that phase, where the kubelet says so: an eviction.
    pub reason: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// Whether it has a node, and whether it was disrupted.
    pub conditions: Option<Vec<PodCondition>>,
    /// Its containers.
    pub container_statuses: Option<Vec<ContainerStatus>>,
    /// Its init containers.
    pub init_container_statuses: Option<Vec<ContainerStatus>>,
}

/// How a container stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Waiting, running or terminated.
    pub state: Option<ContainerState>,
}

/// The metadata that is read. Every field that is kept is named here.
fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let all = ObjectMeta::deserialize(deserializer)?;
    let labels = all.labels.unwrap_or_default().into_iter().filter(|(name, _)| LABELS.contains(&name.as_str()));
    Ok(ObjectMeta {
        name: all.name,
        namespace: all.namespace,
        uid: all.uid,
        resource_version: all.resource_version,
        creation_timestamp: all.creation_timestamp,
        deletion_timestamp: all.deletion_timestamp,
        deletion_grace_period_seconds: all.deletion_grace_period_seconds,
        owner_references: all.owner_references,
        labels: Some(labels.collect::<BTreeMap<_, _>>()),
        ..ObjectMeta::default()
    })
}

#[cfg(test)]
mod tests;
