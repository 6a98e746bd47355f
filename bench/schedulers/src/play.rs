//! One study in simulated time, with one worker: what is started reports at once.

use trimtab_engine::{
    Action, AshaForm, Assignment, Batch, FidelityKind, Goal, History, Limits, Objective, Plan, PlanSpec, Reduce,
    ResultKey, ResultKind, Sampler, Scheduler, Settings, Sizes, TrialResult, Values, advance, best,
};

use trimtab_engine::state::State;

use crate::problem::Problem;

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Random,
    Hyperband,
    Asha,
    Bohb,
    AshaBohb,
    Dehb,
}

impl Method {
    pub(crate) const ALL: [Self; 6] =
        [Self::Random, Self::Hyperband, Self::Asha, Self::Bohb, Self::AshaBohb, Self::Dehb];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Hyperband => "hyperband",
            Self::Asha => "asha",
            Self::Bohb => "bohb (hyperband)",
            Self::AshaBohb => "asha with bohb",
            Self::Dehb => "dehb",
        }
    }

    fn parts(self) -> (Sampler, Scheduler) {
        let hyperband = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        let asha = Scheduler::Asha { reduction_factor: 3, brackets: 1, form: AshaForm::Promotion };
        match self {
            Self::Random => (Sampler::Random, Scheduler::None),
            Self::Hyperband => (Sampler::Random, hyperband),
            Self::Asha => (Sampler::Random, asha),
            Self::Bohb => (Sampler::Bohb, hyperband),
            Self::AshaBohb => (Sampler::Bohb, asha),
            Self::Dehb => (Sampler::Automatic, Scheduler::Dehb { reduction_factor: 3 }),
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
    let (sampler, scheduler) = method.parts();
    Plan::new(PlanSpec {
        objective: Objective { metric: "loss".to_owned(), goal: Goal::Minimize, reduce: Reduce::Last },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space: problem.space(),
        constraints: Vec::new(),
        start_with: Vec::new(),
        fidelity: Some(problem.fidelity()),
        kind: FidelityKind::Cumulative,
        sampler,
        scheduler,
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
    let mut history = History::default();
    let mut state = State::new(&plan);
    let mut parameters: Vec<Assignment> = Vec::new();
    let mut spent: Vec<u64> = Vec::new();
    let mut reached: Vec<usize> = Vec::new();
    loop {
        let decision = advance(&plan, &mut state, &history.open, 0);
        if decision.actions.is_empty() {
            break;
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
        for (number, target) in runs {
            let at = number.0 as usize;
            let fidelity = u64::from(plan.fidelity(target));
            let (Some(paid), Some(from)) = (spent.get_mut(at), reached.get_mut(at)) else { continue };
            *paid += if resumable { fidelity - *from as u64 } else { fidelity };
            *from = usize::try_from(fidelity).unwrap_or(usize::MAX);
            let Some(x) = parameters.get(at) else { continue };
            for level in 0..=target {
                let value = problem.observe(x, plan.fidelity(level), seed, number.0);
                let kind = ResultKind::observed(level, Values::once(value));
                history.open.push(TrialResult { number, kind });
            }
            history.open.push(TrialResult { number, kind: ResultKind::Rested { level: target, spent: *paid } });
        }
    }
    let total: u64 = spent.iter().sum();
    if total > u64::from(trainings) * u64::from(problem.fidelity().max) {
        return Err(format!("{total} were spent, more than the limit"));
    }
    let trials = history.next_number;
    let incumbent = best(&plan, &history).and_then(|best| parameters.get(best.number.0 as usize));
    Ok(Played { regret: incumbent.map_or(problem.regret_of_nothing(), |x| problem.regret(x)), trials })
}
