//! A log gives the same lines however it is cut into chunks; and folding it twice gives what folding it once gives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_engine::Goal;
use trimtab_protocol::{Line, Lines, Metrics, Parser, Progress};

fn lines(chunks: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<(Option<String>, Vec<u8>, bool)> {
    let mut lines = Lines::stamped();
    let mut found = Vec::new();
    let mut keep = |line: Line<'_>| found.push((line.time.map(str::to_owned), line.text.to_vec(), line.cut));
    for chunk in chunks {
        lines.push(chunk.as_ref(), &mut keep);
    }
    lines.finish(&mut keep);
    found
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    // Repeated input reaches the cap of a line with little effort of the fuzzer.
    let log = rest.repeat(1 + usize::from(*first % 16) * 64);
    let whole = lines(std::iter::once(&log));
    assert_eq!(whole, lines(log.chunks(usize::from(*first) + 1)));

    let metrics = Metrics { fidelity_key: None, names: ["loss".to_owned()].into() };
    let fold = |progress: &mut Progress| {
        let mut parser = Parser::new(&metrics);
        let mut reports: Vec<_> = whole.iter().flat_map(|line| parser.parse(&line.1).reports).collect();
        reports.extend(parser.finish().reports);
        for report in &reports {
            progress.observe(&[1, 3, 9], Some(Goal::Minimize), report);
        }
    };
    let mut progress = Progress::default();
    fold(&mut progress);
    let once = format!("{progress:?}");
    fold(&mut progress);
    assert_eq!(once, format!("{progress:?}"));
    let _ = progress.finish(&[1, 3, 9], &["loss"], 2, true);
});
