//! Population based training (Jaderberg et al., *Population Based Training of Neural Networks*, arXiv 1711.09846).
//!
//! A population trains side by side. At each level, which are `interval` apart, the generation there is judged once all of it has
//! arrived or ended: members that lose are stopped, the others go on, and whoever is missing in the next generation is started
//! as a copy. A copy is a new trial that begins from what its donor had at this level, with the donor's configuration perturbed
//! ([`crate::samplers`]).
//!
//! All members of a generation are as far as each other when they are compared, so that nobody is held against who trained for
//! longer, and a donor rests where its copies begin. Who trains on meanwhile is nobody's donor any more for that level: the copy
//! begins from the run that ended there.
//!
//! By truncation the worst share is replaced by copies of members of the best share (section 4.1.1 of the paper); in a tournament each
//! member meets one other, drawn at random, and is replaced by a copy of it where that one is better. Who failed, was lost or removed,
//! or has no number, is replaced in either case. A donor is one whose run ended at the level: who converged before it has nothing to
//! go on with. Where a limit leaves no place for a copy, who would have made room for it goes on.

mod judged;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Pass, Place};
use crate::history::{Action, Origin, Reason, TrialNumber};
use crate::plan::{Exploit, Plan, Scheduler};
use crate::random::{Purpose, Stream};
use crate::state::{MAX_TRIALS, State, Trial};
use judged::Judged;

/// Where a trial stands at a level, smaller is better, and its number.
type Entry = (u64, u32);

/// The memo of population based training: the sum of what each trial contributes, so that it cannot depend on the order in which
/// things became known.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    size: usize,
    exploit: Exploit,
    /// By level.
    generations: Vec<Generation>,
    /// The generations in which removed trials are counted.
    holes: BTreeMap<u32, usize>,
}

/// Those that came to a level.
#[derive(Clone, Debug, Default)]
struct Generation {
    /// All that ever came to it.
    members: BTreeSet<u32>,
    /// Those of them that began in it.
    born: u32,
    /// Unjudged, and not at the level yet.
    waiting: u32,
    /// Unjudged, with a finite value here.
    open: BTreeSet<Entry>,
    /// Unjudged, with NaN or infinity.
    broken: BTreeSet<u32>,
    /// Let past.
    passed: BTreeSet<u32>,
    /// Let past or stopped.
    judged: u32,
    /// All that have a finite value here, whatever became of them.
    ranked: BTreeSet<Entry>,
    /// Those of them whose run ended here.
    donors: BTreeSet<Entry>,
    /// Those of them that ended before they were judged, because they failed or were removed: their places are free already.
    gone: BTreeSet<u32>,
}

/// What the next trial is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copying {
    /// Where it begins.
    pub(crate) from: Origin,
    /// Whose place it takes, where one place can be told from the others.
    pub(crate) replaces: Option<u32>,
}

/// The level at which a trial is judged first.
pub(crate) fn birth(trial: &Trial<'_>) -> usize {
    trial.from.map_or(0, |from| from.level.saturating_add(1))
}

impl Population {
    pub(super) fn new(plan: &Plan) -> Self {
        let (size, exploit) = match plan.spec().scheduler {
            Scheduler::PopulationBased { population, exploit, .. } => (population, exploit),
            _ => (0, Exploit::Tournament),
        };
        let generations = vec![Generation::default(); plan.levels().len()];
        Self { size: size as usize, exploit, generations, holes: BTreeMap::new() }
    }

    pub(super) fn started(&mut self, plan: &Plan, trial: &Trial<'_>) {
        if trial.is_hole() {
            // A hole is where the next trial would have gone: behind a whole generation in the one above, whose copies were to come.
            let newest = self.newest();
            let is_whole = self.generations.get(newest).is_some_and(|own| own.members.len() >= self.size);
            let above = if is_whole { (newest + 1).min(plan.top_level()) } else { newest };
            self.holes.insert(trial.number.0, self.next(plan).map_or(above, |(level, _)| level));
        }
        self.enter(plan, trial);
    }

    pub(super) fn enter(&mut self, plan: &Plan, trial: &Trial<'_>) {
        self.change(plan, trial, true);
    }

    pub(super) fn leave(&mut self, plan: &Plan, trial: &Trial<'_>) {
        self.change(plan, trial, false);
    }

    /// Adds what a trial is to each generation that it came to, or takes it away.
    fn change(&mut self, plan: &Plan, trial: &Trial<'_>, is_added: bool) {
        let number = trial.number.0;
        let birth = self.holes.get(&number).copied().unwrap_or_else(|| birth(trial));
        let newest = trial.cleared.map_or(birth, |cleared| cleared.saturating_add(1).max(birth));
        for (level, generation) in self.generations.iter_mut().enumerate().take(newest.saturating_add(1)).skip(birth) {
            generation.change(plan, trial, (level, birth, newest), is_added);
        }
    }

    /// The highest level that anybody came to.
    fn newest(&self) -> usize {
        self.generations.iter().rposition(|generation| !generation.members.is_empty()).unwrap_or(0)
    }

    /// The level of the generation that takes the next trial, and that of its donors; the first generation has none.
    fn next(&self, plan: &Plan) -> Option<(usize, Option<usize>)> {
        let newest = self.newest();
        let own = self.generations.get(newest)?;
        // Who is judged and unlucky is stopped before anybody starts, so whoever is open is coming.
        let takes = |members: usize, below: usize| {
            let source = self.generations.get(below)?;
            let is_judged = source.judged > 0 && source.waiting == 0 && source.broken.is_empty();
            let has_room = members + source.open.len() < self.size;
            (is_judged && has_room && !self.donors(below).is_empty()).then_some((below + 1, Some(below)))
        };
        if newest < plan.top_level() && own.judged > 0 {
            return takes(0, newest);
        }
        match newest.checked_sub(1) {
            None => (own.members.len() < self.size).then_some((0, None)),
            Some(below) => takes(own.members.len(), below),
        }
    }

    /// Those of a generation that may be copied: in a tournament all whose run ended there, by truncation the best share of them. Whoever
    /// goes on at no cost, because its program ended early, has nothing to copy; and nobody of those that lose is copied.
    fn donors(&self, level: usize) -> Vec<Entry> {
        let Some(generation) = self.generations.get(level) else { return Vec::new() };
        match self.exploit {
            Exploit::Tournament => generation.donors.iter().copied().collect(),
            Exploit::Truncation { percent } => {
                let share = share(generation.members.len(), percent);
                let empty = generation.members.len().saturating_sub(generation.ranked.len());
                let stay = generation.ranked.len().saturating_sub(share.saturating_sub(empty));
                let fit = generation.ranked.iter().take(stay).filter(|entry| generation.donors.contains(entry));
                fit.take(share).copied().collect()
            }
        }
    }

    /// What the trial of this number is a copy of, if it is the next and is one.
    pub(crate) fn copying(&self, plan: &Plan, number: u32) -> Option<Copying> {
        let (level, Some(below)) = self.next(plan)? else { return None };
        let (source, own) = (self.generations.get(below)?, self.generations.get(level)?);
        // Who is open has won, and waits for a place to go on.
        let open: BTreeSet<u32> = source.open.iter().map(|&(_, number)| number).collect();
        let vacancies =
            source.members.iter().filter(|member| !source.passed.contains(member) && !open.contains(member));
        let replaces = vacancies.copied().nth(own.born as usize);
        let donors = self.donors(below);
        let drawn = || {
            let mut stream = Stream::new(plan.spec().seed, Purpose::Donor, u64::from(number));
            let at = usize::try_from(stream.below(donors.len() as u64)).unwrap_or(0);
            donors.get(at).copied()
        };
        let own = replaces.and_then(|number| source.ranked.iter().find(|(_, other)| *other == number));
        let met = own.filter(|_| self.exploit == Exploit::Tournament).and_then(|own| rival(plan, &donors, below, *own));
        let (_, donor) = met.or_else(drawn)?;
        Some(Copying { from: Origin { donor: TrialNumber(donor), level: below }, replaces })
    }

    /// How many copies the limit on trials leaves for the generation above a level, those that are there included.
    fn room(&self, plan: &Plan, state: &State<'_>, level: usize) -> usize {
        let most = plan.settings().limits.trials.unwrap_or(MAX_TRIALS).min(MAX_TRIALS);
        let born = self.generations.get(level + 1).map_or(0, |above| above.born);
        most.saturating_sub(state.next_number()).saturating_add(born) as usize
    }

    /// The generation that is judged now. It is closed when it is full, when it was judged in part, or when nothing more can come.
    fn judged_now(&self, plan: &Plan, state: &State<'_>) -> Option<Judged<'_>> {
        let level = self.generations.iter().position(|own| !own.open.is_empty() || !own.broken.is_empty())?;
        let own = self.generations.get(level).filter(|own| own.waiting == 0 && level < plan.top_level())?;
        let is_full = own.judged > 0 || own.members.len() >= self.size;
        let is_closed = is_full || !self.is_growing(plan, state, level);
        is_closed
            .then(|| Judged::new(plan, self.exploit, own, (level, &self.donors(level)), self.room(plan, state, level)))
    }

    fn is_growing(&self, plan: &Plan, state: &State<'_>, level: usize) -> bool {
        let comes = self.place(plan).filter(|place| place.level == level);
        comes.is_some_and(|place| state.hindrance(plan, &place).is_none())
    }

    pub(super) fn stop(&self, plan: &Plan, state: &State<'_>) -> Option<Action> {
        let judged = self.judged_now(plan, state)?;
        let (number, reason) = match judged.broken() {
            Some(number) => (number, Reason::NotFinite),
            None => (judged.loser()?, Reason::Replaced),
        };
        let compared = judged.compare(plan, state, number);
        Some(Action::Stop { number: TrialNumber(number), reason, compared })
    }

    pub(super) fn continues(&self, plan: &Plan, state: &State<'_>) -> Vec<Pass> {
        let Some(judged) = self.judged_now(plan, state) else { return Vec::new() };
        let (level, rung, reason) = (judged.level + 1, judged.level, Reason::Promoted);
        let pass = |number: u32| Pass { number, level, rung, reason };
        judged.winners().map(pass).collect()
    }

    pub(super) fn pass(&self, plan: &Plan, state: &State<'_>, pass: &Pass) -> Option<Action> {
        let judged = self.judged_now(plan, state)?;
        Some(Action::Continue {
            number: TrialNumber(pass.number),
            level: pass.level,
            cleared: judged.level,
            reason: pass.reason,
            compared: judged.compare(plan, state, pass.number),
        })
    }

    /// Where the next trial starts; `None` when the population is whole, and when nobody is left to copy.
    pub(super) fn place(&self, plan: &Plan) -> Option<Place> {
        self.next(plan).map(|(level, from)| Place { bracket: 0, level, from })
    }
}

impl Generation {
    /// Adds what a trial is here, or takes it away. `birth` and `newest` are the lowest and the highest level that it came to.
    fn change(
        &mut self,
        plan: &Plan,
        trial: &Trial<'_>,
        (level, birth, newest): (usize, usize, usize),
        is_added: bool,
    ) {
        let number = trial.number.0;
        put(&mut self.members, number, is_added);
        count(&mut self.born, level == birth, is_added);
        let has_passed = level < newest;
        let is_over = trial.ended.is_some() || trial.stop.is_some();
        if has_passed {
            put(&mut self.passed, number, is_added);
        }
        count(&mut self.judged, has_passed || trial.stop.is_some(), is_added);
        let arrived = trial.arrived_at(plan, level).map(|shown| plan.standing(shown));
        let is_unjudged = !has_passed && !is_over;
        count(&mut self.waiting, is_unjudged && arrived.is_none(), is_added);
        match arrived {
            Some(Some(standing)) => {
                put(&mut self.ranked, (standing, number), is_added);
                if !has_passed && trial.ended.is_some() && trial.stop.is_none() {
                    put(&mut self.gone, number, is_added);
                }
                if trial.has_rested_at(level) {
                    put(&mut self.donors, (standing, number), is_added);
                }
                if is_unjudged {
                    put(&mut self.open, (standing, number), is_added);
                }
            }
            Some(None) if is_unjudged => put(&mut self.broken, number, is_added),
            Some(None) | None => {}
        }
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, member: T, is_added: bool) {
    if is_added {
        set.insert(member)
    } else {
        set.remove(&member)
    };
}

fn count(sum: &mut u32, is_one: bool, is_added: bool) {
    let one = u32::from(is_one);
    *sum = if is_added { sum.saturating_add(one) } else { sum.saturating_sub(one) };
}

/// How many copies a generation makes when nobody fails; `None` where chance tells.
pub(crate) fn copies(population: u32, exploit: Exploit) -> Option<u64> {
    match exploit {
        Exploit::Truncation { percent } => Some(share(population as usize, percent) as u64),
        Exploit::Tournament => None,
    }
}

/// How many of so many are the worst share, and the best: at least one, and never more than half.
fn share(members: usize, percent: u32) -> usize {
    (members * percent as usize / 100).max(1).min(members / 2)
}

/// Whom a member meets in a tournament, drawn among those that may be copied; `None` where there is nobody else.
fn rival(plan: &Plan, donors: &[Entry], level: usize, own: Entry) -> Option<Entry> {
    let place = donors.binary_search(&own);
    let others = donors.len() - usize::from(place.is_ok());
    let mut stream = Stream::new(plan.spec().seed, Purpose::Rival, (level as u64) << 32 | u64::from(own.1));
    let drawn = usize::try_from(stream.below(others as u64)).unwrap_or(0);
    // Itself is left out.
    let at = if place.is_ok_and(|own| drawn >= own) { drawn + 1 } else { drawn };
    donors.get(at).copied()
}
