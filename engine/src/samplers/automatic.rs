//! Picks a sampler for each trial, by the space, the scheduler and how many trials have a value.
//!
//! Limits and parallelism have no say: they can change, and a study that is extended must go on as it would have. The
//! trial's record names what was picked, and its tag says why. The figures behind the rule are in `bench/samplers/automatic.md`.

use crate::plan::{Plan, Sampler, Scheduler, TpeSettings};
use crate::state::State;

pub(super) const NAME: &str = "automatic";

/// From this many values on, Parzen estimators are as good as the process, and take a hundredth of its time.
const MANY: usize = 200;

/// With this many parameters the process's length scales are not to be learnt from as many trials as people run.
const WIDE: usize = 16;

/// What the plan alone says, and why; `None` where it takes the trials to say.
fn by_plan(plan: &Plan) -> Option<(Sampler, &'static str)> {
    let parameters = &plan.spec().space.parameters;
    if plan.spec().has_several_objectives() {
        return Some((
            Sampler::Tpe(TpeSettings { independent: true, ..TpeSettings::default() }),
            "there are several objectives",
        ));
    }
    if matches!(plan.spec().scheduler, Scheduler::PopulationBased { .. }) {
        return Some((Sampler::QuasiRandom, "the first members of a population are to be spread"));
    }
    if plan.spec().scheduler != Scheduler::None {
        return Some((Sampler::Bohb, "trials are compared at lower fidelities"));
    }
    if parameters.iter().any(|parameter| !parameter.when.is_empty()) {
        return Some((Sampler::CmaEs { population: None }, "parameters exist under conditions"));
    }
    (parameters.len() >= WIDE).then_some((Sampler::CmaEs { population: None }, "there are 16 parameters or more"))
}

/// The study's sampler, or what is picked for it whatever comes of its trials.
pub(super) fn lasting(plan: &Plan) -> Sampler {
    match plan.spec().sampler {
        Sampler::Automatic => by_plan(plan).map_or(Sampler::Automatic, |(sampler, _)| sampler),
        named => named,
    }
}

/// What is asked for the next trial, and why.
pub(super) fn choose(plan: &Plan, state: &State<'_>) -> (Sampler, &'static str) {
    by_plan(plan).unwrap_or_else(|| {
        // There is no ladder then, so any value is evidence.
        let values = state.evidence().filter(|(_, trial)| trial.is_eligible() && !trial.values.is_empty()).count();
        if values < MANY {
            (Sampler::GaussianProcess, "fewer than 200 trials have a value")
        } else {
            (Sampler::Tpe(TpeSettings::default()), "200 trials or more have a value")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::surrogate::tests::{float, number, play, square, study};
    use super::*;
    use crate::fixture::parameter;
    use crate::space::{Condition, Space};
    use crate::{Action, Domain, Sizes};

    /// What the last trial says of its making.
    fn last(study: &crate::fixture::Study) -> (String, String) {
        let starts = study.history.batches.iter().flat_map(|batch| &batch.actions);
        let mut said = starts.filter_map(|action| match action {
            Action::Start { sampler, note, .. } => Some((sampler.clone(), note.tag.clone().unwrap_or_default())),
            _ => None,
        });
        said.next_back().unwrap()
    }

    #[test]
    fn process_gives_way_to_estimators() {
        let mut study = study(Sampler::Automatic, vec![float("x")], 1);
        study.settings(|settings| settings.limits.trials = Some(30));
        play(&mut study, |a| square(number(a, "x") - 1.0));
        let few = ("gaussianProcess".to_owned(), "automatic: fewer than 200 trials have a value".to_owned());
        assert_eq!(last(&study), few);
        study.settings(|settings| settings.limits.trials = Some(202));
        play(&mut study, |a| square(number(a, "x") - 1.0));
        assert_eq!(last(&study), ("tpe".to_owned(), "automatic: 200 trials or more have a value".to_owned()));
        assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
    }

    #[test]
    fn space_and_scheduler_have_a_say() {
        let says = |change: &dyn Fn(&mut crate::PlanSpec)| {
            let mut study = crate::fixture::Study::new(|spec| {
                spec.sampler = Sampler::Automatic;
                change(spec);
            });
            study.step();
            let (sampler, tag) = last(&study);
            format!("{sampler}, {}", tag.rsplit_once("; ").map_or(tag.as_str(), |(_, why)| why))
        };
        let many = |spec: &mut crate::PlanSpec| {
            spec.space = Space { parameters: (0..16).map(|i| float(&format!("x{i}"))).collect() };
        };
        assert_eq!(says(&many), "cmaEs, automatic: there are 16 parameters or more");
        let conditional = |spec: &mut crate::PlanSpec| {
            let kind = parameter("kind", Domain::Categorical { choices: vec!["a".to_owned(), "b".to_owned()] });
            let mut inner = float("x");
            inner.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["a".to_owned()] }];
            spec.space = Space { parameters: vec![kind, inner] };
        };
        assert_eq!(says(&conditional), "cmaEs, automatic: parameters exist under conditions");
        let ladder = |spec: &mut crate::PlanSpec| {
            spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        };
        assert_eq!(says(&ladder), "bohb, automatic: trials are compared at lower fidelities");
        let several = |spec: &mut crate::PlanSpec| {
            ladder(spec);
            spec.further = vec![crate::Objective { metric: "second".to_owned(), ..spec.objective.clone() }];
        };
        assert_eq!(says(&several), "tpe, automatic: there are several objectives");
    }
}
