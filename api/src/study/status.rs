//! What the study controller knows, and the decisions that it takes.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Limits, ParameterValue, ResourceHours, WarmStarted};
use crate::schema::{LABEL, LARGE, METRIC, NUMBER, REASON, SAFE};

/// What the study controller knows. Bounded: nothing in it grows with the number of trials.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.nextTrial >= oldSelf.nextTrial").message("`nextTrial` must never fall").field_path(".nextTrial"))]
#[x_kube(validation = Rule::new("self.appliedBatch >= oldSelf.appliedBatch").message("`appliedBatch` must never fall").field_path(".appliedBatch"))]
#[x_kube(validation = Rule::new("self.spentFidelity >= oldSelf.spentFidelity").message("`spentFidelity` must never fall").field_path(".spentFidelity"))]
#[x_kube(validation = Rule::new("!has(oldSelf.batch) || (has(self.batch) && (self.batch.number > oldSelf.batch.number || self.batch == oldSelf.batch))").message("`batch` must not be changed or removed, only followed by one of a higher number").field_path(".batch"))]
#[x_kube(validation = Rule::new("!has(oldSelf.warmStart) || (has(self.warmStart) && self.warmStart == oldSelf.warmStart)").message("`warmStart` must not be changed or removed: decisions were taken on it").field_path(".warmStart"))]
#[x_kube(validation = Rule::new("!has(oldSelf.batch) || has(self.warmStart) == has(oldSelf.warmStart)").message("`warmStart` must not be added after the first batch").field_path(".warmStart"))]
pub struct StudyStatus {
    /// observedGeneration is the generation of the spec that the status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = SAFE))]
    pub observed_generation: Option<i64>,
    /// conditions: Accepted, Suspended, Stalled, Complete, Failed, EarlyStoppingSafe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// state is a word for people, from the conditions: Pending, Running, Suspended, Stalled, Complete, Failed, Invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub state: Option<String>,
    /// algorithm in words: hyperband, random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub algorithm: Option<String>,
    /// progress in words: trials that ended or reached the top, of those known to be wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub progress: Option<String>,
    /// seed in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = SAFE))]
    pub seed: Option<u64>,
    /// nextTrial is the next free trial number. It never falls.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub next_trial: u32,
    /// warmStart is what the study began with: the one copy of an earlier Study's trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_start: Option<WarmStarted>,
    /// batch is the newest decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchRecord>,
    /// appliedBatch is the newest batch whose actions have all been seen on the Trials.
    #[serde(default)]
    #[schemars(range(min = 0, max = SAFE))]
    pub applied_batch: u64,
    /// best is the best trial so far. Absent with several objectives: then there is a front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestTrial>,
    /// front is the Pareto front of several objectives so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
    /// answer in a word: the best value, or the size of the front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub answer: Option<String>,
    /// trials counts them by state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<TrialCounts>,
    /// spentFidelity is the fidelity that all runs have paid, in the study's unit.
    #[serde(default)]
    #[schemars(range(min = 0, max = SAFE))]
    pub spent_fidelity: u64,
    /// resourceHours that runs have used, of devices and of what a limit names; of runs that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["resource"]))]
    pub resource_hours: Vec<ResourceHours>,
    /// startTime is when the first batch was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// completionTime is when the study ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// activeSeconds up to activeSince.
    #[serde(default)]
    #[schemars(range(min = 0, max = SAFE))]
    pub active_seconds: u64,
    /// activeSince is when the study last began to be active; absent while suspended or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_since: Option<Time>,
}

/// Trials by state.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialCounts {
    /// pending: no pod runs yet.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub pending: u32,
    /// running: a pod runs.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub running: u32,
    /// paused: resting at a rung, no pod.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub paused: u32,
    /// complete: reached the top.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub complete: u32,
    /// stopped early.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub stopped: u32,
    /// failed, by configuration or infrastructure.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub failed: u32,
    /// removed by a user.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub removed: u32,
}

/// The best trial.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BestTrial {
    /// trialName is the Trial's name.
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL))]
    pub trial_name: String,
    /// number is the trial's number.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub number: u32,
    /// level is the fidelity at which the value was reached.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: u32,
    /// value of the objective, as text.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub value: String,
    /// parameters of the trial.
    #[schemars(length(max = 64))]
    pub parameters: Vec<ParameterValue>,
}

/// The Pareto front: the trials of which no other is as good in every objective and better in one.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Front {
    /// level is the fidelity at which trials are compared: the highest that any reached.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: u32,
    /// size is how many trials are on it.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub size: u32,
    /// metrics of the objectives, in the order in which values are given.
    #[schemars(length(max = 4), inner(length(min = 1, max = 63), regex(pattern = METRIC)))]
    pub metrics: Vec<String>,
    /// reference is where the hypervolume is measured from, a value for each objective as text.
    #[schemars(length(max = 4), inner(length(min = 1, max = 32), regex(pattern = NUMBER)))]
    pub reference: Vec<String>,
    /// hypervolume up to the reference, as text; absent where it is infinite or would take too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub hypervolume: Option<String>,
    /// trials on the front by their first value, at most 32 of them that are spread over it.
    #[schemars(length(max = 32))]
    pub trials: Vec<FrontTrial>,
}

/// A trial on the front.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontTrial {
    /// trialName is the Trial's name.
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL))]
    pub trial_name: String,
    /// number is the trial's number.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub number: u32,
    /// values of the objectives, as text.
    #[schemars(length(max = 4), inner(length(min = 1, max = 32), regex(pattern = NUMBER)))]
    pub values: Vec<String>,
}

/// A decision: what it saw and what it does. Writing it is deciding.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRecord {
    /// number counts from 1.
    #[schemars(range(min = 1, max = SAFE))]
    pub number: u64,
    /// settings is the changeable part of the spec that the decision saw.
    pub settings: SettingsRecord,
    /// admitted names the results newly admitted as evidence, in a compact form.
    #[serde(default)]
    #[schemars(length(max = 65536))]
    pub admitted: String,
    /// actions in the order taken.
    #[schemars(length(min = 1, max = 64))]
    pub actions: Vec<ActionRecord>,
}

/// The changeable part of a spec.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsRecord {
    /// parallelism as it was.
    #[schemars(range(min = 1, max = 1_000))]
    pub parallelism: u32,
    /// limits as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// target as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub target: Option<f64>,
    /// suspend as it was.
    #[serde(default)]
    pub suspend: bool,
    /// startWith is how many starting points there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = 50))]
    pub start_with: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The kinds of actions.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionKind {
    /// A new trial.
    Start,
    /// A trial may go on past a rung.
    Continue,
    /// A trial ends early.
    Stop,
}

/// One action.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionRecord {
    /// trial is the number of the trial.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub trial: u32,
    /// action is Start, Continue or Stop.
    pub action: ActionKind,
    /// reason from a closed list.
    #[schemars(length(min = 1, max = 64), regex(pattern = REASON))]
    pub reason: String,
    /// level that the trial may run to (Start, Continue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: Option<u32>,
    /// cleared is the level of the rung passed (Continue).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub cleared: Option<u32>,
    /// compared holds the numbers that a rung compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<ComparisonRecord>,
    /// bracket of the trial (Start).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub bracket: Option<u32>,
    /// sampler that was asked for the configuration (Start).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub sampler: Option<String>,
    /// parameters of the trial (Start).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub parameters: Vec<ParameterValue>,
    /// fallback is the sampler that proposed in place of the one asked (Start).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub fallback: Option<String>,
    /// parents of the configuration, by number (Start).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(range(min = 0, max = 1_000_000)))]
    pub parents: Vec<u32>,
    /// tag is the sampler's own note (Start).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub tag: Option<String>,
    /// from says what a copy begins from (Start).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
}

/// What a copy begins from: the checkpoint of a run of its donor.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// trial is the donor's number.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub trial: u32,
    /// level at which the donor rested.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: u32,
    /// run of the donor that ended there. Left out: it is not on record any more, and the copy begins from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub run: Option<u32>,
    /// start is the fidelity that this run had reached, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub start: Option<String>,
}

/// What a rung compared.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonRecord {
    /// level of the rung.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: u32,
    /// rank of the trial, from 1.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub rank: u32,
    /// kept is how many pass.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub kept: u32,
    /// of is how many were compared.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub of: u32,
    /// value of the trial, as text; where rungs rank by non-domination its front, from 1.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub value: String,
    /// cutoff is the value, or the front, of the last one that passes, as text.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub cutoff: String,
    /// violation is by how much the trial breaks the constraints on reported metrics, as a share of their bounds and as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub violation: Option<String>,
}
