//! Every sampler with every scheduler and every kind of space: one line each.

use trimtab_engine::{
    Condition, Domain, FidelityRange, Goal, Limits, Objective, Parameter, Plan, PlanSpec, Reduce, Sampler, Scale,
    Scheduler, Settings, Space, TpeSettings,
};

use crate::dice::Dice;
use crate::world::World;

/// Studies per line in every run of the tests.
const SEEDS: u64 = 6;

/// Studies per line in the long run.
const SOAK: u64 = 300;

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

pub(crate) const HALVING: Scheduler =
    Scheduler::SuccessiveHalving { reduction_factor: 2, configurations: Some(11), run_through: false };
pub(crate) const HALVING_THROUGH: Scheduler =
    Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: None, run_through: true };
pub(crate) const HYPERBAND: Scheduler = Scheduler::Hyperband { reduction_factor: 3, run_through: false };
pub(crate) const HYPERBAND_THROUGH: Scheduler = Scheduler::Hyperband { reduction_factor: 2, run_through: true };
const GRID: Sampler = Sampler::Grid { points: Some(4) };
// Few trials start it, so that the model is at work in short studies.
const TPE: Sampler = Sampler::Tpe(TpeSettings { independent: false, startup_trials: 4 });
const TPE_INDEPENDENT: Sampler = Sampler::Tpe(TpeSettings { independent: true, startup_trials: 4 });

/// A study with random settings.
pub(crate) fn study(seed: u64, sampler: Sampler, scheduler: Scheduler, space: Space) -> (Plan, Dice) {
    let mut dice = Dice(seed.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ 0xC0FF_EE00);
    let max = [8, 9, 10, 27][dice.below(4)];
    let limits = Limits {
        trials: dice.chance(60).then(|| 3 + u32::try_from(dice.below(40)).unwrap()),
        full_trainings: dice.chance(35).then(|| 2 + u32::try_from(dice.below(12)).unwrap()),
        failed_trials: dice.chance(20).then(|| 2 + u32::try_from(dice.below(8)).unwrap()),
        active_seconds: dice.chance(15).then(|| 50 + dice.below(400) as u64),
    };
    let mut spec = PlanSpec {
        objective: Objective {
            metric: "score".to_owned(),
            goal: if dice.chance(50) { Goal::Minimize } else { Goal::Maximize },
            reduce: [Reduce::Last, Reduce::Best, Reduce::Mean][dice.below(3)],
        },
        space,
        fidelity: Some(FidelityRange { min: 1, max }),
        sampler,
        scheduler,
        resumable: dice.chance(60),
        seed,
        settings: Settings {
            parallelism: [1, 2, 3, 5, 9, 40][dice.below(6)],
            limits,
            target: dice.chance(10).then_some(0.5),
            suspend: false,
        },
    };
    if !spec.settings.limits.end_it() {
        spec.settings.limits.trials = Some(30);
    }
    if scheduler == Scheduler::None && dice.chance(30) {
        spec.fidelity = None;
    }
    (Plan::new(spec).expect("a valid study"), dice)
}

fn run(seeds: std::ops::Range<u64>, sampler: Sampler, scheduler: Scheduler, space: fn() -> Space) {
    for seed in seeds {
        let (plan, dice) = study(seed, sampler, scheduler, space());
        World::new(plan, dice, seed).run();
    }
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
}
