//! Runs that are judged as a whole: those of the fidelity kinds Fresh and Repeat. Pure: operator and local mode share it.
//!
//! Such a run is one unit of work at one level. What its log counts by, such as epochs, counts within the run: it says in which
//! order values came, and never how far the trial is. The objective's `reduce` picks the run's value from what the run printed.
//! A level of Fresh has its run's values; unit `k` of Repeat has the mean of the values of the runs 1 to `k`.

use trimtab_engine::number::{parse, to_text};
use trimtab_engine::{FidelityKind, Goal, Plan, Reduce, Values};
use trimtab_protocol::{Curve, Fidelity, Reached};

use crate::ending::{Class, class};
use crate::record::{Scale, fidelity};
use crate::trial::{CurvePoint, LevelValues, MetricValues, Run, TrialStatus};

/// Whether the runs of a study are judged as a whole.
#[must_use]
pub fn is_whole(plan: &Plan) -> bool {
    plan.spec().fidelity.is_some() && plan.spec().kind != FidelityKind::Cumulative
}

fn is_repeat(plan: &Plan) -> bool {
    is_whole(plan) && plan.spec().kind == FidelityKind::Repeat
}

/// Where the next run of a trial ends that may run to `target_level`: the next repeat, or that level itself.
#[must_use]
pub fn next_target(status: &TrialStatus, plan: &Plan, target_level: u32) -> u32 {
    if is_repeat(plan) { (status.rested_level.unwrap_or(0) + 1).min(target_level) } else { target_level }
}

/// What a run's process is told of its level: how far it goes, and which repeat it is. `reached` is what the trial had reached.
#[must_use]
pub fn told(plan: &Plan, run: &Run, reached: u32) -> (Option<Fidelity>, Option<u32>) {
    let Some(range) = plan.spec().fidelity else { return (None, None) };
    let fidelity = |reached| Fidelity { target: run.target_level, max: range.max, reached };
    match plan.spec().kind {
        FidelityKind::Cumulative => (Some(fidelity(reached)), None),
        FidelityKind::Fresh => (Some(fidelity(0)), None),
        // A program that reads how far to train must not take the number of a fold for it.
        FidelityKind::Repeat => (None, Some(run.target_level)),
    }
}

/// What a run has paid: its unit of work, if it came to an end of its own. What was interrupted is paid by the run that
/// takes it up again, because nothing says which part of it was done.
pub(crate) fn paid(plan: &Plan, run: &Run) -> u64 {
    let is_done = run.end.as_ref().is_some_and(|end| matches!(class(&end.reason), Class::Good | Class::Configuration));
    let amount = if is_repeat(plan) { 1 } else { u64::from(run.target_level) };
    if is_done { amount } else { 0 }
}

/// The run whose checkpoint a run to this target can go on from: the newest of those that had the same one, were
/// interrupted, and had printed something.
pub(crate) fn resume_from(runs: &[Run], target: u32) -> Option<u32> {
    let same = runs.iter().rev().filter(|run| run.target_level == target && run.reached.is_some());
    let same = same.filter(|run| !crate::ending::is_barren(runs, run.number));
    let ended = same.filter_map(|run| Some((run, run.end.as_ref()?)));
    let can = |reason: &str| {
        reason != crate::conditions::reason::NODE_LOST && matches!(class(reason), Class::Infrastructure | Class::Wanted)
    };
    ended.filter(|(_, end)| end.gone && can(&end.reason)).map(|(run, _)| run.number).next()
}

/// Whether a run begins a unit of work that none has begun before, so that what was printed so far belongs to another.
pub(crate) fn begins_anew(status: &TrialStatus, target: u32) -> bool {
    status.runs.last().is_none_or(|run| run.target_level != target)
}

/// Takes note of how far a run says that it is, by its own count. Says whether no run of the same unit had been as far.
pub(crate) fn note(status: &mut TrialStatus, run: usize, at: f64) -> bool {
    let Some(target) = status.runs.get(run).map(|run| run.target_level) else { return false };
    let best = status.runs.iter().filter(|run| run.target_level == target).filter_map(|run| run.reached.as_ref());
    let is_gain = best.map(|reached| fidelity(Some(reached))).fold(f64::NEG_INFINITY, f64::max) < at;
    if let Some(run) = status.runs.get_mut(run) {
        run.first.get_or_insert_with(|| to_text(at));
        if run.reached.as_ref().is_none_or(|reached| at > fidelity(Some(reached))) {
            run.reached = Some(to_text(at));
        }
    }
    is_gain
}

/// Writes the values of a run that ended in order to its level, each metric once.
pub(crate) fn write(status: &mut TrialStatus, scale: Scale<'_>, target: u32, found: &[Reached]) {
    for Reached { metric, values, .. } in found {
        let values = if is_repeat(scale.plan) { averaged(status, scale, target, metric, values) } else { *values };
        let at = status.values.partition_point(|held| held.level < target);
        if status.values.get(at).is_none_or(|held| held.level != target) {
            status.values.insert(at, LevelValues { level: target, metrics: Vec::new() });
        }
        let Some(held) = status.values.get_mut(at).filter(|held| held.metrics.iter().all(|m| m.name != *metric)) else {
            continue;
        };
        held.metrics.push(MetricValues {
            name: metric.clone(),
            last: to_text(values.last),
            best: to_text(values.best),
            mean: to_text(values.mean),
            count: values.count,
        });
        held.metrics.sort_by(|a, b| a.name.cmp(&b.name));
    }
    status.reached = Some(to_text(f64::from(target)));
    let metric = &scale.plan.spec().objective.metric;
    if let Some(value) = crate::record::value_at(status, scale.plan, target)
        && found.iter().any(|reached| reached.metric == *metric)
    {
        status.value = Some(to_text(value));
        push(status, f64::from(target), value);
    }
}

/// The values of a metric over the repeats up to this one: its own as the last, the best of them, and their mean.
fn averaged(status: &TrialStatus, scale: Scale<'_>, target: u32, metric: &str, values: &Values) -> Values {
    let objective = scale.plan.spec().objectives().find(|objective| objective.metric == metric);
    let goal = objective.map(|objective| objective.goal);
    let own = match objective.map(|objective| objective.reduce) {
        Some(Reduce::Best) => values.best,
        Some(Reduce::Mean) => values.mean,
        Some(Reduce::Last) | None => values.last,
    };
    let before = status.values.iter().rev().filter(|held| held.level < target);
    let before = before.flat_map(|held| &held.metrics).find(|held| held.name == metric);
    let Some(before) = before else { return Values::once(own) };
    let (mean, best) = (parse(&before.mean).unwrap_or(f64::NAN), parse(&before.best).unwrap_or(f64::NAN));
    let count = before.count.saturating_add(1);
    let is_better = match goal {
        Some(_) if !best.is_finite() => true,
        Some(Goal::Minimize) => own < best,
        Some(Goal::Maximize) => own > best,
        None => true,
    };
    Values {
        last: own,
        best: if is_better { own } else { best },
        mean: trimtab_protocol::reports::mean(mean, before.count, own),
        count,
    }
}

/// The values on record as the engine is to see them: of repeats only the mean counts, whatever `reduce` says.
pub(crate) fn seen(plan: &Plan, values: Values) -> Values {
    if is_repeat(plan) { Values { last: values.mean, best: values.mean, ..values } } else { values }
}

/// Adds a level's value to the curve.
fn push(status: &mut TrialStatus, level: f64, value: f64) {
    let number = |text: &String| parse(text).unwrap_or(f64::NAN);
    let mut curve = Curve {
        stride: status.curve_stride.max(1),
        seen: status.curve_seen,
        kept: status.curve.iter().map(|p| (number(&p.fidelity), number(&p.value))).collect(),
        newest: None,
    };
    curve.push(level, value);
    (status.curve_stride, status.curve_seen) = (curve.stride, curve.seen);
    let point = |&(fidelity, value): &(f64, f64)| CurvePoint { fidelity: to_text(fidelity), value: to_text(value) };
    status.curve = curve.kept.iter().map(point).collect();
}

#[cfg(test)]
pub(crate) mod tests;
