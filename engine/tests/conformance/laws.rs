//! The laws, against bookkeeping of our own.

use std::collections::{BTreeMap, BTreeSet};

use trimtab_engine::{
    Action, AshaForm, Batch, Best, Decision, Goal, History, Objective, Outcome, Plan, Reason, Reduce, ResultKey,
    ResultKind, Sampler, Scheduler, StoppingRule, TrialResult, Values, Verdict, VerdictReason, best, decide, front,
};

use crate::dice::Dice;
use crate::judges;
use crate::population;

/// What the log says of a trial, read the plain way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) bracket: u32,
    pub(crate) target: usize,
    pub(crate) cleared: Option<usize>,
    /// Whether it goes on although it lost the rung that it cleared.
    pub(crate) audited: bool,
    pub(crate) rested: Option<usize>,
    /// Every level at which a run of its own ended in order.
    pub(crate) rests: BTreeSet<usize>,
    /// The value that leads; NaN where any objective is no number.
    pub(crate) values: BTreeMap<usize, f64>,
    /// The objectives' values, smaller being better.
    pub(crate) vectors: BTreeMap<usize, Vec<f64>>,
    /// By how much bounds are broken.
    pub(crate) broken: BTreeMap<usize, f64>,
    /// The same before one of them was picked.
    pub(crate) reports: BTreeMap<usize, Values>,
    pub(crate) stop: bool,
    /// Of a copy its donor and the level there.
    pub(crate) from: Option<(u32, usize)>,
    pub(crate) ended: Option<Option<Outcome>>,
}

impl Line {
    pub(crate) fn holds_slot(&self) -> bool {
        self.ended.is_none() && (self.stop || self.rested.is_none_or(|rested| rested < self.target))
    }

    /// Whether it came to the rung above this level, to be judged there.
    pub(crate) fn came_past(&self, below: Option<usize>) -> bool {
        if self.audited { self.cleared > below } else { self.cleared >= below }
    }
}

pub(crate) type Ledger = BTreeMap<u32, Line>;

pub(crate) fn ledger(plan: &Plan, history: &History) -> Ledger {
    let mut ledger = Ledger::new();
    for batch in &history.batches {
        note_results(plan, &mut ledger, &batch.admitted);
        batch.actions.iter().for_each(|action| note_action(&mut ledger, action));
    }
    ledger
}

fn note_results(plan: &Plan, ledger: &mut Ledger, results: &[TrialResult]) {
    let spec = plan.spec();
    let mut results: Vec<&TrialResult> = results.iter().collect();
    results.sort_by_key(|result| result.key());
    for result in results {
        // What comes after a trial's end changes nothing.
        let Some(line) = ledger.get_mut(&result.number.0).filter(|line| line.ended.is_none()) else { continue };
        match result.kind {
            // Levels that the plan does not have mean nothing.
            ResultKind::Observed { level, .. } if level > plan.top_level() => {}
            ResultKind::Observed { level, values, ref others } => {
                let first = match spec.objective.reduce {
                    Reduce::Last => values.last,
                    Reduce::Best => values.best,
                    Reduce::Mean => values.mean,
                };
                let all: Vec<f64> = [first].into_iter().chain(others.0.iter().copied()).collect();
                let (objectives, bounded) = all.split_at((1 + spec.further.len()).min(all.len()));
                let broken = objectives.iter().copied().find(|value| !value.is_finite());
                let leading = objectives.get(spec.rank_by.unwrap_or(0)).copied().unwrap_or(f64::NAN);
                line.values.entry(level).or_insert(broken.unwrap_or(leading));
                let over = |value: &f64| if value.is_nan() { f64::INFINITY } else { (value / 2.0 - 1.0).max(0.0) };
                line.broken.entry(level).or_insert(bounded.iter().map(over).sum());
                let orient = |(o, value): (&Objective, &f64)| if o.goal == Goal::Minimize { *value } else { -value };
                line.vectors.entry(level).or_insert(spec.objectives().zip(objectives).map(orient).collect());
                line.reports.entry(level).or_insert(values);
            }
            ResultKind::Rested { level, .. } => {
                line.rested = line.rested.max(Some(level));
                line.rests.insert(level);
            }
            ResultKind::Ended { outcome, .. } => line.ended = Some(Some(outcome)),
        }
    }
}

fn note_action(ledger: &mut Ledger, action: &Action) {
    let number = action.number().0;
    match action {
        Action::Start { level, bracket, from, .. } => {
            let from = from.map(|from| (from.donor.0, from.level));
            let rested = from.map(|(_, level)| level);
            ledger.insert(number, Line { target: *level, bracket: *bracket, rested, from, ..Line::default() });
        }
        Action::Continue { level, cleared, reason, .. } => {
            if let Some(line) = ledger.get_mut(&number) {
                line.target = *level;
                line.cleared = Some(*cleared);
                line.audited = *reason == Reason::Audited;
            }
        }
        Action::Stop { .. } => {
            if let Some(line) = ledger.get_mut(&number) {
                if !line.holds_slot() {
                    line.ended = Some(None);
                }
                line.stop = true;
            }
        }
    }
}

/// A log with a batch of these actions on it, and its results no longer open.
pub(crate) fn with_batch(plan: &Plan, history: &History, decision: &Decision, actions: &[Action]) -> History {
    let mut after = history.clone();
    let keys: BTreeSet<ResultKey> = decision.admitted.iter().map(TrialResult::key).collect();
    after.open.retain(|result| !keys.contains(&result.key()));
    for action in actions {
        if let Action::Start { number, .. } = action {
            after.next_number = number.0 + 1;
        }
    }
    after.batches.push(Batch {
        number: history.batches.last().map_or(0, |batch| batch.number) + 1,
        settings: plan.settings().clone(),
        admitted: decision.admitted.clone(),
        actions: actions.to_vec(),
    });
    after
}

pub(crate) fn check(
    plan: &Plan,
    history: &History,
    decision: &Decision,
    deleted: &BTreeSet<u32>,
    dice: &mut Dice,
    name: &str,
) {
    check_actions(plan, history, decision, deleted, name);
    if !dice.chance(if decision.actions.is_empty() { 10 } else { 40 }) {
        return;
    }
    check_end(plan, history, decision.verdict, best(plan, history), name);
    check_order(plan, history, decision, dice, name);
    check_rest(plan, history, decision, dice, name);
    check_symmetry(plan, history, decision, name);
    check_time(plan, history, decision, name);
    check_independence(plan, decision, name);
}

/// Replay and order: the same log in another order of arrival gives the same decision.
fn check_order(plan: &Plan, history: &History, decision: &Decision, dice: &mut Dice, name: &str) {
    assert_eq!(decide(plan, history), *decision, "replay: {name}");
    let mut shuffled = history.clone();
    dice.shuffle(&mut shuffled.open);
    for batch in &mut shuffled.batches {
        dice.shuffle(&mut batch.admitted);
    }
    assert_eq!(decide(plan, &shuffled), *decision, "order: {name}");
}

/// Prefix and rest: with the first actions taken the others come back, and with all of them none are left.
fn check_rest(plan: &Plan, history: &History, decision: &Decision, dice: &mut Dice, name: &str) {
    let all = decision.actions.len();
    for taken in BTreeSet::from([0, all.min(1), dice.below(all + 1), all.saturating_sub(1), all]) {
        let (head, tail) = decision.actions.split_at(taken);
        let again = decide(plan, &with_batch(plan, history, decision, head));
        assert!(again.admitted.is_empty(), "rest: {name}: admitted twice");
        if decision.more {
            assert!(again.actions.starts_with(tail), "rest: {name}: after {taken} of {all}");
            assert!(again.actions.len() > tail.len() || again.more, "rest: {name}: more was promised");
        } else {
            assert_eq!(again.actions, tail, "rest: {name}: after {taken} of {all}");
            assert_eq!(again.verdict, decision.verdict, "rest: {name}: after {taken} of {all}");
        }
    }
}

/// Symmetry: minimizing f and maximizing -f decide the same.
fn check_symmetry(plan: &Plan, history: &History, decision: &Decision, name: &str) {
    let further = plan.spec().further.len();
    let negate = |results: &mut Vec<TrialResult>| {
        for result in results {
            if let ResultKind::Observed { values, others, .. } = &mut result.kind {
                *values = Values { last: -values.last, best: -values.best, mean: -values.mean, count: values.count };
                others.0.iter_mut().take(further).for_each(|value| *value = -*value);
            }
            if let ResultKind::Rested { gradient, .. } = &mut result.kind {
                gradient.0.iter_mut().for_each(|slope| *slope = -*slope);
            }
        }
    };
    let mut mirror = history.clone();
    for shown in mirror.imported.iter_mut().filter_map(|imported| imported.shown.as_mut()) {
        let Values { last, best, mean, count } = shown.values;
        shown.values = Values { last: -last, best: -best, mean: -mean, count };
        shown.others.0.iter_mut().take(further).for_each(|value| *value = -*value);
    }
    negate(&mut mirror.open);
    mirror.batches.iter_mut().for_each(|batch| negate(&mut batch.admitted));
    let mut spec = plan.spec().clone();
    for objective in std::iter::once(&mut spec.objective).chain(&mut spec.further) {
        objective.goal = match objective.goal {
            Goal::Minimize => Goal::Maximize,
            Goal::Maximize => Goal::Minimize,
        };
    }
    spec.settings.target = spec.settings.target.map(|target| -target);
    for rule in &mut spec.stopping {
        if let StoppingRule::Threshold { value, .. } = rule {
            *value = -*value;
        }
    }
    let mirrored = decide(&Plan::new(spec).expect("the mirror of a valid study"), &mirror);
    let mut expected = decision.clone();
    negate(&mut expected.admitted);
    for action in &mut expected.actions {
        if let Action::Stop { compared: Some(c), .. } | Action::Continue { compared: Some(c), .. } = action {
            // Fronts have no sign.
            if !plan.ranks_by_fronts() || !c.value.is_finite() {
                c.value = -c.value;
            }
            if !plan.ranks_by_fronts() {
                c.cutoff = -c.cutoff;
            }
        }
    }
    assert_eq!(mirrored, expected, "symmetry: {name}");
}

/// Time decides verdicts only.
fn check_time(plan: &Plan, history: &History, decision: &Decision, name: &str) {
    let mut other = history.clone();
    other.active_seconds = 0;
    other.resource_hours.clear();
    let ends = [VerdictReason::ActiveSecondsReached, VerdictReason::ResourceHoursReached].map(Verdict::Complete);
    if !ends.contains(&decision.verdict) {
        assert_eq!(decide(plan, &other), *decision, "time: {name}");
    }
}

/// Independence: what is drawn at random, on a space that is not exhausted by numbers, and what is counted depends on seed and
/// number alone.
fn check_independence(plan: &Plan, decision: &Decision, name: &str) {
    let is_finite = plan.spec().space.size().is_some();
    for action in &decision.actions {
        let Action::Start { number, parameters, sampler, .. } = action else { continue };
        let is_counted = sampler == "grid" && plan.spec().start_with.is_empty();
        if !is_counted && (is_finite || !["random", "quasiRandom"].contains(&sampler.as_str())) {
            continue;
        }
        let mut settings = plan.settings().clone();
        settings.start_with = 0;
        let plan = &plan.with_settings(settings);
        let fresh = trimtab_engine::state::State::new(plan);
        let alone = trimtab_engine::samplers::propose(plan, &fresh, number.0).expect("a proposal");
        assert_eq!(alone.assignment, *parameters, "independence: {name}");
    }
}

/// Caps, monotone, failure, and what each action may look like.
pub(crate) fn check_actions(plan: &Plan, history: &History, decision: &Decision, deleted: &BTreeSet<u32>, name: &str) {
    let mut ledger = ledger(plan, history);
    note_results(plan, &mut ledger, &decision.admitted);
    let is_sorted = decision.admitted.windows(2).all(|pair| pair[0].key() < pair[1].key());
    assert!(is_sorted, "order: {name}: admitted results are not in the order of their keys");
    // Then a value alone does not tell who is better.
    let is_bounded = !plan.spec().bounds.is_empty() || plan.ranks_by_fronts();
    let (settings, mut next, mut rank) = (plan.settings(), history.next_number, 0);
    let mut seen: BTreeSet<Vec<(String, String)>> = BTreeSet::new();
    let started = history.batches.iter().flat_map(|batch| &batch.actions);
    seen.extend(started.filter_map(|action| match action {
        Action::Start { parameters, .. } => Some(parameters.to_texts()),
        _ => None,
    }));
    for action in &decision.actions {
        let number = action.number().0;
        let kind = match action {
            Action::Stop { .. } => 0,
            Action::Continue { .. } => 1,
            Action::Start { .. } => 2,
        };
        assert!(kind >= rank, "{name}: stops come first, then continues, then starts");
        rank = kind;
        let before = ledger.values().filter(|line| line.holds_slot()).count();
        match action {
            Action::Start { parameters, level, from, .. } => {
                assert_eq!(number, next, "monotone: {name}: numbers count");
                next += 1;
                assert!(settings.limits.trials.is_none_or(|limit| number < limit), "caps: {name}: trials");
                assert!(*level <= plan.top_level());
                let texts = parameters.to_texts();
                let read = trimtab_engine::Assignment::from_texts(
                    &plan.spec().space,
                    texts.iter().map(|(name, text)| (name.as_str(), text.as_str())),
                );
                assert_eq!(read.as_ref(), Ok(parameters), "{name}: a configuration is one of the space's");
                assert!(plan.allows(parameters), "{name}: trial {number} breaks a constraint");
                let is_new = seen.insert(texts);
                // On a continuum without branches chance never repeats itself.
                let space = &plan.spec().space;
                let is_once = space.size().is_some() || space.parameters.iter().all(|p| p.when.is_empty());
                // A copy may have its donor's configuration: it goes on with its donor's training.
                let is_new = is_new || from.is_some();
                assert!(is_new || !is_once || !deleted.is_empty(), "{name}: trial {number} is a duplicate");
            }
            Action::Continue { level, cleared, compared, reason, .. } => {
                let line = ledger.get(&number).expect("a trial that exists");
                let is_earned = *reason != Reason::Audited;
                let is_drawn = plan.audits(number) && *level == plan.top_level();
                assert!(!line.audited && (is_earned || is_drawn), "{name}: {number} is audited");
                assert!(line.ended.is_none() && !line.stop, "monotone: {name}: {number} has ended");
                assert!(*level >= line.target && Some(*cleared) > line.cleared, "monotone: {name}: {number} falls");
                assert!(line.values.get(cleared).is_some_and(|v| v.is_finite()), "failure: {name}: {number} passes");
                let compared = compared.expect("a comparison");
                let is_among = compared.rank <= compared.kept && compared.kept <= compared.of;
                assert_eq!(is_among, is_earned, "{name}: {compared:?}");
                let (better, worse) =
                    if is_earned { (compared.value, compared.cutoff) } else { (compared.cutoff, compared.value) };
                assert!(
                    // Where none may pass yet, nobody has a value to be compared with.
                    !deleted.is_empty() || is_bounded || compared.kept == 0 || is_beyond(plan, worse, better),
                    "{name}: {compared:?}"
                );
                assert!(!plan.ranks_by_fronts() || !is_earned || better <= worse, "{name}: {compared:?}");
            }
            Action::Stop { reason, compared, .. } => {
                let line = ledger.get(&number).expect("a trial that exists");
                assert!(line.ended.is_none() && !line.stop, "monotone: {name}: {number} has ended");
                let compared = compared.expect("a comparison");
                assert_eq!(*reason == Reason::NotFinite, !compared.value.is_finite(), "{name}");
                assert!(compared.rank <= compared.of, "{name}: {compared:?}");
                if ![Reason::NotFinite, Reason::Evaluated].contains(reason) {
                    assert!(compared.rank > compared.kept, "{name}: {compared:?}");
                    let is_spared = plan.audits(number) && settings.limits.full_trainings.is_none();
                    assert!(!is_spared, "{name}: {number} is drawn to be audited");
                    // Deleting a member of a rung that is half judged can leave fewer places than have passed already.
                    assert!(
                        !deleted.is_empty() || is_bounded || is_beyond(plan, compared.value, compared.cutoff),
                        "{name}: {compared:?}"
                    );
                }
            }
        }
        if deleted.is_empty() {
            match plan.spec().scheduler {
                Scheduler::None => judges::check_stopping(plan, &ledger, action, name),
                Scheduler::Asha { form, .. } => judges::check_asha(plan, &ledger, action, form, name),
                Scheduler::PopulationBased { .. } => population::check(plan, &ledger, next, action, name),
                Scheduler::Dehb { .. } if judges::is_later(plan, &ledger, action) => {
                    judges::check_dehb(plan, &ledger, action, name);
                }
                Scheduler::SuccessiveHalving { .. } | Scheduler::Hyperband { .. } | Scheduler::Dehb { .. } => {
                    check_judgement(plan, &ledger, next, action, name);
                }
            }
        }
        note_action(&mut ledger, action);
        let after = ledger.values().filter(|line| line.holds_slot()).count();
        assert!(after <= before.max(settings.parallelism as usize), "caps: {name}: {after} active");
        assert!(kind == 0 || !settings.suspend, "caps: {name}: suspended");
        check_rungs(plan, &ledger, deleted, name);
    }
    let ends_at_once = matches!(decision.verdict, Verdict::Complete(_) | Verdict::Failed(_));
    if !decision.more && !ends_at_once {
        judges::check_none_is_left(plan, &ledger, name);
    }
}

/// A rung is judged on complete evidence, when it is closed, by the table.
fn check_judgement(plan: &Plan, ledger: &Ledger, next: u32, action: &Action, name: &str) {
    let (Action::Stop { compared: Some(compared), .. } | Action::Continue { compared: Some(compared), .. }) = action
    else {
        return;
    };
    let bracket = ledger[&action.number().0].bracket;
    let shape = &plan.brackets()[match plan.spec().scheduler {
        Scheduler::Hyperband { .. } | Scheduler::Dehb { .. } => bracket as usize % plan.brackets().len(),
        _ => 0,
    }];
    let at = shape.rungs.iter().position(|rung| rung.level == compared.level).expect("a rung of the bracket");
    let below = at.checked_sub(1).map(|below| shape.rungs[below].level);
    let siblings: Vec<&Line> = ledger.values().filter(|line| line.bracket == bracket).collect();
    let members: Vec<&&Line> = siblings.iter().filter(|line| line.came_past(below)).collect();
    let is_judged = |line: &Line| line.stop || line.cleared >= Some(compared.level);
    for line in &members {
        let is_known = line.values.contains_key(&compared.level) || line.ended.is_some() || is_judged(line);
        assert!(is_known, "{name}: a rung of bracket {bracket} is judged before all have reported");
    }
    let is_below = |line: &Line| line.cleared < below && !line.audited;
    let waits_below = siblings.iter().any(|line| is_below(line) && !line.stop && line.ended.is_none());
    assert!(!waits_below, "{name}: a rung of bracket {bracket} is judged before the one below");
    let limits = &plan.settings().limits;
    let can_grow = at == 0
        && members.len() < shape.rungs[0].size as usize
        && !members.iter().any(|line| is_judged(line))
        && !ledger.values().any(|line| line.bracket > bracket)
        && limits.full_trainings.is_none()
        && limits.trials.is_none_or(|limit| next < limit)
        && finite_size(plan).is_none_or(|size| u64::from(next) < size);
    assert!(!can_grow, "{name}: the first rung of bracket {bracket} is judged while it can grow");
    let eta = plan.reduction_factor();
    let count = u32::try_from(members.len()).unwrap();
    if matches!(action, Action::Continue { .. }) {
        // Stops come first, so that who is left has passed or is about to.
        let own = (key(plan, &ledger[&action.number().0], compared.level), action.number().0);
        let is_better = |(number, line): &(&u32, &Line)| {
            let is_in = line.bracket == bracket && line.came_past(below);
            let stays = line.cleared >= Some(compared.level) || line.ended.is_none() && !line.stop;
            let key = key(plan, line, compared.level);
            is_in && stays && key.is_some() && (key, **number) < own
        };
        if plan.ranks_by_fronts() {
            let is_in = |line: &Line| line.bracket == bracket && line.came_past(below);
            let stays = |line: &Line| line.cleared >= Some(compared.level) || line.ended.is_none() && !line.stop;
            let measured = ledger.iter().filter(|(_, line)| is_in(line) && (stays(line) || line.stop));
            let measured: Vec<(u32, &Line)> = measured.map(|(number, line)| (*number, line)).collect();
            judges::check_front(plan, &measured, action.number().0, compared, |line| stays(line), name);
        } else {
            let better = ledger.iter().filter(is_better).count();
            assert_eq!(compared.rank as usize, better + 1, "{name}: the rank of {}", action.number());
        }
    }
    let kept = if count >= shape.rungs[at].size { shape.rungs[at + 1].size } else { (count / eta).max(1) };
    assert_eq!((compared.of, compared.kept), (count, kept), "{name}: bracket {bracket}");
}

/// No rung lets more pass than the bracket's table has places above it.
fn check_rungs(plan: &Plan, ledger: &Ledger, deleted: &BTreeSet<u32>, name: &str) {
    let is_asynchronous = matches!(plan.spec().scheduler, Scheduler::Asha { .. } | Scheduler::PopulationBased { .. });
    if plan.brackets().is_empty() || is_asynchronous || !deleted.is_empty() {
        return;
    }
    let mut passed: BTreeMap<(u32, usize), u32> = BTreeMap::new();
    for line in ledger.values() {
        let shape = &plan.brackets()[line.bracket as usize % plan.brackets().len()];
        let is_bred =
            matches!(plan.spec().scheduler, Scheduler::Dehb { .. }) && line.bracket as usize >= plan.brackets().len();
        for (at, rung) in shape.rungs.iter().enumerate() {
            // After DEHB's first pass every place on a rung is a trial of its own.
            if is_bred && rung.level != line.target {
                continue;
            }
            if is_bred || at == 0 || line.came_past(Some(shape.rungs[at - 1].level)) {
                let count = passed.entry((line.bracket, at)).or_default();
                *count += 1;
                assert!(*count <= rung.size, "{name}: rung {at} of bracket {} is too full", line.bracket);
            }
        }
    }
}

/// Where a trial stands at a level: first by the bounds that it breaks, then by the value that leads; `None` without a number.
pub(crate) fn key(plan: &Plan, line: &Line, level: usize) -> Option<(f64, f64)> {
    let value = *line.values.get(&level).filter(|value| value.is_finite())?;
    let broken = line.broken.get(&level).copied().unwrap_or(0.0);
    let value = if leading(plan).goal == Goal::Minimize { value } else { -value };
    // Those that break the bounds stand by that alone.
    Some((broken, if broken > 0.0 { 0.0 } else { value }))
}

/// The objective that puts trials in an order.
pub(crate) fn leading(plan: &Plan) -> &Objective {
    plan.spec().objectives().nth(plan.spec().rank_by.unwrap_or(0)).expect("an objective")
}

/// Whether one value is at least as bad as another.
fn is_beyond(plan: &Plan, value: f64, other: f64) -> bool {
    match leading(plan).goal {
        Goal::Minimize => value >= other,
        Goal::Maximize => value <= other,
    }
}

/// How many configurations the sampler has.
fn finite_size(plan: &Plan) -> Option<u64> {
    let points = match plan.spec().sampler {
        Sampler::Grid { points } => points,
        _ => None,
    };
    let all = trimtab_engine::space::Enumeration::new(&plan.spec().space, points)?;
    if plan.spec().constraints.is_empty() {
        return Some(all.size());
    }
    Some((0..all.size()).filter(|&point| all.at(point).is_some_and(|assignment| plan.allows(&assignment))).count()
        as u64)
}

/// What holds of a study that came to its end with these trials never deleted.
pub(crate) fn check_judged(plan: &Plan, history: &History, verdict: Verdict, name: &str) {
    use VerdictReason::{BracketsDone, SpaceExhausted, TrialsReached};
    let Verdict::Complete(BracketsDone | SpaceExhausted | TrialsReached) = verdict else { return };
    let mut ledger = ledger(plan, history);
    note_results(plan, &mut ledger, &history.open);
    for (number, line) in ledger {
        // Who was never good enough pauses for ever, unless the limits are raised.
        let can_pause = matches!(plan.spec().scheduler, Scheduler::Asha { form: AshaForm::Promotion, .. });
        let is_settled = can_pause && line.rested >= Some(line.target)
            || line.ended.is_some()
            || line.rested == Some(plan.top_level()) && line.target == plan.top_level();
        assert!(is_settled, "ends: {name}: trial {number} was never judged");
    }
}

pub(crate) fn check_end(plan: &Plan, history: &History, verdict: Verdict, best: Option<Best>, name: &str) {
    let mut ledger = ledger(plan, history);
    note_results(plan, &mut ledger, &history.open);
    if let Some(best) = best {
        let line = ledger.get(&best.number.0).expect("the best trial exists");
        assert!(best.value.is_finite(), "failure: {name}");
        let is_eligible = !matches!(line.ended, Some(Some(Outcome::Failed | Outcome::Lost | Outcome::Removed)));
        assert!(is_eligible, "failure: {name}: {best:?}");
    }
    if verdict == Verdict::Failed(VerdictReason::NoUsableTrial) {
        assert_eq!(best, None, "{name}");
    }
    check_front(plan, history, &ledger, verdict, name);
}

/// The front is who is not dominated, by the definition.
fn check_front(plan: &Plan, history: &History, ledger: &Ledger, verdict: Verdict, name: &str) {
    let front = front(plan, history, &[]);
    if plan.spec().further.is_empty() {
        assert_eq!(front, None, "front: {name}");
        return;
    }
    let eligible = ledger
        .iter()
        .filter(|(_, l)| !matches!(l.ended, Some(Some(Outcome::Failed | Outcome::Lost | Outcome::Removed))));
    let usable: BTreeMap<(usize, u32), &Vec<f64>> = eligible
        .flat_map(|(number, line)| line.vectors.iter().map(move |(level, vector)| (line, *level, *number, vector)))
        .filter(|(line, level, ..)| key(plan, line, *level).is_some_and(|(broken, _)| broken == 0.0))
        .map(|(_, level, number, vector)| ((level, number), vector))
        .collect();
    let Some((&(top, _), _)) = usable.last_key_value() else {
        assert_eq!(front, None, "front: {name}");
        return;
    };
    assert_ne!(verdict, Verdict::Failed(VerdictReason::NoUsableTrial), "front: {name}");
    let top: Vec<(u32, &Vec<f64>)> = usable.range((top, 0)..).map(|((_, number), vector)| (*number, *vector)).collect();
    let beats = |a: &[f64], b: &[f64]| a != b && a.iter().zip(b).all(|(x, y)| x <= y);
    let expected: BTreeSet<u32> =
        top.iter().filter(|(_, own)| !top.iter().any(|(_, other)| beats(other, own))).map(|(n, _)| *n).collect();
    let found: BTreeSet<u32> = front.iter().flat_map(|front| &front.members).map(|member| member.number.0).collect();
    assert_eq!(found, expected, "front: {name}");
}
