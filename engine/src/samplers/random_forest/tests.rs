use super::super::surrogate::tests::{float, number, play, square, study};
use crate::Sampler;

#[test]
fn a_bowl_is_gone_down() {
    let mut study = study(Sampler::RandomForest, vec![float("x"), float("y")], 1);
    study.settings(|settings| settings.limits.trials = Some(60));
    let values = play(&mut study, |a| square(number(a, "x") - 1.3) + 2.0 * square(number(a, "y") + 2.1));
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < 1.0, "{best}");
}
