//! A part of the evidence, so that a model stays small.

use super::evidence::Known;
use crate::number::sortable;
use crate::pareto::{Point, order};
use crate::random::{Purpose, Stream};

/// The trials with the best so many first, by value and then by place; of several objectives by fronts, and on a front so that the
/// first few are spread over it. The others follow, those that failed among them.
pub(in crate::samplers) fn best_first<'k>(known: &[&'k Known], objectives: usize, count: usize) -> Vec<&'k Known> {
    let mut standings: Vec<(u64, &Known)> = if objectives > 1 {
        let usable = || known.iter().filter(|known| known.vector.is_some());
        let points: Vec<Point> =
            usable().filter_map(|known| Some(Point { vector: known.vector?, violation: 0.0 })).collect();
        let mut standings = vec![u64::MAX; points.len()];
        for (standing, at) in (0..).zip(order(&points, objectives, count)) {
            if let Some(own) = standings.get_mut(at) {
                *own = standing;
            }
        }
        let failed = known.iter().filter(|known| known.vector.is_none()).map(|known| (u64::MAX, *known));
        standings.into_iter().zip(usable().copied()).chain(failed).collect()
    } else {
        known.iter().map(|known| (known.value(0).map_or(u64::MAX, sortable), *known)).collect()
    };
    standings.sort_unstable_by_key(|(standing, known)| (*standing, known.place));
    standings.into_iter().map(|(_, known)| known).collect()
}

/// At most so many trials, by place: a third of them the best, a third the newest, and others drawn by chance. Who is
/// drawn belongs to the seed and the trial, so that few change when the evidence grows.
pub(in crate::samplers) fn subset<'k>(
    known: &[&'k Known],
    objectives: usize,
    most: usize,
    seed: u64,
) -> Vec<&'k Known> {
    if known.len() <= most {
        return known.to_vec();
    }
    let sorted = best_first(known, objectives, most / 3);
    let (best, rest) = sorted.split_at(most / 3);
    let mut by_age = rest.to_vec();
    by_age.sort_unstable_by_key(|known| std::cmp::Reverse(known.place));
    let (young, rest) = by_age.split_at(most / 3);
    let lot = |known: &Known| Stream::new(seed, Purpose::Subset, u64::from(known.place)).bits();
    let mut by_lot: Vec<(u64, &Known)> = rest.iter().map(|known| (lot(known), *known)).collect();
    by_lot.sort_unstable_by_key(|&(lot, known)| (lot, known.place));
    let drawn = by_lot.iter().take(most - 2 * (most / 3)).map(|&(_, known)| known);
    let mut chosen: Vec<&Known> = best.iter().chain(young).copied().chain(drawn).collect();
    chosen.sort_unstable_by_key(|known| known.place);
    chosen
}

/// The last so many of a list.
pub(in crate::samplers) fn newest<T>(list: &[T], most: usize) -> &[T] {
    list.get(list.len().saturating_sub(most)..).unwrap_or(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subset_has_the_best_and_the_newest_and_changes_little() {
        let all: Vec<Known> = (0..1_000)
            .map(|place| Known {
                place,
                point: Vec::new(),
                vector: (place % 7 != 0).then(|| [f64::from(place * 7919 % 1_009), 0.0, 0.0, 0.0]),
            })
            .collect();
        let list: Vec<&Known> = all.iter().collect();
        let chosen = subset(&list, 1, 90, 1);
        assert_eq!(chosen.len(), 90);
        assert!(chosen.windows(2).all(|pair| pair[0].place < pair[1].place));
        let mut values: Vec<f64> = all.iter().filter_map(|known| known.value(0)).collect();
        values.sort_by(f64::total_cmp);
        let has = |value: f64| chosen.iter().any(|known| known.value(0) == Some(value));
        assert!(values[..30].iter().all(|&value| has(value)));
        assert!(chosen.iter().filter(|known| known.place >= 960).count() >= 30);
        let before = subset(&list[..999], 1, 90, 1);
        let same = before.iter().filter(|known| chosen.iter().any(|other| other.place == known.place)).count();
        assert!(same >= 87, "{same}");
        assert_eq!(subset(&list[..90], 1, 90, 1), list[..90]);
    }

    #[test]
    fn of_several_objectives_the_front_is_best_and_failures_are_last() {
        let known = |place: u32, vector: Option<[f64; 2]>| Known {
            place,
            point: Vec::new(),
            vector: vector.map(|[a, b]| [a, b, 0.0, 0.0]),
        };
        let vectors = [None, Some([3.0, 3.0]), Some([1.0, 2.0]), Some([9.0, 9.0]), Some([2.0, 1.0]), Some([4.0, 4.0])];
        let all: Vec<Known> = (0..).zip(vectors).map(|(place, vector)| known(place, vector)).collect();
        let list: Vec<&Known> = all.iter().collect();
        let places = |count| best_first(&list, 2, count).iter().map(|known| known.place).collect::<Vec<_>>();
        assert_eq!(places(6), [2, 4, 1, 5, 3, 0]);
        assert_eq!(places(1)[..2], [2, 4]);
    }
}
