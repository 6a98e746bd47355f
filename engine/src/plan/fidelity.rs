//! What lower fidelities are, and which schedulers each kind can carry.

use super::{AshaForm, PlanError, PlanSpec, Scheduler, error};
use crate::brackets::MAX_LEVELS;

/// What lower fidelities are to higher ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FidelityKind {
    /// Seen on the way to higher ones, such as epochs. A run pays from where it begins.
    #[default]
    Cumulative,
    /// Runs of their own from the start, such as the size of the data. Each pays its level in full, and sees no other.
    Fresh,
    /// So many runs, such as folds or seeds: unit `k` is the `k`-th of them, and the value is the mean so far. Each pays one.
    Repeat,
}

/// Adds what the kind of fidelity cannot carry.
pub(super) fn check(spec: &PlanSpec, errors: &mut Vec<PlanError>) {
    let Some(range) = spec.fidelity.filter(|_| spec.kind != FidelityKind::Cumulative) else { return };
    let why = match spec.kind {
        FidelityKind::Cumulative => return,
        FidelityKind::Fresh => "where `fidelity.kind` is Fresh: a run knows its own level only",
        FidelityKind::Repeat => "where `fidelity.kind` is Repeat: each repeat is a run by itself",
    };
    if spec.kind == FidelityKind::Repeat && range.max as usize > MAX_LEVELS {
        let given = range.max;
        errors.push(error("fidelity.max", format!("must be at most {MAX_LEVELS} {why} (given {given})")));
    }
    let runs_through = match spec.scheduler {
        Scheduler::SuccessiveHalving { run_through: true, .. } => Some("successiveHalving"),
        Scheduler::Hyperband { run_through: true, .. } => Some("hyperband"),
        _ => None,
    };
    if let Some(kind) = runs_through {
        errors.push(error(format!("scheduler.{kind}.withoutCheckpoint"), format!("must be Restart {why}")));
    }
    if spec.kind == FidelityKind::Fresh {
        if matches!(spec.scheduler, Scheduler::Asha { form: AshaForm::Stopping, .. }) {
            errors.push(error("scheduler.asha.form", format!("must be Promotion {why}")));
        }
        if !spec.stopping.is_empty() {
            errors.push(error("stopping", format!("must be left out {why}")));
        }
    }
}
