//! A file of images or labels that the trainer reads is what it says, or is refused by a message that names it.
#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;

// Not the trainer's crate, which would bring burn.
#[allow(dead_code)]
#[path = "../../trainer/src/data/idx.rs"]
mod idx;

fn open(data: &[u8]) -> idx::Open<&[u8]> {
    idx::Open { path: PathBuf::from("file"), reader: data, most: data.len() as u64 }
}

fn fits(_: &Path, _: u64) -> Result<(), idx::Error> {
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    match idx::read_images(open(data), fits) {
        Ok(images) => assert_eq!(images.bytes.len(), images.count * images.size[0] * images.size[1]),
        Err(error) => assert!(error.to_string().starts_with("file ")),
    }
    match idx::read_labels(open(data), fits) {
        Ok(labels) => assert_eq!(labels.bytes.len(), data.len() - 8),
        Err(error) => assert!(error.to_string().starts_with("file ")),
    }
});
