//! Uniform in each parameter's scale. On a finite space nothing is proposed twice while anything is left.

use super::finite;
use crate::plan::Plan;
use crate::random::{Purpose, Stream};
use crate::space::{Assignment, Space};
use crate::state::State;

pub(super) const NAME: &str = "random";

/// How often a configuration that exists already is drawn again before the space is scanned.
const REDRAWS: usize = 64;

pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Assignment> {
    if finite::is_full(plan, state) {
        return None;
    }
    let space = &plan.spec().space;
    let mut stream = Stream::new(plan.spec().seed, Purpose::Parameters, u64::from(number));
    for _ in 0..=REDRAWS {
        let assignment = draw(space, &mut stream);
        if finite::is_free(plan, state, &assignment) {
            return Some(assignment);
        }
    }
    if plan.enumeration.is_some() {
        return finite::any_free(plan, state, &mut stream);
    }
    (0..finite::TRIES).map(|_| draw(space, &mut stream)).find(|assignment| plan.allows(assignment))
}

fn draw(space: &Space, stream: &mut Stream) -> Assignment {
    let mut assignment = Assignment::default();
    for parameter in &space.parameters {
        // Nothing is drawn for a parameter that does not exist.
        if space.is_active(parameter, &assignment) {
            let value = parameter.domain.at_unit(stream.uniform());
            assignment.values.push((parameter.name.clone(), value));
        }
    }
    assignment
}
