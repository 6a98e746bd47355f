//! The toy of population based training (Jaderberg et al., arXiv 1711.09846, section 4.1): what is to be made large is
//! 1.2 - (a^2 + b^2), and each member climbs 1.2 - (h0 a^2 + h1 b^2) instead, from (0.9, 0.9). With (1, 0) or (0, 1) for ever it ends
//! at 0.39; the two together, with copies, come to 1.2.

use std::collections::BTreeMap;

use trimtab_engine::state::State;
use trimtab_engine::{
    Action, Assignment, Domain, Exploit, FidelityKind, FidelityRange, Goal, Limits, Objective, Parameter, Plan,
    PlanSpec, Reduce, ResultKind, Sampler, Scale, Scheduler, Settings, Space, TrialNumber, TrialResult, Value, Values,
    advance,
};

/// What counts as solved.
const SOLVED: f64 = 1.19;

/// How far a step goes along the gradient.
const RATE: f64 = 0.02;

/// Plays every way of being replaced over so many seeds, and prints a line for each.
pub(crate) fn measure(seeds: u64) -> Result<(), String> {
    let halves = Exploit::Truncation { percent: 50 };
    let cases = [("truncation", halves, 25), ("truncation, never drawn anew", halves, 0)];
    let cases = cases.into_iter().chain([("tournament", Exploit::Tournament, 25), ("alone", halves, 25)]);
    for (name, exploit, resample_percent) in cases {
        let mut steps = Vec::new();
        let mut best = Vec::new();
        for seed in 0..seeds {
            let (solved, value) = play(&plan(exploit, resample_percent, name == "alone", seed)?);
            steps.extend(solved);
            best.push(value);
        }
        steps.sort_unstable();
        best.sort_by(f64::total_cmp);
        let median = steps.get(steps.len() / 2).map_or("null".to_owned(), u32::to_string);
        println!(
            "{{\"toy\": \"{name}\", \"solved\": {}, \"seeds\": {seeds}, \"medianStepsTo{SOLVED}\": {median}, \"leastValue\": {:.4}, \"medianValue\": {:.4}}}",
            steps.len(),
            best.first().copied().unwrap_or(f64::NAN),
            best.get(best.len() / 2).copied().unwrap_or(f64::NAN),
        );
    }
    Ok(())
}

/// Two members, judged every fourth of 200 steps. Alone they have no place for a copy.
fn plan(exploit: Exploit, resample_percent: u32, alone: bool, seed: u64) -> Result<Plan, String> {
    let weight = |name: &str| Parameter {
        name: name.to_owned(),
        domain: Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear },
        when: Vec::new(),
    };
    let point = |a: &str, b: &str| vec![("h0".to_owned(), a.to_owned()), ("h1".to_owned(), b.to_owned())];
    let spec = PlanSpec {
        objective: Objective { metric: "value".to_owned(), goal: Goal::Maximize, reduce: Reduce::Last },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space: Space { parameters: vec![weight("h0"), weight("h1")] },
        constraints: Vec::new(),
        start_with: vec![point("1", "0"), point("0", "1")],
        fidelity: Some(FidelityRange { min: 4, max: 200 }),
        kind: FidelityKind::Cumulative,
        sampler: Sampler::Automatic,
        scheduler: Scheduler::PopulationBased { population: 2, interval: 4, exploit, resample_percent },
        audit: 0.0,
        stopping: Vec::new(),
        resumable: true,
        seed,
        settings: Settings {
            parallelism: 2,
            limits: Limits { trials: alone.then_some(2), ..Limits::default() },
            target: None,
            suspend: false,
            start_with: 2,
        },
    };
    Plan::new(spec).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// Plays a study; how many steps all members together had made when it was solved, if it was, and the best value.
fn play(plan: &Plan) -> (Option<u32>, f64) {
    let mut state = State::new(plan);
    let mut open: Vec<TrialResult> = Vec::new();
    // What each trial had at each level, and by which weights it climbs.
    let mut held: BTreeMap<(u32, usize), [f64; 2]> = BTreeMap::new();
    let mut weights: BTreeMap<u32, [f64; 2]> = BTreeMap::new();
    let (mut best, mut steps, mut solved) = (f64::NEG_INFINITY, 0, None);
    loop {
        let decision = advance(plan, &mut state, &open, 0);
        open.clear();
        if decision.actions.is_empty() {
            return (solved, best);
        }
        for action in &decision.actions {
            let (number, level, from) = match action {
                Action::Start { number, level, from, parameters, .. } => {
                    weights.insert(number.0, [weight(parameters, "h0"), weight(parameters, "h1")]);
                    (number.0, *level, from.map(|from| (from.donor.0, from.level)))
                }
                Action::Continue { number, level, cleared, .. } => (number.0, *level, Some((number.0, *cleared))),
                Action::Stop { .. } => continue,
            };
            let mut at = from.and_then(|from| held.get(&from).copied()).unwrap_or([0.9; 2]);
            let own = weights.get(&number).copied().unwrap_or_default();
            let begun = from.map_or(0, |(_, level)| plan.fidelity(level));
            for _ in begun..plan.fidelity(level) {
                for (x, h) in at.iter_mut().zip(own) {
                    *x -= RATE * 2.0 * h * *x;
                }
                steps += 1;
            }
            held.insert((number, level), at);
            let value = 1.2 - at.iter().map(|x| x * x).sum::<f64>();
            best = best.max(value);
            if solved.is_none() && best >= SOLVED {
                solved = Some(steps);
            }
            let number = TrialNumber(number);
            let kinds = [ResultKind::observed(level, Values::once(value)), ResultKind::rested(level, 0)];
            open.extend(kinds.map(|kind| TrialResult { number, kind }));
        }
    }
}

fn weight(parameters: &Assignment, name: &str) -> f64 {
    match parameters.get(name) {
        Some(Value::Float(x)) => *x,
        _ => f64::NAN,
    }
}
