//! A generation that is judged now: who loses, who goes on, and the numbers that say why.

use std::collections::BTreeSet;

use super::{Entry, Generation, rival, share};
use crate::history::Comparison;
use crate::plan::{Exploit, Plan};
use crate::state::State;

/// A generation whose unjudged members are judged now.
pub(super) struct Judged<'g> {
    generation: &'g Generation,
    pub(super) level: usize,
    exploit: Exploit,
    /// All that lose, stopped ones included, the worst first.
    losers: Vec<u32>,
    /// In a tournament whom each member has met, by the order of the members in `ranked`.
    met: Vec<Option<Entry>>,
}

impl<'g> Judged<'g> {
    /// `donors` are those of the generation that may be copied, and `room` is how many copies may come at most.
    pub(super) fn new(
        plan: &Plan,
        exploit: Exploit,
        generation: &'g Generation,
        (level, donors): (usize, &[Entry]),
        room: usize,
    ) -> Self {
        let ranked = &generation.ranked;
        // Who has no value here, and who is gone, makes room for a copy first.
        let empty = generation.members.len().saturating_sub(ranked.len());
        let (gone, mut left) = (&generation.gone, room.saturating_sub(empty + generation.gone.len()));
        let mut has_room = |number: &u32| {
            let is_taken = !gone.contains(number) && left == 0;
            left = left.saturating_sub(usize::from(!gone.contains(number)));
            !is_taken
        };
        let (mut met, mut losers) = (Vec::new(), Vec::new());
        match exploit {
            _ if donors.is_empty() => {}
            Exploit::Truncation { percent } => {
                let worst = share(generation.members.len(), percent).saturating_sub(empty);
                losers = ranked.iter().rev().take(worst).map(|&(_, number)| number).take_while(&mut has_room).collect();
            }
            Exploit::Tournament => {
                met = ranked.iter().map(|own| rival(plan, donors, level, *own)).collect();
                let has_lost = |(own, met): &(&Entry, &Option<Entry>)| met.is_some_and(|(other, _)| other < own.0);
                let lost = ranked.iter().zip(&met).rev().filter(has_lost).map(|((_, number), _)| *number);
                losers = lost.take_while(&mut has_room).collect();
            }
        }
        Self { generation, level, exploit, losers, met }
    }

    /// The first to be stopped for its value.
    pub(super) fn broken(&self) -> Option<u32> {
        self.generation.broken.first().copied()
    }

    /// The worst of those that lose and were not stopped yet.
    pub(super) fn loser(&self) -> Option<u32> {
        let open: BTreeSet<u32> = self.generation.open.iter().map(|&(_, number)| number).collect();
        self.losers.iter().copied().find(|number| open.contains(number))
    }

    /// Those that go on and have not yet, the best first.
    pub(super) fn winners(&self) -> impl Iterator<Item = u32> {
        let losers: BTreeSet<u32> = self.losers.iter().copied().collect();
        self.generation.open.iter().map(|&(_, number)| number).filter(move |number| !losers.contains(number))
    }

    /// What is told of a member: by truncation its place in the generation, and in a tournament whom it met. Who has no number has
    /// the place after all that have.
    pub(super) fn compare(&self, plan: &Plan, state: &State<'_>, number: u32) -> Option<Comparison> {
        let Generation { members, ranked, .. } = self.generation;
        let passing = ranked.len().saturating_sub(self.losers.len());
        let shown = |number: u32| state.trial(number)?.values_at(self.level);
        let value = |(_, number): &Entry| shown(*number).map(|shown| plan.leading_value(shown));
        let own = shown(number)?;
        let place = ranked.iter().position(|(_, other)| *other == number);
        let (rank, kept, of, cutoff) = match (self.exploit, place) {
            (Exploit::Tournament, Some(place)) => {
                let met = self.met.get(place).copied().flatten();
                let is_beaten = ranked.iter().nth(place).zip(met).is_some_and(|(own, met)| met.0 < own.0);
                match met {
                    // There is no room for a copy of who beat it.
                    Some(_) if is_beaten && !self.losers.contains(&number) => (2, 2, 2, Some(plan.leading_value(own))),
                    Some(met) => (1 + usize::from(is_beaten), 1, 2, value(&met)),
                    None => (1, 1, 1, Some(plan.leading_value(own))),
                }
            }
            (Exploit::Truncation { .. } | Exploit::Tournament, place) => {
                let last = passing.checked_sub(1).and_then(|last| ranked.iter().nth(last));
                (place.unwrap_or(ranked.len()) + 1, passing, members.len(), last.and_then(value))
            }
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Some(Comparison {
            level: self.level,
            rank: count(rank),
            kept: count(kept),
            of: count(of),
            value: plan.leading_value(own),
            cutoff: cutoff.unwrap_or(f64::NAN),
            violation: plan.violation(own),
        })
    }
}
