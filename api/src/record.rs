//! Folds reports into a Trial's status. Pure: takes the status and the reports, changes the status.
//!
//! What it must keep true: an observation is (trial, metric, level) and is written once; reading a log again changes nothing.

use trimtab_engine::number::{parse, to_text};
use trimtab_engine::{Goal, Plan, Reduce};
use trimtab_protocol::{Curve, Ending, Finished, Folded, Progress, Reached, Report};

use crate::history::values;
use crate::trial::{CurvePoint, LevelValues, MetricProgress, MetricValues, TrialStatus};
use crate::whole;

/// What the plan says about reading.
#[derive(Clone, Copy, Debug)]
pub struct Scale<'p> {
    /// The study's plan.
    pub plan: &'p Plan,
}

impl Scale<'_> {
    fn metric(&self) -> &str {
        &self.plan.spec().objective.metric
    }

    fn goal(&self, metric: &str) -> Option<Goal> {
        self.plan.spec().objectives().find(|objective| objective.metric == metric).map(|objective| objective.goal)
    }

    /// Whether what a log counts by is the study's fidelity.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.plan.spec().fidelity.is_some() && !whole::is_whole(self.plan)
    }

    /// The levels that reports can reach. Without a fidelity, or where runs are judged as a whole, only the end of the run
    /// gives a value.
    fn levels(&self) -> &[u32] {
        if self.is_counted() { self.plan.levels() } else { &[] }
    }
}

/// The fidelity of a text, 0 where there is none.
#[must_use]
pub fn fidelity(text: Option<&String>) -> f64 {
    text.and_then(|t| parse(t)).filter(|f| f.is_finite()).unwrap_or(0.0)
}

/// Takes reports of the run at this index into the status and into the run.
pub fn record(status: &mut TrialStatus, run: usize, scale: Scale<'_>, reports: &[Report]) {
    let mut progress = progress(status, scale);
    for report in reports {
        let reached = progress.observe(scale.levels(), scale.goal(&report.metric), report);
        write_values(status, scale.plan, &reached);
        if report.metric == scale.metric() {
            status.value = Some(to_text(report.value));
        }
        let Some(at) = report.fidelity.filter(|f| f.is_finite() && *f >= 0.0) else { continue };
        if whole::is_whole(scale.plan) {
            if whole::note(status, run, at) {
                status.retries = 0;
                status.retry_after = None;
            }
            continue;
        }
        if at > fidelity(status.reached.as_ref()) || status.reached.is_none() {
            status.reached = Some(to_text(at));
            // A gain: whatever failed before, the infrastructure carried the trial further this time.
            status.retries = 0;
            status.retry_after = None;
        }
        if let Some(run) = status.runs.get_mut(run) {
            if run.first.is_none() {
                run.first = Some(to_text(at));
            }
            if at > fidelity(run.reached.as_ref()) || run.reached.is_none() {
                run.reached = Some(to_text(at));
            }
        }
    }
    keep(status, scale, &progress);
}

/// A run to this level begins; it is not among the status's runs yet.
pub fn begin_run(status: &mut TrialStatus, scale: Scale<'_>, target_level: u32) {
    let mut progress = progress(status, scale);
    progress.begin_run();
    if whole::is_whole(scale.plan) && whole::begins_anew(status, target_level) {
        progress = Progress::default();
    }
    keep(status, scale, &progress);
    status.cursor = None;
}

/// A run ended in order: what follows for its level.
pub fn finish(status: &mut TrialStatus, scale: Scale<'_>, target_level: u32) -> Finished {
    let levels = scale.plan.levels();
    let target = levels.iter().position(|l| *l == target_level).unwrap_or(levels.len().saturating_sub(1));
    let mut progress = progress(status, scale);
    let decisive: Vec<&str> = scale.plan.spec().decisive().map(|(name, _)| name).collect();
    if whole::is_whole(scale.plan) {
        // Without levels, what the run gives is its only one.
        let finished = progress.finish(&[], &decisive, 0, true);
        if finished.ending != Ending::NoMetric {
            whole::write(status, scale, target_level, &finished.reached);
        }
        keep(status, scale, &progress);
        return finished;
    }
    let finished = progress.finish(levels, &decisive, target, true);
    write_values(status, scale.plan, &finished.reached);
    keep(status, scale, &progress);
    finished
}

/// A level that a trial which runs through its rungs has passed without a value.
#[must_use]
pub fn missed_rung(status: &TrialStatus, scale: Scale<'_>) -> Option<u32> {
    let runs_through = !scale.plan.brackets().is_empty() && scale.plan.runs_through();
    let reached = fidelity(status.reached.as_ref());
    let passed = |level: &&u32| f64::from(**level) < reached && value_at(status, scale.plan, **level).is_none();
    runs_through.then(|| scale.plan.levels().iter().find(passed).copied()).flatten()
}

/// What decides at a level, by the Study's `reduce`: the first objective's value, or that of another objective which is NaN or
/// infinite. `None` while a metric that decides is not on record there.
#[must_use]
pub fn value_at(status: &TrialStatus, plan: &Plan, level: u32) -> Option<f64> {
    let found = decisive_at(status, plan, level);
    let all: Option<Vec<f64>> = found.into_iter().map(|(_, value)| value).collect();
    let objectives = all?.into_iter().take(plan.spec().objectives().count());
    objectives.reduce(|first, other| if first.is_finite() && !other.is_finite() { other } else { first })
}

/// Each metric that decides, objectives first, with its value at a level by the Study's `reduce`, where that is on record.
#[must_use]
pub fn decisive_at<'p>(status: &TrialStatus, plan: &'p Plan, level: u32) -> Vec<(&'p str, Option<f64>)> {
    let at = status.values.iter().find(|v| v.level == level);
    let value = |name: &str, reduce: Reduce| Some(reduce.of(&whole::seen(plan, values(at?, name)?)));
    plan.spec().decisive().map(|(name, reduce)| (name, value(name, reduce))).collect()
}

fn write_values(status: &mut TrialStatus, plan: &Plan, reached: &[Reached]) {
    for reached in reached {
        let Some(level) = plan.levels().get(reached.level).copied() else { continue };
        let place = match status.values.iter().position(|v| v.level == level) {
            Some(place) => place,
            None => {
                let place = status.values.iter().position(|v| v.level > level).unwrap_or(status.values.len());
                status.values.insert(place, LevelValues { level, metrics: Vec::new() });
                place
            }
        };
        let Some(held) = status.values.get_mut(place) else { continue };
        if held.metrics.iter().any(|m| m.name == reached.metric) {
            continue;
        }
        let values = reached.values;
        held.metrics.push(MetricValues {
            name: reached.metric.clone(),
            last: to_text(values.last),
            best: to_text(values.best),
            mean: to_text(values.mean),
            count: values.count,
        });
        held.metrics.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// The progress on record, as the protocol folds it.
fn progress(status: &TrialStatus, scale: Scale<'_>) -> Progress {
    let number = |text: &String| parse(text).unwrap_or(f64::NAN);
    let mut progress = Progress::default();
    for held in &status.progress {
        let mut curve = Curve::default();
        if held.name == scale.metric() && !whole::is_whole(scale.plan) {
            curve.stride = status.curve_stride.max(1);
            curve.seen = status.curve_seen;
            curve.kept = status.curve.iter().map(|p| (number(&p.fidelity), number(&p.value))).collect();
            curve.newest = held.fidelity.as_ref().map(|f| (number(f), number(&held.last)));
        }
        let folded = Folded {
            fidelity: held.fidelity.as_ref().map(number),
            last: number(&held.last),
            best: number(&held.best),
            mean: number(&held.mean),
            count: held.count,
            settled: held.settled as usize,
            from_zero: held.from_zero,
            unplaced: held.unplaced.as_ref().map(number),
            seen: held.seen,
            curve,
        };
        progress.metrics.insert(held.name.clone(), folded);
    }
    progress
}

/// Writes the progress down.
fn keep(status: &mut TrialStatus, scale: Scale<'_>, progress: &Progress) {
    status.progress = progress
        .metrics
        .iter()
        .map(|(name, folded)| MetricProgress {
            name: name.clone(),
            fidelity: folded.fidelity.map(to_text),
            last: to_text(folded.last),
            best: to_text(folded.best),
            mean: to_text(folded.mean),
            count: folded.count,
            settled: u32::try_from(folded.settled).unwrap_or(u32::MAX),
            from_zero: folded.from_zero,
            unplaced: folded.unplaced.map(to_text),
            seen: folded.seen,
        })
        .collect();
    // The curve of runs that are judged as a whole has a point for each level, and not for what they count by within.
    if let Some(folded) = progress.metrics.get(scale.metric()).filter(|_| !whole::is_whole(scale.plan)) {
        status.curve_stride = folded.curve.stride;
        status.curve_seen = folded.curve.seen;
        status.curve = folded
            .curve
            .kept
            .iter()
            .map(|(fidelity, value)| CurvePoint { fidelity: to_text(*fidelity), value: to_text(*value) })
            .collect();
    }
}
