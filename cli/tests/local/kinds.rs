//! Fidelities of other kinds: folds that race, and sizes of data that are trained on from the start.

use trimtab_api::record::value_at;
use trimtab_local::Book;

use crate::scene::{Scene, has, study, trial};

/// Plays a Study to its end.
fn played(text: &str, program: &str) -> Scene {
    let scene = Scene::new(text, program);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    scene.is_sound();
    scene
}

/// Asserts that each value on record is what a trial's `x` and the level make it.
fn values_are(book: &Book, right: impl Fn(f64, f64) -> f64) {
    for trial in &book.trials {
        let status = trial.status.as_ref().unwrap();
        let x: f64 = trial.spec.parameters[0].value.parse().unwrap();
        for level in &status.values {
            let (value, right) = (value_at(status, &book.plan, level.level).unwrap(), right(x, f64::from(level.level)));
            assert!((value - right).abs() < 1e-8, "{} at {}: {value}, {right}", trial.spec.number, level.level);
        }
    }
}

/// A program that trains one fold, and says at its end how it was.
const FOLD: &str = r#"
if [ -n "${TRIMTAB_FIDELITY:-}" ]; then echo "told how far to train: $TRIMTAB_FIDELITY"; exit 9; fi
awk -v x="${PARAM_X:-0.5}" -v k="$TRIMTAB_REPEAT" 'BEGIN { printf "repeat=%d loss=%.9f\n", k, x + k / 10 }'
"#;

#[test]
fn folds_race_and_their_mean_counts() {
    let text = study(&format!(
        "fidelity: {{unit: fold, kind: Repeat, min: 1, max: 5}}\nscheduler: {{successiveHalving: {{reductionFactor: 2, configurations: 8}}}}\nparallelism: 3\n{}",
        trial("", "", "")
    ));
    let scene = played(&text, FOLD);
    let book = scene.book();
    assert_eq!((book.plan.levels(), book.trials.len()), ([1, 3, 5].as_slice(), 8));
    // The mean of x + k / 10 over the first k folds is x + (k + 1) / 20.
    values_are(&book, |x, folds| x + (folds + 1.0) / 20.0);
    let mut folds: Vec<u64> = Vec::new();
    for trial in &book.trials {
        let status = trial.status.as_ref().unwrap();
        let runs: Vec<u32> = status.runs.iter().map(|run| run.target_level).collect();
        assert_eq!(runs, (1..=u32::try_from(runs.len()).unwrap()).collect::<Vec<_>>());
        assert_eq!(status.spent_fidelity, runs.len() as u64);
        folds.push(status.spent_fidelity);
    }
    folds.sort_unstable();
    assert_eq!(folds, [1, 1, 1, 1, 3, 3, 5, 5], "half of them end after one fold, and half of the rest after three");
    has(&scene.trimtab(&["explain", "tuned", "--trial", "0"]).out, &["run 1  fold 0 to 1: Reached"]);
}

/// A program that trains on so many rows, and counts its epochs.
const ROWS: &str = r#"
for epoch in 1 2 3; do
    awk -v x="$PARAM_X" -v r="$TRIMTAB_FIDELITY" -v e="$epoch" 'BEGIN { printf "epoch=%d loss=%.9f\n", e, x + 1 / r + 1 / e }'
done
"#;

#[test]
fn sizes_of_data_are_trained_on_from_the_start() {
    let text = study(&format!(
        "fidelity: {{unit: row, kind: Fresh, min: 100, max: 900}}\nscheduler: {{hyperband: {{}}}}\nparallelism: 2\n{}",
        trial("", "", "  checkpoint: {claimName: c}")
    ));
    let book = played(&text, ROWS).book();
    assert_eq!(book.plan.levels(), [100, 300, 900]);
    // What the last of its three epochs says.
    values_are(&book, |x, rows| x + 1.0 / rows + 1.0 / 3.0);
    for trial in &book.trials {
        let status = trial.status.as_ref().unwrap();
        let sizes: u64 = status.runs.iter().map(|run| u64::from(run.target_level)).sum();
        assert_eq!(status.spent_fidelity, sizes, "each level is paid in full");
        assert!(status.runs.iter().all(|run| run.resume_from.is_none()));
    }
}

#[test]
#[ignore = "needs the trainer: TRIMTAB_TRAINER_BIN names it"]
fn the_example_with_folds_is_played_by_the_trainer() {
    let trainer = std::env::var_os("TRIMTAB_TRAINER_BIN").unwrap();
    let scene = Scene::new(include_str!("../../../examples/folds.yaml"), "");
    let ran = scene.trimtab(&["run", "study.yaml", "--", trainer.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let book = trimtab_local::Book::read(&trimtab_local::Folder::at(&scene.path("folds.trimtab"))).unwrap();
    let runs: usize = book.trials.iter().map(|trial| trial.status.as_ref().unwrap().runs.len()).sum();
    assert_eq!((book.trials.len(), runs), (8, 20), "of forty folds half were trained");
    let best = book.best().unwrap();
    assert_eq!(best.level, 5);
    assert!(best.value.parse::<f64>().unwrap() > 0.5, "{best:?}");
}
