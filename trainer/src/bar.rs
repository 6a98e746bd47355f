//! A bar on standard error that shows how far something is: for people at a terminal, and absent elsewhere, so that what is read
//! by programs has lines only.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often it is drawn at most.
const PAUSE: Duration = Duration::from_millis(100);
/// The places of the bar itself.
const WIDTH: usize = 30;

/// A bar.
#[derive(Debug)]
pub struct Bar {
    began: Instant,
    drawn: Option<Instant>,
}

impl Bar {
    /// A bar, if there is a terminal to draw it on.
    #[must_use]
    pub fn new() -> Option<Self> {
        io::stderr().is_terminal().then(|| Self { began: Instant::now(), drawn: None })
    }

    /// Draws it, if it was not drawn a moment ago: `title` before it, `done` of `of` units in it, `note` after it.
    pub fn show(&mut self, title: &str, (done, of): (u64, u64), note: &str) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= PAUSE) {
            self.drawn = Some(Instant::now());
            let text = line(title, (done, of), note, self.began.elapsed());
            // Nothing depends on whether it is seen.
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    /// Takes it away, so that a line can be printed in its place.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The bar's text, `spent` after it began.
fn line(title: &str, (done, of): (u64, u64), note: &str, spent: Duration) -> String {
    let share = if of == 0 { 0.0 } else { (done as f64 / of as f64).min(1.0) };
    let full = (share * WIDTH as f64) as usize;
    let bar = "#".repeat(full) + &".".repeat(WIDTH - full);
    let left = if share > 0.0 { spent.as_secs_f64() * (1.0 - share) / share } else { 0.0 };
    format!("{title} [{bar}] {:3.0} %, {note}, {left:.0} s left", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_and_how_long() {
        let at = |done| line("epoch 2 of 9", (done, 40), "loss 0.5", Duration::from_secs(3));
        assert_eq!(at(0), "epoch 2 of 9 [..............................]   0 %, loss 0.5, 0 s left");
        assert_eq!(at(10), "epoch 2 of 9 [#######.......................]  25 %, loss 0.5, 9 s left");
        assert_eq!(at(40), "epoch 2 of 9 [##############################] 100 %, loss 0.5, 0 s left");
        assert_eq!(line("x", (1, 0), "", Duration::ZERO), "x [..............................]   0 %, , 0 s left");
    }
}
