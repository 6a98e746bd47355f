//! A decision on a large study must stay cheap. The bounds are generous: they catch quadratic growth, not slow machines.

#![expect(clippy::disallowed_types, clippy::unwrap_used, reason = "a test may look at the clock, and panic")]

use std::time::{Duration, Instant};

use trimtab_engine::{
    Domain, FidelityKind, FidelityRange, Goal, History, Limits, Objective, Parameter, Plan, PlanSpec, Reduce,
    ResultKind, Sampler, Scale, Scheduler, Settings, Space, TrialNumber, TrialResult, Values, decide,
    decide::MAX_ACTIONS,
};

fn plan(scheduler: Scheduler, trials: u32) -> Plan {
    let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
    let parameters =
        (0..8).map(|i| Parameter { name: format!("p{i}"), domain: domain.clone(), when: Vec::new() }).collect();
    Plan::new(PlanSpec {
        objective: Objective { metric: "loss".to_owned(), goal: Goal::Minimize, reduce: Reduce::Last },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space: Space { parameters },
        fidelity: Some(FidelityRange { min: 1, max: 27 }),
        kind: FidelityKind::Cumulative,
        constraints: Vec::new(),
        start_with: Vec::new(),
        sampler: Sampler::Random,
        scheduler,
        audit: 0.0,
        stopping: Vec::new(),
        resumable: true,
        seed: 3,
        settings: Settings {
            parallelism: 1_000_000,
            limits: Limits { trials: Some(trials), ..Limits::default() },
            target: None,
            suspend: false,
            start_with: 0,
        },
    })
    .unwrap()
}

/// Runs a study of 10,000 trials, and returns how long its slowest decisions took.
fn run(scheduler: Scheduler) -> (usize, Vec<Duration>) {
    let plan = plan(scheduler, 10_000);
    let mut history = History::default();
    let mut times = Vec::new();
    let mut actions = 0;
    // Only some decisions of the long run are made from the log, so that the test itself is not quadratic.
    while history.next_number < 10_000 {
        let number = history.next_number;
        let state = trimtab_engine::state::State::new(&plan);
        let proposal = trimtab_engine::samplers::propose(&plan, &state, number).unwrap();
        history.batches.push(trimtab_engine::Batch {
            number: u64::from(number) + 1,
            settings: plan.settings().clone(),
            admitted: Vec::new(),
            actions: vec![trimtab_engine::Action::Start {
                number: TrialNumber(number),
                parameters: proposal.assignment,
                bracket: 0,
                level: 0,
                sampler: "random".to_owned(),
                note: proposal.note,
                from: None,
                reason: trimtab_engine::Reason::NewTrial,
            }],
        });
        history.next_number += 1;
    }
    for number in 0..10_000_u32 {
        let value = f64::from(number.wrapping_mul(2_654_435_761) % 10_007);
        let number = TrialNumber(number);
        history.open.push(TrialResult { number, kind: ResultKind::observed(0, Values::once(value)) });
        history.open.push(TrialResult { number, kind: ResultKind::rested(0, 1) });
    }
    for _ in 0..3 {
        let start = Instant::now();
        let decision = decide(&plan, &history);
        times.push(start.elapsed());
        actions += decision.actions.len();
    }
    (actions, times)
}

#[test]
fn decision_on_ten_thousand_trials_in_one_rung_is_quick() {
    let (actions, times) =
        run(Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: Some(10_000), run_through: false });
    assert_eq!(actions, 3 * MAX_ACTIONS);
    println!("{times:?}");
    assert!(times.iter().min().unwrap() < &Duration::from_secs(2), "{times:?}");
}
