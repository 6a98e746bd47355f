//! Recomputes each decision of a study from what was before it.

use std::fmt::Write as _;

use serde::Serialize;
use trimtab_api::Study;
use trimtab_api::history::{action_record, sentence};
use trimtab_api::study::{ActionKind, ActionRecord};
use trimtab_engine::verify::{Finding, verify};
use trimtab_engine::{Action, Plan};

use crate::account::Reading;
use crate::error::Error;
use crate::record::Record;

/// What came of recomputing a study.
#[derive(Debug, Serialize)]
pub(crate) struct Verification {
    /// How many batches are as they must be.
    verified: usize,
    /// How many are not.
    mismatches: usize,
    /// How many cannot be recomputed.
    unverifiable: usize,
    batches: Vec<BatchVerdict>,
}

#[derive(Debug, Serialize)]
struct BatchVerdict {
    number: u64,
    /// Ok, Mismatch or Unverifiable.
    verdict: &'static str,
    actions: usize,
    admitted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<ActionRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    found: Vec<ActionRecord>,
    #[serde(skip)]
    sides: String,
}

impl Verification {
    /// Recomputes a study.
    pub(crate) fn new(record: &Record) -> Result<Self, Error> {
        let study = &record.study;
        let reading = Reading::of(record);
        let (plan, log) = reading.valid().map_err(|mistakes| Error::InvalidStudy {
            name: study.metadata.name.clone().unwrap_or_default(),
            message: mistakes.to_owned(),
        })?;
        let mut findings: std::collections::BTreeMap<u64, Finding> = verify(plan, log)
            .into_iter()
            .map(|finding| {
                let (Finding::Mismatch { batch, .. } | Finding::Unverifiable { batch, .. }) = &finding;
                (*batch, finding)
            })
            .collect();
        let batches: Vec<BatchVerdict> = log
            .batches
            .iter()
            .map(|batch| {
                let mut verdict = BatchVerdict {
                    number: batch.number,
                    verdict: "Ok",
                    actions: batch.actions.len(),
                    admitted: batch.admitted.len(),
                    why: None,
                    expected: Vec::new(),
                    found: Vec::new(),
                    sides: String::new(),
                };
                match findings.remove(&batch.number) {
                    None => {}
                    Some(Finding::Unverifiable { why, .. }) => {
                        verdict.verdict = "Unverifiable";
                        verdict.why = Some(why);
                    }
                    Some(Finding::Mismatch { expected, found, .. }) => {
                        verdict.verdict = "Mismatch";
                        verdict.why = Some("what is on record is not what the evidence gives".to_owned());
                        verdict.sides = sides(study, plan, &expected, &found);
                        verdict.expected = records(plan, &expected);
                        verdict.found = records(plan, &found);
                    }
                }
                verdict
            })
            .collect();
        let count = |wanted: &str| batches.iter().filter(|batch| batch.verdict == wanted).count();
        Ok(Self { verified: count("Ok"), mismatches: count("Mismatch"), unverifiable: count("Unverifiable"), batches })
    }

    /// Whether nothing on record contradicts its evidence.
    pub(crate) fn holds(&self) -> bool {
        self.mismatches == 0
    }

    /// The verification for people.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for batch in &self.batches {
            let BatchVerdict { number, actions, admitted, .. } = batch;
            let why = batch.why.as_deref().unwrap_or_default();
            let _ = match batch.verdict {
                "Ok" => writeln!(text, "batch {number}: ok ({admitted} results, {actions} actions)"),
                "Mismatch" => writeln!(text, "batch {number}: MISMATCH: {why}"),
                _ => writeln!(text, "batch {number}: cannot be verified: {why}"),
            };
            text.push_str(&batch.sides);
        }
        if self.mismatches > 1 {
            text.push_str("\nThe first mismatch is where to look: what is on record after it may follow from it.\n");
        }
        let _ = writeln!(
            text,
            "\n{} batches verified, {} mismatches, {} cannot be verified",
            self.verified, self.mismatches, self.unverifiable
        );
        text
    }
}

fn records(plan: &Plan, actions: &[Action]) -> Vec<ActionRecord> {
    actions.iter().map(|action| action_record(plan, action)).collect()
}

/// Both sides, with the actions that they share left out.
fn sides(study: &Study, plan: &Plan, expected: &[Action], found: &[Action]) -> String {
    let unit = crate::account::unit(study);
    let mut text = String::new();
    for (side, own, other) in [("on record", found, expected), ("recomputed", expected, found)] {
        let (own, other) = (records(plan, own), records(plan, other));
        let mut differing = own.iter().filter(|record| !other.contains(record)).peekable();
        if differing.peek().is_none() {
            let words = if own.len() == other.len() { "the same actions in another order" } else { "nothing more" };
            let _ = writeln!(text, "  {side}: {words}");
        }
        for record in differing {
            let _ = writeln!(text, "  {side}: {}", words(study, unit, record));
        }
    }
    text
}

fn words(study: &Study, unit: &str, record: &ActionRecord) -> String {
    let ActionRecord { trial, reason, .. } = record;
    let level = record.level.unwrap_or_default();
    let numbers = record.compared.as_ref().map(|_| format!(": {}", sentence(study, record))).unwrap_or_default();
    match record.action {
        ActionKind::Stop => format!("stop trial {trial} ({reason}){numbers}"),
        ActionKind::Continue => format!("trial {trial} goes on to {unit} {level} ({reason}){numbers}"),
        ActionKind::Start => {
            let parameters: Vec<_> = record.parameters.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
            let (bracket, sampler) =
                (record.bracket.unwrap_or_default(), record.sampler.as_deref().unwrap_or_default());
            format!("start trial {trial} in bracket {bracket} to {unit} {level} by {sampler}: {}", parameters.join(" "))
        }
    }
}
