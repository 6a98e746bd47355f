//! A list of admitted results that is read back from a Trial is refused or canonical.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_engine::admitted::{decode, encode};

fuzz_target!(|text: &str| {
    if let Ok(keys) = decode(text) {
        assert_eq!(decode(&encode(&keys)), Ok(keys));
    }
});
