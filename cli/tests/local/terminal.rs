//! What is seen on a terminal: `script`, which Debian always has, gives the program one.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::scene::{Scene, has, study, trial};

/// Waits for a file, half a minute at most, and then says something.
const WAITS: &str = r#"
tries=0
while [ ! -e go ] && [ "$tries" -lt 600 ]; do sleep 0.05; tries=$((tries + 1)); done
echo "loss=$PARAM_X"
"#;

/// A program on a terminal of 24 lines and 100 columns.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    seen: String,
}

impl Terminal {
    fn open(scene: &Scene, arguments: &str, no_colour: &str) -> Self {
        let command = format!("stty rows 24 cols 100; exec {} {arguments}", env!("CARGO_BIN_EXE_trimtab"));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"])
            .current_dir(scene.root())
            .envs([("TERM", "xterm-256color"), ("SHELL", "/bin/sh"), ("NO_COLOR", no_colour)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (keys, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, keys, screen, seen: String::new() }
    }

    /// Reads until these words are on the screen, or the program has ended; says whether they are.
    fn until(&mut self, words: &str) -> bool {
        let mut piece = [0; 4096];
        while !self.seen.contains(words) {
            // A terminal whose program is gone cannot be read any more, and says so.
            let Ok(read @ 1..) = self.screen.read(&mut piece) else { return false };
            self.seen.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        true
    }

    fn press(&mut self, key: u8) {
        self.keys.write_all(&[key]).unwrap();
        self.keys.flush().unwrap();
    }

    /// Everything that was shown, and the exit code.
    fn end(mut self) -> (i32, String) {
        assert!(!self.until("\u{0}no such words"));
        (self.child.wait().unwrap().code().unwrap_or(-1), self.seen)
    }
}

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
    assert!(terminal.until("Ctrl-C leaves; the study goes on"), "{}", terminal.seen);
    assert!(terminal.until("\u{1b}[J"));
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
    assert!(terminal.until("Ctrl-C leaves; the study goes on"), "{}", terminal.seen);
    terminal.press(3);
    let (code, seen) = terminal.end();
    assert_ne!(code, 0, "{seen}");
    assert!(!seen.contains("\u{1b}[3") && !seen.contains("\u{1b}[1m"), "NO_COLOR is set: {seen:?}");
    scene.write("go", "");
    assert!(runner.wait().unwrap().success());
    assert_eq!(scene.book().trials.len(), 2);
}

#[test]
fn ctrl_c_ends_a_run_in_order() {
    let scene = scene();
    let mut terminal = Terminal::open(&scene, "run study.yaml", "");
    assert!(terminal.until("trial 0"), "{}", terminal.seen);
    terminal.press(3);
    let (code, seen) = terminal.end();
    assert_eq!(code, 3, "{seen}");
    has(&seen, &["suspended; run it again to go on"]);
    scene.is_sound();
    scene.write("go", "");
    let (code, seen) = Terminal::open(&scene, "run study.yaml", "").end();
    assert_eq!(code, 0, "{seen}");
    has(&seen, &["complete (", "best: loss"]);
    scene.is_sound();
}
