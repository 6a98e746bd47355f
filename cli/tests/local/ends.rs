//! Programs that do not behave: each has an end that is defined, and leaves nothing behind.

use trimtab_api::conditions::reason;
use trimtab_api::trial::OutcomeKind;

use crate::scene::{Scene, has, study, trial};

fn one(container: &str, pod: &str, template: &str, program: &str) -> Scene {
    Scene::new(&study(&format!("limits: {{trials: 1}}\n{}", trial(container, pod, template))), program)
}

#[test]
fn each_end_of_a_run_has_its_reason() {
    for (program, code, why, words) in [
        ("echo loss=0.5", 0, reason::REACHED, ""),
        ("true", 1, reason::NO_METRIC, "printed no value of `loss`"),
        ("echo loss=nan", 1, reason::NOT_FINITE, "`loss` is NaN"),
        ("echo loss=0.5; exit 3", 1, reason::EXIT_CODE, "exit code 3"),
        ("echo loss=0.5; kill -SEGV $$", 1, reason::EXIT_CODE, "signal: 11"),
        ("head -c 300000 /dev/urandom; echo; echo loss=0.5", 0, reason::REACHED, ""),
        ("head -c 30000000 /dev/zero | tr '\\0' x; echo; echo loss=0.5", 0, reason::REACHED, ""),
        ("printf 'loss=0.5'", 0, reason::REACHED, ""),
        ("exec >&-; exec 2>&-; true", 1, reason::NO_METRIC, ""),
        // What it leaves behind ends with it, wherever it went.
        ("sleep 1000 & setsid sleep 1000 & echo loss=0.5", 0, reason::REACHED, ""),
    ] {
        let scene = one("", "", "", program);
        let ran = scene.run();
        assert_eq!(ran.code, code, "{program}: {ran:?}");
        let status = scene.status(0);
        let end = status.runs[0].end.as_ref().unwrap();
        assert_eq!(end.reason, why, "{program}: {end:?}");
        has(&end.message, &[words]);
        scene.is_sound();
    }
}

#[test]
fn a_program_that_is_not_there_is_refused_before_anything_is_made() {
    for (command, words) in
        [("./missing", "no program `./missing`"), ("missing", "no program"), ("./study.yaml", "may not be executed")]
    {
        let scene = one("", "", "", "");
        let ran = scene.trimtab(&["run", "study.yaml", "--", command]);
        assert_eq!(ran.code, 2, "{ran:?}");
        has(&ran.err, &[words]);
        assert!(!scene.study_folder().root().exists());
    }
}

#[test]
fn a_program_that_cannot_be_started_fails_the_study_at_once() {
    let scene = one("", "", "", "");
    scene.write("program.sh", "#!/missing/interpreter\n");
    let ran = scene.trimtab(&["run", "study.yaml", "--", "./program.sh"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran.err, &["failed (CannotStart)", "./program.sh cannot be started", "No such file"]);
    assert_eq!(scene.status(0).outcome.unwrap().kind, OutcomeKind::Lost);
}

#[test]
fn a_program_that_never_ends_and_ignores_being_asked_is_killed() {
    let scene = one(
        "",
        ", terminationGracePeriodSeconds: 0",
        "  timeoutSeconds: 1",
        "trap '' TERM\nwhile :; do sleep 1000; done\n",
    );
    let ran = scene.run();
    assert_eq!(ran.code, 1, "{ran:?}");
    let end = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!((end.reason.as_str(), end.exit_code), (reason::TIMEOUT, Some(137)), "{end:?}");
    scene.is_sound();
}

#[test]
fn who_is_asked_to_stop_may_save_first() {
    let saves = "trap 'echo saved; exit 0' TERM\nwhile :; do sleep 0.01; done\n";
    let scene = one("", "", "  timeoutSeconds: 1", saves);
    assert_eq!(scene.run().code, 1);
    has(&scene.output(0, 1), &["saved"]);
    assert_eq!(scene.status(0).runs[0].end.as_ref().unwrap().exit_code, Some(0));
}

#[test]
fn a_run_with_more_memory_than_it_may_have_is_ended() {
    let takes = "exec tail /dev/zero\n";
    let scene = one(", resources: {limits: {memory: 64Mi}}", "", "", takes);
    assert_eq!(scene.run().code, 1);
    let end = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!(end.reason, reason::OUT_OF_MEMORY, "{end:?}");
    has(&end.message, &["resources.limits.memory"]);
}

#[test]
fn who_is_killed_from_outside_is_tried_again() {
    // The first run kills itself as somebody else would, and the second finds that it has been here.
    let once = "if [ -e been ]; then echo loss=0.5; else touch been; kill -KILL $$; fi\n";
    let scene = one("", "", "", once);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    let status = scene.status(0);
    let ends: Vec<_> = status.runs.iter().map(|run| run.end.as_ref().unwrap()).collect();
    assert_eq!(ends.iter().map(|end| end.reason.as_str()).collect::<Vec<_>>(), [reason::DELETED, reason::REACHED]);
    assert!(ends[0].uncounted);
    scene.is_sound();
}

#[test]
fn a_supervisor_that_is_killed_leaves_nothing() {
    let kills = "if [ -e been ]; then echo loss=0.5; else touch been; sleep 1000 & setsid sleep 1000 & kill -KILL $PPID; wait; fi\n";
    let scene = one("", "", "", kills);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.status(0).runs[0].end.as_ref().unwrap().reason, reason::DELETED);
    scene.is_sound();
}
