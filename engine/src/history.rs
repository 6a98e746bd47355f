//! The log of a study: what was admitted as evidence, what was decided on it, and what waits to be admitted.

use crate::imported::Imported;
use crate::number::same;
use crate::plan::Settings;
use crate::space::Assignment;

/// The number of a trial within its study: given once, counting from 0, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrialNumber(pub u32);

impl std::fmt::Display for TrialNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a trial reported of one metric up to a level. Written once, when the level was reached.
///
/// Values are as the trial reported them: orientation to the goal happens inside the engine, once. They may be NaN or infinite.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    /// The newest value.
    pub last: f64,
    /// The best finite value in the sense of the objective's goal, or the last where none was finite.
    pub best: f64,
    /// The mean of all values.
    pub mean: f64,
    /// How many values were reported.
    pub count: u32,
}

impl Values {
    /// The values of a metric that was reported once.
    #[must_use]
    pub fn once(value: f64) -> Self {
        Self { last: value, best: value, mean: value, count: 1 }
    }
}

impl PartialEq for Values {
    /// NaN equals NaN here: a log that is read back must equal the one that was written.
    fn eq(&self, other: &Self) -> bool {
        same(self.last, other.last)
            && same(self.best, other.best)
            && same(self.mean, other.mean)
            && self.count == other.count
    }
}

/// What a trial reported, up to a level, of the metrics beside the first objective that decide: the further objectives and then
/// the bounds, in the plan's order; of each the value that stands for the trial. Empty where there are none.
#[derive(Clone, Debug, Default)]
pub struct Others(pub Vec<f64>);

impl PartialEq for Others {
    /// NaN equals NaN here, as for [`Values`].
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(&a, &b)| same(a, b))
    }
}

/// The derivatives of the first objective, as it is reported, in each parameter of the space in its order; NaN in a parameter in
/// which none was reported. Empty where there are none at all, and always but for the sampler that follows them.
#[derive(Clone, Debug, Default)]
pub struct Gradient(pub Vec<f64>);

impl PartialEq for Gradient {
    /// NaN equals NaN here, as for [`Values`].
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(&a, &b)| same(a, b))
    }
}

/// How a trial came to its end, where that end is not simply having reached its last level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The configuration's own failure: exit code, NaN, memory, timeout, no metric. It ranks last and counts as failed.
    Failed,
    /// The infrastructure failed too often. It counts as failed, and is no evidence about the configuration.
    Lost,
    /// A `Stop` action took effect.
    Stopped,
    /// A user deleted the trial.
    Removed,
}

/// One thing that became known about a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialResult {
    /// Which trial.
    pub number: TrialNumber,
    /// What became known.
    pub kind: ResultKind,
}

/// The kinds of results.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultKind {
    /// The values at a level (an index into [`crate::Plan::levels`]) of every metric that decides.
    Observed {
        /// The level's index.
        level: usize,
        /// What was reported of the first objective up to it.
        values: Values,
        /// What was reported of the others.
        others: Others,
    },
    /// A run ended in order at this level: the trial holds no slot until it is continued. A trial that converged early rests at the top level.
    Rested {
        /// The level's index.
        level: usize,
        /// Fidelity units that all runs of the trial have really paid so far.
        spent: u64,
        /// The gradient at the highest level, for a rest there. It belongs to the rest and not to the values, because it may be
        /// missing: only when nothing more can come is it known that it is.
        gradient: Gradient,
    },
    /// The trial ended and will not run again.
    Ended {
        /// How.
        outcome: Outcome,
        /// Fidelity units that all runs of the trial have really paid.
        spent: u64,
    },
}

impl ResultKind {
    /// The values at a level of a study whose first objective alone decides.
    #[must_use]
    pub fn observed(level: usize, values: Values) -> Self {
        Self::Observed { level, values, others: Others::default() }
    }

    /// A rest at a level, without a gradient.
    #[must_use]
    pub fn rested(level: usize, spent: u64) -> Self {
        Self::Rested { level, spent, gradient: Gradient::default() }
    }
}

/// Names a result without its value: values are written once on the trial, so the log refers to them by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResultKey {
    /// The values at a level.
    Observed(usize, TrialNumber),
    /// The rest at a level.
    Rested(usize, TrialNumber),
    /// The end.
    Ended(TrialNumber),
}

impl TrialResult {
    /// The key that names this result in the log.
    #[must_use]
    pub fn key(&self) -> ResultKey {
        match self.kind {
            ResultKind::Observed { level, .. } => ResultKey::Observed(level, self.number),
            ResultKind::Rested { level, .. } => ResultKey::Rested(level, self.number),
            ResultKind::Ended { .. } => ResultKey::Ended(self.number),
        }
    }
}

/// Why an action was taken. The list is closed: it is shown in events, in `explain` and in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A slot was free and the study wanted another configuration.
    NewTrial,
    /// Among the best of its rung: it goes on to the next level.
    Promoted,
    /// Not among the best of its rung, and drawn to run to the end all the same, so that it is known what stopping the others misses.
    Audited,
    /// Not among the best of its rung.
    RungLost,
    /// Its value at the level where it was judged is NaN or infinite.
    NotFinite,
    /// Its best value is worse than the median of what completed trials had on the average.
    WorseThanMedian,
    /// Its best value is not among those of the best completed trials.
    WorseThanPercentile,
    /// Its best value has not become better for too long.
    NoImprovement,
    /// Its value is worse than the bound.
    BeyondThreshold,
    /// It was made for this level and no other, and its value is known.
    Evaluated,
    /// Another member of the population is better: a copy of that one takes its place.
    Replaced,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NewTrial,
        Self::Promoted,
        Self::Audited,
        Self::RungLost,
        Self::NotFinite,
        Self::WorseThanMedian,
        Self::WorseThanPercentile,
        Self::NoImprovement,
        Self::BeyondThreshold,
        Self::Evaluated,
        Self::Replaced,
    ];

    /// The reason as it is written in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewTrial => "NewTrial",
            Self::Promoted => "Promoted",
            Self::Audited => "Audited",
            Self::RungLost => "RungLost",
            Self::NotFinite => "NotFinite",
            Self::WorseThanMedian => "WorseThanMedian",
            Self::WorseThanPercentile => "WorseThanPercentile",
            Self::NoImprovement => "NoImprovement",
            Self::BeyondThreshold => "BeyondThreshold",
            Self::Evaluated => "Evaluated",
            Self::Replaced => "Replaced",
        }
    }

    /// Reads a reason back from the API.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// The numbers that a rung's judgement compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The level's index at which trials were compared.
    pub level: usize,
    /// The trial's rank among the members of the rung, from 1 for the best; NaN, failed and removed members rank last.
    pub rank: u32,
    /// How many the rung lets pass.
    pub kept: u32,
    /// How many members the rung had.
    pub of: u32,
    /// The trial's own value; or its front, from 1, where a rung of several objectives ranks by non-domination.
    pub value: f64,
    /// The value, or the front, of the last one that passes; NaN when none does.
    pub cutoff: f64,
    /// By how much the trial breaks the bounds on reported metrics; 0 when it keeps them.
    pub violation: f64,
}

impl PartialEq for Comparison {
    /// NaN equals NaN here: a log that is read back must equal the one that was written.
    fn eq(&self, other: &Self) -> bool {
        (self.level, self.rank, self.kept, self.of) == (other.level, other.rank, other.kept, other.of)
            && same(self.value, other.value)
            && same(self.cutoff, other.cutoff)
            && same(self.violation, other.violation)
    }
}

/// The most bytes of a [`Note`]'s tag. Longer ones cannot be on record.
pub const MAX_TAG: usize = 2_048;

/// The most parents of a [`Note`].
pub const MAX_PARENTS: usize = 8;

/// What a sampler leaves on a trial that it proposed, for its own use later and for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// A small text in the sampler's own words, such as a generation and a latent vector; at most [`MAX_TAG`] bytes. It is read
    /// back as anyone's text.
    pub tag: Option<String>,
    /// The trials that the configuration was made from, in the order of their part in it; at most [`MAX_PARENTS`].
    pub parents: Vec<TrialNumber>,
    /// The name of the sampler that proposed in place of the study's, where that one had to fall back.
    pub fallback: Option<String>,
}

/// Where a copy begins: at what its donor had when it rested at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The trial that is copied.
    pub donor: TrialNumber,
    /// The level's index at which it rested.
    pub level: usize,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// End a trial early. It counts as active until its end is admitted, unless it was resting.
    Stop {
        /// Which trial.
        number: TrialNumber,
        /// Why.
        reason: Reason,
        /// The numbers compared.
        compared: Option<Comparison>,
    },
    /// Let a trial go on past a rung.
    Continue {
        /// Which trial.
        number: TrialNumber,
        /// The level's index that it may now run to; never below the one before.
        level: usize,
        /// The level's index of the rung that it passed.
        cleared: usize,
        /// Why.
        reason: Reason,
        /// The numbers compared.
        compared: Option<Comparison>,
    },
    /// Start a new trial.
    Start {
        /// Its number: always the next free one.
        number: TrialNumber,
        /// Its configuration.
        parameters: Assignment,
        /// The bracket's running counter, from 0.
        bracket: u32,
        /// The level's index that it may run to.
        level: usize,
        /// The name of the sampler that was asked for the configuration.
        sampler: String,
        /// What the sampler says of it.
        note: Note,
        /// The checkpoint that it begins from, where it is a copy; absent: it begins from zero.
        from: Option<Origin>,
        /// Why.
        reason: Reason,
    },
}

impl Action {
    /// The trial that the action is about.
    #[must_use]
    pub fn number(&self) -> TrialNumber {
        match self {
            Self::Stop { number, .. } | Self::Continue { number, .. } | Self::Start { number, .. } => *number,
        }
    }

    /// The action's reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Stop { reason, .. } | Self::Continue { reason, .. } | Self::Start { reason, .. } => *reason,
        }
    }
}

/// One decision: the settings and results that it saw, and the actions that it took. A batch has at least one action.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Counts from 1.
    pub number: u64,
    /// The changeable part of the study as it was.
    pub settings: Settings,
    /// The results newly admitted, in the order of their keys.
    pub admitted: Vec<TrialResult>,
    /// The actions, stops first, then continues, then starts.
    pub actions: Vec<Action>,
}

/// Everything that a decision may look at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Trials of an earlier study that this one began with. They never change, and are evidence for samplers only.
    pub imported: Vec<Imported>,
    /// The batches so far, in order. Actions on trials that were deleted since are missing.
    pub batches: Vec<Batch>,
    /// Results not yet admitted, in any order.
    pub open: Vec<TrialResult>,
    /// The next free trial number. Numbers below it that no batch starts are holes: trials that were removed.
    pub next_number: u32,
    /// Seconds that the study has been active. It decides verdicts only.
    pub active_seconds: u64,
    /// Hours that runs have used of resources, each by its name; one that is not named has not been used. Like time they decide
    /// verdicts only.
    pub resource_hours: Vec<(String, f64)>,
}

/// What is to become of the study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is, or will be, more to do.
    Running,
    /// The study has its answer.
    Complete(VerdictReason),
    /// The study ended without one.
    Failed(VerdictReason),
}

/// Why a study ended. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictReason {
    /// `limits.trials` have been started and have ended or rest.
    TrialsReached,
    /// `limits.fullTrainings` have been spent.
    FullTrainingsReached,
    /// `limits.activeSeconds` have passed.
    ActiveSecondsReached,
    /// The hours of a resource that `limits.resourceHours` allow have been used.
    ResourceHoursReached,
    /// The objective's target was met.
    TargetReached,
    /// Every configuration of a finite space has been tried.
    SpaceExhausted,
    /// No configuration that meets the constraints and does not exist yet was found within the tries.
    NoFeasibleConfiguration,
    /// The scheduler's brackets have all been run.
    BracketsDone,
    /// More than `limits.failedTrials` failed.
    TooManyFailedTrials,
    /// Everything ended and no trial has a usable value.
    NoUsableTrial,
}

impl VerdictReason {
    /// The reason as it is written in the Study's condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrialsReached => "TrialsReached",
            Self::FullTrainingsReached => "FullTrainingsReached",
            Self::ActiveSecondsReached => "ActiveSecondsReached",
            Self::ResourceHoursReached => "ResourceHoursReached",
            Self::TargetReached => "TargetReached",
            Self::SpaceExhausted => "SpaceExhausted",
            Self::NoFeasibleConfiguration => "NoFeasibleConfiguration",
            Self::BracketsDone => "BracketsDone",
            Self::TooManyFailedTrials => "TooManyFailedTrials",
            Self::NoUsableTrial => "NoUsableTrial",
        }
    }
}
