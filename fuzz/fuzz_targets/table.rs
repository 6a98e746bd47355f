//! A table that the trainer reads becomes finite inputs, or is refused by a short message that names it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

// Not the trainer's crate, which would bring burn.
#[allow(dead_code)]
#[path = "../../trainer/src/data/columns.rs"]
mod columns;
#[allow(dead_code)]
#[path = "../../trainer/src/data/error.rs"]
mod error;
#[allow(dead_code)]
#[path = "../../trainer/src/data/idx.rs"]
mod idx;
#[path = "../../trainer/src/data/lines.rs"]
mod lines;
#[path = "../../trainer/src/data/memory.rs"]
mod memory;
#[allow(dead_code)]
#[path = "../../trainer/src/data/raw.rs"]
mod raw;
#[allow(dead_code)]
#[path = "../../trainer/src/data/table.rs"]
mod table;

fn inputs(data: &[u8]) -> Result<Vec<f32>, error::Error> {
    let table =
        table::Table::new(raw::Raw::parse(Path::new("file"), data, Some(1 << 28))?, &table::Options::default())?;
    let train: Vec<u32> = (0..table.raw.lines.len() as u32).step_by(2).collect();
    table::encode(&table.raw, &table.learn(&train))
}

fuzz_target!(|data: &[u8]| {
    match inputs(data) {
        Ok(inputs) => assert!(inputs.iter().all(|input| (input * input).is_finite())),
        Err(error) => {
            let error = error.to_string();
            assert!(error.starts_with("file") && error.len() < 6_000, "{error}");
        }
    }
});
