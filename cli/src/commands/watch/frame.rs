//! What the live view shows, as lines of text. Pure: from what is on record, the time and the size of the terminal.

use jiff::Timestamp;
use kube::ResourceExt;
use trimtab_api::conditions::study as condition;
use trimtab_api::record::fidelity;
use trimtab_api::validate;
use trimtab_engine::Plan;

use super::rows::trials;
use crate::account::{BracketAccount, HoursAccount, Pace, StudyAccount, seconds_left, share, time, unit};
use crate::record::Record;
use crate::sparkline::bar;
use crate::standing;
use crate::style::Style;

/// Characters of a rung's bar, and of the study's.
const RUNG: usize = 10;
const STUDY: usize = 16;

/// A line in pieces, each with its look.
pub(super) type Line = Vec<(Style, String)>;

/// The view of a study, at most this many lines.
pub(super) fn frame(record: &Record, now: Timestamp, height: usize) -> Vec<Line> {
    let plan = validate(&record.study).ok();
    let account = StudyAccount::new(record);
    let mut lines = head(record, plan.as_ref(), now);
    if let Some(best) = account.best() {
        let parameters: Vec<_> = best.parameters.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
        lines.push(vec![
            (Style::Plain, "best  ".to_owned()),
            (Style::Good, format!("{} {}", account.metric(), best.value)),
            (
                Style::Plain,
                format!(" at {} {}, trial {}: {}", unit(&record.study), best.level, best.number, parameters.join(" ")),
            ),
        ]);
    }
    if let Some(front) = account.front() {
        let level = format!(" at {} {}", unit(&record.study), front.level);
        lines.push(vec![
            (Style::Plain, "front ".to_owned()),
            (Style::Good, front.words.clone()),
            (Style::Plain, level),
        ]);
    }
    lines.extend(complaints(record));
    let left = height.saturating_sub(lines.len());
    // The newest brackets are those that go on; a third of the room is theirs.
    lines.extend(rungs(account.brackets(), unit(&record.study), left / 3));
    let left = height.saturating_sub(lines.len());
    lines.extend(trials(record, &account, now, left));
    lines.truncate(height);
    lines
}

/// A line as a terminal takes it: within its width, and without anything that would steer it.
pub(super) fn render(line: &Line, width: usize, has_colours: bool) -> String {
    let mut left = width;
    let mut text = String::new();
    for (style, piece) in line {
        let shown: String = piece.chars().map(|c| if c.is_control() { ' ' } else { c }).take(left).collect();
        left -= shown.chars().count();
        text.push_str(&style.paint(&shown, has_colours));
    }
    text.truncate(text.trim_end().len());
    text
}

fn head(record: &Record, plan: Option<&Plan>, now: Timestamp) -> Vec<Line> {
    let study = &record.study;
    let status = study.status.clone().unwrap_or_default();
    let state = status.state.unwrap_or_else(|| "Pending".to_owned());
    let style = match state.as_str() {
        "Running" => Style::Busy,
        "Complete" => Style::Good,
        "Failed" | "Invalid" | "Stalled" => Style::Bad,
        _ => Style::Strong,
    };
    let mut line = vec![(Style::Strong, study.name_any()), (Style::Plain, "  ".to_owned()), (style, state)];
    if let Some(progress) = status.progress {
        line.push((Style::Plain, format!("  {progress} trials")));
    }
    if let Some(c) = &status.trials {
        let counts = [
            ("running", c.running, Style::Busy),
            ("pending", c.pending, Style::Plain),
            ("paused", c.paused, Style::Plain),
            ("complete", c.complete, Style::Good),
            ("stopped", c.stopped, Style::Plain),
            ("failed", c.failed, Style::Bad),
            ("removed", c.removed, Style::Plain),
        ];
        for (word, count, style) in counts.into_iter().filter(|(_, count, _)| *count > 0) {
            line.push((style, format!("  {count} {word}")));
        }
    }
    let since = status.active_since.map_or(0, |since| seconds_between(since.0, now));
    let active_seconds = status.active_seconds.saturating_add(since);
    let mut clock = format!("{:6}active {}", "", time(active_seconds));
    let mut lines = vec![line];
    if let Some(plan) = plan.filter(|_| standing::end(study).is_none()) {
        let pace = pace(record, plan, active_seconds, now);
        if let Some(share) = share(plan, pace) {
            clock = format!("{}  {:.0} %, active {}", bar(share, STUDY), 100.0 * share, time(active_seconds));
        }
        if let Some(left) = seconds_left(plan, pace) {
            clock.push_str(&format!(", about {} left", time(left)));
        }
    }
    lines.push(vec![(Style::Plain, clock.trim_start().to_owned())]);
    lines
}

/// What was done in how long.
fn pace(record: &Record, plan: &Plan, active_seconds: u64, now: Timestamp) -> Pace {
    let (mut spent, mut done) = (0.0, 0);
    let top = plan.fidelity(plan.top_level());
    for status in record.trials.iter().filter_map(|trial| trial.status.as_ref()) {
        spent += status.spent_fidelity as f64;
        if let Some(run) = status.runs.last().filter(|run| run.end.is_none()) {
            spent += (fidelity(run.reached.as_ref()) - fidelity(Some(&run.start))).max(0.0);
        }
        done += u64::from(status.outcome.is_some() || status.rested_level >= Some(top));
    }
    let hours = HoursAccount::all(record, now).iter().filter_map(HoursAccount::part).reduce(f64::max);
    Pace { spent, done, active_seconds, hours }
}

pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
}

/// What a person should know, in the conditions' own words.
fn complaints(record: &Record) -> Vec<Line> {
    // Accepted is good when it is true, the others are bad.
    let wrong = [(condition::ACCEPTED, "False"), (condition::STALLED, "True"), (condition::FAILED, "True")];
    let found = wrong.into_iter().filter_map(|(kind, status)| {
        let held = standing::find(&record.study, kind).filter(|c| c.status == status)?;
        Some(vec![(Style::Bad, format!("{}: {}", held.reason, held.message))])
    });
    found.chain(record.problems.iter().map(|problem| vec![(Style::Bad, problem.clone())])).collect()
}

fn rungs(brackets: &[BracketAccount], unit: &str, room: usize) -> Vec<Line> {
    if brackets.is_empty() || room < 3 {
        return Vec::new();
    }
    let shown = brackets.len().min(room - 2);
    let mut lines = vec![Vec::new()];
    for bracket in brackets.iter().skip(brackets.len() - shown) {
        let mut line = vec![(Style::Faint, format!("bracket {:<4}", bracket.number()))];
        for rung in bracket.rungs() {
            let (settled, of) = (rung.settled(), rung.wanted());
            let share = f64::from(settled) / f64::from(of.max(1));
            line.push((Style::Faint, format!("{unit} {} ", rung.level())));
            let style = if settled >= of && of > 0 { Style::Good } else { Style::Busy };
            line.push((style, bar(share, RUNG)));
            line.push((Style::Plain, format!(" {:<8}", format!("{settled}/{of}"))));
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A study with a trial that completed, two that run, and one that failed.
    fn record() -> Record {
        let study = json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s", "uid": "u"},
            "spec": {
                "objectives": [{"metric": "acc", "goal": "Maximize"}],
                "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
                "fidelity": {"unit": "epoch", "min": 1, "max": 4}, "limits": {"trials": 8}, "parallelism": 4,
                "trial": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}},
            },
            "status": {
                "state": "Running", "progress": "2/8", "activeSeconds": 50, "activeSince": "2026-01-01T00:00:00Z",
                "trials": {"pending": 0, "running": 2, "paused": 0, "complete": 1, "stopped": 0, "failed": 1, "removed": 0},
                "best": {"trialName": "s-0000", "number": 0, "level": 4, "value": "0.9", "parameters": [{"name": "x", "value": "0.5"}]},
                "conditions": [{"type": "Stalled", "status": "True", "reason": "WaitingForPlace", "message": "no\u{1b}node", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            },
        });
        let trial = |number: u32, state: &str, reached: u32, curve: &[&str], is_running: bool| {
            let curve: Vec<_> = curve.iter().map(|value| json!({"fidelity": "1", "value": value})).collect();
            let end = json!({"reason": "Reached", "time": "2026-01-01T00:00:10Z", "seconds": 9});
            let mut run = json!({"number": 1, "targetLevel": 4, "start": "0", "reached": reached.to_string(), "startTime": "2026-01-01T00:00:00Z"});
            if !is_running {
                run["end"] = end;
            }
            let mut trial = json!({
                "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial", "metadata": {"name": format!("s-{number:04}")},
                "spec": {
                    "studyName": "s", "studyUID": "u", "number": number, "parameters": [{"name": "x", "value": "0.5"}], "sampler": "random",
                    "bracket": 0, "targetLevel": 4, "batches": [{"number": 1, "index": number, "action": "Start", "reason": "NewTrial", "level": 4}],
                },
                "status": {"state": state, "reached": reached.to_string(), "value": curve.last().map(|c| c["value"].clone()), "curve": curve, "runs": [run]},
            });
            match state {
                "Complete" => trial["status"]["restedLevel"] = json!(4),
                "Failed" => trial["status"]["outcome"] = json!({"kind": "Failed", "reason": "ExitCode", "message": ""}),
                _ => {}
            }
            trial
        };
        let trials = [
            trial(0, "Complete", 4, &["0.1", "0.5", "0.8", "0.9"], false),
            trial(1, "Running", 2, &["0.1", "NaN"], true),
            trial(2, "Running", 3, &["0.5", "0.5", "0.123456789012"], true),
            trial(3, "Failed", 1, &[], false),
        ];
        Record::new(serde_json::from_value(study).unwrap(), trials, Vec::new())
    }

    fn shown(height: usize, width: usize) -> Vec<String> {
        let now: Timestamp = "2026-01-01T00:01:10Z".parse().unwrap();
        frame(&record(), now, height).iter().map(|line| render(line, width, false)).collect()
    }

    #[test]
    fn a_study_is_seen_whole() {
        let expected = [
            "s  Running  2/8 trials  2 running  1 complete  1 failed",
            "━━━━╸───────────  25 %, active 2m00s, about 6m00s left",
            "best  acc 0.9 at epoch 4, trial 0: x=0.5",
            "WaitingForPlace: no node",
            "",
            " TRIAL  STATE     EPOCH                         ACC         FROM 0.1 TO 0.9",
            "★    0  Complete                   4 of 4       0.9         ▁▅▇█",
            "     1  Running   ━━━━━━━━╸─────── 2 of 4       NaN         ▁×                                1m10s",
            "     2  Running   ━━━━━━━━━━━━╸─── 3 of 4       1.2346e-1   ▅▅▁                               1m10s",
            "     3  Failed                     1 of 4",
        ];
        assert_eq!(shown(40, 120), expected, "{}", shown(40, 120).join("\n"));
    }

    #[test]
    fn a_small_terminal_shows_what_matters_most() {
        let small = shown(9, 30);
        assert!(small.iter().all(|line| line.chars().count() <= 30), "{small:?}");
        assert_eq!(small.len(), 9);
        assert!(small[8].contains("and 1 more"), "{small:?}");
        assert_eq!(shown(2, 80).len(), 2);
        assert!(shown(0, 0).is_empty());
    }
}
