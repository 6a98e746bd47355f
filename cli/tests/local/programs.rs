//! Programs that know nothing of Trimtab, as `examples/programs` has them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scene::{Scene, has};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/programs")
}

/// A scene with an example's Study, under the name that scenes have.
fn with(name: &str) -> Scene {
    let text = std::fs::read_to_string(examples().join(format!("{name}.yaml"))).unwrap();
    Scene::new(&text.replace(&format!("metadata: {{name: {name}}}"), "metadata: {name: tuned}"), "")
}

#[test]
fn a_c_program_is_tuned_by_its_flags() {
    let scene = with("sor");
    let built = Command::new("cc")
        .args(["-O2", "-o", "sor"])
        .arg(examples().join("sor.c"))
        .arg("-lm")
        .current_dir(scene.root())
        .status()
        .expect("the example needs a C compiler");
    assert!(built.success());
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    let best: serde_json::Value =
        serde_json::from_str(&scene.trimtab(&["best", "tuned", "--output", "json"]).out).unwrap();
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
    // What theory says is the best omega; 40 trials come near it.
    let omega = 2.0 / (1.0 + (std::f64::consts::PI / 49.0).sin());
    let found = number(&best["parameters"]["omega"]);
    assert!((found - omega).abs() < 0.05, "{found} is not near {omega}: {best}");
    assert!(number(&best["value"]) < 250.0, "{best}");
    scene.is_sound();
}

#[test]
fn a_shell_script_runs_through_hyperband_by_its_flags() {
    let scene = with("fit");
    std::fs::copy(examples().join("fit.sh"), scene.path("fit.sh")).unwrap();
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.err, &["stopped: ranked", "complete (BracketsDone)"]);
    has(&ran.out, &["at epoch 27"]);
    let best: f64 = scene.book().best().unwrap().value.parse().unwrap();
    assert!(best < 0.01, "the noise alone is 0.005, and {best} was found");
    scene.is_sound();
}

#[test]
fn a_shell_script_is_followed_along_its_derivatives() {
    let scene = with("ridge");
    std::fs::copy(examples().join("ridge.sh"), scene.path("ridge.sh")).unwrap();
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    let book = scene.book();
    let steps = book.trials.iter().filter(|trial| !trial.spec.parents.is_empty()).count();
    assert!((8..=24).contains(&steps), "{steps} of 30 trials are steps, and one in five is the model's");
    let best = &book.trials[book.best().unwrap().number as usize];
    let metrics = &best.status.as_ref().unwrap().values[0].metrics;
    let last = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap().last.parse::<f64>().unwrap();
    // The least error there is, at a degree of 5, is 0.09141; and at the bottom the derivative is zero.
    let (error, penalty) = (last("error"), best.spec.parameters[0].value.parse::<f64>().unwrap());
    assert!(error < 0.0915, "{error}");
    assert!((last("gradient/penalty") * penalty).abs() < 1e-5, "{best:?}");
    has(&scene.trimtab(&["explain", "tuned", "--trial", &best.spec.number.to_string()]).out, &["gradient"]);
    scene.is_sound();
}

#[test]
fn every_example_is_valid() {
    for name in ["sor", "fit", "digits", "ridge"] {
        let scene = with(name);
        let checked = scene.trimtab(&["validate", "study.yaml"]);
        assert_eq!(checked.code, 0, "{checked:?}");
    }
}
