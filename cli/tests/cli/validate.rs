//! `trimtab validate`.

use serde_json::Value;

use crate::{has, run, run_with};

#[test]
fn valid_study_shows_its_plan() {
    let ran = run(&["validate", "valid.yaml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    // Algorithm 1 of Li et al., JMLR 18(185), with R = 27 and eta = 3.
    has(
        &ran.out,
        &[
            "valid.yaml:1: Study digits is valid",
            "BRACKET  RUNG 0  RUNG 1  RUNG 2  RUNG 3\n",
            "0        27@1    9@3     3@9     1@27\n",
            "1        12@3    4@9     1@27\n",
            "2        6@9     2@27\n",
            "3        4@27\n",
            "trials in one pass         49\n",
            "plain search, all in full",
            "1323 epochs",
            "49.0 full trainings",
            "4 at once; ends after one pass",
            "seed 7",
        ],
    );
    // 27 * 1 + 9 * 2 + 3 * 6 + 18, 12 * 3 + 4 * 6 + 18, 6 * 9 + 2 * 18 and 4 * 27.
    let costs = [("resumed from checkpoints", 81 + 78 + 90 + 108), ("restarted from zero", 108 + 99 + 108 + 108)];
    for (words, units) in costs {
        let line = ran.out.lines().find(|line| line.starts_with(words)).unwrap();
        has(line, &[&format!(" {units} epochs")]);
        assert_eq!(line.ends_with("this study"), words.starts_with("resumed"), "{line}");
    }
}

#[test]
fn standard_input_is_a_file_too() {
    let text = include_str!("data/valid.yaml");
    let ran = run_with(&["validate", "-", "--output", "json"], text);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["valid"], true);
    assert_eq!(answer["documents"][0]["file"], "<stdin>");
    assert_eq!(answer["documents"][0]["plan"]["brackets"][3], serde_json::json!([{"level": 27, "size": 4}]));
    assert_eq!(answer["documents"][0]["plan"]["resumes"], true);
}

#[test]
fn mistakes_of_the_schema_are_all_shown_in_place() {
    let ran = run(&["validate", "unknown-field.yaml"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    has(
        &ran.err,
        &[
            "unknown-field.yaml:5:",
            "Maximize",
            "unknown-field.yaml:12:",
            "whole number",
            "unknown-field.yaml:13:3:",
            "seeds",
            "13 |   seeds: 7\n",
            "|   ^",
            "3 mistakes",
        ],
    );
}

#[test]
fn mistakes_of_values_are_all_shown_in_place() {
    let ran = run(&["validate", "wrong-values.yaml"]);
    assert_eq!(ran.code, 1);
    has(
        &ran.err,
        &[
            "wrong-values.yaml:3:",
            "`metadata.name`",
            "wrong-values.yaml:9:",
            "`spec.parameters[2].float.min` must",
            "given 2, max 0.99",
            "wrong-values.yaml:23:",
            "`$(PARAM_LR)`, which nothing sets",
            "PARAM_LEARNING_RATE",
        ],
    );
}

#[test]
fn study_that_never_ends_is_refused_once() {
    let ran = run(&["validate", "never-ends.yaml"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.err.matches("never end").count(), 1, "{}", ran.err);
}

#[test]
fn limits_and_missing_ladders_are_told() {
    let ladder = include_str!("data/valid.yaml").replace("  seed: 7\n", "  limits: {trials: 200, fullTrainings: 40}\n");
    let ran = run_with(&["validate", "-"], &ladder);
    assert_eq!(ran.code, 0, "{}", ran.err);
    has(
        &ran.out,
        &[
            "passes follow each other until 200 trials, or 40 full trainings",
            "no seed: it will come from the Study's UID",
        ],
    );
    let gpus = include_str!("data/valid.yaml")
        .replace(
            "  seed: 7\n",
            "  limits: {resourceHours: [{resource: nvidia.com/gpu, hours: 40}, {resource: cpu, hours: 0.5}]}\n",
        )
        .replace(
            "              image:",
            "              resources: {limits: {nvidia.com/gpu: 2, cpu: 4}}\n              image:",
        );
    let ran = run_with(&["validate", "-"], &gpus);
    assert_eq!(ran.code, 0, "{}", ran.err);
    has(&ran.out, &["passes follow each other until 40 hours of nvidia.com/gpu, or 0.5 hours of cpu"]);
    let plain = include_str!("data/never-ends.yaml").replace("  seed: 7\n", "  limits: {trials: 20}\n");
    let ran = run_with(&["validate", "-"], &plain);
    assert_eq!(ran.code, 0, "{}", ran.err);
    has(&ran.out, &["no ladder: every trial runs in full", "trials       20\n", "ends after 20 trials"]);
}

#[test]
fn text_that_is_no_yaml_is_refused_in_place() {
    let ran = run(&["validate", "no-yaml.yaml"]);
    assert_eq!(ran.code, 1);
    has(&ran.err, &["no-yaml.yaml:", "|", "^"]);
}

#[test]
fn documents_of_one_file_are_judged_one_by_one() {
    let ran = run(&["validate", "several.yaml"]);
    assert_eq!(ran.code, 1);
    has(
        &ran.err,
        &[
            "several.yaml:1: skipped: v1 PersistentVolumeClaim checkpoints is no Study",
            "several.yaml:30: Study other is not valid",
            "several.yaml:40:",
        ],
    );
    has(&ran.out, &["several.yaml:6: Study digits is valid"]);
    let ran = run(&["validate", "several.yaml", "--output", "json"]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let verdicts: Vec<_> =
        answer["documents"].as_array().unwrap().iter().map(|d| d["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["Skipped", "Valid", "Invalid"]);
    assert_eq!(answer["documents"][2]["mistakes"][0]["line"], 40);
}

#[test]
fn nothing_to_check_is_not_valid() {
    let ran = run(&["validate", "no-study.yaml"]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["no Study in no-study.yaml"]);
}

#[test]
fn file_that_is_missing_cannot_be_read() {
    let ran = run(&["validate", "missing.yaml"]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["error: cannot read missing.yaml"]);
}

#[test]
fn example_is_valid() {
    for name in ["fashion-mnist", "fashion-mnist-warm", "folds", "hypergradients"] {
        let ran = run(&["validate", &format!("../../../../examples/{name}.yaml")]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        has(&ran.out, &[&format!("Study {name} is valid")]);
    }
}

#[test]
fn asynchronous_ladder_shows_what_the_limit_lets_through() {
    let text = include_str!("data/valid.yaml")
        .replace("hyperband: {reductionFactor: 3}", "asha: {brackets: 2}")
        .replace("seed: 7", "seed: 7\n  limits: {trials: 39}");
    let ran = run_with(&["validate", "-"], &text);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    has(
        &ran.out,
        &[
            "0        27@1    9@3     3@9     1@27\n",
            "1        12@3    4@9     1@27\n",
            "trials ",
            "ends after 39 trials",
        ],
    );
    let ran = run_with(&["validate", "-"], &text.replace("brackets: 2", "brackets: 9"));
    has(&ran.err, &["scheduler.asha.brackets", "at most 4", "given 9"]);
}

#[test]
fn dehb_says_what_a_later_pass_costs() {
    let text = include_str!("data/valid.yaml")
        .replace("hyperband: {reductionFactor: 3}", "dehb: {}")
        .replace("seed: 7", "seed: 7\n  limits: {fullTrainings: 40}");
    let ran = run_with(&["validate", "-"], &text);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    has(
        &ran.out,
        &[
            "1        12@3    4@9     1@27\n",
            "after the first pass each place on a rung is a new trial: 69 trials and 423 epochs a pass\n",
            "passes follow each other until 40 full trainings",
        ],
    );
    let ran = run_with(&["validate", "-"], &text.replace("seed: 7", "seed: 7\n  sampler: {bohb: {}}"));
    has(&ran.err, &["spec.sampler", "must be left out with the scheduler `dehb`"]);
}

#[test]
fn stopping_rules_are_told_in_words() {
    let text = include_str!("data/valid.yaml").replace(
        "scheduler: {hyperband: {reductionFactor: 3}}",
        "stopping: [{median: {warmUp: 4}}, {patience: {fidelity: 5, delta: 0.01}}, {threshold: {value: 0.2, warmUp: 9}}]\n  limits: {trials: 39}",
    );
    let ran = run_with(&["validate", "-"], &text);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    has(
        &ran.out,
        &[
            "no ladder: every trial runs to epoch 27",
            "stopped early when best worse than the median of the averages of at least 5 completed trials, from epoch 4 on",
            "stopped early when not better by more than 0.01 for 5 epochs",
            "stopped early when worse than 0.2, from epoch 9 on",
        ],
    );
    let ran = run_with(&["validate", "-"], &text.replace("warmUp: 9", "warmUp: 27"));
    has(&ran.err, &["stopping[2].threshold.warmUp", "must be below `fidelity.max`, 27"]);
}
