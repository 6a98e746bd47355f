//! How much each parameter matters, by the trials on record.

use serde::Serialize;
use trimtab_api::{Study, validate};
use trimtab_engine::Assignment;
use trimtab_engine::importance::importance;

use super::trials::{Row, oriented};
use crate::record::Record;

/// The shares of an objective.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportanceAccount {
    pub(crate) metric: String,
    /// The level at which values were compared: the highest that at least half of the trials with values reached.
    pub(crate) level: u32,
    /// How many trials have a value there.
    pub(crate) trials: usize,
    /// How many of them are the best, from which the others are told.
    pub(crate) best: usize,
    /// A share for each parameter, in the order of the Study; together 1, or all 0.
    pub(crate) shares: Vec<Share>,
}

/// A parameter's share.
#[derive(Debug, Serialize)]
pub(crate) struct Share {
    pub(crate) parameter: String,
    pub(crate) share: f64,
}

/// The shares of each objective; `None` where too few trials have a value, or the Study is not valid.
pub(crate) fn importances(record: &Record) -> Vec<Option<ImportanceAccount>> {
    let study = &record.study;
    let rows: Vec<Row> = record.trials.iter().map(|trial| Row::new(study, trial, String::new())).collect();
    of_rows(record, &rows)
}

/// The same, from rows that are there already.
pub(super) fn of_rows(record: &Record, rows: &[Row]) -> Vec<Option<ImportanceAccount>> {
    let study = &record.study;
    let space = validate(study).ok().map(|plan| plan.spec().space.clone());
    let read = |texts: &[trimtab_api::study::ParameterValue]| {
        let texts = texts.iter().map(|p| (p.name.as_str(), p.value.as_str()));
        Assignment::from_texts(space.as_ref()?, texts).ok()
    };
    let assignments: Vec<Option<Assignment>> = record.trials.iter().map(|trial| read(&trial.spec.parameters)).collect();
    (0..study.spec.objectives.len())
        .map(|objective| {
            let space = space.as_ref()?;
            let level = level(rows, objective)?;
            let of = study.spec.objectives.get(objective)?;
            let value = |row: &Row| row.at(level, objective).filter(|_| row.eligible).map(|value| oriented(of, value));
            let evidence: Vec<(&Assignment, f64)> = rows
                .iter()
                .zip(&assignments)
                .filter_map(|(row, assignment)| Some((assignment.as_ref()?, value(row)?)))
                .collect();
            let found = importance(space, &evidence)?;
            let named = space.parameters.iter().zip(found.shares);
            let shares = named.map(|(p, share)| Share { parameter: p.name.clone(), share }).collect();
            let (trials, best) = (found.trials, found.best);
            Some(ImportanceAccount { metric: metric(study, objective), level, trials, best, shares })
        })
        .collect()
}

fn metric(study: &Study, objective: usize) -> String {
    study.spec.objectives.get(objective).map(|o| o.metric.clone()).unwrap_or_default()
}

/// The highest level that at least half of the trials with a value reached: higher up only those are left that did well
/// below, and lower down values say less.
fn level(rows: &[Row], objective: usize) -> Option<u32> {
    let mut reached = std::collections::BTreeMap::<u32, usize>::new();
    let mut trials = 0;
    for row in rows.iter().filter(|row| row.eligible && row.newest(objective).is_some()) {
        trials += 1;
        for (level, _) in row.values.iter().filter(|(_, values)| values.get(objective).is_some_and(Option::is_some)) {
            *reached.entry(*level).or_default() += 1;
        }
    }
    let half = |&(_, &count): &(&u32, &usize)| count * 2 >= trials;
    let most = reached.values().max().copied();
    // Where each level has few, as with levels that are runs of their own, the one with most is taken.
    let found = reached.iter().rev().find(half).or_else(|| reached.iter().rev().find(|&(_, &n)| Some(n) == most));
    found.map(|(level, _)| *level)
}
