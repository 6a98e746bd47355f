//! Study files with every kind of mistake: each is told with its line, its column, the line itself and what is allowed.
//!
//! What is printed of each is in `data/mistakes.txt`, word for word: see `printed.rs`.

use std::fmt::Write as _;

use crate::printed::same;
use crate::run;

/// What is replaced in `data/valid.yaml`, and by what.
const REPLACED: &[(&str, &str)] = &[
    ("  seed: 7", "\tseed: 7"),
    ("choices: [sgd, adam]}", "choices: [sgd, adam}"),
    ("metric: val_accuracy", r#"metric: "val_accuracy"#),
    ("  seed: 7", "  seed: 7\n  seed: 8"),
    ("  parallelism: 4", "   parallelism: 4"),
    ("  seed: 7", "  seed: *seed"),
    ("kind: Study\n", ""),
    ("kind: Study\n", "kind: Experiment\n"),
    ("apiVersion: trimtab.dev/v1alpha1\n", ""),
    ("trimtab.dev/v1alpha1", "trimtab.dev/v1"),
    ("kind: Study", "kind: study"),
    ("metadata: {name: digits, namespace: default}", "metadata: {namespace: default}"),
    ("metadata: {name: digits, namespace: default}\n", ""),
    ("name: digits", "name: Digits"),
    ("name: digits", "name: a.b"),
    ("name: digits", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("name: digits", "name: 7"),
    ("spec:", "sepc:"),
    ("parallelism", "paralelism"),
    ("reductionFactor", "eta"),
    ("  objectives: [{metric: val_accuracy, goal: Maximize}]\n", ""),
    (
        "objectives: [{metric: val_accuracy, goal: Maximize}]",
        "objectives: [{metric: val_accuracy, goal: Maximize}, {metric: val_accuracy, goal: Minimize}]",
    ),
    ("goal: Maximize}", "goal: Maximize, target: 1}, {metric: loss, goal: Minimize}"),
    ("goal: Maximize}]", "goal: Maximize}, {metric: loss, goal: Minimize}]\n  sampler: {bohb: {}}"),
    ("reductionFactor: 3", "reductionFactor: 3, rankBy: loss"),
    ("  seed: 7", "  seed: 7\n  constraints: [{metric: latency}]"),
    ("  seed: 7", "  seed: 7\n  constraints: [{metric: latency, expression: \"learning_rate < 1\", max: 1}]"),
    ("  seed: 7", "  seed: 7\n  constraints: [{metric: latency, min: 2, max: 1}]"),
    ("goal: Maximize", "goal: max"),
    (", goal: Maximize", ""),
    ("val_accuracy", "val accuracy"),
    ("goal: Maximize", "goal: Maximize, target: high"),
    ("goal: Maximize", "goal: Maximize, reduce: Max"),
    ("  seed: 7", "  seed: 7\n  recordMetrics: [val_accuracy]"),
    ("  seed: 7", "  seed: 7\n  recordMetrics: [a, a]"),
    ("name: learning_rate", "name: LR"),
    ("name: momentum", "name: learning_rate"),
    ("{name: optimizer, categorical: {choices: [sgd, adam]}}", "{name: optimizer}"),
    ("categorical: {choices: [sgd, adam]}}", "categorical: {choices: [sgd, adam]}, int: {min: 1, max: 2}}"),
    ("categorical", "choice"),
    ("min: 0.5, max: 0.99", "min: 2, max: 0.99"),
    ("min: 0.5, ", ""),
    ("min: 1e-4", "min: 0"),
    ("scale: Log", "scale: Log, step: 0.1"),
    ("scale: Log", "scale: log"),
    ("min: 0.5", r#"min: "0.5""#),
    ("min: 1e-4", "min: 1e-4x"),
    ("max: 0.99}", "max: 0.99, step: -1}"),
    ("max: 0.99}", "max: 0.99, step: 1e-30}"),
    ("float: {min: 0.5, max: 0.99}", "int: {min: 0.5, max: 9}"),
    ("[sgd, adam]", "[]"),
    ("[sgd, adam]", "[sgd, sgd]"),
    ("[sgd, adam]", "[16, 32]"),
    ("[sgd, adam]", "[yes, true]"),
    ("parameter: optimizer", "parameter: optimiser"),
    ("in: [sgd]", "in: [rmsprop]"),
    ("{name: learning_rate, ", "{name: learning_rate, when: [{parameter: optimizer, in: [sgd]}], "),
    ("parameter: optimizer, in: [sgd]", r#"parameter: learning_rate, in: ["0.1"]"#),
    ("{name: optimizer, ", "{name: optimizer, otherwise: sgd, "),
    ("categorical: {choices: [sgd, adam]}", "ordinal: {values: [2, 1]}"),
    ("  seed: 7", "  seed: 7\n  constraints: [{expression: \"learning_rate <\"}]"),
    ("  seed: 7", "  seed: 7\n  constraints: [{expression: \"lr < 1\"}]"),
    ("  seed: 7", "  seed: 7\n  constraints: [{expression: \"optimizer < 1\"}]"),
    ("  seed: 7", "  seed: 7\n  startWith: [{values: [{name: lr, value: \"0.1\"}]}]"),
    ("  seed: 7", "  seed: 7\n  startWith: [{values: [{name: learning_rate, value: \"5\"}]}]"),
    ("  seed: 7", "  seed: 7\n  startWith: [{values: [{name: learning_rate, value: 0.01}]}]"),
    ("  fidelity: {unit: epoch, min: 1, max: 27}\n", ""),
    ("min: 1, max: 27", "min: 30, max: 27"),
    ("min: 1, max: 27", "min: 0, max: 27"),
    ("unit: epoch, ", ""),
    ("max: 27", "max: 2.5"),
    ("hyperband: {reductionFactor: 3}", "hyperband: {}, asha: {}"),
    ("hyperband: {reductionFactor: 3}", "hyperbrand: {}"),
    ("{hyperband: {reductionFactor: 3}}", "{}"),
    ("{hyperband: {reductionFactor: 3}}", "hyperband"),
    ("reductionFactor: 3", "reductionFactor: 1"),
    ("  seed: 7", "  seed: 7\n  stopping: [{median: {}}]"),
    ("  seed: 7", "  seed: 7\n  sampler: {bayes: {}}"),
    ("  seed: 7", "  seed: 7\n  sampler: {grid: {}}"),
    ("  seed: 7", "  seed: 7\n  sampler: {tpe: {}, random: {}}"),
    ("  seed: 7", "  seed: 7\n  sampler: tpe"),
    ("parallelism: 4", "parallelism: 0"),
    ("parallelism: 4", "parallelism: 5000"),
    ("parallelism: 4", "parallelism: four"),
    ("seed: 7", "seed: -1"),
    ("seed: 7", "seed: 9007199254740993"),
    ("seed: 7", "seed: 99999999999999999999999"),
    ("seed: 7", r#"suspend: "yes""#),
    ("seed: 7", "limits: {trails: 3}"),
    ("seed: 7", "limits: {trials: 0}"),
    ("seed: 7", "limits: {activeSeconds: 2h}"),
    ("seed: 7", "limits: {resourceHours: [{resource: nvidia.com/gpu, hours: 40}]}"),
    ("seed: 7", "limits: {resourceHours: {nvidia.com/gpu: 40}}"),
    ("            - name: train\n", "            - name: other\n              image: x\n            - name: train\n"),
    ("    checkpoint:", "    container: trian\n    checkpoint:"),
    ("- name: train", "- name: Train_1"),
    ("$(PARAM_LEARNING_RATE)", "$(PARAM_LR)"),
    ("              args:", "              env: [{name: PARAM_X, value: a}]\n              args:"),
    ("            containers:", "            restartPolicy: OnFailure\n            containers:"),
    ("        template:", "        completions: 3\n        template:"),
    ("        template:", "        selector: {}\n        template:"),
    ("claimName: checkpoints", r#"claimName: """#),
    ("{claimName: checkpoints}", "{claimName: checkpoints, mountPath: ckpt}"),
    (r#"args: ["--lr=$(PARAM_LEARNING_RATE)", "--epochs=$(TRIMTAB_FIDELITY)"]"#, "args: --lr=1"),
    (r#""--epochs=$(TRIMTAB_FIDELITY)""#, "--epochs, 3"),
    ("    job:\n", "    job:\n      metadata: {labels: {trimtab.dev/x: a}}\n"),
    ("    job:\n", "    job:\n      metrics: {}\n"),
    ("metric: val_accuracy, goal: Maximize", r#"metric: "präzision", goal: Maximize"#),
    ("{name: optimizer,", "{name:\toptimizer, categoricl: 3, "),
    ("seed: 7", "seed: \x007"),
    ("  seed: 7", "  seed: .inf"),
    ("  seed: 7", "  seed: 7\n  labels: &a [*a]"),
    (
        "            containers:",
        "            volumes: [{name: trimtab-checkpoints, emptyDir: {}}]\n            containers:",
    ),
    ("    checkpoint:", "    checkpoint: {}\n    chekpoint:"),
    ("metadata: {name: digits, namespace: default}", "metadata: digits"),
    ("metadata: {name: digits, namespace: default}", "metadata: {name: digits, labels: {team: 7}}"),
    ("            - name: train\n", "            - name: train\n              command: python train.py\n"),
    ("      spec:\n        template:", "      spec: {}\n      template:"),
    ("  seed: 7", "  limits: 20"),
    ("  seed: 7", "  seed: 7\n  stopping: {median: {}}"),
    ("  seed: 7", "  seed: 7\n  # \u{1b}[31m a comment that would be red\n  sed: \u{1b}[31m"),
];

/// What is cut off from `data/valid.yaml`, and what stands there instead.
const CUT: &[(&str, &str)] = &[
    ("apiVersion", "- a\n- b\n"),
    ("apiVersion", "hello\n"),
    ("apiVersion", "{\"kind\": \"Study\",,}\n"),
    ("apiVersion", "apiVersion: [trimtab.dev/v1alpha1\n"),
    ("spec:", ""),
    ("spec:", "spec:\n"),
    ("spec:", "spec: {}\n"),
    ("  trial:", ""),
    ("  trial:", "  trial:\n"),
    ("    job:", "    job: {}\n"),
    ("            containers:", "            volumes: []\n"),
    ("            containers:", "            containers: []\n"),
    ("            containers:", "            containers:\n"),
    ("            - name: train", "            - image: registry.example/train:1\n"),
];

/// A file with a mistake, and what it is called in the table.
fn files() -> Vec<(String, String)> {
    let valid = include_str!("data/valid.yaml");
    let replaced = REPLACED.iter().map(|(from, to)| {
        assert!(valid.contains(from), "{from}");
        (format!("{from:?} -> {to:?}"), valid.replacen(from, to, 1))
    });
    let cut = CUT.iter().map(|(from, to)| {
        let (kept, _) = valid.split_once(from).unwrap();
        (format!("from {from:?} on -> {to:?}"), format!("{kept}{to}"))
    });
    replaced.chain(cut).collect()
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_is_allowed() {
    let files = files();
    assert!(files.len() >= 100, "{}", files.len());
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec!["validate".to_owned()];
    for (at, (_, text)) in files.iter().enumerate() {
        let path = folder.path().join(format!("{at}.yaml"));
        std::fs::write(&path, text).unwrap();
        arguments.push(path.to_str().unwrap().to_owned());
    }
    let ran = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}'), "a file steers the terminal");
    let mut lines = ran.err.lines();
    let mut table = String::new();
    for ((name, _), file) in files.iter().zip(&arguments[1..]) {
        let is_last =
            |line: &&str| line.starts_with(file) && (line.ends_with(" mistake") || line.ends_with(" mistakes"));
        let told: Vec<String> =
            lines.by_ref().take_while(|line| !is_last(line)).map(|line| line.replace(file, "study.yaml")).collect();
        check(name, &told);
        let _ = writeln!(table, "# {name}\n{}", told.join("\n"));
    }
    assert_eq!(lines.next(), None, "more files than were given");
    same("data/mistakes.txt", &table);
}

/// Each mistake has its place, the line that is there, and a mark below.
fn check(name: &str, told: &[String]) {
    let is_place = |line: &&String| line.starts_with("study.yaml:") && line.split(':').nth(2).is_some_and(is_number);
    let places: Vec<_> = told.iter().filter(is_place).collect();
    let marks = told.iter().filter(|line| line.trim_start().starts_with("| ") && line.ends_with('^'));
    assert!(!places.is_empty() && places.len() == marks.count(), "{name}: {told:#?}");
    for place in places {
        let line = place.split(':').nth(1).unwrap();
        assert!(told.iter().any(|shown| shown.starts_with(&format!("{line} | "))), "{name}: {place}");
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
