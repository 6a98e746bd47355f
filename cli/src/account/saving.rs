//! What early stopping saved, and whether it was safe.

use serde::Serialize;
use trimtab_api::safety;
use trimtab_engine::safety::safety_of;
use trimtab_engine::state::State;
use trimtab_engine::{Plan, Scheduler};

/// What was paid, and what as many trials would have paid in full.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SavingAccount {
    /// Fidelity that all runs really paid, by the trials' own records.
    spent: u64,
    /// Fidelity that the same trials would pay if each was trained in full.
    plain: u64,
    /// Trials that were started.
    trials: u64,
    /// Those of them that lost a rung and go to the end all the same.
    #[serde(skip_serializing_if = "is_none")]
    audited: u64,
    /// Fidelity that these have paid; it is in `spent`.
    #[serde(skip_serializing_if = "is_none")]
    audited_spent: u64,
    /// Whether early stopping was safe: True, False or Unknown.
    safe: &'static str,
    /// Why, in words.
    safety: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl SavingAccount {
    /// The account of a study; `None` where nothing is stopped early.
    pub(crate) fn new(plan: &Plan, state: &State<'_>, unit: &str, spent: u64) -> Option<Self> {
        // A copy takes over what its donor paid, so that nothing is saved by it and nothing is lost.
        let is_population = matches!(plan.spec().scheduler, Scheduler::PopulationBased { .. });
        if is_population || plan.brackets().is_empty() && plan.spec().stopping.is_empty() {
            return None;
        }
        let trials = state.trials().len() as u64;
        let told = safety::tell(plan, &safety_of(plan, state), unit);
        let plain = trials.saturating_mul(u64::from(plan.fidelity(plan.top_level())));
        let audited = || state.trials().iter().filter(|trial| trial.audited);
        Some(Self {
            spent,
            plain,
            trials,
            audited: audited().count() as u64,
            audited_spent: audited().map(|trial| trial.spent).sum(),
            safe: told.status,
            safety: told.message,
        })
    }

    /// The account for people.
    pub(crate) fn render(&self, unit: &str) -> String {
        let Self { spent, plain, trials, .. } = self;
        let share = 100.0 * *spent as f64 / (*plain).max(1) as f64;
        let safe = match self.safe {
            "True" => "early stopping was safe",
            "False" => "early stopping was not safe",
            _ => "whether early stopping was safe is not known",
        };
        let audited = match (self.audited, self.audited_spent) {
            (0, _) => String::new(),
            (count, paid) => format!(
                "{count} of them lost a rung and are audited, which is to run to the end all the same: {paid} {unit}s of that\n"
            ),
        };
        format!(
            "spent {spent} {unit}s; the same {trials} trials in full would be {plain}: {share:.0} %\n{audited}{safe}: {}\n",
            self.safety
        )
    }
}
