//! The trials of the live view: a line each, with a bar and a curve.

use jiff::Timestamp;
use trimtab_api::Trial;
use trimtab_api::record::fidelity;
use trimtab_api::trial::Run;
use trimtab_engine::number;

use super::frame::{Line, seconds_between};
use crate::account::{StudyAccount, time};
use crate::record::Record;
use crate::sparkline::{bar, curve, range};
use crate::style::Style;

/// Characters of a run's bar, and of a curve.
const RUN: usize = 16;
const CURVE: usize = 32;

/// A trial that is shown, and the values of its curve.
struct Row<'t> {
    trial: &'t Trial,
    run: Option<&'t Run>,
    is_best: bool,
    values: Vec<f64>,
}

/// The best trial, those that run, and, where there is room, those that were at work last.
pub(super) fn trials(record: &Record, account: &StudyAccount, now: Timestamp, room: usize) -> Vec<Line> {
    if room < 5 || record.trials.is_empty() {
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
    // One line is empty, one has the headings, and one says how many are not shown.
    let shown = room - 3;
    let hidden = running.saturating_sub(shown.saturating_sub(usize::from(best.is_some())));
    rows.truncate(shown);
    let all = range(rows.iter().map(|row| row.values.as_slice())).unwrap_or((0.0, 0.0));
    let fidelity = record.study.spec.fidelity.as_ref();
    let place = fidelity.map(|f| format!("{:28}", f.unit.to_uppercase())).unwrap_or_default();
    let values = rows.iter().any(|row| !row.values.is_empty());
    let scale = if values { format!("FROM {} TO {}", short(all.0), short(all.1)) } else { String::new() };
    let metric: String = account.metric().to_uppercase().chars().take(10).collect();
    let headings = format!(" TRIAL  {:<10}{place}  {metric:<10}  {scale}", "STATE");
    let mut lines = vec![Vec::new(), vec![(Style::Faint, headings)]];
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
