//! A rung of a synchronous bracket whose unjudged members are judged now.

use std::collections::BTreeSet;

use super::Rung;
use crate::history::Comparison;
use crate::plan::Plan;
use crate::schedulers::fronts::{self, Stand};
use crate::state::{State, Trial};

/// A rung whose unjudged members are judged now.
pub(super) struct Judged<'s> {
    pub(super) rung: &'s Rung,
    pub(super) at: usize,
    pub(super) level: usize,
    pub(super) next: usize,
    pub(super) kept: u32,
}

impl Judged<'_> {
    /// How many more may pass.
    pub(super) fn free(&self) -> usize {
        self.kept.saturating_sub(self.rung.passed) as usize
    }

    /// The members that were not stopped, where they stand by non-domination; `None` where a value tells.
    fn line(&self, plan: &Plan, state: &State<'_>) -> Option<Vec<Stand>> {
        if !plan.ranks_by_fronts() {
            return None;
        }
        let Rung { finite, winners, losers, audited, .. } = self.rung;
        // Who has lost stays a measure for the others, so that their places do not change as one is judged after the other.
        let all = || finite.iter().chain(winners).chain(losers).chain(audited).map(|&(_, number)| number);
        let line = self.rung.line.get_or_init(|| fronts::line(plan, state, self.level, all()));
        let lost: BTreeSet<u32> = losers.iter().map(|&(_, number)| number).collect();
        Some(line.iter().filter(|member| !lost.contains(&member.number)).copied().collect())
    }

    /// Those of the line that were not judged.
    fn unjudged(&self, line: &[Stand]) -> Vec<Stand> {
        let numbers: BTreeSet<u32> = self.rung.finite.iter().map(|&(_, number)| number).collect();
        line.iter().filter(|member| numbers.contains(&member.number)).copied().collect()
    }

    /// Those that were not judged, the best first.
    fn in_order<'j>(&'j self, line: Option<&'j [Stand]>) -> Box<dyn DoubleEndedIterator<Item = u32> + 'j> {
        match line {
            Some(line) => Box::new(self.unjudged(line).into_iter().map(|member| member.number)),
            None => Box::new(self.rung.finite.iter().map(|&(_, number)| number)),
        }
    }

    /// Who is to be stopped first for its rank, and its rank. Whoever is drawn is stopped only where the limits cannot pay for it beside so
    /// many units that others need, so that nobody waits for money that there is not.
    pub(super) fn worst(&self, plan: &Plan, state: &State<'_>, reserve: u64) -> Option<(u32, usize)> {
        let is_audited = |number: u32| {
            let pays =
                |trial: &Trial<'_>| state.can_pay(plan, trial.price(plan, plan.top_level()).1.saturating_add(reserve));
            self.rung.drawn.contains(&number) && state.trial(number).is_some_and(pays)
        };
        let (line, count) = (self.line(plan, state), self.rung.finite.len());
        let mut losers = self.in_order(line.as_deref()).rev().take(count.saturating_sub(self.free())).enumerate();
        let (behind, number) = losers.find(|&(_, number)| !is_audited(number))?;
        let audited = self.audited_before(line.as_deref(), number);
        Some((number, self.rung.passed as usize + count - behind + audited))
    }

    /// How many of those that go on although they were not among the best are better than this one.
    fn audited_before(&self, line: Option<&[Stand]>, number: u32) -> usize {
        let audited = &self.rung.audited;
        if let Some(line) = line {
            let numbers: BTreeSet<u32> = audited.iter().map(|&(_, number)| number).collect();
            return line.iter().take_while(|m| m.number != number).filter(|m| numbers.contains(&m.number)).count();
        }
        let own = self.rung.finite.iter().rfind(|&&(_, other)| other == number);
        own.map_or(0, |&own| audited.range(..own).count())
    }

    /// Those that may pass, the best first, and behind them those that may because they are drawn.
    pub(super) fn passing(&self, plan: &Plan, state: &State<'_>) -> (Vec<u32>, Vec<u32>) {
        let line = self.line(plan, state);
        let mut winners: Vec<u32> = self.in_order(line.as_deref()).collect();
        let drawn = winners.split_off(self.free().min(winners.len()));
        (winners, drawn)
    }

    /// Its place among those that were not stopped, from 1.
    pub(super) fn rank(&self, plan: &Plan, state: &State<'_>, number: u32) -> Option<usize> {
        if let Some(line) = self.line(plan, state) {
            return line.iter().position(|member| member.number == number).map(|at| at + 1);
        }
        let &own = self.rung.finite.iter().find(|&&(_, other)| other == number)?;
        let Rung { finite, winners, audited, .. } = self.rung;
        Some([finite, winners, audited].into_iter().map(|set| set.range(..own).count()).sum::<usize>() + 1)
    }

    pub(super) fn compare(&self, plan: &Plan, state: &State<'_>, number: u32, rank: usize) -> Option<Comparison> {
        let shown = |number: u32| state.trial(number)?.values_at(self.level);
        let own = shown(number)?;
        let (value, cutoff) = if let Some(line) = self.line(plan, state) {
            let waiting = self.unjudged(&line).into_iter().skip(self.free()).map(|member| member.number);
            let behind: BTreeSet<u32> = waiting.chain(self.rung.audited.iter().map(|&(_, number)| number)).collect();
            let last = line.iter().rfind(|member| !behind.contains(&member.number)).map(|member| member.front);
            let mine = line.iter().find(|member| member.number == number).map(|member| member.front);
            (mine.unwrap_or_else(|| plan.leading_value(own)), last)
        } else {
            let waiting = self.free().min(self.rung.finite.len());
            let last_waiting = waiting.checked_sub(1).and_then(|at| self.rung.finite.iter().nth(at));
            let last = last_waiting.max(self.rung.winners.last());
            let cutoff = last.and_then(|&(_, number)| shown(number)).map(|shown| plan.leading_value(shown));
            (plan.leading_value(own), cutoff)
        };
        Some(Comparison {
            level: self.level,
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            kept: self.kept,
            of: self.rung.members,
            value,
            cutoff: cutoff.unwrap_or(f64::NAN),
            violation: plan.violation(own),
        })
    }
}
