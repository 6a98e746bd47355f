//! Planted faults: the suite must be able to fail.
//!
//! Decisions are broken the way an engine with a fault would break them, and the laws have to object.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use trimtab_engine::{
    Action, Batch, Decision, History, Note, Plan, Reason, ResultKind, Sampler, TrialNumber, TrialResult, Values,
    decide,
    verify::{Finding, verify},
};

use crate::cases::{HYPERBAND, continuous, study};
use crate::laws::{check_actions, with_batch};
use crate::world::World;

fn objects(plan: &Plan, history: &History, decision: &Decision) -> bool {
    catch_unwind(AssertUnwindSafe(|| check_actions(plan, history, decision, &BTreeSet::new(), "planted"))).is_err()
}

/// A study with nine slots whose first rung of nine has just been reported, with a NaN among its values.
fn judged() -> (Plan, History, Decision) {
    let (plan, _) = study(0, Sampler::Random, HYPERBAND, continuous());
    let mut spec = plan.spec().clone();
    spec.fidelity = Some(trimtab_engine::FidelityRange { min: 1, max: 9 });
    spec.resumable = true;
    spec.settings.parallelism = 9;
    spec.settings.limits = trimtab_engine::Limits { trials: Some(30), ..Default::default() };
    spec.settings.target = None;
    let plan = Plan::new(spec).unwrap();
    let mut history = History::default();
    let first = decide(&plan, &history);
    history = with_batch(&plan, &history, &first, &first.actions);
    for number in 0..9 {
        let value = if number == 4 { f64::NAN } else { f64::from(number) };
        let number = TrialNumber(number);
        history.open.push(TrialResult { number, kind: ResultKind::observed(0, Values::once(value)) });
        history.open.push(TrialResult { number, kind: ResultKind::rested(0, 1) });
    }
    let decision = decide(&plan, &history);
    assert!(!objects(&plan, &history, &decision));
    (plan, history, decision)
}

fn first(decision: &Decision, wanted: fn(&Action) -> bool) -> usize {
    decision.actions.iter().position(wanted).unwrap()
}

fn is_continue(action: &Action) -> bool {
    matches!(action, Action::Continue { .. })
}

fn is_start(action: &Action) -> bool {
    matches!(action, Action::Start { .. })
}

fn breaks(what: &str, plant: impl FnOnce(&mut Decision)) {
    let (plan, history, mut decision) = judged();
    plant(&mut decision);
    assert!(objects(&plan, &history, &decision), "nobody objects to {what}");
}

#[test]
fn laws_object_to_broken_decisions() {
    breaks("a promotion too many", |decision| {
        let at = first(decision, is_continue);
        let Action::Stop { number, compared, .. } = decision.actions.remove(at - 1) else { panic!() };
        let extra = Action::Continue { number, level: 1, cleared: 0, reason: Reason::Promoted, compared };
        decision.actions.insert(at, extra);
    });
    breaks("a promotion of NaN", |decision| {
        let at = first(decision, is_continue);
        let Action::Continue { number, .. } = &mut decision.actions[at] else { panic!() };
        *number = TrialNumber(4);
    });
    breaks("a second promotion of one trial", |decision| {
        let at = first(decision, is_continue);
        decision.actions.insert(at, decision.actions[at].clone());
    });
    breaks("a stop of one that was stopped", |decision| decision.actions.insert(0, decision.actions[0].clone()));
    breaks("a falling level", |decision| {
        let at = first(decision, is_continue);
        let Action::Continue { level, cleared, .. } = &mut decision.actions[at] else { panic!() };
        (*level, *cleared) = (0, 0);
        decision.actions.insert(at, decision.actions[at].clone());
    });
    breaks("a number left out", |decision| {
        let at = first(decision, is_start);
        decision.actions.remove(at);
    });
    breaks("a slot too many", |decision| {
        let mut extra = decision.actions.last().unwrap().clone();
        let Action::Start { number, .. } = &mut extra else { panic!() };
        number.0 += 1;
        decision.actions.push(extra);
    });
    breaks("actions out of order", |decision| decision.actions.reverse());
    breaks("a value better than the cutoff that is stopped", |decision| {
        let Some(Action::Stop { compared: Some(compared), .. }) =
            decision.actions.iter_mut().find(|action| action.reason() == Reason::RungLost)
        else {
            panic!()
        };
        compared.rank = 1;
    });
}

#[test]
fn verify_finds_a_batch_that_was_tampered_with() {
    let (plan, history) = (0..)
        .map(|seed| {
            let (plan, dice) = study(seed, Sampler::Random, HYPERBAND, continuous());
            World::new(plan, dice, seed).run()
        })
        .find(|(plan, history)| verify(plan, history).is_empty() && history.batches.len() > 8)
        .unwrap();
    let tampered = |change: &dyn Fn(&mut Vec<Batch>)| {
        let mut other = history.clone();
        change(&mut other.batches);
        verify(&plan, &other)
    };
    let is_mismatch = |findings: &[Finding]| matches!(findings.first(), Some(Finding::Mismatch { .. }));
    assert!(is_mismatch(&tampered(&|batches| {
        let stop = batches.iter_mut().flat_map(|batch| &mut batch.actions).find(|a| matches!(a, Action::Stop { .. }));
        let Some(Action::Stop { number, .. }) = stop else { panic!() };
        number.0 ^= 1;
    })));
    assert!(is_mismatch(&tampered(&|batches| {
        let Some(Action::Start { parameters, .. }) = batches[0].actions.last_mut() else { panic!() };
        parameters.values.pop();
    })));
    assert!(is_mismatch(&tampered(&|batches| {
        for result in batches.iter_mut().flat_map(|batch| &mut batch.admitted) {
            if let ResultKind::Observed { values, .. } = &mut result.kind {
                *values = Values::once(-values.last);
            }
        }
    })));
    let notes: [&dyn Fn(&mut Note); 3] =
        [&|note| note.tag = Some("g1".to_owned()), &|note| note.parents = vec![TrialNumber(0)], &|note| {
            note.fallback = Some("random".to_owned())
        }];
    for forge in notes {
        assert!(is_mismatch(&tampered(&|batches| {
            let Some(Action::Start { note, .. }) = batches[0].actions.last_mut() else { panic!() };
            forge(note);
        })));
    }
    // Comparisons that were not kept are not missed.
    assert!(
        tampered(&|batches| {
            for action in batches.iter_mut().flat_map(|batch| &mut batch.actions) {
                if let Action::Stop { compared, .. } | Action::Continue { compared, .. } = action {
                    *compared = None;
                }
            }
        })
        .is_empty()
    );
    // A deleted trial is no mismatch, but says so.
    let findings = tampered(&|batches| drop(batches[0].actions.remove(0)));
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|finding| matches!(finding, Finding::Unverifiable { .. })));
}
