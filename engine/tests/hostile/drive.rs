//! A study that its trials, and whoever keeps its log, try to break.
//!
//! What bytes choose: the plan, what trials report, in which order it arrives, and what is forged on record. What must hold whatever
//! they choose: nothing panics, what is proposed is a configuration of the space that the constraints allow, the same log gives the same
//! decision, and a log that nobody forged verifies.

use std::collections::BTreeSet;

use trimtab_engine::{
    Action, Assignment, Batch, Gradient, Held, History, Note, Origin, Others, Outcome, Plan, ResultKind, TrialNumber,
    TrialResult, Value, Values, best, decide, decide::MAX_ACTIONS, front, importance, safety, verify::verify,
};

use crate::bytes::Bytes;
use crate::plans;

/// A study that has so many trials ends.
const TRIALS: u32 = 70;

/// So many decisions are made at most.
const ROUNDS: usize = 30;

/// Plays the study that the bytes choose; says whether there can be such a study.
pub(crate) fn drive(data: &[u8]) -> bool {
    let mut bytes = Bytes(data);
    let Some(plan) = plans::plan(&mut bytes) else { return false };
    let forges = bytes.chance(30);
    let mut history = History::default();
    let mut held = Held::new(&plan, &history);
    let (mut forged, mut written) = (false, BTreeSet::new());
    for _ in 0..ROUNDS {
        let decision = decide(&plan, &history);
        assert_eq!(decision, decide(&plan, &history));
        if !forges {
            assert_eq!(decision, held.decide(&plan, &history));
        }
        assert!(decision.actions.len() <= MAX_ACTIONS);
        decision.actions.iter().for_each(|action| is_sound(&plan, action));
        if !decision.actions.is_empty() {
            history.open.retain(|result| decision.admitted.iter().all(|admitted| admitted.key() != result.key()));
            let started = decision.actions.iter().filter(|action| matches!(action, Action::Start { .. }));
            history.next_number = started.map(|start| start.number().0 + 1).fold(history.next_number, u32::max);
            let mut batch = Batch {
                number: history.batches.last().map_or(1, |batch| batch.number.saturating_add(1)),
                settings: plan.settings().clone(),
                admitted: decision.admitted,
                actions: decision.actions,
            };
            if forges && bytes.chance(25) {
                forged = true;
                forge(&mut bytes, &mut batch);
            }
            history.batches.push(batch);
        }
        if bytes.is_empty() || history.next_number >= TRIALS {
            break;
        }
        let before = history.open.len();
        report(&mut bytes, &plan, &mut history);
        // Who keeps the log writes each result once; and who forges it, as he likes.
        let mut fresh = history.open.split_off(before);
        fresh.retain(|result| written.insert(result.key()) || forges);
        history.open.append(&mut fresh);
    }
    finish(&mut bytes, &plan, &history, forged);
    true
}

/// What is said of a study at its end.
fn finish(bytes: &mut Bytes<'_>, plan: &Plan, history: &History, forged: bool) {
    let findings = verify(plan, history);
    assert!(forged || findings.is_empty(), "{findings:?}");
    let _ = best(plan, history);
    let references: Vec<Option<f64>> = (0..bytes.below(5)).map(|_| Some(bytes.number())).collect();
    let _ = front(plan, history, &references);
    let _ = safety(plan, history);
    let starts = history.batches.iter().flat_map(|batch| &batch.actions);
    let evidence: Vec<(&Assignment, f64)> = starts
        .filter_map(|action| match action {
            Action::Start { parameters, .. } => Some((parameters, bytes.mostly_plain())),
            Action::Stop { .. } | Action::Continue { .. } => None,
        })
        .collect();
    if let Some(found) = importance(&plan.spec().space, &evidence) {
        let shares = format!("{found:?}");
        assert!(!shares.contains("NaN"), "{shares}");
    }
}

/// A start proposes what the space has and the constraints allow.
fn is_sound(plan: &Plan, action: &Action) {
    let Action::Start { parameters, .. } = action else { return };
    let texts = parameters.to_texts();
    let read = Assignment::from_texts(&plan.spec().space, texts.iter().map(|(a, b)| (a.as_str(), b.as_str())));
    assert_eq!(read.as_ref(), Ok(parameters));
    assert!(plan.allows(parameters), "{texts:?}");
}

/// Some results of some trials, of which not all exist.
fn report(bytes: &mut Bytes<'_>, plan: &Plan, history: &mut History) {
    for _ in 0..=bytes.below(12) {
        let number = if bytes.chance(3) { u32::MAX } else { u32::from(bytes.byte()) % history.next_number.max(1) };
        let level = match bytes.below(8) {
            0 => usize::from(bytes.byte()),
            1..4 => bytes.below(plan.levels().len()),
            _ => plan.top_level(),
        };
        let spent = if bytes.chance(5) { bytes.word() } else { u64::from(plan.fidelity(level)) };
        let mut tell = |kind| history.open.push(TrialResult { number: TrialNumber(number), kind });
        if bytes.chance(90) {
            tell(observed(bytes, plan, level));
        }
        if bytes.chance(80) {
            tell(ResultKind::Rested { level, spent, gradient: gradient(bytes, plan) });
        } else if bytes.chance(40) {
            let outcomes = [Outcome::Failed, Outcome::Lost, Outcome::Stopped, Outcome::Removed];
            tell(ResultKind::Ended { outcome: bytes.pick(&outcomes), spent });
        }
    }
    history.active_seconds = history.active_seconds.saturating_add(u64::from(bytes.byte()));
}

fn observed(bytes: &mut Bytes<'_>, plan: &Plan, level: usize) -> ResultKind {
    let value = bytes.mostly_plain();
    let mut values = Values::once(value);
    if bytes.chance(20) {
        values = Values { last: value, best: bytes.number(), mean: bytes.number(), count: bytes.byte().into() };
    }
    let decisive = plan.spec().decisive().count().saturating_sub(1);
    let count = if bytes.chance(5) { bytes.below(9) } else { decisive };
    ResultKind::Observed { level, values, others: Others((0..count).map(|_| bytes.mostly_plain()).collect()) }
}

fn gradient(bytes: &mut Bytes<'_>, plan: &Plan) -> Gradient {
    let parameters = plan.spec().space.parameters.len();
    let count = match bytes.below(8) {
        0 => 0,
        1 => bytes.below(70),
        _ => parameters,
    };
    Gradient((0..count).map(|_| bytes.mostly_plain()).collect())
}

/// Changes what is on record of one action, or takes it away.
fn forge(bytes: &mut Bytes<'_>, batch: &mut Batch) {
    let at = bytes.below(batch.actions.len());
    if bytes.chance(10) {
        batch.actions.remove(at);
        return;
    }
    let Action::Start { number, parameters, bracket, level, sampler, note, from, .. } = &mut batch.actions[at] else {
        return;
    };
    match bytes.below(9) {
        0 => *level = bytes.pick(&[usize::MAX, 63, 0]),
        1 => *bracket = bytes.pick(&[u32::MAX, 1, 1_000]),
        2 => *number = TrialNumber(bytes.pick(&[u32::MAX, 199_999, 3])),
        3 => drop(parameters.values.pop()),
        4 => parameters.values.push(("p0".to_owned(), Value::Float(bytes.number()))),
        5 => {
            let donor = TrialNumber(bytes.pick(&[0, number.0, u32::MAX]));
            *from = Some(Origin { donor, level: bytes.pick(&[0, 1, 63, usize::MAX]) });
        }
        6 => {
            for (_, value) in &mut parameters.values {
                *value = bytes.pick(&[
                    Value::Float(f64::NAN),
                    Value::Float(1e300),
                    Value::Int(i64::MIN),
                    Value::Choice("c9".to_owned()),
                ]);
            }
        }
        _ => {
            *sampler = bytes.pick(&["cmaEs", "gradient", "startWith", "genetic", "dehb", ""]).to_owned();
            *note = lie(bytes, number.0);
        }
    }
}

/// What no sampler says of its making.
fn lie(bytes: &mut Bytes<'_>, own: u32) -> Note {
    let tags = [
        "",
        ";",
        "g0 r0",
        "g4294967295 r4294967295 0.5 0.5",
        "g0 r0 NaN 1e999",
        "chain 0",
        "chain 4294967295",
        "point 18446744073709551615",
        "point 0",
        "dehb 0 0 0 NaN",
    ];
    let parents = (0..bytes.below(4)).map(|_| TrialNumber(bytes.pick(&[0, own, u32::MAX, 1]))).collect();
    Note { tag: Some(bytes.pick(&tags).to_owned()), parents, fallback: Some("random".to_owned()) }
}
