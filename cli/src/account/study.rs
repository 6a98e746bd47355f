//! What became of a study.

use std::fmt::Write as _;

use kube::ResourceExt;
use serde::Serialize;
use trimtab_api::study::ParameterValue;
use trimtab_engine::{best, number};

use super::saving::SavingAccount;
use super::trial::Setting;
use super::{BracketAccount, FrontAccount, HoursAccount, Reading, TrialAccount, front_of};
use crate::record::Record;
use crate::table::Table;

/// What became of a study.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StudyAccount {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<String>,
    unit: String,
    metric: String,
    /// What of an earlier study it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_start: Option<String>,
    conditions: Vec<ConditionAccount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<BestAccount>,
    /// With several objectives.
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<FrontAccount>,
    brackets: Vec<BracketAccount>,
    /// Absent where nothing is stopped early, or the Study is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    saving: Option<SavingAccount>,
    /// What runs have used of devices, and of what the limits name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hours: Vec<HoursAccount>,
    pub(crate) trials: Vec<TrialAccount>,
    /// The numbers of trials that were started and are not there any more.
    removed: Vec<u32>,
    /// What keeps parts of the account from being given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConditionAccount {
    r#type: String,
    status: String,
    reason: String,
    message: String,
}

/// The best trial.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BestAccount {
    pub(crate) trial: String,
    pub(crate) number: u32,
    pub(crate) level: u32,
    pub(crate) value: String,
    pub(crate) parameters: Vec<ParameterValue>,
}

/// What fidelity counts.
pub(crate) fn unit(study: &trimtab_api::Study) -> &str {
    study.spec.fidelity.as_ref().map_or("level", |fidelity| fidelity.unit.as_str())
}

/// The best trial by the record itself, or else as the status names it.
pub(crate) fn best_of(record: &Record) -> Option<BestAccount> {
    let computed = || {
        let reading = Reading::of(record);
        let (plan, log) = reading.valid().ok()?;
        let found = best(plan, log)?;
        let trial = record.trials.iter().find(|trial| trial.spec.number == found.number.0)?;
        Some(BestAccount {
            trial: trial.name_any(),
            number: found.number.0,
            level: plan.fidelity(found.level),
            value: number::to_text(found.value),
            parameters: trial.spec.parameters.clone(),
        })
    };
    let held = record.study.status.as_ref().and_then(|status| status.best.as_ref()).map(|best| BestAccount {
        trial: best.trial_name.clone(),
        number: best.number,
        level: best.level,
        value: best.value.clone(),
        parameters: best.parameters.clone(),
    });
    held.or_else(computed)
}

impl StudyAccount {
    /// The account of a study and its trials.
    pub(crate) fn new(record: &Record) -> Self {
        let study = &record.study;
        let unit = unit(study);
        let reading = Reading::of(record);
        let state = reading.state();
        let seen = state.as_ref().map(|(plan, state)| (*plan, state));
        let brackets = seen.map(|(plan, state)| BracketAccount::all(plan, state)).unwrap_or_default();
        let setting = Setting { study, plan: seen, brackets: &brackets, unit };
        let mut problems = record.problems.clone();
        if let Err(mistakes) = reading.valid() {
            problems.push(format!("the Study is not valid, so rungs are not told: {mistakes}"));
        }
        let spent = record.trials.iter().filter_map(|trial| trial.status.as_ref()).map(|s| s.spent_fidelity).sum();
        let saving = seen.and_then(|(plan, state)| SavingAccount::new(plan, state, unit, spent));
        let holes = state
            .iter()
            .flat_map(|(_, state)| state.trials())
            .filter(|trial| trial.is_hole())
            .map(|trial| trial.number.0)
            .collect();
        let status = study.status.as_ref();
        Self {
            name: study.name_any(),
            namespace: study.namespace(),
            state: status.and_then(|s| s.state.clone()),
            progress: status.and_then(|s| s.progress.clone()),
            unit: unit.to_owned(),
            metric: study.spec.objectives.first().map(|o| o.metric.clone()).unwrap_or_default(),
            warm_start: status.and_then(|s| s.warm_start.as_ref()).map(|copied| copied.message.clone()),
            conditions: status
                .iter()
                .flat_map(|s| &s.conditions)
                .map(|c| ConditionAccount {
                    r#type: c.type_.clone(),
                    status: c.status.clone(),
                    reason: c.reason.clone(),
                    message: c.message.clone(),
                })
                .collect(),
            best: best_of(record),
            front: front_of(record),
            saving,
            hours: HoursAccount::all(record, jiff::Timestamp::now()),
            trials: record.trials.iter().map(|trial| TrialAccount::new(setting, trial)).collect(),
            brackets: brackets.into_values().collect(),
            removed: holes,
            problems,
        }
    }

    /// The best trial.
    pub(crate) fn best(&self) -> Option<&BestAccount> {
        self.best.as_ref()
    }

    /// The front of several objectives.
    pub(crate) fn front(&self) -> Option<&FrontAccount> {
        self.front.as_ref()
    }

    /// The brackets, in order.
    pub(crate) fn brackets(&self) -> &[BracketAccount] {
        &self.brackets
    }

    /// The objective's metric.
    pub(crate) fn metric(&self) -> &str {
        &self.metric
    }

    /// A trial's state in a word.
    pub(crate) fn state_of(&self, number: u32) -> &str {
        let place = self.trials.binary_search_by_key(&number, |trial| trial.number).ok();
        place.and_then(|place| self.trials.get(place)).map_or("", |trial| trial.state.as_str())
    }

    /// The numbers of the trials, in words.
    pub(crate) fn known(&self) -> String {
        match (self.trials.first(), self.trials.last()) {
            (Some(first), Some(last)) => format!("{} to {}", first.number, last.number),
            _ => "none".to_owned(),
        }
    }

    /// The study for people, without its trials.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let place = self.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
        let state = self.state.as_deref().unwrap_or("not looked at yet");
        let progress = self.progress.as_ref().map_or_else(String::new, |progress| format!(", {progress} trials"));
        let _ = writeln!(text, "Study {}{place}: {state}{progress}", self.name);
        if let Some(words) = &self.warm_start {
            let _ = writeln!(text, "began warm: {words}");
        }
        for problem in &self.problems {
            let _ = writeln!(text, "problem: {problem}");
        }
        if !self.conditions.is_empty() {
            let mut table = Table::new(&["CONDITION", "STATUS", "REASON", "MESSAGE"]);
            for c in &self.conditions {
                table.row(vec![c.r#type.clone(), c.status.clone(), c.reason.clone(), c.message.clone()]);
            }
            let _ = write!(text, "\n{}", table.render(0));
        }
        if !self.brackets.is_empty() {
            let _ = write!(text, "\n{}", BracketAccount::render(&self.brackets, &self.unit));
        }
        if let Some(saving) = &self.saving {
            let _ = write!(text, "\n{}", saving.render(&self.unit));
        }
        if !self.hours.is_empty() {
            let lines: Vec<String> = self.hours.iter().map(HoursAccount::render).collect();
            let _ = writeln!(text, "\n{}", lines.join("\n"));
        }
        text.push('\n');
        match (&self.best, &self.front) {
            (Some(best), _) => text.push_str(&best.render(&self.metric, &self.unit)),
            (None, Some(front)) => text.push_str(&front.render(&self.unit)),
            (None, None) => text.push_str("no trial has a usable value yet\n"),
        }
        if !self.removed.is_empty() {
            let numbers: Vec<_> = self.removed.iter().map(u32::to_string).collect();
            let _ = writeln!(text, "\nremoved trials: {}", numbers.join(", "));
        }
        text
    }

    /// The trials for people.
    pub(crate) fn render_trials(&self) -> String {
        self.trials.iter().map(|trial| format!("\n{}", trial.render(&self.unit, &self.metric))).collect()
    }
}

impl BestAccount {
    /// The best trial for people.
    pub(crate) fn render(&self, metric: &str, unit: &str) -> String {
        let mut table = Table::new(&["PARAMETER", "VALUE"]);
        for parameter in &self.parameters {
            table.row(vec![parameter.name.clone(), parameter.value.clone()]);
        }
        format!("best: {metric} {} at {unit} {}, trial {}\n\n{}", self.value, self.level, self.trial, table.render(0))
    }
}
