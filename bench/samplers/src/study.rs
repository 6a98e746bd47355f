//! A study by ask and tell, through the engine's own decisions.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trimtab_engine::{
    Action, Assignment, Batch, FidelityKind, Goal, Gradient, History, Limits, Objective, Others, Plan, PlanSpec,
    Reduce, ResultKind, Sampler, Scheduler, Settings, Space, TrialNumber, TrialResult, Values, decide, samplers,
    state::State,
};

use crate::problems::{self, Problem};

/// A study without fidelity: each trial has one value.
pub(crate) fn plan(space: Space, sampler: Sampler, seed: u64, trials: u32, workers: u32) -> anyhow::Result<Plan> {
    let spec = PlanSpec {
        objective: Objective { metric: "value".to_owned(), goal: Goal::Minimize, reduce: Reduce::Last },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space,
        fidelity: None,
        kind: FidelityKind::Cumulative,
        constraints: Vec::new(),
        start_with: Vec::new(),
        sampler,
        scheduler: Scheduler::None,
        audit: 0.0,
        stopping: Vec::new(),
        resumable: false,
        seed,
        settings: Settings {
            parallelism: workers,
            limits: Limits { trials: Some(trials), ..Limits::default() },
            target: None,
            suspend: false,
            start_with: 0,
        },
    };
    checked(spec)
}

/// The plan of what is valid.
pub(crate) fn checked(spec: PlanSpec) -> anyhow::Result<Plan> {
    Plan::new(spec).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(texts.join("; "))
    })
}

/// A study in progress.
pub(crate) struct Study {
    plan: Plan,
    history: History,
}

impl Study {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, history: History::default() }
    }

    /// Decides, and puts the batch on record. Returns the trials that start, and how long the decision took.
    pub(crate) fn ask(&mut self) -> (Vec<(u32, Assignment)>, Duration) {
        let clock = Instant::now();
        let decision = decide(&self.plan, &self.history);
        let took = clock.elapsed();
        let starts: Vec<(u32, Assignment)> = decision
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Start { number, parameters, .. } => Some((number.0, parameters.clone())),
                Action::Stop { .. } | Action::Continue { .. } => None,
            })
            .collect();
        if let Some((last, _)) = starts.last() {
            self.history.next_number = last + 1;
            self.history.open.clear();
            self.history.batches.push(Batch {
                number: self.history.batches.len() as u64 + 1,
                settings: self.plan.settings().clone(),
                admitted: decision.admitted,
                actions: decision.actions,
            });
        }
        (starts, took)
    }

    /// From now on so many trials run at once.
    pub(crate) fn widen(&mut self, workers: u32) {
        self.plan = self.plan.with_settings(Settings { parallelism: workers, ..self.plan.settings().clone() });
    }

    /// The trial has reported these values, one for each objective, and rests.
    pub(crate) fn tell(&mut self, number: u32, values: &[f64]) {
        self.tell_with(number, values, Gradient::default());
    }

    /// The same with a gradient.
    pub(crate) fn tell_with(&mut self, number: u32, values: &[f64], gradient: Gradient) {
        self.history.open.extend(results(number, values, gradient));
    }
}

fn results(number: u32, values: &[f64], gradient: Gradient) -> [TrialResult; 2] {
    let number = TrialNumber(number);
    let (first, others) = values.split_first().map_or((f64::NAN, &[][..]), |(first, others)| (*first, others));
    let (values, others) = (Values::once(first), Others(others.to_vec()));
    [
        TrialResult { number, kind: ResultKind::Observed { level: 0, values, others } },
        TrialResult { number, kind: ResultKind::Rested { level: 0, spent: 1, gradient } },
    ]
}

/// Runs a study in which so many workers take turns: the oldest trial reports, and the next one starts.
pub(crate) fn run(
    problem: &Problem,
    (name, sampler): (&str, Sampler),
    seed: u64,
    trials: u32,
    workers: u32,
) -> anyhow::Result<Value> {
    let mut study = Study::new(plan((problem.space)(), sampler, seed, trials, workers)?);
    let (mut values, mut truths, mut seconds) = (Vec::new(), Vec::new(), 0.0);
    let mut running = VecDeque::new();
    loop {
        let (starts, took) = study.ask();
        seconds += took.as_secs_f64();
        running.extend(starts);
        let Some((number, assignment)) = running.pop_front() else { break };
        let (value, truth) = problem.evaluate(&problems::point(&assignment), seed, number)?;
        study.tell(number, &[value]);
        values.push(value);
        truths.push(truth);
    }
    Ok(json!({
        "kind": "run", "problem": problem.name, "sampler": format!("trimtab {name}"), "seed": seed, "workers": workers,
        "trials": values.len(), "values": values, "truths": truths, "seconds_per_ask": seconds / values.len() as f64,
    }))
}

/// Seconds per ask after so many finished trials, which were drawn at random: the smallest and the median of some asks,
/// of the whole decision (the log folded anew, as after a restart) and of the proposal alone; and the most memory that the process
/// has had by then, all that was measured before among it.
pub(crate) fn speed(
    problem: &Problem,
    (name, sampler): (&str, Sampler),
    finished: u32,
    asks: u32,
) -> anyhow::Result<Value> {
    let limit = finished + asks;
    let random = plan((problem.space)(), Sampler::Random, 1, limit, 1)?;
    let mut study = Study::new(plan((problem.space)(), sampler, 1, limit, 1)?);
    let empty = State::new(&random);
    let mut admitted = Vec::new();
    for number in 0..finished {
        let Some(proposal) = samplers::propose(&random, &empty, number) else { break };
        let (value, _) = problem.evaluate(&problems::point(&proposal.assignment), 1, number)?;
        let start = Action::Start {
            number: TrialNumber(number),
            parameters: proposal.assignment,
            bracket: 0,
            level: 0,
            sampler: proposal.sampler.to_owned(),
            note: proposal.note,
            from: None,
            reason: trimtab_engine::Reason::NewTrial,
        };
        study.history.batches.push(Batch {
            number: u64::from(number) + 1,
            settings: study.plan.settings().clone(),
            admitted: std::mem::take(&mut admitted),
            actions: vec![start],
        });
        admitted.extend(results(number, &[value], Gradient::default()));
        study.history.next_number = number + 1;
    }
    study.history.open = admitted;
    let (mut decisions, mut proposals) = (Vec::new(), Vec::new());
    for _ in 0..asks {
        let state = State::fold(&study.plan, &study.history);
        let clock = Instant::now();
        let proposal = samplers::propose(&study.plan, &state, study.history.next_number);
        proposals.push(clock.elapsed().as_secs_f64());
        drop(proposal);
        let (starts, took) = study.ask();
        decisions.push(took.as_secs_f64());
        for (number, assignment) in starts {
            let (value, _) = problem.evaluate(&problems::point(&assignment), 1, number)?;
            study.tell(number, &[value]);
        }
    }
    decisions.sort_by(f64::total_cmp);
    proposals.sort_by(f64::total_cmp);
    let median = |times: &[f64]| times.get(times.len() / 2).copied();
    Ok(json!({
        "kind": "speed", "problem": problem.name, "sampler": format!("trimtab {name}"), "finished": finished,
        "ask": median(&proposals), "ask_least": proposals.first(),
        "decision": median(&decisions), "decision_least": decisions.first(), "resident_mib": resident(),
    }))
}

/// The most memory that this process has had resident, in MiB, where the kernel tells it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kib: f64| kib / 1024.0)
}
