//! BOHB's sampler (Falkner et al., ICML 2018): a pair of kernel densities, of good and of bad configurations, at the largest
//! fidelity that has enough of them; and one third of all configurations at random.
//!
//! Whether a configuration is a random one is drawn before the model is looked at, so that the share does not grow while
//! there is no model. It goes with every scheduler; without a ladder all values are at few levels.

mod density;
mod evidence;

use density::Density;
use evidence::Evidence;

use super::finite::is_new;
use super::{Proposal, random};
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::Assignment;
use crate::state::State;

pub(super) const NAME: &str = "bohb";

/// One in how many configurations is drawn at random.
const RANDOM_SHARE: u64 = 3;

/// How many candidates are drawn from the good density.
const CANDIDATES: usize = 64;

/// Candidates are drawn with kernels that are this much wider than those that rate them, to look around.
const WIDENED: f64 = 3.0;

/// The configuration of this number; a random one says so as its fallback.
pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    let mut stream = Stream::new(plan.spec().seed, Purpose::Bohb, u64::from(number));
    if stream.below(RANDOM_SHARE) > 0
        && let Some(assignment) = from_model(plan, state, &mut stream)
    {
        return Some(Proposal::plain(assignment, NAME));
    }
    Proposal::fallback(random::propose(plan, state, number)?, NAME, random::NAME)
}

/// The candidate that is likeliest to be good rather than bad, of those that may be proposed.
fn from_model(plan: &Plan, state: &State<'_>, stream: &mut Stream) -> Option<Assignment> {
    let evidence = Evidence::new(plan, state, stream)?;
    let (good, bad) = (Density::new(&evidence.kinds, evidence.good), Density::new(&evidence.kinds, evidence.bad));
    let mut leader: Option<(f64, Assignment)> = None;
    for _ in 0..CANDIDATES {
        let point = good.draw(WIDENED, stream);
        let score = good.log(&point) - bad.log(&point);
        if leader.as_ref().is_some_and(|(best, _)| score <= *best) {
            continue;
        }
        let assignment = plan.spec().space.at(&good.in_unit_cube(&point));
        if is_new(plan, state, &assignment) {
            leader = Some((score, assignment));
        }
    }
    leader.map(|(_, assignment)| assignment)
}

#[cfg(test)]
mod tests;
