//! The user's object.
#![expect(clippy::duplicated_attributes, reason = "columns have fields of the same name and value")]
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

mod search;
mod space;
mod status;
mod template;
mod warm;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{LARGE, METRIC, SAFE};

pub use search::{
    Asha, AshaForm, BohbSampler, CmaEsSampler, Exploit, Fidelity, FidelityKind, GRADIENT, GeneticSampler,
    GradientSampler, GridSampler, Hyperband, MedianRule, NoScheduler, PatienceRule, PercentileRule, PopulationBased,
    QuasiRandomSampler, RandomSampler, Sampler, Scheduler, Sizes, StoppingRule, SuccessiveHalving, ThresholdRule,
    TpeModel, TpeSampler, WithoutCheckpoint,
};
pub use space::{
    Categorical, Constraint, FloatRange, IntRange, Ordinal, Parameter, ParameterValue, Scale, StartPoint, When,
};
pub use status::{
    ActionKind, ActionRecord, BatchRecord, BestTrial, ComparisonRecord, Front, FrontTrial, Origin, SettingsRecord,
    StudyStatus, TrialCounts,
};
pub use template::{Checkpoint, JobTemplate, LogMetrics, MetricsSource, Retain, TemplateMetadata, TrialTemplate};
pub use warm::{ImportedTrial, WarmStart, WarmStarted};

/// A search for the best configuration of a training job.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(group = "trimtab.dev", version = "v1alpha1", kind = "Study", plural = "studies", namespaced)]
#[kube(status = "StudyStatus", derive = "PartialEq", category = "tuning")]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.scheduler) || has(self.scheduler.none) || has(self.fidelity)").message("`fidelity` must be set for the schedulers `successiveHalving`, `hyperband`, `asha`, `dehb` and `populationBased`").field_path(".fidelity"))]
#[x_kube(validation = Rule::new("!has(self.recordMetrics) || !self.objectives.exists(o, o.metric in self.recordMetrics)").message("`recordMetrics` must not name an objective's metric").field_path(".recordMetrics"))]
#[x_kube(validation = Rule::new("(has(self.sampler) && has(self.sampler.grid)) || (has(self.scheduler) && (has(self.scheduler.successiveHalving) || has(self.scheduler.hyperband) || has(self.scheduler.populationBased))) || !has(self.parameters) || !self.parameters.exists(p, has(p.float) && !has(p.float.step)) || (has(self.limits) && (has(self.limits.trials) || has(self.limits.fullTrainings) || has(self.limits.activeSeconds) || (has(self.limits.resourceHours) && self.limits.resourceHours.size() > 0)))").message("`limits` must have `trials`, `fullTrainings`, `activeSeconds` or `resourceHours`, or the study would never end").field_path(".limits"))]
#[x_kube(validation = Rule::new("self.objectives.all(o, self.objectives.exists_one(p, p.metric == o.metric))").message("`objectives` must each have a metric of their own").field_path(".objectives"))]
#[x_kube(validation = Rule::new("self.objectives.size() == 1 || !self.objectives.exists(o, has(o.target))").message("`target` must be left out with several objectives: a front is never done").field_path(".objectives"))]
#[x_kube(validation = Rule::new("self.objectives.size() == 1 || !has(self.sampler) || has(self.sampler.random) || has(self.sampler.quasiRandom) || has(self.sampler.grid) || has(self.sampler.genetic) || has(self.sampler.tpe) || has(self.sampler.automatic) || (has(self.sampler.gaussianProcess) && self.objectives.size() <= 3)").message("`sampler` must be `automatic`, `random`, `quasiRandom`, `grid`, `genetic` or `tpe` with several objectives, or `gaussianProcess` with two or three").field_path(".sampler"))]
#[x_kube(validation = Rule::new("!has(self.scheduler) || !has(self.scheduler.dehb) || !has(self.sampler) || has(self.sampler.automatic)").message("`sampler` must be left out with the scheduler `dehb`, which proposes by itself").field_path(".sampler"))]
#[x_kube(validation = Rule::new("self.objectives.size() == 1 || !has(self.scheduler) || !has(self.scheduler.dehb) || has(self.scheduler.dehb.rankBy)").message("`rankBy` must be set for the scheduler `dehb` with several objectives").field_path(".scheduler"))]
#[x_kube(validation = Rule::new("self.objectives.size() == 1 || !has(self.scheduler) || !has(self.scheduler.populationBased) || has(self.scheduler.populationBased.rankBy)").message("`rankBy` must be set for the scheduler `populationBased` with several objectives").field_path(".scheduler"))]
#[x_kube(validation = Rule::new("!has(self.scheduler) || !has(self.scheduler.populationBased) || has(self.trial.checkpoint)").message("`checkpoint` must be set for the scheduler `populationBased`: a copy begins from its donor's checkpoint").field_path(".trial"))]
#[x_kube(validation = Rule::new("!has(self.scheduler) || !has(self.scheduler.populationBased) || !has(self.fidelity) || self.fidelity.kind == 'Cumulative'").message("`kind` must be Cumulative for the scheduler `populationBased`: a copy goes on with its donor's training").field_path(".fidelity"))]
#[x_kube(validation = Rule::new("self.objectives.size() == 1 || !has(self.stopping) || self.stopping.size() == 0").message("`stopping` must be left out with several objectives: no rule knows what to give up for what").field_path(".stopping"))]
#[x_kube(validation = Rule::new("self.objectives.size() == oldSelf.objectives.size() && [0, 1, 2, 3].all(i, i >= self.objectives.size() || (self.objectives[i].metric == oldSelf.objectives[i].metric && self.objectives[i].goal == oldSelf.objectives[i].goal && self.objectives[i].reduce == oldSelf.objectives[i].reduce))").message("`objectives` must not be changed, but for `target` and `reference`: a study's search is fixed. Make another study").field_path(".objectives"))]
#[x_kube(validation = Rule::new("has(self.parameters) == has(oldSelf.parameters) && (!has(self.parameters) || (self.parameters == oldSelf.parameters && self.parameters.map(p, p.name) == oldSelf.parameters.map(p, p.name)))").message("`parameters` must not be added, changed, removed or put in another order: a study's search is fixed. Make another study").field_path(".parameters"))]
#[x_kube(validation = Rule::new("has(self.constraints) == has(oldSelf.constraints) && (!has(self.constraints) || self.constraints == oldSelf.constraints)").message("`constraints` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".constraints"))]
#[x_kube(validation = Rule::new("!has(oldSelf.startWith) || (has(self.startWith) && [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49].all(i, i >= oldSelf.startWith.size() || (i < self.startWith.size() && self.startWith[i] == oldSelf.startWith[i])))").message("`startWith` must only be appended to: what it held may have been tried").field_path(".startWith"))]
#[x_kube(validation = Rule::new("has(self.fidelity) == has(oldSelf.fidelity) && (!has(self.fidelity) || self.fidelity == oldSelf.fidelity)").message("`fidelity` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".fidelity"))]
#[x_kube(validation = Rule::new("has(self.sampler) == has(oldSelf.sampler) && (!has(self.sampler) || self.sampler == oldSelf.sampler)").message("`sampler` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".sampler"))]
#[x_kube(validation = Rule::new("has(self.scheduler) == has(oldSelf.scheduler) && (!has(self.scheduler) || self.scheduler == oldSelf.scheduler)").message("`scheduler` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".scheduler"))]
#[x_kube(validation = Rule::new("!has(self.stopping) || self.stopping.size() == 0 || !has(self.scheduler) || has(self.scheduler.none)").message("`stopping` must be left out with a scheduler: its rungs end trials already").field_path(".stopping"))]
#[x_kube(validation = Rule::new("!has(self.stopping) || self.stopping.size() == 0 || has(self.fidelity)").message("`fidelity` must be set where there are stopping rules").field_path(".fidelity"))]
#[x_kube(validation = Rule::new("has(self.stopping) == has(oldSelf.stopping) && (!has(self.stopping) || self.stopping == oldSelf.stopping)").message("`stopping` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".stopping"))]
#[x_kube(validation = Rule::new("has(self.seed) == has(oldSelf.seed) && (!has(self.seed) || self.seed == oldSelf.seed)").message("`seed` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".seed"))]
#[x_kube(validation = Rule::new("has(self.warmStart) == has(oldSelf.warmStart) && (!has(self.warmStart) || self.warmStart == oldSelf.warmStart)").message("`warmStart` must not be added, changed or removed: a study's search is fixed. Make another study").field_path(".warmStart"))]
#[x_kube(validation = Rule::new("self.trial == oldSelf.trial").message("`trial` must not be changed: all trials of a study run the same. Make another study").field_path(".trial"))]
#[kube(doc = "Study is a search for the best configuration of a training job.")]
#[kube(printcolumn(
    name = "ALGORITHM",
    type_ = "string",
    json_path = ".status.algorithm",
    description = "What searches."
))]
#[kube(printcolumn(
    name = "PROGRESS",
    type_ = "string",
    json_path = ".status.progress",
    description = "Trials done, of those known to be wanted."
))]
#[kube(printcolumn(
    name = "RUNNING",
    type_ = "integer",
    json_path = ".status.trials.running",
    description = "Trials with a pod that runs."
))]
#[kube(printcolumn(
    name = "BEST",
    type_ = "string",
    json_path = ".status.answer",
    description = "The best value so far, or the size of the front."
))]
#[kube(printcolumn(
    name = "STATE",
    type_ = "string",
    json_path = ".status.state",
    description = "The conditions in a word."
))]
#[kube(printcolumn(
    name = "AGE",
    type_ = "date",
    json_path = ".metadata.creationTimestamp",
    description = "Time since it was made."
))]
#[kube(printcolumn(
    name = "BEST TRIAL",
    type_ = "string",
    json_path = ".status.best.trialName",
    description = "The Trial with the best value.",
    priority = 1
))]
#[kube(selectable = ".status.state")]
#[kube(validation = ("self.metadata.name.size() <= 40", "`metadata.name` must have at most 40 characters, so that the names of trials and Jobs fit"))]
#[kube(validation = ("!self.metadata.name.contains('.')", "`metadata.name` must not have dots: the names of Jobs and labels are made from it"))]
#[kube(validation = ("!has(self.spec.warmStart) || self.spec.warmStart.studyName != self.metadata.name", "`spec.warmStart.studyName` must name another study"))]
#[kube(validation = ("!has(oldSelf.status) || has(self.status)", "`status` must not be removed: it holds what was decided"))]
pub struct StudySpec {
    /// objectives names the metric to optimize, or up to four of them for a Pareto front.
    #[schemars(length(min = 1, max = 4))]
    pub objectives: Vec<Objective>,
    /// recordMetrics names further metrics that are kept and shown, but never decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63), regex(pattern = METRIC)), extend("x-kubernetes-list-type" = "set"))]
    pub record_metrics: Vec<String>,
    /// parameters is the search space, parents before the parameters that depend on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Vec<Parameter>,
    /// constraints must hold of a configuration before it becomes a trial, or of what a trial reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub constraints: Vec<Constraint>,
    /// startWith lists known starting points. They are tried first, whatever the sampler. More may be appended at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub start_with: Vec<StartPoint>,
    /// warmStart names an earlier Study whose trials are evidence for the sampler, and nothing else: they are no trials of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_start: Option<WarmStart>,
    /// fidelity says how far a trial can be trained. Without it a trial has one value, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// sampler proposes configurations. Left out: automatic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampler>,
    /// scheduler decides how far each trial may run. Left out: none, every trial runs to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// stopping rules end trials early where there is no scheduler. The first that speaks against a trial ends it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub stopping: Vec<StoppingRule>,
    /// parallelism is how many trials may be active at once, waiting and stopping ones included.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000))]
    pub parallelism: u32,
    /// limits says what the study as a whole may spend. They may be raised or lowered at any time, also after the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// seed of every random choice. Left out: derived from the Study's UID and shown in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = SAFE))]
    pub seed: Option<u64>,
    /// suspend stops all runs in order; set back, they go on from their checkpoints.
    #[serde(default)]
    pub suspend: bool,
    /// trial says what a trial runs.
    pub trial: TrialTemplate,
}

fn one() -> u32 {
    1
}

/// A metric to optimize.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Objective {
    /// metric is the name that the training prints.
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub metric: String,
    /// goal is the direction.
    pub goal: Goal,
    /// reduce picks the value that stands for a trial at a level, of those reported up to it: Last (default), Best or Mean.
    #[serde(default)]
    pub reduce: Reduce,
    /// target ends the study when a value is at least this good. It may change while the study runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub target: Option<f64>,
    /// reference is where the hypervolume of several objectives is measured from: values that are worse count nothing. Left out: the
    /// worst value that any trial has. It decides nothing and may change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub reference: Option<f64>,
}

impl StudySpec {
    /// The names of all metrics that are read: objectives, bounded ones, those that are only recorded, and gradients where they are
    /// followed. None is named twice.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let objectives = self.objectives.iter().map(|objective| &objective.metric);
        let bounded = self.constraints.iter().filter_map(|constraint| constraint.metric.as_ref());
        let mut names: Vec<String> = Vec::new();
        let followed = self.sampler.as_ref().and_then(|sampler| sampler.gradient.as_ref());
        let gradients = followed.map(|sampler| sampler.metrics(&self.parameters)).unwrap_or_default();
        for name in objectives.chain(bounded).chain(&self.record_metrics).chain(&gradients) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// A direction.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

/// Which of the reported values stands for a trial.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduce {
    /// The newest.
    #[default]
    Last,
    /// The best so far.
    Best,
    /// The mean.
    Mean,
}

/// What the study as a whole may spend.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// trials that may be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: Option<u32>,
    /// fullTrainings: fidelity that may be spent, in trainings to the highest fidelity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub full_trainings: Option<u32>,
    /// failedTrials: the study fails once more than this many trials have failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub failed_trials: Option<u32>,
    /// activeSeconds the study may be at work; suspension pauses the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub active_seconds: Option<u64>,
    /// resourceHours that runs may use: of GPUs and CPUs as many as a run's pod asks for, times the hours that it runs; of memory, GiB.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["resource"]))]
    pub resource_hours: Vec<ResourceHours>,
}

/// Hours of a resource.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceHours {
    /// resource as a container's `resources` name it: nvidia.com/gpu.
    #[schemars(length(min = 1, max = 317))]
    pub resource: String,
    /// hours of it.
    #[schemars(range(min = 0.0, max = LARGE), extend("exclusiveMinimum" = true))]
    pub hours: f64,
}
