use super::*;

const LEVELS: [u32; 4] = [1, 3, 9, 27];

fn at(fidelity: f64, value: f64) -> Report {
    Report { metric: "loss".to_owned(), fidelity: Some(fidelity), value }
}

fn unplaced(value: f64) -> Report {
    Report { metric: "loss".to_owned(), fidelity: None, value }
}

fn fold(progress: &mut Progress, reports: &[Report]) -> Vec<Reached> {
    reports.iter().flat_map(|report| progress.observe(&LEVELS, Some(Goal::Minimize), report)).collect()
}

/// Level, last, best, mean, count.
fn shape(reached: &[Reached]) -> Vec<(usize, f64, f64, f64, u32)> {
    reached.iter().map(|r| (r.level, r.values.last, r.values.best, r.values.mean, r.values.count)).collect()
}

fn after(reports: &[Report]) -> Progress {
    let mut progress = Progress::default();
    fold(&mut progress, reports);
    progress
}

#[test]
fn a_run_has_ended_well_when_every_metric_that_decides_is_there() {
    let mut progress = Progress::default();
    for epoch in 1..=27 {
        let report = Report { metric: "loss".to_owned(), fidelity: Some(f64::from(epoch)), value: 0.5 };
        progress.observe(&LEVELS, Some(Goal::Minimize), &report);
    }
    let top = LEVELS.len() - 1;
    assert_eq!(progress.clone().finish(&LEVELS, &["loss", "latency"], top, true).ending, Ending::NoMetric);
    // Printed once at the end, it stands for the level that the run came to.
    let report = Report { metric: "latency".to_owned(), fidelity: None, value: 3.0 };
    progress.observe(&LEVELS, None, &report);
    let finished = progress.finish(&LEVELS, &["loss", "latency"], top, true);
    assert_eq!(finished.ending, Ending::AtTarget);
    assert_eq!(finished.reached.iter().map(|r| (r.level, r.metric.as_str())).collect::<Vec<_>>(), [(top, "latency")]);
}

#[test]
fn level_has_what_was_reported_up_to_it() {
    let reports = [at(1.0, 4.0), at(2.0, 1.0), at(3.0, 2.5), at(4.0, 0.5)];
    assert_eq!(shape(&fold(&mut Progress::default(), &reports)), [(0, 4.0, 4.0, 4.0, 1), (1, 2.5, 1.0, 2.5, 3)]);
}

#[test]
fn level_that_was_jumped_over_has_what_came_before() {
    let reports = [at(2.0, 4.0), at(4.0, 2.0)];
    // Level 1 has nothing before it and stays without a value; level 3 has the one at 2.
    assert_eq!(shape(&fold(&mut Progress::default(), &reports)), [(1, 4.0, 4.0, 4.0, 1)]);
}

#[test]
fn several_levels_crossed_at_once_come_in_order() {
    let reached = fold(&mut Progress::default(), &[at(1.0, 3.0), at(27.0, 2.0)]);
    assert_eq!(
        shape(&reached),
        [(0, 3.0, 3.0, 3.0, 1), (1, 3.0, 3.0, 3.0, 1), (2, 3.0, 3.0, 3.0, 1), (3, 2.0, 2.0, 2.5, 2)]
    );
}

#[test]
fn level_whose_lines_were_lost_has_no_value_from_above() {
    let mut progress = Progress::default();
    assert_eq!(shape(&fold(&mut progress, &[at(9.0, 2.0)])), [(2, 2.0, 2.0, 2.0, 1)]);
    // The program came to its end at 3, and nobody knows what it was worth there.
    assert_eq!(
        progress.finish(&LEVELS, &["loss"], 1, true),
        Finished { ending: Ending::AtTarget, reached: Vec::new() }
    );
}

#[test]
fn parts_of_a_unit_count_toward_the_level_above() {
    let reports = [at(0.5, 4.0), at(1.0, 2.0), at(2.9, 1.0), at(3.1, 0.5)];
    assert_eq!(shape(&fold(&mut Progress::default(), &reports)), [(0, 2.0, 2.0, 3.0, 2), (1, 1.0, 1.0, 7.0 / 3.0, 3)]);
}

#[test]
fn first_report_at_a_fidelity_counts() {
    let mut progress = after(&[at(1.0, 4.0), at(2.0, 3.0)]);
    let before = progress.clone();
    assert!(fold(&mut progress, &[at(1.0, 9.0), at(2.0, 9.0), at(0.5, 9.0)]).is_empty());
    assert_eq!(progress, before);
}

#[test]
fn best_prefers_finite_values_in_the_sense_of_the_goal() {
    let best = |goal, values: &[f64]| {
        let mut progress = Progress::default();
        for (index, value) in values.iter().enumerate() {
            progress.observe(&[], goal, &at(index as f64, *value));
        }
        progress.metrics["loss"].best
    };
    let nan = f64::NAN;
    assert_eq!(best(Some(Goal::Minimize), &[nan, 3.0, nan, 1.0, 2.0, f64::NEG_INFINITY]), 1.0);
    assert_eq!(best(Some(Goal::Maximize), &[f64::INFINITY, 3.0, 5.0, 1.0, f64::INFINITY]), 5.0);
    assert_eq!(best(Some(Goal::Minimize), &[f64::INFINITY, f64::NEG_INFINITY]), f64::NEG_INFINITY);
    assert!(best(Some(Goal::Maximize), &[1.0 / 0.0, nan]).is_nan());
    assert_eq!(best(None, &[1.0, 3.0, 2.0]), 2.0);
}

#[test]
fn mean_knows_infinities() {
    let mean_of = |values: &[f64]| values.iter().zip(0..).fold(0.0, |sum, (value, count)| mean(sum, count, *value));
    assert_eq!(mean_of(&[1.0, 2.0, 6.0]), 3.0);
    assert_eq!(mean_of(&[f64::INFINITY, 1.0]), f64::INFINITY);
    assert!(mean_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    assert!(mean_of(&[1.0, f64::NAN, 1.0]).is_nan());
    assert!(mean_of(&[f64::MAX, -f64::MAX]).is_finite());
}

#[test]
fn run_that_reached_its_target_adds_nothing() {
    let mut progress = after(&[at(1.0, 4.0), at(2.0, 3.0), at(3.0, 2.0)]);
    assert_eq!(
        progress.finish(&LEVELS, &["loss"], 1, true),
        Finished { ending: Ending::AtTarget, reached: Vec::new() }
    );
}

#[test]
fn run_that_ended_early_in_order_has_converged_for_all_levels() {
    let mut progress = after(&[at(1.0, 4.0), at(2.0, 2.0)]);
    let finished = progress.finish(&LEVELS, &["loss"], 2, true);
    assert_eq!(finished.ending, Ending::Converged { fidelity: 2.0 });
    assert_eq!(shape(&finished.reached), [(1, 2.0, 2.0, 3.0, 2), (2, 2.0, 2.0, 3.0, 2), (3, 2.0, 2.0, 3.0, 2)]);
    assert!(progress.finish(&LEVELS, &["loss"], 2, true).reached.is_empty());
}

#[test]
fn run_that_counts_from_zero_has_not_converged_one_short() {
    let mut progress = after(&[at(0.0, 4.0), at(1.0, 3.0), at(2.0, 2.0)]);
    let finished = progress.finish(&LEVELS, &["loss"], 1, true);
    assert_eq!(finished.ending, Ending::AtTarget);
    assert_eq!(shape(&finished.reached), [(1, 2.0, 2.0, 3.0, 3)]);
    let mut early = after(&[at(0.0, 4.0), at(1.0, 3.0)]);
    assert_eq!(early.finish(&LEVELS, &["loss"], 1, true).ending, Ending::Converged { fidelity: 1.0 });
}

#[test]
fn run_that_ends_on_part_of_its_last_unit_has_not_converged() {
    let mut progress = after(&[at(1.0, 4.0), at(2.98, 3.0)]);
    assert_eq!(progress.finish(&LEVELS, &["loss"], 1, true).ending, Ending::AtTarget);
    let mut early = after(&[at(1.5, 3.0)]);
    assert_eq!(early.finish(&LEVELS, &["loss"], 1, true).ending, Ending::Converged { fidelity: 1.5 });
}

#[test]
fn value_without_a_fidelity_is_that_of_the_target() {
    let mut progress = after(&[unplaced(4.0), unplaced(2.0)]);
    let finished = progress.finish(&LEVELS, &["loss"], 2, true);
    assert_eq!(finished.ending, Ending::WithoutFidelity);
    assert_eq!(shape(&finished.reached), [(2, 2.0, 2.0, 2.0, 1)]);
}

#[test]
fn value_of_a_run_before_is_not_that_of_a_run_that_said_nothing() {
    let mut progress = after(&[unplaced(4.0)]);
    progress.begin_run();
    assert_eq!(progress.finish(&LEVELS, &["loss"], 2, true).ending, Ending::NoMetric);
    let mut placed = after(&[at(1.0, 4.0)]);
    placed.begin_run();
    assert_eq!(placed.finish(&LEVELS, &["loss"], 1, true).ending, Ending::NoMetric);
}

#[test]
fn resumed_run_that_repeats_itself_has_converged() {
    let mut progress = after(&[at(1.0, 4.0)]);
    progress.begin_run();
    fold(&mut progress, &[at(1.0, 4.0)]);
    assert_eq!(progress.finish(&LEVELS, &["loss"], 1, true).ending, Ending::Converged { fidelity: 1.0 });
}

#[test]
fn failed_run_keeps_what_it_reported_and_adds_nothing() {
    let mut progress = after(&[at(1.0, 4.0)]);
    assert_eq!(progress.finish(&LEVELS, &["loss"], 1, false), Finished { ending: Ending::Failed, reached: Vec::new() });
    assert_eq!(Progress::default().finish(&LEVELS, &["loss"], 1, true).ending, Ending::NoMetric);
}

#[test]
fn recorded_metrics_follow_the_objective_and_never_decide() {
    let mut progress = after(&[at(1.0, 4.0)]);
    let other = Report { metric: "f1".to_owned(), fidelity: Some(3.0), value: 0.5 };
    let reached = progress.observe(&LEVELS, None, &other);
    assert_eq!(reached.len(), 1);
    assert!(progress.metrics["f1"].curve.points().is_empty());
    let finished = progress.finish(&LEVELS, &["loss"], 1, true);
    assert_eq!(finished.ending, Ending::Converged { fidelity: 1.0 });
    let pairs: Vec<(usize, &str)> = finished.reached.iter().map(|r| (r.level, r.metric.as_str())).collect();
    assert_eq!(pairs, [(1, "loss"), (2, "f1"), (2, "loss"), (3, "f1"), (3, "loss")]);
    let mut alone = Progress::default();
    alone.observe(&LEVELS, None, &other);
    assert_eq!(alone.finish(&LEVELS, &["loss"], 1, true).ending, Ending::NoMetric);
}

#[test]
fn impossible_fidelities_change_nothing() {
    let mut progress = Progress::default();
    for fidelity in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(fold(&mut progress, &[at(fidelity, 1.0)]).is_empty());
    }
    assert_eq!(progress, Progress::default());
}
