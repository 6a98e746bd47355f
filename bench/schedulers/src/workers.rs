//! Whole studies on a clock: many workers, runs of unequal speed, failures and preemptions.
//!
//! A trial's speed is log-normal. A run fails for its configuration, or is preempted and goes on from its checkpoint after a while,
//! having lost a part of a unit. The work is fixed: the study ends when so many full trainings are paid. What is measured is the
//! makespan over the ideal, in which the same work keeps every worker busy to the end, and the regret at the end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use trimtab_engine::random::{Purpose, Stream};
use trimtab_engine::state::State;
use trimtab_engine::{
    Action, Assignment, Batch, History, Outcome, Plan, ResultKind, TrialNumber, TrialResult, Values, advance, best,
};

use crate::play::{Method, plan};
use crate::problem::{Problem, normal};

/// The spread of the logarithm of a trial's speed.
const SPREAD: f64 = 0.5;
/// How likely a run fails for its configuration.
const FAILS: f64 = 0.01;
/// How likely a run is preempted, once.
const PREEMPTED: f64 = 0.05;
/// Units of time until a preempted run goes on, and until a stopped one has left its place.
const GRACE: f64 = 0.5;

/// What came of a study.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    /// Time from the first start to the last end.
    pub(crate) makespan: f64,
    /// Time that workers were at work, in all.
    pub(crate) busy: f64,
    /// How far the best configuration is from the optimum.
    pub(crate) regret: f64,
}

/// Something that happens: when (in whole billionths of a unit, so that it can be ordered), in which order, to whom, and in which
/// of its runs.
type Event = Reverse<(u64, u64, u32, u32)>;

/// A trial at work or at rest.
struct Trial {
    parameters: Assignment,
    speed: f64,
    /// The levels that it has reached.
    reached: Option<usize>,
    target: usize,
    /// Counts runs, so that what was said of one that is over is not heard.
    run: u32,
    is_running: bool,
    began: f64,
    spent: u64,
    is_stopped: bool,
}

struct Clock {
    plan: Plan,
    problem: Problem,
    seed: u64,
    now: f64,
    events: BinaryHeap<Event>,
    count: u64,
    trials: BTreeMap<u32, Trial>,
    busy: f64,
}

/// Plays a study with so many workers.
///
/// # Errors
/// Why there is no such study.
pub(crate) fn time(problem: Problem, method: Method, workers: u32, trainings: u32, seed: u64) -> Result<Timed, String> {
    let plan = plan(problem, method, true, trainings, seed, workers)?;
    let mut clock = Clock {
        plan,
        problem,
        seed,
        now: 0.0,
        events: BinaryHeap::new(),
        count: 0,
        trials: BTreeMap::new(),
        busy: 0.0,
    };
    let mut history = History::default();
    let mut state = State::new(&clock.plan);
    let mut fresh: Vec<TrialResult> = Vec::new();
    let plan = clock.plan.clone();
    loop {
        loop {
            let decision = advance(&plan, &mut state, &fresh, 0);
            fresh.clear();
            if decision.actions.is_empty() {
                break;
            }
            for action in &decision.actions {
                clock.carry_out(action);
            }
            let number = history.batches.len() as u64 + 1;
            let settings = plan.settings().clone();
            history.next_number = state.next_number();
            history.batches.push(Batch { number, settings, admitted: Vec::new(), actions: decision.actions });
            if !decision.more {
                break;
            }
        }
        let Some(Reverse((at, _, number, run))) = clock.events.pop() else { break };
        clock.now = at as f64 / 1e9;
        fresh = clock.happens(number, run);
        history.open.extend(fresh.iter().cloned());
    }
    let incumbent = best(&plan, &history).and_then(|best| clock.trials.get(&best.number.0));
    let regret = incumbent.map_or(problem.regret_of_nothing(), |trial| problem.regret(&trial.parameters));
    Ok(Timed { makespan: clock.now, busy: clock.busy, regret })
}

impl Clock {
    fn stream(&self, number: u32, run: u32, what: u64) -> Stream {
        Stream::new(self.seed ^ what, Purpose::TrialSeed, u64::from(number) << 32 | u64::from(run))
    }

    fn after(&mut self, time: f64, number: u32, run: u32) {
        self.count += 1;
        let at = ((self.now + time) * 1e9) as u64;
        self.events.push(Reverse((at, self.count, number, run)));
    }

    fn carry_out(&mut self, action: &Action) {
        let number = action.number().0;
        match action {
            Action::Start { parameters, level, .. } => {
                let speed = (SPREAD * normal(&mut self.stream(number, 0, 0x73_7065_6564))).exp();
                let trial = Trial {
                    parameters: parameters.clone(),
                    speed,
                    reached: None,
                    target: *level,
                    run: 0,
                    is_running: false,
                    began: 0.0,
                    spent: 0,
                    is_stopped: false,
                };
                self.trials.insert(number, trial);
                self.begin(number);
            }
            Action::Continue { level, .. } => {
                let Some(trial) = self.trials.get_mut(&number) else { return };
                trial.target = trial.target.max(*level);
                if !trial.is_running && trial.reached < Some(trial.target) {
                    self.begin(number);
                }
            }
            Action::Stop { .. } => {
                let Some(trial) = self.trials.get_mut(&number) else { return };
                if trial.is_running {
                    // What is under way is not heard any more; the place is free after a while.
                    trial.is_stopped = true;
                    trial.run += 1;
                    let run = trial.run;
                    self.after(GRACE, number, run);
                }
            }
        }
    }

    fn begin(&mut self, number: u32) {
        let now = self.now;
        let Some(trial) = self.trials.get_mut(&number) else { return };
        trial.run += 1;
        trial.is_running = true;
        trial.began = now;
        let run = trial.run;
        let mut delay = self.step(number);
        let mut stream = self.stream(number, run, 0x7072_6565_6d70);
        if stream.uniform() < PREEMPTED {
            delay += GRACE + stream.uniform();
        }
        self.after(delay, number, run);
    }

    /// Time to the next level.
    fn step(&self, number: u32) -> f64 {
        let Some(trial) = self.trials.get(&number) else { return 0.0 };
        let next = trial.reached.map_or(0, |level| level + 1);
        let from = trial.reached.map_or(0, |level| self.plan.fidelity(level));
        f64::from(self.plan.fidelity(next) - from) * trial.speed
    }

    /// What becomes known when a run gets to its next level, fails on the way there, or has left its place.
    fn happens(&mut self, number: u32, run: u32) -> Vec<TrialResult> {
        let mut chance = self.stream(number, run, 0x6661_696c);
        let now = self.now;
        let Some(trial) = self.trials.get_mut(&number).filter(|trial| trial.run == run) else { return Vec::new() };
        let result = |kind| TrialResult { number: TrialNumber(number), kind };
        let level = trial.reached.map_or(0, |level| level + 1);
        // The chance is the run's, so that a run which fails does so before its first level.
        if trial.is_stopped || chance.uniform() < FAILS {
            self.busy += now - trial.began;
            trial.is_running = false;
            trial.run += 1;
            let outcome = if trial.is_stopped { Outcome::Stopped } else { Outcome::Failed };
            return vec![result(ResultKind::Ended { outcome, spent: trial.spent })];
        }
        let below = trial.reached.map_or(0, |level| self.plan.fidelity(level));
        trial.spent += u64::from(self.plan.fidelity(level) - below);
        trial.reached = Some(level);
        let value = self.problem.observe(&trial.parameters, self.plan.fidelity(level), self.seed, number);
        let mut results = vec![result(ResultKind::observed(level, Values::once(value)))];
        if level >= trial.target {
            self.busy += now - trial.began;
            trial.is_running = false;
            results.push(result(ResultKind::rested(level, trial.spent)));
        } else {
            let delay = self.step(number);
            self.after(delay, number, run);
        }
        results
    }
}
