//! `trimtab ask-tell` as its clients use it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::scene::{Scene, has, study, trial};

fn example(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ask-tell").join(name)).unwrap()
}

/// A scene of the example, its Study under the name that scenes have.
fn with_example() -> Scene {
    let scene = Scene::new(&example("study.yaml").replace("name: bowl", "name: tuned"), "");
    ["objective.py", "tune.py"].iter().for_each(|name| scene.write(name, &example(name)));
    scene
}

fn plain(limits: &str) -> String {
    study(&format!("limits: {{{limits}}}\n{}", trial("", "", "")))
}

/// What is answered to these lines, the first line included.
fn talk(scene: &Scene, arguments: &[&str], lines: &[u8]) -> (i32, Vec<serde_json::Value>, String) {
    let mut command = scene.command(&[&["ask-tell", "study.yaml"], arguments].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers = output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    (output.status.code().unwrap(), answers, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_example_comes_to_the_same_trials_as_run() {
    let (asked, ran) = (with_example(), with_example());
    let output = Command::new("python3")
        .args(["tune.py", env!("CARGO_BIN_EXE_trimtab")])
        .current_dir(asked.root())
        .output()
        .expect("the example needs python3");
    assert!(output.status.success(), "{output:?}");
    let run = ran.run();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(asked.actions(), ran.actions());
    assert!(asked.actions().len() > 40, "{} actions", asked.actions().len());
    let best = |scene: &Scene| scene.trimtab(&["best", "tuned", "--output", "json"]).out;
    assert_eq!(best(&asked), best(&ran));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let known: serde_json::Value = serde_json::from_str(&best(&ran)).unwrap();
    assert_eq!(said["value"].to_string(), known["value"].as_str().unwrap());
    asked.is_sound();
}

#[test]
fn a_client_that_says_nonsense_is_answered_and_goes_on() {
    let scene = Scene::new(&plain("trials: 1"), "");
    let long = [b"{\"request\":\"".to_vec(), vec![b'x'; 2 << 20], b"\"}\n".to_vec()].concat();
    let lines = [
        b"nonsense\n\n{\"id\":1}\n\xff\xfe\n".to_vec(),
        long,
        b"{\"request\":\"ask\"}\n{\"request\":\"tell\",\"trial\":0,\"value\":0.5}\n{\"request\":\"best\"}".to_vec(),
    ]
    .concat();
    let (code, answers, err) = talk(&scene, &[], &lines);
    assert_eq!((code, err.as_str()), (0, ""), "{answers:?}");
    let kinds: Vec<_> = answers.iter().map(|answer| answer["answer"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["hello", "error", "error", "error", "error", "run", "told", "best"]);
    let fields: Vec<_> = answers[1..5].iter().map(|answer| answer["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["line", "request", "line", "line"]);
    assert_eq!((&answers[0]["protocol"], &answers[2]["id"]), (&1.into(), &1.into()));
    scene.is_sound();
}

#[test]
fn a_session_ends_with_its_input_and_says_how_it_stands() {
    let scene = Scene::new(&plain("trials: 2"), "echo loss=0.25\n");
    let (code, ..) = talk(&scene, &[], b"{\"request\":\"ask\"}\n");
    assert_eq!(code, 3);
    has(&scene.trimtab(&["list"]).out, &["tuned.trimtab  Suspended"]);
    // Whoever goes on, goes on with what was out.
    let ran = scene.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    has(&ran.err, &["trial 0: run 2 starts again"]);
    assert_eq!(scene.book().trials.len(), 2);
    scene.is_sound();
    let (code, answers, _) = talk(&scene, &[], b"{\"request\":\"ask\"}\n");
    assert_eq!((code, answers[1]["reason"].as_str()), (0, Some("TrialsReached")));
}

#[test]
fn what_is_kept_in_memory_leaves_nothing_behind() {
    let scene = Scene::new(&plain("trials: 1"), "");
    let lines = b"{\"request\":\"ask\"}\n{\"request\":\"tell\",\"trial\":0,\"state\":\"failed\"}\n";
    let (code, answers, _) = talk(&scene, &["--memory", "--parallelism", "3"], lines);
    assert_eq!((code, &answers[0]["parallelism"]), (1, &3.into()), "{answers:?}");
    assert!(!scene.study_folder().root().exists());
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let scene = Scene::new(&plain("trials: 1"), "");
    for (arguments, words) in [
        (vec!["ask-tell", "study.yaml", "--protocol", "2"], "speaks version 1"),
        (vec!["ask-tell", "-"], "standard input is for requests"),
        (vec!["ask-tell", "missing.yaml"], "cannot read missing.yaml"),
    ] {
        let ran = scene.trimtab(&arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        has(&ran.err, &[words]);
    }
    scene.write("study.yaml", &plain("trials: 1").replace("max: 1", "max: -1"));
    assert_eq!(scene.trimtab(&["ask-tell", "study.yaml"]).code, 1);
}

#[test]
fn a_full_disk_is_the_last_word() {
    let scene = Scene::new(&plain("trials: 100"), "");
    let script = format!("trap '' XFSZ; ulimit -f 16; exec {} ask-tell study.yaml", env!("CARGO_BIN_EXE_trimtab"));
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(scene.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut requests, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut answers = answers.lines().map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    answers.next().unwrap();
    let (mut told, mut last) = (0, serde_json::Value::Null);
    while last["answer"] != "error" {
        let request = if last["answer"] == "run" {
            format!("{{\"request\":\"tell\",\"trial\":{told},\"value\":1}}\n")
        } else {
            "{\"request\":\"ask\"}\n".to_owned()
        };
        requests.write_all(request.as_bytes()).unwrap();
        last = answers.next().unwrap();
        told += u32::from(last["answer"] == "told");
    }
    assert_eq!(last["field"], "journal", "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(2));
    // All that was answered is there.
    let complete = scene.book().counts().complete;
    assert!(told > 0 && complete == told, "{complete} of {told}");
}
