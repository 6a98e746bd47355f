//! Runs: attempts of a trial to get to a level.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{NUMBER, REASON, SAFE};

/// One attempt of a trial to get to a level: one Job.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// number of the run, from 1.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub number: u32,
    /// targetLevel is where the run ends.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub target_level: u32,
    /// start is the fidelity that it begins from, as text: 0 without a checkpoint.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub start: String,
    /// resumeFrom is the run whose checkpoint it begins from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub resume_from: Option<u32>,
    /// resumeTrial is the trial whose run that is, where it is another one: a copy begins from its donor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub resume_trial: Option<u32>,
    /// jobUID is known once the Job was created.
    #[serde(rename = "jobUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub job_uid: Option<String>,
    /// podName of the newest pod, for `kubectl logs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub pod_name: Option<String>,
    /// reached is the highest fidelity that the run reported, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub reached: Option<String>,
    /// first is the first fidelity that the run reported, as text: a resumed run that begins again gives itself away by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub first: Option<String>,
    /// startTime is when the container of its newest pod began to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// earlierSeconds that pods of the run ran which made room for the newest one.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = SAFE))]
    pub earlier_seconds: u64,
    /// end says how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RunEnd>,
}

impl Run {
    /// A run from zero that nothing is known of yet but how far it is to go.
    #[must_use]
    pub fn from_zero(number: u32, target_level: u32) -> Self {
        Self {
            number,
            target_level,
            start: "0".to_owned(),
            resume_from: None,
            resume_trial: None,
            job_uid: None,
            pod_name: None,
            reached: None,
            first: None,
            start_time: None,
            earlier_seconds: 0,
            end: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

/// How a run ended.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    /// reason from a closed list.
    #[schemars(length(min = 1, max = 64), regex(pattern = REASON))]
    pub reason: String,
    /// message for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub message: String,
    /// exitCode of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -2_147_483_648_i64, max = 2_147_483_647))]
    pub exit_code: Option<i32>,
    /// time when it ended.
    pub time: Time,
    /// seconds that its containers ran.
    #[schemars(range(min = 0, max = SAFE))]
    pub seconds: u64,
    /// uncounted is true for infrastructure failures and suspensions, which do not count against the trial.
    #[serde(default)]
    pub uncounted: bool,
    /// gone is true when the Job was deleted, or is to be kept.
    #[serde(default)]
    pub gone: bool,
}
