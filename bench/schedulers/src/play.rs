//! One study in simulated time, with one worker: what is started reports at once.

use trimtab_engine::{
    Action, AshaForm, Assignment, Batch, FidelityKind, FidelityRange, Goal, History, Limits, Objective, Outcome, Plan,
    PlanSpec, Reduce, ResultKey, ResultKind, Sampler, Scheduler, Settings, Sizes, Space, TpeSettings, TrialResult,
    Values, advance, best,
};

use trimtab_engine::state::State;

use crate::problem::Problem;

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Random,
    Hyperband,
    Asha,
    AshaBrackets,
    Bohb,
    AshaBohb,
    Dehb,
    Tpe,
    Automatic,
    AutomaticHyperband,
}

impl Method {
    pub(crate) const ALL: [Self; 10] = [
        Self::Random,
        Self::Hyperband,
        Self::Asha,
        Self::AshaBrackets,
        Self::Bohb,
        Self::AshaBohb,
        Self::Dehb,
        Self::Tpe,
        Self::Automatic,
        Self::AutomaticHyperband,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Hyperband => "hyperband",
            Self::Asha => "asha",
            Self::AshaBrackets => "asha, four brackets",
            Self::Bohb => "bohb (hyperband)",
            Self::AshaBohb => "asha with bohb",
            Self::Dehb => "dehb",
            Self::Tpe => "tpe",
            Self::Automatic => "automatic",
            Self::AutomaticHyperband => "automatic (hyperband)",
        }
    }

    fn parts(self) -> (Sampler, Scheduler) {
        let hyperband = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        let asha_of = |brackets| Scheduler::Asha { reduction_factor: 3, brackets, form: AshaForm::Promotion };
        let asha = asha_of(1);
        match self {
            Self::Random => (Sampler::Random, Scheduler::None),
            Self::Hyperband => (Sampler::Random, hyperband),
            Self::Asha => (Sampler::Random, asha),
            Self::AshaBrackets => (Sampler::Random, asha_of(4)),
            Self::Bohb => (Sampler::Bohb, hyperband),
            Self::AshaBohb => (Sampler::Bohb, asha),
            Self::Dehb => (Sampler::Automatic, Scheduler::Dehb { reduction_factor: 3 }),
            Self::Tpe => (Sampler::Tpe(TpeSettings::default()), Scheduler::None),
            Self::Automatic => (Sampler::Automatic, Scheduler::None),
            Self::AutomaticHyperband => (Sampler::Automatic, hyperband),
        }
    }
}

/// What came of a study.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Played {
    /// How far the best configuration is from the optimum.
    pub(crate) regret: f64,
    /// How many trials were started.
    pub(crate) trials: u32,
}

/// What is searched.
pub(crate) struct Ground {
    /// What is measured.
    pub(crate) objective: Objective,
    /// The search space.
    pub(crate) space: Space,
    /// How far a trial trains.
    pub(crate) fidelity: FidelityRange,
    /// What must hold of a configuration.
    pub(crate) constraints: Vec<String>,
}

/// The study of a method on a problem that ends when so many full trainings are spent.
///
/// # Errors
/// Why there is no such study.
pub(crate) fn plan(
    problem: Problem,
    method: Method,
    resumable: bool,
    trainings: u32,
    seed: u64,
    parallelism: u32,
) -> Result<Plan, String> {
    let objective = Objective { metric: "loss".to_owned(), goal: Goal::Minimize, reduce: Reduce::Last };
    let ground = Ground { objective, space: problem.space(), fidelity: problem.fidelity(), constraints: Vec::new() };
    study(ground, method, resumable, trainings, seed, parallelism)
}

/// The same anywhere.
///
/// # Errors
/// Why there is no such study.
pub(crate) fn study(
    ground: Ground,
    method: Method,
    resumable: bool,
    trainings: u32,
    seed: u64,
    parallelism: u32,
) -> Result<Plan, String> {
    let (sampler, scheduler) = method.parts();
    Plan::new(PlanSpec {
        objective: ground.objective,
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space: ground.space,
        constraints: ground.constraints,
        start_with: Vec::new(),
        fidelity: Some(ground.fidelity),
        kind: FidelityKind::Cumulative,
        sampler,
        scheduler,
        audit: 0.0,
        stopping: Vec::new(),
        resumable,
        seed,
        settings: Settings {
            parallelism,
            limits: Limits { full_trainings: Some(trainings), ..Limits::default() },
            target: None,
            suspend: false,
            start_with: 0,
        },
    })
    .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// A run that a study asks for.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Whose it is.
    pub(crate) number: u32,
    /// Its configuration.
    pub(crate) parameters: &'a Assignment,
    /// The fidelity that its trial had reached before.
    pub(crate) from: u32,
    /// The level's index that it runs to.
    pub(crate) level: usize,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Trained {
    /// The values at the levels that its trial has reached by now, from the lowest.
    pub(crate) values: Vec<Values>,
    /// Fidelity units that it paid.
    pub(crate) paid: u64,
    /// Whether it failed.
    pub(crate) failed: bool,
}

/// What a study left behind.
pub(crate) struct Driven {
    pub(crate) history: History,
    /// The configurations by number.
    pub(crate) parameters: Vec<Assignment>,
    /// Fidelity units paid, by number.
    pub(crate) spent: Vec<u64>,
}

/// Runs a study with one worker until it has nothing more to do, or until `train` wants no more.
pub(crate) fn drive(plan: &Plan, mut train: impl FnMut(&Run<'_>) -> Option<Trained>) -> Driven {
    let mut driven = Driven { history: History::default(), parameters: Vec::new(), spent: Vec::new() };
    let Driven { history, parameters, spent } = &mut driven;
    let mut state = State::new(plan);
    let mut reached: Vec<u32> = Vec::new();
    loop {
        let decision = advance(plan, &mut state, &history.open, 0);
        if decision.actions.is_empty() {
            return driven;
        }
        let keys: std::collections::BTreeSet<ResultKey> = decision.admitted.iter().map(TrialResult::key).collect();
        history.open.retain(|result| !keys.contains(&result.key()));
        let mut runs = Vec::new();
        for action in &decision.actions {
            match action {
                Action::Start { number, level, parameters: own, .. } => {
                    history.next_number = number.0 + 1;
                    parameters.push(own.clone());
                    spent.push(0);
                    reached.push(0);
                    runs.push((*number, *level));
                }
                Action::Continue { number, level, .. } => runs.push((*number, *level)),
                // It rests: it ends with the decision.
                Action::Stop { .. } => {}
            }
        }
        let number = history.batches.len() as u64 + 1;
        let settings = plan.settings().clone();
        history.batches.push(Batch { number, settings, admitted: decision.admitted, actions: decision.actions });
        for (number, level) in runs {
            let at = number.0 as usize;
            let (Some(own), Some(paid), Some(from)) = (parameters.get(at), spent.get_mut(at), reached.get_mut(at))
            else {
                continue;
            };
            let Some(trained) = train(&Run { number: number.0, parameters: own, from: *from, level }) else {
                return driven;
            };
            *paid += trained.paid;
            *from = plan.fidelity(level);
            let values = trained.values.into_iter().enumerate();
            let observed = values.map(|(level, values)| ResultKind::observed(level, values));
            let end = if trained.failed {
                ResultKind::Ended { outcome: Outcome::Failed, spent: *paid }
            } else {
                ResultKind::rested(level, *paid)
            };
            history.open.extend(observed.chain([end]).map(|kind| TrialResult { number, kind }));
        }
    }
}

/// Plays a study until so many full trainings are spent.
///
/// # Errors
/// Why there is no such study, or what it did that it must not.
pub(crate) fn play(
    problem: Problem,
    method: Method,
    resumable: bool,
    trainings: u32,
    seed: u64,
) -> Result<Played, String> {
    let plan = plan(problem, method, resumable, trainings, seed, 1)?;
    let Driven { history, parameters, spent } = drive(&plan, |run| {
        let observe = |level| problem.observe(run.parameters, plan.fidelity(level), seed, run.number);
        let fidelity = plan.fidelity(run.level);
        let paid = u64::from(if resumable { fidelity - run.from } else { fidelity });
        let values = (0..=run.level).map(|level| Values::once(observe(level))).collect();
        Some(Trained { values, paid, failed: false })
    });
    let total: u64 = spent.iter().sum();
    if total > u64::from(trainings) * u64::from(problem.fidelity().max) {
        return Err(format!("{total} were spent, more than the limit"));
    }
    let trials = history.next_number;
    let incumbent = best(&plan, &history).and_then(|best| parameters.get(best.number.0 as usize));
    Ok(Played { regret: incumbent.map_or(problem.regret_of_nothing(), |x| problem.regret(x)), trials })
}
