//! Random plans and histories through every sampler: nothing panics, loops or proposes what a space does not have.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../engine/tests/hostile/bytes.rs"]
mod bytes;
#[path = "../../engine/tests/hostile/drive.rs"]
mod drive;
#[path = "../../engine/tests/hostile/plans.rs"]
mod plans;

fuzz_target!(|data: &[u8]| {
    drive::drive(data);
});
