//! A part of the evidence, so that a model stays small.

use super::evidence::Known;
use crate::number::sortable;
use crate::random::{Purpose, Stream};

/// At most so many trials, by place: a third of them the best, a third the newest, and others drawn by chance. Who is
/// drawn belongs to the seed and the trial, so that few change when the evidence grows.
pub(in crate::samplers) fn subset<'k>(known: &[&'k Known], most: usize, seed: u64) -> Vec<&'k Known> {
    if known.len() <= most {
        return known.to_vec();
    }
    let key = |known: &Known| (known.value.map_or(u64::MAX, sortable), known.place);
    let mut by_value = known.to_vec();
    by_value.sort_unstable_by_key(|known| key(known));
    let (best, rest) = by_value.split_at(most / 3);
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
                value: (place % 7 != 0).then(|| f64::from(place * 7919 % 1_009)),
            })
            .collect();
        let list: Vec<&Known> = all.iter().collect();
        let chosen = subset(&list, 90, 1);
        assert_eq!(chosen.len(), 90);
        assert!(chosen.windows(2).all(|pair| pair[0].place < pair[1].place));
        let mut values: Vec<f64> = all.iter().filter_map(|known| known.value).collect();
        values.sort_by(f64::total_cmp);
        let has = |value: f64| chosen.iter().any(|known| known.value == Some(value));
        assert!(values[..30].iter().all(|&value| has(value)));
        assert!(chosen.iter().filter(|known| known.place >= 960).count() >= 30);
        let before = subset(&list[..999], 90, 1);
        let same = before.iter().filter(|known| chosen.iter().any(|other| other.place == known.place)).count();
        assert!(same >= 87, "{same}");
        assert_eq!(subset(&list[..90], 90, 1), list[..90]);
    }
}
