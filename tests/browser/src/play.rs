//! Plays a study to its end as a cluster would write it down: real decisions, invented values, a clock of its own.

use anyhow::{Result, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use trimtab_api::history::{apply_to_trial, batch_record, history, trial_from_start};
use trimtab_api::study::StudyStatus;
use trimtab_api::trial::{CurvePoint, LevelValues, MetricValues, Outcome, OutcomeKind, Rest, Run, TrialStatus};
use trimtab_api::{Study, Trial, manifest, validate};
use trimtab_engine::{Plan, Verdict, decide, number};

/// Metrics by name.
pub type Metrics = Vec<(&'static str, f64)>;

/// What happens in a study.
pub struct World<'w> {
    /// Runs side by side.
    pub lanes: usize,
    /// The metrics of a trial at a fidelity, by name.
    pub metrics: &'w dyn Fn(&Trial, f64) -> Metrics,
    /// Why a trial's first run fails, if it does: reason, message and exit code.
    pub failure: &'w dyn Fn(u32) -> Option<(&'static str, String, i32)>,
}

/// The study and its trials as `kubectl get studies,trials -o json` writes them.
///
/// # Errors
/// When the Study is not valid, or comes to a standstill.
pub fn play(yaml: &str, world: &World<'_>) -> Result<Value> {
    let mut study = manifest::parse_study(yaml).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    study.metadata.uid = Some("8a7c6f0e-1b1e-4f43-9d58-000000000001".to_owned());
    study.status = Some(StudyStatus::default());
    let plan = validate(&study).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    let mut trials: Vec<Trial> = Vec::new();
    let mut lanes = vec![0_i64; world.lanes.max(1)];
    loop {
        let decision = decide(&plan, &history(&plan, &study, &trials, 0));
        if decision.actions.is_empty() {
            if decision.verdict != Verdict::Running {
                break;
            }
            let moves = trials.iter_mut().map(|trial| advance(&plan, world, &mut lanes, trial));
            // All of them move, not only the first.
            if !moves.fold(false, |any, moved| any | moved) {
                bail!("the study runs and nothing is left to do");
            }
            continue;
        }
        let next = study.status.as_ref().and_then(|s| s.batch.as_ref()).map_or(1, |batch| batch.number + 1);
        let record = batch_record(&plan, &decision, next);
        for (index, action) in (0..).zip(&record.actions) {
            match trial_from_start(&study, &record, index) {
                Some(trial) => trials.push(trial),
                None => {
                    let trial = trials.get_mut(action.trial as usize).ok_or_else(|| anyhow!("no such trial"))?;
                    if let Some(spec) = apply_to_trial(&study, &record, index, trial) {
                        trial.spec = spec;
                    }
                }
            }
        }
        let status = study.status.get_or_insert_default();
        status.next_trial = u32::try_from(trials.len())?;
        status.batch = Some(record);
        status.applied_batch = next;
    }
    let status = study.status.get_or_insert_default();
    status.state = Some("Complete".to_owned());
    status.seed = study.spec.seed;
    list(&study, &trials)
}

fn list(study: &Study, trials: &[Trial]) -> Result<Value> {
    let mut items = vec![serde_json::to_value(study)?];
    for trial in trials {
        items.push(serde_json::to_value(trial)?);
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}

/// Lets a trial come to what its spec says; says whether anything came of it.
fn advance(plan: &Plan, world: &World<'_>, lanes: &mut [i64], trial: &mut Trial) -> bool {
    let mut status = trial.status.clone().unwrap_or_default();
    if status.outcome.is_some() {
        return false;
    }
    if let Some(stop) = &trial.spec.stop {
        status.outcome =
            Some(Outcome { kind: OutcomeKind::Stopped, reason: stop.reason.clone(), message: stop.message.clone() });
        status.state = Some("Stopped".to_owned());
    } else if status.rested_level < Some(trial.spec.target_level) {
        run(plan, world, lanes, trial, &mut status);
    } else {
        return false;
    }
    trial.status = Some(status);
    true
}

/// The next run of a trial.
fn run(plan: &Plan, world: &World<'_>, lanes: &mut [i64], trial: &Trial, status: &mut TrialStatus) {
    let (start, target) = (status.rested_level.unwrap_or(0), trial.spec.target_level);
    let mut run = Run::from_zero(u32::try_from(status.runs.len()).unwrap_or(0) + 1, target);
    run.start = start.to_string();
    let failure = (world.failure)(trial.spec.number).filter(|_| start == 0);
    let seconds = i64::from(target - start) * (8 + i64::from(trial.spec.number) % 5);
    let seconds = if failure.is_some() { 3 } else { seconds };
    // The lane that is free first.
    let lane = lanes.iter_mut().min();
    let began = lane.map_or(0, |free| {
        let began = *free;
        *free += seconds + 1;
        began
    });
    let at = |seconds| time(seconds).to_string();
    let (reason, message, code) = failure.clone().unwrap_or(("Reached", String::new(), 0));
    let end = json!({"reason": reason, "message": message, "exitCode": code, "time": at(began + seconds), "seconds": seconds});
    run.start_time = serde_json::from_value(json!(at(began))).ok();
    run.end = serde_json::from_value(end).ok();
    status.runs.push(run);
    status.run_seconds += u64::try_from(seconds).unwrap_or(0);
    if let Some((reason, message, _)) = failure {
        status.outcome = Some(Outcome { kind: OutcomeKind::Failed, reason: reason.to_owned(), message });
        status.state = Some("Failed".to_owned());
        return;
    }
    for fidelity in start + 1..=target {
        let metrics = (world.metrics)(trial, f64::from(fidelity));
        if let Some((_, value)) = metrics.first() {
            status.curve.push(CurvePoint { fidelity: fidelity.to_string(), value: number::to_text(*value) });
        }
        if plan.levels().contains(&fidelity) {
            let of = |(name, value): &(&'static str, f64)| {
                let text = number::to_text(*value);
                let (name, count) = ((*name).to_owned(), fidelity);
                MetricValues { name, last: text.clone(), best: text.clone(), mean: text, count }
            };
            status.values.push(LevelValues { level: fidelity, metrics: metrics.iter().map(of).collect() });
        }
    }
    status.spent_fidelity += u64::from(target - start);
    status.rested_level = Some(target);
    status.rests.push(Rest { level: target, spent: status.spent_fidelity });
    let is_top = Some(&target) == plan.levels().last();
    status.state = Some(if is_top { "Complete" } else { "Paused" }.to_owned());
}

fn time(seconds: i64) -> Timestamp {
    // Some Tuesday; nothing depends on it.
    let begin = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(1_790_000_000));
    begin.and_then(|begin| begin.saturating_add(SignedDuration::from_secs(seconds))).unwrap_or(Timestamp::UNIX_EPOCH)
}
