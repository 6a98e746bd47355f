//! Programs that do not behave: each has an end that is defined, and leaves nothing behind.

use std::os::unix::fs::MetadataExt;

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
        ("(env -i setsid setsid sleep 1000 &) ; echo loss=0.5", 0, reason::REACHED, ""),
        ("(env -i setsid setsid sleep 1017.25 >/dev/null 2>&1 &) ; echo loss=0.5", 0, reason::REACHED, ""),
        // Nothing of it can be read, and nothing of it is taken for a value.
        ("head -c 3000000 /dev/urandom", 1, reason::NO_METRIC, ""),
    ] {
        let scene = one("", "", "", program);
        let ran = scene.run();
        assert_eq!(ran.code, code, "{program}: {ran:?}");
        let status = scene.status(0);
        let end = status.runs[0].end.as_ref().unwrap();
        assert_eq!(end.reason, why, "{program}: {end:?}");
        has(&end.message, &[words]);
        scene.is_sound();
        // Nothing of this one's environment, group or output tells whose it was.
        assert!(!is_running("sleep\x001017.25\0"), "{program} left a process");
    }
}

/// Whether a process of this command line is there.
fn is_running(command_line: &str) -> bool {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok()).any(|held| held == command_line.as_bytes())
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
fn gigabytes_of_output_are_read_and_take_bounded_room() {
    // By hand with more of it: TRIMTAB_OUTPUT_MIB=4000.
    let mebibytes = std::env::var("TRIMTAB_OUTPUT_MIB").ok().and_then(|n| n.parse().ok()).unwrap_or(80_u64);
    // As many in lines as in one line that does not end.
    let program = format!(
        "yes 'nothing of interest is on this line' | head -c {0}\nhead -c {0} /dev/zero | tr '\\0' x\necho; echo loss=0.5\n",
        mebibytes << 19
    );
    let scene = one("", "", "", &program);
    // Nor do they take more memory than a few lines would: each process may have as much as this, in KiB.
    let script = format!("ulimit -d 32768; exec {} run study.yaml", env!("CARGO_BIN_EXE_trimtab"));
    let ran = std::process::Command::new("sh").args(["-c", &script]).current_dir(scene.root()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let file = std::fs::metadata(scene.study_folder().run(0, 1).output()).unwrap();
    let room = file.blocks() * 512;
    // Not every file system can give a part of a file back; those that can, must.
    assert!(file.len() > mebibytes << 20 && (room < 70 << 20 || room >= file.len()), "{room} of {}", file.len());
}

/// A file system of its own, of a few mebibytes; `script` runs in it.
fn on_a_small_disk(scene: &Scene, script: &str) -> std::process::Output {
    let setup = format!("mount -t tmpfs -o size=4m none disk && cp study.yaml program.sh disk && cd disk\n{script}");
    std::fs::create_dir_all(scene.path("disk")).unwrap();
    std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &setup])
        .current_dir(scene.root())
        .output()
        .unwrap()
}

#[test]
fn a_program_that_fills_the_disk_fails_and_the_others_go_on() {
    // The first trial writes until nothing more fits, at a place that goes with its run.
    let fills =
        "if [ \"$TRIMTAB_TRIAL\" = 0 ]; then exec cat /dev/zero > \"$TMPDIR/all\"; fi\necho \"loss=$PARAM_X\"\n";
    let scene = Scene::new(&study(&format!("limits: {{trials: 4}}\n{}", trial("", "", ""))), fills);
    if !on_a_small_disk(&scene, "true").status.success() {
        // Where no file system may be mounted, such as in a plain container, there is none to fill.
        return;
    }
    let program = env!("CARGO_BIN_EXE_trimtab");
    // A journal that could not be written ends the session; there is room again behind it, and nothing was lost.
    let script = format!(
        "{program} run study.yaml; echo \"first $?\"; {program} run study.yaml; echo \"second $?\"; {program} explain tuned --verify; {program} show tuned"
    );
    let output = on_a_small_disk(&scene, &script);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(out.contains("first 0") || (out.contains("first 2") && err.contains("No space left")), "{out}\n{err}");
    has(&out, &["second 0", " 0 mismatches"]);
    has(&err, &["complete (TrialsReached): 4 trials"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_and_stays_as_it_is() {
    let scene = Scene::new(&study(&format!("limits: {{trials: 2}}\n{}", trial("", "", ""))), "echo loss=1\n");
    if !on_a_small_disk(&scene, "true").status.success() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_trimtab");
    let script = format!(
        "{program} run study.yaml; mount -o remount,ro . ; {program} run study.yaml; echo \"again $?\"; {program} best tuned; echo \"read $?\""
    );
    let output = on_a_small_disk(&scene, &script);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    has(&out, &["again 2", "read 0"]);
    has(&err, &["Read-only file system"]);
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
fn what_a_killed_session_and_its_killed_supervisor_left_is_ended_by_the_next_session() {
    let kills = "if [ -e been ]; then echo loss=0.5; exit; fi\ntouch been\n(env -i setsid setsid sleep 1000 &)\nkill -KILL $(cut -d ' ' -f 4 /proc/$PPID/stat) $PPID\n";
    let scene = one("", "", "", kills);
    assert_eq!(scene.run().code, -1, "it was to be killed");
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
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
