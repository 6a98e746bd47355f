//! Who is on which rung of a bracket.

use std::collections::BTreeMap;

use serde::Serialize;
use trimtab_engine::brackets::RungPlan;
use trimtab_engine::state::{State, Trial};
use trimtab_engine::{Outcome, Plan, Scheduler};

use crate::table::Table;

/// A bracket and its rungs.
#[derive(Debug, Serialize)]
pub(crate) struct BracketAccount {
    bracket: u32,
    pub(crate) rungs: Vec<RungAccount>,
}

/// A rung and who came to it.
#[derive(Debug, Serialize)]
pub(crate) struct RungAccount {
    level: u32,
    /// How many it holds when it is full; absent where it never is.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// How many came to it.
    pub(crate) members: u32,
    /// How many have a value there.
    reported: u32,
    /// How many were let past as the best of it; at the highest rung, how many completed.
    pub(crate) passed: u32,
    /// How many lost it and go to the end all the same. They come to no higher rung.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) audited: u32,
    /// How many were stopped for their rank or value.
    pub(crate) stopped: u32,
    /// How many failed, were lost or removed while on it.
    pub(crate) failed: u32,
    /// How many need not be waited for: they have a value there, or ended.
    #[serde(skip)]
    settled: u32,
    /// Whether it is the highest, which judges nobody.
    #[serde(rename = "isTop")]
    pub(crate) is_top: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// The rungs of a bracket, by its running counter.
pub(crate) fn shape(plan: &Plan, bracket: u32) -> Option<&[RungPlan]> {
    let shapes = plan.brackets();
    let at = usize::try_from(bracket).ok()?.checked_rem(shapes.len())?;
    shapes.get(at).map(|shape| shape.rungs.as_slice())
}

/// The first rung above what was cleared.
fn position(rungs: &[RungPlan], cleared: Option<usize>) -> Option<usize> {
    let at = rungs.partition_point(|rung| Some(rung.level) <= cleared);
    Some(at.min(rungs.len().checked_sub(1)?))
}

/// Which rung of its bracket a trial is on; of one that is audited, the rung that it lost.
pub(crate) fn rung_of(plan: &Plan, trial: &Trial<'_>) -> Option<usize> {
    let above = position(shape(plan, trial.bracket)?, trial.cleared)?;
    Some(above.saturating_sub(usize::from(trial.audited)).max(trial.first_rung(plan)))
}

impl BracketAccount {
    /// The accounts of all brackets by their numbers, in one pass over the trials; none without a ladder.
    pub(crate) fn all(plan: &Plan, state: &State<'_>) -> BTreeMap<u32, Self> {
        let mut all = BTreeMap::new();
        for trial in state.trials() {
            let Some(shape) = shape(plan, trial.bracket) else { continue };
            all.entry(trial.bracket)
                .or_insert_with(|| Self::empty(plan, trial.bracket, shape))
                .count(plan, trial, shape);
        }
        all
    }

    /// A bracket to which nobody came yet.
    fn empty(plan: &Plan, bracket: u32, shape: &[RungPlan]) -> Self {
        let asynchronous = matches!(plan.spec().scheduler, Scheduler::Asha { .. });
        let rung = |(at, rung): (usize, &RungPlan)| RungAccount {
            level: plan.fidelity(rung.level),
            size: (!asynchronous).then_some(rung.size),
            members: 0,
            reported: 0,
            passed: 0,
            audited: 0,
            stopped: 0,
            failed: 0,
            settled: 0,
            is_top: at + 1 == shape.len(),
        };
        Self { bracket, rungs: shape.iter().enumerate().map(rung).collect() }
    }

    /// Adds a trial to the rungs that it came to.
    fn count(&mut self, plan: &Plan, trial: &Trial<'_>, shape: &[RungPlan]) {
        let Some(own) = rung_of(plan, trial) else { return };
        let came_to = self.rungs.iter_mut().zip(shape).enumerate().take(own + 1).skip(trial.first_rung(plan));
        for (at, (rung, planned)) in came_to {
            let has_value = trial.values_at(planned.level).is_some();
            let is_audited = at == own && trial.audited;
            let is_on = at == own && !trial.audited;
            let is_failed = is_on && matches!(trial.ended, Some(Outcome::Failed | Outcome::Lost | Outcome::Removed));
            let is_stopped = is_on && !is_failed && (trial.stop.is_some() || trial.ended == Some(Outcome::Stopped));
            let is_past = at < own || (rung.is_top && trial.rested == Some(planned.level));
            rung.members += 1;
            rung.reported += u32::from(has_value);
            rung.settled += u32::from(has_value || is_failed || is_stopped || is_past || is_audited);
            rung.audited += u32::from(is_audited);
            rung.failed += u32::from(is_failed);
            rung.stopped += u32::from(is_stopped);
            rung.passed += u32::from(is_past && !is_failed && !is_stopped);
        }
    }

    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.bracket
    }

    /// Its rungs, the lowest first.
    pub(crate) fn rungs(&self) -> &[RungAccount] {
        &self.rungs
    }

    /// All brackets as a table.
    pub(crate) fn render(brackets: &[Self], unit: &str) -> String {
        let level = unit.to_uppercase();
        let mut heads = vec![
            "BRACKET", "RUNG", &level, "SIZE", "MEMBERS", "REPORTED", "JUDGED", "PROMOTED", "STOPPED", "FAILED", "OPEN",
        ];
        let audits = brackets.iter().flat_map(|bracket| &bracket.rungs).any(|rung| rung.audited > 0);
        if audits {
            heads.push("AUDITED");
        }
        let mut table = Table::new(&heads);
        for bracket in brackets {
            for (at, rung) in bracket.rungs.iter().enumerate() {
                let judged = if rung.is_top { "-".to_owned() } else { rung.judged().to_string() };
                let passed = if rung.is_top { "-".to_owned() } else { rung.passed.to_string() };
                let open = rung.members.saturating_sub(rung.passed + rung.audited + rung.stopped + rung.failed);
                let mut cells = vec![
                    bracket.bracket.to_string(),
                    at.to_string(),
                    rung.level.to_string(),
                    rung.size.map_or_else(|| "-".to_owned(), |size| size.to_string()),
                    rung.members.to_string(),
                    rung.reported.to_string(),
                    judged,
                    passed,
                    rung.stopped.to_string(),
                    rung.failed.to_string(),
                    open.to_string(),
                ];
                if audits {
                    cells.push(if rung.is_top { "-".to_owned() } else { rung.audited.to_string() });
                }
                table.row(cells);
            }
        }
        table.render(0)
    }
}

impl RungAccount {
    /// The fidelity at which it judges.
    pub(crate) fn level(&self) -> u32 {
        self.level
    }

    /// How many were judged.
    pub(crate) fn judged(&self) -> u32 {
        if self.is_top { 0 } else { self.passed + self.audited + self.stopped }
    }

    /// How many need not be waited for.
    pub(crate) fn settled(&self) -> u32 {
        self.settled
    }

    /// How many it waits for: a first rung is rarely closed before it is full.
    pub(crate) fn wanted(&self) -> u32 {
        self.size.unwrap_or(0).max(self.members)
    }
}
