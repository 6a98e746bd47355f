//! What is known of early stopping, in words: the Study's condition says them, and `trimtab explain`.

use trimtab_engine::safety::{FEWEST_PAIRS, SAFE};
use trimtab_engine::{Correlation, Plan, Safety, Scheduler};

use crate::conditions::reason;

/// A condition's status, reason and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// From the closed list.
    pub reason: &'static str,
    /// What was compared, and what to do.
    pub message: String,
}

/// Says whether early stopping was safe, and what to raise where it was not.
#[must_use]
pub fn tell(plan: &Plan, safety: &Safety, unit: &str) -> Told {
    let told = |status, reason, message| Told { status, reason, message };
    match safety {
        Safety::NothingStops => told("True", reason::NOTHING_STOPS, "nothing is stopped early".to_owned()),
        Safety::Unknown { pairs, can_come: true } => told(
            "Unknown",
            reason::TOO_FEW_PAIRS,
            format!(
                "{pairs} trials ran on unjudged past the lowest rung; from {FEWEST_PAIRS} on something can be said"
            ),
        ),
        Safety::Unknown { .. } if matches!(plan.spec().scheduler, Scheduler::PopulationBased { .. }) => told(
            "Unknown",
            reason::TOO_FEW_PAIRS,
            "what is replaced is not trained on, so that nobody knows what it would have come to".to_owned(),
        ),
        Safety::Unknown { can_come: false, .. } => told(
            "Unknown",
            reason::TOO_FEW_PAIRS,
            "no trial runs on unjudged past the lowest rung: a ladder with several brackets, or with `audit`, has some that do"
                .to_owned(),
        ),
        Safety::Known(rungs) => {
            let words: Vec<String> = rungs.iter().map(|rung| in_words(plan, rung, unit)).collect();
            let words = words.join("; ");
            if safety.is_safe() == Some(true) {
                return told("True", reason::RANKS_AGREE, words);
            }
            let better = rungs.iter().find(|rung| rung.estimate >= SAFE);
            let advice = match better {
                Some(rung) => format!("raise `fidelity.min` to {}", plan.fidelity(rung.from)),
                None => {
                    let highest = rungs.last().map_or(0, |rung| plan.fidelity(rung.from));
                    format!("raise `fidelity.min` above {highest}, or train every trial in full")
                }
            };
            told(
                "False",
                reason::RANKS_DISAGREE,
                format!("{words}: good trials are stopped; in another study, {advice}"),
            )
        }
    }
}

/// A correlation in words: "ranks at epoch 1 and 27 correlate by 0.71 (0.32 to 0.89, 15 trials)".
fn in_words(plan: &Plan, rung: &Correlation, unit: &str) -> String {
    let Correlation { from, to, pairs, estimate, low, high } = *rung;
    let (from, to) = (plan.fidelity(from), plan.fidelity(to));
    format!("ranks at {unit} {from} and {to} correlate by {estimate:.2} ({low:.2} to {high:.2}, {pairs} trials)")
}
