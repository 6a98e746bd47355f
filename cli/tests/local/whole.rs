//! Whole studies: the contract with the program, going on, other commands.

use trimtab_api::conditions::reason;

use crate::scene::{Scene, TRAINS, has, hyperband, study, trial};

#[test]
fn hyperband_resumes_from_checkpoints_to_its_end() {
    let scene = Scene::new(&hyperband(2), TRAINS);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.out, &["best: loss 0.11", "at epoch 9", "PARAMETER  VALUE"]);
    has(
        &ran.err,
        &[
            "starts to epoch 1: x=0.",
            "goes on from epoch 1 to 3",
            "stopped: ranked 9 of 9",
            "complete (BracketsDone): 17 trials",
        ],
    );
    assert!(!ran.err.contains("FAILED") && !ran.err.contains('\u{1b}'), "{}", ran.err);
    scene.is_sound();
    let book = scene.book();
    let counts = book.counts();
    assert_eq!((book.trials.len(), counts.stopped, counts.failed), (17, 12, 0));
    for trial in &book.trials {
        // Each unit was trained once.
        let status = trial.status.as_ref().unwrap();
        assert_eq!(status.spent_fidelity.to_string(), status.reached.clone().unwrap(), "trial {}", trial.spec.number);
    }
    let again = scene.trimtab(&["run", "study.yaml", "--report", "all.html"]);
    assert_eq!((again.code, &again.out), (0, &ran.out), "nothing is left to do: {}", again.err);
    has(&again.err, &["the report is in all.html"]);
    has(&std::fs::read_to_string(scene.path("all.html")).unwrap(), &["<!doctype html>", "tuned-0016"]);
    // The study has its end all the same, and it is told before.
    let nowhere = scene.trimtab(&["run", "study.yaml", "--report", "missing/all.html"]);
    assert_eq!((nowhere.code, &nowhere.out), (2, &ran.out), "{}", nowhere.err);
    has(&nowhere.err, &["complete (BracketsDone): 17 trials", "missing/all.html"]);
    assert!(!again.err.contains("starts"), "{}", again.err);
}

#[test]
fn the_history_in_memory_is_the_one_on_disk() {
    let scene = Scene::new(&hyperband(1), TRAINS);
    assert_eq!(scene.run().code, 0);
    let first = scene.book();
    // A book that is folded again and one that has grown decide alike.
    let decision = trimtab_engine::decide(&first.plan, &first.history);
    assert!(decision.actions.is_empty(), "{decision:?}");
    assert!(trimtab_engine::verify::verify(&first.plan, &first.history).is_empty());
}

#[test]
fn a_program_is_told_what_a_container_is_told() {
    let tells = "env | grep -E '^(PARAM|TRIMTAB|OWN|TMPDIR)' | sort\necho \"argument $1\"\necho loss=1\n";
    let text = study(&format!(
        "limits: {{trials: 1}}\n{}",
        trial(
            ", args: [\"--x=$(PARAM_X)\", \"--at=$(TRIMTAB_FIDELITY)\"], env: [{name: OWN, value: \"<$(TRIMTAB_TRIAL)>\"}]",
            "",
            ""
        )
    ));
    let scene = Scene::new(&text, tells);
    let mut command = scene.command(&["run", "study.yaml"]);
    // What another trial was told is not for this one.
    assert!(command.env("TRIMTAB_RESUME", "/other").env("PARAM_OTHER", "1").output().unwrap().status.success());
    let output = scene.output(0, 1);
    let value = scene.book().trials[0].spec.parameters[0].value.clone();
    has(
        &output,
        &[
            &format!("PARAM_X={value}\n"),
            &format!("TRIMTAB_PARAMETERS={{\"x\":\"{value}\"}}\n"),
            "TRIMTAB_STUDY=tuned\n",
            "TRIMTAB_TRIAL=0\n",
            "TRIMTAB_RUN=1\n",
            "TRIMTAB_SEED=",
            "OWN=<0>\n",
            "tuned.trimtab/trials/0/1/scratch\n",
            &format!("argument --x={value}\n"),
        ],
    );
    for absent in ["TRIMTAB_RESUME", "TRIMTAB_CHECKPOINT", "TRIMTAB_FIDELITY", "PARAM_OTHER", "--at="] {
        assert!(!output.contains(absent), "{absent} is in:\n{output}");
    }
    assert!(!scene.study_folder().run(0, 1).scratch().exists(), "temporary files are removed");
}

#[test]
fn a_program_can_stand_for_the_image() {
    let text = study(
        "limits: {trials: 2}\ntrial: {job: {spec: {template: {spec: {containers: [{name: c, image: \"i:1\", args: [\"$(PARAM_X)\"]}]}}}}}",
    );
    let scene = Scene::new(&text, "echo \"loss=$1\"\n");
    let ran = scene.run();
    assert_eq!(ran.code, 2, "{ran:?}");
    has(&ran.err, &["by its image `i:1` only", "behind `--`"]);
    assert!(!scene.study_folder().root().exists(), "nothing was made");
    assert_eq!(scene.trimtab(&["run", "study.yaml", "--", "./program.sh"]).code, 0);
    // What stood for the image is remembered, and the folder with it.
    scene.write("study.yaml", &text.replace("trials: 2", "trials: 3"));
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.book().trials.len(), 3);
    scene.is_sound();
}

#[test]
fn a_limit_that_is_raised_goes_on() {
    let text = study(&format!("limits: {{trials: 2}}\n{}", trial("", "", "")));
    let scene = Scene::new(&text, "echo \"loss=$PARAM_X\"\n");
    has(&scene.run().err, &["complete (TrialsReached): 2 trials"]);
    let before = scene.book();
    scene.write("study.yaml", &text.replace("trials: 2", "trials: 5"));
    has(&scene.run().err, &["complete (TrialsReached): 5 trials"]);
    let after = scene.book();
    assert_eq!(before.trials[..2], after.trials[..2]);
    scene.is_sound();
    scene.write("study.yaml", &text.replace("max: 1", "max: 2"));
    let ran = scene.run();
    assert_eq!(ran.code, 2, "{ran:?}");
    has(&ran.err, &["begun with another `spec.parameters`", "--folder"]);
}

#[test]
fn other_commands_read_the_folder() {
    let scene = Scene::new(&hyperband(2), TRAINS);
    assert_eq!(scene.run().code, 0);
    has(&scene.trimtab(&["best", "tuned", "--output", "flags"]).out, &["--x=0."]);
    has(&scene.trimtab(&["best", "./tuned.trimtab"]).out, &["best: loss"]);
    has(
        &scene.trimtab(&["explain", "tuned", "--trial", "0"]).out,
        &["run 1  epoch 0 to 1: Reached", "started to epoch 1"],
    );
    has(&scene.trimtab(&["explain", "tuned"]).out, &["Study tuned: Complete, 17/17 trials"]);
    let watched = scene.trimtab(&["watch", "tuned"]);
    assert_eq!(watched.code, 0, "{watched:?}");
    has(&watched.out, &["Complete  17/17 trials", "best loss"]);
    has(&scene.trimtab(&["list"]).out, &["tuned.trimtab  Complete  17/17   0.11"]);
    has(&scene.trimtab(&["show", "tuned"]).out, &["TRIAL  STATE", "EPOCH  LOSS", "0      Completed  9      0.11"]);
    let csv = scene.trimtab(&["export", "tuned", "--output", "csv"]).out;
    assert_eq!(csv.lines().count(), 18, "{csv}");
    has(&csv, &["trial,state,bracket,level,value,spent,run_seconds,x\r\ntuned-0000,Completed,0,9,0.11"]);
    // What is exported is what the other commands read of a cluster.
    let json = scene.trimtab(&["export", "tuned"]).out;
    scene.write("exported.json", &json);
    let verified = scene.trimtab(&["explain", "tuned", "--from", "exported.json", "--verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    has(&verified.out, &[" 0 mismatches"]);
    let missing = scene.trimtab(&["best", "./missing.trimtab"]);
    assert_eq!(missing.code, 2);
    has(&missing.err, &["there is no local study in ./missing.trimtab: "]);
}

#[test]
fn without_a_checkpoint_a_trial_runs_through_and_is_stopped() {
    let text = study(&format!(
        "fidelity: {{unit: epoch, min: 1, max: 4}}\nscheduler: {{successiveHalving: {{reductionFactor: 2, configurations: 2, withoutCheckpoint: RunThrough}}}}\nlimits: {{trials: 2}}\nparallelism: 2\n{}",
        trial("", "", "")
    ));
    // The first trial waits in its first epoch until the other one has printed its own, so that both are compared there; who
    // loses would never end by itself.
    let waits = r#"
cd "$OLD_FOLDER"
echo "epoch=1 loss=$TRIMTAB_TRIAL"
if [ "$TRIMTAB_TRIAL" = 1 ]; then exec sleep 1000; fi
echo "epoch=2 loss=$TRIMTAB_TRIAL"; echo "epoch=4 loss=$TRIMTAB_TRIAL"
"#
    .replace("cd \"$OLD_FOLDER\"\n", "");
    let scene = Scene::new(&text, &waits);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.status(0).rested_level, Some(4));
    assert_eq!(scene.status(1).runs[0].end.as_ref().unwrap().reason, reason::STOPPED);
    scene.is_sound();
}
