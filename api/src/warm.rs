//! The copy of an earlier Study's trials that a Study begins with. Pure: operator and local mode share it.
//!
//! What must stay true:
//!
//! - The copy is made once, in one write, before the first batch; without it nothing is decided. What is on record is all that
//!   counts from then on: a change or the deletion of the earlier Study changes nothing, and a crash leaves either no copy, and it
//!   is made anew, or the whole.
//! - It is made of a Study that is at rest, so that it does not depend on the moment.
//! - A trial is copied with all parameters that it would have here and with the value at the highest fidelity that is a level
//!   here as well; what has no such value, or is none of this search space's, is left out and counted. A parameter that this
//!   Study does not have is passed over. Configurations that failed are evidence, what the infrastructure lost is none.
//! - It is bounded: at most [`MAX_IMPORTED`] trials and [`MAX_BYTES`] bytes. Of more, half are the best and half are spread over
//!   the ranks of the others ([`engine::imported::choose`]).

use std::borrow::Borrow;
use std::collections::BTreeMap;

use kube::ResourceExt;
use trimtab_engine::imported::{self, Imported, MAX_IMPORTED};
use trimtab_engine::state::Shown;
use trimtab_engine::{self as engine, Assignment, Others, Plan, ResultKind, Values, number};

use crate::conditions::{is_true, study as condition};
use crate::history;
use crate::study::{FidelityKind, ImportedTrial, Study, WarmStarted};
use crate::trial::{OutcomeKind, Trial};

/// The most bytes that the copied trials have as JSON: the Study is written whole with each decision.
pub const MAX_BYTES: usize = 64 * 1024;

/// Why nothing of the earlier Study can be evidence here, if that is so: the same metrics must be optimized in the same
/// direction, and the fidelity must count the same.
#[must_use]
pub fn refusal(study: &Study, earlier: &Study) -> Option<String> {
    let name = earlier.name_any();
    for objective in &study.spec.objectives {
        let metric = &objective.metric;
        match earlier.spec.objectives.iter().find(|other| other.metric == *metric) {
            None => {
                let theirs: Vec<String> = earlier.spec.objectives.iter().map(|o| format!("`{}`", o.metric)).collect();
                let theirs = theirs.join(", ");
                return Some(format!(
                    "`spec.warmStart.studyName`: Study `{name}` optimizes {theirs}, and not `{metric}`"
                ));
            }
            Some(other) if other.goal != objective.goal => {
                let (mine, theirs) = (objective.goal, other.goal);
                return Some(format!(
                    "`spec.warmStart.studyName`: the goal of `{metric}` is {theirs:?} in Study `{name}`, and here {mine:?}"
                ));
            }
            Some(_) => {}
        }
    }
    let counts = |study: &Study| study.spec.fidelity.as_ref().map(|fidelity| (fidelity.unit.clone(), fidelity.kind));
    let words = |counts: Option<(String, FidelityKind)>| match counts {
        Some((unit, kind)) => format!("counts {unit} ({kind:?})"),
        None => "has no fidelity".to_owned(),
    };
    (counts(study) != counts(earlier)).then(|| {
        let (theirs, mine) = (words(counts(earlier)), words(counts(study)));
        format!("`spec.warmStart.studyName`: Study `{name}` {theirs}, and this one {mine}: their values say nothing of each other")
    })
}

/// Whether nothing of a Study goes on: it has ended, or is suspended.
#[must_use]
pub fn is_at_rest(earlier: &Study) -> bool {
    let conditions = earlier.status.as_ref().map_or(&[][..], |status| &status.conditions);
    [condition::COMPLETE, condition::FAILED, condition::SUSPENDED].iter().any(|kind| is_true(conditions, kind))
}

/// Why a trial is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    Missing,
    Outside,
    Refused,
    Elsewhere,
}

impl Left {
    fn words(self) -> &'static str {
        match self {
            Self::Missing => "without a parameter of this study",
            Self::Outside => "outside of its ranges and choices",
            Self::Refused => "refused by its constraints",
            Self::Elsewhere => "without all values at one of its levels",
        }
    }
}

/// The copy of an earlier Study's trials. Whether it may be made is for [`refusal`] and [`is_at_rest`] to say.
#[must_use]
pub fn copy<T: Borrow<Trial>>(plan: &Plan, earlier: &Study, trials: &[T]) -> WarmStarted {
    let mut sorted: Vec<&Trial> = trials.iter().map(Borrow::borrow).collect();
    sorted.sort_by_key(|trial| trial.spec.number);
    let (mut records, mut fitting) = (Vec::new(), Vec::new());
    let mut left: BTreeMap<Left, u32> = BTreeMap::new();
    for trial in sorted {
        match import(plan, trial) {
            None => {}
            Some(Err(why)) => *left.entry(why).or_default() += 1,
            Some(Ok(imported)) => {
                records.push(record(plan, trial.spec.number, &imported));
                fitting.push(imported);
            }
        }
    }
    let longest = records.iter().filter_map(|r| serde_json::to_string(r).ok()).map(|json| json.len() + 1).max();
    let most = MAX_IMPORTED.min(MAX_BYTES / longest.unwrap_or(1));
    let mut chosen = imported::choose(plan, &fitting, most).into_iter().peekable();
    let mut trials = Vec::new();
    for (at, record) in records.into_iter().enumerate() {
        if chosen.next_if_eq(&at).is_some() {
            trials.push(record);
        }
    }
    let name = earlier.name_any();
    let found = left.values().sum::<u32>().saturating_add(u32::try_from(fitting.len()).unwrap_or(u32::MAX));
    let mut message = format!("{} of {found} trials of Study `{name}` are evidence for the sampler", trials.len());
    let mut others: Vec<String> = left.iter().map(|(why, count)| format!("{count} {}", why.words())).collect();
    if fitting.len() > trials.len() {
        others.push(format!("{} beyond the best and a spread of the rest", fitting.len() - trials.len()));
    }
    if !others.is_empty() {
        message = format!("{message}; left out: {}", others.join(", "));
    }
    WarmStarted { study_name: name, study_uid: earlier.uid(), found, message, trials }
}

/// A trial in the words of another plan; `None` where nothing was found out by it.
fn import(plan: &Plan, trial: &Trial) -> Option<Result<Imported, Left>> {
    let status = trial.status.as_ref()?;
    let kind = status.outcome.as_ref().map(|outcome| outcome.kind);
    if kind == Some(OutcomeKind::Lost) || (kind != Some(OutcomeKind::Failed) && status.values.is_empty()) {
        return None;
    }
    let shown = history::observed(plan, status).filter_map(|result| match result {
        ResultKind::Observed { level, values, others } => Some(Shown { level, values, others }),
        _ => None,
    });
    let shown = shown.max_by_key(|shown| shown.level).filter(|_| kind != Some(OutcomeKind::Failed));
    if shown.is_none() && kind != Some(OutcomeKind::Failed) {
        return Some(Err(Left::Elsewhere));
    }
    Some(configuration(plan, trial).map(|parameters| Imported { parameters, shown }))
}

/// A trial's configuration in another search space.
fn configuration(plan: &Plan, trial: &Trial) -> Result<Assignment, Left> {
    let space = &plan.spec().space;
    let mut assignment = Assignment::default();
    for parameter in &space.parameters {
        if !space.is_active(parameter, &assignment) {
            continue;
        }
        let given = trial.spec.parameters.iter().find(|given| given.name == parameter.name).ok_or(Left::Missing)?;
        let value = parameter.parse(&given.value).map_err(|_| Left::Outside)?;
        assignment.values.push((parameter.name.clone(), value));
    }
    if plan.allows(&assignment) { Ok(assignment) } else { Err(Left::Refused) }
}

fn record(plan: &Plan, number: u32, imported: &Imported) -> ImportedTrial {
    let texts: BTreeMap<String, String> = imported.parameters.to_texts().into_iter().collect();
    let text = |parameter: &engine::Parameter| texts.get(&parameter.name).cloned().unwrap_or_default();
    let parameters = plan.spec().space.parameters.iter().map(text).collect();
    let values = imported.shown.as_ref().map(|shown| {
        let first = plan.spec().objective.value(&shown.values);
        std::iter::once(first).chain(shown.others.0.iter().copied()).map(number::to_text).collect()
    });
    let level = imported.shown.as_ref().map(|shown| plan.fidelity(shown.level));
    ImportedTrial { number, parameters, level, values: values.unwrap_or_default() }
}

/// What is on record of a copy, as the engine takes it. What makes no sense is passed over.
#[must_use]
pub fn evidence(plan: &Plan, copied: &WarmStarted) -> Vec<Imported> {
    let read = |trial: &ImportedTrial| {
        let parameters = &plan.spec().space.parameters;
        let given = parameters.iter().zip(&trial.parameters).filter(|(_, text)| !text.is_empty());
        let values = given.map(|(parameter, text)| Some((parameter.name.clone(), parameter.parse(text).ok()?)));
        let parameters = Assignment { values: values.collect::<Option<_>>()? };
        let Some(fidelity) = trial.level else { return Some(Imported { parameters, shown: None }) };
        let level = plan.levels().iter().position(|&level| level == fidelity)?;
        let mut values = trial.values.iter().map(|text| number::parse(text));
        let first = Values::once(values.next()??);
        let others = Others(values.collect::<Option<_>>()?);
        let is_whole = others.0.len() + 1 == plan.spec().decisive().count();
        is_whole.then_some(Imported { parameters, shown: Some(Shown { level, values: first, others }) })
    };
    copied.trials.iter().filter_map(read).take(MAX_IMPORTED).collect()
}

#[cfg(test)]
mod tests;
