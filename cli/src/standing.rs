//! How a Study stands, by its conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use trimtab_api::Study;
use trimtab_api::conditions::{reason, study as condition};

use crate::Exit;

/// A condition, if it speaks of the spec as it is now: a Study that was extended has not ended any more.
pub(crate) fn find<'s>(study: &'s Study, kind: &str) -> Option<&'s Condition> {
    let generation = study.metadata.generation;
    let condition = study.status.as_ref()?.conditions.iter().find(|c| c.type_ == kind)?;
    (condition.observed_generation.is_none() || generation.is_none() || condition.observed_generation >= generation)
        .then_some(condition)
}

/// Whether a condition is true of the spec as it is now.
pub(crate) fn is(study: &Study, kind: &str) -> bool {
    find(study, kind).is_some_and(|c| c.status == "True")
}

/// Whether the Study came to its end, and which.
pub(crate) fn end(study: &Study) -> Option<Exit> {
    let is_invalid =
        find(study, condition::ACCEPTED).is_some_and(|c| c.status == "False" && c.reason == reason::INVALID);
    if is(study, condition::FAILED) || is_invalid {
        return Some(Exit::No);
    }
    is(study, condition::COMPLETE).then_some(Exit::Yes)
}

/// The state and the reason of a Study that has ended.
pub(crate) fn ending(study: &Study) -> Option<(String, String)> {
    end(study)?;
    let held = [condition::COMPLETE, condition::FAILED].into_iter().find(|kind| is(study, kind));
    let held = held.and_then(|kind| find(study, kind));
    Some(held.map_or_else(
        || ("Invalid".to_owned(), reason::INVALID.to_owned()),
        |condition| (condition.type_.clone(), condition.reason.clone()),
    ))
}
