//! Where a Study begins with what an earlier one found out.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{LABEL, NUMBER};

/// An earlier Study whose trials are evidence for the sampler.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarmStart {
    /// studyName is an earlier Study of the same namespace. At most 200 of its trials are copied once, when it has ended or is
    /// suspended: what becomes of it afterwards changes nothing here.
    #[schemars(length(min = 1, max = 40), regex(pattern = LABEL))]
    pub study_name: String,
}

/// The trials of an earlier Study that this one began with, as they were copied. Written once, before the first batch.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarmStarted {
    /// studyName is the earlier Study.
    #[schemars(length(min = 1, max = 63))]
    pub study_name: String,
    /// studyUID is its UID.
    #[serde(rename = "studyUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub study_uid: Option<String>,
    /// found is how many of its trials had found something out.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub found: u32,
    /// message says how many were copied, and why others were left out.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// trials that were copied, in the order of their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
    pub trials: Vec<ImportedTrial>,
}

/// A trial of an earlier Study.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedTrial {
    /// number of the trial in the earlier Study.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub number: u32,
    /// parameters as text, in the order of this Study's; empty for one that the trial does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    pub parameters: Vec<String>,
    /// level is the fidelity of the values; absent where the trial failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: Option<u32>,
    /// values as text: of this Study's objectives, and then of the metrics that its constraints bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 17), inner(length(min = 1, max = 32), regex(pattern = NUMBER)), extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Vec<String>,
}
