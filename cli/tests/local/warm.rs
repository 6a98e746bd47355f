//! Studies that begin with what an earlier one on this machine found out.

use trimtab_local::{Book, Folder, journal};

use crate::scene::{Scene, has, study, trial};

/// The loss is least at 0.3.
const VALLEY: &str = r#"awk -v x="$PARAM_X" 'BEGIN { printf "loss=%.9f\n", (x - 0.3) ^ 2 }'"#;

/// A study of this name with these lines in its spec.
fn named(name: &str, lines: &str) -> String {
    study(&format!("{lines}\n{}", trial("", "", ""))).replacen("{name: tuned}", &format!("{{name: {name}}}"), 1)
}

/// A scene in which the study `old` has run, and `tuned` is to begin with it.
fn warm() -> Scene {
    let lines = "sampler: {tpe: {startupTrials: 8}}\nwarmStart: {studyName: old}\nlimits: {trials: 6}";
    let scene = Scene::new(&named("tuned", lines), VALLEY);
    scene.write("old.yaml", &named("old", "sampler: {random: {}}\nlimits: {trials: 20}"));
    scene
}

fn xs(book: &Book) -> Vec<f64> {
    book.trials.iter().map(|trial| trial.spec.parameters[0].value.parse().unwrap()).collect()
}

#[test]
fn a_study_begins_where_the_earlier_one_was_good() {
    let scene = warm();
    assert_eq!(scene.trimtab(&["run", "old.yaml"]).code, 0);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    has(
        &ran.err,
        &["begins warm: 20 of 20 trials of Study `old` are evidence for the sampler", "(TrialsReached): 6 trials"],
    );
    let book = scene.book();
    assert_eq!((book.trials.len(), book.history.imported.len()), (6, 20));
    assert!(book.trials.iter().all(|trial| trial.spec.fallback.is_none()), "there is a model from the first trial on");
    let near = xs(&book).iter().filter(|x| (**x - 0.3).abs() < 0.2).count();
    assert!(near >= 4, "{:?}", xs(&book));
    scene.is_sound();
    let verified = scene.trimtab(&["explain", "tuned", "--verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let explained = scene.trimtab(&["explain", "tuned"]);
    has(&explained.out, &["began warm: 20 of 20 trials of Study `old` are evidence for the sampler"]);
    // What becomes of the earlier one changes nothing: the study goes on without it.
    std::fs::remove_dir_all(scene.path("old.trimtab")).unwrap();
    scene.write(
        "study.yaml",
        &std::fs::read_to_string(scene.path("study.yaml")).unwrap().replace("trials: 6", "trials: 8"),
    );
    let more = scene.run();
    assert_eq!(more.code, 0, "{more:?}");
    assert!(!more.err.contains("begins warm"), "{}", more.err);
    assert_eq!((scene.book().trials.len(), scene.book().history.imported.len()), (8, 20));
    let verified = scene.trimtab(&["explain", "tuned", "--verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    // And it goes along to another place.
    scene.write("exported.json", &scene.trimtab(&["export", "tuned"]).out);
    let imported = scene.trimtab(&["import", "exported.json", "--folder", "elsewhere.trimtab", "--", "./program.sh"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let there = Book::read(&Folder::at(&scene.path("elsewhere.trimtab"))).unwrap();
    assert_eq!(there.history, scene.book().history);
}

#[test]
fn a_copy_is_made_once_whenever_a_session_is_killed() {
    let scene = warm();
    assert_eq!(scene.trimtab(&["run", "old.yaml"]).code, 0);
    assert_eq!(scene.run().code, 0);
    let path = scene.study_folder().journal();
    let whole = std::fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let (records, _) = journal::read(&path).unwrap();
    assert!(matches!(records[1], journal::Record::Warm { .. }), "behind the beginning and before every decision");
    assert_eq!(records.iter().filter(|record| matches!(record, journal::Record::Warm { .. })).count(), 1);
    let (copied, actions) = (scene.book().history.imported, scene.actions());
    // Killed before the copy, within it, and behind it.
    let behind = lines[0].len() + lines[1].len();
    for kept in [lines[0].len(), lines[0].len() + lines[1].len() / 2, behind] {
        std::fs::write(&path, &whole[..kept]).unwrap();
        std::fs::remove_dir_all(scene.study_folder().trials()).unwrap();
        let ran = scene.run();
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.err.contains("begins warm"), kept < behind, "{}", ran.err);
        assert_eq!((scene.book().history.imported, scene.actions()), (copied.clone(), actions.clone()));
    }
}

#[test]
fn what_cannot_be_learned_from_is_said_before_anything_runs() {
    let scene = warm();
    let refused = |code: i32, words: &str| {
        let ran = scene.run();
        assert_eq!(ran.code, code, "{ran:?}");
        has(&ran.err, &[words]);
        assert!(!scene.study_folder().trials().exists());
    };
    refused(2, "`spec.warmStart.studyName`: there is no study `old` in .: run it first, or leave `warmStart` out");
    let good = std::fs::read_to_string(scene.path("old.yaml")).unwrap();
    scene.write("old.yaml", &good.replace("metric: loss", "metric: cost").replace("trials: 20", "trials: 2"));
    scene.write("program.sh", &format!("#!/bin/sh\necho cost=1\n{VALLEY}\n"));
    assert_eq!(scene.trimtab(&["run", "old.yaml"]).code, 0);
    refused(2, "`spec.warmStart.studyName`: Study `old` optimizes `cost`, and not `loss`");
    // Somebody works on it.
    let (held, ..) = journal::Journal::open(&Folder::at(&scene.path("old.trimtab")).journal()).unwrap();
    refused(2, "another `trimtab run` works on this study");
    drop(held);
    // A name that is the study's own.
    let wanted = std::fs::read_to_string(scene.path("study.yaml")).unwrap();
    scene.write("study.yaml", &wanted.replace("studyName: old", "studyName: tuned"));
    refused(1, "must name another study");
    // Nothing of that is on record: what was wrong can be mended, with another name as well.
    scene.write("old.yaml", &good.replace("{name: old}", "{name: older}"));
    assert_eq!(scene.trimtab(&["run", "old.yaml"]).code, 0);
    scene.write("study.yaml", &wanted.replace("studyName: old", "studyName: older"));
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.err, &["20 of 20 trials of Study `older`"]);
}
