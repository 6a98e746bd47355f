//! How long a decision takes on a study of 10,000 trials, when one result is new.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use trimtab_engine::random::{Purpose, Stream};
use trimtab_engine::state::State;
use trimtab_engine::{
    Action, AshaForm, Domain, Exploit, FidelityKind, FidelityRange, Goal, Limits, Objective, Outcome, Parameter, Plan,
    PlanSpec, Reduce, ResultKind, Sampler, Scale, Scheduler, Settings, Sizes, Space, StoppingRule, TrialNumber,
    TrialResult, Values, advance,
};

const TRIALS: u32 = 10_000;

fn cases() -> Vec<(&'static str, Scheduler, Vec<StoppingRule>)> {
    let asha = |form| Scheduler::Asha { reduction_factor: 3, brackets: 1, form };
    let hyperband = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
    let exploit = Exploit::Truncation { percent: 50 };
    let population = Scheduler::PopulationBased { population: 1_000, interval: 1, exploit, resample_percent: 25 };
    let halving = Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: Some(8_000), run_through: false };
    let rules = vec![
        StoppingRule::Median { trials: 5, warm_up: 3 },
        StoppingRule::Percentile { percent: 50, trials: 5, warm_up: 3 },
        StoppingRule::Patience { fidelity: 9, delta: 0.0, warm_up: 0 },
    ];
    vec![
        ("successiveHalving", halving, Vec::new()),
        ("hyperband", hyperband, Vec::new()),
        ("asha Promotion", asha(AshaForm::Promotion), Vec::new()),
        ("asha Stopping", asha(AshaForm::Stopping), Vec::new()),
        ("dehb", Scheduler::Dehb { reduction_factor: 3 }, Vec::new()),
        ("populationBased", population, Vec::new()),
        ("median, percentile, patience", Scheduler::None, rules),
    ]
}

fn plan(scheduler: Scheduler, stopping: Vec<StoppingRule>) -> Result<Plan, String> {
    let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
    let parameters =
        (0..8).map(|i| Parameter { name: format!("p{i}"), domain: domain.clone(), when: Vec::new() }).collect();
    Plan::new(PlanSpec {
        objective: Objective { metric: "loss".to_owned(), goal: Goal::Minimize, reduce: Reduce::Last },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space: Space { parameters },
        constraints: Vec::new(),
        start_with: Vec::new(),
        fidelity: Some(FidelityRange { min: 1, max: 27 }),
        kind: FidelityKind::Cumulative,
        sampler: if matches!(scheduler, Scheduler::Dehb { .. }) { Sampler::Automatic } else { Sampler::Random },
        scheduler,
        audit: 0.0,
        stopping,
        resumable: true,
        seed: 3,
        settings: Settings {
            parallelism: 64,
            limits: Limits { trials: Some(TRIALS + 1_000), ..Limits::default() },
            target: None,
            suspend: false,
            start_with: 0,
        },
    })
    .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// Measures every scheduler, and prints a line for each.
pub(crate) fn measure() -> Result<(), String> {
    for (name, scheduler, stopping) in cases() {
        let plan = plan(scheduler, stopping)?;
        let mut times = late_decisions(&plan);
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len() as f64 * share) as usize;
            times.get(index.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        println!(
            "{{\"decision\": \"{name}\", \"trials\": {TRIALS}, \"decisions\": {}, \"p50Milliseconds\": {:.4}, \
             \"p99Milliseconds\": {:.4}, \"largestMilliseconds\": {:.4}}}",
            times.len(),
            at(0.5),
            at(0.99),
            at(1.0),
        );
    }
    Ok(())
}

/// The times of the decisions on one new level of one trial each, once so many trials were started.
fn late_decisions(plan: &Plan) -> Vec<Duration> {
    let mut state = State::new(plan);
    let mut stream = Stream::new(1, Purpose::TrialSeed, 0);
    // Where each running trial is, and where it runs to.
    let mut running: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    let mut open: Vec<TrialResult> = Vec::new();
    let mut times = Vec::new();
    loop {
        let begun = Instant::now();
        let decision = advance(plan, &mut state, &open, 0);
        if state.trials().len() >= TRIALS as usize {
            times.push(begun.elapsed());
        }
        open.clear();
        for action in &decision.actions {
            let number = action.number();
            match action {
                Action::Start { level, from, .. } => {
                    running.insert(number.0, (from.map_or(0, |from| from.level + 1), *level));
                }
                Action::Continue { level, cleared, .. } => {
                    running.entry(number.0).and_modify(|at| at.1 = at.1.max(*level)).or_insert((cleared + 1, *level));
                }
                Action::Stop { .. } => {
                    if running.remove(&number.0).is_some() {
                        let kind = ResultKind::Ended { outcome: Outcome::Stopped, spent: 1 };
                        open.push(TrialResult { number, kind });
                    }
                }
            }
        }
        let nth = usize::try_from(stream.below(running.len() as u64)).unwrap_or(0);
        let Some((&number, &(level, target))) = running.iter().nth(nth) else {
            // A batch may have been full of stops; what else it decides comes with the next one.
            if decision.more || !open.is_empty() {
                continue;
            }
            return times;
        };
        let value = stream.uniform() + f64::from(number.wrapping_mul(2_654_435_761) % 97) / 97.0;
        let kind = ResultKind::observed(level, Values::once(value));
        open.push(TrialResult { number: TrialNumber(number), kind });
        if level >= target {
            running.remove(&number);
            let spent = u64::from(plan.fidelity(level));
            open.push(TrialResult { number: TrialNumber(number), kind: ResultKind::rested(level, spent) });
        } else {
            running.insert(number, (level + 1, target));
        }
        if times.len() >= 2_000 {
            return times;
        }
    }
}
