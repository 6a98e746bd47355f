//! Hostile numbers and records against every sampler: what `fuzz/fuzz_targets/samplers.rs` drives, with bytes that are always the same.
//!
//! What the fuzzer found lies in `finds/`, a file each; what it makes of them is what it makes of the others.

#![expect(clippy::disallowed_methods, reason = "a test may read its cases from files")]

mod bytes;
mod drive;
mod plans;

use std::path::Path;

/// How many strings of bytes are played for each sampler.
const ROUNDS: u64 = 40;

/// Bytes that are always the same (`SplitMix64`), for this sampler: the first byte chooses it.
fn bytes(sampler: u8, round: u64) -> Vec<u8> {
    let mut state = round << 8 | u64::from(sampler);
    let mut word = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let length = 200 + word() as usize % 1_800;
    let mut bytes = vec![sampler];
    bytes.extend((0..length).map(|_| word() as u8));
    bytes
}

fn survives(sampler: u8) {
    let played = (0..ROUNDS).filter(|round| drive::drive(&bytes(sampler, *round))).count();
    assert!(played as u64 > ROUNDS / 4, "only {played} of {ROUNDS} plans are valid");
}

macro_rules! samplers {
    ($($name:ident: $sampler:expr;)*) => {
        $(#[test] fn $name() { survives($sampler); })*

        #[test]
        #[ignore = "takes minutes: run it after changing how samplers read what trials say"]
        fn all_survive_for_long() {
            for round in ROUNDS..100 * ROUNDS {
                $(drive::drive(&bytes($sampler, round));)*
            }
        }
    };
}

samplers! {
    automatic_survives: 0;
    random_survives: 1;
    grid_survives: 2;
    quasi_random_survives: 3;
    tpe_survives: 4;
    genetic_survives: 5;
    cma_es_survives: 6;
    bohb_survives: 7;
    gaussian_process_survives: 8;
    random_forest_survives: 9;
    gradient_survives: 10;
}

#[test]
fn what_was_found_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/finds");
    for entry in std::fs::read_dir(folder).unwrap() {
        drive::drive(&std::fs::read(entry.unwrap().path()).unwrap());
    }
}
