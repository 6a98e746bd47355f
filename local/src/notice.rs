//! What a session tells those who watch it.

use trimtab_api::Study;
use trimtab_api::study::{BestTrial, Front, TrialCounts};
use trimtab_api::wish::Wish;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A trial has a new run, up to a level.
    Started {
        /// The trial.
        trial: u32,
        /// The run.
        run: u32,
        /// Where it ends.
        level: u32,
        /// The fidelity that it resumes from, as text; absent when it begins.
        resumed: Option<String>,
        /// The configuration, as `name=value`.
        parameters: String,
    },
    /// A run has ended.
    Ended {
        /// The trial.
        trial: u32,
        /// The run.
        run: u32,
        /// Why, in a word of the closed list.
        reason: String,
        /// Why, for people.
        message: String,
        /// The objective's newest value, as text.
        value: Option<String>,
        /// Whether that is how it should be.
        is_well: bool,
    },
    /// A trial goes on or is stopped by a decision.
    Judged {
        /// The trial.
        trial: u32,
        /// `promoted`, `audited` or `stopped`.
        verdict: &'static str,
        /// The numbers compared.
        why: String,
    },
    /// There is a new best trial.
    Best(BestTrial),
    /// Somebody asked this of the study from outside.
    Asked(Wish),
    /// There is a new front.
    Front(Front),
    /// The study begins with trials of an earlier one: how many, and which were left out.
    Warm(String),
    /// Something that people should know.
    Warning(String),
}

/// A run that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// The trial.
    pub trial: u32,
    /// The fidelity that it begins from.
    pub from: f64,
    /// The fidelity that it has reached.
    pub reached: f64,
    /// Where it ends; absent in a study without a fidelity.
    pub level: Option<u32>,
    /// The newest value, as text.
    pub value: Option<String>,
    /// Seconds that it has been there.
    pub seconds: f64,
}

/// How the study stands.
#[derive(Clone, Debug)]
pub struct Board<'b> {
    /// The Study.
    pub study: &'b Study,
    /// What is there.
    pub running: &'b [Running],
    /// Trials by state.
    pub counts: &'b TrialCounts,
    /// How many trials there will be, where that is known.
    pub wanted: Option<u64>,
    /// The best trial.
    pub best: Option<&'b BestTrial>,
    /// The front, with several objectives.
    pub front: Option<&'b Front>,
    /// Seconds that the study has been active, of all sessions.
    pub active_seconds: u64,
}

/// Who watches a session.
pub trait Observer {
    /// Something happened.
    fn notice(&mut self, study: &Study, notice: &Notice);

    /// Time has passed; called a few times a second.
    fn look(&mut self, board: &Board<'_>);
}
