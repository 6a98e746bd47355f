//! A terminal for tests: `script`, which Debian always has, gives the program one.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::scene::Scene;

/// A program on a terminal of 40 lines and 120 columns.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    pub(crate) seen: String,
}

impl Terminal {
    /// `no_colour` is the value of `NO_COLOR`.
    pub(crate) fn open(scene: &Scene, arguments: &str, no_colour: &str) -> Self {
        // What runs in the background, as tests may, has Ctrl-C ignored, and hands that on.
        let program = format!("env --default-signal=INT {}", env!("CARGO_BIN_EXE_trimtab"));
        let command = format!("stty rows 40 cols 120; exec {program} {arguments}");
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

    /// Reads until these words are on the screen.
    #[track_caller]
    pub(crate) fn until(&mut self, words: &str) {
        assert!(self.shows(words), "`{words}` was not shown:\n{}", self.seen);
    }

    /// Reads until these words are on the screen, or the program has ended; says whether they are.
    fn shows(&mut self, words: &str) -> bool {
        let mut piece = [0; 4096];
        while !self.seen.contains(words) {
            // A terminal whose program is gone cannot be read any more, and says so.
            let Ok(read @ 1..) = self.screen.read(&mut piece) else { return false };
            self.seen.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        true
    }

    pub(crate) fn press(&mut self, key: u8) {
        self.keys.write_all(&[key]).unwrap();
        self.keys.flush().unwrap();
    }

    /// Everything that was shown, and the exit code.
    pub(crate) fn end(mut self) -> (i32, String) {
        assert!(!self.shows("\u{0}no such words"));
        (self.child.wait().unwrap().code().unwrap_or(-1), self.seen)
    }
}
