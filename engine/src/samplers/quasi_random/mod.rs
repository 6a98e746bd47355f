//! Quasi-random search: trial number k is point k of a scrambled Sobol sequence, so no two asks share a point and every
//! stretch of trials covers the space evenly, in each parameter's scale. Choices, ordinals and whole numbers have equal
//! shares of their coordinate; the coordinate of an inactive parameter is passed over.
//!
//! A configuration that exists already or that a constraint refuses is drawn again at the same index of another scramble.

mod sobol;

use super::{finite, random};
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::Assignment;
use crate::state::State;

pub(super) const NAME: &str = "quasiRandom";

/// How many scrambles are tried before the space is scanned.
const SCRAMBLES: u32 = 64;

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Assignment> {
    if finite::is_full(plan, state) {
        return None;
    }
    for scramble in 0..SCRAMBLES {
        let assignment = at(plan, number, scramble);
        if finite::is_free(plan, state, &assignment) {
            return Some(assignment);
        }
    }
    random::propose(plan, state, number)
}

/// The configuration at this index of a scramble.
fn at(plan: &Plan, number: u32, scramble: u32) -> Assignment {
    let space = &plan.spec().space;
    space.at(&sobol::point(plan.spec().seed, scramble, number, space.parameters.len()))
}

/// The index of a stream for one of the purposes here: the scramble above, the dimension or trial below.
fn stream(seed: u64, purpose: Purpose, scramble: u32, index: u32) -> Stream {
    Stream::new(seed, purpose, u64::from(scramble) << 32 | u64::from(index))
}

#[cfg(test)]
mod tests;
