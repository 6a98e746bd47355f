//! The validated study: what the engine is to optimize, where, and how far.

mod check;
mod early;
mod fidelity;
mod metrics;

use std::sync::Arc;

use crate::brackets::{self, BracketPlan};
use crate::expression::Constraint;
use crate::history::Values;
use crate::random::{Purpose, Stream};
use crate::samplers::{self, StartPoint};
use crate::schedulers::{self, stopping};
use crate::space::{Assignment, Enumeration, Space};

pub(crate) use check::{at_least, error};
pub use early::{AshaForm, Exploit, Sizes, StoppingRule};
pub use fidelity::FidelityKind;
pub use metrics::{Bound, MAX_BOUNDS};

/// Whether a metric is to be made small or large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

/// Which of the values reported up to a level stands for the trial there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduce {
    /// The newest.
    #[default]
    Last,
    /// The best so far.
    Best,
    /// The mean.
    Mean,
}

/// The metric to optimize.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The metric's name.
    pub metric: String,
    /// Its direction.
    pub goal: Goal,
    /// Which value stands for a trial at a level.
    pub reduce: Reduce,
}

/// How far a trial can be trained: whole units (epochs), `1 <= min <= max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FidelityRange {
    /// The lowest fidelity at which trials may be compared.
    pub min: u32,
    /// The fidelity of a full training.
    pub max: u32,
}

/// What proposes configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// Picks one of the others for each trial.
    Automatic,
    /// Uniform in each parameter's scale.
    Random,
    /// A pair of kernel densities, and one third at random (Falkner et al., ICML 2018).
    Bohb,
    /// Every combination once, in the order of the trial numbers.
    Grid {
        /// Points per float without a step, at least 2.
        points: Option<u32>,
    },
    /// Bred from the best trials so far.
    Genetic {
        /// How many survive, 4..=1000; absent: 20.
        population: Option<u32>,
    },
    /// A normal distribution that adapts its place, size and shape.
    CmaEs {
        /// Trials a generation, 4..=1000; absent: 4 + floor(3 ln d) for d parameters.
        population: Option<u32>,
    },
    /// Bayesian optimization on a Gaussian process.
    GaussianProcess,
    /// Bayesian optimization on a random forest, SMAC's way.
    RandomForest,
    /// Follows the gradients that trials report, and asks a model where there are none.
    Gradient,
    /// The points of a scrambled Sobol sequence, one for each trial number.
    QuasiRandom,
    /// Tree-structured Parzen estimators (Bergstra et al., NIPS 2011; Watanabe, arXiv 2304.11127).
    Tpe(TpeSettings),
}

/// How the Parzen estimators are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TpeSettings {
    /// Whether each parameter is modelled by itself, instead of all that exist together jointly.
    pub independent: bool,
    /// How many trials must have a value before there is a model, 1..=1,000; until then proposals are quasi-random.
    pub startup_trials: u32,
}

impl Default for TpeSettings {
    fn default() -> Self {
        Self { independent: false, startup_trials: 10 }
    }
}

/// What decides how far each trial may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// Every trial runs to the highest fidelity.
    None,
    /// One ladder, again and again while the limits allow (Jamieson and Talwalkar, AISTATS 2016).
    SuccessiveHalving {
        /// One in how many passes a rung, 2..=10.
        reduction_factor: u32,
        /// Trials on the first rung; absent: the reduction factor to the number of promotions.
        configurations: Option<u32>,
        /// Without checkpoints: whether a run goes on past a rung and is stopped when it fails it, instead of ending there and starting again.
        run_through: bool,
    },
    /// Brackets from many short to few long trainings (Li et al., JMLR 18(185), Algorithm 1), cycled while the limits allow.
    Hyperband {
        /// One in how many passes a rung, 2..=10.
        reduction_factor: u32,
        /// Whose sizes the first rungs have.
        sizes: Sizes,
        /// As for successive halving.
        run_through: bool,
    },
    /// Asynchronous successive halving (Li et al., MLSys 2020): each trial is judged by itself on what is known then.
    Asha {
        /// One in how many passes a rung, 2..=10.
        reduction_factor: u32,
        /// How many of Hyperband's brackets run side by side, from the longest; 1: only that one.
        brackets: u32,
        /// Whether trials pause at rungs, or run until they are stopped.
        form: AshaForm,
    },
    /// Differential evolution on Hyperband's brackets (Awad et al., IJCAI 2021). It proposes by itself.
    Dehb {
        /// One in how many passes a rung, 2..=10.
        reduction_factor: u32,
    },
    /// Population based training (Jaderberg et al., arXiv 1711.09846): who lags is replaced by a copy of who leads.
    PopulationBased {
        /// How many train side by side, 2..=1,000.
        population: u32,
        /// Fidelity between two judgements, at least 1. The first is at the lowest fidelity.
        interval: u32,
        /// Who is replaced, and by a copy of whom.
        exploit: Exploit,
        /// The chance in a hundred that a copy's parameter is drawn anew instead of being perturbed.
        resample_percent: u32,
    },
}

/// What the study as a whole may spend. An absent limit does not bind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Trials started.
    pub trials: Option<u32>,
    /// Fidelity spent, in trainings to the highest fidelity.
    pub full_trainings: Option<u32>,
    /// The study fails once more than this many trials have failed.
    pub failed_trials: Option<u32>,
    /// Seconds of activity; it pauses while suspended.
    pub active_seconds: Option<u64>,
    /// Hours of a cluster's resources, each by its name. What is used of them is counted outside the engine:
    /// [`crate::History::resource_hours`].
    pub resource_hours: Vec<(String, f64)>,
}

/// The part of a study that may change while it runs; recorded with each batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many trials may be active at once, at least 1.
    pub parallelism: u32,
    /// The limits.
    pub limits: Limits,
    /// The study ends when the best value is at least this good.
    pub target: Option<f64>,
    /// Whether no trial may start or go on.
    pub suspend: bool,
    /// How many of [`PlanSpec::start_with`] there are: more may be appended.
    pub start_with: u32,
}

/// What [`Plan::new`] validates.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanSpec {
    /// The metric to optimize, or the first of several.
    pub objective: Objective,
    /// The other objectives of a study that looks for a Pareto front.
    pub further: Vec<Objective>,
    /// What must hold of what trials report.
    pub bounds: Vec<Bound>,
    /// The place of the objective that rungs rank by, where there are several; absent: by non-domination.
    pub rank_by: Option<usize>,
    /// The search space.
    pub space: Space,
    /// How far trials train; absent: one value a trial.
    pub fidelity: Option<FidelityRange>,
    /// What lower fidelities are to higher ones.
    pub kind: FidelityKind,
    /// What must hold of a configuration before it becomes a trial: expressions over the parameters (see [`crate::expression`]).
    pub constraints: Vec<String>,
    /// Known starting points, as names and texts; parameters may be left open.
    pub start_with: Vec<Vec<(String, String)>>,
    /// What proposes.
    pub sampler: Sampler,
    /// What schedules.
    pub scheduler: Scheduler,
    /// The share of trials, up to [`MAX_AUDIT`], that a ladder lets run to the end whatever their values are; 0: none.
    pub audit: f64,
    /// What ends trials early, with the scheduler `None` only. The first rule that says so does.
    pub stopping: Vec<StoppingRule>,
    /// Whether trials can go on from a checkpoint. What that means for their cost is for [`Plan::resumes`] to say.
    pub resumable: bool,
    /// The seed of every random stream.
    pub seed: u64,
    /// The changeable part.
    pub settings: Settings,
}

/// A study that makes sense. Built by [`Plan::new`] only, so that holding one proves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(crate) spec: PlanSpec,
    pub(crate) levels: Vec<u32>,
    pub(crate) brackets: Vec<BracketPlan>,
    /// The space's configurations by number, where the sampler can use them.
    pub(crate) enumeration: Option<Arc<Enumeration>>,
    pub(crate) start_points: Arc<[StartPoint]>,
    pub(crate) constraints: Arc<[Constraint]>,
    /// The numbers of the grid's points that the constraints allow, rising; absent where all are.
    pub(crate) grid: Option<Arc<[u64]>>,
}

/// The largest share of trials that can be audited.
pub const MAX_AUDIT: f64 = 0.2;

/// What is wrong with a study: which field, what was given, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The field in the words of the API, such as `parameters[2].float.min` or `limits`.
    pub field: String,
    /// What is wrong and what is allowed, as a sentence part: "must be below `max` (given 3, max 2)".
    pub message: String,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {}", self.field, self.message)
    }
}

impl std::error::Error for PlanError {}

/// What a plan amounts to, for people: one pass over the scheduler's brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The fidelities at which values are recorded.
    pub levels: Vec<u32>,
    /// The brackets of one pass; empty without a ladder.
    pub brackets: Vec<BracketPlan>,
    /// Trials of one pass, or of the whole study without a ladder; absent where only time or spending ends it.
    pub trials: Option<u64>,
    /// Fidelity units that they pay if promoted trials go on from checkpoints and nothing fails.
    pub resumed: Option<u64>,
    /// Fidelity units that they pay if promoted trials start again.
    pub restarted: Option<u64>,
    /// Fidelity units that as many trials would pay if all were trained in full.
    pub plain: Option<u64>,
    /// How many of these trials are expected to run to the end although they are not among the best of a rung; they are in the units.
    pub audited: u64,
}

impl Objective {
    /// The value that stands for a trial, as it was reported.
    #[must_use]
    pub fn value(&self, values: &Values) -> f64 {
        self.reduce.of(values)
    }

    /// A value with smaller being better. This is the one place where the goal's direction is looked at.
    pub(crate) fn orient(&self, value: f64) -> f64 {
        match self.goal {
            Goal::Minimize => value,
            Goal::Maximize => -value,
        }
    }
}

impl Limits {
    /// Whether a limit is set that ends a study which has always more to try.
    #[must_use]
    pub fn end_it(&self) -> bool {
        self.trials.is_some()
            || self.full_trainings.is_some()
            || self.active_seconds.is_some()
            || !self.resource_hours.is_empty()
    }
}

impl Plan {
    /// Validates a study.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn new(spec: PlanSpec) -> Result<Self, Vec<PlanError>> {
        let mut errors = spec.space.validate();
        let space_is_valid = errors.is_empty();
        metrics::check(&spec, &mut errors);
        errors.extend(spec.settings.validate());
        let ladder_is_valid = check::ladder(&spec, &mut errors);
        stopping::check(&spec, &mut errors);
        fidelity::check(&spec, &mut errors);
        let (mut enumeration, mut grid) = (None, None);
        let (mut constraints, mut start_points) = (Vec::new(), Vec::new());
        if space_is_valid {
            constraints = Constraint::parse_all(&spec.space, &spec.constraints, &mut errors);
            start_points = samplers::parse_start_points(&spec.space, &spec.start_with, &constraints, &mut errors);
            enumeration = samplers::enumeration(&spec);
            check::ending(&spec, enumeration.as_ref(), &mut errors);
            grid = samplers::allowed_points(&spec, enumeration.as_ref(), &constraints, &mut errors);
        }
        let mut parts = (vec![1], Vec::new());
        if ladder_is_valid {
            match brackets::plan(spec.fidelity, &spec.scheduler) {
                Ok(_) if !spec.stopping.is_empty() => parts.0 = spec.fidelity.map_or(vec![1], stopping::levels),
                Ok(plan) => parts = plan,
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self {
                spec,
                levels: parts.0,
                brackets: parts.1,
                enumeration: enumeration.map(Arc::new),
                start_points: start_points.into(),
                constraints: constraints.into(),
                grid: grid.map(Into::into),
            })
        } else {
            Err(errors)
        }
    }

    /// Whether a configuration meets the constraints.
    #[must_use]
    pub fn allows(&self, assignment: &Assignment) -> bool {
        self.constraints.iter().all(|constraint| constraint.holds(assignment))
    }

    /// What was validated.
    #[must_use]
    pub fn spec(&self) -> &PlanSpec {
        &self.spec
    }

    /// The fidelities at which values are recorded, rising; never empty.
    #[must_use]
    pub fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// The brackets of one pass; empty without a ladder.
    #[must_use]
    pub fn brackets(&self) -> &[BracketPlan] {
        &self.brackets
    }

    /// The changeable part.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.spec.settings
    }

    /// The same study under other settings. They are not validated: those of a batch were when it was written, and none
    /// can make the engine fail. For a user's new settings ask [`Plan::new`] again.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        let mut plan = self.clone();
        plan.spec.settings = settings;
        plan
    }

    /// The index of the highest level.
    #[must_use]
    pub fn top_level(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// The fidelity of a level, of the highest one for an index beyond.
    #[must_use]
    pub fn fidelity(&self, level: usize) -> u32 {
        self.levels.get(level).or(self.levels.last()).copied().unwrap_or(1)
    }

    /// Whether a trial that goes on pays only what is new: from its checkpoint, or because each unit is a run by itself.
    #[must_use]
    pub fn resumes(&self) -> bool {
        match self.spec.kind {
            FidelityKind::Cumulative => self.spec.resumable,
            FidelityKind::Fresh => false,
            FidelityKind::Repeat => true,
        }
    }

    /// Whether the trial of this number is one of those that are never stopped for their rank. It is drawn before anything is known of it.
    #[must_use]
    pub fn audits(&self, number: u32) -> bool {
        let share = self.spec.audit;
        share > 0.0 && Stream::new(self.spec.seed, Purpose::Audit, u64::from(number)).uniform() < share
    }

    /// Whether runs go on past a rung and are stopped when they fail it. Without a ladder they always do.
    #[must_use]
    pub fn runs_through(&self) -> bool {
        match self.spec.scheduler {
            Scheduler::SuccessiveHalving { run_through, .. } | Scheduler::Hyperband { run_through, .. } => {
                // With checkpoints a run always ends at its rung.
                run_through && !self.resumes()
            }
            Scheduler::Asha { form, .. } => form == AshaForm::Stopping,
            Scheduler::Dehb { .. } | Scheduler::PopulationBased { .. } => false,
            Scheduler::None => true,
        }
    }

    /// One in how many passes a rung; 1 without a ladder.
    #[must_use]
    pub fn reduction_factor(&self) -> u32 {
        match self.spec.scheduler {
            Scheduler::SuccessiveHalving { reduction_factor, .. }
            | Scheduler::Hyperband { reduction_factor, .. }
            | Scheduler::Asha { reduction_factor, .. }
            | Scheduler::Dehb { reduction_factor } => reduction_factor.max(1),
            Scheduler::None | Scheduler::PopulationBased { .. } => 1,
        }
    }

    /// What the plan amounts to, if nothing fails.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let top = u64::from(self.fidelity(self.top_level()));
        let mut overview = Overview {
            levels: self.levels.clone(),
            brackets: self.brackets.clone(),
            trials: None,
            resumed: None,
            restarted: None,
            plain: None,
            audited: 0,
        };
        let asynchronous = matches!(self.spec.scheduler, Scheduler::Asha { .. });
        if asynchronous && let Some(trials) = self.settings().limits.trials {
            overview.brackets = schedulers::shared_out(self, trials);
        }
        let trials = if self.brackets.is_empty() || asynchronous {
            let limit = self.settings().limits.trials.map(u64::from);
            let all = self.enumeration.as_ref().map(|all| all.size());
            let size = self.grid.as_ref().map(|allowed| allowed.len() as u64).or(all);
            limit.into_iter().chain(size).min()
        } else {
            Some(self.brackets.iter().filter_map(|b| b.rungs.first()).map(|rung| u64::from(rung.size)).sum())
        };
        overview.trials = trials;
        overview.plain = trials.map(|trials| trials.saturating_mul(top));
        (overview.resumed, overview.restarted) = (overview.plain, overview.plain);
        if let Scheduler::PopulationBased { population, exploit, .. } = self.spec.scheduler {
            // A copy pays only what is left, so a population pays for as many trials as it has places. Nothing can start again.
            overview.trials = schedulers::copies(population, exploit)
                .map(|copies| u64::from(population) + copies * self.top_level() as u64);
            overview.restarted = None;
        } else if !self.brackets.is_empty() && trials.is_some() {
            let (mut resumed, mut restarted) = (0, 0);
            // Trials that a rung is expected to lose and not to stop, and what they pay resumed and restarted.
            let mut audited = [0.0; 3];
            for bracket in &overview.brackets {
                let mut below = 0;
                for (at, rung) in bracket.rungs.iter().enumerate() {
                    let level = u64::from(self.fidelity(rung.level));
                    resumed += u64::from(rung.size) * (level - below);
                    restarted += u64::from(rung.size) * level;
                    below = level;
                    let lost = bracket.rungs.get(at + 1).map_or(0, |next| rung.size.saturating_sub(next.size));
                    let lost = self.spec.audit * f64::from(lost);
                    let paid = [1, top - level, top].map(|units| lost * units as f64);
                    audited.iter_mut().zip(paid).for_each(|(sum, paid)| *sum += paid);
                }
            }
            let [audited, more, anew] = audited.map(|sum| libm::round(sum) as u64);
            (overview.resumed, overview.restarted) = (Some(resumed + more), Some(restarted + anew));
            overview.audited = audited;
        }
        overview
    }
}

#[cfg(test)]
mod tests;
