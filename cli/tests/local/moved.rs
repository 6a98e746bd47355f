//! Studies that go from one place to another.

use crate::scene::{Ran, Scene, TRAINS, has, hyperband};

/// What a study that was stopped half way exports.
fn half() -> (Scene, String) {
    let waits = format!(
        "{TRAINS}\nif [ \"$TRIMTAB_TRIAL\" = 5 ] && [ ! -e going ]; then touch begun; trap 'exit 9' TERM; while :; do sleep 0.01; done; fi\n"
    );
    let scene = Scene::new(&hyperband(1), &waits);
    let mut child = scene.start();
    while !scene.path("begun").exists() {
        std::thread::yield_now();
    }
    let exported = scene.trimtab(&["export", "tuned"]).out;
    assert_eq!(scene.trimtab(&["suspend", "tuned"]).code, 0);
    child.wait().unwrap();
    scene.write("going", "");
    (scene, exported)
}

#[track_caller]
fn is_good(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn an_imported_study_goes_on_as_it_would_have_where_it_was() {
    let (there, _) = half();
    let here = Scene::new(&hyperband(1), TRAINS);
    here.write("exported.json", &there.trimtab(&["export", "tuned"]).out);
    let ran = here.trimtab(&["import", "exported.json", "--", "./program.sh"]);
    is_good(&ran);
    assert_eq!(
        ran.out,
        "tuned is in tuned.trimtab: 6 trials, with all that was decided; `trimtab resume tuned` goes on, `trimtab show tuned` shows them\n"
    );
    has(&ran.err, &["had a checkpoint that is not here (see --checkpoints)"]);
    assert_eq!(here.actions(), there.actions(), "what was decided came along");
    let verified = here.trimtab(&["explain", "tuned", "--verify"]);
    assert_eq!(verified.out, there.trimtab(&["explain", "tuned", "--verify"]).out);
    let resumed = here.trimtab(&["resume", "tuned"]);
    is_good(&resumed);
    is_good(&there.trimtab(&["resume", "tuned"]));
    assert_eq!(here.actions(), there.actions(), "and so did what comes after");
    here.is_sound();
    // Without its checkpoints a trial begins again.
    has(&resumed.err, &["starts again to epoch"]);
}

#[test]
fn checkpoints_are_brought_along() {
    let (there, _) = half();
    let here = Scene::new(&hyperband(1), TRAINS);
    here.write("exported.json", &there.trimtab(&["export", "tuned"]).out);
    // As a cluster's volume has them.
    let uid = there.book().study.metadata.uid.clone().unwrap();
    for trial in &there.book().trials {
        let (number, runs) = (trial.spec.number, trial.status.clone().unwrap().runs);
        for run in runs.iter().map(|run| run.number) {
            let from = there.study_folder().run(number, run).checkpoint();
            let to = here.path("volume").join(format!("{uid}/{number}/{run}"));
            if from.is_dir() {
                std::fs::create_dir_all(to.join("deeper")).unwrap();
                std::fs::copy(from.join("epoch"), to.join("epoch")).unwrap();
                std::fs::write(to.join("deeper/part"), "x").unwrap();
            }
        }
    }
    let ran = here.trimtab(&["import", "exported.json", "--checkpoints", "volume"]);
    is_good(&ran);
    has(&ran.err, &["can go on from checkpoints that were brought along"]);
    let resumed = here.trimtab(&["resume", "tuned"]);
    is_good(&resumed);
    assert!(!resumed.err.contains("starts again"), "{}", resumed.err);
    has(&resumed.err, &["goes on from epoch 1 to 3"]);
    here.is_sound();
}

#[test]
fn a_study_that_was_at_work_is_told_of() {
    let (_there, exported) = half();
    let here = Scene::new(&hyperband(1), TRAINS);
    here.write("exported.json", &exported);
    let ran = here.trimtab(&["import", "exported.json", "--folder", "copy"]);
    is_good(&ran);
    has(&ran.out, &["tuned is in copy: ", "`trimtab resume copy` goes on"]);
    has(&ran.err, &["warning: it was at work", "trial 5 had a run that had not ended: it is interrupted here"]);
    has(&here.trimtab(&["explain", "./copy", "--trial", "5"]).out, &["Interrupted"]);
    let again = here.trimtab(&["import", "exported.json", "--folder", "copy"]);
    assert_eq!((again.code, again.out.as_str()), (2, ""));
    has(&again.err, &["copy is there already: give another --folder"]);
}

#[test]
fn the_best_become_starting_points_elsewhere() {
    let scene = Scene::new(&hyperband(1), TRAINS);
    is_good(&scene.run());
    let best = scene.book().best().unwrap().parameters[0].value.clone();
    let exported = scene.trimtab(&["export", "tuned", "--output", "study", "--best", "2"]);
    is_good(&exported);
    has(
        &exported.out,
        &["# The 2 best configurations of 17 trials are tried first.", "startWith:", &best, "kind: Study"],
    );
    scene.write("elsewhere.yaml", &exported.out);
    is_good(&scene.trimtab(&["validate", "elsewhere.yaml"]));

    scene.write("trials.csv", &scene.trimtab(&["export", "tuned", "--output", "csv"]).out);
    let table = scene.trimtab(&["import", "trials.csv", "--study", "study.yaml", "--best", "2"]);
    is_good(&table);
    let body = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(body(&table.out), body(&exported.out), "a table says the same");
    scene.write("begins.yaml", &table.out);
    is_good(&scene.trimtab(&["run", "begins.yaml", "--folder", "begins"]));
    let first = scene.trimtab(&["export", "./begins", "--output", "csv"]).out;
    assert!(first.lines().nth(1).unwrap().ends_with(&best), "{first}");
}

#[test]
fn what_cannot_be_imported_is_told() {
    let scene = Scene::new(&hyperband(1), TRAINS);
    scene.write("odd.csv", "x,value\n0.5,1\n7,2\n");
    scene.write("other.csv", "y,value\n0.5,1\n");
    scene.write("none.json", "{}");
    for (arguments, words) in [
        (&["import", "missing.json"][..], "cannot read missing.json"),
        (&["import", "none.json"], "none.json has no Study"),
        (&["import", "odd.csv", "--study", "study.yaml"], "odd.csv:3: `x` "),
        (&["import", "other.csv", "--study", "study.yaml"], "names no parameter of the Study; its parameters are x"),
        (&["import", "odd.csv", "--study", "odd.csv"], "must have one valid Study"),
        (&["import", "odd.csv", "--best", "3"], "--study"),
    ] {
        let ran = scene.trimtab(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        has(&ran.err, &[words]);
    }
}
