//! The Pareto front of a study with several objectives.

use serde::Serialize;
use trimtab_api::study::{Front, ParameterValue};
use trimtab_api::{Trial, front};

use super::Reading;
use crate::record::Record;
use crate::table::Table;

/// The front.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrontAccount {
    pub(crate) level: u32,
    size: u32,
    metrics: Vec<String>,
    reference: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hypervolume: Option<String>,
    pub(crate) trials: Vec<FrontTrialAccount>,
    #[serde(skip)]
    pub(crate) words: String,
}

/// A trial on the front.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrontTrialAccount {
    pub(crate) trial: String,
    pub(crate) number: u32,
    /// In the order of the metrics.
    pub(crate) values: Vec<String>,
    pub(crate) parameters: Vec<ParameterValue>,
}

/// The whole front by the record itself, or else as the status names it.
pub(crate) fn front_of(record: &Record) -> Option<FrontAccount> {
    let study = &record.study;
    let computed = || {
        let reading = Reading::of(record);
        let (plan, log) = reading.valid().ok()?;
        let found = trimtab_engine::front(plan, log, &front::references(&study.spec))?;
        Some(front::record(study.metadata.name.as_deref()?, plan, &found, usize::MAX))
    };
    // With one objective there is none, and nothing is folded to find that out.
    if study.spec.objectives.len() < 2 {
        return None;
    }
    let held = || study.status.as_ref()?.front.clone();
    computed().or_else(held).map(|front| FrontAccount::new(&front, &record.trials))
}

impl FrontAccount {
    pub(crate) fn new(front: &Front, trials: &[Trial]) -> Self {
        let parameters = |number: u32| {
            let trial = trials.iter().find(|trial| trial.spec.number == number);
            trial.map(|trial| trial.spec.parameters.clone()).unwrap_or_default()
        };
        let trial = |member: &trimtab_api::study::FrontTrial| FrontTrialAccount {
            trial: member.trial_name.clone(),
            number: member.number,
            values: member.values.clone(),
            parameters: parameters(member.number),
        };
        Self {
            level: front.level,
            size: front.size,
            metrics: front.metrics.clone(),
            reference: front.reference.clone(),
            hypervolume: front.hypervolume.clone(),
            trials: front.trials.iter().map(trial).collect(),
            words: front.words(),
        }
    }

    /// The front for people: a trial a line.
    pub(crate) fn render(&self, unit: &str) -> String {
        let mut names: Vec<&str> = Vec::new();
        for parameter in self.trials.iter().flat_map(|trial| &trial.parameters) {
            if !names.contains(&parameter.name.as_str()) {
                names.push(&parameter.name);
            }
        }
        let headings: Vec<String> =
            self.metrics.iter().map(String::as_str).chain(names.iter().copied()).map(str::to_uppercase).collect();
        let mut table =
            Table::new(&["TRIAL"].into_iter().chain(headings.iter().map(String::as_str)).collect::<Vec<_>>());
        for trial in &self.trials {
            let value = |name: &&str| trial.parameters.iter().find(|p| p.name == *name).map(|p| p.value.clone());
            let mut row = vec![trial.number.to_string()];
            row.extend(trial.values.iter().cloned());
            row.extend(names.iter().map(|name| value(name).unwrap_or_default()));
            table.row(row);
        }
        format!("front: {} at {unit} {}\n\n{}", self.words, self.level, table.render(0))
    }
}
