//! What came of a trial.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Run;
use crate::schema::{LABEL, METRIC, NUMBER, REASON, SAFE};

/// What came of a trial.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(oldSelf.outcome) || (has(self.outcome) && self.outcome == oldSelf.outcome)").message("`outcome` must not be changed or removed once it is set").field_path(".outcome"))]
#[x_kube(validation = Rule::new("!has(oldSelf.values) || (has(self.values) && oldSelf.values.all(o, self.values.exists(n, n.level == o.level && o.metrics.all(m, m in n.metrics))))").message("`values` must not be changed or removed: each metric is written once at each level").field_path(".values"))]
#[x_kube(validation = Rule::new("!has(self.values) || self.values.all(n, self.values.exists_one(o, o.level == n.level))").message("`values` must have each level once").field_path(".values"))]
#[x_kube(validation = Rule::new("!has(oldSelf.rests) || (has(self.rests) && self.rests.filter(n, oldSelf.rests.exists(o, o.level == n.level)) == oldSelf.rests)").message("`rests` must not be changed or removed at a level where they are written").field_path(".rests"))]
#[x_kube(validation = Rule::new("!has(oldSelf.restedLevel) || (has(self.restedLevel) && self.restedLevel >= oldSelf.restedLevel)").message("`restedLevel` must never fall").field_path(".restedLevel"))]
#[x_kube(validation = Rule::new("self.spentFidelity >= oldSelf.spentFidelity").message("`spentFidelity` must never fall").field_path(".spentFidelity"))]
#[x_kube(validation = Rule::new("self.nextRun >= oldSelf.nextRun").message("`nextRun` must never fall").field_path(".nextRun"))]
pub struct TrialStatus {
    /// observedGeneration is the generation of the spec that the status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = SAFE))]
    pub observed_generation: Option<i64>,
    /// conditions: Running, Complete, Failed, Stopped, CheckpointIgnored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// state is a word for people: Pending, Running, Paused, Suspended, Stopping, Stopped, Complete, Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub state: Option<String>,
    /// outcome is written once, when the trial ended otherwise than by reaching its highest level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// values at levels; each is written once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub values: Vec<LevelValues>,
    /// restedLevel is the highest level at which a run ended in order. It never falls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub rested_level: Option<u32>,
    /// rests lists the levels at which a run ended in order, with what had been paid by then; each is written once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub rests: Vec<Rest>,
    /// spentFidelity is what all runs have paid, in the study's unit. It never falls.
    #[serde(default)]
    #[schemars(range(min = 0, max = SAFE))]
    pub spent_fidelity: u64,
    /// value is the newest value of the objective, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub value: Option<String>,
    /// reached is the highest fidelity reported, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub reached: Option<String>,
    /// progress holds what was reported so far of each metric, so that reading goes on after a restart of the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 17))]
    pub progress: Vec<MetricProgress>,
    /// curve of the objective, thinned, for display only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub curve: Vec<CurvePoint>,
    /// curveStride is one in how many reports the curve keeps.
    #[serde(default)]
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub curve_stride: u32,
    /// curveSeen is how many reports the curve has been offered.
    #[serde(default)]
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub curve_seen: u32,
    /// cursor is how far the current pod's log has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<LogCursor>,
    /// runs of the trial, the last 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub runs: Vec<Run>,
    /// nextRun is the number of the next run, from 1. It never falls.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub next_run: u32,
    /// retries counts infrastructure failures since the last gain in fidelity.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub retries: u32,
    /// retryAfter is when the next run may be started after an infrastructure failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Time>,
    /// runSeconds is the time that containers of all runs have run.
    #[serde(default)]
    #[schemars(range(min = 0, max = SAFE))]
    pub run_seconds: u64,
    /// cleaned is true when the trial's folders on the checkpoint volume have been removed.
    #[serde(default)]
    pub cleaned: bool,
}

/// A level at which a run ended in order.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rest {
    /// level is the fidelity.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: u32,
    /// spent is what all runs had paid by then, in the study's unit.
    #[schemars(range(min = 0, max = SAFE))]
    pub spent: u64,
}

/// How a trial ended.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// kind is Failed, Lost or Stopped.
    pub kind: OutcomeKind,
    /// reason from a closed list.
    #[schemars(length(min = 1, max = 64), regex(pattern = REASON))]
    pub reason: String,
    /// message for people.
    #[schemars(length(max = 4096))]
    pub message: String,
}

/// The kinds of outcomes.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeKind {
    /// The configuration failed.
    Failed,
    /// The infrastructure failed too often.
    Lost,
    /// The study stopped it.
    Stopped,
}

/// What was reported up to a level.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.metrics.all(m, self.metrics.exists_one(k, k.name == m.name))").message("`metrics` must have each name once").field_path(".metrics"))]
pub struct LevelValues {
    /// level is the fidelity.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub level: u32,
    /// metrics reported up to it.
    #[schemars(length(max = 17))]
    pub metrics: Vec<MetricValues>,
}

/// What was reported of a metric up to a level. Numbers are text: they can be NaN.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricValues {
    /// name of the metric.
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub name: String,
    /// last value.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub last: String,
    /// best value in the sense of the goal.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub best: String,
    /// mean of the values.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub mean: String,
    /// count of the values.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub count: u32,
}

/// What was reported of a metric so far.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricProgress {
    /// name of the metric.
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub name: String,
    /// fidelity of the newest report, as text; absent when the log names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub fidelity: Option<String>,
    /// last value.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub last: String,
    /// best value in the sense of the goal.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub best: String,
    /// mean of the values.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub mean: String,
    /// count of the values.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub count: u32,
    /// settled is how many levels, from the lowest, have their values.
    #[serde(default)]
    #[schemars(range(min = 0, max = 64))]
    pub settled: u32,
    /// fromZero is true when the program counts from 0.
    #[serde(default)]
    pub from_zero: bool,
    /// unplaced is the newest value that the run printed before any fidelity, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub unplaced: Option<String>,
    /// seen is true when the current run has printed the metric.
    #[serde(default)]
    pub seen: bool,
}

/// A point of a curve.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CurvePoint {
    /// fidelity as text.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub fidelity: String,
    /// value as text.
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub value: String,
}

/// How far a log has been read.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogCursor {
    /// podUID is the pod whose log it is.
    #[serde(rename = "podUID")]
    #[schemars(length(min = 1, max = 64))]
    pub pod_uid: String,
    /// container that prints.
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL))]
    pub container: String,
    /// time of the newest line read, as the kubelet stamped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub time: Option<String>,
    /// fidelity last seen in the log, which following lines without one belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = NUMBER))]
    pub fidelity: Option<String>,
    /// missing names the metrics that decide and whose newest values the kubelet's rotation may have taken before they were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 63), regex(pattern = METRIC)))]
    pub missing: Vec<String>,
    /// ended is true when the log was read to its end after the pod was terminal, or could not be.
    #[serde(default)]
    pub ended: bool,
}
