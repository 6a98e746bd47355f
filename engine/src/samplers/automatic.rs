//! Picks a sampler for each trial, by the space, the scheduler and how many trials have a value.
//!
//! Limits and parallelism have no say: they can change, and a study that is extended must go on as it would have. What was
//! picked, and why, is the trial's tag. The rule is that of `bench/samplers/automatic.md`.

use crate::plan::{Plan, Sampler, Scheduler, TpeSettings};
use crate::state::State;

pub(super) const NAME: &str = "automatic";

/// From this many values on, Parzen estimators are as good as the process, and take a hundredth of its time.
const MANY: usize = 200;

/// With more parameters the process's length scales are not to be learnt from as many trials as people run.
const WIDE: usize = 20;

/// What is asked for the next trial, and why.
pub(super) fn choose(plan: &Plan, state: &State<'_>) -> (Sampler, String) {
    let parameters = &plan.spec().space.parameters;
    let tpe = Sampler::Tpe(TpeSettings::default());
    let (sampler, why) = if !matches!(plan.spec().scheduler, Scheduler::None) {
        (Sampler::Bohb, "trials are compared at lower fidelities".to_owned())
    } else if parameters.iter().any(|parameter| !parameter.when.is_empty()) {
        (tpe, "parameters exist under conditions".to_owned())
    } else if parameters.len() > WIDE {
        (tpe, format!("there are more than {WIDE} parameters"))
    } else {
        let values = state.trials().iter().filter(|trial| trial.is_eligible() && !trial.values.is_empty()).count();
        if values < MANY {
            (Sampler::GaussianProcess, format!("fewer than {MANY} trials have a value"))
        } else {
            (tpe, format!("{MANY} trials or more have a value"))
        }
    };
    let text = format!("{}: {why}", sampler.name());
    (sampler, text)
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
        let few = ("automatic".to_owned(), "gaussianProcess: fewer than 200 trials have a value".to_owned());
        assert_eq!(last(&study), few);
        study.settings(|settings| settings.limits.trials = Some(202));
        play(&mut study, |a| square(number(a, "x") - 1.0));
        assert_eq!(last(&study).1, "tpe: 200 trials or more have a value");
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
            last(&study).1
        };
        let many = |spec: &mut crate::PlanSpec| {
            spec.space = Space { parameters: (0..21).map(|i| float(&format!("x{i}"))).collect() };
        };
        assert_eq!(says(&many), "tpe: there are more than 20 parameters");
        let conditional = |spec: &mut crate::PlanSpec| {
            let kind = parameter("kind", Domain::Categorical { choices: vec!["a".to_owned(), "b".to_owned()] });
            let mut inner = float("x");
            inner.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["a".to_owned()] }];
            spec.space = Space { parameters: vec![kind, inner] };
        };
        assert_eq!(says(&conditional), "tpe: parameters exist under conditions");
        let ladder = |spec: &mut crate::PlanSpec| {
            spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        };
        assert_eq!(says(&ladder), "bohb: trials are compared at lower fidelities");
    }
}
