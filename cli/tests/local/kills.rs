//! `trimtab run` is killed, again and again, and goes on.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use trimtab_api::conditions::reason;
use trimtab_local::{identity, journal};

use crate::population::population;
use crate::scene::{Scene, TRAINS, has, hyperband, study, trial};

/// How often a study is killed. More by `TRIMTAB_KILLS`.
const KILLS: u32 = 50;

fn kills() -> u32 {
    std::env::var("TRIMTAB_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS)
}

/// Numbers from a seed (xorshift), for moments.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// Kills a run when `is_time` says so, given how much its journal has grown; says whether it was still there.
fn kill_when(scene: &Scene, is_time: impl Fn(u64) -> bool) -> bool {
    let journal = scene.study_folder().journal();
    let length = || std::fs::metadata(&journal).map_or(0, |m| m.len());
    let before = length();
    let mut child = scene.start();
    while !is_time(length().saturating_sub(before)) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap().signal() == Some(9)
}

fn kill_after(scene: &Scene, bytes: u64) -> bool {
    kill_when(scene, |grown| grown >= bytes)
}

/// Runs a study that is killed again and again all along its way, and then to its end.
fn stormy(study: &str, seed: u64, length: u64) -> Scene {
    let scene = Scene::new(study, TRAINS);
    let mut dice = Dice(seed);
    let mut killed = 0;
    // A record has some hundred bytes: every place between two of them is met, and within one. What a kill adds to the journal
    // makes up for what the last ones would go beyond its end.
    let most = 2 * length / u64::from(kills());
    for kill in 0..kills() {
        killed += u32::from(if kill % 2 == 0 {
            kill_after(&scene, dice.below(most))
        } else {
            // Any moment of a program's work is as good as another one, so no condition is waited for.
            let (began, wait) = (Instant::now(), Duration::from_millis(dice.below(most / 100)));
            kill_when(&scene, |_| began.elapsed() >= wait)
        });
    }
    assert!(killed >= kills() / 2, "only {killed} of {} kills met a study at work", kills());
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    scene.is_sound();
    scene
}

/// Every run in a line.
fn runs(scene: &Scene) -> String {
    let book = scene.book();
    let all = book
        .trials
        .iter()
        .flat_map(|trial| trial.status.iter().flat_map(|status| &status.runs).map(move |run| (trial, run)));
    let line = |(trial, run): (&trimtab_api::Trial, &trimtab_api::trial::Run)| {
        let end = run.end.as_ref().map_or("goes on", |end| end.reason.as_str());
        let (of, number) = (trial.spec.number, run.number);
        format!(
            "trial {of} run {number}: from {} by run {:?}, first {:?}, {end}",
            run.start, run.resume_from, run.first
        )
    };
    all.map(line).collect::<Vec<_>>().join("\n")
}

/// Asserts that runs which were to go on from a checkpoint did, and counts the trials that have one. A status keeps the newest runs
/// only, and a trial that was killed often has more.
#[track_caller]
fn resumed(scene: &Scene) -> usize {
    let goes_on = |run: &trimtab_api::trial::Run| {
        let start: f64 = run.start.parse().unwrap();
        let Some(first) = run.first.as_ref().map(|first| first.parse::<f64>().unwrap()) else { return false };
        // A program that was killed between its line and its checkpoint says that line again.
        assert!(first == start + 1.0 || first == start, "{run:?}");
        start > 0.0 && run.resume_from.is_some()
    };
    // All runs are looked at, also behind the first that went on.
    let trials = scene.book().trials.clone();
    trials
        .iter()
        .filter(|trial| trial.status.as_ref().unwrap().runs.iter().filter(|run| goes_on(run)).count() > 0)
        .count()
}

#[test]
fn a_study_that_is_killed_at_any_moment_decides_what_it_would_have_decided() {
    let plain = Scene::new(&hyperband(1), TRAINS);
    assert_eq!(plain.run().code, 0);
    // Three of the first bracket, one of them twice, and one of the second.
    assert_eq!(resumed(&plain), 4);
    let scene = stormy(&hyperband(1), 7, std::fs::metadata(plain.study_folder().journal()).unwrap().len());
    assert_eq!(scene.actions(), plain.actions());
    assert!(resumed(&scene) >= 4, "{}", runs(&scene));
    let ends: Vec<String> = scene
        .book()
        .trials
        .iter()
        .flat_map(|trial| trial.status.clone().unwrap().runs)
        .map(|run| run.end.unwrap().reason)
        .collect();
    assert!(ends.iter().all(|end| [reason::REACHED, reason::INTERRUPTED].contains(&end.as_str())), "{ends:?}");
    assert_eq!(scene.trimtab(&["best", "tuned"]).out, plain.trimtab(&["best", "tuned"]).out);
}

#[test]
fn a_population_that_is_killed_at_any_moment_makes_the_copies_that_it_would_have_made() {
    let plain = Scene::new(&population(1), TRAINS);
    assert_eq!(plain.run().code, 0);
    // Three of the first four go on, and so does every one of three copies.
    assert_eq!(resumed(&plain), 6, "{}", runs(&plain));
    let scene = stormy(&population(1), 11, std::fs::metadata(plain.study_folder().journal()).unwrap().len());
    assert_eq!(scene.actions(), plain.actions());
    assert!(resumed(&scene) > 0, "{}", runs(&scene));
    assert_eq!(scene.trimtab(&["best", "tuned"]).out, plain.trimtab(&["best", "tuned"]).out);
}

#[test]
fn with_several_at_once_every_trial_is_accounted_for_after_kills() {
    let plain = Scene::new(&hyperband(3), TRAINS);
    assert_eq!(plain.run().code, 0);
    let scene = stormy(&hyperband(3), 13, std::fs::metadata(plain.study_folder().journal()).unwrap().len());
    assert!(resumed(&scene) >= 4, "{}", runs(&scene));
    let book = scene.book();
    let statuses: Vec<_> = book.trials.iter().map(|trial| trial.status.clone().unwrap()).collect();
    assert_eq!(statuses.len(), 17, "9, 5 and 3 begin");
    let whole = statuses.iter().filter(|status| status.rested_level == Some(9)).count();
    assert_eq!(whole, 5, "1, 1 and 3 are trained to the end");
}

#[test]
fn a_checkpoint_goes_only_when_the_journal_knows_the_end_of_its_run() {
    let scene = Scene::new(&hyperband(2), TRAINS);
    let folder = scene.study_folder();
    let mut child = scene.start();
    let mut seen = BTreeSet::new();
    let mut went = 0;
    loop {
        let is_over = child.try_wait().unwrap().is_some();
        for (number, run) in (0..17).flat_map(|number| (1..=3).map(move |run| (number, run))) {
            if folder.run(number, run).checkpoint().exists() {
                seen.insert((number, run));
            } else if seen.remove(&(number, run)) {
                // Read behind the look that missed it.
                let known = scene.status(number).runs.iter().any(|held| held.number == run && held.end.is_some());
                assert!(
                    known,
                    "the checkpoint of run {run} of trial {number} is gone, and the run goes on by the journal"
                );
                went += 1;
            }
        }
        if is_over {
            break;
        }
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Those of the runs that five promoted trials went on from.
    assert!(went >= 3, "only {went} checkpoints were seen and seen gone");
}

#[test]
fn what_a_crash_of_the_machine_takes_from_the_journal_is_done_again() {
    let plain = Scene::new(&hyperband(1), TRAINS);
    assert_eq!(plain.run().code, 0);
    let (records, _) = journal::read(&plain.study_folder().journal()).unwrap();
    // The folders of runs stay as they are, newer than the journal is.
    for part in 1..8 {
        let scene = Scene::new(&hyperband(1), TRAINS);
        let copied = std::process::Command::new("cp")
            .args(["--archive"])
            .args([plain.path("tuned.trimtab"), scene.path("tuned.trimtab")])
            .status()
            .unwrap();
        assert!(copied.success());
        let path = scene.study_folder().journal();
        std::fs::remove_file(&path).unwrap();
        let (mut journal, ..) = journal::Journal::open(&path).unwrap();
        let kept = (records.len() * part / 8).max(1);
        records.iter().take(kept).for_each(|record| journal.append(record).unwrap());
        drop(journal);
        let ran = scene.run();
        assert_eq!(ran.code, 0, "{kept} records were left: {ran:?}");
        scene.is_sound();
        assert_eq!(scene.actions(), plain.actions(), "{kept} records were left");
    }
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    let plain = Scene::new(&hyperband(1), TRAINS);
    assert_eq!(plain.run().code, 0);
    let scene = Scene::new(&hyperband(1), TRAINS);
    assert!(kill_after(&scene, 20_000));
    // What was written before the kill was written in another century, and some of it before that.
    let path = scene.study_folder().journal();
    let (records, _) = journal::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let (mut journal, ..) = journal::Journal::open(&path).unwrap();
    for (place, mut record) in records.into_iter().enumerate() {
        let seconds = if place % 2 == 0 { 4_102_444_800 } else { 946_684_800 };
        if let journal::Record::Trial { status, .. } = &mut record {
            for run in &mut status.runs {
                run.start_time.iter_mut().for_each(|time| time.0 = jiff::Timestamp::from_second(seconds).unwrap());
                run.end.iter_mut().for_each(|end| end.time.0 = jiff::Timestamp::from_second(seconds).unwrap());
            }
        }
        journal.append(&record).unwrap();
    }
    drop(journal);
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    scene.is_sound();
    assert_eq!(scene.actions(), plain.actions());
}

#[test]
fn a_torn_end_is_cut_and_damage_is_refused() {
    let text = study(&format!("limits: {{trials: 3}}\n{}", trial("", "", "")));
    let scene = Scene::new(&text, "echo \"loss=$PARAM_X\"\n");
    assert_eq!(scene.run().code, 0);
    let journal = scene.study_folder().journal();
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &whole[..whole.len() - 10]).unwrap();
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.err, &["no whole record: cut off"]);
    assert_eq!(scene.book().trials.len(), 3);

    let mut damaged = whole;
    let at = damaged.len() / 2;
    damaged[at] ^= 4;
    std::fs::write(&journal, &damaged).unwrap();
    let ran = scene.run();
    assert_eq!(ran.code, 2, "{ran:?}");
    has(&ran.err, &["is damaged in line", "byte", "truncate --size="]);
    assert_eq!(std::fs::read(&journal).unwrap(), damaged, "damage is left to a person");
}

#[test]
fn interrupted_once_it_ends_in_order_and_goes_on() {
    let waits = format!(
        "{TRAINS}\nif [ ! -e going ]; then touch begun; trap 'exit 9' TERM; while :; do sleep 0.01; done; fi\n"
    );
    let scene = Scene::new(&hyperband(2), &waits);
    let mut child = scene.start();
    while !scene.path("begun").exists() {
        std::thread::yield_now();
    }
    // While one works on the study, no other one may.
    let second = scene.run();
    assert_eq!(second.code, 2, "{second:?}");
    has(&second.err, &["is in use"]);
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    has(&std::fs::read_to_string(scene.path("said")).unwrap(), &["suspended; run it again to go on"]);
    let end = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!((end.reason.as_str(), end.uncounted), (reason::SUSPENDED, true));
    scene.write("going", "");
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    scene.is_sound();
}

/// Whether the process was started by the program of a run. A program whose own helper is killed has a defect of its own.
fn is_of_a_shell(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)).unwrap_or_default();
    std::fs::read_to_string(format!("/proc/{parent}/comm")).is_ok_and(|name| name == "sh\n")
}

/// Kills one process of a study's runs, the program or its supervisor, whichever the dice say; says whether there was one.
fn kill_a_run(dice: &mut Dice) -> bool {
    let marked: Vec<String> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == b"TRIALS_TO_KILL=these")
                && environment.windows(identity::MARK.len()).any(|part| part == identity::MARK.as_bytes())
                && !is_of_a_shell(pid)
        })
        .collect();
    let most = u64::try_from(marked.len()).unwrap();
    let Some(pid) = (most > 0).then(|| &marked[usize::try_from(dice.below(most)).unwrap()]) else { return false };
    std::process::Command::new("kill")
        .args(["-KILL", pid])
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[test]
fn trials_that_are_killed_at_any_moment_are_tried_again_and_decided_alike() {
    let plain = Scene::new(&hyperband(1), TRAINS);
    assert_eq!(plain.run().code, 0);
    let scene = Scene::new(&hyperband(1), TRAINS);
    let mut command = scene.command(&["run", "study.yaml"]);
    let mut child = command.env("TRIALS_TO_KILL", "these").stderr(Stdio::piped()).spawn().unwrap();
    let ended = Arc::new(AtomicU32::new(0));
    let (counts, lines) = (Arc::clone(&ended), BufReader::new(child.stderr.take().unwrap()).lines());
    std::thread::spawn(move || {
        let is_well = |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line.contains("ended (Reached)"));
        for _ in lines.filter(is_well) {
            counts.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut dice = Dice(11);
    let (mut killed, mut met) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        // A trial is given up after some failures in a row: between two kills a run ends well.
        let well = ended.load(Ordering::Relaxed);
        if killed < kills() && (killed == 0 || well > met) && dice.below(40) == 0 && kill_a_run(&mut dice) {
            (killed, met) = (killed + 1, well);
        }
        std::thread::yield_now();
    }
    assert!(child.wait().unwrap().success());
    assert!(killed >= 5, "only {killed} kills met a trial");
    scene.is_sound();
    assert_eq!(scene.actions(), plain.actions());
    assert_eq!(scene.trimtab(&["best", "tuned"]).out, plain.trimtab(&["best", "tuned"]).out);
}
