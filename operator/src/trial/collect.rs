//! Takes a Trial with the pods of its current run, returns what their logs say that is not on record yet.
//!
//! What it must keep true: a pod's log counts as read only when it was read to its end after the pod was terminal, or when it is
//! known that it never can be. Reading again is harmless, so whatever is in doubt is read again.

use futures::AsyncReadExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use trimtab_api::record::{Scale, fidelity};
use trimtab_api::trial::LevelValues;
use trimtab_protocol::Report;

use super::observe::Seen;
use super::pods::PodFacts;
use crate::context::Context;
use crate::error::{Error, status_of};
use crate::follow::{Taken, Target};
use crate::reading::{self, Place, Reading};

/// The most that is read of one log in one go. A kubelet keeps less, unless it is told otherwise.
const MOST: u64 = 512 << 20;

/// What a pod's log said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    /// The pod whose log it is.
    pub(crate) pod_uid: String,
    /// Reports in order.
    pub(crate) reports: Vec<Report>,
    /// Where to go on.
    pub(crate) place: Place,
    /// The log is at its end and was read.
    pub(crate) ended: bool,
    /// The log can never be read, and why.
    pub(crate) lost: Option<String>,
    /// Reports that come from the follower, to be given back when they are recorded.
    pub(crate) from_follower: bool,
    /// Bytes of the log so far, for the one who prints too much.
    pub(crate) bytes: u64,
}

impl Collected {
    /// What a follower gave.
    fn followed(pod_uid: String, Taken { reports, place, bytes }: Taken) -> Self {
        Self { pod_uid, reports, place, bytes, from_follower: true, ..Self::default() }
    }
}

/// The pod whose log comes next: the one the cursor is in until it is read to the end, then the following ones.
fn next_pod(seen: &Seen) -> Option<&PodFacts> {
    let cursor = seen.status.cursor.as_ref();
    let at = cursor.and_then(|c| seen.pods.iter().position(|p| p.uid == c.pod_uid));
    let from = match (at, cursor) {
        (Some(at), Some(cursor)) if cursor.ended => at + 1,
        (Some(at), _) => at,
        _ => 0,
    };
    seen.pods.iter().skip(from).find(|p| p.started)
}

pub(crate) async fn collect(ctx: &Context, seen: &Seen) -> Result<Option<Collected>, Error> {
    if seen.current.is_none() {
        // The run's end is on record, and what its log might still say changes nothing.
        ctx.follows.forget(&seen.namespace, &seen.name);
        return Ok(None);
    }
    let present: Vec<&str> = seen.pods.iter().map(|p| p.uid.as_str()).collect();
    if let Some((pod_uid, taken)) = ctx.follows.take_rest(&seen.namespace, &seen.name, &present) {
        // The pod is gone and its log with it, and this is all that anybody will ever know of it.
        return Ok(Some(Collected::followed(pod_uid, taken)));
    }
    let Some(pod) = next_pod(seen) else { return Ok(None) };
    let cursor = seen.status.cursor.as_ref().filter(|c| c.pod_uid == pod.uid);
    let place = Place::of(cursor);
    let metrics = reading::metrics(&seen.study);
    let ended = pod.terminated.is_some() || pod.terminal;
    if !ended {
        let levels = |metric: &str| -> Vec<u32> {
            if !(Scale { plan: &seen.plan }).is_counted() {
                return Vec::new();
            }
            let has = |at: &LevelValues| at.metrics.iter().any(|m| m.name == metric);
            let reached: Vec<u32> = seen.status.values.iter().filter(|at| has(at)).map(|at| at.level).collect();
            seen.plan.levels().iter().copied().filter(|level| !reached.contains(level)).collect()
        };
        let target = Target {
            namespace: seen.namespace.clone(),
            trial: seen.name.clone(),
            pod: pod.name.clone(),
            pod_uid: pod.uid.clone(),
            container: seen.container.clone(),
            metrics: metrics.clone(),
            place: place.clone(),
            levels: seen.plan.spec().decisive().map(|(metric, _)| (metric.to_owned(), levels(metric))).collect(),
        };
        if let Some(taken) = ctx.follows.take(&target) {
            return Ok(Some(Collected::followed(pod.uid.clone(), taken)));
        }
    }
    // What was followed and is not on record yet may be rotated away by now: it is kept, and the rest is read behind it. So is the
    // place that the follower came to, although nothing that counts was there.
    let followed = ctx.follows.left(&pod.uid).filter(|_| ended);
    let from_follower = followed.is_some();
    let (mut reports, place) = followed.map_or((Vec::new(), place), |taken| (taken.reports, taken.place));
    let mut reading = Reading::from(&metrics, place.clone());
    let lost = read(ctx, seen, pod, &place, &mut reading).await?;
    reading.finish(ended && lost.is_none());
    let lost = lost.or_else(|| rotated(seen, &reports, &reading).filter(|_| ended));
    ctx.metrics().read(&mut reading);
    reports.append(&mut reading.reports);
    Ok(Some(Collected {
        pod_uid: pod.uid.clone(),
        reports,
        place: reading.place,
        ended: ended && lost.is_none(),
        lost: lost.filter(|_| ended),
        from_follower,
        bytes: reading.bytes,
    }))
}

/// Says so where the newest value of a metric that decides was rotated away before anybody had read it: the run has named it, a line
/// that was read is gone, and nothing has named the metric since. A run that is judged as a whole would be judged by an older value, and
/// one that has not reached its level would count as converged. What was never named has nothing to lose.
pub(super) fn rotated(seen: &Seen, before: &[Report], reading: &Reading) -> Option<String> {
    let target = f64::from(seen.status.runs.last()?.target_level);
    let is_counted = (Scale { plan: &seen.plan }).is_counted();
    let is_lost = |metric: &str| {
        let on_record = seen.status.progress.iter().find(|held| held.name == metric && held.seen);
        let recorded = on_record.map(|held| fidelity(held.fidelity.as_ref()) + f64::from(u8::from(held.from_zero)));
        let read = before.iter().chain(&reading.reports).filter(|report| report.metric == metric);
        let newest = read.map(|report| report.fidelity.unwrap_or(0.0)).chain(recorded).reduce(f64::max);
        newest.is_some_and(|newest| !is_counted || newest < target)
    };
    let missing = |metric: &&str| reading.place.missing.contains(*metric);
    let metric =
        seen.plan.spec().decisive().map(|(metric, _)| metric).filter(missing).find(|metric| is_lost(metric))?;
    Some(format!(
        "the kubelet has rotated the end of the log away, and with it what it may have named `{metric}`: let the program print less, or `{metric}` at its end"
    ))
}

async fn read(
    ctx: &Context,
    seen: &Seen,
    pod: &PodFacts,
    place: &Place,
    reading: &mut Reading,
) -> Result<Option<String>, Error> {
    let api: Api<Pod> = Api::namespaced(ctx.client.0.clone(), &seen.namespace);
    let parameters = LogParams {
        container: Some(seen.container.clone()),
        timestamps: true,
        since_time: place.since().and_then(|t| t.checked_sub(jiff::SignedDuration::from_secs(1)).ok()),
        ..LogParams::default()
    };
    let stream = match api.log_stream(&pod.name, &parameters).await {
        Ok(stream) => stream,
        Err(error) => {
            ctx.metrics().unread("poll");
            return match status_of(&error) {
                // The pod is gone, or its kubelet does not know the container any more.
                Some(status) if status.code == 404 || status.code == 400 => Ok(Some(status.message.clone())),
                _ if seen.log_is_overdue => Ok(Some(format!("the log could not be read for too long: {error}"))),
                _ => Err(Error::of("reading a log", error)),
            };
        }
    };
    let mut stream = Box::pin(stream);
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return Ok(None),
            Ok(count) => reading.push(buffer.get(..count).unwrap_or_default()),
            // A log that breaks off is read again from the cursor.
            Err(error) => return Err(Error::of("reading a log", kube::Error::ReadEvents(error))),
        }
        if reading.bytes > MOST {
            return Ok(None);
        }
    }
}
