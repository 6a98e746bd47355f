use std::collections::BTreeSet;

use super::super::surrogate::tests::{float, number, play, square, study};
use super::fitted_count;
use crate::Sampler;

#[test]
fn a_bowl_is_found_to_its_bottom() {
    let mut study = study(Sampler::GaussianProcess, vec![float("x"), float("y")], 1);
    study.settings(|settings| settings.limits.trials = Some(30));
    let values = play(&mut study, |a| square(number(a, "x") - 1.3) + 2.0 * square(number(a, "y") + 2.1));
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < 1e-3, "{best}");
}

#[test]
fn memo_changes_nothing() {
    let mut study = study(Sampler::GaussianProcess, vec![float("x"), float("y")], 1);
    study.settings(|settings| settings.limits.trials = Some(40));
    play(&mut study, |a| square(number(a, "x")) + number(a, "y"));
    // One state is carried through the whole log, the other is made anew for each batch.
    assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
}

#[test]
fn fits_are_at_fixed_counts() {
    let counts: BTreeSet<usize> = (1..1_000).map(fitted_count).collect();
    assert!((1..40).all(|count| fitted_count(count) == count));
    assert!((40..1_000).all(|count| fitted_count(count) <= count && fitted_count(count) * 21 >= count * 20 - 20));
    assert_eq!(counts.len(), 110);
}
