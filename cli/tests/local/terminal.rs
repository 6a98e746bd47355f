//! `trimtab run` on a terminal: bars that are drawn, and a Ctrl-C that is typed. The terminal is that of `script`.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use crate::scene::{Scene, TRAINS, has, hyperband};

/// A run on a terminal, and what is seen there.
struct Terminal {
    child: Child,
    seen: String,
}

impl Terminal {
    fn new(scene: &Scene) -> Self {
        let run = format!("stty cols 120 rows 40; exec {} run study.yaml", env!("CARGO_BIN_EXE_trimtab"));
        let child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", &run, "/dev/null"])
            .current_dir(scene.root())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            // It is of Debian's bsdutils, which every Debian has.
            .unwrap();
        Self { child, seen: String::new() }
    }

    /// Waits until the terminal shows a text that it did not show before.
    #[track_caller]
    fn until(&mut self, text: &str) {
        let from = self.seen.len();
        let mut buffer = [0; 4096];
        while !self.seen[from..].contains(text) {
            let count = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(count > 0, "`{text}` was not shown:\n{}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn interrupt(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    }

    /// Waits for the end, and gives the exit code.
    fn end(&mut self) -> i32 {
        let mut rest = Vec::new();
        self.child.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        self.child.wait().unwrap().code().unwrap()
    }
}

/// Trains, but not before there is a file.
fn waiting(before: &str) -> String {
    format!("{before}\nwhile [ ! -e going ]; do sleep 0.01; done\n{TRAINS}")
}

#[test]
fn a_terminal_shows_a_bar_for_each_run_and_one_for_the_study() {
    let scene = Scene::new(&hyperband(2), &waiting(""));
    let mut terminal = Terminal::new(&scene);
    terminal.until("trial 1  epoch 0 of 1");
    terminal.until("0 of 17 trials");
    has(&terminal.seen, &["trial 0  epoch 0 of 1", "\u{1b}["]);
    scene.write("going", "");
    terminal.until("best 0.");
    assert_eq!(terminal.end(), 0, "{}", terminal.seen);
    has(&terminal.seen, &["stopped: ranked", "\u{2501}", "complete (BracketsDone): 17 trials", "best: loss 0.11"]);
    // A run that starts is a bar, not a line.
    assert!(!terminal.seen.contains("starts to epoch"), "{}", terminal.seen);
    scene.is_sound();
}

#[test]
fn ctrl_c_ends_in_order_and_says_how_to_insist() {
    let scene = Scene::new(&hyperband(1), &waiting("trap 'echo saved; exit 0' TERM"));
    let mut terminal = Terminal::new(&scene);
    terminal.until("trial 0");
    terminal.interrupt();
    terminal.until("Ctrl-C again");
    assert_eq!(terminal.end(), 3, "{}", terminal.seen);
    has(&terminal.seen, &["suspended; run it again to go on"]);
    has(&scene.output(0, 1), &["saved"]);
    scene.write("going", "");
    assert_eq!(scene.run().code, 0);
    scene.is_sound();
}

#[test]
fn ctrl_c_twice_ends_at_once() {
    let scene = Scene::new(&hyperband(1), &waiting("trap '' TERM\ntouch begun"));
    let mut terminal = Terminal::new(&scene);
    terminal.until("trial 0");
    while !scene.path("begun").exists() {
        std::thread::yield_now();
    }
    terminal.interrupt();
    terminal.until("Ctrl-C again");
    // The program does not hear it, and the pod's grace of thirty seconds is not waited for.
    terminal.interrupt();
    assert_eq!(terminal.end(), 3, "{}", terminal.seen);
    let end = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!((end.exit_code, end.seconds < 25), (Some(137), true), "{end:?}");
    scene.write("going", "");
    assert_eq!(scene.run().code, 0);
    scene.is_sound();
}
