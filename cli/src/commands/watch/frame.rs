//! What the live view shows, as lines of text. Pure: from what is on record, the time and the size of the terminal.

use jiff::Timestamp;
use kube::ResourceExt;
use trimtab_api::conditions::study as condition;
use trimtab_api::record::fidelity;
use trimtab_api::trial::Run;
use trimtab_api::{Trial, validate};
use trimtab_engine::{Plan, number};

use crate::account::{BracketAccount, Pace, StudyAccount, seconds_left, share, time, unit};
use crate::record::Record;
use crate::sparkline::{bar, curve, range};
use crate::standing;
use crate::style::Style;

/// Characters of a rung's bar, of a run's, and of a curve.
const RUNG: usize = 10;
const RUN: usize = 16;
const CURVE: usize = 32;

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
        let pace = pace(record, plan, active_seconds);
        if let Some(share) = share(plan, pace) {
            clock = format!("{}  {:.0} %, active {}", bar(share, RUN), 100.0 * share, time(active_seconds));
        }
        if let Some(left) = seconds_left(plan, pace) {
            clock.push_str(&format!(", about {} left", time(left)));
        }
    }
    lines.push(vec![(Style::Plain, clock.trim_start().to_owned())]);
    lines
}

/// What was done in how long.
fn pace(record: &Record, plan: &Plan, active_seconds: u64) -> Pace {
    let (mut spent, mut done) = (0.0, 0);
    let top = plan.fidelity(plan.top_level());
    for status in record.trials.iter().filter_map(|trial| trial.status.as_ref()) {
        spent += status.spent_fidelity as f64;
        if let Some(run) = status.runs.last().filter(|run| run.end.is_none()) {
            spent += (fidelity(run.reached.as_ref()) - fidelity(Some(&run.start))).max(0.0);
        }
        done += u64::from(status.outcome.is_some() || status.rested_level >= Some(top));
    }
    Pace { spent, done, active_seconds }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
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

/// A trial that is shown, and the values of its curve.
struct Row<'t> {
    trial: &'t Trial,
    run: Option<&'t Run>,
    is_best: bool,
    values: Vec<f64>,
}

/// The best trial, those that run, and, where there is room, those that were at work last.
fn trials(record: &Record, account: &StudyAccount, now: Timestamp, room: usize) -> Vec<Line> {
    if room < 4 || record.trials.is_empty() {
        return Vec::new();
    }
    let best = account.best().map(|best| best.number);
    let mut rows: Vec<Row<'_>> = record
        .trials
        .iter()
        .map(|trial| Row {
            trial,
            run: trial.status.as_ref().and_then(|s| s.runs.last()).filter(|run| run.end.is_none()),
            is_best: Some(trial.spec.number) == best,
            values: values(record, trial),
        })
        .collect();
    rows.sort_by_key(|row| (!row.is_best, row.run.is_none(), std::cmp::Reverse(newest(row.trial))));
    let running = rows.iter().filter(|row| row.run.is_some() && !row.is_best).count();
    // One line is the empty one above, and one says how many are not shown.
    let shown = room - 2;
    let hidden = running.saturating_sub(shown.saturating_sub(usize::from(best.is_some())));
    rows.truncate(shown);
    let all = range(rows.iter().map(|row| row.values.as_slice())).unwrap_or((0.0, 0.0));
    let mut lines = vec![Vec::new()];
    lines.extend(rows.iter().map(|row| row.line(record, account, now, all)));
    if hidden > 0 {
        lines.push(vec![(Style::Faint, format!("and {hidden} more that run"))]);
    }
    lines
}

/// When something last happened to a trial.
fn newest(trial: &Trial) -> Option<Timestamp> {
    let run = trial.status.as_ref()?.runs.last()?;
    run.end.as_ref().map(|end| end.time.0).or(run.start_time.as_ref().map(|time| time.0))
}

/// The trial's curve, or its values at levels where that has more of them.
fn values(record: &Record, trial: &Trial) -> Vec<f64> {
    let Some(status) = &trial.status else { return Vec::new() };
    let parsed = |text: &str| number::parse(text).unwrap_or(f64::NAN);
    let Some(objective) = record.study.spec.objectives.first() else { return Vec::new() };
    let at_levels = status.values.iter().filter_map(|at| at.metrics.iter().find(|m| m.name == objective.metric));
    let at_levels: Vec<f64> = at_levels.map(|metric| parsed(&metric.last)).collect();
    let curve: Vec<f64> = status.curve.iter().map(|point| parsed(&point.value)).collect();
    if curve.len() > at_levels.len() { curve } else { at_levels }
}

impl Row<'_> {
    fn line(&self, record: &Record, account: &StudyAccount, now: Timestamp, range: (f64, f64)) -> Line {
        let number = self.trial.spec.number;
        let state = account.state_of(number).to_owned();
        let style = match (self.is_best, state.as_str()) {
            (true, _) | (_, "Complete" | "Completed") => Style::Good,
            (_, "Running") => Style::Busy,
            (_, "Failed" | "Lost") => Style::Bad,
            _ => Style::Faint,
        };
        let mark = if self.is_best { "★" } else { " " };
        let mut line = vec![(Style::Good, mark.to_owned()), (style, format!("{number:>5}  {state:<10}"))];
        let status = self.trial.status.clone().unwrap_or_default();
        let reached = fidelity(status.reached.as_ref());
        let target = self.trial.spec.target_level;
        if record.study.spec.fidelity.is_some() {
            let start = self.run.map_or(0.0, |run| fidelity(Some(&run.start)));
            let share = (reached - start) / (f64::from(target) - start).max(f64::MIN_POSITIVE);
            let place = format!("{} of {target}", number::to_text(reached));
            match self.run {
                Some(_) => line.push((Style::Busy, format!("{} {place:<11}", bar(share, RUN)))),
                None => line.push((Style::Faint, format!("{:RUN$} {place:<11}", ""))),
            }
        }
        let value = status.value.as_deref().and_then(number::parse).map(short).unwrap_or_default();
        line.push((Style::Plain, format!("  {value:<10}  ")));
        line.push((style, format!("{:CURVE$}", curve(&self.values, range, CURVE))));
        if let Some(began) = self.run.and_then(|run| run.start_time.as_ref()) {
            line.push((Style::Faint, format!("  {}", time(seconds_between(began.0, now)))));
        }
        line
    }
}

/// A value in at most ten characters.
fn short(value: f64) -> String {
    let whole = number::to_text(value);
    if whole.len() <= 10 { whole } else { format!("{value:.4e}") }
}
