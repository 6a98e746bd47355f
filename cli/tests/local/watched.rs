//! `trimtab watch` on a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::scene::{Scene, has, study, trial};
use crate::terminal::Terminal;

/// Waits for a file, half a minute at most, and then says something.
const WAITS: &str = r#"
tries=0
while [ ! -e go ] && [ "$tries" -lt 600 ]; do sleep 0.05; tries=$((tries + 1)); done
echo "loss=$PARAM_X"
"#;

fn scene() -> Scene {
    Scene::new(&study(&format!("limits: {{trials: 2}}\n{}", trial("", "", ""))), WAITS)
}

/// Begins the study in the background, and comes back when its first trial has started.
fn begin(scene: &Scene) -> Child {
    let mut child = scene.command(&["run", "study.yaml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("trial 0: starts")));
    // Somebody must go on reading, or who writes is told that nobody does.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

#[test]
fn watch_draws_over_what_it_has_drawn_until_the_study_ends() {
    let scene = scene();
    let mut runner = begin(&scene);
    let mut terminal = Terminal::open(&scene, "watch tuned --interval 0.05", "");
    terminal.until("Ctrl-C leaves; the study goes on");
    terminal.until("\u{1b}[J");
    has(&terminal.seen, &["tuned", "Running", "1 running", "\u{1b}[36m"]);
    scene.write("go", "");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    // Up to the first line of the last frame, and each line cleared to its end.
    has(&seen, &["A\u{1b}[1mtuned\u{1b}[0m", "\u{1b}[K\r\n", "\u{1b}[32mComplete\u{1b}[0m", "best: loss"]);
    let last = seen.rsplit("\u{1b}[J").next().unwrap();
    assert!(!last.contains('\u{1b}'), "what stays below the last frame is plain: {last}");
    assert!(runner.wait().unwrap().success());
}

#[test]
fn ctrl_c_leaves_the_watch_and_not_the_study() {
    let scene = scene();
    let mut runner = begin(&scene);
    let mut terminal = Terminal::open(&scene, "watch tuned --interval 0.05", "1");
    terminal.until("Ctrl-C leaves; the study goes on");
    terminal.press(3);
    let (code, seen) = terminal.end();
    assert_ne!(code, 0, "{seen}");
    assert!(!seen.contains("\u{1b}[3") && !seen.contains("\u{1b}[1m"), "NO_COLOR is set: {seen:?}");
    scene.write("go", "");
    assert!(runner.wait().unwrap().success());
    assert_eq!(scene.book().trials.len(), 2);
}
