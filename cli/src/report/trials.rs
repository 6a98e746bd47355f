//! The trials as charts draw them, and which of many are drawn.

use serde::Serialize;
use trimtab_api::study::{Goal, Objective, Parameter};
use trimtab_api::{Study, Trial};
use trimtab_engine::number;

use crate::account::reduced;

/// At most so many trials are drawn.
pub(super) const DRAWN: usize = 2_000;

/// So many of the drawn ones are the best; the rest are spread evenly over all others.
const BEST: usize = 500;

/// A trial.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) state: String,
    pub(super) bracket: u32,
    /// Levels, rising, with the objectives' values there; what is not finite or not there is null.
    pub(super) values: Vec<(u32, Vec<Option<f64>>)>,
    /// A value for each parameter of the space: a number, a name, or null where the trial does not have it.
    pub(super) parameters: Vec<Cell>,
    pub(super) spent: u64,
    /// Seconds that its runs took.
    pub(super) seconds: u64,
    /// Whether its values count: it neither failed nor was lost.
    pub(super) eligible: bool,
}

/// A parameter's value.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Cell {
    Number(f64),
    Name(String),
    Absent,
}

impl Row {
    /// A trial in the words of its study.
    pub(super) fn new(study: &Study, trial: &Trial, state: String) -> Self {
        let status = trial.status.as_ref();
        let mut values: Vec<_> = status
            .iter()
            .flat_map(|status| &status.values)
            .map(|at| {
                let value = |objective: &Objective| {
                    let text = at.metrics.iter().find(|m| m.name == objective.metric)?;
                    number::parse(reduced(study, objective, text)).filter(|value| value.is_finite())
                };
                (at.level, study.spec.objectives.iter().map(value).collect::<Vec<_>>())
            })
            .collect();
        values.sort_by_key(|(level, _)| *level);
        let cell = |parameter: &Parameter| {
            let Some(given) = trial.spec.parameters.iter().find(|p| p.name == parameter.name) else {
                return Cell::Absent;
            };
            match number::parse(&given.value).filter(|x| x.is_finite() && parameter.categorical.is_none()) {
                Some(x) => Cell::Number(x),
                None => Cell::Name(given.value.clone()),
            }
        };
        let has_failed = status.and_then(|s| s.outcome.as_ref()).is_some_and(|outcome| {
            matches!(outcome.kind, trimtab_api::trial::OutcomeKind::Failed | trimtab_api::trial::OutcomeKind::Lost)
        });
        Self {
            number: trial.spec.number,
            state,
            bracket: trial.spec.bracket,
            values,
            parameters: study.spec.parameters.iter().map(cell).collect(),
            spent: status.map_or(0, |s| s.spent_fidelity),
            seconds: status.map_or(0, |s| s.run_seconds),
            eligible: !has_failed,
        }
    }

    /// The value of an objective at a level.
    pub(super) fn at(&self, level: u32, objective: usize) -> Option<f64> {
        let (_, values) = self.values.iter().find(|(at, _)| *at == level)?;
        *values.get(objective)?
    }

    /// The highest level at which an objective has a value, and the value.
    pub(super) fn newest(&self, objective: usize) -> Option<(u32, f64)> {
        self.values.iter().rev().find_map(|(level, values)| Some((*level, (*values.get(objective)?)?)))
    }
}

/// A value so that smaller is better.
pub(super) fn oriented(objective: &Objective, value: f64) -> f64 {
    match objective.goal {
        Goal::Minimize => value,
        Goal::Maximize => -value,
    }
}

/// The places of the trials that can be best, the best first: by the highest level, then by the value of an objective there, then
/// by their number.
pub(super) fn ranked(study: &Study, rows: &[Row], objective: usize) -> Vec<usize> {
    let Some(of) = study.spec.objectives.get(objective) else { return Vec::new() };
    let mut standing: Vec<(u32, f64, u32, usize)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.eligible)
        .filter_map(|(at, row)| {
            row.newest(objective).map(|(level, value)| (level, oriented(of, value), row.number, at))
        })
        .collect();
    standing.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
    standing.into_iter().map(|(.., at)| at).collect()
}

/// Which of many are shown: the first of a ranking, and others spread evenly over all the rest, so many altogether. The
/// places come in rising order.
pub(super) fn thinned(count: usize, ranking: &[usize], first: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let mut is_kept = vec![false; count];
    for &at in ranking.iter().take(first.min(most)) {
        is_kept[at] = true;
    }
    let rest: Vec<usize> = (0..count).filter(|&at| !is_kept[at]).collect();
    let wanted = most - (count - rest.len());
    for i in 0..wanted {
        is_kept[rest[i * rest.len() / wanted]] = true;
    }
    (0..count).filter(|&at| is_kept[at]).collect()
}

/// The places of the trials that are drawn: for each objective some of the best.
pub(super) fn drawn(study: &Study, rows: &[Row], rankings: &[Vec<usize>]) -> Vec<usize> {
    let each = BEST / study.spec.objectives.len().max(1);
    let best: Vec<usize> = rankings.iter().flat_map(|ranking| ranking.iter().take(each)).copied().collect();
    thinned(rows.len(), &best, best.len(), DRAWN)
}
