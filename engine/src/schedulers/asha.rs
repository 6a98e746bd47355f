//! Asynchronous successive halving (Li et al., MLSys 2020): a rung never closes, each trial is judged by itself.
//!
//! The promotion form promotes a trial when it is among the best `floor(n / eta)` of the `n` that came to its rung so far,
//! the highest rung first, and else starts a new one. The paper promotes whoever is among them and was not promoted yet;
//! as better ones come, that can be more than `floor(n / eta)`. Here no rung ever lets more pass than that.
//!
//! The stopping form judges a trial when its value at a rung is known: it runs on when it is among the best `floor(n / eta)`
//! of those that came so far, itself included, or is the very best where that is none; and is stopped otherwise.
//!
//! A trial is on the first rung above what it cleared, whatever it reported beyond. It counts there when it has a value,
//! NaN included, or when it ended before it had one; but not when the infrastructure lost it before it had one.
//! Who is audited is a member of the rungs that it came to by its rank, and of none beyond.
//! The memo is the sum of what each trial contributes, so that it cannot depend on the order in which things became known.

mod at;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use at::At;

use super::ladder::position;
use super::{Pass, Place};
use crate::brackets::{BracketPlan, RungPlan};
use crate::history::{Action, Comparison, Outcome, Reason, TrialNumber};
use crate::plan::{AshaForm, Plan, Scheduler};
use crate::state::{State, Trial};

/// A value's order, and the trial that has it.
type Entry = (u64, u32);

/// The memo of asynchronous successive halving.
#[derive(Clone, Debug)]
pub(crate) struct Asha {
    form: AshaForm,
    brackets: Vec<Vec<Rung>>,
    /// How many trials were started in each bracket.
    started: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct Rung {
    /// All that count here.
    members: u32,
    /// Let past.
    passed: u32,
    /// The best finite values, as many as may pass.
    top: BTreeSet<Entry>,
    /// The other finite values.
    rest: BTreeSet<Entry>,
    /// Those of them, in both sets, whose trials were not let past or stopped yet.
    open: BTreeSet<Entry>,
    /// Those of them that are not to be stopped for their rank.
    drawn: BTreeSet<Entry>,
    /// Not stopped yet, with NaN or infinity.
    broken: BTreeSet<u32>,
}

/// What a trial is on a rung.
struct Part {
    /// Its order, if it is finite and can be compared.
    value: Option<Entry>,
    passed: bool,
    open: bool,
    drawn: bool,
    broken: Option<u32>,
}

impl Rung {
    fn add(&mut self, part: &Part, kept: usize) {
        self.passed += u32::from(part.passed);
        self.broken.extend(part.broken);
        if let Some(entry) = part.value {
            let is_good = self.top.last().is_some_and(|last| entry < *last);
            if is_good {
                self.top.insert(entry)
            } else {
                self.rest.insert(entry)
            };
            if part.open {
                self.open.insert(entry);
            }
            if part.drawn {
                self.drawn.insert(entry);
            }
        }
        self.balance(kept);
    }

    fn remove(&mut self, part: &Part, kept: usize) {
        self.passed = self.passed.saturating_sub(u32::from(part.passed));
        part.broken.map(|number| self.broken.remove(&number));
        if let Some(entry) = part.value {
            let _ = self.top.remove(&entry) || self.rest.remove(&entry);
            self.open.remove(&entry);
            self.drawn.remove(&entry);
        }
        self.balance(kept);
    }

    fn balance(&mut self, kept: usize) {
        while self.top.len() > kept {
            self.rest.extend(self.top.pop_last());
        }
        while self.top.len() < kept
            && let Some(entry) = self.rest.pop_first()
        {
            self.top.insert(entry);
        }
    }

    fn finite(&self) -> usize {
        self.top.len() + self.rest.len()
    }

    /// From 1 for the best. It is counted from the nearer end.
    fn rank(&self, entry: Entry) -> usize {
        if self.top.contains(&entry) {
            self.top.range(..entry).count() + 1
        } else {
            self.finite() + 1 - self.rest.range(entry..).count()
        }
    }
}

impl Asha {
    pub(super) fn new(plan: &Plan) -> Self {
        let form = match plan.spec().scheduler {
            Scheduler::Asha { form, .. } => form,
            _ => AshaForm::default(),
        };
        let brackets = plan.brackets();
        Self {
            form,
            brackets: brackets.iter().map(|shape| vec![Rung::default(); shape.rungs.len()]).collect(),
            started: vec![0; brackets.len()],
        }
    }

    /// How many of so many members may pass.
    fn kept(&self, plan: &Plan, members: u32) -> u32 {
        let best = members / plan.reduction_factor();
        match self.form {
            AshaForm::Promotion => best,
            AshaForm::Stopping => best.max(1),
        }
    }

    pub(super) fn started(&mut self, plan: &Plan, trial: &Trial<'_>) {
        if let Some(count) = self.started.get_mut(trial.bracket as usize) {
            *count += 1;
        }
        self.enter(plan, trial);
    }

    pub(super) fn enter(&mut self, plan: &Plan, trial: &Trial<'_>) {
        self.change(plan, trial, true);
    }

    pub(super) fn leave(&mut self, plan: &Plan, trial: &Trial<'_>) {
        self.change(plan, trial, false);
    }

    /// Adds what a trial contributes to its bracket, or takes it away.
    fn change(&mut self, plan: &Plan, trial: &Trial<'_>, is_added: bool) {
        let Some(shape) = plan.brackets().get(trial.bracket as usize) else { return };
        let Some(mut rungs) = self.brackets.get_mut(trial.bracket as usize).map(std::mem::take) else { return };
        let own = position(&shape.rungs, trial.cleared);
        // Who is audited came to no rung beyond the one where it was not among the best.
        let last = if trial.audited { own.saturating_sub(1) } else { own };
        for (at, (rung, planned)) in rungs.iter_mut().zip(&shape.rungs).enumerate().take(last + 1) {
            let relation = match at {
                _ if at < last => Relation::Passed,
                _ if trial.audited => Relation::Audited,
                _ => Relation::Own,
            };
            let judges = at + 1 < shape.rungs.len();
            let Some(part) = part(plan, trial, planned.level, relation, judges) else { continue };
            rung.members = if is_added { rung.members + 1 } else { rung.members.saturating_sub(1) };
            let kept = self.kept(plan, rung.members) as usize;
            if is_added { rung.add(&part, kept) } else { rung.remove(&part, kept) }
        }
        if let Some(place) = self.brackets.get_mut(trial.bracket as usize) {
            *place = rungs;
        }
    }

    pub(super) fn stop(&self, plan: &Plan, state: &State<'_>) -> Option<Action> {
        self.rungs(plan).find_map(|at| {
            let (entry, reason) = if let Some(&number) = at.rung.broken.first() {
                ((u64::MAX, number), Reason::NotFinite)
            } else {
                (at.worst(plan, state).filter(|_| self.form == AshaForm::Stopping)?, Reason::RungLost)
            };
            let rank = at.rank(plan, state, entry);
            let compared = self.compare(plan, state, &at, entry.1, rank);
            Some(Action::Stop { number: TrialNumber(entry.1), reason, compared })
        })
    }

    /// Those that have earned to go on: whoever is further ahead first, and on one rung the best first.
    pub(super) fn continues(&self, plan: &Plan, state: &State<'_>) -> Vec<Pass> {
        let mut passes: Vec<(usize, Pass)> = Vec::new();
        let mut audited = Vec::new();
        for at in self.rungs(plan) {
            let free = match self.form {
                AshaForm::Promotion => self.kept(plan, at.rung.members).saturating_sub(at.rung.passed) as usize,
                AshaForm::Stopping => usize::MAX,
            };
            let level = if plan.runs_through() { plan.top_level() } else { at.next };
            let pass = |level, reason| move |number| Pass { number, level, rung: at.position, reason };
            let winners = at.winners(plan, state, free).into_iter().map(pass(level, Reason::Promoted));
            passes.extend(winners.map(|pass| (at.level, pass)));
            audited.extend(at.drawn(plan, state).into_iter().map(pass(plan.top_level(), Reason::Audited)));
        }
        // The sort is stable, so that the rest of the order stands.
        passes.sort_by_key(|&(level, _)| std::cmp::Reverse(level));
        // Who has earned it is paid first.
        passes.into_iter().map(|(_, pass)| pass).chain(audited).collect()
    }

    pub(super) fn pass(&self, plan: &Plan, state: &State<'_>, pass: &Pass) -> Option<Action> {
        let bracket = state.trial(pass.number)?.bracket as usize;
        let at = self.rungs(plan).find(|at| at.bracket == bracket && at.position == pass.rung)?;
        let &entry = at.rung.open.iter().find(|(_, number)| *number == pass.number)?;
        let compared = self.compare(plan, state, &at, pass.number, at.rank(plan, state, entry));
        Some(Action::Continue {
            number: TrialNumber(pass.number),
            level: pass.level,
            cleared: at.level,
            reason: pass.reason,
            compared,
        })
    }

    fn compare(&self, plan: &Plan, state: &State<'_>, at: &At<'_>, number: u32, rank: usize) -> Option<Comparison> {
        let shown = |number: u32| state.trial(number)?.values_at(at.level);
        let own = shown(number)?;
        let (value, cutoff) = if let Some(line) = at.line(plan, state) {
            let last = at.rung.top.len().checked_sub(1).and_then(|last| line.get(last)).map(|member| member.front);
            let mine = line.iter().find(|member| member.number == number).map(|member| member.front);
            (mine.unwrap_or_else(|| plan.leading_value(own)), last)
        } else {
            let last = at.rung.top.last().and_then(|&(_, last)| shown(last)).map(|shown| plan.leading_value(shown));
            (plan.leading_value(own), last)
        };
        Some(Comparison {
            level: at.level,
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            kept: self.kept(plan, at.rung.members),
            of: at.rung.members,
            value,
            cutoff: cutoff.unwrap_or(f64::NAN),
            violation: plan.violation(own),
        })
    }

    /// The bracket that takes the next trial: the one that is furthest behind its share.
    pub(super) fn bracket_of_next(&self, plan: &Plan) -> u32 {
        next_bracket(plan.brackets(), &self.started)
    }

    pub(super) fn place(&self, plan: &Plan) -> Option<Place> {
        let bracket = self.bracket_of_next(plan);
        let first = plan.brackets().get(bracket as usize)?.rungs.first()?.level;
        Some(Place { bracket, level: if plan.runs_through() { plan.top_level() } else { first }, from: None })
    }

    /// The rungs that judge, by bracket and from the lowest.
    fn rungs<'s>(&'s self, plan: &'s Plan) -> impl Iterator<Item = At<'s>> {
        self.brackets.iter().zip(plan.brackets()).enumerate().flat_map(|(bracket, (rungs, shape))| {
            rungs.iter().zip(shape.rungs.windows(2)).enumerate().filter_map(move |(position, (rung, table))| {
                let [own, next] = table else { return None };
                Some(At { bracket, position, rung, level: own.level, next: next.level, line: OnceCell::new() })
            })
        })
    }
}

/// How a trial has to do with a rung.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// It was among the best.
    Passed,
    /// It was not, and goes on all the same.
    Audited,
    /// It is on it.
    Own,
}

/// What a trial is on a rung up to its own; `None` where it does not count.
fn part(plan: &Plan, trial: &Trial<'_>, level: usize, relation: Relation, judges: bool) -> Option<Part> {
    let is_own = relation == Relation::Own;
    let number = trial.number.0;
    let value = trial.values_at(level).map(|shown| plan.standing(shown));
    let is_over = trial.ended.is_some() || trial.stop.is_some();
    // What failed before it was judged ranks last; what a user removed is known to nobody.
    let is_worst = is_own && matches!(trial.ended, Some(Outcome::Failed | Outcome::Removed));
    let entry = value.flatten().filter(|_| !is_worst).map(|standing| (standing, number));
    match value {
        Some(found) => Some(Part {
            value: entry,
            passed: relation == Relation::Passed,
            open: is_own && judges && !is_over,
            drawn: is_own && judges && !is_over && plan.audits(number),
            broken: (found.is_none() && is_own && judges && !is_over).then_some(number),
        }),
        None if is_own && is_over && trial.ended != Some(Outcome::Lost) => {
            Some(Part { value: None, passed: false, open: false, drawn: false, broken: None })
        }
        None => None,
    }
}

/// The bracket of the next trial when so many were started in each. Shares are those of Hyperband's first rungs; among
/// brackets that are equally far behind, the first. So the bracket is a function of the trial's number.
fn next_bracket(shapes: &[BracketPlan], started: &[u64]) -> u32 {
    let shares = || shapes.iter().map(|shape| shape.rungs.first().map_or(0, |rung| i128::from(rung.size)));
    let (whole, total) = (shares().sum::<i128>(), i128::from(started.iter().sum::<u64>()) + 1);
    let behind = shares().zip(started).map(|(share, &count)| total * share - i128::from(count) * whole);
    let furthest = behind.zip(0_u32..).max_by_key(|&(behind, bracket)| (behind, std::cmp::Reverse(bracket)));
    furthest.map_or(0, |(_, bracket)| bracket)
}

/// What so many trials come to when nothing fails: who starts in each bracket, and who passes each rung.
pub(crate) fn shared_out(plan: &Plan, trials: u32) -> Vec<BracketPlan> {
    let mut started = vec![0_u64; plan.brackets().len()];
    for _ in 0..trials {
        let next = next_bracket(plan.brackets(), &started) as usize;
        if let Some(count) = started.get_mut(next) {
            *count += 1;
        }
    }
    let bracket = |(shape, count): (&BracketPlan, u64)| {
        let mut size = u32::try_from(count).unwrap_or(u32::MAX);
        let rungs = shape.rungs.iter().map(|rung| {
            let own = RungPlan { level: rung.level, size };
            size /= plan.reduction_factor();
            own
        });
        BracketPlan { rungs: rungs.collect() }
    };
    plan.brackets().iter().zip(started).map(bracket).collect()
}

#[cfg(test)]
#[path = "asha_tests.rs"]
mod tests;
