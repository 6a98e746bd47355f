//! What holds for every log, whatever is in it and however it arrives.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use trimtab_engine::Goal;
use trimtab_protocol::{
    Curve, Line, LineReport, Lines, Memory, Metrics, Parser, Progress, Report, arguments, check_arguments, escape,
    expand,
};

const LEVELS: [u32; 4] = [1, 3, 9, 27];

fn metrics() -> Metrics {
    Metrics { fidelity_key: None, names: ["loss", "val/acc", "valid_0's auc", "mAP50"].map(str::to_owned).into() }
}

/// Bytes that look like logs more often than chance would have it.
fn log() -> impl Strategy<Value = Vec<u8>> {
    let word = select(vec![
        "loss",
        "val/acc",
        "valid_0's auc",
        "mAP50",
        "epoch",
        "Epoch 3/10",
        "=",
        ": ",
        " ",
        ", ",
        "0.5",
        "-1e3",
        "nan",
        "7",
        "[3]\t",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "\\u00e9",
        "\\",
        "\r",
        "\x08",
        "\n",
        "\x1b[1m",
        "\x1b[2K",
        "\x1b[A",
        "100%|██| 2/2 [",
        " 50%|█ | 1/2 [",
        "2/2 ━━━ ",
        "Epoch GPU_mem loss",
        "2/3 0G 0.1",
        "Class Images Instances Box(P R mAP50 mAP50-95)",
        "all 1 2 0.1 0.2 0.3 0.4",
        "metrics",
        "msg",
        "2026-11-22T18:00:00.5Z ",
        "np.float64(",
        ")",
        "%",
    ]);
    let piece = prop_oneof![
        4 => word.prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

fn lines_of(mut lines: Lines, chunks: &[&[u8]]) -> Vec<(Option<String>, Vec<u8>, bool)> {
    let mut found = Vec::new();
    let mut keep = |line: Line<'_>| found.push((line.time.map(str::to_owned), line.text.to_vec(), line.cut));
    for chunk in chunks {
        lines.push(chunk, &mut keep);
    }
    lines.finish(&mut keep);
    found
}

/// Everything that a parser says of a log, its end included.
fn read(mut parser: Parser, lines: &[Vec<u8>]) -> Vec<Report> {
    let mut reports: Vec<LineReport> = lines.iter().map(|line| parser.parse(line)).collect();
    reports.push(parser.finish());
    reports.into_iter().flat_map(|line| line.reports).collect()
}

/// Equality that holds for NaN too.
fn same<T: std::fmt::Debug>(one: &T, other: &T) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

fn fold(progress: &mut Progress, reports: &[Report]) -> Vec<(usize, String)> {
    reports
        .iter()
        .flat_map(|report| progress.observe(&LEVELS, Some(Goal::Minimize), report))
        .map(|reached| (reached.level, reached.metric))
        .collect()
}

fn report() -> impl Strategy<Value = Report> {
    let fidelity = prop_oneof![1 => Just(None), 6 => (0_u32..60).prop_map(|half| Some(f64::from(half) / 2.0))];
    let value =
        prop_oneof![6 => -9.0..9.0, 1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -f64::MAX])];
    (select(vec!["loss", "val/acc"]), fidelity, value).prop_map(|(metric, fidelity, value)| Report {
        metric: metric.to_owned(),
        fidelity,
        value,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_within_bounds(line in log()) {
        let mut parser = Parser::new(&metrics());
        let said = parser.parse(&line);
        prop_assert!(said.reports.len() <= 256 && said.rejected.len() <= 8);
        for report in said.reports.iter().chain(&parser.finish().reports) {
            prop_assert!(metrics().names.contains(&report.metric));
            prop_assert!(report.fidelity.is_none_or(|fidelity| fidelity.is_finite() && fidelity >= 0.0));
        }
    }

    #[test]
    fn chunks_make_no_difference(log in log(), repeat in 1_usize..200, cuts in vec(any::<Index>(), 0..6), stamped in any::<bool>()) {
        let log = log.repeat(repeat);
        let splitter = || if stamped { Lines::stamped() } else { Lines::plain() };
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(log.len() + 1)).collect();
        places.extend([0, log.len()]);
        places.sort_unstable();
        let chunks: Vec<&[u8]> = places.windows(2).map(|pair| &log[pair[0]..pair[1]]).collect();
        prop_assert_eq!(lines_of(splitter(), &chunks), lines_of(splitter(), &[&log]));
    }

    #[test]
    fn short_lines_lose_nothing(log in log()) {
        let lines = lines_of(Lines::plain(), &[&log]);
        let mut joined: Vec<u8> = lines.iter().map(|line| line.1.as_slice()).collect::<Vec<_>>().join(&b'\n');
        if log.ends_with(b"\n") {
            joined.push(b'\n');
        }
        prop_assert_eq!(joined, log);
    }

    #[test]
    fn reading_again_from_anywhere_counts_nothing_twice(log in log(), restarts in vec((any::<Index>(), any::<Index>()), 0..4), last in any::<Index>()) {
        let lines: Vec<Vec<u8>> = log.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let mut memories = vec![Memory::default()];
        let mut parser = Parser::new(&metrics());
        for line in &lines {
            parser.parse(line);
            memories.push(parser.memory());
        }
        let mut once = Progress::default();
        fold(&mut once, &read(Parser::new(&metrics()), &lines));

        // The operator dies again and again. Each time it goes on from somewhere in what it has read, with the memory of there.
        let mut again = Progress::default();
        let mut reached = Vec::new();
        let mut read_up_to = 0;
        for (back, length) in &restarts {
            let from = back.index(read_up_to + 1);
            let to = from + length.index(lines.len() - from + 1);
            let mut parser = Parser::recall(&metrics(), memories[from].clone());
            for line in &lines[from..to] {
                reached.extend(fold(&mut again, &parser.parse(line).reports));
            }
            read_up_to = read_up_to.max(to);
        }
        let from = last.index(read_up_to + 1);
        reached.extend(fold(&mut again, &read(Parser::recall(&metrics(), memories[from].clone()), &lines[from..])));
        prop_assert!(same(&again, &once));
        let mut unique = reached.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), reached.len(), "a level was written twice");
    }

    #[test]
    fn folding_a_suffix_again_changes_nothing(reports in vec(report(), 1..40), stop in any::<Index>(), back in any::<Index>()) {
        let mut once = Progress::default();
        fold(&mut once, &reports);
        let stop = stop.index(reports.len() + 1);
        let back = back.index(stop + 1);
        let mut again = Progress::default();
        fold(&mut again, &reports[..stop]);
        fold(&mut again, &reports[back..]);
        prop_assert!(same(&again, &once));
    }

    #[test]
    fn levels_are_written_once_and_in_order(reports in vec(report(), 0..40), target in 0_usize..4, exit_ok in any::<bool>()) {
        let mut progress = Progress::default();
        let mut reached = fold(&mut progress, &reports);
        let finished = progress.finish(&LEVELS, &["loss"], target, exit_ok);
        reached.extend(finished.reached.into_iter().map(|reached| (reached.level, reached.metric)));
        for metric in ["loss", "val/acc"] {
            let levels: Vec<usize> = reached.iter().filter(|reached| reached.1 == metric).map(|reached| reached.0).collect();
            prop_assert!(levels.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", levels);
            prop_assert!(levels.iter().all(|level| *level < LEVELS.len()));
        }
        let settled = progress.metrics.get("loss").map_or(0, |folded| folded.settled);
        if matches!(finished.ending, trimtab_protocol::Ending::AtTarget) {
            prop_assert!(settled > target);
        }
    }

    #[test]
    fn curve_stays_small_and_rises(count in 0_u32..2_000) {
        let mut curve = Curve::default();
        for index in 0..count {
            curve.push(f64::from(index), 0.0);
        }
        let points = curve.points();
        prop_assert!(points.len() <= 64);
        prop_assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn escaped_text_expands_to_itself(text in "[$()A-Z_ä]{0,40}") {
        prop_assert_eq!(expand(&escape(&text), |_| Some("no")), text);
    }

    #[test]
    fn arguments_that_pass_the_check_are_kept_or_left_out_whole(elements in vec("(\\$|\\(|\\)|PARAM_A|TRIMTAB_RUN|x){0,12}", 0..6)) {
        let environment = [("PARAM_A".to_owned(), "1".to_owned()), ("TRIMTAB_RUN".to_owned(), "0".to_owned())];
        let kept = arguments(&elements, &environment);
        if check_arguments("args", &elements, &[("a", true)]).is_ok() {
            prop_assert_eq!(kept, elements);
        } else {
            prop_assert!(kept.len() < elements.len());
        }
    }
}
