//! Search and scheduling as pure functions.
//!
//! [`decide()`] takes a validated [`Plan`] and the [`History`] of a study, and returns the next batch of [`Action`]s.
//! Nothing here performs I/O, reads a clock or draws entropy: the same plan and history give the same decision, byte for
//! byte, on every machine. State is a fold over the history, so it can be lost and rebuilt at any time.

pub mod admitted;
pub mod best;
pub mod brackets;
pub mod decide;
pub mod expression;
#[cfg(test)]
mod fixture;
pub mod front;
mod held;
pub mod history;
pub mod importance;
pub mod imported;
mod normal;
pub mod number;
pub mod pareto;
pub mod plan;
pub mod random;
pub mod safety;
pub mod samplers;
pub mod schedulers;
pub mod space;
pub mod state;
pub mod verify;

pub use best::{Best, best};
pub use decide::{Decision, Next, advance, decide, next};
pub use front::{Front, front};
pub use held::Held;
pub use history::{
    Action, Batch, Comparison, Gradient, History, Note, Origin, Others, Outcome, Reason, ResultKey, ResultKind,
    TrialNumber, TrialResult, Values, Verdict, VerdictReason,
};
pub use importance::{Importance, importance};
pub use imported::{Imported, MAX_IMPORTED};
pub use plan::{
    AshaForm, Bound, Exploit, FidelityKind, FidelityRange, Goal, Limits, Objective, Plan, PlanError, PlanSpec, Reduce,
    Sampler, Scheduler, Settings, Sizes, StoppingRule, TpeSettings,
};
pub use safety::{Correlation, Safety, safety};
pub use space::{Assignment, Condition, Domain, Parameter, Scale, Space, Value};
