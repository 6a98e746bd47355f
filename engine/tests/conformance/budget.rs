//! A budget of full trainings, many workers and synchronous brackets: what is begun can be paid to its end, and nothing is held back
//! without need.
//!
//! The sums are made here once more, from actions and results alone: what a bracket may cost at most if nobody fails any more, and what it
//! was planned to cost.

use trimtab_engine::{
    Action, FidelityKind, FidelityRange, Outcome, Plan, ResultKind, Sampler, Scheduler, Sizes, TrialNumber,
    TrialResult, Values, Verdict, VerdictReason, advance, state::State,
};

use crate::cases::{continuous, study};
use crate::dice::Dice;

/// Studies for each line.
const STUDIES: u64 = 150;

/// What is known of a trial.
struct Member {
    bracket: u32,
    /// The rung of its bracket that it is on.
    rung: usize,
    target: usize,
    rested: Option<usize>,
    paid: u64,
    is_over: bool,
}

struct Study {
    plan: Plan,
    name: String,
    budget: u64,
    resumes: bool,
    is_dehb: bool,
    members: Vec<Member>,
    /// The brackets of which anybody on the first rung was judged.
    judged: Vec<u32>,
}

impl Study {
    fn fidelity(&self, level: usize) -> u64 {
        u64::from(self.plan.levels()[level])
    }

    /// Levels and sizes of a bracket's rungs.
    fn shape(&self, bracket: u32) -> Vec<(usize, u64)> {
        let shapes = self.plan.brackets();
        let rungs = shapes[bracket as usize % shapes.len()].rungs.iter();
        rungs.map(|rung| (rung.level, u64::from(rung.size))).collect()
    }

    /// Whether nobody is promoted there: each place is a trial of its own.
    fn is_bred(&self, bracket: u32) -> bool {
        self.is_dehb && bracket as usize >= self.plan.brackets().len()
    }

    /// What it costs to come to a rung.
    fn step(&self, bracket: u32, rung: usize) -> u64 {
        let shape = self.shape(bracket);
        let saved =
            if rung == 0 || !self.resumes || self.is_bred(bracket) { 0 } else { self.fidelity(shape[rung - 1].0) };
        self.fidelity(shape[rung].0) - saved
    }

    fn is_running(member: &Member) -> bool {
        !member.is_over && member.rested.is_none_or(|rested| rested < member.target)
    }

    fn running(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|&at| Self::is_running(&self.members[at])).collect()
    }

    /// What a running trial has still to pay.
    fn owed(&self, member: &Member) -> u64 {
        self.fidelity(member.target) - member.rested.filter(|_| self.resumes).map_or(0, |level| self.fidelity(level))
    }

    fn committed(&self) -> u64 {
        let owed = self.members.iter().filter(|member| Self::is_running(member)).map(|member| self.owed(member));
        self.members.iter().map(|member| member.paid).sum::<u64>() + owed.sum::<u64>()
    }

    fn newest(&self) -> Option<u32> {
        self.members.iter().map(|member| member.bracket).max()
    }

    fn count(&self, bracket: u32, is: impl Fn(&Member) -> bool) -> u64 {
        self.members.iter().filter(|member| member.bracket == bracket && is(member)).count() as u64
    }

    /// How many came to a rung: promoted ones to all below as well.
    fn came(&self, bracket: u32, rung: usize) -> u64 {
        let is_bred = self.is_bred(bracket);
        self.count(bracket, |member| if is_bred { member.rung == rung } else { member.rung >= rung })
    }

    /// How many places of a bracket's first rung are still to be taken.
    fn to_come(&self, bracket: u32) -> u64 {
        let is_open = self.newest() == Some(bracket) && !self.judged.contains(&bracket);
        if is_open { self.shape(bracket)[0].1.saturating_sub(self.came(bracket, 0)) } else { 0 }
    }

    fn is_unfinished(&self, bracket: u32) -> bool {
        let shape = self.shape(bracket);
        if self.is_bred(bracket) {
            return (0..shape.len()).any(|rung| self.came(bracket, rung) < shape[rung].1);
        }
        self.count(bracket, |member| !member.is_over && member.rung + 1 < shape.len()) > 0
    }

    fn unfinished(&self) -> Vec<u32> {
        (0..self.newest().map_or(0, |newest| newest + 1)).filter(|&bracket| self.is_unfinished(bracket)).collect()
    }

    /// What a bracket still costs if nobody fails any more: rung by rung, whoever can come lets the share of it pass that may.
    fn need(&self, bracket: u32) -> u64 {
        let shape = self.shape(bracket);
        if self.is_bred(bracket) {
            return self.planned(bracket);
        }
        let eta = u64::from(self.plan.reduction_factor());
        let mut coming = self.to_come(bracket);
        let mut need = coming * self.step(bracket, 0);
        for (rung, pair) in shape.windows(2).enumerate() {
            let all = self.came(bracket, rung) + coming;
            let kept = if all >= pair[0].1 { pair[1].1 } else { (all / eta).max(1) };
            let open = self.count(bracket, |member| member.rung == rung && !member.is_over) + coming;
            coming = kept.saturating_sub(self.came(bracket, rung + 1)).min(open);
            need += coming * self.step(bracket, rung + 1);
        }
        need
    }

    /// What is left of a bracket's plan.
    fn planned(&self, bracket: u32) -> u64 {
        let left = |(rung, (_, size)): (usize, (usize, u64))| {
            size.saturating_sub(self.came(bracket, rung)) * self.step(bracket, rung)
        };
        self.shape(bracket).into_iter().enumerate().map(left).sum()
    }

    /// Bracket and level of the next trial, whenever it starts; nobody runs, or only the first bracket that takes one counts.
    fn next(&self) -> (u32, usize) {
        let (first, newest) = (self.plan.brackets().len(), self.newest());
        let bred = (0..newest.map_or(0, |newest| newest + 1)).filter(|&bracket| self.is_bred(bracket));
        let place = |bracket: u32| {
            let shape = self.shape(bracket);
            let rung = (0..shape.len()).find(|&rung| self.came(bracket, rung) < shape[rung].1)?;
            let is_waiting = |member: &Member| member.rung + 1 == rung && Self::is_running(member);
            (self.count(bracket, is_waiting) == 0).then_some((bracket, shape[rung].0))
        };
        if let Some(bracket) = newest.filter(|&bracket| self.to_come(bracket) > 0 && !self.is_bred(bracket)) {
            return (bracket, self.shape(bracket)[0].0);
        }
        let begun = newest.map_or(0, |newest| newest + 1);
        let found = bred.filter_map(place).next().filter(|_| self.is_dehb && begun as usize > first);
        found.unwrap_or((begun, self.shape(begun)[0].0))
    }

    fn note(&mut self, action: &Action) {
        let at = action.number().0 as usize;
        match *action {
            Action::Start { bracket, level, .. } => {
                if self.newest().is_none_or(|newest| newest < bracket) {
                    self.check_begun(bracket);
                }
                let rung = self.shape(bracket).iter().position(|(of, _)| *of == level).expect("a rung of its bracket");
                self.members.push(Member { bracket, rung, target: level, rested: None, paid: 0, is_over: false });
            }
            Action::Continue { level, .. } => {
                let member = &mut self.members[at];
                if member.rung == 0 {
                    self.judged.push(member.bracket);
                }
                (member.rung, member.target) = (member.rung + 1, level);
            }
            Action::Stop { .. } => {
                let member = &mut self.members[at];
                if member.rung == 0 {
                    self.judged.push(member.bracket);
                }
                member.is_over = true;
            }
        }
    }

    /// A bracket begins beside unfinished ones only if the budget pays all of them to their end.
    fn check_begun(&self, bracket: u32) {
        let others: u64 = self.unfinished().into_iter().map(|other| self.need(other)).sum();
        if others == 0 || self.running().is_empty() {
            return;
        }
        let all = self.committed() + others + self.planned(bracket);
        assert!(all <= self.budget, "{}: bracket {bracket} begins, and all would cost {all}", self.name);
    }

    /// With a free slot the next trial of a bracket that has begun never waits, and where nobody failed a new bracket waits only if the
    /// budget does not pay all of them.
    fn check_held_back(&self, fails: bool) {
        let (bracket, level) = self.next();
        let is_new = self.newest().is_none_or(|newest| newest < bracket);
        let pays = self.committed() + self.fidelity(level) <= self.budget;
        assert!(is_new || !pays, "{}: bracket {bracket} has begun, and its next trial waits", self.name);
        let is_whole = |of: u32| self.came(of, 0) == self.shape(of)[0].1;
        if fails || !pays || !(0..bracket).all(is_whole) {
            return;
        }
        let others: u64 = self.unfinished().into_iter().map(|other| self.planned(other)).sum();
        let all = self.committed() + others + self.planned(bracket);
        assert!(others > 0 && all > self.budget, "{}: bracket {bracket} waits, and all would cost {all}", self.name);
    }

    /// At the end the budget does not pay the next trial.
    fn check_end(&self, verdict: Verdict) {
        let is_usable = verdict == Verdict::Complete(VerdictReason::FullTrainingsReached);
        assert!(is_usable || verdict == Verdict::Failed(VerdictReason::NoUsableTrial), "{}: {verdict:?}", self.name);
        let (bracket, level) = self.next();
        let left = self.budget - self.committed();
        assert!(left < self.fidelity(level), "{}: {left} is left, and bracket {bracket} has a place", self.name);
    }

    /// Lets one running trial come to its target, or fail on the way.
    fn progress(&mut self, dice: &mut Dice, fails: bool) -> Vec<TrialResult> {
        let running = self.running();
        let at = running[dice.below(running.len())];
        let owed = self.owed(&self.members[at]);
        let number = TrialNumber(u32::try_from(at).expect("few trials"));
        let member = &mut self.members[at];
        if fails && dice.chance(12) {
            (member.is_over, member.paid) = (true, member.paid + dice.below(owed as usize + 1) as u64);
            let outcome = if dice.chance(80) { Outcome::Failed } else { Outcome::Lost };
            return vec![TrialResult { number, kind: ResultKind::Ended { outcome, spent: member.paid } }];
        }
        let level = member.target;
        (member.paid, member.rested) = (member.paid + owed, Some(level));
        let value = if fails && dice.chance(10) { f64::NAN } else { dice.below(1_000) as f64 };
        let kinds = [ResultKind::observed(level, Values::once(value)), ResultKind::rested(level, member.paid)];
        kinds.map(|kind| TrialResult { number, kind }).into()
    }
}

fn play(seed: u64, scheduler: Scheduler, fails: bool) -> Study {
    let is_dehb = matches!(scheduler, Scheduler::Dehb { .. });
    // DEHB proposes by itself.
    let sampler = if is_dehb { Sampler::Automatic } else { Sampler::Random };
    let (plan, _) = study(seed, sampler, scheduler, continuous());
    let mut dice = Dice(seed ^ 0xB0D6_E700);
    let mut spec = plan.spec().clone();
    spec.start_with.clear();
    spec.constraints.clear();
    spec.fidelity = Some(FidelityRange { min: 1, max: [8, 9, 27, 30][dice.below(4)] });
    spec.settings.parallelism = [2, 8, 40, 300][dice.below(4)];
    spec.settings.start_with = 0;
    spec.settings.target = None;
    spec.settings.limits = trimtab_engine::Limits {
        full_trainings: Some(1 + u32::try_from(dice.below(40)).expect("a small number")),
        ..trimtab_engine::Limits::default()
    };
    let resumes = match spec.kind {
        FidelityKind::Cumulative => spec.resumable,
        FidelityKind::Fresh => false,
        FidelityKind::Repeat => true,
    };
    let plan = Plan::new(spec).expect("a valid study");
    let limits = &plan.settings().limits;
    let budget = u64::from(limits.full_trainings.unwrap_or(0)) * u64::from(plan.levels()[plan.top_level()]);
    let name = format!("seed {seed} {scheduler:?} budget {budget} workers {}", plan.settings().parallelism);
    let mut state = State::new(&plan);
    let mut study = Study { plan, name, budget, resumes, is_dehb, members: Vec::new(), judged: Vec::new() };
    let mut mail = Vec::new();
    for _ in 0..20_000 {
        let decision = advance(&study.plan, &mut state, &std::mem::take(&mut mail), 0);
        decision.actions.iter().for_each(|action| study.note(action));
        let running = study.running().len();
        assert!(study.committed() <= study.budget, "{}: more is committed than there is", study.name);
        if decision.more {
            continue;
        }
        if running == 0 {
            study.check_end(decision.verdict);
            return study;
        }
        if running < study.plan.settings().parallelism as usize {
            study.check_held_back(fails);
        }
        for _ in 0..=dice.below(running.min(9)) {
            if !study.running().is_empty() {
                mail.extend(study.progress(&mut dice, fails));
            }
        }
    }
    panic!("{} does not end", study.name);
}

fn run(scheduler: Scheduler) {
    let played: Vec<Study> = (0..STUDIES).map(|seed| play(seed, scheduler, seed.is_multiple_of(2))).collect();
    // Both sides of the rule are seen: several brackets side by side, and budgets that pay no second one.
    assert!(played.iter().filter(|study| study.newest() > Some(1)).count() > 20);
}

#[test]
fn budget_pays_halving_to_its_end() {
    run(Scheduler::SuccessiveHalving { reduction_factor: 2, configurations: Some(11), run_through: false });
}

#[test]
fn budget_pays_hyperband_to_its_end() {
    run(Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false });
    run(Scheduler::Hyperband { reduction_factor: 2, sizes: Sizes::Hpbandster, run_through: false });
}

#[test]
fn budget_pays_dehb_to_its_end() {
    run(Scheduler::Dehb { reduction_factor: 3 });
    run(Scheduler::Dehb { reduction_factor: 2 });
}
