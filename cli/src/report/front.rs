//! The Pareto front: trials that no other betters in one objective without being worse in another.

use trimtab_api::Study;

use super::trials::{Row, oriented};

/// The numbers of the trials on the front, by the first objective. They are compared at the highest level that any trial has
/// all values at. Equal trials are all on it. Empty with less than two objectives.
pub(super) fn front(study: &Study, rows: &[Row]) -> Vec<u32> {
    let objectives = &study.spec.objectives;
    if objectives.len() < 2 {
        return Vec::new();
    }
    let values = |row: &Row, level: u32| -> Option<Vec<f64>> {
        let oriented = |(at, objective)| row.at(level, at).map(|value| oriented(objective, value));
        objectives.iter().enumerate().map(oriented).collect()
    };
    let levels = |row: &Row| row.values.iter().map(|(level, _)| *level).collect::<Vec<_>>();
    let eligible: Vec<&Row> = rows.iter().filter(|row| row.eligible).collect();
    let has_all = |&(row, level): &(&Row, u32)| values(row, level).is_some();
    let reached = eligible.iter().flat_map(|row| levels(row).into_iter().map(|level| (*row, level)));
    let Some(top) = reached.filter(has_all).map(|(_, level)| level).max() else { return Vec::new() };
    let mut front: Vec<(Vec<f64>, u32)> = Vec::new();
    for row in eligible {
        let Some(own) = values(row, top) else { continue };
        if front.iter().any(|(other, _)| dominates(other, &own)) {
            continue;
        }
        front.retain(|(other, _)| !dominates(&own, other));
        front.push((own, row.number));
    }
    front
        .sort_by(|a, b| a.0.iter().zip(&b.0).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(a.1.cmp(&b.1)));
    front.into_iter().map(|(_, number)| number).collect()
}

/// Whether one is nowhere worse and somewhere better than another.
fn dominates(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(a, b)| a <= b) && one.iter().zip(other).any(|(a, b)| a < b)
}
