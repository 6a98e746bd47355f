//! What a run holds of a cluster's resources while it runs, and how many hours of them all runs of a study have used.
//!
//! A run holds what its pod asks for, from the start of the container that trains to its end: what waits for a place costs nothing.
//! All is computed from the runs on record, so an operator that was away has missed nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::podspec::{POD, objects, text};
use crate::quantity::thousandths;
use crate::study::{ResourceHours, StudySpec};
use crate::trial::TrialStatus;
use crate::validate::FieldError;

/// Resources that a status tells of, at most: those of the limits first.
const MOST: usize = 8;

/// How much of each resource a run's pod holds: of CPUs, GPUs and other devices their number, of memory and storage the GiB.
///
/// As the scheduler counts: the pod's own `resources` where it has them, or else those of its containers together, and of the initial
/// containers that go on beside them. `requests` come before `limits`. What cannot be read counts as nothing.
#[must_use]
pub fn held(spec: &StudySpec) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for (name, _, quantity) in asked(spec) {
        let amount = quantity.and_then(|text| thousandths(&text)).map_or(0.0, |amount| units(&name, amount));
        *all.entry(name).or_insert(0.0) += amount;
    }
    all.retain(|_, amount| *amount > 0.0);
    all
}

/// Seconds that runs of a trial have run by now, those of the one that goes on included.
#[must_use]
pub fn seconds(status: &TrialStatus, now: Timestamp) -> u64 {
    let live = status.runs.last().filter(|run| run.end.is_none()).map_or(0, |run| {
        let since = run.start_time.as_ref().map_or(0, |since| now.duration_since(since.0).as_secs());
        run.earlier_seconds.saturating_add(u64::try_from(since).unwrap_or(0))
    });
    status.run_seconds.saturating_add(live)
}

/// Seconds that runs of a trial have run of which nothing is left. How long one took that was told to end is put right when its pod is
/// gone, and what is told of a study never grows less.
#[must_use]
pub fn settled_seconds(status: &TrialStatus) -> u64 {
    let open = status.runs.last().and_then(|run| run.end.as_ref()).filter(|end| !end.gone);
    status.run_seconds.saturating_sub(open.map_or(0, |end| end.seconds))
}

/// Hours used when runs have run for so many seconds, of what the limits name and of every device that runs hold; never fewer than
/// were known `before`, because Trials can be deleted.
#[must_use]
pub fn used(spec: &StudySpec, seconds: u64, before: &[ResourceHours]) -> Vec<ResourceHours> {
    let held = held(spec);
    let limits = limits(spec).map(|limit| limit.resource.clone());
    let mut names: Vec<String> = Vec::new();
    for name in limits.chain(held.keys().filter(|name| name.contains('/')).cloned()) {
        if !names.contains(&name) && names.len() < MOST {
            names.push(name);
        }
    }
    let used = names.into_iter().map(|resource| {
        #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
        let hours = held.get(&resource).copied().unwrap_or(0.0) * seconds as f64 / 3600.0;
        let known = before.iter().find(|known| known.resource == resource).map_or(0.0, |known| known.hours);
        ResourceHours { resource, hours: hours.max(known) }
    });
    used.collect()
}

/// Those of which there are some: what a status tells.
#[must_use]
pub fn told(mut hours: Vec<ResourceHours>) -> Vec<ResourceHours> {
    hours.retain(|entry| entry.hours > 0.0);
    hours
}

/// The same for the engine.
#[must_use]
pub fn pairs(hours: &[ResourceHours]) -> Vec<(String, f64)> {
    hours.iter().map(|entry| (entry.resource.clone(), entry.hours)).collect()
}

/// The largest part of a limit that is used; `None` where there is none.
#[must_use]
pub fn part(spec: &StudySpec, used: &[ResourceHours]) -> Option<f64> {
    let parts = limits(spec).filter_map(|limit| {
        let used = used.iter().find(|entry| entry.resource == limit.resource)?;
        Some(used.hours / limit.hours)
    });
    parts.reduce(f64::max)
}

/// Seconds until a limit is reached if this many runs go on; `None` if none will be.
#[must_use]
pub fn left(spec: &StudySpec, used: &[ResourceHours], running: usize) -> Option<u64> {
    let held = held(spec);
    let running = u32::try_from(running).map_or(f64::INFINITY, f64::from);
    let seconds = limits(spec).filter_map(|limit| {
        let used = used.iter().find(|entry| entry.resource == limit.resource)?.hours;
        let pace = held.get(&limit.resource)? * running;
        (pace > 0.0).then(|| (limit.hours - used).max(0.0) * 3600.0 / pace)
    });
    // Less than a second's last bits is none; the cast saturates, and a limit that is years away is as good as none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating is right"
    )]
    seconds.reduce(f64::min).map(|seconds| (seconds - 1e-6).max(0.0).ceil() as u64)
}

fn limits(spec: &StudySpec) -> impl Iterator<Item = &ResourceHours> {
    spec.limits.iter().flat_map(|limits| &limits.resource_hours)
}

/// An amount in the units that hours are counted in.
#[expect(clippy::cast_precision_loss, reason = "an amount is as exact as a double is")]
fn units(name: &str, thousandths: u64) -> f64 {
    let is_of_bytes = matches!(name, "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    let unit = if is_of_bytes { (1_u64 << 30) as f64 } else { 1.0 };
    thousandths as f64 / 1000.0 / unit
}

/// What the template asks for: name, place and quantity, which is `None` where it is neither text nor number.
fn asked(spec: &StudySpec) -> Vec<(String, String, Option<String>)> {
    let Some(pod) = spec.trial.job.spec.pod() else { return Vec::new() };
    let own = resources(pod, POD);
    let containers = objects(pod, "containers").map(|(i, c)| resources(c, &format!("{POD}.containers[{i}]")));
    let beside = objects(pod, "initContainers").filter(|(_, c)| text(c, "restartPolicy") == Some("Always"));
    let beside = beside.map(|(i, c)| resources(c, &format!("{POD}.initContainers[{i}]")));
    let of_containers =
        containers.chain(beside).flatten().filter(|(name, ..)| own.iter().all(|(held, ..)| held != name));
    let of_containers: Vec<_> = of_containers.collect();
    own.into_iter().chain(of_containers).collect()
}

fn resources(holder: &Map<String, Value>, place: &str) -> Vec<(String, String, Option<String>)> {
    let Some(resources) = holder.get("resources") else { return Vec::new() };
    let mut all = BTreeMap::new();
    for kind in ["limits", "requests"] {
        for (name, quantity) in resources.get(kind).and_then(Value::as_object).into_iter().flatten() {
            let text = match quantity {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            all.insert(name.clone(), (format!("{place}.resources.{kind}[{name}]"), text));
        }
    }
    all.into_iter().map(|(name, (place, text))| (name, place, text)).collect()
}

/// A limit on what no run holds would never be reached.
pub(crate) fn check(spec: &StudySpec, errors: &mut Vec<FieldError>) {
    let (asked, held) = (asked(spec), held(spec));
    for (i, limit) in limits(spec).enumerate() {
        let name = &limit.resource;
        let mut is_unreadable = false;
        for (_, place, quantity) in asked.iter().filter(|(asked, ..)| asked == name) {
            if quantity.as_ref().and_then(|text| thousandths(text)).is_none() {
                let given = quantity.as_deref().unwrap_or_default();
                let words =
                    format!("must be a quantity such as `2` or `1.5Gi`, as its hours are limited (given `{given}`)");
                errors.push(FieldError::new(place.clone(), words));
                is_unreadable = true;
            }
        }
        if is_unreadable || held.contains_key(name) {
            continue;
        }
        let known: Vec<String> = held.keys().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        let words =
            format!("must be a resource that the template asks for, or it is never used up: it asks for {known}");
        errors.push(FieldError::new(
            format!("spec.limits.resourceHours[{i}].resource"),
            format!("{words} (given `{name}`)"),
        ));
    }
}

#[cfg(test)]
mod tests;
