//! Decisions as they are written, and back.

use trimtab_engine::{
    self as engine, Action, Assignment, Comparison, Decision, Note, Plan, Reason, TrialNumber, TrialResult, admitted,
    number,
};

use super::level_index;
use crate::plan::record_of;
use crate::study::{ActionKind, ActionRecord, BatchRecord, ComparisonRecord, Origin, ParameterValue};
use crate::trial::{BatchHeader, TrialBatch, TrialSpec};

/// A decision as `Study.status.batch` holds it. The settings are those of the plan that it was made with.
#[must_use]
pub fn batch_record(plan: &Plan, decision: &Decision, number: u64) -> BatchRecord {
    let keys: Vec<_> = decision.admitted.iter().map(TrialResult::key).collect();
    BatchRecord {
        number,
        settings: record_of(plan.settings()),
        admitted: admitted::encode(&keys),
        actions: decision.actions.iter().map(|action| action_record(plan, action)).collect(),
    }
}

/// An action as a batch holds it.
#[must_use]
pub fn action_record(plan: &Plan, action: &Action) -> ActionRecord {
    // Levels that the engine gives are its plan's own; another one would be written as 0, which no plan has.
    let fidelity = |level: usize| plan.levels().get(level).copied().unwrap_or(0);
    let compare = |c: &Comparison| ComparisonRecord {
        level: fidelity(c.level),
        rank: c.rank,
        kept: c.kept,
        of: c.of,
        value: number::to_text(c.value),
        cutoff: number::to_text(c.cutoff),
        violation: (c.violation != 0.0).then(|| number::to_text(c.violation)),
    };
    let empty = ActionRecord {
        trial: action.number().0,
        action: ActionKind::Start,
        reason: action.reason().as_str().to_owned(),
        level: None,
        cleared: None,
        compared: None,
        bracket: None,
        sampler: None,
        parameters: Vec::new(),
        fallback: None,
        parents: Vec::new(),
        tag: None,
        from: None,
    };
    match action {
        Action::Stop { compared, .. } => {
            ActionRecord { action: ActionKind::Stop, compared: compared.as_ref().map(compare), ..empty }
        }
        Action::Continue { level, cleared, compared, .. } => ActionRecord {
            action: ActionKind::Continue,
            level: Some(fidelity(*level)),
            cleared: Some(fidelity(*cleared)),
            compared: compared.as_ref().map(compare),
            ..empty
        },
        Action::Start { parameters, bracket, level, sampler, note, from, .. } => ActionRecord {
            level: Some(fidelity(*level)),
            bracket: Some(*bracket),
            sampler: Some(sampler.clone()),
            parameters: parameters
                .values
                .iter()
                .map(|(name, value)| ParameterValue { name: name.clone(), value: value.to_string() })
                .collect(),
            fallback: note.fallback.clone(),
            parents: note.parents.iter().map(|parent| parent.0).collect(),
            tag: note.tag.clone(),
            from: from.map(|from| Origin { trial: from.donor.0, level: fidelity(from.level), run: None, start: None }),
            ..empty
        },
    }
}

/// Reads an action back. `None` where it does not fit the plan.
#[must_use]
pub fn action(plan: &Plan, record: &ActionRecord) -> Option<Action> {
    let number = TrialNumber(record.trial);
    let reason = Reason::parse(&record.reason)?;
    let compared = match &record.compared {
        Some(c) => Some(comparison(plan, c)?),
        None => None,
    };
    Some(match record.action {
        ActionKind::Stop => Action::Stop { number, reason, compared },
        ActionKind::Continue => Action::Continue {
            number,
            level: level_index(plan, record.level?)?,
            cleared: level_index(plan, record.cleared?)?,
            reason,
            compared,
        },
        ActionKind::Start => Action::Start {
            number,
            parameters: assignment(plan, &record.parameters)?,
            bracket: record.bracket?,
            level: level_index(plan, record.level?)?,
            sampler: record.sampler.clone()?,
            note: Note {
                tag: record.tag.clone(),
                parents: record.parents.iter().copied().map(TrialNumber).collect(),
                fallback: record.fallback.clone(),
            },
            from: match &record.from {
                Some(from) => {
                    let level = level_index(plan, from.level)?;
                    Some(engine::Origin { donor: TrialNumber(from.trial), level })
                }
                None => None,
            },
            reason,
        },
    })
}

fn comparison(plan: &Plan, record: &ComparisonRecord) -> Option<Comparison> {
    Some(Comparison {
        level: level_index(plan, record.level)?,
        rank: record.rank,
        kept: record.kept,
        of: record.of,
        value: number::parse(&record.value)?,
        cutoff: number::parse(&record.cutoff)?,
        violation: match &record.violation {
            Some(violation) => number::parse(violation)?,
            None => 0.0,
        },
    })
}

fn assignment(plan: &Plan, values: &[ParameterValue]) -> Option<Assignment> {
    let parameters = &plan.spec().space.parameters;
    let values = values.iter().map(|given| {
        let parameter = parameters.iter().find(|p| p.name == given.name)?;
        Some((given.name.clone(), parameter.parse(&given.value).ok()?))
    });
    Some(Assignment { values: values.collect::<Option<_>>()? })
}

/// An action as its Trial's spec holds it; the first of a batch carries what the batch saw.
#[must_use]
pub fn trial_batch(batch: &BatchRecord, index: u32) -> Option<TrialBatch> {
    let record = batch.actions.get(usize::try_from(index).ok()?)?;
    Some(TrialBatch {
        number: batch.number,
        index,
        action: record.action,
        reason: record.reason.clone(),
        level: record.level,
        cleared: record.cleared,
        compared: record.compared.clone(),
        header: (index == 0).then(|| BatchHeader {
            settings: batch.settings.clone(),
            admitted: batch.admitted.clone(),
            actions: u32::try_from(batch.actions.len()).unwrap_or(u32::MAX),
        }),
    })
}

/// Reads an action back from its Trial's spec, which holds what a start says besides.
#[must_use]
pub fn trial_action(plan: &Plan, spec: &TrialSpec, batch: &TrialBatch) -> Option<Action> {
    let start = batch.action == ActionKind::Start;
    let record = ActionRecord {
        trial: spec.number,
        action: batch.action,
        reason: batch.reason.clone(),
        level: batch.level,
        cleared: batch.cleared,
        compared: batch.compared.clone(),
        bracket: start.then_some(spec.bracket),
        sampler: start.then(|| spec.sampler.clone()),
        parameters: if start { spec.parameters.clone() } else { Vec::new() },
        fallback: spec.fallback.clone().filter(|_| start),
        parents: if start { spec.parents.clone() } else { Vec::new() },
        tag: spec.tag.clone().filter(|_| start),
        from: spec.from.clone().filter(|_| start),
    };
    action(plan, &record)
}
