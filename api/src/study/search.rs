//! How the space is searched: fidelity, sampler, scheduler.
#![expect(unreachable_pub, reason = "KubeSchema copies each struct into a function, visibility included")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Parameter;
use crate::schema::{LARGE, METRIC, PARAMETER};

/// How far a trial can be trained.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.min <= self.max").message("`min` must not be above `max`").field_path(".min"))]
#[x_kube(validation = Rule::new("self.kind != 'Repeat' || self.max <= 64").message("`max` must be at most 64 where `kind` is Repeat").field_path(".max"))]
pub struct Fidelity {
    /// unit names what is counted, for people: epoch.
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub unit: String,
    /// kind says what lower fidelities are. Cumulative: seen on the way to higher ones, such as epochs. Fresh: runs of their
    /// own from the start, such as sizes of the data. Repeat: so many runs, such as folds or seeds, of which the mean counts.
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
    /// Runs of their own from the start; each pays its level in full.
    Fresh,
    /// So many runs: unit k is the k-th, told by `TRIMTAB_REPEAT`, and the value is the mean so far. At most 64.
    Repeat,
}

/// What proposes configurations: exactly one member.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.automatic), has(self.random), has(self.grid), has(self.quasiRandom), has(self.tpe), has(self.genetic), has(self.cmaEs), has(self.bohb), has(self.gaussianProcess), has(self.randomForest), has(self.gradient)].exists_one(given, given)", "must have exactly one of `automatic`, `random`, `grid`, `quasiRandom`, `tpe`, `genetic`, `cmaEs`, `bohb`, `gaussianProcess`, `randomForest`, `gradient`"))]
pub struct Sampler {
    /// automatic (default) picks one of the others for each trial, by the space, the scheduler and how many trials have a value.
    /// The trial names it, and its tag says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<AutomaticSampler>,
    /// random draws each parameter uniformly in its scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomSampler>,
    /// grid tries every combination once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<GridSampler>,
    /// quasiRandom covers the space more evenly than random does: trial k has point k of a scrambled Sobol sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quasi_random: Option<QuasiRandomSampler>,
    /// tpe models where good trials are and where others are, and proposes where the first most outweighs the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpe: Option<TpeSampler>,
    /// genetic breeds each configuration from two of the best so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genetic: Option<GeneticSampler>,
    /// cmaEs adapts a normal distribution to the best so far: for numbers, and for choices beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cma_es: Option<CmaEsSampler>,
    /// bohb proposes two in three from kernel densities of good and bad configurations, and the others at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bohb: Option<BohbSampler>,
    /// gaussianProcess proposes where a Gaussian process expects the most improvement: for few and expensive trials. With two or three
    /// objectives it is the improvement of the hypervolume; with four it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaussian_process: Option<GaussianProcessSampler>,
    /// randomForest proposes where a random forest expects the most improvement: for many choices and conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_forest: Option<RandomForestSampler>,
    /// gradient follows the derivatives that trials report as `gradient/NAME`, and asks a model where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<GradientSampler>,
}

/// The sampler that picks others has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AutomaticSampler {}

/// Random search has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RandomSampler {}

/// BOHB has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BohbSampler {}

/// Grid search.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GridSampler {
    /// points is how many values a float without a step takes, evenly in its scale, ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10_000))]
    pub points: Option<u32>,
}

/// Quasi-random search has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuasiRandomSampler {}

/// Tree-structured Parzen estimators.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TpeSampler {
    /// model says what is modelled together: Joint (default), all parameters that exist under the same conditions; or
    /// Independent, each parameter by itself.
    #[serde(default)]
    pub model: TpeModel,
    /// startupTrials is how many trials must have a value before there is a model. Until then proposals are quasi-random.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1_000))]
    pub startup_trials: u32,
}

/// What tpe models together.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TpeModel {
    /// All parameters that exist under the same conditions.
    #[default]
    Joint,
    /// Each parameter by itself.
    Independent,
}

fn ten() -> u32 {
    10
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

/// Search by a Gaussian process has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GaussianProcessSampler {}

/// Search by a random forest has no settings.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RandomForestSampler {}

/// What the name of a metric begins with that is the derivative of the objective in a parameter.
pub const GRADIENT: &str = "gradient/";

/// Search along gradients.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GradientSampler {
    /// parameters whose derivatives are read: floats without a step. Of the objective's metric as it is printed, in the parameter as it
    /// is given. Left out: all of those; the metrics of a Trial, at most 17, have to hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 54), regex(pattern = PARAMETER)), extend("x-kubernetes-list-type" = "set"))]
    pub parameters: Vec<String>,
}

impl GradientSampler {
    /// The names of the metrics that are read, of these parameters of a Study.
    pub(crate) fn metrics(&self, parameters: &[Parameter]) -> Vec<String> {
        let name = |name: &String| format!("{GRADIENT}{name}");
        if !self.parameters.is_empty() {
            return self.parameters.iter().map(name).collect();
        }
        parameters.iter().filter(|parameter| parameter.is_continuum()).map(|parameter| name(&parameter.name)).collect()
    }
}

/// What decides how far each trial may run: exactly one member.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.none), has(self.successiveHalving), has(self.hyperband), has(self.asha), has(self.dehb), has(self.populationBased)].exists_one(given, given)", "must have exactly one of `none`, `successiveHalving`, `hyperband`, `asha`, `dehb`, `populationBased`"))]
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
    /// asha judges each trial by itself: nothing waits for a rung to fill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asha: Option<Asha>,
    /// dehb breeds configurations for hyperband's rungs by differential evolution. `sampler` is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dehb: Option<Dehb>,
    /// populationBased trains a population side by side: who lags is replaced by a copy of who leads, with other parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population_based: Option<PopulationBased>,
}

impl Scheduler {
    /// The ladder and the objective that its rungs rank by, if one is named.
    #[must_use]
    pub fn rank_by(&self) -> Option<(&'static str, &str)> {
        let halving = self.successive_halving.as_ref().map(|s| ("successiveHalving", &s.rank_by));
        let hyperband = self.hyperband.as_ref().map(|h| ("hyperband", &h.rank_by));
        let asha = self.asha.as_ref().map(|a| ("asha", &a.rank_by));
        let dehb = self.dehb.as_ref().map(|d| ("dehb", &d.rank_by));
        let population = self.population_based.as_ref().map(|p| ("populationBased", &p.rank_by));
        let named = [halving, hyperband, asha, dehb, population].into_iter().flatten();
        named.filter_map(|(name, metric)| Some((name, metric.as_deref()?))).next()
    }

    /// The share of trials that rungs let run to the end whatever their values are.
    #[must_use]
    pub fn audit(&self) -> f64 {
        let halving = self.successive_halving.as_ref().map(|s| s.audit);
        let hyperband = self.hyperband.as_ref().map(|h| h.audit);
        halving.or(hyperband).or(self.asha.as_ref().map(|a| a.audit)).unwrap_or(0.0)
    }
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
    /// audit is the share of trials, drawn by the seed, that rungs let run to the end whatever their values are: at most 0.2. They show whether it
    /// was safe to stop the others. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0, max = 0.2))]
    pub audit: f64,
    /// rankBy names the objective that rungs rank by where there are several. Left out: they rank by non-domination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub rank_by: Option<String>,
}

/// Hyperband.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hyperband {
    /// reductionFactor: one in this many passes a rung.
    #[serde(default = "three")]
    #[schemars(range(min = 2, max = 10))]
    pub reduction_factor: u32,
    /// sizes of the first rungs: Paper (default), or Hpbandster, to compare with that program.
    #[serde(default)]
    pub sizes: Sizes,
    /// withoutCheckpoint says what a rung does to trials that have no checkpoint claim: Restart (default) or RunThrough.
    #[serde(default)]
    pub without_checkpoint: WithoutCheckpoint,
    /// audit is the share of trials, drawn by the seed, that rungs let run to the end whatever their values are: at most 0.2. They show whether it
    /// was safe to stop the others. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0, max = 0.2))]
    pub audit: f64,
    /// rankBy names the objective that rungs rank by where there are several. Left out: they rank by non-domination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub rank_by: Option<String>,
}

/// Whose first rungs Hyperband's brackets have.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sizes {
    /// The paper's.
    #[default]
    Paper,
    /// Those of the program `HpBandSter`, which rounds down before it multiplies.
    Hpbandster,
}

/// Asynchronous successive halving.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asha {
    /// reductionFactor: one in this many passes a rung.
    #[serde(default = "three")]
    #[schemars(range(min = 2, max = 10))]
    pub reduction_factor: u32,
    /// brackets of Hyperband that run side by side, from the longest; 1 (default): only that one.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 31))]
    pub brackets: u32,
    /// form: Promotion (default), trials pause at rungs; or Stopping, they run until they are stopped.
    #[serde(default)]
    pub form: AshaForm,
    /// audit is the share of trials, drawn by the seed, that rungs let run to the end whatever their values are: at most 0.2. They show whether it
    /// was safe to stop the others. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0, max = 0.2))]
    pub audit: f64,
    /// rankBy names the objective that rungs rank by where there are several. Left out: they rank by non-domination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub rank_by: Option<String>,
}

/// DEHB.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dehb {
    /// reductionFactor: one in this many passes a rung.
    #[serde(default = "three")]
    #[schemars(range(min = 2, max = 10))]
    pub reduction_factor: u32,
    /// rankBy names the objective that decides. Needed where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub rank_by: Option<String>,
}

/// Population based training.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self.exploit != 'Tournament' || !has(self.percent)", "`percent` must be left out with `exploit` Tournament"))]
pub struct PopulationBased {
    /// population is how many trials train side by side.
    #[schemars(range(min = 2, max = 1_000))]
    pub population: u32,
    /// interval is the fidelity between two judgements. The first is at `fidelity.min`.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub interval: u32,
    /// exploit: Truncation (default), the worst are replaced by copies of the best; or Tournament, each meets one other, and the worse
    /// is replaced by a copy of the better.
    #[serde(default)]
    pub exploit: Exploit,
    /// percent of the population that Truncation replaces, at least one trial. Left out: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50))]
    pub percent: Option<u32>,
    /// resamplePercent is the chance, in a hundred, that a copy's parameter is drawn anew instead of being perturbed.
    #[serde(default = "twenty_five")]
    #[schemars(range(min = 0, max = 100))]
    pub resample_percent: u32,
    /// rankBy names the objective that decides. Needed where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = METRIC))]
    pub rank_by: Option<String>,
}

/// Who of a population is replaced, and by a copy of whom.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exploit {
    /// The worst share, by copies of members of the best share.
    #[default]
    Truncation,
    /// Whoever is worse than another one that is drawn at random, by a copy of that one.
    Tournament,
}

/// What a rung of asynchronous successive halving does.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AshaForm {
    /// A trial pauses at a rung, and is promoted once it is among the best of it.
    #[default]
    Promotion,
    /// A trial runs on, and is stopped where it is not among the best so far.
    Stopping,
}

/// What ends a trial early where there is no ladder: exactly one member.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.median), has(self.percentile), has(self.patience), has(self.threshold)].exists_one(given, given)", "must have exactly one of `median`, `percentile`, `patience`, `threshold`"))]
pub struct StoppingRule {
    /// median stops a trial whose best value is worse than the median of the averages that completed trials had by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<MedianRule>,
    /// percentile stops a trial whose best value is not among those of the best completed trials at the same level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<PercentileRule>,
    /// patience stops a trial whose best value has not become better for too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<PatienceRule>,
    /// threshold stops a trial whose value is worse than a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdRule>,
}

/// The median rule.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MedianRule {
    /// trials that must have completed before it stops any. Default: 5.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: u32,
    /// warmUp is the lowest fidelity at which it judges. Default: 0, from `fidelity.min` on.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub warm_up: u32,
}

/// The percentile rule.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PercentileRule {
    /// percent of the completed trials that are good enough.
    #[schemars(range(min = 1, max = 99))]
    pub percent: u32,
    /// trials that must have completed before it stops any. Default: 5.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: u32,
    /// warmUp is the lowest fidelity at which it judges. Default: 0, from `fidelity.min` on.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub warm_up: u32,
}

/// The patience rule.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PatienceRule {
    /// fidelity is how many units without an improvement are borne.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub fidelity: u32,
    /// delta: an improvement is more than this. Default: 0.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = LARGE))]
    pub delta: f64,
    /// warmUp is the lowest fidelity at which it judges. Default: 0, from `fidelity.min` on.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub warm_up: u32,
}

/// The threshold rule.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdRule {
    /// value is the worst that is borne.
    #[schemars(range(min = -LARGE, max = LARGE))]
    pub value: f64,
    /// warmUp is the lowest fidelity at which it judges. Default: 0, from `fidelity.min` on.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub warm_up: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

fn one() -> u32 {
    1
}

fn five() -> u32 {
    5
}

fn twenty_five() -> u32 {
    25
}

fn three() -> u32 {
    3
}
