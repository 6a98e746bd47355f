//! What became of one trial, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use kube::ResourceExt;
use serde::Serialize;
use trimtab_api::conditions::trial as condition;
use trimtab_api::history::sentence;
use trimtab_api::study::{ActionKind, ActionRecord, FidelityKind, Objective, Origin, ParameterValue, Reduce};
use trimtab_api::trial::{MetricValues, Run, TrialBatch};
use trimtab_api::{Study, Trial};
use trimtab_engine::state::{self, State};
use trimtab_engine::{Plan, Scheduler};

use super::ladder::{self, BracketAccount};

/// What became of one trial.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialAccount {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) state: String,
    bracket: u32,
    /// The rung of its bracket that it is on, from 0; absent without a ladder.
    #[serde(skip_serializing_if = "Option::is_none")]
    rung: Option<usize>,
    /// The fidelity that it may run to.
    target_level: u32,
    sampler: String,
    /// The sampler that proposed in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<String>,
    /// The trials that the configuration was made from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<u32>,
    /// The sampler's own note.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// What it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Origin>,
    parameters: Vec<ParameterValue>,
    /// Why: one entry for each decision about it.
    decisions: Vec<Decided>,
    /// Whether it lost the rung and runs to the end all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    audited: bool,
    /// What it waits for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
    /// How it ended, unless by reaching the highest level.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// The values of objectives and bounded metrics at levels.
    values: Vec<At>,
    spent: u64,
    runs: Vec<RunAccount>,
}

#[derive(Debug, Serialize)]
struct Decided {
    batch: u64,
    action: ActionKind,
    reason: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct At {
    level: u32,
    /// The first objective's.
    value: String,
    /// Those of the other objectives and of bounded metrics.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunAccount {
    number: u32,
    from: String,
    /// The trial whose checkpoint it began from, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_trial: Option<u32>,
    to: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<String>,
    /// The reason of its end, or `Running` or `Pending`.
    end: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    /// Whether it does not count against the trial.
    uncounted: bool,
}

/// What a trial's account is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'s> {
    pub(crate) study: &'s Study,
    /// Absent when the Study is not valid: what is on record is told all the same.
    pub(crate) plan: Option<(&'s Plan, &'s State<'s>)>,
    /// The brackets by their numbers; none without a ladder.
    pub(crate) brackets: &'s BTreeMap<u32, BracketAccount>,
    pub(crate) unit: &'s str,
}

/// The metrics that decide, with the value that stands for a trial: the objectives, then the bounded metrics.
fn deciding(study: &Study) -> Vec<(&str, Reduce)> {
    let mut all: Vec<(&str, Reduce)> =
        study.spec.objectives.iter().map(|objective| (objective.metric.as_str(), objective.reduce)).collect();
    for metric in study.spec.constraints.iter().filter_map(|constraint| constraint.metric.as_deref()) {
        if !all.iter().any(|(name, _)| *name == metric) {
            all.push((metric, Reduce::Last));
        }
    }
    all
}

/// The names of the metrics that decide beside the first objective.
pub(crate) fn others(study: &Study) -> Vec<&str> {
    deciding(study).into_iter().skip(1).map(|(name, _)| name).collect()
}

impl TrialAccount {
    pub(crate) fn new(setting: Setting<'_>, trial: &Trial) -> Self {
        let Setting { study, plan, brackets, unit } = setting;
        let (spec, status) = (&trial.spec, trial.status.clone().unwrap_or_default());
        let seen = plan.and_then(|(plan, state)| Some((plan, state.trial(spec.number)?)));
        let deciding = deciding(study);
        let values = status.values.iter().filter_map(|at| {
            let found: Vec<(String, String)> = deciding
                .iter()
                .filter_map(|(name, reduce)| {
                    let values = at.metrics.iter().find(|m| m.name == *name)?;
                    Some(((*name).to_owned(), reduced_by(study, *reduce, values).to_owned()))
                })
                .collect();
            let (first, value) = found.first()?.clone();
            let is_first = deciding.first().is_some_and(|(name, _)| *name == first);
            is_first.then(|| At { level: at.level, value, others: found.into_iter().skip(1).collect() })
        });
        let is_counted = kind_of(study) == FidelityKind::Cumulative;
        Self {
            name: trial.name_any(),
            number: spec.number,
            bracket: spec.bracket,
            rung: seen.and_then(|(plan, seen)| ladder::rung_of(plan, seen)),
            target_level: spec.target_level,
            sampler: spec.sampler.clone(),
            fallback: spec.fallback.clone(),
            parents: spec.parents.clone(),
            tag: spec.tag.clone(),
            from: spec.from.clone(),
            parameters: spec.parameters.clone(),
            decisions: spec.batches.iter().map(|batch| decided(study, trial, batch, unit)).collect(),
            audited: seen.is_some_and(|(_, seen)| seen.audited),
            waiting: seen.and_then(|(plan, seen)| waiting(plan, brackets.get(&seen.bracket), seen, trial, unit)),
            ended: status.outcome.as_ref().map(|outcome| match outcome.message.as_str() {
                "" => outcome.reason.clone(),
                message => format!("{}: {message}", outcome.reason),
            }),
            values: values.collect(),
            spent: status.spent_fidelity,
            runs: status.runs.iter().map(|run| RunAccount::new(run, is_counted)).collect(),
            state: state_word(trial, plan),
        }
    }

    /// The highest level that has a value of the objective, and the value.
    pub(crate) fn newest(&self) -> Option<(String, String)> {
        self.values.last().map(|at| (at.level.to_string(), at.value.clone()))
    }

    /// What it had there of another metric that decides; empty where it had nothing.
    pub(crate) fn other(&self, metric: &str) -> &str {
        self.values.last().and_then(|at| at.others.get(metric)).map_or("", String::as_str)
    }

    /// A parameter's value; empty where the trial does not have it.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|p| p.name == name).map_or("", |p| p.value.as_str())
    }

    /// The account for people.
    pub(crate) fn render(&self, unit: &str, metric: &str) -> String {
        let audited = if self.audited { ", audited" } else { "" };
        let rung = self.rung.map_or_else(String::new, |rung| format!(", rung {rung}{audited}"));
        let mut text = format!("{}  {}  bracket {}{rung}\n", self.name, self.state, self.bracket);
        let parameters: Vec<_> = self.parameters.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
        let _ = writeln!(text, "  parameters  {}", parameters.join(" "));
        for decision in &self.decisions {
            let _ = writeln!(text, "  batch {}: {}", decision.batch, decision.why);
        }
        if !self.values.is_empty() {
            let values: Vec<_> = self.values.iter().map(|at| format!("{} at {unit} {}", at.value, at.level)).collect();
            let _ = writeln!(text, "  {metric}  {}", values.join(", "));
            let others: BTreeSet<&String> = self.values.iter().flat_map(|at| at.others.keys()).collect();
            for other in others {
                let at = |at: &At| Some(format!("{} at {unit} {}", at.others.get(other)?, at.level));
                let _ =
                    writeln!(text, "  {other}  {}", self.values.iter().filter_map(at).collect::<Vec<_>>().join(", "));
            }
        }
        for run in &self.runs {
            let _ = writeln!(text, "  {}", run.render(unit));
        }
        // That the study stopped it was said with the decision.
        let is_told =
            self.state == "Stopped" && self.decisions.iter().any(|decision| decision.action == ActionKind::Stop);
        if let Some(ended) = self.ended.as_ref().filter(|_| !is_told) {
            let _ = writeln!(text, "  ended: {ended}");
        }
        if let Some(waiting) = &self.waiting {
            let _ = writeln!(text, "  now: {waiting}");
        }
        text
    }
}

/// What lower fidelities of a study are.
fn kind_of(study: &Study) -> FidelityKind {
    study.spec.fidelity.as_ref().map(|fidelity| fidelity.kind).unwrap_or_default()
}

/// The value that stands for a trial, of those of a metric at a level. Of repeats it is the mean.
pub(crate) fn reduced<'v>(study: &Study, objective: &Objective, values: &'v MetricValues) -> &'v str {
    reduced_by(study, objective.reduce, values)
}

fn reduced_by<'v>(study: &Study, reduce: Reduce, values: &'v MetricValues) -> &'v str {
    match reduce {
        _ if kind_of(study) == FidelityKind::Repeat => &values.mean,
        Reduce::Last => &values.last,
        Reduce::Best => &values.best,
        Reduce::Mean => &values.mean,
    }
}

/// A trial's state in a word: as its status says, or by what the log says of it.
pub(crate) fn state_word(trial: &Trial, plan: Option<(&Plan, &State<'_>)>) -> String {
    let seen = plan.and_then(|(plan, state)| Some((plan, state.trial(trial.spec.number)?)));
    let said = trial.status.as_ref().and_then(|status| status.state.clone());
    said.unwrap_or_else(|| seen.map_or("Pending", |(plan, trial)| trial.word(plan)).to_owned())
}

/// A decision as a sentence.
fn decided(study: &Study, trial: &Trial, batch: &TrialBatch, unit: &str) -> Decided {
    let record = ActionRecord {
        trial: trial.spec.number,
        action: batch.action,
        reason: batch.reason.clone(),
        level: batch.level,
        cleared: batch.cleared,
        compared: batch.compared.clone(),
        bracket: None,
        sampler: None,
        parameters: Vec::new(),
        fallback: None,
        parents: Vec::new(),
        tag: None,
        from: None,
    };
    let level = batch.level.unwrap_or_default();
    let numbers = batch.compared.as_ref().map(|_| format!(": {}", sentence(study, &record))).unwrap_or_default();
    let reason = &batch.reason;
    let why = match batch.action {
        ActionKind::Start => {
            let copied = trial.spec.from.as_ref();
            let copied =
                copied.map_or_else(String::new, |from| format!(" from trial {} at {unit} {}", from.trial, from.level));
            format!("started{copied} to {unit} {level} with a configuration {} ({reason})", origin(trial))
        }
        ActionKind::Continue => format!("goes on to {unit} {level} ({reason}){numbers}"),
        ActionKind::Stop => format!("stopped ({reason}){numbers}"),
    };
    Decided { batch: batch.number, action: batch.action, reason: reason.clone(), why }
}

/// Where a trial's configuration comes from, such as "of the sampler genetic, made from trials 3 and 7".
fn origin(trial: &Trial) -> String {
    let spec = &trial.spec;
    let mut text = match &spec.fallback {
        Some(fallback) => format!("of the sampler {fallback} in place of {}", spec.sampler),
        None => format!("of the sampler {}", spec.sampler),
    };
    let parents: Vec<_> = spec.parents.iter().map(u32::to_string).collect();
    if let Some((last, before)) = parents.split_last() {
        let _ = match before.is_empty() {
            true => write!(text, ", made from trial {last}"),
            false => write!(text, ", made from trials {} and {last}", before.join(", ")),
        };
    }
    if let Some(tag) = &spec.tag {
        // A latent vector is for the sampler, and for who asks for JSON; its beginning names the generation. Behind it stands why
        // the sampler was picked.
        let (own, why) = tag.split_once("; ").unwrap_or((tag, ""));
        let short: String = own.chars().take(60).collect();
        let _ = write!(text, ", noted {short}{}", if short.len() < own.len() { "…" } else { "" });
        if !why.is_empty() {
            let _ = write!(text, "; {}", why.chars().take(100).collect::<String>());
        }
    }
    text
}

/// What a trial waits for, if it does.
fn waiting(
    plan: &Plan,
    bracket: Option<&BracketAccount>,
    seen: &state::Trial<'_>,
    trial: &Trial,
    unit: &str,
) -> Option<String> {
    let status = trial.status.as_ref();
    if seen.ended.is_some() || status.is_some_and(|s| s.outcome.is_some()) {
        return None;
    }
    let running = status.and_then(|s| s.conditions.iter().find(|c| c.type_ == condition::RUNNING));
    let is_running = running.is_some_and(|c| c.status == "True");
    if seen.stop.is_some() {
        return Some("it is being stopped".to_owned());
    }
    if trial.spec.suspend && !is_running {
        return Some("it is suspended, with its study or at the study's end, and can go on".to_owned());
    }
    if seen.is_active() {
        let target = trial.spec.target_level;
        return match running {
            _ if is_running => Some(format!("it runs to {unit} {target}")),
            Some(condition) if !condition.message.is_empty() => {
                Some(format!("it waits for its pod: {}", condition.message))
            }
            _ => Some(format!("it waits for its run to {unit} {target} to report")),
        };
    }
    if seen.rested == Some(plan.top_level()) {
        return None;
    }
    let rungs = ladder::shape(plan, seen.bracket)?;
    let at = ladder::rung_of(plan, seen)?;
    let rung = bracket?.rungs().get(at)?;
    let level = plan.fidelity(rungs.get(at)?.level);
    if matches!(plan.spec().scheduler, Scheduler::Asha { .. }) {
        let of = rung.settled();
        let kept = of / plan.reduction_factor();
        return Some(format!(
            "it rests at {unit} {level}: {kept} of the {of} that came so far may go on, and it is not among them or waits for a place"
        ));
    }
    Some(if rung.judged() > 0 {
        format!(
            "its rung at {unit} {level} was judged and it passes; it waits for a free place of {}",
            plan.settings().parallelism
        )
    } else {
        format!(
            "it rests until its rung at {unit} {level} is judged: {} of {} have a value or ended",
            rung.settled(),
            rung.wanted()
        )
    })
}

impl RunAccount {
    /// What it reached is left out where it is not counted in the study's unit.
    fn new(run: &Run, is_counted: bool) -> Self {
        let alive = if run.start_time.is_some() { "Running" } else { "Pending" };
        Self {
            number: run.number,
            from: run.start.clone(),
            from_trial: run.resume_trial,
            to: run.target_level,
            reached: run.reached.clone().filter(|_| is_counted),
            end: run.end.as_ref().map_or(alive, |end| end.reason.as_str()).to_owned(),
            message: run.end.as_ref().map(|end| end.message.clone()).unwrap_or_default(),
            exit_code: run.end.as_ref().and_then(|end| end.exit_code),
            seconds: run.end.as_ref().map(|end| end.seconds),
            uncounted: run.end.as_ref().is_some_and(|end| end.uncounted),
        }
    }

    fn render(&self, unit: &str) -> String {
        let of = self.from_trial.map_or_else(String::new, |trial| format!(" of trial {trial}"));
        let mut text = format!("run {}  {unit} {}{of} to {}: {}", self.number, self.from, self.to, self.end);
        if let Some(reached) = self.reached.as_ref().filter(|reached| **reached != self.to.to_string()) {
            let _ = write!(text, " at {unit} {reached}");
        }
        if let Some(seconds) = self.seconds {
            let _ = write!(text, " after {seconds} s");
        }
        if let Some(code) = self.exit_code.filter(|&code| code != 0) {
            let _ = write!(text, ", exit code {code}");
        }
        if self.uncounted {
            text.push_str(", not counted against the trial");
        }
        if !self.message.is_empty() {
            let _ = write!(text, " ({})", self.message);
        }
        text
    }
}
