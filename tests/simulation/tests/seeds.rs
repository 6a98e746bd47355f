//! Seeds on the unchanged controllers, and on controllers with planted bugs.
//!
//! `TRIMTAB_SEEDS=5000` plays more of them; the binary plays as many as there is time for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use trimtab_simulation::planted::Planted;
use trimtab_simulation::rules::Rules;
use trimtab_simulation::simulation::{Violation, play};

fn rules() -> Rules {
    let definitions: Vec<Value> =
        trimtab_api::schema::crds().unwrap().iter().map(|crd| serde_json::to_value(crd).unwrap()).collect();
    Rules::new(&definitions).unwrap()
}

/// The first seed below `seeds` that fails, over all cores.
fn first_failure(seeds: u64, planted: Option<Planted>) -> Option<Violation> {
    let next = AtomicU64::new(0);
    let found: Mutex<Option<Violation>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let rules = rules();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || found.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                        return;
                    }
                    if let Err(violation) = play(seed, &rules, planted, false, false) {
                        *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(*violation);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A build without optimization plays a seed in a second or two, one with it in a tenth of that.
fn seeds() -> u64 {
    let default = if cfg!(debug_assertions) { 60 } else { 400 };
    std::env::var("TRIMTAB_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_seed_holds() {
    if let Some(violation) = first_failure(seeds(), None) {
        panic!("seed {}: {} (--seed {} --trace shows how)", violation.seed, violation.what, violation.seed);
    }
}

#[test]
fn equal_seeds_play_alike() {
    let rules = rules();
    for seed in 0..4 {
        let twice = [(); 2].map(|()| play(seed, &rules, None, false, false).unwrap());
        assert_eq!(twice[0], twice[1], "seed {seed}");
    }
}

#[test]
fn every_planted_bug_is_found() {
    for (name, planted) in Planted::ALL {
        assert!(first_failure(2_000, Some(planted)).is_some(), "{name} was not found");
    }
}
