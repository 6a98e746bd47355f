//! Every sampler with every scheduler and every kind of space: one line each.

use trimtab_engine::{
    AshaForm, Bound, Condition, Domain, Exploit, FidelityKind, FidelityRange, Goal, Limits, Objective, Parameter, Plan,
    PlanSpec, Reduce, Sampler, Scale, Scheduler, Settings, Sizes, Space, StoppingRule, TpeSettings,
};

use crate::dice::Dice;
use crate::world::World;

/// Studies per line in every run of the tests.
pub(crate) const SEEDS: u64 = 6;

/// Studies per line in the long run.
pub(crate) const SOAK: u64 = 300;

fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter { name: name.to_owned(), domain, when: Vec::new() }
}

fn choices(names: &[&str]) -> Domain {
    Domain::Categorical { choices: names.iter().map(|&n| n.to_owned()).collect() }
}

/// Infinite, with both scales.
pub(crate) fn continuous() -> Space {
    Space {
        parameters: vec![
            parameter("rate", Domain::Float { min: 1e-4, max: 1e-1, step: None, scale: Scale::Log }),
            parameter("momentum", Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear }),
        ],
    }
}

/// Finite and small: it is exhausted.
pub(crate) fn small() -> Space {
    Space {
        parameters: vec![
            parameter("layers", Domain::Int { min: 1, max: 3, step: None, scale: Scale::Linear }),
            parameter("batch", Domain::Ordinal { values: vec![32.0, 64.0, 128.0] }),
            parameter("dropout", Domain::Float { min: 0.1, max: 0.3, step: Some(0.1), scale: Scale::Linear }),
        ],
    }
}

/// With a branch that exists for one choice only.
pub(crate) fn conditional() -> Space {
    let mut momentum = parameter("momentum", Domain::Float { min: 0.5, max: 0.99, step: None, scale: Scale::Linear });
    momentum.when = vec![Condition { parameter: "optimizer".to_owned(), is_in: vec!["sgd".to_owned()] }];
    Space {
        parameters: vec![
            parameter("optimizer", choices(&["adam", "sgd", "lion"])),
            momentum,
            parameter("width", Domain::Int { min: 8, max: 64, step: None, scale: Scale::Log }),
        ],
    }
}

/// A handful of points, fewer than a rung.
pub(crate) fn tiny() -> Space {
    Space { parameters: vec![parameter("kind", choices(&["a", "b", "c", "d", "e"]))] }
}

/// Whole numbers of every size, and parameters that cannot vary.
pub(crate) fn whole() -> Space {
    let whole = |min, max, scale| Domain::Int { min, max, step: None, scale };
    Space {
        parameters: vec![
            parameter("huge", whole(i64::MIN, i64::MAX, Scale::Linear)),
            parameter("wide", whole(1, i64::MAX, Scale::Log)),
            parameter("only", whole(7, 7, Scale::Log)),
            parameter("single", choices(&["one"])),
            parameter("fixed", Domain::Float { min: 2.0, max: 2.0, step: None, scale: Scale::Log }),
        ],
    }
}

pub(crate) const HALVING: Scheduler =
    Scheduler::SuccessiveHalving { reduction_factor: 2, configurations: Some(11), run_through: false };
pub(crate) const HALVING_THROUGH: Scheduler =
    Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: None, run_through: true };
pub(crate) const GENETIC: Sampler = Sampler::Genetic { population: Some(6) };
pub(crate) const CMA_ES: Sampler = Sampler::CmaEs { population: Some(4) };
pub(crate) const HYPERBAND: Scheduler =
    Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
pub(crate) const HYPERBAND_THROUGH: Scheduler =
    Scheduler::Hyperband { reduction_factor: 2, sizes: Sizes::Paper, run_through: true };
pub(crate) const ASHA: Scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form: AshaForm::Promotion };
pub(crate) const ASHA_BRACKETS: Scheduler =
    Scheduler::Asha { reduction_factor: 2, brackets: 3, form: AshaForm::Promotion };
pub(crate) const ASHA_STOPPING: Scheduler =
    Scheduler::Asha { reduction_factor: 2, brackets: 1, form: AshaForm::Stopping };
pub(crate) const ASHA_STOPPING_BRACKETS: Scheduler =
    Scheduler::Asha { reduction_factor: 3, brackets: 2, form: AshaForm::Stopping };
const DEHB: Scheduler = Scheduler::Dehb { reduction_factor: 3 };
const DEHB_TWO: Scheduler = Scheduler::Dehb { reduction_factor: 2 };
const fn population(population: u32, exploit: Exploit, resample_percent: u32) -> Scheduler {
    Scheduler::PopulationBased { population, interval: 2, exploit, resample_percent }
}
pub(crate) const POPULATION: Scheduler = population(5, Exploit::Truncation { percent: 20 }, 25);
const POPULATION_HALVES: Scheduler = population(8, Exploit::Truncation { percent: 50 }, 0);
const POPULATION_TOURNAMENT: Scheduler = population(6, Exploit::Tournament, 100);
const HPBANDSTER: Scheduler =
    Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Hpbandster, run_through: false };
const GRID: Sampler = Sampler::Grid { points: Some(4) };
// Few trials start it, so that the model is at work in short studies.
pub(crate) const TPE: Sampler = Sampler::Tpe(TpeSettings { independent: false, startup_trials: 4 });
pub(crate) const TPE_INDEPENDENT: Sampler = Sampler::Tpe(TpeSettings { independent: true, startup_trials: 4 });

/// A study with random settings.
pub(crate) fn study(seed: u64, sampler: Sampler, scheduler: Scheduler, space: Space) -> (Plan, Dice) {
    let mut dice = Dice(seed.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ 0xC0FF_EE00);
    let max = [8, 9, 10, 27][dice.below(4)];
    let limits = Limits {
        trials: dice.chance(60).then(|| 3 + u32::try_from(dice.below(40)).unwrap()),
        full_trainings: dice.chance(35).then(|| 2 + u32::try_from(dice.below(12)).unwrap()),
        failed_trials: dice.chance(20).then(|| 2 + u32::try_from(dice.below(8)).unwrap()),
        active_seconds: dice.chance(15).then(|| 50 + dice.below(400) as u64),
        resource_hours: Vec::new(),
    };
    let mut spec = PlanSpec {
        objective: Objective {
            metric: "score".to_owned(),
            goal: if dice.chance(50) { Goal::Minimize } else { Goal::Maximize },
            reduce: [Reduce::Last, Reduce::Best, Reduce::Mean][dice.below(3)],
        },
        further: Vec::new(),
        bounds: Vec::new(),
        rank_by: None,
        space,
        fidelity: Some(FidelityRange { min: 1, max }),
        kind: kind(&scheduler, &mut dice),
        constraints: Vec::new(),
        start_with: Vec::new(),
        sampler,
        scheduler,
        audit: 0.0,
        stopping: Vec::new(),
        resumable: dice.chance(60),
        seed,
        settings: Settings {
            parallelism: [1, 2, 3, 5, 9, 40][dice.below(6)],
            limits,
            target: dice.chance(10).then_some(0.5),
            suspend: false,
            start_with: 0,
        },
    };
    if dice.chance(30) {
        spec.start_with = start_points(&spec.space, &mut dice);
        spec.settings.start_with = u32::try_from(dice.below(spec.start_with.len() + 1)).unwrap();
    }
    if dice.chance(30) {
        spec.constraints = constraints(&spec.space);
        spec.start_with.clear();
    }
    if !spec.settings.limits.end_it() {
        spec.settings.limits.trials = Some(30);
    }
    // Copies begin from checkpoints.
    spec.resumable |= matches!(scheduler, Scheduler::PopulationBased { .. });
    // Its own dice, so that the others roll as they do without.
    let mut extra = Dice(seed ^ 0x9E37_79B9);
    if extra.chance(15) {
        spec.settings.limits.resource_hours = vec![("gpu".to_owned(), 5.0 + extra.below(100) as f64)];
        spec.settings.limits.trials = spec.settings.limits.trials.filter(|_| extra.chance(50));
    }
    if scheduler == Scheduler::None && dice.chance(30) {
        spec.fidelity = None;
    }
    (Plan::new(spec).expect("a valid study"), dice)
}

/// A kind of fidelity that the scheduler can carry.
fn kind(scheduler: &Scheduler, dice: &mut Dice) -> FidelityKind {
    let (fresh, repeat) = match scheduler {
        Scheduler::SuccessiveHalving { run_through, .. } | Scheduler::Hyperband { run_through, .. } => {
            (!run_through, !run_through)
        }
        Scheduler::Asha { form, .. } => (*form == AshaForm::Promotion, true),
        Scheduler::None | Scheduler::Dehb { .. } => (true, true),
        Scheduler::PopulationBased { .. } => (false, false),
    };
    match dice.below(5) {
        0 if fresh => FidelityKind::Fresh,
        1 if repeat => FidelityKind::Repeat,
        _ => FidelityKind::Cumulative,
    }
}

/// Points that give one parameter or all; none twice.
fn start_points(space: &Space, dice: &mut Dice) -> Vec<Vec<(String, String)>> {
    let mut points = Vec::new();
    for _ in 0..dice.below(5) {
        let cube: Vec<f64> = space.parameters.iter().map(|_| dice.below(1_000) as f64 / 1_000.0).collect();
        let mut point = space.at(&cube).to_texts();
        if dice.chance(40) {
            point.truncate(1);
        }
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
}

/// Constraints that leave some of each space.
fn constraints(space: &Space) -> Vec<String> {
    let of = |name: &str, text: &str| space.parameter(name).map(|_| text.to_owned());
    let all = [
        of("rate", "rate < 0.03 || momentum > 0.5"),
        of("layers", "layers * batch <= 192 && dropout < 0.25"),
        of("optimizer", "optimizer != 'lion' && (momentum < 0.9 || width >= 16)"),
        of("kind", "kind == 'a' || kind == 'd'"),
        of("huge", "huge > 0 || log10(wide) < 9"),
    ];
    all.into_iter().flatten().collect()
}

fn run(seeds: std::ops::Range<u64>, sampler: Sampler, scheduler: Scheduler, space: fn() -> Space) {
    for seed in seeds {
        let (plan, dice) = study(seed, sampler, scheduler, space());
        World::new(plan, dice, seed).run();
    }
}

/// Studies with one stopping rule or all of them, of random strictness.
fn run_stopping(seeds: std::ops::Range<u64>, sampler: Sampler, which: usize, space: fn() -> Space) {
    for seed in seeds {
        let (plan, mut dice) = study(seed, sampler, Scheduler::None, space());
        let mut spec = plan.spec().clone();
        let max = [8, 9, 27, 100][dice.below(4)];
        spec.fidelity = Some(FidelityRange { min: 1, max });
        // Where each level is a run of its own nothing is known on the way; and repeats are at most 64.
        if spec.kind == FidelityKind::Fresh || max > 64 {
            spec.kind = FidelityKind::Cumulative;
        }
        let warm_up = [0, 1, 4][dice.below(3)];
        let trials = [1, 2, 5][dice.below(3)];
        let rules = [
            StoppingRule::Median { trials, warm_up },
            StoppingRule::Percentile { percent: [10, 50, 99][dice.below(3)], trials, warm_up },
            StoppingRule::Patience { fidelity: [1, 3, 7][dice.below(3)], delta: [0.0, 0.1][dice.below(2)], warm_up },
            StoppingRule::Threshold { value: [0.0, 0.3, 0.7][dice.below(3)], warm_up },
        ];
        spec.stopping = rules.get(which).map_or_else(|| rules.to_vec(), |rule| vec![*rule]);
        World::new(Plan::new(spec).expect("a valid study"), dice, seed).run();
    }
}

/// Makes the objectives so many; rungs rank by any of them.
pub(crate) fn add_objectives(spec: &mut PlanSpec, dice: &mut Dice, count: usize) {
    for k in 1..count {
        let goal = if dice.chance(50) { Goal::Minimize } else { Goal::Maximize };
        spec.further.push(Objective { metric: format!("score{k}"), goal, reduce: Reduce::Last });
    }
    if count > 1 {
        spec.settings.target = None;
        let is_needed = matches!(spec.scheduler, Scheduler::PopulationBased { .. });
        spec.rank_by = (dice.chance(50) || is_needed).then(|| dice.below(count));
    }
}

/// Studies with bounds on what trials report, and with so many objectives; rungs rank by any of them.
fn run_several(
    seeds: std::ops::Range<u64>,
    sampler: Sampler,
    scheduler: Scheduler,
    space: fn() -> Space,
    count: usize,
) {
    for seed in seeds {
        let (plan, mut dice) = study(seed, sampler, scheduler, space());
        let mut spec = plan.spec().clone();
        add_objectives(&mut spec, &mut dice, count);
        let bounds = if count == 1 { 1 + dice.below(2) } else { dice.below(3) };
        for k in 0..bounds {
            spec.bounds.push(Bound { metric: format!("bounded{k}"), min: None, max: Some(2.0) });
        }
        World::new(Plan::new(spec).expect("a valid study"), dice, seed).run();
    }
}

macro_rules! several {
    ($($name:ident: $sampler:expr, $scheduler:expr, $space:expr, $count:expr;)*) => {
        $(#[test] fn $name() { run_several(0..SEEDS, $sampler, $scheduler, $space, $count); })*

        #[test]
        #[ignore = "takes minutes: run it after changing how decisions are made"]
        fn several_for_long() {
            $(run_several(SEEDS..SOAK, $sampler, $scheduler, $space, $count);)*
        }
    };
}

several! {
    bounded_random_none_continuous: Sampler::Random, Scheduler::None, continuous, 1;
    bounded_random_halving_small: Sampler::Random, HALVING, small, 1;
    bounded_random_hyperband_continuous: Sampler::Random, HYPERBAND, continuous, 1;
    bounded_random_hyperband_through_conditional: Sampler::Random, HYPERBAND_THROUGH, conditional, 1;
    bounded_random_asha_continuous: Sampler::Random, ASHA, continuous, 1;
    bounded_random_asha_stopping_brackets_continuous: Sampler::Random, ASHA_STOPPING_BRACKETS, continuous, 1;
    bounded_genetic_none_conditional: GENETIC, Scheduler::None, conditional, 1;
    bounded_cma_es_none_continuous: CMA_ES, Scheduler::None, continuous, 1;
    bounded_bohb_hyperband_conditional: Sampler::Bohb, HYPERBAND, conditional, 1;
    bounded_tpe_none_conditional: TPE, Scheduler::None, conditional, 1;
    bounded_gaussian_process_none_continuous: Sampler::GaussianProcess, Scheduler::None, continuous, 1;
    bounded_random_forest_none_small: Sampler::RandomForest, Scheduler::None, small, 1;
    bounded_gradient_none_continuous: Sampler::Gradient, Scheduler::None, continuous, 1;
    bounded_population_continuous: Sampler::Automatic, POPULATION, continuous, 1;
    bounded_population_tournament_small: Sampler::Random, POPULATION_TOURNAMENT, small, 1;
    two_population_continuous: Sampler::Automatic, POPULATION, continuous, 2;
    two_random_none_continuous: Sampler::Random, Scheduler::None, continuous, 2;
    two_random_hyperband_conditional: Sampler::Random, HYPERBAND, conditional, 2;
    two_quasi_random_none_continuous: Sampler::QuasiRandom, Scheduler::None, continuous, 2;
    two_grid_none_small: GRID, Scheduler::None, small, 2;
    two_genetic_none_continuous: GENETIC, Scheduler::None, continuous, 2;
    two_genetic_none_tiny: GENETIC, Scheduler::None, tiny, 2;
    two_genetic_none_conditional: GENETIC, Scheduler::None, conditional, 2;
    two_genetic_none_whole: GENETIC, Scheduler::None, whole, 2;
    two_genetic_asha_continuous: GENETIC, ASHA, continuous, 2;
    two_genetic_asha_stopping_conditional: GENETIC, ASHA_STOPPING, conditional, 2;
    two_genetic_halving_through_small: GENETIC, HALVING_THROUGH, small, 2;
    two_tpe_none_continuous: TPE, Scheduler::None, continuous, 2;
    two_tpe_none_conditional: TPE, Scheduler::None, conditional, 2;
    two_tpe_hyperband_small: TPE, HYPERBAND, small, 2;
    three_tpe_asha_continuous: TPE, ASHA, continuous, 3;
    two_gaussian_process_none_continuous: Sampler::GaussianProcess, Scheduler::None, continuous, 2;
    two_gaussian_process_none_small: Sampler::GaussianProcess, Scheduler::None, small, 2;
    two_gaussian_process_hyperband_conditional: Sampler::GaussianProcess, HYPERBAND, conditional, 2;
    three_gaussian_process_none_conditional: Sampler::GaussianProcess, Scheduler::None, conditional, 3;
    three_gaussian_process_asha_continuous: Sampler::GaussianProcess, ASHA, continuous, 3;
    three_gaussian_process_none_whole: Sampler::GaussianProcess, Scheduler::None, whole, 3;
    four_tpe_none_tiny: TPE, Scheduler::None, tiny, 4;
    three_genetic_none_small: GENETIC, Scheduler::None, small, 3;
    three_genetic_hyperband_continuous: GENETIC, HYPERBAND, continuous, 3;
    four_genetic_none_continuous: GENETIC, Scheduler::None, continuous, 4;
    four_random_hpbandster_tiny: Sampler::Random, HPBANDSTER, tiny, 4;
}

macro_rules! stopping {
    ($($name:ident: $sampler:expr, $which:expr, $space:expr;)*) => {
        $(#[test] fn $name() { run_stopping(0..SEEDS, $sampler, $which, $space); })*

        #[test]
        #[ignore = "takes minutes: run it after changing how decisions are made"]
        fn stopping_rules_for_long() {
            $(run_stopping(SEEDS..SOAK, $sampler, $which, $space);)*
        }
    };
}

stopping! {
    random_median_continuous: Sampler::Random, 0, continuous;
    random_percentile_conditional: Sampler::Random, 1, conditional;
    random_patience_continuous: Sampler::Random, 2, continuous;
    random_threshold_small: Sampler::Random, 3, small;
    random_all_rules_continuous: Sampler::Random, 4, continuous;
    gradient_all_rules_conditional: Sampler::Gradient, 4, conditional;
    grid_median_small: GRID, 0, small;
    grid_all_rules_tiny: GRID, 4, tiny;
}

macro_rules! conformance {
    ($($name:ident: $sampler:expr, $scheduler:expr, $space:expr;)*) => {
        $(#[test] fn $name() { run(0..SEEDS, $sampler, $scheduler, $space); })*

        #[test]
        #[ignore = "takes minutes: run it after changing how decisions are made"]
        fn all_for_long() {
            $(run(SEEDS..SOAK, $sampler, $scheduler, $space);)*
        }
    };
}

conformance! {
    random_none_continuous: Sampler::Random, Scheduler::None, continuous;
    random_none_small: Sampler::Random, Scheduler::None, small;
    random_none_conditional: Sampler::Random, Scheduler::None, conditional;
    random_none_tiny: Sampler::Random, Scheduler::None, tiny;
    random_halving_continuous: Sampler::Random, HALVING, continuous;
    random_halving_small: Sampler::Random, HALVING, small;
    random_halving_conditional: Sampler::Random, HALVING, conditional;
    random_halving_tiny: Sampler::Random, HALVING, tiny;
    random_halving_through_continuous: Sampler::Random, HALVING_THROUGH, continuous;
    random_halving_through_small: Sampler::Random, HALVING_THROUGH, small;
    random_halving_through_conditional: Sampler::Random, HALVING_THROUGH, conditional;
    random_halving_through_tiny: Sampler::Random, HALVING_THROUGH, tiny;
    random_hyperband_continuous: Sampler::Random, HYPERBAND, continuous;
    random_hyperband_small: Sampler::Random, HYPERBAND, small;
    random_hyperband_conditional: Sampler::Random, HYPERBAND, conditional;
    random_hyperband_tiny: Sampler::Random, HYPERBAND, tiny;
    random_hyperband_through_continuous: Sampler::Random, HYPERBAND_THROUGH, continuous;
    random_hyperband_through_small: Sampler::Random, HYPERBAND_THROUGH, small;
    random_hyperband_through_conditional: Sampler::Random, HYPERBAND_THROUGH, conditional;
    random_hyperband_through_tiny: Sampler::Random, HYPERBAND_THROUGH, tiny;
    random_hpbandster_continuous: Sampler::Random, HPBANDSTER, continuous;
    random_asha_continuous: Sampler::Random, ASHA, continuous;
    random_asha_small: Sampler::Random, ASHA, small;
    random_asha_conditional: Sampler::Random, ASHA, conditional;
    random_asha_tiny: Sampler::Random, ASHA, tiny;
    random_asha_brackets_continuous: Sampler::Random, ASHA_BRACKETS, continuous;
    random_asha_brackets_small: Sampler::Random, ASHA_BRACKETS, small;
    random_asha_stopping_continuous: Sampler::Random, ASHA_STOPPING, continuous;
    random_asha_stopping_conditional: Sampler::Random, ASHA_STOPPING, conditional;
    random_asha_stopping_tiny: Sampler::Random, ASHA_STOPPING, tiny;
    random_asha_stopping_brackets_continuous: Sampler::Random, ASHA_STOPPING_BRACKETS, continuous;
    dehb_continuous: Sampler::Automatic, DEHB, continuous;
    dehb_small: Sampler::Automatic, DEHB, small;
    dehb_conditional: Sampler::Automatic, DEHB, conditional;
    dehb_tiny: Sampler::Automatic, DEHB, tiny;
    dehb_whole: Sampler::Automatic, DEHB, whole;
    dehb_two_continuous: Sampler::Automatic, DEHB_TWO, continuous;
    dehb_two_conditional: Sampler::Automatic, DEHB_TWO, conditional;
    population_continuous: Sampler::Automatic, POPULATION, continuous;
    population_small: Sampler::Random, POPULATION, small;
    population_conditional: Sampler::Automatic, POPULATION, conditional;
    population_tiny: Sampler::Automatic, POPULATION_HALVES, tiny;
    population_whole: Sampler::Random, POPULATION_HALVES, whole;
    population_grid_small: GRID, POPULATION, small;
    population_tpe_conditional: TPE, POPULATION_HALVES, conditional;
    population_cma_es_continuous: CMA_ES, POPULATION_TOURNAMENT, continuous;
    population_tournament_continuous: Sampler::Automatic, POPULATION_TOURNAMENT, continuous;
    population_tournament_conditional: Sampler::QuasiRandom, POPULATION_TOURNAMENT, conditional;
    population_tournament_tiny: Sampler::Random, POPULATION_TOURNAMENT, tiny;
    bohb_none_continuous: Sampler::Bohb, Scheduler::None, continuous;
    bohb_none_small: Sampler::Bohb, Scheduler::None, small;
    bohb_none_tiny: Sampler::Bohb, Scheduler::None, tiny;
    bohb_hyperband_continuous: Sampler::Bohb, HYPERBAND, continuous;
    bohb_hyperband_conditional: Sampler::Bohb, HYPERBAND, conditional;
    bohb_hyperband_small: Sampler::Bohb, HYPERBAND, small;
    bohb_hyperband_through_continuous: Sampler::Bohb, HYPERBAND_THROUGH, continuous;
    bohb_halving_conditional: Sampler::Bohb, HALVING, conditional;
    bohb_asha_continuous: Sampler::Bohb, ASHA, continuous;
    bohb_asha_stopping_brackets_conditional: Sampler::Bohb, ASHA_STOPPING_BRACKETS, conditional;
    grid_asha_small: GRID, ASHA, small;
    grid_asha_stopping_brackets_small: GRID, ASHA_STOPPING_BRACKETS, small;
    grid_none_continuous: GRID, Scheduler::None, continuous;
    grid_none_small: GRID, Scheduler::None, small;
    grid_none_conditional: GRID, Scheduler::None, conditional;
    grid_none_tiny: GRID, Scheduler::None, tiny;
    grid_halving_continuous: GRID, HALVING, continuous;
    grid_halving_small: GRID, HALVING, small;
    grid_halving_conditional: GRID, HALVING, conditional;
    grid_halving_tiny: GRID, HALVING, tiny;
    grid_halving_through_continuous: GRID, HALVING_THROUGH, continuous;
    grid_halving_through_small: GRID, HALVING_THROUGH, small;
    grid_halving_through_conditional: GRID, HALVING_THROUGH, conditional;
    grid_halving_through_tiny: GRID, HALVING_THROUGH, tiny;
    grid_hyperband_continuous: GRID, HYPERBAND, continuous;
    grid_hyperband_small: GRID, HYPERBAND, small;
    grid_hyperband_conditional: GRID, HYPERBAND, conditional;
    grid_hyperband_tiny: GRID, HYPERBAND, tiny;
    grid_hyperband_through_continuous: GRID, HYPERBAND_THROUGH, continuous;
    grid_hyperband_through_small: GRID, HYPERBAND_THROUGH, small;
    grid_hyperband_through_conditional: GRID, HYPERBAND_THROUGH, conditional;
    grid_hyperband_through_tiny: GRID, HYPERBAND_THROUGH, tiny;
    genetic_none_continuous: GENETIC, Scheduler::None, continuous;
    genetic_none_small: GENETIC, Scheduler::None, small;
    genetic_none_conditional: GENETIC, Scheduler::None, conditional;
    genetic_none_tiny: GENETIC, Scheduler::None, tiny;
    genetic_none_whole: GENETIC, Scheduler::None, whole;
    genetic_halving_continuous: GENETIC, HALVING, continuous;
    genetic_halving_small: GENETIC, HALVING, small;
    genetic_halving_conditional: GENETIC, HALVING, conditional;
    genetic_halving_tiny: GENETIC, HALVING, tiny;
    genetic_halving_whole: GENETIC, HALVING, whole;
    genetic_halving_through_continuous: GENETIC, HALVING_THROUGH, continuous;
    genetic_halving_through_small: GENETIC, HALVING_THROUGH, small;
    genetic_halving_through_conditional: GENETIC, HALVING_THROUGH, conditional;
    genetic_halving_through_tiny: GENETIC, HALVING_THROUGH, tiny;
    genetic_halving_through_whole: GENETIC, HALVING_THROUGH, whole;
    genetic_hyperband_continuous: GENETIC, HYPERBAND, continuous;
    genetic_hyperband_small: GENETIC, HYPERBAND, small;
    genetic_hyperband_conditional: GENETIC, HYPERBAND, conditional;
    genetic_hyperband_tiny: GENETIC, HYPERBAND, tiny;
    genetic_hyperband_whole: GENETIC, HYPERBAND, whole;
    genetic_hyperband_through_continuous: GENETIC, HYPERBAND_THROUGH, continuous;
    genetic_hyperband_through_small: GENETIC, HYPERBAND_THROUGH, small;
    genetic_hyperband_through_conditional: GENETIC, HYPERBAND_THROUGH, conditional;
    genetic_hyperband_through_tiny: GENETIC, HYPERBAND_THROUGH, tiny;
    genetic_hyperband_through_whole: GENETIC, HYPERBAND_THROUGH, whole;
    cma_es_none_continuous: CMA_ES, Scheduler::None, continuous;
    cma_es_none_small: CMA_ES, Scheduler::None, small;
    cma_es_none_conditional: CMA_ES, Scheduler::None, conditional;
    cma_es_none_tiny: CMA_ES, Scheduler::None, tiny;
    cma_es_none_whole: CMA_ES, Scheduler::None, whole;
    cma_es_halving_continuous: CMA_ES, HALVING, continuous;
    cma_es_halving_small: CMA_ES, HALVING, small;
    cma_es_halving_conditional: CMA_ES, HALVING, conditional;
    cma_es_halving_tiny: CMA_ES, HALVING, tiny;
    cma_es_halving_whole: CMA_ES, HALVING, whole;
    cma_es_halving_through_continuous: CMA_ES, HALVING_THROUGH, continuous;
    cma_es_halving_through_small: CMA_ES, HALVING_THROUGH, small;
    cma_es_halving_through_conditional: CMA_ES, HALVING_THROUGH, conditional;
    cma_es_halving_through_tiny: CMA_ES, HALVING_THROUGH, tiny;
    cma_es_halving_through_whole: CMA_ES, HALVING_THROUGH, whole;
    cma_es_hyperband_continuous: CMA_ES, HYPERBAND, continuous;
    cma_es_hyperband_small: CMA_ES, HYPERBAND, small;
    cma_es_hyperband_conditional: CMA_ES, HYPERBAND, conditional;
    cma_es_hyperband_tiny: CMA_ES, HYPERBAND, tiny;
    cma_es_hyperband_whole: CMA_ES, HYPERBAND, whole;
    cma_es_hyperband_through_continuous: CMA_ES, HYPERBAND_THROUGH, continuous;
    cma_es_hyperband_through_small: CMA_ES, HYPERBAND_THROUGH, small;
    cma_es_hyperband_through_conditional: CMA_ES, HYPERBAND_THROUGH, conditional;
    cma_es_hyperband_through_tiny: CMA_ES, HYPERBAND_THROUGH, tiny;
    cma_es_hyperband_through_whole: CMA_ES, HYPERBAND_THROUGH, whole;
    quasi_random_none_continuous: Sampler::QuasiRandom, Scheduler::None, continuous;
    quasi_random_none_small: Sampler::QuasiRandom, Scheduler::None, small;
    quasi_random_none_conditional: Sampler::QuasiRandom, Scheduler::None, conditional;
    quasi_random_none_tiny: Sampler::QuasiRandom, Scheduler::None, tiny;
    quasi_random_halving_continuous: Sampler::QuasiRandom, HALVING, continuous;
    quasi_random_halving_small: Sampler::QuasiRandom, HALVING, small;
    quasi_random_halving_conditional: Sampler::QuasiRandom, HALVING, conditional;
    quasi_random_halving_tiny: Sampler::QuasiRandom, HALVING, tiny;
    quasi_random_hyperband_through_continuous: Sampler::QuasiRandom, HYPERBAND_THROUGH, continuous;
    quasi_random_hyperband_through_small: Sampler::QuasiRandom, HYPERBAND_THROUGH, small;
    quasi_random_hyperband_through_conditional: Sampler::QuasiRandom, HYPERBAND_THROUGH, conditional;
    quasi_random_hyperband_through_tiny: Sampler::QuasiRandom, HYPERBAND_THROUGH, tiny;
    tpe_none_continuous: TPE, Scheduler::None, continuous;
    tpe_none_small: TPE, Scheduler::None, small;
    tpe_none_conditional: TPE, Scheduler::None, conditional;
    tpe_none_tiny: TPE, Scheduler::None, tiny;
    tpe_halving_continuous: TPE, HALVING, continuous;
    tpe_halving_small: TPE, HALVING, small;
    tpe_halving_conditional: TPE, HALVING, conditional;
    tpe_halving_tiny: TPE, HALVING, tiny;
    tpe_halving_through_continuous: TPE, HALVING_THROUGH, continuous;
    tpe_halving_through_small: TPE, HALVING_THROUGH, small;
    tpe_halving_through_conditional: TPE, HALVING_THROUGH, conditional;
    tpe_halving_through_tiny: TPE, HALVING_THROUGH, tiny;
    tpe_hyperband_continuous: TPE, HYPERBAND, continuous;
    tpe_hyperband_small: TPE, HYPERBAND, small;
    tpe_hyperband_conditional: TPE, HYPERBAND, conditional;
    tpe_hyperband_tiny: TPE, HYPERBAND, tiny;
    tpe_hyperband_through_continuous: TPE, HYPERBAND_THROUGH, continuous;
    tpe_hyperband_through_small: TPE, HYPERBAND_THROUGH, small;
    tpe_hyperband_through_conditional: TPE, HYPERBAND_THROUGH, conditional;
    tpe_hyperband_through_tiny: TPE, HYPERBAND_THROUGH, tiny;
    tpe_independent_none_continuous: TPE_INDEPENDENT, Scheduler::None, continuous;
    tpe_independent_none_small: TPE_INDEPENDENT, Scheduler::None, small;
    tpe_independent_none_conditional: TPE_INDEPENDENT, Scheduler::None, conditional;
    tpe_independent_none_tiny: TPE_INDEPENDENT, Scheduler::None, tiny;
    tpe_independent_hyperband_continuous: TPE_INDEPENDENT, HYPERBAND, continuous;
    tpe_independent_hyperband_small: TPE_INDEPENDENT, HYPERBAND, small;
    tpe_independent_hyperband_conditional: TPE_INDEPENDENT, HYPERBAND, conditional;
    tpe_independent_hyperband_tiny: TPE_INDEPENDENT, HYPERBAND, tiny;
    automatic_none_continuous: Sampler::Automatic, Scheduler::None, continuous;
    automatic_none_small: Sampler::Automatic, Scheduler::None, small;
    automatic_none_conditional: Sampler::Automatic, Scheduler::None, conditional;
    automatic_none_tiny: Sampler::Automatic, Scheduler::None, tiny;
    automatic_hyperband_continuous: Sampler::Automatic, HYPERBAND, continuous;
    automatic_hyperband_conditional: Sampler::Automatic, HYPERBAND, conditional;
    automatic_halving_through_small: Sampler::Automatic, HALVING_THROUGH, small;
    gaussian_process_none_continuous: Sampler::GaussianProcess, Scheduler::None, continuous;
    gaussian_process_none_small: Sampler::GaussianProcess, Scheduler::None, small;
    gaussian_process_none_conditional: Sampler::GaussianProcess, Scheduler::None, conditional;
    gaussian_process_none_tiny: Sampler::GaussianProcess, Scheduler::None, tiny;
    gaussian_process_hyperband_continuous: Sampler::GaussianProcess, HYPERBAND, continuous;
    gaussian_process_hyperband_small: Sampler::GaussianProcess, HYPERBAND, small;
    gaussian_process_hyperband_conditional: Sampler::GaussianProcess, HYPERBAND, conditional;
    gaussian_process_hyperband_tiny: Sampler::GaussianProcess, HYPERBAND, tiny;
    gaussian_process_halving_through_continuous: Sampler::GaussianProcess, HALVING_THROUGH, continuous;
    gaussian_process_halving_through_conditional: Sampler::GaussianProcess, HALVING_THROUGH, conditional;
    random_forest_none_continuous: Sampler::RandomForest, Scheduler::None, continuous;
    random_forest_none_small: Sampler::RandomForest, Scheduler::None, small;
    random_forest_none_conditional: Sampler::RandomForest, Scheduler::None, conditional;
    random_forest_none_tiny: Sampler::RandomForest, Scheduler::None, tiny;
    random_forest_hyperband_continuous: Sampler::RandomForest, HYPERBAND, continuous;
    random_forest_hyperband_small: Sampler::RandomForest, HYPERBAND, small;
    random_forest_hyperband_conditional: Sampler::RandomForest, HYPERBAND, conditional;
    random_forest_hyperband_tiny: Sampler::RandomForest, HYPERBAND, tiny;
    random_forest_halving_through_continuous: Sampler::RandomForest, HALVING_THROUGH, continuous;
    random_forest_halving_through_conditional: Sampler::RandomForest, HALVING_THROUGH, conditional;
    gradient_none_continuous: Sampler::Gradient, Scheduler::None, continuous;
    gradient_none_conditional: Sampler::Gradient, Scheduler::None, conditional;
    gradient_hyperband_continuous: Sampler::Gradient, HYPERBAND, continuous;
    gradient_hyperband_conditional: Sampler::Gradient, HYPERBAND, conditional;
    gradient_halving_through_continuous: Sampler::Gradient, HALVING_THROUGH, continuous;
    gradient_asha_continuous: Sampler::Gradient, ASHA, continuous;
}
