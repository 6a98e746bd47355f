//! Ladders that audit some of their trials.

use trimtab_engine::plan::MAX_AUDIT;
use trimtab_engine::{Action, History, Plan, Reason, Sampler, Scheduler, Space};

use crate::cases::{
    ASHA, ASHA_BRACKETS, ASHA_STOPPING, ASHA_STOPPING_BRACKETS, GENETIC, HALVING, HALVING_THROUGH, HYPERBAND,
    HYPERBAND_THROUGH, SEEDS, SOAK, add_objectives, conditional, continuous, small, study,
};
use crate::world::World;

/// Plays a study with so many objectives that audits this share, and returns its log.
fn play(seed: u64, sampler: Sampler, scheduler: Scheduler, space: Space, count: usize, audit: f64) -> History {
    let (plan, mut dice) = study(seed, sampler, scheduler, space);
    let mut spec = plan.spec().clone();
    spec.audit = audit;
    add_objectives(&mut spec, &mut dice, count);
    World::new(Plan::new(spec).expect("a valid study"), dice, seed).run().1
}

fn run(seeds: std::ops::Range<u64>, sampler: Sampler, scheduler: Scheduler, space: fn() -> Space, count: usize) {
    let audits = |seed: u64| {
        let share = if seed.is_multiple_of(2) { MAX_AUDIT } else { 0.05 };
        let history = play(seed, sampler, scheduler, space(), count, share);
        let actions = history.batches.iter().flat_map(|batch| &batch.actions);
        actions.filter(|action| action.reason() == Reason::Audited).count()
    };
    assert!(seeds.map(audits).sum::<usize>() > 0, "nobody is audited");
}

macro_rules! audited {
    ($($name:ident: $sampler:expr, $scheduler:expr, $space:expr, $count:expr;)*) => {
        $(#[test] fn $name() { run(0..2 * SEEDS, $sampler, $scheduler, $space, $count); })*

        #[test]
        #[ignore = "takes minutes: run it after changing how decisions are made"]
        fn audited_for_long() {
            $(run(2 * SEEDS..SOAK, $sampler, $scheduler, $space, $count);)*
        }
    };
}

audited! {
    audited_random_halving_continuous: Sampler::Random, HALVING, continuous, 1;
    audited_random_halving_through_continuous: Sampler::Random, HALVING_THROUGH, continuous, 1;
    audited_random_hyperband_continuous: Sampler::Random, HYPERBAND, continuous, 1;
    audited_random_hyperband_small: Sampler::Random, HYPERBAND, small, 1;
    audited_random_hyperband_through_conditional: Sampler::Random, HYPERBAND_THROUGH, conditional, 1;
    audited_bohb_hyperband_continuous: Sampler::Bohb, HYPERBAND, continuous, 1;
    audited_random_asha_continuous: Sampler::Random, ASHA, continuous, 1;
    audited_random_asha_brackets_continuous: Sampler::Random, ASHA_BRACKETS, continuous, 1;
    audited_random_asha_stopping_continuous: Sampler::Random, ASHA_STOPPING, continuous, 1;
    audited_random_asha_stopping_brackets_small: Sampler::Random, ASHA_STOPPING_BRACKETS, small, 1;
    audited_two_random_hyperband_continuous: Sampler::Random, HYPERBAND, continuous, 2;
    audited_two_genetic_asha_continuous: GENETIC, ASHA, continuous, 2;
    audited_two_genetic_asha_stopping_conditional: GENETIC, ASHA_STOPPING, conditional, 2;
}

/// Where the draw is made and nobody is drawn, each batch is what it is without a share, to the last number that it compared.
#[test]
fn share_that_draws_nobody_changes_nothing() {
    let all = [HALVING, HALVING_THROUGH, HYPERBAND, HYPERBAND_THROUGH, ASHA, ASHA_BRACKETS, ASHA_STOPPING];
    for scheduler in all {
        for (seed, count) in (0..SEEDS).zip([1, 2].into_iter().cycle()) {
            let with = |audit: f64| play(seed, Sampler::Random, scheduler, continuous(), count, audit);
            let (none, nobody) = (with(0.0), with(f64::MIN_POSITIVE));
            // As text, because NaN is not itself.
            assert_eq!(format!("{none:?}"), format!("{nobody:?}"), "seed {seed} {scheduler:?}");
            let is_unchanged = |action: &Action| action.reason() != Reason::Audited;
            assert!(none.batches.iter().flat_map(|batch| &batch.actions).all(is_unchanged));
        }
    }
}
