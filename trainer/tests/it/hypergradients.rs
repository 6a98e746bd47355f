//! The hypergradients that a run prints, against what happens when the parameter is changed.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::fixture::{Flags, data, flags, generated, train};

/// The last line's value of `name`, with all its digits, as the checkpoint has it.
fn value(folder: &Path, name: &str) -> f64 {
    let text = fs::read_to_string(folder.join("checkpoint.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let metrics = manifest["line"]["metrics"].as_array().unwrap();
    let metric = metrics.iter().find(|metric| metric["name"] == name).unwrap();
    metric["value"].as_str().unwrap().parse().unwrap()
}

fn trained(flags: &Flags, name: &str) -> f64 {
    let folder = TempDir::new().unwrap();
    let ran = train(&flags.path("--checkpoint", folder.path()));
    assert_eq!(ran.ending.as_ref().map_err(ToString::to_string), Ok(&trimtab_trainer::run::Ending::Complete));
    value(folder.path(), name)
}

/// How far a difference reaches to each side.
const REACH: f64 = 1e-5;

/// Compares `gradient/NAME` with the difference of `val_loss` to both sides of `at`.
fn check(flags: &Flags, name: &str, at: f64) {
    let flag = format!("--{}", name.replace('_', "-"));
    let wanted = flags.with(&[&format!("--hypergradients={name}")]);
    let of = |at: f64, metric: &str| trained(&wanted.with(&[&format!("{flag}={at}")]), metric);
    let found = of(at, &format!("gradient/{name}"));
    let difference = (of(at + REACH, "val_loss") - of(at - REACH, "val_loss")) / (2.0 * REACH);
    let error = (found - difference).abs() / difference.abs();
    assert!(error < 1e-3, "{name}: {found} by recursion, {difference} by differences");
}

#[test]
fn a_network_has_the_hypergradients_of_central_differences() {
    let small =
        generated("blobs:120").with(&["--widths=6,5 --activation=tanh --batch-size=30 --epochs=3 --dropout=0.1"]);
    let sgd = small.with(&["--optimizer=sgd --momentum=0.5 --learning-rate=0.05 --weight-decay=0.01 --l1=0.001"]);
    check(&sgd, "learning_rate", 0.05);
    check(&sgd, "weight_decay", 0.01);
    check(&sgd, "momentum", 0.5);
    let adam = small.with(&["--learning-rate=0.01 --schedule=cosine --weight-decay=0.01"]);
    check(&adam, "learning_rate", 0.01);
    check(&adam, "weight_decay", 0.01);
}

#[test]
fn a_convolution_and_a_regression_have_hypergradients() {
    let images = data();
    let cnn = "--model=cnn --channels=3 --pool=average --activation=tanh --train-limit=128 --batch-size=64 --epochs=1";
    let cnn = flags(images.path()).with(&[cnn, "--optimizer=sgd --momentum=0.5"]);
    check(&cnn, "learning_rate", 0.05);
    let waves = generated("waves:100").with(&["--activation=tanh --epochs=2 --optimizer=rmsprop"]);
    check(&waves, "learning_rate", 0.005);
}

#[test]
fn hypergradients_resume_exactly() {
    let folders = TempDir::new().unwrap();
    let [whole, first, second] = ["whole", "first", "second"].map(|name| folders.path().join(name));
    let flags = generated("blobs:120").with(&["--hypergradients=weight_decay,learning_rate --widths=6"]);
    let at_once = train(&flags.path("--checkpoint", &whole));
    train(&flags.path("--checkpoint", &first).with(&["--epochs=2"]));
    let rest = train(&flags.path("--checkpoint", &second).path("--resume", &first));
    assert_eq!(at_once.epochs().len(), 4, "{}", at_once.output);
    assert_eq!(at_once.epochs()[2..], rest.epochs());
    let all = |folder: &Path| fs::read(folder.join("slopes-4.bin")).unwrap();
    assert!(all(&whole) == all(&second));
    // One that does not follow the same parameters cannot go on from there.
    let other = flags.with(&["--hypergradients=momentum --optimizer=sgd"]).path("--resume", &first);
    assert!(train(&other).error().contains("is of the "));
    let none = flags.with(&["--hypergradients="]).path("--resume", &first);
    assert!(train(&none).error().contains("is of the hypergradients [\"weight_decay\",\"learning_rate\"]"));
}

#[test]
fn hypergradients_that_cannot_be_had_are_refused() {
    let refused = |more: &str| train(&generated("blobs:60").with(&[more])).error();
    assert!(refused("--hypergradients=momentum").starts_with("adam has no momentum"));
    assert!(refused("--hypergradients=l1 --batch-norm=on").contains("batch normalization"));
    assert!(refused("--hypergradients=l1 --clip-norm=1").contains("clipping"));
}
