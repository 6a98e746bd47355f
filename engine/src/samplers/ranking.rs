//! How samplers that only compare rank what trials have shown.

use std::cmp::Reverse;

use crate::history::Outcome;
use crate::plan::Plan;
use crate::state::Trial;

/// Where a trial stands among others, smaller is better: by the highest level of its evidence, then by its value there,
/// then by its place in the evidence. Who breaks bounds stands behind those of its level that keep them. What failed, or is NaN or infinite at its highest level, stands behind everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    is_useless: bool,
    level: Reverse<usize>,
    value: u64,
    place: u32,
}

impl Standing {
    /// Whether there is a usable value.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_useless
    }

    /// Whose standing it is: the trial's place in the evidence.
    pub(super) fn place(&self) -> u32 {
        self.place
    }
}

/// What the trial at this place of the evidence has shown so far; `None` when it says nothing: nothing reported yet, lost with
/// the infrastructure, or removed.
pub(super) fn standing(plan: &Plan, place: u32, trial: &Trial<'_>) -> Option<(Standing, Option<f64>)> {
    let useless = Standing { is_useless: true, level: Reverse(0), value: u64::MAX, place };
    match trial.ended {
        Some(Outcome::Lost | Outcome::Removed) => return None,
        Some(Outcome::Failed) => return Some((useless, None)),
        Some(Outcome::Stopped) | None => {}
    }
    let shown = trial.evidence(plan).last()?;
    Some(match plan.standing(shown).zip(plan.leading_score(shown)) {
        Some((standing, value)) => {
            // Who breaks the bounds is worth what it breaks them by.
            let value = if plan.is_feasible(shown) { value } else { plan.violation(shown) };
            (Standing { is_useless: false, level: Reverse(shown.level), value: standing, place }, Some(value))
        }
        None => (useless, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Study;
    use crate::state::State;
    use crate::{Goal, Scheduler, Sizes};

    #[test]
    fn deeper_then_better_then_older_and_failures_last() {
        let mut study = Study::new(|spec| {
            spec.objective.goal = Goal::Maximize;
            spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
            spec.settings.parallelism = 14;
        });
        study.step();
        // Trial 9 is of the bracket that begins a level higher; what trial 3 has there is above a rung that did not judge it.
        study
            .observe(9, 1, 0.2)
            .observe(0, 0, 0.5)
            .observe(1, 0, 0.9)
            .observe(2, 0, 0.9)
            .observe(3, 0, 0.1)
            .observe(3, 1, 0.2);
        study.observe(4, 0, f64::NAN).observe(5, 0, f64::INFINITY).end(6, Outcome::Failed).end(7, Outcome::Lost);
        let state = State::fold(&study.plan, &study.history);
        let mut ranked: Vec<Standing> =
            state.evidence().filter_map(|(place, trial)| standing(&study.plan, place, trial)).map(|(s, _)| s).collect();
        ranked.sort();
        assert_eq!(ranked.iter().map(|s| s.place).collect::<Vec<_>>(), [9, 1, 2, 0, 3, 4, 5, 6]);
        assert_eq!(ranked.iter().filter(|s| s.is_usable()).count(), 5);
    }
}
