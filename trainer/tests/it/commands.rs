//! What is done with a trained model, as a process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::fixture::data;

fn trainer(words: &[&str], paths: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab-trainer"));
    command.env_clear().args(words);
    for (flag, path) in paths {
        command.arg(format!("{flag}={}", path.display()));
    }
    command.output().unwrap()
}

fn good(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

const SMALL: &[&str] = &["train", "--hidden-units=16", "--epochs=3", "--threads=1", "--learning-rate=0.01"];

fn rows(count: usize) -> String {
    let rows = (0..count).map(|row| {
        let (x, colour) = (row % 17, ["red", "green", ""][row % 3]);
        format!("{x},{colour},\"{}\"\n", if x > 8 { "large, or so" } else { "small" })
    });
    std::iter::once("x,colour,size\n".to_owned()).chain(rows).collect()
}

#[test]
fn saved_model_of_a_table_measures_and_predicts() {
    let folder = TempDir::new().unwrap();
    let [table, model, other] = ["t.csv", "m.safetensors", "o.csv"].map(|name| folder.path().join(name));
    fs::write(&table, rows(200)).unwrap();
    let trained = good(&trainer(
        &[SMALL, &["--epochs=20", "--batch-norm=on", "--batch-size=32"]].concat(),
        &[("--data", &table), ("--save", &model)],
    ));
    assert!(trained.contains(&format!("# the model is in {}\n", model.display())), "{trained}");

    let measured = good(&trainer(&["evaluate", "--threads=1"], &[("--model", &model), ("--data", &table)]));
    let line = measured.lines().find(|line| line.starts_with("accuracy=")).unwrap();
    let value = |name: &str| -> f64 {
        line.split(' ').find_map(|field| field.strip_prefix(&format!("{name}="))).unwrap().parse().unwrap()
    };
    assert!(value("accuracy") > 0.97 && value("roc_auc") > 0.99 && value("f1") > 0.97, "{measured}");
    let matrix: Vec<&str> = measured.lines().rev().take(2).collect();
    assert!(matrix[0].ends_with("  small") && matrix[1].ends_with("  large, or so"), "{measured}");

    // Without the target, in another order, with a colour and a column that training did not see.
    fs::write(&other, "colour,new,x\nred,1,16\nviolet,2,1\n").unwrap();
    let predicted = good(&trainer(&["predict", "--threads=1"], &[("--model", &model), ("--data", &other)]));
    let lines: Vec<&str> = predicted.lines().collect();
    assert_eq!(lines[0], "prediction,\"probability_large, or so\",probability_small");
    assert!(lines[1].starts_with("\"large, or so\",") && lines[2].starts_with("small,"), "{predicted}");

    let said = good(&trainer(&["inspect"], &[("--model", &model)]));
    for part in [
        "model after 20 epochs, 418 parameters",
        "4-16-16-2 relu with batch norm",
        "x  number, mean ",
        "colour  one of green, red, or missing",
        "large, or so, small",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn saved_model_of_images_and_of_numbers_is_what_was_trained() {
    let (images, folder) = (data(), TempDir::new().unwrap());
    let [model, checkpoint, numbers] = ["m", "c", "n"].map(|name| folder.path().join(name));
    let trained = good(&trainer(
        &[SMALL, &["--model=cnn", "--channels=4", "--batch-norm=on", "--validation=100", "--test"]].concat(),
        &[("--data", images.path()), ("--save", &model), ("--checkpoint", &checkpoint)],
    ));
    let tested = trained.lines().find_map(|line| line.strip_prefix("test_accuracy=")).unwrap();
    let tested = tested.split(' ').next().unwrap();
    let measured = good(&trainer(&["evaluate", "--threads=1"], &[("--model", &model), ("--data", images.path())]));
    assert!(measured.contains(&format!("\naccuracy={tested} ")), "{trained}\n{measured}");
    let said = good(&trainer(&["inspect"], &[("--model", &checkpoint)]));
    assert!(said.starts_with("checkpoint of epoch 3, 1 network(s), adam\nnetwork 1x8x8 4c3 64-16-4 relu"), "{said}");

    good(&trainer(
        &[SMALL, &["--model=linear", "--data=generated:plane", "--epochs=30", "--batch-size=16"]].concat(),
        &[("--save", &numbers)],
    ));
    let predicted = good(&trainer(&["predict", "--data=generated:plane:5"], &[("--model", &numbers)]));
    assert_eq!(predicted.lines().count(), 6);
    let measured = good(&trainer(&["evaluate", "--data=generated:plane"], &[("--model", &numbers)]));
    assert!(measured.contains("r2=0.99"), "{measured}");
}

#[test]
fn files_that_are_no_models_or_do_not_fit_exit_with_2() {
    let folder = TempDir::new().unwrap();
    let [model, other, absent] = ["m", "o.csv", "a"].map(|name| folder.path().join(name));
    good(&trainer(&[SMALL, &["--data=generated:blobs"]].concat(), &[("--save", &model)]));
    let bad = |words: &[&str], paths: &[(&str, &Path)]| {
        let output = trainer(words, paths);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    };
    let error = bad(&["inspect"], &[("--model", &absent)]);
    assert!(error.contains("cannot read the model"), "{error}");
    fs::write(&other, "x,z\n1,2\n").unwrap();
    let error = bad(&["predict"], &[("--model", &model), ("--data", &other)]);
    assert!(error.contains("does not fit the training data: expected a column `y`, found x, z"), "{error}");
    fs::write(&other, "x,y,target\n1,2,violet\n").unwrap();
    let error = bad(&["evaluate"], &[("--model", &model), ("--data", &other)]);
    assert!(
        error.contains("line 2, column `target`: expected one of the classes blue, green, red, found `violet`"),
        "{error}"
    );
    let images = data();
    let error = bad(&["evaluate"], &[("--model", &model), ("--data", images.path())]);
    assert!(error.contains("expected a table, found images"), "{error}");

    let whole = fs::read(&model).unwrap();
    // Cut and altered at many places: refused, or read, but never a crash. The header's length, its text, the weights.
    for place in (0..whole.len()).step_by(199) {
        let cut = trainer(&["inspect"], &[("--model", &put(&other, &whole[..place]))]);
        assert_eq!(cut.status.code(), Some(2), "cut at {place}");
        let mut altered = whole.clone();
        altered[place] ^= 0x15;
        let code = trainer(&["inspect"], &[("--model", &put(&other, &altered))]).status.code();
        assert!(matches!(code, Some(0 | 2)), "altered at {place}: {code:?}");
    }
}

fn put(path: &Path, content: &[u8]) -> std::path::PathBuf {
    fs::write(path, content).unwrap();
    path.to_owned()
}
