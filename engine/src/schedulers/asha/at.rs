//! A rung of an asynchronous ladder that judges: who is the worst of it, who is among the best, and who is drawn.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::{Entry, Rung};
use crate::plan::Plan;
use crate::schedulers::fronts::{self, Stand};
use crate::state::State;

/// A rung that judges.
pub(super) struct At<'s> {
    pub(super) bracket: usize,
    pub(super) position: usize,
    pub(super) rung: &'s Rung,
    pub(super) level: usize,
    pub(super) next: usize,
    /// Where they stand by non-domination, once it was asked.
    pub(super) line: OnceCell<Vec<Stand>>,
}

impl At<'_> {
    /// All with a value, where they stand by non-domination; `None` where a value tells.
    pub(super) fn line(&self, plan: &Plan, state: &State<'_>) -> Option<&[Stand]> {
        let all = || self.rung.top.iter().chain(&self.rung.rest).map(|&(_, number)| number);
        let line = || self.line.get_or_init(|| fronts::line(plan, state, self.level, all()));
        plan.ranks_by_fronts().then(|| line().as_slice())
    }

    /// Of the line, who was not let past or stopped: its place from 0, and its entry.
    fn open(&self, line: &[Stand]) -> Vec<(usize, Entry)> {
        let entries: BTreeMap<u32, Entry> = self.rung.open.iter().map(|&entry| (entry.1, entry)).collect();
        line.iter().enumerate().filter_map(|(at, member)| Some((at, *entries.get(&member.number)?))).collect()
    }

    /// The worst of those that were not let past or stopped, if it is not among the best.
    pub(super) fn worst(&self, plan: &Plan, state: &State<'_>) -> Option<Entry> {
        // Without anybody to judge, nobody has to know where the others stand.
        self.rung.open.first()?;
        if let Some(line) = self.line(plan, state) {
            let (place, entry) = self.open(line).into_iter().rfind(|(_, entry)| !self.rung.drawn.contains(entry))?;
            return (place >= self.rung.top.len()).then_some(entry);
        }
        let stoppable = self.rung.open.iter().rfind(|entry| !self.rung.drawn.contains(entry));
        stoppable.filter(|last| !self.rung.top.contains(last)).copied()
    }

    /// Those that were not let past or stopped and are not among the best, if they are not to be stopped for that.
    pub(super) fn drawn(&self, plan: &Plan, state: &State<'_>) -> Vec<u32> {
        let Rung { drawn, top, .. } = self.rung;
        if drawn.is_empty() {
            return Vec::new();
        }
        if let Some(line) = self.line(plan, state) {
            let behind =
                self.open(line).into_iter().filter(|(place, entry)| *place >= top.len() && drawn.contains(entry));
            return behind.map(|(_, entry)| entry.1).collect();
        }
        drawn.iter().filter(|entry| !top.contains(entry)).map(|&(_, number)| number).collect()
    }

    /// The best, of those that were not let past or stopped; at most so many.
    pub(super) fn winners(&self, plan: &Plan, state: &State<'_>, free: usize) -> Vec<u32> {
        if free == 0 || self.rung.open.is_empty() {
            return Vec::new();
        }
        if let Some(line) = self.line(plan, state) {
            let open = self.open(line).into_iter();
            return open.take_while(|(at, _)| *at < self.rung.top.len()).take(free).map(|(_, entry)| entry.1).collect();
        }
        let is_good = |entry: &&Entry| self.rung.top.last().is_some_and(|last| *entry <= last);
        self.rung.open.iter().take_while(is_good).take(free).map(|&(_, number)| number).collect()
    }

    /// From 1 for the best; what has no value is behind all that have one.
    pub(super) fn rank(&self, plan: &Plan, state: &State<'_>, entry: Entry) -> usize {
        if self.rung.broken.contains(&entry.1) {
            return self.rung.finite() + 1;
        }
        match self.line(plan, state) {
            Some(line) => line.iter().position(|member| member.number == entry.1).map_or(line.len(), |at| at + 1),
            None => self.rung.rank(entry),
        }
    }
}
