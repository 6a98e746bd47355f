//! Plans of every sampler, scheduler and kind of space, some of which no study can have.

use trimtab_engine::{
    AshaForm, Bound, Condition, Domain, Exploit, FidelityKind, FidelityRange, Goal, Limits, Objective, Parameter, Plan,
    PlanSpec, Reduce, Sampler, Scale, Scheduler, Settings, Sizes, Space, StoppingRule, TpeSettings,
};

use crate::bytes::Bytes;

/// The plan that the bytes choose; where there can be no such study, a tamer one with the same sampler, if that can be.
pub(crate) fn plan(bytes: &mut Bytes<'_>) -> Option<Plan> {
    let wild = spec(bytes);
    let tame = tamed(wild.clone());
    [wild, tame].into_iter().find_map(|spec| match Plan::new(spec) {
        Ok(plan) => Some(plan),
        Err(errors) => {
            assert!(errors.iter().all(|error| !error.field.is_empty() && !error.message.is_empty()), "{errors:?}");
            None
        }
    })
}

/// A study with the parameters that can be, and nothing that hinders them.
fn tamed(mut spec: PlanSpec) -> PlanSpec {
    for parameter in &mut spec.space.parameters {
        parameter.when.clear();
    }
    spec.space.parameters.retain(|parameter| Space { parameters: vec![parameter.clone()] }.validate().is_empty());
    let domain = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
    spec.space.parameters.push(Parameter { name: "last".to_owned(), domain, when: Vec::new() });
    if let Sampler::Grid { points } = &mut spec.sampler {
        *points = Some(3);
    }
    spec.settings.parallelism = spec.settings.parallelism.clamp(1, 16);
    spec.settings.limits = Limits { trials: Some(40), ..Limits::default() };
    spec.settings.target = None;
    PlanSpec {
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        fidelity: None,
        kind: FidelityKind::Cumulative,
        constraints: Vec::new(),
        start_with: Vec::new(),
        scheduler: Scheduler::None,
        audit: 0.0,
        stopping: Vec::new(),
        ..spec
    }
}

fn spec(bytes: &mut Bytes<'_>) -> PlanSpec {
    let sampler = sampler(bytes);
    let objectives = if bytes.chance(15) { 1 + bytes.below(5) } else { 1 };
    let mut objectives: Vec<Objective> = (0..objectives).map(|k| objective(bytes, k)).collect();
    let space = space(bytes);
    let fidelity = bytes.chance(60).then(|| FidelityRange {
        min: bytes.mostly(&[1, 1, 2], &[0, 9, u32::MAX]),
        max: bytes.mostly(&[9, 27, 64, 1000], &[1, u32::MAX]),
    });
    let scheduler = if fidelity.is_some() && bytes.chance(70) { scheduler(bytes) } else { Scheduler::None };
    let stopping = if scheduler == Scheduler::None && bytes.chance(20) { vec![stopping(bytes)] } else { Vec::new() };
    let bounds = (0..if bytes.chance(20) { 1 + bytes.below(3) } else { 0 }).map(|k| bound(bytes, k)).collect();
    let constraints = if bytes.chance(25) { vec![constraint(bytes, &space)] } else { Vec::new() };
    let start_with = (0..if bytes.chance(25) { bytes.below(4) } else { 0 }).map(|_| point(bytes, &space)).collect();
    // Copies begin from checkpoints, or there is no such study.
    let resumable = matches!(scheduler, Scheduler::PopulationBased { .. }) || bytes.chance(50);
    PlanSpec {
        objective: objectives.remove(0),
        rank_by: bytes.chance(10).then(|| bytes.below(3)),
        further: objectives,
        bounds,
        space,
        fidelity,
        kind: bytes.pick(&[
            FidelityKind::Cumulative,
            FidelityKind::Cumulative,
            FidelityKind::Fresh,
            FidelityKind::Repeat,
        ]),
        constraints,
        start_with,
        sampler,
        scheduler,
        stopping,
        resumable,
        seed: bytes.word(),
        settings: settings(bytes),
        audit: if bytes.chance(20) { bytes.mostly(&[0.2, 0.05], &[f64::NAN, -1.0]) } else { 0.0 },
    }
}

fn sampler(bytes: &mut Bytes<'_>) -> Sampler {
    let population =
        |bytes: &mut Bytes<'_>| bytes.mostly(&[None, Some(4), Some(9), Some(1000)], &[Some(0), Some(u32::MAX)]);
    match bytes.below(11) {
        0 => Sampler::Automatic,
        1 => Sampler::Random,
        2 => Sampler::Grid { points: bytes.mostly(&[Some(3), Some(2), Some(1000)], &[None, Some(u32::MAX)]) },
        3 => Sampler::QuasiRandom,
        4 => {
            Sampler::Tpe(TpeSettings { independent: bytes.chance(50), startup_trials: bytes.mostly(&[1, 4, 10], &[0]) })
        }
        5 => Sampler::Genetic { population: population(bytes) },
        6 => Sampler::CmaEs { population: population(bytes) },
        7 => Sampler::Bohb,
        8 => Sampler::GaussianProcess,
        9 => Sampler::RandomForest,
        _ => Sampler::Gradient,
    }
}

fn scheduler(bytes: &mut Bytes<'_>) -> Scheduler {
    let reduction_factor = bytes.mostly(&[3, 2, 10], &[1, u32::MAX]);
    match bytes.below(5) {
        0 => Scheduler::SuccessiveHalving {
            reduction_factor,
            configurations: bytes.mostly(&[None, Some(7), Some(1)], &[Some(0), Some(u32::MAX)]),
            run_through: bytes.chance(50),
        },
        1 => Scheduler::Hyperband {
            reduction_factor,
            sizes: bytes.pick(&[Sizes::Paper, Sizes::Hpbandster]),
            run_through: bytes.chance(50),
        },
        2 => Scheduler::Asha {
            reduction_factor,
            brackets: bytes.mostly(&[1, 2], &[31, 0]),
            form: bytes.pick(&[AshaForm::Promotion, AshaForm::Stopping]),
        },
        3 => Scheduler::PopulationBased {
            population: bytes.mostly(&[2, 3, 5, 9], &[0, 1, 1_000, u32::MAX]),
            interval: bytes.mostly(&[1, 3, 20], &[0, u32::MAX]),
            exploit: bytes.mostly(
                &[Exploit::Tournament, Exploit::Truncation { percent: 20 }, Exploit::Truncation { percent: 50 }],
                &[Exploit::Truncation { percent: 0 }, Exploit::Truncation { percent: 51 }],
            ),
            resample_percent: bytes.mostly(&[0, 25, 100], &[101, u32::MAX]),
        },
        _ => Scheduler::Dehb { reduction_factor },
    }
}

fn stopping(bytes: &mut Bytes<'_>) -> StoppingRule {
    let (trials, warm_up) = (bytes.mostly(&[1, 3], &[0, u32::MAX]), bytes.mostly(&[0, 2], &[u32::MAX]));
    match bytes.below(4) {
        0 => StoppingRule::Median { trials, warm_up },
        1 => StoppingRule::Percentile { percent: bytes.mostly(&[50, 1, 99], &[0, 200]), trials, warm_up },
        2 => StoppingRule::Patience {
            fidelity: bytes.mostly(&[1, 5, u32::MAX], &[0]),
            delta: bytes.plain().abs(),
            warm_up,
        },
        _ => StoppingRule::Threshold { value: bytes.mostly_plain(), warm_up },
    }
}

fn objective(bytes: &mut Bytes<'_>, k: usize) -> Objective {
    Objective {
        metric: format!("metric{k}"),
        goal: bytes.pick(&[Goal::Minimize, Goal::Maximize]),
        reduce: bytes.pick(&[Reduce::Last, Reduce::Best, Reduce::Mean]),
    }
}

fn bound(bytes: &mut Bytes<'_>, k: usize) -> Bound {
    // The first may be on an objective.
    let metric = if k == 0 && bytes.chance(30) { "metric0".to_owned() } else { format!("bounded{k}") };
    let end = |bytes: &mut Bytes<'_>| bytes.chance(60).then(|| bytes.mostly_plain());
    let (min, max) = (end(bytes), bytes.plain());
    Bound { metric, min: min.filter(|min| *min <= max), max: Some(max) }
}

fn settings(bytes: &mut Bytes<'_>) -> Settings {
    Settings {
        parallelism: bytes.mostly(&[1, 2, 5, 16, u32::MAX], &[0]),
        limits: Limits {
            trials: Some(bytes.mostly(&[20, 60, 200_000, 1], &[0, u32::MAX])).filter(|_| !bytes.chance(4)),
            full_trainings: bytes.chance(10).then(|| bytes.mostly(&[10, 1, u32::MAX], &[0])),
            failed_trials: bytes.chance(10).then(|| bytes.pick(&[3, 0, u32::MAX])),
            active_seconds: bytes.chance(10).then(|| bytes.word()),
            resource_hours: Vec::new(),
        },
        target: bytes.chance(3).then(|| bytes.mostly_plain()),
        suspend: bytes.chance(3),
        start_with: bytes.pick(&[5, 0, u32::MAX]),
    }
}

/// A few parameters, or none, or more than a model likes.
fn space(bytes: &mut Bytes<'_>) -> Space {
    let count = if bytes.chance(5) { 30 } else { bytes.below(6) };
    let mut parameters: Vec<Parameter> = Vec::new();
    for at in 0..count {
        let domain = domain(bytes);
        let mut when = Vec::new();
        if at > 0 && bytes.chance(20) {
            let parent = &parameters[bytes.below(at)];
            let is_in = vec![parent.domain.at(bytes.byte().into()).to_string()];
            when.push(Condition { parameter: parent.name.clone(), is_in });
        }
        parameters.push(Parameter { name: format!("p{at}"), domain, when });
    }
    Space { parameters }
}

fn domain(bytes: &mut Bytes<'_>) -> Domain {
    let scale = bytes.pick(&[Scale::Linear, Scale::Log]);
    match bytes.below(5) {
        0 | 1 => {
            let (min, max) = ends(bytes, scale);
            let step =
                (scale == Scale::Linear && bytes.chance(20)).then(|| bytes.mostly(&[0.5, 3.0, 1e300], &[0.0, -1.0]));
            Domain::Float { min, max, step, scale }
        }
        2 => {
            let min = match scale {
                Scale::Linear => bytes.pick(&[1, 0, -5, i64::MIN, i64::MAX - 1]),
                Scale::Log => bytes.mostly(&[1, 2, i64::MAX - 1], &[0, i64::MIN]),
            };
            let step = (scale == Scale::Linear && bytes.chance(20)).then(|| bytes.mostly(&[2, 7, i64::MAX], &[0, -1]));
            let max = if bytes.chance(20) { i64::MAX } else { min.saturating_add(i64::from(bytes.byte() % 40)) };
            Domain::Int { min, max, step, scale }
        }
        3 => {
            let mut values: Vec<f64> = (0..1 + bytes.below(5)).map(|_| bytes.plain()).collect();
            values.extend(Some(bytes.mostly(&[0.0, 1e300, f64::MIN, 5e-324], &[f64::NAN, f64::INFINITY])));
            values.sort_by(f64::total_cmp);
            values.dedup();
            Domain::Ordinal { values }
        }
        _ => Domain::Categorical { choices: (0..1 + bytes.below(5)).map(|k| format!("c{k}")).collect() },
    }
}

/// The ends of a range: such as people write, or the farthest that there are.
fn ends(bytes: &mut Bytes<'_>, scale: Scale) -> (f64, f64) {
    if bytes.chance(3) {
        return (bytes.number(), bytes.number());
    }
    let is_far = bytes.chance(20);
    match (scale, is_far) {
        (Scale::Linear, true) => bytes.pick(&[
            (f64::MIN, f64::MAX),
            (-1e300, 1e300),
            (0.0, 5e-324),
            (1.0, 1.0 + f64::EPSILON),
            (f64::MAX, f64::MAX),
        ]),
        (Scale::Log, true) => {
            bytes.pick(&[(5e-324, f64::MAX), (1e-300, 1e300), (5e-324, 1e-323), (1.0, 1.0 + f64::EPSILON), (3.0, 3.0)])
        }
        (Scale::Linear, false) => {
            let min = bytes.plain();
            (min, min + bytes.plain().abs())
        }
        (Scale::Log, false) => {
            let min = bytes.plain().abs() + 1e-6;
            (min, min + bytes.plain().abs())
        }
    }
}

/// An expression over two of the parameters, if there are two.
fn constraint(bytes: &mut Bytes<'_>, space: &Space) -> String {
    let count = space.parameters.len();
    let (a, b) = (bytes.below(count), bytes.below(count));
    let operators = ["<", ">=", "==", "!=", "* 1e308 <", "/ 0 >", "- 1e300 <="];
    format!("p{a} {} p{b}", bytes.pick(&operators))
}

/// A starting point that gives some of the parameters.
fn point(bytes: &mut Bytes<'_>, space: &Space) -> Vec<(String, String)> {
    let cube: Vec<f64> = space.parameters.iter().map(|_| f64::from(bytes.byte()) / 255.0).collect();
    let mut texts = if space.validate().is_empty() { space.at(&cube).to_texts() } else { Vec::new() };
    texts.truncate(1 + bytes.below(texts.len()));
    texts
}
