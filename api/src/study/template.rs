//! What a trial runs.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::podspec::JobSpec;
use crate::schema::{LABEL, METRIC, PATH};

/// What a trial runs.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialTemplate {
    /// container that trains, by name. Needed if the pod has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL))]
    pub container: Option<String>,
    /// timeoutSeconds that a run may take, counted while its container runs, not while it waits for a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub timeout_seconds: Option<u32>,
    /// metrics says where values are read from. Left out: the container's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsSource>,
    /// checkpoint names the volume on which trials keep their progress. Left out: a promoted trial cannot resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// retain says of which ended runs the Job and pod are kept for a day: None, Failed (default) or All.
    #[serde(default)]
    pub retain: Retain,
    /// job is the Job that a run is made from.
    pub job: JobTemplate,
}

/// Where values are read from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsSource {
    /// log reads what the container prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogMetrics>,
}

/// How a log is read.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogMetrics {
    /// fidelityKey is the name under which the training prints how far it is. Left out: the usual ones, such as epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub fidelity_key: Option<String>,
}

/// The volume on which trials keep their progress.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// claimName is a PersistentVolumeClaim in the Study's namespace that all nodes in question can mount.
    #[schemars(length(min = 1, max = 253))]
    pub claim_name: String,
    /// mountPath is where the container sees it.
    #[serde(default = "checkpoints")]
    #[schemars(length(min = 2, max = 1024), regex(pattern = PATH))]
    pub mount_path: String,
}

fn checkpoints() -> String {
    "/checkpoints".to_owned()
}

/// Which ended runs are kept.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retain {
    /// None.
    None,
    /// Those that failed.
    #[default]
    Failed,
    /// All.
    All,
}

/// The Job that a run is made from.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobTemplate {
    /// metadata gives labels and annotations of the Job (a Kueue queue name, say).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TemplateMetadata>,
    /// spec is a batch/v1 Job's. The operator owns completions, parallelism, backoffLimit, podFailurePolicy,
    /// podReplacementPolicy, ttlSecondsAfterFinished and the pod's restartPolicy.
    pub spec: JobSpec,
}

/// Labels and annotations.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateMetadata {
    /// labels to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::schema::labels")]
    pub labels: BTreeMap<String, String>,
    /// annotations to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::schema::annotations")]
    pub annotations: BTreeMap<String, String>,
}
