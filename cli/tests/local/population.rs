//! Population based training with a program that keeps its progress: a copy goes on with what its donor had.

use std::collections::BTreeMap;

use trimtab_api::trial::{Trial, TrialStatus};

use crate::scene::{Scene, has, study, trial};

/// What is left of the loss shrinks each epoch by a part that the parameter says, so that it tells its whole past.
const SHRINKS: &str = r#"
from=0; left=1
if [ -n "$TRIMTAB_RESUME" ] && [ -f "$TRIMTAB_RESUME/state" ]; then read -r from left < "$TRIMTAB_RESUME/state"; fi
echo "begins at $from of $TRIMTAB_FIDELITY_REACHED with $left"
epoch=$from
while [ "$epoch" -lt "$TRIMTAB_FIDELITY" ]; do
    epoch=$((epoch + 1))
    left=$(awk -v x="$PARAM_X" -v left="$left" 'BEGIN { printf "%.12f", left * (1 - x / 2) }')
    if [ -e keep ]; then
        mkdir -p "$TRIMTAB_CHECKPOINT"
        echo "$epoch $left" > "$TRIMTAB_CHECKPOINT/part" && mv "$TRIMTAB_CHECKPOINT/part" "$TRIMTAB_CHECKPOINT/state"
    fi
    echo "epoch=$epoch loss=$left"
done
"#;

/// Four members over four epochs, one of which is replaced at each of the first three.
pub(crate) fn population(parallelism: u32) -> String {
    study(&format!(
        "fidelity: {{unit: epoch, min: 1, max: 4}}\n\
         scheduler: {{populationBased: {{population: 4, interval: 1, percent: 25}}}}\nparallelism: {parallelism}\n{}",
        trial("", "", "  checkpoint: {claimName: c}")
    ))
}

fn status(trial: &Trial) -> &TrialStatus {
    trial.status.as_ref().unwrap()
}

fn loss(trial: &Trial, level: u32) -> f64 {
    let at = status(trial).values.iter().find(|at| at.level == level).unwrap();
    at.metrics[0].last.parse().unwrap()
}

fn x(trial: &Trial) -> f64 {
    trial.spec.parameters[0].value.parse().unwrap()
}

#[test]
fn a_copy_goes_on_with_what_its_donor_had() {
    let mut actions = Vec::new();
    for parallelism in [1, 4] {
        let scene = Scene::new(&population(parallelism), SHRINKS);
        scene.write("keep", "");
        let ran = scene.run();
        assert_eq!(ran.code, 0, "{ran:?}");
        has(&ran.err, &["stopped: ranked 4 of 4 at epoch 1, 3 pass", "complete (BracketsDone): 7 trials"]);
        scene.is_sound();
        let book = scene.book();
        let copies: Vec<&Trial> = book.trials.iter().filter(|trial| trial.spec.from.is_some()).collect();
        assert_eq!((book.trials.len(), copies.len()), (7, 3));
        for copy in copies {
            let (from, first) = (copy.spec.from.as_ref().unwrap(), &status(copy).runs[0]);
            let donor = book.trial(from.trial).unwrap();
            assert_eq!((first.resume_trial, first.resume_from), (Some(from.trial), from.run));
            assert_eq!(first.start, from.level.to_string());
            // Its first value follows from its donor's by its own parameter.
            let (had, got) = (loss(donor, from.level), loss(copy, from.level + 1));
            assert!((got - had * (1.0 - x(copy) / 2.0)).abs() < 1e-9, "{got} after {had} by {}", x(copy));
            let said = scene.output(copy.spec.number, 1);
            has(&said, &[&format!("begins at {} of {} with {had:.12}\n", from.level, from.level)]);
            // It has paid what it ran.
            let reached: f64 = status(copy).reached.as_ref().unwrap().parse().unwrap();
            assert_eq!(status(copy).spent_fidelity as f64, reached - f64::from(from.level));
        }
        assert_eq!(
            book.trials.iter().map(|trial| status(trial).spent_fidelity).sum::<u64>(),
            16,
            "four for four epochs"
        );
        // Who never ended keeps the checkpoint of its newest run, and nobody else's is left of what was copied.
        let held: BTreeMap<u32, usize> =
            book.trials.iter().map(|trial| (trial.spec.number, folders(&scene, trial))).collect();
        assert!(held.values().all(|count| *count <= 1), "{held:?}");
        let explained = scene.trimtab(&["explain", "tuned.trimtab", "--trial", "6"]);
        has(&explained.out, &["started from trial ", " at epoch 3 to epoch 4", "of the sampler populationBased"]);
        has(&explained.out, &["run 1  epoch 3 of trial "]);
        actions.push(scene.actions());
    }
    assert_eq!(actions[0], actions[1], "one at a time and all at once");
}

/// Runs of a trial whose checkpoint is there.
fn folders(scene: &Scene, trial: &Trial) -> usize {
    let folder = scene.study_folder();
    let is_there = |run: u32| folder.run(trial.spec.number, run).checkpoint().is_dir();
    (1..status(trial).next_run).filter(|run| is_there(*run)).count()
}

#[test]
fn a_copy_whose_donor_kept_nothing_begins_from_zero_and_pays_for_it() {
    let scene = Scene::new(&population(2), SHRINKS);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    scene.is_sound();
    let book = scene.book();
    let copies: Vec<&Trial> = book.trials.iter().filter(|trial| trial.spec.from.is_some()).collect();
    assert_eq!(copies.len(), 3);
    for copy in copies {
        let first = &status(copy).runs[0];
        assert_eq!((first.resume_from, first.resume_trial, first.start.as_str()), (None, None, "0"));
        assert_eq!(
            status(copy).runs.iter().map(|run| u64::from(run.target_level)).sum::<u64>(),
            status(copy).spent_fidelity
        );
        has(&scene.output(copy.spec.number, 1), &["begins at 0 of 0 with 1\n", "epoch=1 "]);
    }
}
