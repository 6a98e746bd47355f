//! A simulated cluster: it carries out a study's actions and reports what comes of them.

use std::collections::{BTreeMap, BTreeSet};

use trimtab_engine::{
    Action, Batch, FidelityKind, Gradient, Held, History, Imported, Others, Outcome, Plan, ResultKey, ResultKind,
    Sampler, Settings, TrialNumber, TrialResult, Values, Verdict, advance, best, decide,
    state::{Shown, State},
    verify::Finding,
};

use crate::dice::Dice;
use crate::laws;

/// One trial, as it really is.
struct Pod {
    target: usize,
    /// The level reached by the run, none at its beginning.
    reached: Option<usize>,
    running: bool,
    dead: bool,
    paid: u64,
    /// What tells its values: a few different ones, so that there are ties.
    quality: u64,
}

pub(crate) struct World {
    plan: Plan,
    history: History,
    /// The same as the history, folded as it grew.
    memo: State<'static>,
    /// The same again, as a session holds it.
    held: Held,
    dice: Dice,
    pods: BTreeMap<u32, Pod>,
    /// Results on their way.
    mail: Vec<TrialResult>,
    /// While it lasts, faults happen and settings change.
    chaos: usize,
    deletes: bool,
    deleted: BTreeSet<u32>,
    /// Whether spending was ever bounded lower than before, so that the bound may be exceeded.
    lowered: bool,
    name: String,
}

impl World {
    pub(crate) fn new(plan: Plan, mut dice: Dice, seed: u64) -> Self {
        let spec = plan.spec();
        let name = format!("seed {seed} {:?} {:?} {:?}", spec.sampler, spec.scheduler, spec.kind);
        let chaos = dice.below(250);
        let deletes = dice.chance(30);
        let history = History { imported: imported(&plan, seed), ..History::default() };
        Self {
            memo: State::begin(&plan, &history.imported).into_owned(),
            held: Held::new(&plan, &history),
            plan,
            history,
            dice,
            pods: BTreeMap::new(),
            mail: Vec::new(),
            chaos,
            deletes,
            deleted: BTreeSet::new(),
            lowered: false,
            name,
        }
    }

    /// Runs the study to its verdict, and returns its log.
    pub(crate) fn run(mut self) -> (Plan, History) {
        for step in 0..20_000 {
            if self.chaos > 0 {
                self.chaos -= 1;
                self.meddle();
            } else if self.plan.settings().suspend {
                self.set(|settings| settings.suspend = false);
            }
            for _ in 0..=self.dice.below(4) {
                self.progress();
            }
            self.deliver();
            self.history.active_seconds += u64::from(!self.plan.settings().suspend);
            let running = self.pods.values().filter(|pod| pod.running).count();
            let used = self.history.resource_hours.first().map_or(0.0, |(_, hours)| *hours) + 0.25 * running as f64;
            self.history.resource_hours = vec![("gpu".to_owned(), used)];
            if !self.dice.chance(70) {
                continue;
            }
            let (verdict, acted) = self.decide();
            // A verdict is final when nothing is on its way that could change it.
            if self.chaos == 0 && self.mail.is_empty() && verdict != Verdict::Running {
                return self.finish(verdict);
            }
            let idle = !acted && self.mail.is_empty() && self.pods.values().all(|pod| !pod.running);
            assert!(
                !(idle && self.chaos == 0 && !self.plan.settings().suspend),
                "ends: {} stalls at step {step}",
                self.name
            );
        }
        panic!("ends: {} does not end", self.name);
    }

    fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.plan.settings().clone();
        change(&mut settings);
        self.plan = self.plan.with_settings(settings);
    }

    /// Changes settings and deletes trials.
    fn meddle(&mut self) {
        if self.dice.chance(3) {
            let parallelism = 1 + u32::try_from(self.dice.below(12)).unwrap();
            self.set(|settings| settings.parallelism = parallelism);
        }
        if self.dice.chance(3) {
            let trials = 1 + u32::try_from(self.dice.below(50)).unwrap();
            self.set(|settings| settings.limits.trials = settings.limits.trials.map(|_| trials));
        }
        if self.dice.chance(3) {
            let all = u32::try_from(self.plan.spec().start_with.len()).unwrap();
            self.set(|settings| settings.start_with = (settings.start_with + 1).min(all));
        }
        if self.dice.chance(2) {
            let trainings = 1 + u32::try_from(self.dice.below(20)).unwrap();
            let before = self.plan.settings().limits.full_trainings;
            self.lowered |= before.is_some_and(|before| trainings < before);
            self.set(|settings| settings.limits.full_trainings = before.map(|_| trainings));
        }
        if self.dice.chance(if self.plan.settings().suspend { 30 } else { 2 }) {
            self.set(|settings| settings.suspend = !settings.suspend);
        }
        if self.deletes && self.dice.chance(3) && !self.pods.is_empty() {
            let numbers: Vec<u32> = self.pods.keys().copied().collect();
            let at = self.dice.below(numbers.len());
            self.delete(numbers[at]);
        }
    }

    /// Deletes a trial with everything that it had on record.
    fn delete(&mut self, number: u32) {
        let number = TrialNumber(number);
        self.pods.remove(&number.0);
        self.mail.retain(|result| result.number != number);
        self.history.open.retain(|result| result.number != number);
        for batch in &mut self.history.batches {
            batch.admitted.retain(|result| result.number != number);
            batch.actions.retain(|action| action.number() != number);
        }
        self.deleted.insert(number.0);
    }

    /// Lets one running trial get on by a level, or fail.
    fn progress(&mut self) {
        let running: Vec<u32> = self.pods.iter().filter(|(_, pod)| pod.running).map(|(&n, _)| n).collect();
        if running.is_empty() || self.plan.settings().suspend {
            return;
        }
        let number = running[self.dice.below(running.len())];
        let top = self.plan.top_level();
        let faulty = self.chaos > 0 || self.dice.chance(50);
        let (fails, lost) = (faulty && self.dice.chance(4), faulty && self.dice.chance(1));
        let (breaks, converges) = (faulty && self.dice.chance(4), self.dice.chance(3));
        let Some(pod) = self.pods.get_mut(&number) else { return };
        if fails || lost {
            pod.running = false;
            pod.dead = true;
            let outcome = if fails { Outcome::Failed } else { Outcome::Lost };
            let kind = ResultKind::Ended { outcome, spent: pod.paid };
            self.mail.push(TrialResult { number: TrialNumber(number), kind });
            return;
        }
        let fidelity = |level: usize| u64::from(self.plan.fidelity(level));
        let kind = self.plan.spec().kind;
        let (level, from) = match kind {
            FidelityKind::Fresh => (pod.target, None),
            FidelityKind::Cumulative | FidelityKind::Repeat => (pod.reached.map_or(0, |level| level + 1), pod.reached),
        };
        pod.paid += fidelity(level) - from.map_or(0, fidelity);
        let value = match (breaks, pod.quality % 3) {
            (true, 0) => f64::NAN,
            (true, 1) => f64::INFINITY,
            (true, _) => f64::NEG_INFINITY,
            // Ranks cross between levels, and ties are common.
            (false, _) => ((pod.quality >> (level % 8)) % 11) as f64 / 10.0 - 0.2,
        };
        let values = Values { last: value, best: value + 0.01, mean: value / 2.0, count: 3 };
        let reach = if converges && kind == FidelityKind::Cumulative { top } else { level };
        let quality = pod.quality;
        let others = |level: usize| {
            let further = self.plan.spec().further.len();
            let objectives = (0..further).map(|k| ((quality >> (3 + 5 * k + level % 4)) % 7) as f64 / 7.0);
            // Two in five break their bound, which is 2.
            let bounds = self.plan.spec().bounds.iter().zip(0..).map(|(_, k)| ((quality >> (20 + 3 * k)) % 5) as f64);
            let mut others: Vec<f64> = objectives.chain(bounds).collect();
            if let Some(last) = others.last_mut().filter(|_| breaks && quality % 2 == 0) {
                *last = f64::NAN;
            }
            Others(others)
        };
        for level in level..=reach {
            let kind = ResultKind::Observed { level, values, others: others(level) };
            self.mail.push(TrialResult { number: TrialNumber(number), kind });
        }
        pod.reached = Some(reach);
        if reach >= pod.target {
            pod.running = false;
            let gradient = gradient(&self.plan, quality);
            let kind = ResultKind::Rested { level: reach, spent: pod.paid, gradient };
            self.mail.push(TrialResult { number: TrialNumber(number), kind });
        }
    }

    /// Brings some of the mail, in any order, some of it twice.
    fn deliver(&mut self) {
        self.dice.shuffle(&mut self.mail);
        let mut kept = Vec::new();
        for result in std::mem::take(&mut self.mail) {
            if self.dice.chance(60) {
                self.history.open.push(result.clone());
                if self.dice.chance(10) {
                    kept.push(result);
                }
            } else {
                kept.push(result);
            }
        }
        self.mail = kept;
        if self.dice.chance(5) {
            // Nonsense must change nothing and break nothing.
            let number = TrialNumber(100_000);
            let kind = ResultKind::Ended { outcome: Outcome::Failed, spent: u64::MAX };
            self.history.open.push(TrialResult { number, kind });
            let kind = ResultKind::observed(64, Values::once(-9.0));
            self.history.open.push(TrialResult { number: TrialNumber(0), kind });
        }
    }

    fn decide(&mut self) -> (Verdict, bool) {
        let decision = decide(&self.plan, &self.history);
        laws::check(&self.plan, &self.history, &decision, &self.deleted, &mut self.dice, &self.name);
        let mut memo = self.memo.clone();
        memo.set_resource_hours(&self.history.resource_hours);
        let quick = advance(&self.plan, &mut memo, &self.history.open, self.history.active_seconds);
        assert!(quick == decision || !self.deleted.is_empty(), "replay: {}: with a memo: {quick:?}", self.name);
        if !self.deleted.is_empty() {
            self.held = Held::new(&self.plan, &self.history);
        }
        let held = self.held.decide(&self.plan, &self.history);
        assert_eq!(held, decision, "replay: {}: held", self.name);
        if !decision.actions.is_empty() {
            self.memo = memo;
        }
        if decision.actions.is_empty() {
            return (decision.verdict, false);
        }
        let batch = Batch {
            number: self.history.batches.last().map_or(0, |batch| batch.number) + 1,
            settings: self.plan.settings().clone(),
            admitted: decision.admitted,
            actions: decision.actions,
        };
        let keys: BTreeSet<ResultKey> = batch.admitted.iter().map(TrialResult::key).collect();
        self.history.open.retain(|result| !keys.contains(&result.key()));
        for action in &batch.actions {
            self.carry_out(action);
        }
        self.history.batches.push(batch);
        (decision.verdict, true)
    }

    fn carry_out(&mut self, action: &Action) {
        let number = action.number();
        match action {
            Action::Start { level, from, .. } => {
                self.history.next_number = number.0 + 1;
                let quality = self.dice.word();
                // A copy has what its donor had.
                let reached = from.map(|from| from.level);
                let pod = Pod { target: *level, reached, running: true, dead: false, paid: 0, quality };
                self.pods.insert(number.0, pod);
            }
            Action::Continue { level, .. } => {
                let resumes = self.plan.resumes();
                let Some(pod) = self.pods.get_mut(&number.0).filter(|pod| !pod.dead) else { return };
                pod.target = pod.target.max(*level);
                if !pod.running && pod.reached.is_none_or(|reached| reached < pod.target) {
                    pod.running = true;
                    if !resumes {
                        pod.reached = None;
                    }
                }
            }
            Action::Stop { .. } => {
                let Some(pod) = self.pods.get_mut(&number.0).filter(|pod| !pod.dead) else { return };
                pod.running = false;
                pod.dead = true;
                let kind = ResultKind::Ended { outcome: Outcome::Stopped, spent: pod.paid };
                self.mail.push(TrialResult { number, kind });
            }
        }
    }

    fn finish(self, verdict: Verdict) -> (Plan, History) {
        let name = &self.name;
        let findings = trimtab_engine::verify::verify(&self.plan, &self.history);
        for finding in &findings {
            let is_excused = matches!(finding, Finding::Unverifiable { .. }) && !self.deleted.is_empty();
            assert!(is_excused, "verify: {name}: {finding:?}");
        }
        if self.deleted.is_empty() {
            laws::check_judged(&self.plan, &self.history, verdict, name);
        }
        laws::check_end(&self.plan, &self.history, verdict, best(&self.plan, &self.history), name);
        if let Some(limit) =
            self.plan.settings().limits.full_trainings.filter(|_| !self.lowered && self.deleted.is_empty())
        {
            let paid: u64 = self.pods.values().map(|pod| pod.paid).sum();
            let budget = u64::from(limit) * u64::from(self.plan.fidelity(self.plan.top_level()));
            assert!(paid <= budget, "caps: {name} paid {paid} of {budget}");
        }
        (self.plan, self.history)
    }
}

/// What a study begins with: every third study has trials of an earlier one, at all levels, some failed and some no numbers.
fn imported(plan: &Plan, seed: u64) -> Vec<Imported> {
    // Dice of their own, so that the rest of a study does not depend on them.
    let mut dice = Dice(seed ^ 0x1A7E_57A7);
    let count = if seed % 3 == 2 { dice.below(40) } else { 0 };
    let space = &plan.spec().space;
    let mut trial = |_| {
        let point: Vec<f64> = space.parameters.iter().map(|_| dice.below(1_000) as f64 / 1_000.0).collect();
        let value = [f64::NAN, f64::NEG_INFINITY].get(dice.below(20)).copied().unwrap_or(dice.below(50) as f64 / 50.0);
        let others = plan.spec().decisive().skip(1).map(|_| dice.below(5) as f64).collect();
        let level = dice.below(plan.levels().len());
        let shown = Shown { level, values: Values::once(value), others: Others(others) };
        Imported { parameters: space.at(&point), shown: dice.chance(85).then_some(shown) }
    };
    (0..count).map(&mut trial).collect()
}

/// What a trial of this quality says of slopes, where somebody asks: mostly something, sometimes what no slope is.
fn gradient(plan: &Plan, quality: u64) -> Gradient {
    if plan.spec().sampler != Sampler::Gradient || quality.is_multiple_of(7) {
        return Gradient::default();
    }
    let slope = |place: usize| match (quality >> (11 + 4 * place as u64)) % 16 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => -1e308,
        3 => 5e-324,
        roll => roll as f64 / 8.0 - 1.0,
    };
    Gradient((0..plan.spec().space.parameters.len()).map(slope).collect())
}
