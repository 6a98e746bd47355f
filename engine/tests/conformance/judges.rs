//! Who may be stopped and who may go on where trials are judged one by one: computed again, the plain way.

use trimtab_engine::{Action, AshaForm, Comparison, Goal, Outcome, Plan, Reason, StoppingRule};

use crate::laws::{Ledger, Line, key};

/// Smaller is better; NaN and infinities come last.
fn oriented(plan: &Plan, value: f64) -> f64 {
    match plan.spec().objective.goal {
        _ if !value.is_finite() => f64::INFINITY,
        Goal::Minimize => value,
        Goal::Maximize => -value,
    }
}

/// A trial's front among the members of a rung is that of the definition, and its rank among those that count lies within it.
pub(crate) fn check_front(
    plan: &Plan,
    members: &[(u32, &Line)],
    number: u32,
    compared: &Comparison,
    counts: impl Fn(&Line) -> bool,
    name: &str,
) {
    let at = |line: &Line| Some((key(plan, line, compared.level)?.0, line.vectors[&compared.level].clone()));
    let mut left: Vec<(u32, bool, (f64, Vec<f64>))> =
        members.iter().filter_map(|(number, line)| Some((*number, counts(line), at(line)?))).collect();
    let beats = |a: &(f64, Vec<f64>), b: &(f64, Vec<f64>)| {
        a.0 < b.0 || a.0 == b.0 && a.1 != b.1 && a.1.iter().zip(&b.1).all(|(x, y)| x <= y)
    };
    let (mut front, mut better) = (1.0, 0);
    loop {
        let (first, rest): (Vec<_>, Vec<_>) =
            left.iter().cloned().partition(|own| !left.iter().any(|other| beats(&other.2, &own.2)));
        let same = first.iter().filter(|member| member.1).count();
        if first.iter().any(|member| member.0 == number) {
            assert_eq!(compared.value, front, "{name}: the front of {number}: {compared:?}");
            let rank = compared.rank as usize;
            assert!(rank > better && rank <= better + same, "{name}: the rank of {number}: {compared:?}");
            return;
        }
        assert!(!rest.is_empty(), "{name}: {number} is on no front");
        (front, better, left) = (front + 1.0, better + same, rest);
    }
}

fn is_dead(line: &Line) -> bool {
    matches!(line.ended, Some(Some(Outcome::Failed | Outcome::Lost | Outcome::Removed)))
}

/// A trial of an asynchronous ladder is promoted among the best of those that came to its rung, once, and never more of a
/// rung than one in the reduction factor; or, in the stopping form, by its rank among those that came so far.
pub(crate) fn check_asha(plan: &Plan, ledger: &Ledger, action: &Action, form: AshaForm, name: &str) {
    let (Action::Stop { compared: Some(compared), .. } | Action::Continue { compared: Some(compared), .. }) = action
    else {
        return;
    };
    let own = &ledger[&action.number().0];
    let shape = &plan.brackets()[own.bracket as usize].rungs;
    let at = shape.iter().position(|rung| rung.level == compared.level).expect("a rung of the bracket");
    let (level, below) = (Some(compared.level), at.checked_sub(1).map(|below| shape[below].level));
    assert_eq!(own.cleared, below, "{name}: {} is judged where it is not", action.number());
    let (mut members, mut passed, mut finite) = (0_u32, 0_u32, Vec::new());
    for (number, line) in ledger.iter().filter(|(_, line)| line.bracket == own.bracket) {
        let value = line.values.get(&compared.level).copied();
        let is_on = line.cleared == below && !line.audited;
        let is_over = line.stop || line.ended.is_some_and(|ended| ended != Some(Outcome::Lost));
        if line.cleared >= level && value.is_some() || is_on && (value.is_some() || is_over) {
            members += 1;
            passed += u32::from(line.came_past(level));
            let failed = is_on && matches!(line.ended, Some(Some(Outcome::Failed | Outcome::Removed)));
            finite.extend(key(plan, line, compared.level).filter(|_| !failed).map(|key| (key, *number)));
        }
    }
    let best = members / plan.reduction_factor();
    let kept = if form == AshaForm::Stopping { best.max(1) } else { best };
    assert_eq!((compared.of, compared.kept), (members, kept), "{name}: {action:?}");
    if plan.ranks_by_fronts() && compared.value.is_finite() {
        let measured: Vec<(u32, &Line)> = finite.iter().map(|(_, number)| (*number, &ledger[number])).collect();
        check_front(plan, &measured, action.number().0, compared, |_| true, name);
    } else {
        // What is no number stands behind all that is.
        let rank = match key(plan, own, compared.level) {
            Some(key) => finite.iter().filter(|other| **other < (key, action.number().0)).count() + 1,
            None => finite.len() + 1,
        };
        assert_eq!(compared.rank as usize, rank, "{name}: {action:?}");
    }
    if action.reason() == Reason::Audited {
        assert!(compared.value.is_finite(), "{name}: {action:?}");
    } else if matches!(action, Action::Continue { .. }) {
        assert!(
            form == AshaForm::Stopping || passed < kept,
            "{name}: a rung of {members} lets {passed} and one more pass"
        );
    } else {
        assert!(
            form == AshaForm::Stopping || !compared.value.is_finite(),
            "{name}: the promotion form stops no number"
        );
    }
}

/// Whether a stopping rule speaks against a running trial, found without any of the engine's shortcuts.
fn is_to_stop(plan: &Plan, ledger: &Ledger, line: &Line) -> bool {
    let Some((&level, own)) = line.reports.last_key_value() else { return false };
    if line.stop || !line.holds_slot() || level == plan.top_level() {
        return false;
    }
    let reduce = |line: &Line, level: usize| line.values.get(&level).copied();
    let fidelity = plan.fidelity(level);
    plan.spec().stopping.iter().any(|rule| {
        let others = |pick: &dyn Fn(&Line) -> Option<f64>| -> Vec<f64> {
            let completed = ledger.values().filter(|l| l.rested == Some(plan.top_level()) && !l.stop && !is_dead(l));
            let mut values: Vec<f64> = completed.filter_map(pick).map(|v| oriented(plan, v)).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        match *rule {
            StoppingRule::Median { trials, warm_up } => {
                let means = others(&|line| line.reports.get(&level).map(|values| values.mean));
                let median = means.get(means.len() / 2).filter(|_| means.len() >= trials as usize);
                fidelity >= warm_up && median.is_some_and(|&median| oriented(plan, own.best) > median)
            }
            StoppingRule::Percentile { percent, trials, warm_up } => {
                let values = others(&|line| reduce(line, level));
                let good = (1..=values.len()).find(|n| n * 100 >= values.len() * percent as usize);
                let cutoff = good.map(|n| values[n - 1]).filter(|_| values.len() >= trials as usize);
                fidelity >= warm_up && cutoff.is_some_and(|cutoff| oriented(plan, own.best) > cutoff)
            }
            StoppingRule::Patience { fidelity: patience, delta, warm_up } => {
                let before = line.reports.iter().rfind(|(at, _)| plan.fidelity(**at) + patience <= fidelity);
                let bar = before.map(|(_, values)| oriented(plan, values.best) - delta);
                fidelity >= warm_up && bar.is_some_and(|bar| oriented(plan, own.best) >= bar)
            }
            StoppingRule::Threshold { value, warm_up } => {
                let own = reduce(line, level).map_or(f64::INFINITY, |own| oriented(plan, own));
                fidelity >= warm_up && own > oriented(plan, value)
            }
        }
    })
}

/// A stopping rule ends who it speaks against, and nobody else.
pub(crate) fn check_stopping(plan: &Plan, ledger: &Ledger, action: &Action, name: &str) {
    match action {
        Action::Stop { number, .. } => {
            assert!(is_to_stop(plan, ledger, &ledger[&number.0]), "{name}: no rule speaks against {action:?}");
        }
        Action::Continue { .. } => panic!("{name}: nobody is judged without a ladder"),
        Action::Start { .. } => {}
    }
}

/// After a decision there is nobody whom a rule speaks against.
pub(crate) fn check_none_is_left(plan: &Plan, ledger: &Ledger, name: &str) {
    for (number, line) in ledger {
        assert!(!is_to_stop(plan, ledger, line), "{name}: trial {number} should have been stopped");
    }
}

/// Whether an action is about a trial after DEHB's first pass.
pub(crate) fn is_later(plan: &Plan, ledger: &Ledger, action: &Action) -> bool {
    let bracket = match action {
        Action::Start { bracket, .. } => *bracket,
        Action::Stop { .. } | Action::Continue { .. } => ledger[&action.number().0].bracket,
    };
    bracket as usize >= plan.brackets().len()
}

/// After DEHB's first pass nobody goes on, a rung begins when the one below has come to an end and takes no more than the table
/// says, and whoever was made for a level is stopped there, with its rank among those who had a value for the same place.
pub(crate) fn check_dehb(plan: &Plan, ledger: &Ledger, action: &Action, name: &str) {
    match action {
        Action::Continue { .. } => panic!("{name}: {action:?} promotes somebody after the first pass"),
        Action::Stop { number, compared, reason } => {
            let line = &ledger[&number.0];
            assert!(line.rested >= Some(line.target) && line.target < plan.top_level(), "{name}: {action:?}");
            let compared = compared.expect("a comparison");
            assert_eq!((compared.level, compared.kept), (line.target, 1), "{name}: {action:?}");
            let is_known = key(plan, line, line.target).is_some();
            assert_eq!(*reason, if is_known { Reason::Evaluated } else { Reason::NotFinite }, "{name}: {action:?}");
            // Of equals the later one has the place: the ledger knows nobody's place, but it knows how many can be before it.
            let own = key(plan, line, line.target);
            let is_better =
                |other: &&Line| !is_dead(other) && key(plan, other, line.target).is_some_and(|k| Some(k) <= own);
            let better = ledger.values().filter(is_better).count();
            assert!(!is_known || compared.rank as usize <= better, "{name}: {action:?}");
            assert!(compared.cutoff.is_nan() == (compared.of == 1), "{name}: {action:?}");
        }
        Action::Start { bracket, level, .. } => {
            let shape = &plan.brackets()[*bracket as usize % plan.brackets().len()].rungs;
            let at = shape.iter().position(|rung| rung.level == *level).expect("a rung of the bracket");
            let members = |at: usize| {
                ledger.values().filter(move |line| line.bracket == *bracket && line.target == shape[at].level)
            };
            assert!(members(at).count() < shape[at].size as usize, "{name}: {action:?} is one too many");
            let Some(below) = at.checked_sub(1) else { return };
            assert_eq!(members(below).count(), shape[below].size as usize, "{name}: {action:?} is early");
            let is_open = |line: &Line| line.ended.is_none() && !line.stop && line.rested < Some(line.target);
            assert!(!members(below).any(is_open), "{name}: {action:?} does not wait");
        }
    }
}
