//! Every metric beside scikit-learn's, on predictions that `tests/golden/metrics.py` drew.

use std::collections::BTreeMap;

use serde::Deserialize;
use trimtab_trainer::metrics::{Metric, Outcome};

#[derive(Deserialize)]
struct Golden {
    classification: Vec<Classes>,
    regression: Vec<Numbers>,
}

#[derive(Deserialize)]
struct Classes {
    name: String,
    classes: usize,
    probabilities: Vec<f64>,
    labels: Vec<u32>,
    confusion: Vec<u64>,
    values: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Numbers {
    name: String,
    actual: Vec<f64>,
    predicted: Vec<f64>,
    values: BTreeMap<String, f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/metrics.json")).unwrap()
}

fn compare(name: &str, outcome: &Outcome, values: &BTreeMap<String, f64>) {
    for (metric, expected) in values {
        let found = outcome.value(Metric::parse(metric).unwrap());
        assert!(
            (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "{name}, {metric}: {found}, not {expected}"
        );
    }
}

#[test]
fn metrics_of_classes_are_those_of_scikit_learn() {
    for Classes { name, classes, probabilities, labels, confusion, values } in golden().classification {
        assert!(values.len() >= 14);
        let outcome = Outcome::Classes { classes, probabilities, labels };
        assert_eq!(outcome.confusion().unwrap().counts, confusion, "{name}");
        compare(&name, &outcome, &values);
    }
}

#[test]
fn metrics_of_numbers_are_those_of_scikit_learn() {
    for Numbers { name, actual, predicted, values } in golden().regression {
        compare(&name, &Outcome::Numbers { predicted, actual }, &values);
    }
}

#[test]
fn every_metric_has_a_golden_value() {
    let golden = golden();
    let all = Metric::CLASSIFICATION.into_iter().chain(Metric::REGRESSION);
    for metric in all {
        let name = metric.name();
        let compared = golden.classification.iter().map(|case| &case.values);
        let mut compared = compared.chain(golden.regression.iter().map(|case| &case.values));
        assert!(compared.any(|values| values.contains_key(&name)), "{name}");
        assert_eq!(Metric::parse(&name), Some(metric));
    }
}

#[test]
fn areas_without_a_class_to_tell_apart_are_nan() {
    let outcome = Outcome::Classes { classes: 2, probabilities: vec![0.4, 0.6, 0.3, 0.7], labels: vec![1, 1] };
    assert!(outcome.value(Metric::RocArea).is_nan());
    let outcome = Outcome::Classes { classes: 2, probabilities: vec![0.4, 0.6, 0.3, 0.7], labels: vec![0, 0] };
    assert!(outcome.value(Metric::PrArea).is_nan());
}

#[test]
fn metrics_that_do_not_suit_the_data_say_so() {
    assert!(Metric::parse("f1").unwrap().unfit(Some(3)).unwrap().contains("append _micro, _macro or _weighted"));
    assert!(Metric::parse("f1").unwrap().unfit(Some(2)).is_none());
    assert!(Metric::parse("rmse").unwrap().unfit(Some(2)).unwrap().contains("is of numbers"));
    assert!(Metric::parse("roc_auc").unwrap().unfit(None).unwrap().contains("is of classes"));
    assert!(Metric::parse("top_4").unwrap().unfit(Some(3)).unwrap().contains("more classes than there are"));
    assert_eq!([Metric::parse("top_0"), Metric::parse("top_x"), Metric::parse("f3")], [None; 3]);
}
