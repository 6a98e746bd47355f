//! How the space is searched: fidelity, sampler, scheduler.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::METRIC;

/// How far a trial can be trained.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.min <= self.max").message("`min` must not be above `max`").field_path(".min"))]
pub struct Fidelity {
    /// unit names what is counted, for people: epoch.
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub unit: String,
    /// kind says what lower fidelities are. Cumulative: they are seen on the way to higher ones.
    #[serde(default)]
    pub kind: FidelityKind,
    /// min is the lowest fidelity at which trials may be compared.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min: u32,
    /// max is a full training.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max: u32,
}

/// What lower fidelities are.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FidelityKind {
    /// Seen on the way to higher ones.
    #[default]
    Cumulative,
}

/// What proposes configurations: exactly one member.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.random), has(self.grid), has(self.genetic), has(self.cmaEs)].exists_one(given, given)", "must have exactly one of `random`, `grid`, `genetic`, `cmaEs`"))]
pub struct Sampler {
    /// random draws each parameter uniformly in its scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomSampler>,
    /// grid tries every combination once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<GridSampler>,
    /// genetic breeds each configuration from two of the best so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genetic: Option<GeneticSampler>,
    /// cmaEs adapts a normal distribution to the best so far: for numbers, and for choices beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cma_es: Option<CmaEsSampler>,
}

/// Random search has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RandomSampler {}

/// Grid search.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GridSampler {
    /// points is how many values a float without a step takes, evenly in its scale, ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10_000))]
    pub points: Option<u32>,
}

/// A genetic algorithm.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GeneticSampler {
    /// population is how many of the best trials breed. Left out: 20. The first ones of this many are drawn at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 4, max = 1_000))]
    pub population: Option<u32>,
}

/// CMA-ES, with margin for whole numbers and restarts with doubled populations.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CmaEsSampler {
    /// population is how many trials it learns from at a time. Left out: 4 + floor(3 ln d) for d parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 4, max = 1_000))]
    pub population: Option<u32>,
}

/// What decides how far each trial may run: exactly one member.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.none), has(self.successiveHalving), has(self.hyperband)].exists_one(given, given)", "must have exactly one of `none`, `successiveHalving`, `hyperband`"))]
pub struct Scheduler {
    /// none lets every trial run to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<NoScheduler>,
    /// successiveHalving compares trials at rungs and lets one in `reductionFactor` go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successive_halving: Option<SuccessiveHalving>,
    /// hyperband runs brackets of successive halving, from many short to few long trainings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperband: Option<Hyperband>,
}

/// No scheduler has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoScheduler {}

/// What happens at a rung to a trial that has no checkpoint to go on from.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithoutCheckpoint {
    /// The run ends at the rung, and a promoted trial starts again from zero.
    #[default]
    Restart,
    /// The run goes on past the rung while it waits for the judgement, and is stopped if it fails it.
    RunThrough,
}

/// Successive halving.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuccessiveHalving {
    /// reductionFactor: one in this many passes a rung.
    #[serde(default = "three")]
    #[schemars(range(min = 2, max = 10))]
    pub reduction_factor: u32,
    /// configurations on the first rung. Left out: as many as leave one at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub configurations: Option<u32>,
    /// withoutCheckpoint says what a rung does to trials that have no checkpoint claim: Restart (default) or RunThrough.
    #[serde(default)]
    pub without_checkpoint: WithoutCheckpoint,
}

/// Hyperband.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hyperband {
    /// reductionFactor: one in this many passes a rung.
    #[serde(default = "three")]
    #[schemars(range(min = 2, max = 10))]
    pub reduction_factor: u32,
    /// withoutCheckpoint says what a rung does to trials that have no checkpoint claim: Restart (default) or RunThrough.
    #[serde(default)]
    pub without_checkpoint: WithoutCheckpoint,
}

fn three() -> u32 {
    3
}
