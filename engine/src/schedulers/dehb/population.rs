//! The subpopulation of a level: places, each held by the best of those that competed for it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Where a trial stands at the level, smaller is better, and its number. Of equals the later one wins, as differential evolution
/// has it: what is no worse replaces what it was bred from, so that a plateau can be crossed.
pub(super) type Entry = (u64, Reverse<u32>);

/// A subpopulation. Who holds a place is a function of who competed for it, and not of the order in which that became known.
#[derive(Clone, Debug, Default)]
pub(super) struct Population {
    places: Vec<BTreeSet<Entry>>,
    /// How many places were given out so far: they are taken in turn.
    turns: u64,
}

impl Population {
    pub(super) fn new(size: u32) -> Self {
        Self { places: vec![BTreeSet::new(); size.max(1) as usize], turns: 0 }
    }

    /// The place whose turn it is.
    pub(super) fn next(&self) -> usize {
        usize::try_from(self.turns % self.places.len().max(1) as u64).unwrap_or(0)
    }

    /// Gives out the place whose turn it is.
    pub(super) fn take(&mut self) -> usize {
        let place = self.next();
        self.turns += 1;
        place
    }

    pub(super) fn enter(&mut self, place: usize, entry: Entry) {
        self.places.get_mut(place).map(|place| place.insert(entry));
    }

    pub(super) fn leave(&mut self, place: usize, entry: Entry) {
        self.places.get_mut(place).map(|place| place.remove(&entry));
    }

    /// Who holds a place.
    pub(super) fn holder(&self, place: usize) -> Option<u32> {
        self.places.get(place)?.first().map(|(_, Reverse(number))| *number)
    }

    /// The holders of all places, the best first.
    pub(super) fn holders(&self) -> Vec<u32> {
        let mut holders: Vec<Entry> = self.places.iter().filter_map(|place| place.first().copied()).collect();
        holders.sort_unstable();
        holders.into_iter().map(|(_, Reverse(number))| number).collect()
    }

    /// The best of those that competed for a place besides this trial.
    pub(super) fn rival(&self, place: usize, number: u32) -> Option<u32> {
        let others = self.places.get(place)?.iter().map(|(_, Reverse(other))| *other);
        others.into_iter().find(|&other| other != number)
    }

    /// From 1 for the best, and among how many; for what has no value the last.
    pub(super) fn rank(&self, place: usize, entry: Option<Entry>) -> (usize, usize) {
        let all = self.places.get(place).map_or(0, BTreeSet::len);
        match (entry, self.places.get(place)) {
            (Some(entry), Some(place)) => (place.range(..entry).count() + 1, all),
            _ => (all + 1, all + 1),
        }
    }
}
