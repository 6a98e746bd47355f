//! From a Study's spec to the engine's plan, and the changeable part of a spec both ways.

use kube::ResourceExt;
use trimtab_engine as engine;

use crate::study::{
    AshaForm, Constraint, Exploit, FidelityKind, Goal, Limits, Parameter, PopulationBased, Reduce, ResourceHours,
    Sampler, Scale, Scheduler, SettingsRecord, Sizes, StartPoint, StoppingRule, Study, StudySpec, TpeModel,
    WithoutCheckpoint,
};
use crate::validate::FieldError;

/// The largest seed: a JSON number that every reader holds exactly.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// The seed in effect: `spec.seed`, or else the low 53 bits of the FNV-1a hash (64 bits) of the Study's UID.
///
/// A Study that no API server has seen has no UID; its name stands in.
#[must_use]
pub fn seed(study: &Study) -> u64 {
    study.spec.seed.unwrap_or_else(|| {
        let source = study.uid().unwrap_or_else(|| study.name_any());
        fnv1a(source.as_bytes()) & MAX_SEED
    })
}

/// The FNV-1a hash with 64 bits, by its published constants.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The engine's plan of a Study; what only the API knows, such as the template, is not looked at.
pub(crate) fn new(study: &Study) -> Result<engine::Plan, Vec<FieldError>> {
    let spec = &study.spec;
    let mut errors = Vec::new();
    let objectives = objectives(spec, &mut errors);
    let space = space(&spec.parameters, &mut errors);
    let sampler = sampler(spec.sampler.as_ref(), &mut errors);
    let scheduler = scheduler(spec.scheduler.as_ref(), &mut errors);
    let rank_by = rank_by(spec, &mut errors);
    let (bounds, expressions) = constraints(&spec.constraints, &mut errors);
    let stopping = stopping(&spec.stopping, &mut errors);
    let seed = seed(study);
    if seed > MAX_SEED {
        errors.push(FieldError::new("spec.seed", format!("must be at most {MAX_SEED} (given {seed})")));
    }
    let (Some((objective, further)), Some(space)) = (objectives, space) else {
        // A plan with a piece missing would only report mistakes that nobody made.
        return Err(errors);
    };
    let plan = engine::Plan::new(engine::PlanSpec {
        objective,
        further,
        bounds: bounds.iter().map(|(_, bound)| bound.clone()).collect(),
        rank_by,
        space,
        fidelity: spec.fidelity.as_ref().map(|f| engine::FidelityRange { min: f.min, max: f.max }),
        kind: spec.fidelity.as_ref().map(|f| f.kind).map_or(engine::FidelityKind::Cumulative, |kind| match kind {
            FidelityKind::Cumulative => engine::FidelityKind::Cumulative,
            FidelityKind::Fresh => engine::FidelityKind::Fresh,
            FidelityKind::Repeat => engine::FidelityKind::Repeat,
        }),
        constraints: expressions.iter().map(|(_, expression)| expression.clone()).collect(),
        start_with: spec.start_with.iter().map(start_point).collect(),
        sampler,
        scheduler,
        audit: spec.scheduler.as_ref().map_or(0.0, Scheduler::audit),
        stopping,
        resumable: spec.trial.checkpoint.is_some(),
        seed,
        settings: settings(&settings_record(spec)),
    });
    match plan {
        Ok(plan) if errors.is_empty() => Ok(plan),
        Ok(_) => Err(errors),
        Err(found) => {
            let bounds: Vec<usize> = bounds.iter().map(|(at, _)| *at).collect();
            let expressions: Vec<usize> = expressions.iter().map(|(at, _)| *at).collect();
            // The API has expressions and bounds in one list.
            let place = |text: &str| relocated(&relocated(text, "constraints[", &expressions), "bounds[", &bounds);
            errors.extend(found.into_iter().map(|e| FieldError::new(api_path(&place(&e.field)), place(&e.message))));
            Err(errors)
        }
    }
}

fn start_point(point: &StartPoint) -> Vec<(String, String)> {
    point.values.iter().map(|given| (given.name.clone(), given.value.clone())).collect()
}

/// The engine keeps the settings apart; the API has no such part.
fn api_path(field: &str) -> String {
    let field = field.strip_prefix("settings.").unwrap_or(field);
    match field {
        "target" => "spec.objectives[0].target".to_owned(),
        "resumable" => "spec.trial.checkpoint".to_owned(),
        _ => format!("spec.{field}"),
    }
}

/// A text in which the first place `list[k]` is the one that the k-th member of the list has among the constraints.
fn relocated(text: &str, list: &str, places: &[usize]) -> String {
    let found = text.find(list).and_then(|start| {
        let rest = text.get(start + list.len()..)?;
        let digits = rest.find(']')?;
        let place = places.get(rest.get(..digits)?.parse::<usize>().ok()?)?;
        Some(format!("{}constraints[{place}{}", text.get(..start)?, rest.get(digits..)?))
    });
    found.unwrap_or_else(|| text.to_owned())
}

/// Members of a list, each with its place there.
type Placed<T> = Vec<(usize, T)>;

/// The bounds on reported metrics and the expressions over parameters.
fn constraints(all: &[Constraint], errors: &mut Vec<FieldError>) -> (Placed<engine::Bound>, Placed<String>) {
    let (mut bounds, mut expressions) = (Vec::new(), Vec::new());
    for (at, constraint) in all.iter().enumerate() {
        let Constraint { expression, metric, min, max } = constraint;
        let mut wrong = |message: &str| errors.push(FieldError::new(format!("spec.constraints[{at}]"), message));
        match (expression, metric) {
            (Some(_), Some(_)) | (None, None) => wrong("must have either `expression` or `metric`"),
            (Some(_), None) if min.is_some() || max.is_some() => {
                wrong("must have `min`, `max` or both with `metric`, and neither without");
            }
            (Some(expression), None) => expressions.push((at, expression.clone())),
            (None, Some(metric)) => {
                bounds.push((at, engine::Bound { metric: metric.clone(), min: *min, max: *max }));
            }
        }
    }
    (bounds, expressions)
}

/// The place of the objective that rungs rank by.
fn rank_by(spec: &StudySpec, errors: &mut Vec<FieldError>) -> Option<usize> {
    let (name, metric) = spec.scheduler.as_ref()?.rank_by()?;
    let place = spec.objectives.iter().position(|objective| objective.metric == metric);
    if place.is_none() {
        let message = format!("must name the metric of an objective (given `{metric}`)");
        errors.push(FieldError::new(format!("spec.scheduler.{name}.rankBy"), message));
    }
    // A wrong name is told once, and not also as a missing one.
    Some(place.unwrap_or(0))
}

/// The first objective and the others.
fn objectives(spec: &StudySpec, errors: &mut Vec<FieldError>) -> Option<(engine::Objective, Vec<engine::Objective>)> {
    if spec.objectives.is_empty() {
        errors.push(FieldError::new("spec.objectives", "must have at least one member (given 0)"));
    }
    for (at, objective) in spec.objectives.iter().enumerate().filter(|_| spec.objectives.len() > 1) {
        if objective.target.is_some() {
            let message = "must be left out with several objectives: a front is never done";
            errors.push(FieldError::new(format!("spec.objectives[{at}].target"), message));
        }
        if let Some(reference) = objective.reference.filter(|reference| !reference.is_finite()) {
            let message = format!("must be finite (given {})", engine::number::to_text(reference));
            errors.push(FieldError::new(format!("spec.objectives[{at}].reference"), message));
        }
    }
    let mut all = spec.objectives.iter().map(|o| engine::Objective {
        metric: o.metric.clone(),
        goal: match o.goal {
            Goal::Minimize => engine::Goal::Minimize,
            Goal::Maximize => engine::Goal::Maximize,
        },
        reduce: match o.reduce {
            Reduce::Last => engine::Reduce::Last,
            Reduce::Best => engine::Reduce::Best,
            Reduce::Mean => engine::Reduce::Mean,
        },
    });
    Some((all.next()?, all.collect()))
}

fn space(parameters: &[Parameter], errors: &mut Vec<FieldError>) -> Option<engine::Space> {
    let parameters: Vec<_> = parameters
        .iter()
        .enumerate()
        .map(|(i, parameter)| {
            Some(engine::Parameter {
                name: parameter.name.clone(),
                domain: domain(&format!("spec.parameters[{i}]"), parameter, errors)?,
                when: parameter
                    .when
                    .iter()
                    .map(|w| engine::Condition { parameter: w.parameter.clone(), is_in: w.is_in.clone() })
                    .collect(),
            })
        })
        .collect();
    // Collected first, so that a missing domain does not hide the mistakes after it.
    parameters.into_iter().collect::<Option<Vec<_>>>().map(|parameters| engine::Space { parameters })
}

fn domain(field: &str, parameter: &Parameter, errors: &mut Vec<FieldError>) -> Option<engine::Domain> {
    let scale = |scale| match scale {
        Scale::Linear => engine::Scale::Linear,
        Scale::Log => engine::Scale::Log,
    };
    let float = parameter.float.as_ref().map(|r| engine::Domain::Float {
        min: r.min,
        max: r.max,
        step: r.step,
        scale: scale(r.scale),
    });
    let int = parameter.int.as_ref().map(|r| engine::Domain::Int {
        min: r.min,
        max: r.max,
        step: r.step,
        scale: scale(r.scale),
    });
    let ordinal = parameter.ordinal.as_ref().map(|o| engine::Domain::Ordinal { values: o.values.clone() });
    let categorical =
        parameter.categorical.as_ref().map(|c| engine::Domain::Categorical { choices: c.choices.clone() });
    let before = errors.len();
    // Of several, none goes on: conditions on the parameter would be judged by the wrong one.
    one_of(field, "`float`, `int`, `ordinal`, `categorical`", [float, int, ordinal, categorical], errors)
        .filter(|_| errors.len() == before)
}

/// The member of a union; with none or several there is a mistake, and with several the first goes on to be checked.
fn one_of<T, const N: usize>(
    field: &str,
    members: &str,
    given: [Option<T>; N],
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let mut given = given.into_iter().flatten();
    let first = given.next();
    let more = given.count();
    if first.is_none() || more > 0 {
        let count = more + usize::from(first.is_some());
        errors.push(FieldError::new(field, format!("must have exactly one of {members} (given {count})")));
    }
    first
}

fn sampler(sampler: Option<&Sampler>, errors: &mut Vec<FieldError>) -> engine::Sampler {
    let Some(sampler) = sampler else { return engine::Sampler::Automatic };
    let automatic = sampler.automatic.as_ref().map(|_| engine::Sampler::Automatic);
    let random = sampler.random.as_ref().map(|_| engine::Sampler::Random);
    let grid = sampler.grid.as_ref().map(|grid| engine::Sampler::Grid { points: grid.points });
    let quasi_random = sampler.quasi_random.as_ref().map(|_| engine::Sampler::QuasiRandom);
    let tpe = sampler.tpe.as_ref().map(|tpe| {
        engine::Sampler::Tpe(engine::TpeSettings {
            independent: tpe.model == TpeModel::Independent,
            startup_trials: tpe.startup_trials,
        })
    });
    let genetic = sampler.genetic.as_ref().map(|s| engine::Sampler::Genetic { population: s.population });
    let cma_es = sampler.cma_es.as_ref().map(|s| engine::Sampler::CmaEs { population: s.population });
    let bohb = sampler.bohb.as_ref().map(|_| engine::Sampler::Bohb);
    let process = sampler.gaussian_process.as_ref().map(|_| engine::Sampler::GaussianProcess);
    let forest = sampler.random_forest.as_ref().map(|_| engine::Sampler::RandomForest);
    let gradient = sampler.gradient.as_ref().map(|_| engine::Sampler::Gradient);
    let members = "`automatic`, `random`, `grid`, `quasiRandom`, `tpe`, `genetic`, `cmaEs`, `bohb`, `gaussianProcess`, `randomForest`, `gradient`";
    one_of(
        "spec.sampler",
        members,
        [automatic, random, grid, quasi_random, tpe, genetic, cma_es, bohb, process, forest, gradient],
        errors,
    )
    .unwrap_or(engine::Sampler::Automatic)
}

fn scheduler(scheduler: Option<&Scheduler>, errors: &mut Vec<FieldError>) -> engine::Scheduler {
    let Some(scheduler) = scheduler else { return engine::Scheduler::None };
    let run_through = |w| w == WithoutCheckpoint::RunThrough;
    let none = scheduler.none.as_ref().map(|_| engine::Scheduler::None);
    let halving = scheduler.successive_halving.as_ref().map(|s| engine::Scheduler::SuccessiveHalving {
        reduction_factor: s.reduction_factor,
        configurations: s.configurations,
        run_through: run_through(s.without_checkpoint),
    });
    let hyperband = scheduler.hyperband.as_ref().map(|h| engine::Scheduler::Hyperband {
        reduction_factor: h.reduction_factor,
        sizes: match h.sizes {
            Sizes::Paper => engine::Sizes::Paper,
            Sizes::Hpbandster => engine::Sizes::Hpbandster,
        },
        run_through: run_through(h.without_checkpoint),
    });
    let asha = scheduler.asha.as_ref().map(|a| engine::Scheduler::Asha {
        reduction_factor: a.reduction_factor,
        brackets: a.brackets,
        form: match a.form {
            AshaForm::Promotion => engine::AshaForm::Promotion,
            AshaForm::Stopping => engine::AshaForm::Stopping,
        },
    });
    let dehb = scheduler.dehb.as_ref().map(|d| engine::Scheduler::Dehb { reduction_factor: d.reduction_factor });
    let population = scheduler.population_based.as_ref().map(|p| population_based(p, errors));
    let members = "`none`, `successiveHalving`, `hyperband`, `asha`, `dehb`, `populationBased`";
    let given = [none, halving, hyperband, asha, dehb, population];
    one_of("spec.scheduler", members, given, errors).unwrap_or(engine::Scheduler::None)
}

fn population_based(population: &PopulationBased, errors: &mut Vec<FieldError>) -> engine::Scheduler {
    if population.exploit == Exploit::Tournament && population.percent.is_some() {
        let field = "spec.scheduler.populationBased.percent";
        errors.push(FieldError::new(field, "must be left out with `exploit` Tournament"));
    }
    engine::Scheduler::PopulationBased {
        population: population.population,
        interval: population.interval,
        exploit: match population.exploit {
            Exploit::Truncation => engine::Exploit::Truncation { percent: population.percent.unwrap_or(PERCENT) },
            Exploit::Tournament => engine::Exploit::Tournament,
        },
        resample_percent: population.resample_percent,
    }
}

/// The share of a population that truncation replaces unless the Study says otherwise, in a hundred: the paper's.
const PERCENT: u32 = 20;

fn stopping(rules: &[StoppingRule], errors: &mut Vec<FieldError>) -> Vec<engine::StoppingRule> {
    let rules = rules.iter().enumerate().filter_map(|(at, rule)| {
        let median =
            rule.median.as_ref().map(|r| engine::StoppingRule::Median { trials: r.trials, warm_up: r.warm_up });
        let percentile = rule.percentile.as_ref().map(|r| engine::StoppingRule::Percentile {
            percent: r.percent,
            trials: r.trials,
            warm_up: r.warm_up,
        });
        let patience = rule.patience.as_ref().map(|r| engine::StoppingRule::Patience {
            fidelity: r.fidelity,
            delta: r.delta,
            warm_up: r.warm_up,
        });
        let threshold =
            rule.threshold.as_ref().map(|r| engine::StoppingRule::Threshold { value: r.value, warm_up: r.warm_up });
        let members = "`median`, `percentile`, `patience`, `threshold`";
        one_of(&format!("spec.stopping[{at}]"), members, [median, percentile, patience, threshold], errors)
    });
    rules.collect()
}

/// The changeable part of a spec, as a batch records it.
#[must_use]
pub fn settings_record(spec: &StudySpec) -> SettingsRecord {
    SettingsRecord {
        parallelism: spec.parallelism,
        limits: spec.limits.clone(),
        target: spec.objectives.first().and_then(|o| o.target),
        suspend: spec.suspend,
        start_with: u32::try_from(spec.start_with.len()).unwrap_or(u32::MAX),
    }
}

/// The engine's view of recorded settings.
#[must_use]
pub fn settings(record: &SettingsRecord) -> engine::Settings {
    let limits = record.limits.clone().unwrap_or_default();
    engine::Settings {
        parallelism: record.parallelism,
        limits: engine::Limits {
            trials: limits.trials,
            full_trainings: limits.full_trainings,
            failed_trials: limits.failed_trials,
            active_seconds: limits.active_seconds,
            resource_hours: crate::resources::pairs(&limits.resource_hours),
        },
        target: record.target,
        suspend: record.suspend,
        start_with: record.start_with,
    }
}

/// The record of the engine's settings, where there is no spec at hand.
#[must_use]
pub fn record_of(settings: &engine::Settings) -> SettingsRecord {
    let hours = |(resource, hours): &(String, f64)| ResourceHours { resource: resource.clone(), hours: *hours };
    let limits = Limits {
        trials: settings.limits.trials,
        full_trainings: settings.limits.full_trainings,
        failed_trials: settings.limits.failed_trials,
        active_seconds: settings.limits.active_seconds,
        resource_hours: settings.limits.resource_hours.iter().map(hours).collect(),
    };
    SettingsRecord {
        parallelism: settings.parallelism,
        limits: (limits != Limits::default()).then_some(limits),
        target: settings.target,
        suspend: settings.suspend,
        start_with: settings.start_with,
    }
}
