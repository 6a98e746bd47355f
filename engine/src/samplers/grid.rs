//! Every combination once: trial number k is point k, so a study takes it up again wherever it stopped.

use crate::plan::Plan;
use crate::space::Assignment;

pub(super) const NAME: &str = "grid";

pub(super) fn propose(plan: &Plan, number: u32) -> Option<Assignment> {
    plan.enumeration.as_ref()?.at(u64::from(number))
}

pub(super) fn is_exhausted(plan: &Plan, number: u32) -> bool {
    plan.enumeration.as_ref().is_none_or(|all| u64::from(number) >= all.size())
}
