//! A study to play with in unit tests.

use crate::{
    Batch, Decision, Domain, FidelityKind, FidelityRange, Goal, History, Limits, Objective, Outcome, Parameter, Plan,
    PlanSpec, Reduce, ResultKind, Sampler, Scale, Scheduler, Settings, Space, TrialNumber, TrialResult, Values, decide,
};

pub(crate) fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter { name: name.to_owned(), domain, when: Vec::new() }
}

/// Minimizing one float, nine epochs, four slots, twenty trials.
pub(crate) fn spec() -> PlanSpec {
    PlanSpec {
        objective: Objective { metric: "loss".to_owned(), goal: Goal::Minimize, reduce: Reduce::Last },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space: Space {
            parameters: vec![parameter("x", Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear })],
        },
        fidelity: Some(FidelityRange { min: 1, max: 9 }),
        kind: FidelityKind::Cumulative,
        constraints: Vec::new(),
        start_with: Vec::new(),
        sampler: Sampler::Random,
        scheduler: Scheduler::None,
        audit: 0.0,
        stopping: Vec::new(),
        resumable: true,
        seed: 1,
        settings: Settings {
            parallelism: 4,
            limits: Limits { trials: Some(20), ..Limits::default() },
            target: None,
            suspend: false,
            start_with: 0,
        },
    }
}

pub(crate) struct Study {
    pub(crate) plan: Plan,
    pub(crate) history: History,
}

impl Study {
    pub(crate) fn new(change: impl FnOnce(&mut PlanSpec)) -> Self {
        let mut spec = spec();
        change(&mut spec);
        Self { plan: Plan::new(spec).unwrap(), history: History::default() }
    }

    pub(crate) fn settings(&mut self, change: impl FnOnce(&mut Settings)) -> &mut Self {
        let mut settings = self.plan.settings().clone();
        change(&mut settings);
        self.plan = self.plan.with_settings(settings);
        self
    }

    fn tell(&mut self, number: u32, kind: ResultKind) -> &mut Self {
        self.history.open.push(TrialResult { number: TrialNumber(number), kind });
        self
    }

    pub(crate) fn observe(&mut self, number: u32, level: usize, value: f64) -> &mut Self {
        self.tell(number, ResultKind::observed(level, Values::once(value)))
    }

    pub(crate) fn rest(&mut self, number: u32, level: usize, spent: u64) -> &mut Self {
        self.tell(number, ResultKind::rested(level, spent))
    }

    pub(crate) fn end(&mut self, number: u32, outcome: Outcome) -> &mut Self {
        self.tell(number, ResultKind::Ended { outcome, spent: 0 })
    }

    /// Reaches a level and rests there, all its cost paid once.
    pub(crate) fn reach(&mut self, number: u32, level: usize, value: f64) -> &mut Self {
        let spent = u64::from(self.plan.fidelity(level));
        self.observe(number, level, value).rest(number, level, spent)
    }

    /// Decides and puts the batch on record.
    pub(crate) fn step(&mut self) -> Decision {
        let decision = decide(&self.plan, &self.history);
        if !decision.actions.is_empty() {
            let keys: Vec<_> = decision.admitted.iter().map(TrialResult::key).collect();
            self.history.open.retain(|result| !keys.contains(&result.key()));
            for action in &decision.actions {
                if matches!(action, crate::Action::Start { .. }) {
                    self.history.next_number = action.number().0 + 1;
                }
            }
            self.history.batches.push(Batch {
                number: self.history.batches.len() as u64 + 1,
                settings: self.plan.settings().clone(),
                admitted: decision.admitted.clone(),
                actions: decision.actions.clone(),
            });
        }
        decision
    }

    /// Decides, and says the actions in short: `stop 3 RungLost`, `go 0 to 1`, `start 9 in 1 to 0`, `start 9 to 2 from 3 at 1`.
    pub(crate) fn acts(&mut self) -> Vec<String> {
        self.step().actions.iter().map(short).collect()
    }
}

pub(crate) fn short(action: &crate::Action) -> String {
    match action {
        crate::Action::Stop { number, reason, .. } => format!("stop {number} {}", reason.as_str()),
        crate::Action::Continue { number, level, .. } => format!("go {number} to {level}"),
        crate::Action::Start { number, bracket, level, from: None, .. } => {
            format!("start {number} in {bracket} to {level}")
        }
        crate::Action::Start { number, level, from: Some(from), .. } => {
            format!("start {number} to {level} from {} at {}", from.donor, from.level)
        }
    }
}

/// Plays a study in which a trial's value is a function of its configuration, `workers` trials at a time that finish in
/// mixed order. Returns the configurations with their values, in the order of finishing.
pub(crate) fn search(
    plan: &Plan,
    workers: u32,
    value: impl Fn(&crate::Assignment) -> f64,
) -> Vec<(crate::Assignment, f64)> {
    let (_, done) = play(plan, workers, |assignment| vec![value(assignment)]);
    done.into_iter().map(|(assignment, values)| (assignment, values[0])).collect()
}

/// The same for several objectives and bounds: the metrics that decide, in their order. Returns the state as well.
pub(crate) fn play(
    plan: &Plan,
    workers: u32,
    values: impl Fn(&crate::Assignment) -> Vec<f64>,
) -> (crate::state::State<'static>, Vec<(crate::Assignment, Vec<f64>)>) {
    let plan = plan.with_settings(Settings { parallelism: workers, ..plan.settings().clone() });
    let mut state = crate::state::State::new(&plan);
    let mut running = Vec::new();
    let mut done = Vec::new();
    loop {
        if let crate::Next::Action(action) = crate::next(&plan, &state) {
            state.apply(&plan, &action);
            let crate::Action::Start { number, parameters, .. } = action else { continue };
            running.push((number, parameters));
            continue;
        }
        if running.is_empty() {
            return (state, done);
        }
        let (number, parameters) = running.remove(done.len() * 7 % running.len());
        let outcome = values(&parameters);
        let (first, others) = (Values::once(outcome[0]), crate::Others(outcome[1..].to_vec()));
        let results = [
            TrialResult { number, kind: ResultKind::Observed { level: 0, values: first, others } },
            TrialResult { number, kind: ResultKind::rested(0, 1) },
        ];
        state.admit(&plan, &results);
        done.push((parameters, outcome));
    }
}

/// The best value of a search.
pub(crate) fn best_of(done: &[(crate::Assignment, f64)]) -> f64 {
    done.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min)
}

/// A plan without fidelity on these parameters, with so many trials.
pub(crate) fn plan(sampler: Sampler, seed: u64, trials: u32, parameters: Vec<Parameter>) -> Plan {
    let mut spec = spec();
    spec.space = Space { parameters };
    spec.fidelity = None;
    spec.sampler = sampler;
    spec.seed = seed;
    spec.settings.limits.trials = Some(trials);
    Plan::new(spec).unwrap()
}
