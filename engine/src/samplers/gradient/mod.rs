//! Follows the gradients that trials report.
//!
//! A training that knows how its validation loss changes with a learning rate or a penalty (Maclaurin et al. 2015; Franceschi et
//! al. 2017) need not be asked blindly. Every trial that rests with a value and a gradient is the start of a chain, unless it is
//! a chain's step ([`chain`]). Chains are folded from the log anew for each proposal, so nothing has to be remembered: a step
//! has its chain in its tag, and the trial that it starts from as its parent.
//!
//! Gradients may be missing, wrong, or hostile, so chains are never left alone with the study:
//!
//! - Starts are proposed by the sampler that `automatic` would pick (TPE in place of CMA-ES, whose generations would be mixed
//!   with steps), which learns from all trials, steps included. So is one trial in [`MODEL`] whatever chains there are, and every
//!   trial where no chain can go on: where no gradients are reported, that is all of them.
//! - Only the better half of the starts are followed, the best first, and of chains at one place the best. A chain that is not
//!   getting better gives up.
//! - While the newest [`RECORD`] steps were not mostly better than where they came from, gradients get one trial in [`DOUBT`].
//!
//! Whole numbers, steps and choices stay what they were at a chain's start, and so does a parameter whose gradient is not
//! reported.

mod chain;
mod field;

use std::collections::BTreeMap;

use self::chain::{Chain, Told};
use self::field::Field;
use super::finite::{self, is_new};
use super::{Proposal, ask, automatic};
use crate::history::{Note, TrialNumber};
use crate::plan::{Plan, Sampler, TpeSettings};
use crate::state::{State, Trial};

pub(super) const NAME: &str = "gradient";

/// One trial in so many is a model's proposal.
const MODEL: u32 = 5;

/// One trial in so many follows gradients that do not keep what they promise.
const DOUBT: u32 = 4;

/// How many of the newest steps are looked at for that.
const RECORD: usize = 8;

/// How many steps there must be before gradients can be doubted.
const ENOUGH: usize = 4;

/// Chains that are nearer than this on every axis are at one place.
const PLACE: f64 = 0.02;

/// At most so many chains are looked at for one proposal.
const MOST: usize = 64;

/// What comes before a chain's first trial in a tag.
const TAG: &str = "chain ";

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    if finite::is_exhausted(plan, state, number) {
        return None;
    }
    step(plan, state, number).or_else(|| by_model(plan, state, number))
}

/// The next step of a chain, where it is a chain's turn and one can go on.
fn step(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    if number % MODEL == MODEL - 1 {
        return None;
    }
    let field = Field::new(plan);
    let Chains { chains, record } = Chains::of(plan, state, &field);
    let newest = record.get(record.len().saturating_sub(RECORD)..).unwrap_or_default();
    let better = newest.iter().filter(|&&is_better| is_better).count();
    if newest.len() >= ENOUGH && 2 * better <= newest.len() && !number.is_multiple_of(DOUBT) {
        return None;
    }
    let mut starts: Vec<f64> = chains.values().map(|chain| chain.start).collect();
    starts.sort_by(f64::total_cmp);
    let middle = *starts.get(starts.len().checked_sub(1)? / 2)?;
    let mut order: Vec<(u32, &Chain<'_>)> = chains.iter().map(|(&head, chain)| (head, chain)).collect();
    order.sort_by(|(_, a), (_, b)| a.value().total_cmp(&b.value()).then(a.base().cmp(&b.base())));
    let is_alone = |at: usize, chain: &Chain<'_>| {
        let before = order.get(..at).unwrap_or_default();
        !before.iter().any(|(_, better)| better.is_near(&field, chain, PLACE))
    };
    let ready = order.iter().enumerate().filter(|(_, (_, chain))| chain.is_ready() && chain.start <= middle).take(MOST);
    let (head, base, assignment) =
        ready.filter(|(at, (_, chain))| is_alone(*at, chain)).find_map(|(_, (head, chain))| {
            Some((*head, chain.base(), chain.next(&field, |next| is_new(plan, state, next))?))
        })?;
    let note = Note { tag: Some(format!("{TAG}{head}")), parents: vec![TrialNumber(base)], fallback: None };
    Some(Proposal { assignment, sampler: NAME, note })
}

/// What another sampler proposes.
fn by_model(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    let model = match automatic::choose(plan, state).0 {
        Sampler::CmaEs { .. } => Sampler::Tpe(TpeSettings::default()),
        picked => picked,
    };
    let Proposal { assignment, sampler, note } = ask(model, plan, state, number)?;
    let proposed = note.fallback.unwrap_or_else(|| sampler.to_owned());
    Some(Proposal { assignment, sampler: NAME, note: Note { fallback: Some(proposed), ..note } })
}

/// The chains of a study by the numbers of their first trials, and of each step, in order, whether it was better.
struct Chains<'t> {
    chains: BTreeMap<u32, Chain<'t>>,
    record: Vec<bool>,
}

impl<'t> Chains<'t> {
    fn of(plan: &Plan, state: &'t State<'_>, field: &Field<'_>) -> Self {
        let (mut chains, mut record) = (BTreeMap::<u32, Chain<'t>>::new(), Vec::new());
        for trial in state.trials() {
            // Nobody goes on from what the space does not have, whatever is on record.
            if !trial.parameters.as_deref().is_some_and(|own| plan.spec().space.contains(own)) {
                continue;
            }
            let told = Told::of(plan, trial);
            let of = step_of(trial).and_then(|(head, base)| {
                // What is left of a chain whose trials were deleted are starts of their own.
                chains.get_mut(&head).filter(|chain| chain.goes_on_from(base))
            });
            match of {
                Some(chain) => record.extend(chain.learn(field, trial, told)),
                None => {
                    if let Some(chain) = Chain::begin(field, trial, told) {
                        chains.insert(trial.number.0, chain);
                    }
                }
            }
        }
        Self { chains, record }
    }
}

/// The chain that a trial is a step of, and the trial that the step started from, by what the trial says of its making.
fn step_of(trial: &Trial<'_>) -> Option<(u32, u32)> {
    let head = trial.note.tag.as_deref().filter(|_| trial.sampler == NAME)?.strip_prefix(TAG)?.parse().ok()?;
    Some((head, trial.note.parents.first()?.0))
}

#[cfg(test)]
mod tests;
