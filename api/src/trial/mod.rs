//! One configuration of a study, and everything that became of it.
#![expect(clippy::duplicated_attributes, reason = "columns have fields of the same name and value")]
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

mod run;
mod status;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::schema::{LABEL, REASON, SAFE};
use crate::study::{ActionKind, ComparisonRecord, Origin, ParameterValue, SettingsRecord};

pub use run::{Run, RunEnd};
pub use status::{
    CurvePoint, LevelValues, LogCursor, MetricProgress, MetricValues, Outcome, OutcomeKind, Rest, TrialStatus,
};

/// One configuration of a Study. The study controller writes the spec, the trial controller the status.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(group = "trimtab.dev", version = "v1alpha1", kind = "Trial", plural = "trials", namespaced)]
#[kube(status = "TrialStatus", derive = "PartialEq", category = "tuning")]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.studyName == oldSelf.studyName").message("`studyName` must not be changed").field_path(".studyName"))]
#[x_kube(validation = Rule::new("self.studyUID == oldSelf.studyUID").message("`studyUID` must not be changed").field_path(".studyUID"))]
#[x_kube(validation = Rule::new("self.number == oldSelf.number").message("`number` must not be changed").field_path(".number"))]
#[x_kube(validation = Rule::new("self.parameters == oldSelf.parameters").message("`parameters` must not be changed").field_path(".parameters"))]
#[x_kube(validation = Rule::new("self.sampler == oldSelf.sampler").message("`sampler` must not be changed").field_path(".sampler"))]
#[x_kube(validation = Rule::new("has(self.fallback) == has(oldSelf.fallback) && (!has(self.fallback) || self.fallback == oldSelf.fallback)").message("`fallback` must not be added, changed or removed").field_path(".fallback"))]
#[x_kube(validation = Rule::new("has(self.parents) == has(oldSelf.parents) && (!has(self.parents) || self.parents == oldSelf.parents)").message("`parents` must not be added, changed or removed").field_path(".parents"))]
#[x_kube(validation = Rule::new("has(self.tag) == has(oldSelf.tag) && (!has(self.tag) || self.tag == oldSelf.tag)").message("`tag` must not be added, changed or removed").field_path(".tag"))]
#[x_kube(validation = Rule::new("has(self.from) == has(oldSelf.from) && (!has(self.from) || self.from == oldSelf.from)").message("`from` must not be added, changed or removed").field_path(".from"))]
#[x_kube(validation = Rule::new("self.bracket == oldSelf.bracket").message("`bracket` must not be changed").field_path(".bracket"))]
#[x_kube(validation = Rule::new("self.targetLevel >= oldSelf.targetLevel").message("`targetLevel` must never fall").field_path(".targetLevel"))]
#[x_kube(validation = Rule::new("!has(oldSelf.clearedLevel) || (has(self.clearedLevel) && self.clearedLevel >= oldSelf.clearedLevel)").message("`clearedLevel` must never fall").field_path(".clearedLevel"))]
#[x_kube(validation = Rule::new("!has(self.clearedLevel) || self.clearedLevel <= self.targetLevel").message("`clearedLevel` must not be above `targetLevel`").field_path(".clearedLevel"))]
#[x_kube(validation = Rule::new("!has(oldSelf.stop) || (has(self.stop) && self.stop == oldSelf.stop)").message("`stop` must not be changed or removed once it is set").field_path(".stop"))]
#[x_kube(validation = Rule::new("self.batches.filter(b, b.number < oldSelf.batches[oldSelf.batches.size() - 1].number || (b.number == oldSelf.batches[oldSelf.batches.size() - 1].number && b.index <= oldSelf.batches[oldSelf.batches.size() - 1].index)) == oldSelf.batches").message("`batches` must only be appended to, with higher numbers").field_path(".batches"))]
#[kube(doc = "Trial is one configuration of a Study, and everything that became of it.")]
#[kube(printcolumn(
    name = "STUDY",
    type_ = "string",
    json_path = ".spec.studyName",
    description = "The Study that it belongs to."
))]
#[kube(printcolumn(
    name = "STATE",
    type_ = "string",
    json_path = ".status.state",
    description = "The conditions in a word."
))]
#[kube(printcolumn(
    name = "LEVEL",
    type_ = "integer",
    json_path = ".spec.targetLevel",
    description = "The fidelity that it may run to."
))]
#[kube(printcolumn(
    name = "REACHED",
    type_ = "string",
    json_path = ".status.reached",
    description = "The fidelity that it reported."
))]
#[kube(printcolumn(
    name = "VALUE",
    type_ = "string",
    json_path = ".status.value",
    description = "The newest value of the objective."
))]
#[kube(printcolumn(
    name = "AGE",
    type_ = "date",
    json_path = ".metadata.creationTimestamp",
    description = "Time since it was made."
))]
#[kube(printcolumn(
    name = "BRACKET",
    type_ = "integer",
    json_path = ".spec.bracket",
    description = "The ladder that it belongs to.",
    priority = 1
))]
#[kube(printcolumn(
    name = "REASON",
    type_ = "string",
    json_path = ".status.outcome.reason",
    description = "Why it ended early.",
    priority = 1
))]
#[kube(selectable = ".spec.studyName")]
#[kube(selectable = ".status.state")]
#[kube(validation = ("!has(oldSelf.status) || has(self.status)", "`status` must not be removed: it holds what was observed"))]
pub struct TrialSpec {
    /// studyName is the Study that the trial belongs to.
    #[schemars(length(min = 1, max = 40), regex(pattern = LABEL))]
    pub study_name: String,
    /// studyUID is that Study's UID: a later Study of the same name is another.
    #[serde(rename = "studyUID")]
    #[schemars(length(min = 1, max = 64))]
    pub study_uid: String,
    /// number within the study, from 0, never used again.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub number: u32,
    /// parameters that are active, in the order of the search space.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub parameters: Vec<ParameterValue>,
    /// sampler that was asked for them.
    #[schemars(length(min = 1, max = 64))]
    pub sampler: String,
    /// fallback is the sampler that proposed them in its place, where it had to fall back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub fallback: Option<String>,
    /// parents are the numbers of the trials that they were made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(range(min = 0, max = 1_000_000)))]
    pub parents: Vec<u32>,
    /// tag is the sampler's own note, such as a generation and a latent vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub tag: Option<String>,
    /// from says what the trial begins from, where it is a copy of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// bracket that the trial belongs to.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub bracket: u32,
    /// targetLevel is the fidelity that the trial may run to. It never falls.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub target_level: u32,
    /// clearedLevel is the highest rung that the trial has passed. It never falls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub cleared_level: Option<u32>,
    /// suspend: no run may be there. Set when the study is suspended or has ended, so that the trial can go on later.
    #[serde(default)]
    pub suspend: bool,
    /// stop ends the trial for good. It is never unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRequest>,
    /// batches is the log of the actions on this trial.
    #[schemars(length(min = 1, max = 128))]
    pub batches: Vec<TrialBatch>,
}

/// The end of a trial, decided.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopRequest {
    /// reason from the closed list of actions' reasons.
    #[schemars(length(min = 1, max = 64), regex(pattern = REASON))]
    pub reason: String,
    /// message for people, with the numbers compared.
    #[schemars(length(max = 4096))]
    pub message: String,
}

/// An action on this trial, and, on a batch's first action, what the batch saw.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialBatch {
    /// number of the batch.
    #[schemars(range(min = 1, max = SAFE))]
    pub number: u64,
    /// index of the action within its batch.
    #[schemars(range(min = 0, max = 1_000))]
    pub index: u32,
    /// action is Start, Continue or Stop.
    pub action: ActionKind,
    /// reason of the action.
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
    /// header stands on the batch's first action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<BatchHeader>,
}

/// What a batch saw.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchHeader {
    /// settings as they were.
    pub settings: SettingsRecord,
    /// admitted names the results newly admitted.
    #[serde(default)]
    #[schemars(length(max = 65536))]
    pub admitted: String,
    /// actions is how many actions the batch has.
    #[schemars(range(min = 1, max = 1_000))]
    pub actions: u32,
}
