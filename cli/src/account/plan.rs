//! What a plan amounts to: its ladders, and what they cost against plain search.

use std::fmt::Write as _;

use serde::Serialize;
use trimtab_engine::{Plan, Scheduler};

use super::rules;
use crate::table::Table;

/// What a plan amounts to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanAccount {
    /// What fidelity counts.
    unit: String,
    /// The fidelities at which values are recorded.
    levels: Vec<u32>,
    /// One pass of brackets; empty without a ladder.
    brackets: Vec<Vec<RungAccount>>,
    /// Trials of one pass, or of the study without a ladder.
    trials: Option<u64>,
    /// Trials of a later pass, where every place on a rung is a trial of its own that pays in full: `restarted` is what they pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<u64>,
    /// Fidelity of one pass when promoted trials go on from checkpoints.
    resumed: Option<u64>,
    /// Fidelity of one pass when promoted trials start again.
    restarted: Option<u64>,
    /// Fidelity that as many trials would pay if all were trained in full.
    plain: Option<u64>,
    /// How many trials of one pass are expected to run to the end although they lose a rung.
    #[serde(skip_serializing_if = "Option::is_none")]
    audited: Option<u64>,
    /// Whether this study's trials go on from checkpoints.
    resumes: bool,
    /// How many trials are active at once.
    parallelism: u32,
    /// The limits in words; empty when there is none.
    limits: Vec<String>,
    /// Whether each trial is judged by itself, so that there are no passes.
    asynchronous: bool,
    /// Whether a population trains side by side, and copies take the places of those who lag.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    population: bool,
    /// What ends a trial early where there is no ladder, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stopping: Vec<String>,
    /// Whether another pass follows while the limits allow.
    repeats: bool,
    /// The seed, where the Study gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// One rung.
#[derive(Debug, Serialize)]
struct RungAccount {
    level: u32,
    size: u32,
}

impl PlanAccount {
    /// The account of a plan. A seed that comes from a UID is not known before the Study exists.
    pub(crate) fn new(plan: &Plan, unit: &str, has_seed: bool) -> Self {
        let overview = plan.overview();
        let rungs = |bracket: &trimtab_engine::brackets::BracketPlan| {
            bracket.rungs.iter().map(|rung| RungAccount { level: plan.fidelity(rung.level), size: rung.size }).collect()
        };
        let settings = plan.settings();
        let asynchronous = matches!(plan.spec().scheduler, Scheduler::Asha { .. });
        let is_population = matches!(plan.spec().scheduler, Scheduler::PopulationBased { .. });
        let limits = &settings.limits;
        let limits = [
            limits.trials.map(|n| format!("{n} trials")),
            limits.full_trainings.map(|n| format!("{n} full trainings")),
            limits.active_seconds.map(|n| format!("{n} seconds of activity")),
            (!limits.resource_hours.is_empty()).then(|| hours(&limits.resource_hours)),
            limits.failed_trials.map(|n| format!("{n} failed trials")),
            settings.target.map(|target| format!("a value of {}", trimtab_engine::number::to_text(target))),
        ];
        Self {
            unit: unit.to_owned(),
            levels: overview.levels,
            brackets: overview.brackets.iter().map(rungs).collect(),
            trials: overview.trials,
            later: matches!(plan.spec().scheduler, Scheduler::Dehb { .. }).then(|| {
                overview.brackets.iter().flat_map(|bracket| &bracket.rungs).map(|rung| u64::from(rung.size)).sum()
            }),
            resumed: overview.resumed,
            restarted: overview.restarted,
            plain: overview.plain,
            audited: (plan.spec().audit > 0.0 && overview.trials.is_some()).then_some(overview.audited),
            // What runs on past its rungs never starts again.
            resumes: plan.resumes() || (asynchronous && plan.runs_through()),
            asynchronous,
            population: is_population,
            stopping: plan.spec().stopping.iter().map(|rule| rules::in_words(rule, unit)).collect(),
            parallelism: settings.parallelism,
            limits: limits.into_iter().flatten().collect(),
            repeats: plan.spec().scheduler != Scheduler::None
                && !asynchronous
                && !is_population
                && settings.limits.end_it(),
            seed: has_seed.then_some(plan.spec().seed),
        }
    }

    /// The account for people.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let top = u64::from(self.levels.last().copied().unwrap_or(1));
        if self.brackets.is_empty() {
            // Without fidelity the only level is a nameless 1.
            let end = if top > 1 { format!("to {} {top}", self.unit) } else { "in full".to_owned() };
            let _ = writeln!(text, "no ladder: every trial runs {end}");
            for rule in &self.stopping {
                let _ = writeln!(text, "stopped early when {rule}");
            }
        } else {
            text.push_str(&self.brackets_table());
        }
        text.push('\n');
        let mut costs = Table::bare();
        match self.trials {
            Some(trials) if self.brackets.is_empty() => costs.row(vec!["trials".to_owned(), trials.to_string()]),
            Some(trials) if self.population => {
                costs.row(vec!["trials, copies included".to_owned(), trials.to_string()]);
            }
            None if self.population => {
                costs.row(vec!["trials, copies included".to_owned(), "as chance has it".to_owned()])
            }
            Some(trials) if self.asynchronous => costs.row(vec!["trials".to_owned(), trials.to_string()]),
            Some(trials) => costs.row(vec!["trials in one pass".to_owned(), trials.to_string()]),
            None => costs.row(vec!["trials".to_owned(), "as many as the limits allow".to_owned()]),
        }
        let cost = |words: &str, units: Option<u64>, is_ours: bool| {
            let units = units?;
            let share = self
                .plain
                .filter(|&plain| plain > 0)
                .map_or_else(String::new, |plain| format!("{:.0} %", 100.0 * units as f64 / plain as f64));
            let ours = if is_ours { "this study" } else { "" };
            Some(vec![words.to_owned(), self.units(units), self.trainings(units, top), share, ours.to_owned()])
        };
        let rows = if self.brackets.is_empty() {
            vec![cost("all in full", self.plain, true).map(|mut cells| {
                // There is nothing to compare it with.
                cells.truncate(3);
                cells
            })]
        } else if self.population {
            vec![cost("the population, copies from checkpoints", self.resumed, true)]
        } else {
            vec![
                cost("resumed from checkpoints", self.resumed, self.resumes),
                cost("restarted from zero", self.restarted, !self.resumes),
                cost("plain search, all in full", self.plain, false),
            ]
        };
        rows.into_iter().flatten().for_each(|row| costs.row(row));
        text.push_str(&costs.render(0));
        text.push('\n');
        if let Some((trials, units)) = self.later.zip(self.restarted) {
            let units = self.units(units);
            let _ = writeln!(
                text,
                "after the first pass each place on a rung is a new trial: {trials} trials and {units} a pass"
            );
        }
        if let Some(trials) = self.audited {
            let _ = writeln!(
                text,
                "about {trials} of them are audited: they lose a rung and run to the end, which is in these costs"
            );
        }
        let _ = writeln!(text, "{} at once; {}", self.parallelism, self.ending());
        if let Some(seed) = self.seed {
            let _ = writeln!(text, "seed {seed}: the same results give the same decisions");
        } else {
            let _ = writeln!(text, "no seed: it will come from the Study's UID");
        }
        text
    }

    fn ending(&self) -> String {
        let limits = self.limits.join(", or ");
        if self.population {
            let or = if limits.is_empty() { String::new() } else { format!(", or {limits}") };
            return format!("ends when the population is trained{or}");
        }
        let is_plain = self.brackets.is_empty() || self.asynchronous;
        match (is_plain, self.repeats, self.limits.is_empty()) {
            (false, true, _) => format!("passes follow each other until {limits}"),
            (false, false, false) => format!("ends after one pass, or {limits}"),
            (false, false, true) => "ends after one pass".to_owned(),
            (true, _, false) => format!("ends after {limits}"),
            (true, _, true) => "ends when every configuration was tried".to_owned(),
        }
    }

    fn units(&self, units: u64) -> String {
        format!("{units} {}", plural(&self.unit, units))
    }

    fn trainings(&self, units: u64, top: u64) -> String {
        // One decimal is enough to compare by.
        format!("{:.1} full trainings", units as f64 / top.max(1) as f64)
    }

    fn brackets_table(&self) -> String {
        let longest = self.brackets.iter().map(Vec::len).max().unwrap_or(0);
        let headings: Vec<String> =
            std::iter::once("BRACKET".to_owned()).chain((0..longest).map(|i| format!("RUNG {i}"))).collect();
        let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
        for (number, rungs) in self.brackets.iter().enumerate() {
            let cells = rungs.iter().map(|rung| format!("{}@{}", rung.size, rung.level));
            table.row(std::iter::once(number.to_string()).chain(cells).collect());
        }
        let mut text = table.render(0);
        let _ = writeln!(text, "(trials@{})", self.unit);
        text
    }
}

/// Hours of resources in words.
fn hours(limits: &[(String, f64)]) -> String {
    let hours =
        limits.iter().map(|(name, hours)| format!("{} hours of {name}", trimtab_engine::number::to_text(*hours)));
    hours.collect::<Vec<_>>().join(", or ")
}

/// A unit for this many: one epoch, two epochs. Units that end in `s` are left alone.
pub(crate) fn plural(unit: &str, count: u64) -> String {
    if count == 1 || unit.ends_with('s') { unit.to_owned() } else { format!("{unit}s") }
}
