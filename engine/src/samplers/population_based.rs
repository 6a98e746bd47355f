//! The configuration of a copy in population based training (Jaderberg et al., arXiv 1711.09846, section 4.1.1): that of its donor,
//! perturbed.
//!
//! A number becomes 0.8 or 1.2 times what it was, with equal chances; on a logarithmic scale that is a step of the same size
//! wherever it is. On a linear scale a step is at least a hundredth of the range, so that nothing stays at zero for ever. Whole
//! numbers and steps move by one step at least, ordinals to a neighbour, and choices, which have none, stay. What would leave its
//! range ends at the range's end. By `resamplePercent` a parameter is drawn anew instead, and so is one that exists beside the new
//! values and did not beside the old ones.

use super::Proposal;
use crate::history::Note;
use crate::plan::{Plan, Scheduler};
use crate::random::{Purpose, Stream};
use crate::schedulers::Copying;
use crate::space::{Assignment, Domain, Scale, Space, Value};
use crate::state::State;

const NAME: &str = "populationBased";

/// How often a copy that differs in nothing, or that a constraint refuses, is perturbed again.
const REDRAWS: usize = 64;

/// How far a number moves, as a share of itself.
const SHARE: f64 = 0.2;

/// How far a number moves at least, as a share of a linear range.
const LEAST: f64 = 0.01;

/// How far it moves at most. A value far from zero in a narrow range would else jump from end to end.
const MOST: f64 = 0.25;

/// The configuration of the next copy.
pub(super) fn propose(plan: &Plan, state: &State<'_>, copying: Copying, number: u32) -> Option<Proposal> {
    let donor = copying.from.donor;
    let own = state.trial(donor.0)?.parameters.as_deref()?;
    let mut stream = Stream::new(plan.spec().seed, Purpose::Explore, u64::from(number));
    let resample = match plan.spec().scheduler {
        Scheduler::PopulationBased { resample_percent, .. } => u64::from(resample_percent),
        _ => 0,
    };
    let mut tries = (0..REDRAWS).map(|_| perturb(&plan.spec().space, own, resample, &mut stream));
    let new = tries.find(|new| new != own && plan.allows(new));
    let tag = copying.replaces.map(|replaced| format!("replaces {replaced}"));
    // One that is exactly its donor trains on with other random numbers.
    let assignment = new.unwrap_or_else(|| own.clone());
    Some(Proposal { assignment, sampler: NAME, note: Note { tag, parents: vec![donor], fallback: None } })
}

/// A configuration near another one. `resample` is the chance in a hundred that a parameter is drawn anew.
fn perturb(space: &Space, own: &Assignment, resample: u64, stream: &mut Stream) -> Assignment {
    let mut new = Assignment::default();
    for parameter in &space.parameters {
        // The same is drawn whether it is needed or not, so that parameters do not hang on each other's luck.
        let (is_drawn, goes_up, point) = (stream.below(100) < resample, stream.below(2) == 1, stream.uniform());
        if !space.is_active(parameter, &new) {
            continue;
        }
        let value = match own.get(&parameter.name) {
            Some(value) if !is_drawn => moved(&parameter.domain, value, goes_up),
            Some(_) | None => parameter.domain.at_unit(point),
        };
        new.values.push((parameter.name.clone(), value));
    }
    new
}

/// A value a step up or down from another one, within the domain.
fn moved(domain: &Domain, value: &Value, goes_up: bool) -> Value {
    let along = |steps: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; the cast saturates")]
        let steps = (steps.round() as u64).max(1);
        let Some(index) = domain.index_of(value) else { return value.clone() };
        let last = domain.count().map_or(u64::MAX, |count| count.saturating_sub(1));
        let to = if goes_up { index.saturating_add(steps).min(last) } else { index.saturating_sub(steps) };
        domain.at(to)
    };
    let step = |x: f64, min: f64, max: f64, scale: Scale| match scale {
        Scale::Log => SHARE * x.abs(),
        // Products instead of a difference: the range itself may be larger than any double.
        Scale::Linear => (SHARE * x.abs()).max(LEAST * max - LEAST * min).min(MOST * max - MOST * min),
    };
    match (domain, value) {
        (Domain::Float { min, max, step: None, scale }, Value::Float(x)) => {
            let step = step(*x, *min, *max, *scale);
            Value::Float((if goes_up { x + step } else { x - step }).clamp(*min, *max))
        }
        (Domain::Float { min, max, step: Some(unit), scale }, Value::Float(x)) => {
            along(step(*x, *min, *max, *scale) / unit)
        }
        #[expect(clippy::cast_precision_loss, reason = "the size of a step need not be exact")]
        (Domain::Int { min, max, step: unit, scale }, Value::Int(x)) => {
            along(step(*x as f64, *min as f64, *max as f64, *scale) / unit.unwrap_or(1).max(1) as f64)
        }
        (Domain::Ordinal { .. }, _) => along(1.0),
        (Domain::Categorical { .. } | Domain::Float { .. } | Domain::Int { .. }, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::parameter;
    use crate::space::Condition;

    fn float(min: f64, max: f64, step: Option<f64>, scale: Scale) -> Domain {
        Domain::Float { min, max, step, scale }
    }

    fn int(min: i64, max: i64, step: Option<i64>, scale: Scale) -> Domain {
        Domain::Int { min, max, step, scale }
    }

    #[test]
    fn each_kind_moves_by_its_own_step() {
        let number = |value: Value| value.to_string();
        let rate = float(1e-4, 1e-1, None, Scale::Log);
        let unit = float(0.0, 1.0, None, Scale::Linear);
        let narrow = float(100.0, 101.0, None, Scale::Linear);
        let grid = float(0.1, 0.9, Some(0.1), Scale::Linear);
        let layers = int(1, 8, None, Scale::Linear);
        let width = int(8, 4096, None, Scale::Log);
        let batch = Domain::Ordinal { values: vec![32.0, 64.0, 128.0] };
        let kind = Domain::Categorical { choices: ["a", "b"].map(str::to_owned).to_vec() };
        let choice = Value::Choice("a".to_owned());
        for (domain, from, down, up) in [
            (&rate, Value::Float(0.01), "0.008", "0.012"),
            (&rate, Value::Float(0.09), "0.072", "0.1"),
            (&rate, Value::Float(1.1e-4), "0.0001", "0.000132"),
            (&unit, Value::Float(0.5), "0.4", "0.6"),
            (&unit, Value::Float(0.0), "0", "0.01"),
            (&unit, Value::Float(0.9), "0.72", "1"),
            (&narrow, Value::Float(100.5), "100.25", "100.75"),
            (&grid, Value::Float(0.2), "0.1", "0.3"),
            (&grid, Value::Float(0.9), "0.7", "0.9"),
            (&layers, Value::Int(1), "1", "2"),
            (&layers, Value::Int(8), "6", "8"),
            (&width, Value::Int(1000), "800", "1200"),
            (&width, Value::Int(9), "8", "11"),
            (&batch, Value::Float(64.0), "32", "128"),
            (&batch, Value::Float(128.0), "64", "128"),
            (&kind, choice, "a", "a"),
        ] {
            let found = [false, true].map(|goes_up| number(moved(domain, &from, goes_up)));
            assert_eq!(found, [down, up].map(str::to_owned), "{from} in {domain:?}");
        }
    }

    #[test]
    fn no_value_leaves_its_range_in_a_million_perturbations() {
        let mut momentum = parameter("momentum", float(0.5, 0.99, None, Scale::Linear));
        momentum.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["b".to_owned()] }];
        let space = Space {
            parameters: vec![
                parameter("rate", float(1e-4, 1e-1, None, Scale::Log)),
                parameter("signed", float(-1.0, 2.0, None, Scale::Linear)),
                parameter("vast", float(-f64::MAX, f64::MAX, None, Scale::Linear)),
                parameter("small", float(5e-324, 1e300, None, Scale::Log)),
                parameter("grid", float(0.1, 0.9, Some(0.1), Scale::Linear)),
                parameter("fixed", float(2.0, 2.0, None, Scale::Log)),
                parameter("kind", Domain::Categorical { choices: ["a", "b", "c"].map(str::to_owned).to_vec() }),
                momentum,
                parameter("huge", int(i64::MIN, i64::MAX, None, Scale::Linear)),
                parameter("wide", int(1, i64::MAX, None, Scale::Log)),
                parameter("even", int(-7, 9, Some(2), Scale::Linear)),
                parameter("batch", Domain::Ordinal { values: vec![32.0, 64.0, 128.0, 256.0] }),
            ],
        };
        assert_eq!(space.validate(), []);
        let mut stream = Stream::new(7, Purpose::Explore, 0);
        let (mut own, mut count, mut ends) = (space.at(&[0.5; 12]), 0, [0, 0]);
        while count < 1_000_000 {
            let resample = [0, 0, 25, 100][usize::try_from(stream.below(4)).unwrap()];
            let new = perturb(&space, &own, resample, &mut stream);
            for parameter in &space.parameters {
                let value = new.get(&parameter.name);
                assert_eq!(value.is_some(), space.is_active(parameter, &new), "{new:?}");
                let Some(value) = value else { continue };
                match (&parameter.domain, value) {
                    (Domain::Float { min, max, .. }, Value::Float(x)) => {
                        assert!(min <= x && x <= max, "{x} in {parameter:?}");
                        ends[0] += usize::from(x == min);
                        ends[1] += usize::from(x == max);
                    }
                    (Domain::Int { min, max, .. }, Value::Int(x)) => {
                        assert!(min <= x && x <= max, "{x} in {parameter:?}");
                    }
                    _ => assert!(parameter.domain.index_of(value).is_some(), "{value} in {parameter:?}"),
                }
                let is_on_grid = parameter.domain.count().is_none() || parameter.domain.index_of(value).is_some();
                assert!(is_on_grid, "{value} in {parameter:?}");
                count += 1;
            }
            own = new;
        }
        assert!(ends.iter().all(|n| *n > 1_000), "the ends of ranges are reached, and not passed: {ends:?}");
    }
}
