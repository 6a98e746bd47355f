//! A client of ask and tell may say anything: it is a request, or a mistake that names a field in few words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_protocol::asking::{Request, parse};

fuzz_target!(|data: &[u8]| {
    for line in data.split(|byte| *byte == b'\n') {
        match parse(line).1 {
            Ok(Request::Report { values, .. } | Request::Tell { values, .. }) => {
                assert!(values.fidelity.is_none_or(|fidelity| fidelity.is_finite() && fidelity >= 0.0));
            }
            Ok(_) => {}
            Err(mistake) => {
                assert!(!mistake.field.is_empty() && !mistake.message.is_empty());
                assert!(mistake.field.len() + mistake.message.len() < 2_000);
            }
        }
    }
});
