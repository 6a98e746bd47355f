//! A line of a trial's log is read within bounds, whatever it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_protocol::{Metrics, Parser};

fuzz_target!(|data: &[u8]| {
    let names = ["loss", "val_accuracy", "valid_0's auc", "mAP50-95"].map(str::to_owned).into();
    let mut parser = Parser::new(&Metrics { fidelity_key: None, names });
    for line in data.split(|byte| *byte == b'\n') {
        let said = parser.parse(line);
        assert!(said.reports.len() <= trimtab_protocol::log::VALUES);
        assert!(said.rejected.len() <= trimtab_protocol::log::REJECTED);
        for report in said.reports {
            assert!(report.fidelity.is_none_or(|fidelity| fidelity.is_finite() && fidelity >= 0.0));
        }
    }
    parser.finish();
});
