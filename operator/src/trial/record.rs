//! Takes what was collected into a Trial's status: reports, and how far the log was read. Pure.

use trimtab_api::record::{self, Scale};
use trimtab_api::trial::{LogCursor, TrialStatus};
use trimtab_engine::number::to_text;

use super::collect::Collected;

/// Takes what was collected into the status and into the current run.
pub(crate) fn record(status: &mut TrialStatus, run: usize, scale: Scale<'_>, container: &str, collected: &Collected) {
    record::record(status, run, scale, &collected.reports);
    let ended = collected.ended || collected.lost.is_some();
    if collected.reports.is_empty() && !ended && !moved_on(status.cursor.as_ref(), collected) {
        return;
    }
    let decides = |name: &&String| scale.plan.spec().decisive().any(|(metric, _)| metric == name.as_str());
    status.cursor = Some(LogCursor {
        pod_uid: collected.pod_uid.clone(),
        container: container.to_owned(),
        time: collected.place.time.clone(),
        fidelity: collected.place.fidelity.map(to_text),
        missing: collected.place.missing.iter().filter(decides).cloned().collect(),
        ended,
    });
}

/// Whether it is worth a write that nothing was reported. A pod that prints other things moves on all the time, and reading a few
/// seconds of its lines once more costs less than a write for each look.
fn moved_on(cursor: Option<&LogCursor>, collected: &Collected) -> bool {
    let Some(cursor) = cursor.filter(|cursor| cursor.pod_uid == collected.pod_uid) else { return true };
    let time = |text: Option<&String>| text.and_then(|t| t.parse::<jiff::Timestamp>().ok());
    match (time(cursor.time.as_ref()), time(collected.place.time.as_ref())) {
        (Some(before), Some(after)) => after.duration_since(before) >= jiff::SignedDuration::from_secs(10),
        (before, after) => before.is_some() != after.is_some(),
    }
}
