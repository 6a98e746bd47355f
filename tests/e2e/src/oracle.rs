//! What must be true of any Study, whatever happened to it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use kube::ResourceExt;
use trimtab_api::trial::TrialStatus;
use trimtab_api::{Study, Trial, history, names};

use crate::curve;
use crate::picture::{Picture, outcome};

/// Checks a Study that has ended: its trials, their values and every decision.
///
/// # Errors
/// With the first thing that is not as it must be.
pub fn check(picture: &Picture, name: &str) -> Result<()> {
    let study = picture.studies.get(name).context("the Study is gone")?;
    let trials = picture.trials_of(name);
    numbering(study, &trials)?;
    for trial in trials.values() {
        values(trial).with_context(|| trial.metadata.name.clone().unwrap_or_default())?;
        runs(trial).with_context(|| trial.metadata.name.clone().unwrap_or_default())?;
    }
    decisions(study, &trials)?;
    let live = picture.live_pods();
    let own = live.iter().find(|pod| pod.labels().get(names::STUDY_LABEL).is_some_and(|study| study == name));
    ensure!(own.is_none(), "{:?} runs though the study has ended", own.and_then(|pod| pod.metadata.name.clone()));
    best(study, &trials)
}

/// None lost, doubled or renumbered: numbers count from 0, and those that have no Trial are counted as removed.
fn numbering(study: &Study, trials: &BTreeMap<u32, &Trial>) -> Result<()> {
    let status = study.status.clone().unwrap_or_default();
    let known = u32::try_from(trials.len())?;
    let counts = status.trials.context("no counts")?;
    ensure!(
        known + counts.removed == status.next_trial,
        "{known} trials and {} removed, but {} numbers were given",
        counts.removed,
        status.next_trial
    );
    let sum = counts.pending + counts.running + counts.paused + counts.complete + counts.stopped + counts.failed;
    ensure!(sum == known, "{known} trials are counted as {counts:?}");
    for (number, trial) in trials {
        let expected = names::trial(&trial.spec.study_name, *number);
        ensure!(
            trial.metadata.name.as_deref() == Some(expected.as_str()),
            "trial {number} is named {:?}",
            trial.metadata.name
        );
    }
    Ok(())
}

/// Every value on record is the one that the program printed at that epoch, or at the last one before, and was counted once.
fn values(trial: &Trial) -> Result<()> {
    let parameters: Vec<(String, String)> =
        trial.spec.parameters.iter().map(|p| (p.name.clone(), p.value.clone())).collect();
    let status = trial.status.clone().unwrap_or_default();
    let converged = status.runs.iter().filter(|run| run.end.as_ref().is_some_and(|end| end.reason == "Converged"));
    let last = converged.filter_map(|run| run.reached.as_ref()?.parse().ok()).next_back().unwrap_or(u32::MAX);
    for at in &status.values {
        for metric in at.metrics.iter().filter(|metric| metric.name == "val") {
            let found: f64 = metric.last.parse()?;
            if found.is_nan() && outcome(&status).is_some_and(|(_, reason)| reason == "NotFinite") {
                continue;
            }
            let expected = curve::value(&parameters, last.min(at.level));
            ensure!(
                found.to_bits() == expected.to_bits(),
                "at level {} the value is {found}, and {expected} was printed",
                at.level
            );
            ensure!(
                metric.count <= at.level,
                "{} values up to level {}: something counts twice",
                metric.count,
                at.level
            );
        }
    }
    Ok(())
}

/// Runs are numbered in order, begin where a run before them came to, and go on from there.
fn runs(trial: &Trial) -> Result<()> {
    let status = trial.status.clone().unwrap_or_default();
    for (before, after) in status.runs.iter().zip(status.runs.iter().skip(1)) {
        ensure!(before.number + 1 == after.number, "run {} comes after run {}", after.number, before.number);
        ensure!(
            before.end.as_ref().is_some_and(|end| end.gone),
            "run {} began before run {} was gone",
            after.number,
            before.number
        );
    }
    for run in &status.runs {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
        let start: f64 = run.start.parse()?;
        if let (Some(first), Some(_)) = (number(&run.first), run.resume_from) {
            ensure!(first > start, "run {} resumed from {start} and began with {first}", run.number);
        }
    }
    Ok(())
}

/// Each batch is what the engine makes of what was before it.
fn decisions(study: &Study, trials: &BTreeMap<u32, &Trial>) -> Result<()> {
    let plan = trimtab_api::validate(study).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let trials: Vec<&Trial> = trials.values().copied().collect();
    let history = history::history(&plan, study, &trials, 0);
    let findings = trimtab_engine::verify::verify(&plan, &history);
    let wrong: Vec<_> =
        findings.iter().filter(|finding| matches!(finding, trimtab_engine::verify::Finding::Mismatch { .. })).collect();
    ensure!(wrong.is_empty(), "decisions do not follow from their evidence: {wrong:#?}");
    Ok(())
}

/// The best trial is the best of those that came furthest.
fn best(study: &Study, trials: &BTreeMap<u32, &Trial>) -> Result<()> {
    let Some(best) = study.status.as_ref().and_then(|status| status.best.clone()) else { return Ok(()) };
    let Some(trial) = trials.get(&best.number) else { return Ok(()) };
    let found = value_at(trial.status.as_ref(), best.level).context("the best trial has no value at its level")?;
    ensure!(
        found.to_string() == best.value || found.to_bits() == best.value.parse::<f64>()?.to_bits(),
        "best is {} and its trial has {found}",
        best.value
    );
    let better =
        trials.values().filter(|other| other.status.as_ref().is_none_or(|s| s.outcome.is_none())).find_map(|other| {
            let value = value_at(other.status.as_ref(), best.level)?;
            (value > found).then_some((other.spec.number, value))
        });
    if let Some((number, value)) = better {
        bail!("trial {number} has {value} at {}, and {} with {found} is called best", best.level, best.number);
    }
    Ok(())
}

/// The last value of `val` at a level.
#[must_use]
pub fn value_at(status: Option<&TrialStatus>, level: u32) -> Option<f64> {
    let at = status?.values.iter().find(|at| at.level == level)?;
    at.metrics.iter().find(|metric| metric.name == "val").or_else(|| at.metrics.first())?.last.parse().ok()
}

/// How many trials of each bracket have a value at each level: `[{1: 9, 3: 3, 9: 1}, …]`.
#[must_use]
pub fn rungs(picture: &Picture, study: &str) -> Vec<BTreeMap<u32, u32>> {
    let mut brackets: BTreeMap<u32, BTreeMap<u32, u32>> = BTreeMap::new();
    for trial in picture.trials_of(study).values() {
        let sizes = brackets.entry(trial.spec.bracket).or_default();
        // Levels below a bracket's first rung are seen on the way and judge nobody.
        let judged = trial.spec.batches.iter().filter_map(|batch| batch.level);
        for level in judged {
            *sizes.entry(level).or_default() += 1;
        }
    }
    brackets.into_values().collect()
}

/// The table of [`rungs`] as a text: `9@1 3@3 1@9 | 5@3 1@9 | 3@9`.
#[must_use]
pub fn table(rungs: &[BTreeMap<u32, u32>]) -> String {
    let bracket = |sizes: &BTreeMap<u32, u32>| {
        sizes.iter().map(|(level, size)| format!("{size}@{level}")).collect::<Vec<_>>().join(" ")
    };
    rungs.iter().map(bracket).collect::<Vec<_>>().join(" | ")
}

/// What was tried and decided, without what depends on time: for comparing a run with another.
#[must_use]
pub fn story(picture: &Picture, study: &str) -> Vec<String> {
    let trials = picture.trials_of(study);
    trials
        .values()
        .map(|trial| {
            let spec = &trial.spec;
            let parameters: Vec<String> = spec.parameters.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
            let actions: Vec<String> = spec
                .batches
                .iter()
                .map(|b| format!("{}.{} {:?} {} {:?}", b.number, b.index, b.action, b.reason, b.level))
                .collect();
            let values: Vec<String> = trial
                .status
                .iter()
                .flat_map(|s| &s.values)
                .map(|at| format!("{}:{:?}", at.level, at.metrics.first().map(|m| &m.last)))
                .collect();
            format!(
                "{} {} {:?}: {} -> {}",
                spec.number,
                parameters.join(","),
                spec.cleared_level,
                actions.join("; "),
                values.join(" ")
            )
        })
        .collect()
}
