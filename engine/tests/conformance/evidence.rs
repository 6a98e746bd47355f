//! Which values samplers see: none above a rung that is not judged yet.
//!
//! How many of those there are is a matter of how far a run has got by the time of the decision. So for every sampler that learns, at
//! many places of many logs: without them, or with more and better ones, the next proposal is the same.

use std::collections::BTreeMap;

use trimtab_engine::{
    Action, Goal, History, Others, Plan, ResultKind, Sampler, Scheduler, Space, TrialNumber, TrialResult, Values,
    samplers::{Proposal, propose},
    state::State,
};

use crate::cases::{
    ASHA_BRACKETS, ASHA_STOPPING, ASHA_STOPPING_BRACKETS, CMA_ES, GENETIC, HALVING_THROUGH, HYPERBAND,
    HYPERBAND_THROUGH, POPULATION, TPE, TPE_INDEPENDENT, add_objectives, conditional, continuous, small, study,
};
use crate::laws::{Line, ledger};
use crate::world::World;

/// Studies for each line.
const SEEDS: u64 = 5;

/// At most so many places of a log are looked at.
const PLACES: usize = 8;

/// The level of the rung that judges a trial next; the highest where nothing does.
fn judge(plan: &Plan, line: &Line) -> usize {
    let shape = &plan.brackets()[line.bracket as usize % plan.brackets().len()];
    let birth = line.from.map_or(0, |(_, level)| level + 1);
    let mut levels = shape.rungs.iter().map(|rung| rung.level).filter(|level| *level >= birth);
    let next = levels.find(|level| line.cleared.is_none_or(|cleared| *level > cleared));
    next.filter(|_| !line.audited).unwrap_or(plan.top_level())
}

/// A log as it was when this batch was about to be decided.
fn before(history: &History, batch: usize) -> History {
    let (done, rest) = history.batches.split_at(batch);
    let starts = done.iter().flat_map(|batch| &batch.actions).filter_map(|action| match action {
        Action::Start { number, .. } => Some(number.0 + 1),
        _ => None,
    });
    History {
        batches: done.to_vec(),
        open: rest.first().map_or_else(Vec::new, |batch| batch.admitted.clone()),
        next_number: starts.max().unwrap_or(0),
        ..history.clone()
    }
}

/// The same log without values above the rungs that judge next, and how many those are.
fn without(plan: &Plan, history: &History, judges: &BTreeMap<u32, usize>) -> (History, usize) {
    let (mut less, mut gone) = (history.clone(), 0);
    let mut strip = |results: &mut Vec<TrialResult>| {
        let all = results.len();
        results.retain(|result| match result.kind {
            ResultKind::Observed { level, .. } if level <= plan.top_level() => {
                judges.get(&result.number.0).is_none_or(|judge| level <= *judge)
            }
            _ => true,
        });
        gone += all - results.len();
    };
    less.batches.iter_mut().for_each(|batch| strip(&mut batch.admitted));
    strip(&mut less.open);
    (less, gone)
}

/// The same log with the best of values at every level above the rungs that judge next, and where runs go through with their ends.
fn with_more(plan: &Plan, history: &History, judges: &BTreeMap<u32, usize>) -> History {
    let mut more = history.clone();
    let state = State::fold(plan, history);
    let decisive = plan.spec().decisive().count() - 1;
    let best = if plan.spec().objective.goal == Goal::Minimize { -1e6 } else { 1e6 };
    for (&number, &judge) in judges.iter().filter(|(_, judge)| **judge < plan.top_level()) {
        let Some(trial) = state.trial(number).filter(|trial| trial.values_at(judge).is_some()) else { continue };
        let number = TrialNumber(number);
        for level in judge + 1..=plan.top_level() {
            let kind = ResultKind::Observed { level, values: Values::once(best), others: Others(vec![0.5; decisive]) };
            more.open.push(TrialResult { number, kind });
        }
        if plan.runs_through() && trial.stop.is_none() {
            more.open.push(TrialResult { number, kind: ResultKind::rested(plan.top_level(), 1) });
        }
    }
    more
}

fn proposal(plan: &Plan, history: &History) -> Option<Proposal> {
    propose(plan, &State::fold(plan, history), history.next_number)
}

fn run(sampler: Sampler, scheduler: Scheduler, space: fn() -> Space, objectives: usize) {
    let (mut gone, mut added) = (0, 0);
    for seed in 0..SEEDS {
        let (plan, mut dice) = study(seed, sampler, scheduler, space());
        let mut spec = plan.spec().clone();
        // With checkpoints a run of a synchronous bracket ends at its rung.
        spec.resumable &= scheduler != HALVING_THROUGH && scheduler != HYPERBAND_THROUGH;
        // Starting points and constraints are no model's.
        spec.start_with.clear();
        spec.settings.start_with = 0;
        spec.constraints.clear();
        spec.audit = if seed.is_multiple_of(2) || scheduler == POPULATION { 0.0 } else { 0.2 };
        add_objectives(&mut spec, &mut dice, objectives);
        let plan = Plan::new(spec).expect("a valid study");
        let (plan, history) = World::new(plan, dice, seed).run();
        let step = history.batches.len().div_ceil(PLACES).max(1);
        for at in (0..history.batches.len()).step_by(step) {
            let history = before(&history, at);
            let lines = ledger(&plan, &history);
            let judges: BTreeMap<u32, usize> =
                lines.iter().map(|(number, line)| (*number, judge(&plan, line))).collect();
            let name = format!("seed {seed} {sampler:?} {scheduler:?} batch {at}");
            let own = proposal(&plan, &history);
            let (less, count) = without(&plan, &history, &judges);
            assert_eq!(own, proposal(&plan, &less), "{name}: without {count} values above unjudged rungs");
            let more = with_more(&plan, &history, &judges);
            assert_eq!(own, proposal(&plan, &more), "{name}: with more values above unjudged rungs");
            gone += count;
            added += more.open.len() - history.open.len();
        }
    }
    assert!(added > 0 && (gone > 0 || scheduler != HYPERBAND_THROUGH), "{gone} values taken away, {added} added");
}

macro_rules! unjudged {
    ($($name:ident: $sampler:expr, $scheduler:expr, $space:expr, $count:expr;)*) => {
        $(#[test] fn $name() { run($sampler, $scheduler, $space, $count); })*
    };
}

unjudged! {
    unjudged_bohb_halving_through: Sampler::Bohb, HALVING_THROUGH, continuous, 1;
    unjudged_bohb_hyperband_through: Sampler::Bohb, HYPERBAND_THROUGH, conditional, 1;
    unjudged_bohb_asha_stopping_brackets: Sampler::Bohb, ASHA_STOPPING_BRACKETS, continuous, 1;
    unjudged_bohb_population: Sampler::Bohb, POPULATION, continuous, 1;
    unjudged_tpe_halving_through: TPE, HALVING_THROUGH, continuous, 1;
    unjudged_tpe_hyperband_through: TPE, HYPERBAND_THROUGH, conditional, 1;
    unjudged_tpe_independent_hyperband_through: TPE_INDEPENDENT, HYPERBAND_THROUGH, continuous, 1;
    unjudged_tpe_asha_stopping: TPE, ASHA_STOPPING, continuous, 1;
    unjudged_tpe_hyperband: TPE, HYPERBAND, continuous, 1;
    unjudged_two_tpe_halving_through: TPE, HALVING_THROUGH, continuous, 2;
    unjudged_two_tpe_asha_brackets: TPE, ASHA_BRACKETS, continuous, 2;
    unjudged_genetic_halving_through: GENETIC, HALVING_THROUGH, continuous, 1;
    unjudged_genetic_hyperband_through: GENETIC, HYPERBAND_THROUGH, small, 1;
    unjudged_genetic_asha_stopping_brackets: GENETIC, ASHA_STOPPING_BRACKETS, conditional, 1;
    unjudged_two_genetic_hyperband_through: GENETIC, HYPERBAND_THROUGH, continuous, 2;
    unjudged_cma_es_halving_through: CMA_ES, HALVING_THROUGH, continuous, 1;
    unjudged_cma_es_hyperband_through: CMA_ES, HYPERBAND_THROUGH, conditional, 1;
    unjudged_cma_es_asha_stopping: CMA_ES, ASHA_STOPPING, continuous, 1;
    unjudged_gaussian_process_halving_through: Sampler::GaussianProcess, HALVING_THROUGH, continuous, 1;
    unjudged_gaussian_process_hyperband_through: Sampler::GaussianProcess, HYPERBAND_THROUGH, continuous, 1;
    unjudged_gaussian_process_asha_stopping_brackets: Sampler::GaussianProcess, ASHA_STOPPING_BRACKETS, conditional, 1;
    unjudged_random_forest_halving_through: Sampler::RandomForest, HALVING_THROUGH, continuous, 1;
    unjudged_random_forest_hyperband_through: Sampler::RandomForest, HYPERBAND_THROUGH, small, 1;
    unjudged_random_forest_asha_stopping: Sampler::RandomForest, ASHA_STOPPING, continuous, 1;
    unjudged_gradient_hyperband_through: Sampler::Gradient, HYPERBAND_THROUGH, continuous, 1;
    unjudged_gradient_asha_stopping: Sampler::Gradient, ASHA_STOPPING, continuous, 1;
    unjudged_automatic_hyperband_through: Sampler::Automatic, HYPERBAND_THROUGH, continuous, 1;
}
