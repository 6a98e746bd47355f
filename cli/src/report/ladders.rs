//! Rungs: who came to them, ranks from rung to rung, and how far ranks agree.

use serde::Serialize;
use trimtab_api::Study;
use trimtab_engine::safety::{SAFE, safety_of};
use trimtab_engine::state::State;
use trimtab_engine::{Plan, Safety};

use super::trials::{Row, oriented, thinned};
use crate::account::BracketAccount;
use crate::account::ladder::shape;

/// At most so many brackets have their ranks drawn: the first.
const BRACKETS: usize = 12;

/// At most so many trials of a bracket are drawn.
const LINES: usize = 81;

/// So many of them are those that came furthest.
const FURTHEST: usize = 40;

/// All that is said of ladders.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ladders {
    /// Each shape of a bracket, its brackets added up.
    shapes: Vec<Shape>,
    /// How many brackets there are.
    total: usize,
    brackets: Vec<Bracket>,
    /// How far ranks at a rung agree with ranks further up.
    agreement: Vec<Agreement>,
    /// From this correlation on a rung is called safe.
    safe_from: f64,
}

#[derive(Debug, Serialize)]
struct Shape {
    brackets: usize,
    rungs: Vec<Rung>,
}

#[derive(Debug, Default, Serialize)]
struct Rung {
    level: u32,
    members: u32,
    passed: u32,
    audited: u32,
    stopped: u32,
    failed: u32,
    top: bool,
}

#[derive(Debug, Serialize)]
struct Bracket {
    number: u32,
    levels: Vec<u32>,
    /// How many have a value at each rung.
    of: Vec<usize>,
    /// How many trials it has.
    total: usize,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    trial: u32,
    state: String,
    /// Its rank at each rung that it has a value at, from 1 for the best; ties have the same.
    ranks: Vec<Option<usize>>,
}

#[derive(Debug, Serialize)]
struct Agreement {
    from: u32,
    to: u32,
    pairs: usize,
    estimate: f64,
    low: f64,
    high: f64,
}

impl Ladders {
    /// The ladders of a study; `None` without any.
    pub(super) fn new(study: &Study, plan: &Plan, state: &State<'_>, rows: &[Row]) -> Option<Self> {
        let shapes = plan.brackets();
        if shapes.is_empty() {
            return None;
        }
        let mut members: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            members.entry(row.bracket).or_default().push(at);
        }
        let empty = |rungs: &[trimtab_engine::brackets::RungPlan]| -> Vec<Rung> {
            let rung = |rung: &trimtab_engine::brackets::RungPlan| plan.fidelity(rung.level);
            rungs.iter().map(|planned| Rung { level: rung(planned), ..Rung::default() }).collect()
        };
        let mut summed: Vec<Shape> =
            shapes.iter().map(|shape| Shape { brackets: 0, rungs: empty(&shape.rungs) }).collect();
        let accounts = BracketAccount::all(plan, state);
        for (number, account) in accounts.into_iter().filter(|(number, _)| members.contains_key(number)) {
            let Some(sum) = summed.get_mut(number as usize % shapes.len()) else { continue };
            sum.brackets += 1;
            for (sum, rung) in sum.rungs.iter_mut().zip(&account.rungs) {
                sum.members += rung.members;
                sum.passed += rung.passed;
                sum.audited += rung.audited;
                sum.stopped += rung.stopped;
                sum.failed += rung.failed;
                sum.top = rung.is_top;
            }
        }
        summed.retain(|shape| shape.brackets > 0);
        let drawn = members.iter().take(BRACKETS);
        let brackets =
            drawn.filter_map(|(&number, members)| Bracket::new(study, plan, rows, number, members)).collect();
        let agreement = match safety_of(plan, state) {
            Safety::Known(rungs) => rungs,
            Safety::NothingStops | Safety::Unknown { .. } => Vec::new(),
        };
        let agreement = agreement.iter().map(|rung| Agreement {
            from: plan.fidelity(rung.from),
            to: plan.fidelity(rung.to),
            pairs: rung.pairs,
            estimate: rung.estimate,
            low: rung.low,
            high: rung.high,
        });
        let agreement = agreement.collect();
        Some(Self { shapes: summed, total: members.len(), brackets, agreement, safe_from: SAFE })
    }
}

impl Bracket {
    fn new(study: &Study, plan: &Plan, rows: &[Row], number: u32, members: &[usize]) -> Option<Self> {
        let objective = study.spec.objectives.first()?;
        let levels: Vec<u32> = shape(plan, number)?.iter().map(|rung| plan.fidelity(rung.level)).collect();
        let value = |at: usize, level: u32| rows[at].at(level, 0).map(|value| oriented(objective, value));
        let sorted: Vec<Vec<f64>> = levels
            .iter()
            .map(|&level| {
                let mut values: Vec<f64> = members.iter().filter_map(|&at| value(at, level)).collect();
                values.sort_by(f64::total_cmp);
                values
            })
            .collect();
        let ranks = |at: usize| -> Vec<Option<usize>> {
            let rank = |(level, sorted): (&u32, &Vec<f64>)| {
                value(at, *level).map(|own| sorted.partition_point(|other| *other < own) + 1)
            };
            levels.iter().zip(&sorted).map(rank).collect()
        };
        let lines: Vec<Line> = members
            .iter()
            .map(|&at| Line { trial: rows[at].number, state: rows[at].state.clone(), ranks: ranks(at) })
            .filter(|line| line.ranks.iter().any(Option::is_some))
            .collect();
        let mut furthest: Vec<usize> = (0..lines.len()).collect();
        let came = |line: &Line| line.ranks.iter().enumerate().rev().find_map(|(rung, rank)| Some((rung, (*rank)?)));
        furthest.sort_by_key(|&i| came(&lines[i]).map(|(rung, rank)| (std::cmp::Reverse(rung), rank)));
        let kept = thinned(lines.len(), &furthest, FURTHEST, LINES);
        let total = lines.len();
        let mut kept = kept.into_iter().peekable();
        let is_kept = |i: usize| kept.next_if_eq(&i).is_some();
        let lines = keep(lines, is_kept);
        Some(Self { number, levels, of: sorted.iter().map(Vec::len).collect(), total, lines })
    }
}

/// The elements at the places that are to be kept.
fn keep<T>(all: Vec<T>, mut is_kept: impl FnMut(usize) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter_map(|(at, one)| is_kept(at).then_some(one)).collect()
}
