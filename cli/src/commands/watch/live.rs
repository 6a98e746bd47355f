//! The live view: a frame that is drawn over the last one, on a terminal.
//!
//! It takes over nothing of the terminal: no other screen, no keys, no hidden cursor. Ctrl-C leaves it as it is, and what was seen last
//! stays to be scrolled to.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use console::Term;
use jiff::Timestamp;
use trimtab_api::conditions::study as condition;
use trimtab_local::{Book, Folder};

use super::frame::{Line, frame, render};
use super::{LONGEST, Options, finish};
use crate::cluster::{self, Cluster};
use crate::error::Error;
use crate::record::Record;
use crate::standing::end;
use crate::style::{self, Style};
use crate::{Exit, output};

/// How many times longer than the last answer took nothing is asked: a study of thousands of trials is long to list.
const EASE: u32 = 10;

/// The lines that were drawn last.
#[derive(Debug, Default)]
struct Screen {
    drawn: usize,
}

impl Screen {
    /// Draws lines over those before, in one write, so that nothing flickers.
    fn draw(&mut self, lines: &[Line], width: usize) -> Result<(), Error> {
        output::print(&self.text(lines, width, style::on_stdout()))
    }

    fn text(&mut self, lines: &[Line], width: usize, has_colours: bool) -> String {
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\u{1b}[{}A", self.drawn);
        }
        for line in lines {
            let _ = writeln!(text, "{}\u{1b}[K", render(line, width, has_colours));
        }
        text.push_str("\u{1b}[J");
        self.drawn = lines.len();
        text
    }
}

/// Shows a study until it ends.
pub(super) fn follow(options: &Options, local: Option<&Folder>) -> Result<Exit, Error> {
    cluster::block_on(async {
        match local {
            Some(folder) => follow_local(options, folder).await,
            None => follow_cluster(options).await,
        }
    })
}

async fn follow_local(options: &Options, folder: &Folder) -> Result<Exit, Error> {
    let mut screen = Screen::default();
    loop {
        let began = Instant::now();
        let record = Record::of(&Book::read(folder)?);
        show(&mut screen, &record, None)?;
        let is_suspended = record.study.status.as_ref().and_then(|s| s.state.as_deref()) == Some(condition::SUSPENDED);
        if let Some(end) = end(&record.study).or(is_suspended.then_some(Exit::Paused)) {
            return finish(&record.study, end);
        }
        tokio::time::sleep(options.pause().max(began.elapsed() * EASE)).await;
    }
}

async fn follow_cluster(options: &Options) -> Result<Exit, Error> {
    let cluster = Cluster::connect(&options.access).await?;
    // The first answer says whether there is anything to follow.
    let mut record = cluster.record(&options.study).await?;
    let uid = record.study.metadata.uid.clone();
    let mut screen = Screen::default();
    let mut wait = options.pause();
    loop {
        show(&mut screen, &record, None)?;
        if let Some(end) = end(&record.study) {
            return finish(&record.study, end);
        }
        let mut failures = 0_u32;
        record = loop {
            tokio::time::sleep(wait.saturating_mul(1 << failures.min(10)).min(LONGEST.max(wait))).await;
            let began = Instant::now();
            let found = cluster.try_record(&options.study).await;
            wait = options.pause().max(began.elapsed() * EASE);
            match found {
                Ok(Some(found)) if found.study.metadata.uid == uid => break found,
                Ok(_) => return Err(Error::Deleted { name: options.study.clone() }),
                Err(error) if Error::is_passing(&error) => {
                    failures += 1;
                    let words = Error::of("reading the Study", &error).to_string();
                    show(&mut screen, &record, Some(&format!("asking again: {words}")))?;
                }
                Err(error) => return Err(Error::of("reading the Study", &error)),
            }
        };
    }
}

fn show(screen: &mut Screen, record: &Record, trouble: Option<&str>) -> Result<(), Error> {
    let (height, width) = Term::stdout().size();
    // The last column and the last line stay free: a terminal may begin a new one by itself.
    let (height, width) = (usize::from(height).saturating_sub(2), usize::from(width).saturating_sub(1));
    let mut lines = frame(record, Timestamp::now(), height);
    let last = match trouble {
        Some(words) => (Style::Bad, words.to_owned()),
        None => (Style::Faint, "Ctrl-C leaves; the study goes on".to_owned()),
    };
    if end(&record.study).is_none() {
        lines.push(vec![last]);
    }
    screen.draw(&lines, width)
}

impl Options {
    fn pause(&self) -> Duration {
        Duration::from_secs_f64(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        vec![(Style::Bad, text.to_owned())]
    }

    #[test]
    fn a_frame_is_drawn_over_the_last_one() {
        let mut screen = Screen::default();
        assert_eq!(screen.text(&[line("one"), line("two")], 9, false), "one\u{1b}[K\ntwo\u{1b}[K\n\u{1b}[J");
        assert_eq!(screen.text(&[line("three")], 4, true), "\u{1b}[2A\u{1b}[31mthre\u{1b}[0m\u{1b}[K\n\u{1b}[J");
    }

    #[test]
    fn what_is_shown_cannot_steer_the_terminal() {
        assert_eq!(render(&line("a\u{1b}[2Jb\nc"), 80, false), "a [2Jb c");
    }
}
