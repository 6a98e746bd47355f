//! Places for runs: GPUs, CPUs and who goes first.

use crate::scene::{Scene, has, study, trial};

/// A run that waits until so many runs are there, and says which GPUs it has.
fn waits_for(count: u32) -> String {
    format!(
        "touch \"here-$TRIMTAB_TRIAL\"\nwhile [ $(ls here-* | wc -l) -lt {count} ]; do sleep 0.01; done\n\
         echo \"gpus <${{CUDA_VISIBLE_DEVICES-none}}>\"\necho loss=1\n"
    )
}

fn asking(resources: &str, trials: u32) -> String {
    let resources = format!(", resources: {{limits: {{{resources}}}}}");
    study(&format!("limits: {{trials: {trials}}}\nparallelism: 4\n{}", trial(&resources, "", "")))
}

#[test]
fn each_run_has_gpus_of_its_own() {
    let scene = Scene::new(&asking("nvidia.com/gpu: 2", 2), &waits_for(2));
    let ran = scene.trimtab(&["run", "study.yaml", "--gpus", "3,5,GPU-7a,1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut seen: Vec<String> = (0..2).map(|number| scene.output(number, 1)).collect();
    seen.sort();
    has(&seen[0], &["gpus <1,3>"]);
    has(&seen[1], &["gpus <5,GPU-7a>"]);
    scene.is_sound();
}

#[test]
fn gpus_are_those_that_trimtab_may_use_itself() {
    let scene = Scene::new(&asking("nvidia.com/gpu: 1", 1), &waits_for(1));
    let output = scene.command(&["run", "study.yaml"]).env("CUDA_VISIBLE_DEVICES", "6").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    has(&scene.output(0, 1), &["gpus <6>"]);
}

#[test]
fn more_gpus_than_there_are_is_refused_and_none_at_all_is_told() {
    let scene = Scene::new(&asking("nvidia.com/gpu: 2", 1), &waits_for(1));
    let refused = scene.trimtab(&["run", "study.yaml", "--gpus", "0"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    has(&refused.err, &["asks for 2 GPUs and this machine has 1"]);
    let without = scene.trimtab(&["run", "study.yaml", "--gpus", ""]);
    assert_eq!(without.code, 0, "{without:?}");
    has(&without.err, &["no GPU was found: trials run without"]);
}

#[test]
fn who_asks_for_no_gpu_sees_what_trimtab_sees() {
    let scene = Scene::new(&asking("cpu: 1m", 1), &waits_for(1));
    let output = scene.command(&["run", "study.yaml"]).env_remove("CUDA_VISIBLE_DEVICES").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    has(&scene.output(0, 1), &["gpus <none>"]);
}

#[test]
fn runs_that_are_too_large_to_be_side_by_side_come_one_after_the_other() {
    // Nobody has so many CPUs, so that one run at a time is all that there is room for; it fails where it meets another.
    let alone = "mkdir alone || exit 1\necho loss=1\nrmdir alone\n";
    let scene = Scene::new(&asking("cpu: 100000", 6), alone);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.book().counts().failed, 0, "{}", ran.err);
}

#[test]
fn a_promoted_trial_goes_before_a_new_one() {
    let text = study(&format!(
        "fidelity: {{unit: epoch, min: 1, max: 4}}\nscheduler: {{asha: {{reductionFactor: 2}}}}\nlimits: {{trials: 8}}\nparallelism: 4\n{}",
        trial(", resources: {requests: {cpu: 100000}}", "", "  checkpoint: {claimName: c}")
    ));
    let scene =
        Scene::new(&text, "echo \"epoch=$TRIMTAB_FIDELITY loss=$TRIMTAB_TRIAL\"\necho $TRIMTAB_TRIAL >> order\n");
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    let order: Vec<u32> =
        std::fs::read_to_string(scene.path("order")).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    // Trial 0 is promoted as soon as trial 1 is known, although trials 2 and 3 have been waiting for the one place.
    assert_eq!(order[..3], [0, 1, 0], "{order:?}");
    scene.is_sound();
}
