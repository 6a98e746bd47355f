//! `trimtab run` on a terminal: bars that are drawn, and a Ctrl-C that is typed.

use crate::scene::{Scene, TRAINS, has, hyperband};
use crate::terminal::Terminal;

/// Trains, but not before there is a file.
fn waiting(before: &str) -> String {
    format!("{before}\nwhile [ ! -e going ]; do sleep 0.01; done\n{TRAINS}")
}

#[test]
fn a_terminal_shows_a_bar_for_each_run_and_one_for_the_study() {
    let scene = Scene::new(&hyperband(2), &waiting(""));
    let mut terminal = Terminal::open(&scene, "run study.yaml", "");
    terminal.until("trial 1  epoch 0 of 1");
    terminal.until("0 of 17 trials");
    has(&terminal.seen, &["trial 0  epoch 0 of 1", "\u{1b}["]);
    scene.write("going", "");
    terminal.until("best 0.");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    has(&seen, &["stopped: ranked", "\u{2501}", "complete (BracketsDone): 17 trials", "best: loss 0.11"]);
    // A run that starts is a bar, not a line.
    assert!(!seen.contains("starts to epoch"), "{}", seen);
    scene.is_sound();
}

#[test]
fn ctrl_c_ends_in_order_and_says_how_to_insist() {
    let scene = Scene::new(&hyperband(1), &waiting("trap 'echo saved; exit 0' TERM\ntouch begun"));
    let mut terminal = Terminal::open(&scene, "run study.yaml", "");
    terminal.until("trial 0");
    while !scene.path("begun").exists() {
        std::thread::yield_now();
    }
    terminal.press(3);
    terminal.until("Ctrl-C again");
    let (code, seen) = terminal.end();
    assert_eq!(code, 3, "{seen}");
    has(&seen, &["suspended; run it again to go on"]);
    has(&scene.output(0, 1), &["saved"]);
    scene.write("going", "");
    assert_eq!(scene.run().code, 0);
    scene.is_sound();
}

#[test]
fn ctrl_c_twice_ends_at_once() {
    let scene = Scene::new(&hyperband(1), &waiting("trap '' TERM\ntouch begun"));
    let mut terminal = Terminal::open(&scene, "run study.yaml", "");
    terminal.until("trial 0");
    while !scene.path("begun").exists() {
        std::thread::yield_now();
    }
    terminal.press(3);
    terminal.until("Ctrl-C again");
    // The program does not hear it, and the pod's grace of thirty seconds is not waited for.
    terminal.press(3);
    let (code, seen) = terminal.end();
    assert_eq!(code, 3, "{seen}");
    let end = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!((end.exit_code, end.seconds < 25), (Some(137), true), "{end:?}");
    scene.write("going", "");
    assert_eq!(scene.run().code, 0);
    scene.is_sound();
}
