//! Progress for a terminal: a bar for each trial that runs and one for the study.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use trimtab_api::Study;
use trimtab_local::{Board, Notice, Observer, Running};

use super::lines::words;
use crate::account::{time, unit};

/// Steps of a bar: fidelities are fractions of it.
const STEPS: u64 = 1000;

/// Draws bars on standard error.
pub(super) struct Bars {
    all: MultiProgress,
    study: ProgressBar,
    trials: BTreeMap<u32, ProgressBar>,
}

impl Bars {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let study = all.add(ProgressBar::new(STEPS).with_style(style("{bar:30} {msg}")));
        Self { all, study, trials: BTreeMap::new() }
    }
}

/// A template that is written here parses; should it not, there are plain bars.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

impl Observer for Bars {
    fn notice(&mut self, study: &Study, notice: &Notice) {
        // The bars show what starts and ends well; what stays on the screen is what somebody looks for afterwards.
        let is_kept = match notice {
            Notice::Started { .. } | Notice::Front(_) => false,
            Notice::Ended { is_well, .. } => !is_well,
            Notice::Judged { .. } | Notice::Best(_) | Notice::Asked(_) | Notice::Warm(_) | Notice::Warning(_) => true,
        };
        if is_kept {
            // A terminal that is gone is nobody to tell.
            let _ = self.all.println(words(study, notice));
        }
    }

    fn look(&mut self, board: &Board<'_>) {
        self.trials.retain(|number, bar| {
            let is_there = board.running.iter().any(|run| run.trial == *number);
            if !is_there {
                bar.finish_and_clear();
            }
            is_there
        });
        for run in board.running {
            let bar = self.trials.entry(run.trial).or_insert_with(|| {
                self.all.insert_before(&self.study, ProgressBar::new(STEPS).with_style(style("{bar:30.cyan} {msg}")))
            });
            bar.set_position(position(run));
            bar.set_message(row(board.study, run));
        }
        let counts = board.counts;
        let done = u64::from(counts.complete + counts.stopped + counts.failed);
        self.study.set_position(board.wanted.map_or(0, |wanted| done * STEPS / wanted.max(1)).min(STEPS));
        self.study.set_message(summary(board, done));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.trials.values().for_each(ProgressBar::finish_and_clear);
        self.study.finish_and_clear();
    }
}

/// How far a run is, from where it began.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to STEPS")]
fn position(run: &Running) -> u64 {
    let Some(level) = run.level.map(f64::from).filter(|level| *level > run.from) else { return 0 };
    let share = ((run.reached.max(run.from) - run.from) / (level - run.from)).clamp(0.0, 1.0);
    (share * 1000.0) as u64
}

fn row(study: &Study, run: &Running) -> String {
    let metric = study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
    let value = run.value.as_ref().map(|value| format!("  {metric} {value}")).unwrap_or_default();
    let level = run.level.map(|level| format!("  {} {} of {level}", unit(study), run.reached)).unwrap_or_default();
    format!("trial {}{level}{value}  {:.0}s", run.trial, run.seconds)
}

fn summary(board: &Board<'_>, done: u64) -> String {
    let wanted = board.wanted.map(|wanted| format!(" of {wanted}")).unwrap_or_default();
    let mut text = format!("{done}{wanted} trials");
    if board.counts.failed > 0 {
        text.push_str(&format!(", {} failed", board.counts.failed));
    }
    if let Some(best) = board.best {
        text.push_str(&format!("  best {} (trial {})", best.value, best.number));
    }
    if let Some(front) = board.front {
        text.push_str(&format!("  front of {}", front.size));
    }
    text.push_str(&format!("  {}", time(board.active_seconds)));
    if let Some(wanted) = board.wanted
        && done > 0
        && wanted > done
    {
        let left = board.active_seconds.saturating_mul(wanted - done) / done;
        text.push_str(&format!(", about {} left", time(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_counts_from_where_the_run_began() {
        let run = |from, reached, level| Running { trial: 0, from, reached, level, value: None, seconds: 0.0 };
        assert_eq!(position(&run(3.0, 0.0, Some(9))), 0);
        assert_eq!(position(&run(3.0, 6.0, Some(9))), 500);
        assert_eq!(position(&run(3.0, 12.0, Some(9))), 1000);
        assert_eq!(position(&run(0.0, 5.0, None)), 0);
        assert_eq!(position(&run(9.0, 9.0, Some(9))), 0);
    }
}
