//! What the page is told: everything that it shows, as values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::json;
use trimtab_api::study::{Goal, Objective};
use trimtab_api::{Study, validate};

use super::again::Again;
use super::curves::Curves;
use super::failures::{Failure, failures};
use super::front::front;
use super::importance::{ImportanceAccount, of_rows};
use super::ladders::Ladders;
use super::slots::Slots;
use super::space::Axis;
use super::trials::{self, Row};
use crate::account::{PlanAccount, Reading, SavingAccount, state_word, unit};
use crate::record::Record;

/// So many of the best trials are told in full.
const BEST: usize = 10;

/// At most so many improvements of the best value are drawn.
const STEPS: usize = 500;

/// Everything that the page shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    /// The version of what wrote it.
    version: &'static str,
    /// When it was written.
    written: Timestamp,
    study: StudyData,
    objectives: Vec<Goals>,
    parameters: Vec<Axis>,
    /// Trials by state.
    counts: BTreeMap<String, usize>,
    /// How many trials there are; the rows may be fewer.
    total: usize,
    trials: Vec<Row>,
    /// The best trials, by the first objective, or those of the front.
    best: Vec<Best>,
    /// The numbers of the trials on the Pareto front; empty with one objective.
    front: Vec<u32>,
    /// For each objective, each improvement of the best value at the highest level: trial and value.
    steps: Vec<Vec<(u32, f64)>>,
    /// For each objective.
    curves: Vec<Curves>,
    /// For each objective.
    importances: Vec<Option<ImportanceAccount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ladders: Option<Ladders>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saving: Option<SavingAccount>,
    /// Why trials were stopped, and how many.
    stops: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<Slots>,
    failures: Vec<Failure>,
    /// How many kinds of failures are not among them.
    more_failures: usize,
    /// What could not be read or told.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StudyData {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Why it is in that state: reason and message of the condition of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<String>,
    unit: String,
    has_fidelity: bool,
    levels: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    parallelism: u32,
    active_seconds: u64,
    spent: u64,
    /// What the plan amounts to, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    /// The Study as it was applied.
    manifest: String,
}

#[derive(Debug, Serialize)]
struct Goals {
    metric: String,
    /// Whether larger values are better.
    maximize: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Best {
    number: u32,
    name: String,
    /// The level and the values there, as text.
    level: Option<u32>,
    values: Vec<Option<String>>,
    parameters: Vec<(String, String)>,
    again: Again,
}

impl Data {
    /// Everything that is known of a study, as the page takes it.
    pub(super) fn new(record: &Record, now: Timestamp) -> Self {
        let study = &record.study;
        let reading = Reading::of(record);
        let state = reading.state();
        let seen = state.as_ref().map(|(plan, state)| (*plan, state));
        let mut problems = record.problems.clone();
        if let Err(mistakes) = reading.valid() {
            problems.push(format!("the Study is not valid: {mistakes}"));
        }
        let word = |trial| state_word(trial, seen);
        let mut rows: Vec<Row> = record.trials.iter().map(|trial| Row::new(study, trial, word(trial))).collect();
        let objectives = &study.spec.objectives;
        let rankings: Vec<Vec<usize>> = (0..objectives.len()).map(|k| trials::ranked(study, &rows, k)).collect();
        let front = state.as_ref().map(|(plan, state)| front(study, plan, state)).unwrap_or_default();
        let spent = rows.iter().map(|row| row.spent).sum();
        let mut counts = BTreeMap::new();
        rows.iter().for_each(|row| *counts.entry(row.state.clone()).or_default() += 1);
        let mut stops = BTreeMap::new();
        let reasons = record.trials.iter().filter_map(|trial| trial.spec.stop.as_ref());
        reasons.for_each(|stop| *stops.entry(stop.reason.clone()).or_default() += 1);
        let (failures, more_failures) = failures(&record.trials);
        let curve = |(k, ranking): (usize, &Vec<usize>)| Curves::new(study, &record.trials, &rows, ranking, k);
        let data = Self {
            version: env!("CARGO_PKG_VERSION"),
            written: now,
            study: StudyData::new(study, spent),
            objectives: objectives.iter().map(Goals::new).collect(),
            parameters: study.spec.parameters.iter().map(Axis::new).collect(),
            counts,
            total: rows.len(),
            best: best(record, &rows, &rankings, &front),
            steps: (0..objectives.len()).map(|k| steps(study, &rows, k)).collect(),
            curves: rankings.iter().enumerate().map(curve).collect(),
            importances: of_rows(record, &rows),
            ladders: seen.and_then(|(plan, state)| Ladders::new(study, plan, state, &rows)),
            saving: seen.and_then(|(plan, state)| SavingAccount::new(plan, state, unit(study), spent)),
            stops,
            slots: Slots::new(&record.trials, now),
            failures,
            more_failures,
            problems,
            trials: Vec::new(),
            front,
        };
        let mut drawn = trials::drawn(study, &rows, &rankings).into_iter().peekable();
        let mut at = 0;
        rows.retain(|row| {
            let is_drawn = drawn.next_if_eq(&at).is_some() || data.front.contains(&row.number);
            at += 1;
            is_drawn
        });
        Self { trials: rows, ..data }
    }
}

/// The best trials in full.
fn best(record: &Record, rows: &[Row], rankings: &[Vec<usize>], front: &[u32]) -> Vec<Best> {
    let study = &record.study;
    let on_front = front.iter().filter_map(|number| rows.iter().position(|row| row.number == *number));
    let places: Vec<usize> = match front {
        [] => rankings.first().into_iter().flatten().take(BEST).copied().collect(),
        _ => on_front.take(BEST).collect(),
    };
    let best = |at: usize| {
        let (row, trial) = (rows.get(at)?, record.trials.get(at)?);
        let level = row.newest(0).map(|(level, _)| level);
        let value = |k: usize| Some(trimtab_engine::number::to_text(row.at(level?, k)?));
        Some(Best {
            number: row.number,
            name: trial.name_any(),
            level,
            values: (0..study.spec.objectives.len()).map(value).collect(),
            parameters: trial.spec.parameters.iter().map(|p| (p.name.clone(), p.value.clone())).collect(),
            again: Again::new(study, trial, level, record.program.as_deref()),
        })
    };
    places.into_iter().filter_map(best).collect()
}

/// Each improvement of the best value at the highest level that any trial reached, in the order of the trials.
fn steps(study: &Study, rows: &[Row], objective: usize) -> Vec<(u32, f64)> {
    let Some(of) = study.spec.objectives.get(objective) else { return Vec::new() };
    let eligible = || rows.iter().filter(|row| row.eligible);
    let Some(top) = eligible().filter_map(|row| row.newest(objective)).map(|(level, _)| level).max() else {
        return Vec::new();
    };
    let mut steps: Vec<(u32, f64)> = Vec::new();
    for row in eligible() {
        let Some(value) = row.at(top, objective) else { continue };
        if steps.last().is_none_or(|(_, best)| trials::oriented(of, value) < trials::oriented(of, *best)) {
            steps.push((row.number, value));
        }
    }
    let kept = trials::thinned(steps.len(), &[0, steps.len().saturating_sub(1)], 2, STEPS);
    kept.into_iter().map(|at| steps[at]).collect()
}

impl Goals {
    fn new(objective: &Objective) -> Self {
        let maximize = objective.goal == Goal::Maximize;
        Self { metric: objective.metric.clone(), maximize, target: objective.target }
    }
}

impl StudyData {
    fn new(study: &Study, spent: u64) -> Self {
        let status = study.status.clone().unwrap_or_default();
        let state = status.state.clone();
        let condition = status.conditions.iter().find(|c| Some(&c.type_) == state.as_ref() && c.status == "True");
        let plan = validate(study).ok();
        let manifest = json!({
            "apiVersion": "trimtab.dev/v1alpha1",
            "kind": "Study",
            "metadata": {"name": study.name_any(), "namespace": study.namespace()},
            "spec": study.spec,
        });
        Self {
            name: study.name_any(),
            namespace: study.namespace(),
            why: condition.map(|c| (c.reason.clone(), c.message.clone())),
            state,
            progress: status.progress,
            unit: unit(study).to_owned(),
            has_fidelity: study.spec.fidelity.is_some(),
            levels: plan.as_ref().map(|plan| plan.levels().to_vec()).unwrap_or_default(),
            seed: status.seed.or(study.spec.seed),
            parallelism: study.spec.parallelism,
            active_seconds: status.active_seconds,
            spent,
            plan: plan.map(|plan| PlanAccount::new(&plan, unit(study), study.spec.seed.is_some()).render()),
            manifest: serde_saphyr::to_string(&without_nulls(manifest)).unwrap_or_default(),
        }
    }
}

/// A value without members that are null: they were not written.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        serde_json::Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
