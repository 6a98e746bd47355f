//! Rungs and their judgement, shared by the schedulers that promote in synchronous brackets.
//!
//! A rung is judged when its membership is closed and every member that was not judged yet has arrived there, with its value, or has ended.
//! The first rung is closed when it is full, when anybody on it was judged, when a later bracket has begun, or when
//! nothing more can start: by the limits on trials and spending or because the sampler is exhausted, but not because all
//! slots are taken or the study is suspended. A higher rung is closed when nobody below is unjudged. A trial that fails or
//! is removed stays a member, and ranks last. Who is audited goes to the end at once where it loses, and is no member of a higher rung.

mod judged;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use judged::Judged;

use super::fronts::Stand;
use super::{Pass, Place};
use crate::brackets::{BracketPlan, RungPlan};
use crate::history::{Action, Reason, TrialNumber};
use crate::plan::Plan;
use crate::state::{State, Trial};

/// What tells the ladder schedulers apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Which of the plan's brackets the running counter means, given how many there are.
    pub(super) shape: fn(u32, usize) -> usize,
}

/// The memo of a ladder scheduler.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    rule: Rule,
    brackets: BTreeMap<u32, Bracket>,
    /// The brackets with members that were not judged yet.
    open: BTreeSet<u32>,
}

#[derive(Clone, Debug, Default)]
struct Bracket {
    rungs: Vec<Rung>,
    /// Whether anybody on the first rung was judged.
    judged: bool,
}

/// Who is on a rung. Judged members are counted, the others listed.
#[derive(Clone, Debug, Default)]
struct Rung {
    /// All that ever came to it.
    members: u32,
    /// Unjudged, without a value here.
    waiting: u32,
    /// Unjudged, with a finite value: its order, and the number.
    finite: BTreeSet<(u64, u32)>,
    /// Unjudged, with NaN or infinity.
    broken: BTreeSet<u32>,
    /// Let past.
    passed: u32,
    /// Stopped for their rank.
    lost: u32,
    /// The order and number of those let past. Not always the best first: whoever needs no slot does not wait for one.
    winners: BTreeSet<(u64, u32)>,
    /// The order and number of those stopped for their rank.
    losers: BTreeSet<(u64, u32)>,
    /// Of those with a finite value, who is not to be stopped for its rank.
    drawn: BTreeSet<u32>,
    /// The order and number of those that were not among the best and go on all the same. They come to no higher rung.
    audited: BTreeSet<(u64, u32)>,
    /// Those judged whose value here is not known, and why they were: what told it is not on record any more. Who goes on takes its place as
    /// soon as the value is learnt again; of who ended nothing is learnt any more.
    owing: BTreeMap<u32, Reason>,
    /// Where all of these with a value stand by non-domination, once it was asked; forgotten when one comes or goes.
    line: OnceLock<Vec<Stand>>,
}

impl Rung {
    fn unjudged(&self) -> usize {
        self.waiting as usize + self.finite.len() + self.broken.len()
    }

    fn arrive(&mut self, entry: (u64, u32), is_drawn: bool) {
        self.finite.insert(entry);
        if is_drawn {
            self.drawn.insert(entry.1);
        }
        self.line.take();
    }

    /// Somebody who had arrived is not unjudged any more. Who was judged stays in the line.
    fn depart(&mut self, entry: (u64, u32)) {
        self.finite.remove(&entry);
        self.drawn.remove(&entry.1);
        if ![&self.winners, &self.losers, &self.audited].iter().any(|judged| judged.contains(&entry)) {
            self.line.take();
        }
    }

    /// Somebody was judged, with the standing that it has here.
    fn judge(&mut self, number: u32, standing: Option<u64>, reason: Reason) {
        let Some(standing) = standing else {
            self.owing.insert(number, reason);
            return;
        };
        self.owing.remove(&number);
        let entry = (standing, number);
        if !self.finite.contains(&entry) {
            self.line.take();
        }
        let judged = match reason {
            Reason::RungLost => &mut self.losers,
            Reason::Audited => &mut self.audited,
            _ => &mut self.winners,
        };
        judged.insert(entry);
    }
}

/// Which rung of its bracket a trial is on: the first above what it cleared.
pub(super) fn position(rungs: &[RungPlan], cleared: Option<usize>) -> usize {
    rungs.partition_point(|rung| Some(rung.level) <= cleared)
}

/// The order of a trial's value at a level, if it has a finite one.
fn standing(plan: &Plan, trial: &Trial<'_>, level: usize) -> Option<u64> {
    plan.standing(trial.values_at(level)?)
}

impl Ladder {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, brackets: BTreeMap::new(), open: BTreeSet::new() }
    }

    fn shape<'p>(&self, plan: &'p Plan, bracket: u32) -> &'p [RungPlan] {
        let shapes = plan.brackets();
        shapes.get((self.rule.shape)(bracket, shapes.len())).map_or(&[], |shape: &BracketPlan| &shape.rungs)
    }

    pub(super) fn started(&mut self, plan: &Plan, trial: &Trial<'_>) {
        let length = self.shape(plan, trial.bracket).len();
        let bracket = self.brackets.entry(trial.bracket).or_default();
        bracket.rungs.resize_with(length, Rung::default);
        if let Some(rung) = bracket.rungs.first_mut() {
            rung.members += 1;
        }
        self.enter(plan, trial);
    }

    /// The rung on which a trial is still to be judged, with the values it has there. The highest rung judges nobody, and nobody
    /// judges who is audited.
    fn unjudged<'b>(
        brackets: &'b mut BTreeMap<u32, Bracket>,
        shape: &[RungPlan],
        trial: &Trial<'_>,
    ) -> Option<(&'b mut Bracket, usize, usize)> {
        if trial.ended.is_some() || trial.stop.is_some() || trial.audited {
            return None;
        }
        let at = position(shape, trial.cleared);
        let level = shape.get(at).filter(|_| at + 1 < shape.len())?.level;
        Some((brackets.get_mut(&trial.bracket)?, at, level))
    }

    pub(super) fn enter(&mut self, plan: &Plan, trial: &Trial<'_>) {
        self.place_late(plan, trial);
        let shape = self.shape(plan, trial.bracket);
        let Some((bracket, at, level)) = Self::unjudged(&mut self.brackets, shape, trial) else { return };
        let Some(rung) = bracket.rungs.get_mut(at) else { return };
        match trial.arrived_at(plan, level).map(|shown| plan.standing(shown)) {
            None => rung.waiting += 1,
            Some(Some(standing)) => rung.arrive((standing, trial.number.0), plan.audits(trial.number.0)),
            Some(None) => {
                rung.broken.insert(trial.number.0);
            }
        }
        self.open.insert(trial.bracket);
    }

    /// Puts a trial in its place on the rungs where it was judged before its value there was known. The log of a batch is lost with the
    /// Trial that held it, and its results are then learnt again by a later batch.
    fn place_late(&mut self, plan: &Plan, trial: &Trial<'_>) {
        let shape = self.shape(plan, trial.bracket);
        let Some(bracket) = self.brackets.get_mut(&trial.bracket) else { return };
        for (rung, planned) in bracket.rungs.iter_mut().zip(shape) {
            if let Some(&reason) = rung.owing.get(&trial.number.0)
                && let Some(standing) = standing(plan, trial, planned.level)
            {
                rung.judge(trial.number.0, Some(standing), reason);
            }
        }
    }

    pub(super) fn leave(&mut self, plan: &Plan, trial: &Trial<'_>) {
        let shape = self.shape(plan, trial.bracket);
        let Some((bracket, at, level)) = Self::unjudged(&mut self.brackets, shape, trial) else { return };
        let Some(rung) = bracket.rungs.get_mut(at) else { return };
        match trial.arrived_at(plan, level).map(|shown| plan.standing(shown)) {
            None => rung.waiting = rung.waiting.saturating_sub(1),
            Some(Some(standing)) => rung.depart((standing, trial.number.0)),
            Some(None) => {
                rung.broken.remove(&trial.number.0);
            }
        }
        if bracket.rungs.iter().all(|rung| rung.unjudged() == 0) {
            self.open.remove(&trial.bracket);
        }
    }

    pub(super) fn stopping(&mut self, plan: &Plan, trial: &Trial<'_>, reason: Reason) {
        let shape = self.shape(plan, trial.bracket);
        let Some((bracket, at, level)) = Self::unjudged(&mut self.brackets, shape, trial) else { return };
        bracket.judged |= at == 0;
        if let Some(rung) = bracket.rungs.get_mut(at).filter(|_| reason == Reason::RungLost) {
            rung.lost += 1;
            rung.judge(trial.number.0, standing(plan, trial, level), reason);
        }
    }

    pub(super) fn continuing(&mut self, plan: &Plan, trial: &Trial<'_>, cleared: usize, reason: Reason) {
        let shape = self.shape(plan, trial.bracket);
        let Some((bracket, from, level)) = Self::unjudged(&mut self.brackets, shape, trial) else { return };
        let to = position(shape, Some(cleared));
        if to <= from {
            return;
        }
        bracket.judged |= from == 0;
        if let Some(rung) = bracket.rungs.get_mut(from) {
            rung.passed += u32::from(reason != Reason::Audited);
            rung.judge(trial.number.0, standing(plan, trial, level), reason);
        }
        if reason == Reason::Audited {
            return;
        }
        if let Some(rung) = bracket.rungs.get_mut(to) {
            rung.members += 1;
        }
    }

    /// The rungs of a bracket that are judged now, from the lowest.
    fn judged_now<'s>(
        &'s self,
        number: u32,
        plan: &'s Plan,
        closes: &'s dyn Fn() -> bool,
    ) -> impl DoubleEndedIterator<Item = Judged<'s>> {
        let shape = self.shape(plan, number);
        let bracket = self.brackets.get(&number);
        let rungs = bracket.map_or(&[][..], |bracket| &bracket.rungs);
        let is_first_closed = || {
            let is_last = self.brackets.last_key_value().is_some_and(|(last, _)| *last == number);
            bracket.is_some_and(|bracket| bracket.judged)
                || rungs.first().zip(shape.first()).is_some_and(|(rung, table)| rung.members >= table.size)
                || !is_last
                || closes()
        };
        // Every rung up to the first with an unjudged member is closed, and the highest judges nobody.
        let closed = rungs.iter().position(|rung| rung.unjudged() > 0).map_or(rungs.len(), |at| at + 1);
        let count = if is_first_closed() { closed.min(rungs.len().saturating_sub(1)) } else { 0 };
        let eta = plan.reduction_factor();
        rungs.iter().zip(shape.windows(2)).enumerate().take(count).filter_map(move |(at, (rung, table))| {
            let ([own, next], true) = (table, rung.waiting == 0 && rung.unjudged() > 0) else { return None };
            let kept = if rung.members >= own.size { next.size } else { (rung.members / eta).max(1) };
            Some(Judged { rung, at, level: own.level, next: next.level, kept })
        })
    }

    pub(super) fn stop(&self, plan: &Plan, state: &State<'_>) -> Option<Action> {
        let closes = || self.is_closed_by_limits(plan, state);
        self.open.iter().find_map(|&number| {
            self.judged_now(number, plan, &closes).find_map(|judged| {
                let rung = judged.rung;
                let (number, rank, reason) = if let Some(&number) = rung.broken.first() {
                    // They share the place after all that have a value.
                    let before = rung.passed as usize + rung.finite.len() + rung.lost as usize + rung.audited.len();
                    (number, before + 1, Reason::NotFinite)
                } else if rung.finite.len() > judged.free() {
                    // What earned promotions need of the budget is not spent on audits. Runs that go on through have committed it already.
                    let reserve =
                        if judged.rung.drawn.is_empty() || plan.runs_through() { 0 } else { self.all_unpaid(plan) };
                    let (number, rank) = judged.worst(plan, state, reserve)?;
                    (number, rank, Reason::RungLost)
                } else {
                    return None;
                };
                let compared = judged.compare(plan, state, number, rank);
                Some(Action::Stop { number: TrialNumber(number), reason, compared })
            })
        })
    }

    pub(super) fn continues(&self, plan: &Plan, state: &State<'_>) -> Vec<Pass> {
        let closes = || self.is_closed_by_limits(plan, state);
        let (mut passes, mut audited) = (Vec::new(), Vec::new());
        for &number in &self.open {
            let last = self.shape(plan, number).last().map_or(0, |rung| rung.level);
            // Who is further ahead goes first: it frees its bracket sooner.
            for judged in self.judged_now(number, plan, &closes).rev() {
                let level = if plan.runs_through() { last } else { judged.next };
                let pass = |level, reason| move |number| Pass { number, level, rung: judged.at, reason };
                let (winners, drawn) = judged.passing(plan, state);
                passes.extend(winners.into_iter().map(pass(level, Reason::Promoted)));
                audited.extend(drawn.into_iter().map(pass(last, Reason::Audited)));
            }
        }
        // Who has earned it is paid first.
        passes.extend(audited);
        passes
    }

    pub(super) fn pass(&self, plan: &Plan, state: &State<'_>, pass: &Pass) -> Option<Action> {
        let trial = state.trial(pass.number)?;
        let closes = || self.is_closed_by_limits(plan, state);
        let judged = self.judged_now(trial.bracket, plan, &closes).find(|judged| judged.at == pass.rung)?;
        let rank = judged.rank(plan, state, pass.number)?;
        let compared = judged.compare(plan, state, pass.number, rank);
        Some(Action::Continue {
            number: TrialNumber(pass.number),
            level: pass.level,
            cleared: judged.level,
            reason: pass.reason,
            compared,
        })
    }

    /// The bracket that takes the next trial, whether or not the scheduler wants one.
    pub(super) fn bracket_of_next(&self, plan: &Plan) -> u32 {
        let Some((&last, bracket)) = self.brackets.last_key_value() else { return 0 };
        let size = self.shape(plan, last).first().map_or(0, |rung| rung.size);
        let members = bracket.rungs.first().map_or(0, |rung| rung.members);
        if bracket.judged || members >= size { last.saturating_add(1) } else { last }
    }

    pub(super) fn place(&self, plan: &Plan) -> Option<Place> {
        let bracket = self.bracket_of_next(plan);
        // Without a limit that ends the study, one pass is all.
        if !plan.settings().limits.end_it() && bracket as usize >= plan.brackets().len() {
            return None;
        }
        let shape = self.shape(plan, bracket);
        let rung = if plan.runs_through() { shape.last() } else { shape.first() };
        Some(Place { bracket, level: rung?.level, from: None })
    }

    /// Whether a new bracket would take what the promotions of unfinished ones need.
    pub(super) fn holds_back(&self, plan: &Plan, state: &State<'_>, place: &Place) -> bool {
        let is_beside = !self.brackets.contains_key(&place.bracket) && !self.open.is_empty();
        is_beside && super::waits_for_others(plan, state, self.all_unpaid(plan) + self.unpaid(plan, place.bracket))
    }

    /// What all unfinished brackets have still to pay, in units of fidelity.
    pub(super) fn all_unpaid(&self, plan: &Plan) -> u64 {
        self.open.iter().map(|&number| self.unpaid(plan, number)).sum()
    }

    /// What a bracket has still to pay, in units of fidelity, until all its rungs are as full as they were planned. A rung that nobody can
    /// come to any more, because too many failed below, stays as it is.
    pub(super) fn unpaid(&self, plan: &Plan, number: u32) -> u64 {
        let shape = self.shape(plan, number);
        let bracket = self.brackets.get(&number);
        let is_last = self.brackets.last_key_value().is_none_or(|(last, _)| *last <= number);
        let mut comes = is_last && bracket.is_none_or(|bracket| !bracket.judged);
        let (mut below, mut unpaid) = (0, 0);
        for (at, planned) in shape.iter().enumerate() {
            let fidelity = plan.fidelity(planned.level);
            let rung = bracket.and_then(|bracket| bracket.rungs.get(at));
            if comes {
                let places = planned.size.saturating_sub(rung.map_or(0, |rung| rung.members));
                unpaid += u64::from(places) * u64::from(fidelity - below);
            }
            comes |= rung.is_some_and(|rung| rung.unjudged() > 0);
            below = if plan.resumes() { fidelity } else { 0 };
        }
        unpaid
    }

    fn is_closed_by_limits(&self, plan: &Plan, state: &State<'_>) -> bool {
        self.place(plan).is_none_or(|place| state.hindrance(plan, &place).is_some())
    }
}
