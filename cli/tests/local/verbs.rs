//! What is asked of a local study while it is worked on, and while it is not.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use trimtab_api::conditions::reason;
use trimtab_api::wish;

use crate::scene::{Ran, Scene, TRAINS, has, hyperband};

/// A study whose runs wait after their last epoch until there is a file `going`.
fn waiting() -> Scene {
    let waits = format!(
        "{TRAINS}\nif [ ! -e going ]; then touch begun; trap 'exit 9' TERM; while :; do sleep 0.01; done; fi\n"
    );
    Scene::new(&hyperband(2), &waits)
}

fn begun(scene: &Scene) -> Child {
    let child = scene.start();
    while !scene.path("begun").exists() {
        std::thread::yield_now();
    }
    child
}

#[track_caller]
fn says(ran: &Ran, code: i32, words: &str) {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, format!("{words}\n").as_str(), ""));
}

fn state(scene: &Scene) -> String {
    scene.book().objects().0.status.unwrap().state.unwrap()
}

#[test]
fn a_study_at_work_is_suspended_and_resumed() {
    let scene = waiting();
    let mut child = begun(&scene);
    says(
        &scene.trimtab(&["suspend", "tuned"]),
        0,
        "tuned is suspended: nothing of it runs, and `trimtab resume tuned` lets it go on",
    );
    assert_eq!(child.wait().unwrap().code(), Some(3));
    has(&std::fs::read_to_string(scene.path("said")).unwrap(), &["asked to suspend", "suspended; run it again"]);
    assert_eq!(state(&scene), "Suspended");
    assert!(!scene.study_folder().request().exists());
    let end = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!((end.reason.as_str(), end.uncounted), (reason::SUSPENDED, true));
    says(&scene.trimtab(&["suspend", "./tuned.trimtab"]), 0, "./tuned.trimtab is suspended already");

    scene.write("going", "");
    let resumed = scene.trimtab(&["resume", "tuned"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    has(&resumed.err, &["goes on from epoch 1", "complete (BracketsDone)"]);
    scene.is_sound();
    let ended = "tuned has ended by itself: Complete (BracketsDone); raise a limit of it, and it goes on";
    says(&scene.trimtab(&["resume", "tuned"]), 1, ended);
    says(
        &scene.trimtab(&["suspend", "tuned"]),
        1,
        "tuned has ended: Complete (BracketsDone); there is nothing to suspend",
    );
    says(&scene.trimtab(&["stop", "tuned"]), 0, "tuned has ended already: Complete (BracketsDone)");
}

#[test]
fn a_study_at_work_is_stopped_and_that_is_taken_back() {
    let scene = waiting();
    let before = scene.path("tuned.trimtab");
    let mut child = begun(&scene);
    let ran = scene.trimtab(&["resume", "tuned"]);
    says(&ran, 0, "tuned is neither suspended nor stopped");
    let ran = scene.trimtab(&["stop", "tuned", "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.out, &["\"asked\": \"stop\"", "\"outcome\": \"Done\""]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    has(&std::fs::read_to_string(scene.path("said")).unwrap(), &["asked to stop", "stopped; `trimtab resume`"]);
    assert!(before.exists());
    let book = scene.book();
    assert_eq!(state(&scene), "Complete");
    assert!(wish::is_stopped(&book.study) && book.study.spec.limits.unwrap().active_seconds.is_some());
    has(&scene.trimtab(&["stop", "tuned"]).out, &["tuned has ended already"]);
    scene.is_sound();

    scene.write("going", "");
    let resumed = scene.trimtab(&["resume", "tuned"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(scene.book().study.spec.limits, None, "the limit is what it was");
    has(&resumed.err, &["complete (BracketsDone)"]);
    scene.is_sound();
}

#[test]
fn a_study_whose_session_was_killed_is_suspended_without_one() {
    let scene = waiting();
    let mut child = begun(&scene);
    child.kill().unwrap();
    child.wait().unwrap();
    // What was asked of a session that is gone is nobody's.
    scene.write("tuned.trimtab/request", "\"stop\"");
    has(&scene.trimtab(&["suspend", "tuned"]).out, &["tuned is suspended: nothing of it runs"]);
    assert!(!scene.study_folder().request().exists());
    assert_eq!(state(&scene), "Suspended");
    scene.write("going", "");
    // The file says nothing of suspension, and is the newer word.
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    scene.is_sound();
}

#[test]
fn a_request_that_makes_no_sense_is_removed() {
    let scene = waiting();
    let mut child = begun(&scene);
    scene.write("tuned.trimtab/request", "\"dance\"");
    while scene.study_folder().request().exists() {
        std::thread::yield_now();
    }
    assert!(child.try_wait().unwrap().is_none());
    has(&scene.trimtab(&["suspend", "tuned"]).out, &["tuned is suspended"]);
    child.wait().unwrap();
}

#[test]
fn what_cannot_be_asked_is_told() {
    let scene = waiting();
    let missing = scene.trimtab(&["suspend", "./missing.trimtab"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    has(&missing.err, &["there is no local study in ./missing.trimtab: "]);
    assert!(!scene.path("missing.trimtab").exists());
    let mut child = begun(&scene);
    let asked = scene.trimtab(&["suspend", "tuned", "--wait", "0"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    has(&asked.out, &["tuned is "]);
    child.wait().unwrap();
    assert_eq!(state(&scene), "Suspended");
}

#[test]
fn logs_are_those_of_the_run_that_is_meant() {
    let scene = Scene::new(&hyperband(1), TRAINS);
    assert_eq!(scene.run().code, 0);
    // One that was promoted twice.
    let all = scene.book().trials;
    let best = all.iter().find(|t| t.status.as_ref().unwrap().runs.len() == 3).unwrap().spec.number.to_string();
    let newest = scene.trimtab(&["logs", "tuned", &best]);
    assert_eq!((newest.code, newest.err.as_str()), (0, ""));
    assert_eq!(newest.out, scene.output(best.parse().unwrap(), 3));
    let first = scene.trimtab(&["logs", "tuned", &best, "--run", "1"]);
    assert_eq!(first.out, scene.output(best.parse().unwrap(), 1));
    let tail = scene.trimtab(&["logs", "tuned", &best, "--tail", "1", "--follow"]);
    assert_eq!(tail.out.lines().count(), 1);
    has(&tail.out, &["epoch=9"]);
    let none = scene.trimtab(&["logs", "tuned"]);
    assert_eq!((none.code, none.out.as_str()), (1, ""));
    has(&none.err, &["no trial of tuned runs now", "trimtab logs tuned 0"]);
    let unknown = scene.trimtab(&["logs", "tuned", "99"]);
    assert_eq!(unknown.code, 2);
    has(&unknown.err, &["no trial 99; its trials are 0 to 16"]);
    let unknown = scene.trimtab(&["logs", "tuned", &best, "--run", "9"]);
    has(&unknown.err, &["no such run; its runs are 1, 2, 3"]);
}

#[test]
fn logs_of_what_runs_stand_behind_their_trials() {
    let scene = waiting();
    let mut child = begun(&scene);
    while scene.book().counts().running < 2 || scene.trimtab(&["logs", "tuned"]).out.lines().count() < 2 {
        std::thread::yield_now();
    }
    let ran = scene.trimtab(&["logs", "tuned"]);
    has(&ran.out, &["trial 0 | epoch=1 loss=", "trial 1 | epoch=1 loss="]);
    // Who follows sees the end of all of them.
    let mut follows = scene.command(&["logs", "tuned", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follows.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert_eq!(scene.trimtab(&["suspend", "tuned"]).code, 0);
    let text = [first].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    assert!(follows.wait().unwrap().success());
    has(&text, &["trial 0 | epoch=1"]);
    child.wait().unwrap();
}
