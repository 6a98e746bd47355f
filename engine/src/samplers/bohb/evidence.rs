//! What BOHB's model is made from: points at one level, split into good and bad ones.

use std::collections::BTreeMap;

use super::density::Kind;
use crate::history::Outcome;
use crate::plan::Plan;
use crate::random::Stream;
use crate::space::Domain;
use crate::state::State;

/// Of a hundred configurations, how many are good.
const GOOD_PERCENT: usize = 15;

/// Good and bad points, each with a coordinate for every parameter.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) kinds: Vec<Kind>,
    pub(super) good: Vec<Vec<f64>>,
    pub(super) bad: Vec<Vec<f64>>,
}

impl Evidence {
    /// The evidence at the largest level that has enough: more good points and more bad points than parameters. The good
    /// ones all have a finite value; whatever failed, or was NaN, is worse than every number.
    pub(super) fn new(plan: &Plan, state: &State<'_>, stream: &mut Stream) -> Option<Self> {
        let kinds: Vec<Kind> = plan.spec().space.parameters.iter().map(|p| Kind::of(&p.domain)).collect();
        let fewest = kinds.len() + 1;
        let mut levels: BTreeMap<usize, Vec<(u64, u32)>> = BTreeMap::new();
        for (place, trial) in state.evidence().filter(|(_, trial)| !trial.is_hole()) {
            for shown in trial.evidence(plan) {
                let order = plan.standing(shown).unwrap_or(u64::MAX);
                levels.entry(shown.level).or_default().push((order, place));
            }
            let level = trial.evidence_level(plan);
            if trial.ended == Some(Outcome::Failed) && trial.values_at(level).is_none() {
                levels.entry(level).or_default().push((u64::MAX, place));
            }
        }
        let is_enough = |points: &Vec<(u64, u32)>| {
            let finite = points.iter().filter(|(order, _)| *order < u64::MAX).count();
            finite >= fewest && points.len() >= 2 * fewest
        };
        let mut points = levels.into_values().rev().find(is_enough)?;
        points.sort_unstable();
        let (count, finite) = (points.len(), points.partition_point(|(order, _)| *order < u64::MAX));
        let good = (count * GOOD_PERCENT / 100).max(fewest).min(finite);
        let bad = (count * (100 - GOOD_PERCENT) / 100).max(fewest).min(count - good);
        let mut rows: Vec<Vec<Option<f64>>> = points.iter().map(|&(_, place)| row(plan, state, place)).collect();
        rows.truncate(good + bad);
        let rows = complete(&kinds, rows, good, stream);
        let (good, bad) = rows.split_at(good.min(rows.len()));
        Some(Self { kinds, good: good.to_vec(), bad: bad.to_vec() })
    }
}

/// A trial's coordinates; none for parameters that it does not have.
fn row(plan: &Plan, state: &State<'_>, place: u32) -> Vec<Option<f64>> {
    let assignment = state.at_place(place).and_then(|trial| trial.parameters.as_deref());
    let coordinate = |parameter: &crate::Parameter| {
        let value = assignment?.get(&parameter.name)?;
        match &parameter.domain {
            #[expect(clippy::cast_precision_loss, reason = "there are few choices")]
            Domain::Categorical { .. } => parameter.domain.index_of(value).map(|index| index as f64),
            _ => parameter.domain.to_unit(value),
        }
    };
    plan.spec().space.parameters.iter().map(coordinate).collect()
}

/// Fills in parameters that a point does not have: from a good point that has them, drawn at random, or else uniformly. So
/// they tell the good from the bad neither way.
fn complete(kinds: &[Kind], rows: Vec<Vec<Option<f64>>>, good: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
    let column =
        |at: usize| -> Vec<f64> { rows.iter().take(good).filter_map(|row| row.get(at).copied().flatten()).collect() };
    let donors: Vec<Vec<f64>> = (0..kinds.len()).map(column).collect();
    let mut fill = |at: usize, kind: &Kind| {
        let donors = donors.get(at).map_or(&[][..], Vec::as_slice);
        let drawn = usize::try_from(stream.below(donors.len() as u64)).unwrap_or(0);
        donors.get(drawn).copied().unwrap_or_else(|| kind.uniform(stream))
    };
    rows.iter()
        .map(|row| {
            row.iter().zip(kinds).enumerate().map(|(at, (x, kind))| x.unwrap_or_else(|| fill(at, kind))).collect()
        })
        .collect()
}
