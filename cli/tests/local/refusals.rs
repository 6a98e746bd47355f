//! What is refused before anything runs, and what a broken disk does.

use crate::scene::{Scene, has, study, trial};

fn valid() -> String {
    study(&format!("limits: {{trials: 3}}\n{}", trial("", "", "")))
}

#[test]
fn a_study_that_is_not_valid_makes_no_folder() {
    let text = valid();
    for (from, to, words) in [
        ("kind: Study", "kind: Studdy", "`kind` must be Study (given \"Studdy\")"),
        ("name: tuned", "name: Tuned_", "`metadata.name`"),
        ("goal: Minimize", "goal: Least", "must be Minimize or Maximize"),
        ("metric: loss", "metric: \"a b\"", "metric"),
        ("name: x", "name: X", "parameters[0].name"),
        ("max: 1}", "max: -1}", "must not be above `max`"),
        ("float: {min: 0, max: 1}", "float: {min: 0}", "max` must be set"),
        ("float: {min: 0, max: 1}", "flot: {min: 0, max: 1}", "`spec.parameters[0].flot` is unknown"),
        ("float: {min: 0, max: 1}", "float: {min: 0, max: 1, scale: Log}", "min"),
        ("trials: 3", "trials: 0", "must be at least 1"),
        ("trials: 3", "trials: many", "must be a whole number"),
        ("  limits: {trials: 3}\n", "", "limits"),
        ("seed: 5", "seed: -5", "seed"),
        ("name: c, ", "", "containers[0].name"),
        ("[sh, ./program.sh]", "[sh, $(PARAM_Y)]", "$(PARAM_Y)"),
        ("containers", "containers_", "containers"),
        ("seed: 5", "seed: 5\n  scheduler: {hyperband: {}}", "fidelity"),
        ("seed: 5", "seed: 5\n  seed: 6", "duplicate mapping key `seed`"),
        ("spec:\n", "spec: [\n", "study.yaml:"),
    ] {
        assert!(text.contains(from), "{from}");
        let scene = Scene::new(&text.replacen(from, to, 1), "echo loss=1\n");
        let ran = scene.run();
        assert!(ran.code == 1 || ran.code == 2, "{to}: {ran:?}");
        has(&ran.err, &[words]);
        assert!(!scene.study_folder().root().exists(), "{to}");
    }
}

#[test]
fn what_cannot_be_read_or_written_is_told() {
    let scene = Scene::new(&valid(), "echo loss=1\n");
    let missing = scene.trimtab(&["run", "missing.yaml"]);
    assert_eq!(missing.code, 2);
    has(&missing.err, &["cannot read missing.yaml"]);
    scene.write("file", "");
    let under_a_file = scene.trimtab(&["run", "study.yaml", "--folder", "file/study"]);
    assert_eq!(under_a_file.code, 2, "{under_a_file:?}");
    has(&under_a_file.err, &["cannot make file/study"]);
    scene.write("two.yaml", &format!("{}---\n{}", valid(), valid()));
    has(&scene.trimtab(&["run", "two.yaml"]).err, &["has several Studies"]);
    std::fs::create_dir(scene.path("empty.trimtab")).unwrap();
    scene.write("empty.trimtab/journal", "");
    has(&scene.trimtab(&["best", "./empty.trimtab"]).err, &["has no study"]);
}

/// A file may not grow beyond what the shell allows, which is how a full disk looks to who writes.
#[test]
fn a_full_disk_loses_nothing_that_was_recorded() {
    let text = valid().replace("trials: 3", "trials: 60");
    let scene = Scene::new(&text, "echo \"loss=$PARAM_X\"\n");
    let program = env!("CARGO_BIN_EXE_trimtab");
    let script = format!("trap '' XFSZ; ulimit -f 16; exec {program} run study.yaml");
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(scene.root()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    has(&String::from_utf8(output.stderr).unwrap(), &["cannot write tuned.trimtab/journal"]);
    let before = scene.book().trials.len();
    assert!(before > 0);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.book().trials.len(), 60);
    scene.is_sound();
}
