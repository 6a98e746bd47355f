//! Known starting points: proposed before anything else, in the order of the list, whatever the sampler.
//!
//! A point may leave parameters open; those are drawn. A point that exists already as a trial, or whose open parameters leave
//! nothing new that the constraints allow, is passed over. Which point a trial came from stands in its tag, so that the
//! next one is known after any restart, and points may be appended while the study runs.

use std::collections::BTreeSet;

use super::Proposal;
use crate::history::Note;
use crate::plan::{Plan, PlanError};
use crate::random::{Purpose, Stream};
use crate::space::{Assignment, Space};
use crate::state::{State, Trial};

pub(super) const NAME: &str = "startWith";

/// The most points of a study.
pub const MAX_POINTS: usize = 50;

/// How often the open parameters of a point are drawn again.
const REDRAWS: usize = 64;

/// What comes before a point's index in a tag.
const TAG: &str = "point ";

/// A starting point: the values that are given, in the order of the space.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StartPoint {
    given: Assignment,
}

impl StartPoint {
    /// The configuration, if no parameter is left open.
    pub(crate) fn whole(&self, space: &Space) -> Option<&Assignment> {
        let is_given =
            |parameter| !space.is_active(parameter, &self.given) || self.given.get(&parameter.name).is_some();
        space.parameters.iter().all(is_given).then_some(&self.given)
    }

    fn draw(&self, space: &Space, stream: &mut Stream) -> Assignment {
        let mut assignment = Assignment::default();
        for parameter in &space.parameters {
            if space.is_active(parameter, &assignment) {
                let given = self.given.get(&parameter.name).cloned();
                let value = given.unwrap_or_else(|| parameter.domain.at_unit(stream.uniform()));
                assignment.values.push((parameter.name.clone(), value));
            }
        }
        assignment
    }
}

/// Reads points from names and texts; says of each mistake where it is.
pub(crate) fn parse(space: &Space, points: &[Vec<(String, String)>], errors: &mut Vec<PlanError>) -> Vec<StartPoint> {
    let mut error = |field: String, message: String| errors.push(PlanError { field, message });
    if points.len() > MAX_POINTS {
        error("startWith".to_owned(), format!("must have at most {MAX_POINTS} points (given {})", points.len()));
    }
    let mut parsed: Vec<StartPoint> = Vec::new();
    for (i, texts) in points.iter().enumerate() {
        let path = format!("startWith[{i}].values");
        if texts.is_empty() {
            error(path.clone(), "must give at least one parameter".to_owned());
        }
        let mut given = Assignment::default();
        let mut names = BTreeSet::new();
        for (j, (name, text)) in texts.iter().enumerate() {
            if !names.insert(name.as_str()) {
                error(format!("{path}[{j}].name"), format!("must be given once (given `{name}` again)"));
            }
            match space.parameter(name).map(|parameter| parameter.parse(text)) {
                None => {
                    error(format!("{path}[{j}].name"), format!("must be a parameter of this study (given `{name}`)"))
                }
                Some(Err(why)) => error(format!("{path}[{j}].value"), why),
                Some(Ok(value)) => given.values.push((name.clone(), value)),
            }
        }
        given.values.sort_by_key(|(name, _)| space.parameters.iter().position(|parameter| parameter.name == *name));
        given.values.dedup_by(|a, b| a.0 == b.0);
        for (j, (name, _)) in texts.iter().enumerate() {
            let is_known = given.get(name).is_some();
            if is_known && space.parameter(name).is_some_and(|parameter| !space.is_active(parameter, &given)) {
                let rule = format!("must be left out, or be given with the values under which `{name}` exists");
                error(format!("{path}[{j}].name"), rule);
            }
        }
        if let Some(same) = parsed.iter().position(|point| point.given == given).filter(|_| !given.values.is_empty()) {
            error(
                format!("startWith[{i}]"),
                format!("must differ from every other point (`startWith[{same}]` is the same)"),
            );
        }
        parsed.push(StartPoint { given });
    }
    parsed
}

/// What is known of the points that were proposed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The first point that may still be proposed.
    next: usize,
    /// How many trials came from points.
    pub(super) trials: u64,
    /// The numbers of their configurations, where the plan can number them.
    pub(super) taken: BTreeSet<u64>,
}

impl Memory {
    /// A trial was started.
    pub(crate) fn started(&mut self, plan: &Plan, trial: &Trial<'_>) {
        let tag = trial.note.tag.as_deref().filter(|_| trial.sampler == NAME);
        let Some(index) = tag.and_then(|tag| tag.strip_prefix(TAG)?.parse::<usize>().ok()) else { return };
        self.next = self.next.max(index.saturating_add(1));
        self.trials += 1;
        let parameters = trial.parameters.as_deref();
        self.taken.extend(parameters.and_then(|parameters| plan.enumeration.as_ref()?.number_of(parameters)));
    }
}

/// The next point that is not there yet.
pub(super) fn propose(plan: &Plan, state: &State<'_>, number: u32) -> Option<Proposal> {
    let space = &plan.spec().space;
    let count = plan.start_points.len().min(plan.settings().start_with as usize);
    let points = plan.start_points.iter().enumerate().take(count).skip(state.start_points().next);
    for (index, point) in points {
        let mut stream = Stream::new(plan.spec().seed, Purpose::Parameters, u64::from(number));
        let draws = if point.whole(space).is_some() { 1 } else { REDRAWS };
        let new = (0..draws).map(|_| point.draw(space, &mut stream)).find(|assignment| {
            let is_there = state.trials().iter().any(|trial| trial.parameters.as_deref() == Some(assignment));
            !is_there && plan.allows(assignment)
        });
        if let Some(assignment) = new {
            let note = Note { tag: Some(format!("{TAG}{index}")), ..Note::default() };
            return Some(Proposal { assignment, sampler: NAME, note });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Study, parameter, short};
    use crate::{Action, Condition, Domain, Goal, PlanSpec, Sampler, Scale, Value};

    fn texts(points: &[&[(&str, &str)]]) -> Vec<Vec<(String, String)>> {
        points.iter().map(|point| point.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()).collect()
    }

    fn branched(spec: &mut PlanSpec) {
        let choices = ["sgd", "adam"].map(str::to_owned).to_vec();
        let mut momentum =
            parameter("momentum", Domain::Float { min: 0.0, max: 1.0, step: Some(0.5), scale: Scale::Linear });
        momentum.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["sgd".to_owned()] }];
        let depth = parameter("depth", Domain::Int { min: 1, max: 3, step: None, scale: Scale::Linear });
        spec.space.parameters = vec![parameter("kind", Domain::Categorical { choices }), momentum, depth];
        spec.settings.limits.trials = None;
    }

    fn with(sampler: Sampler, points: &[&[(&str, &str)]]) -> Study {
        Study::new(|spec| {
            branched(spec);
            spec.sampler = sampler;
            spec.start_with = texts(points);
            spec.settings.start_with = 9;
            spec.settings.parallelism = 40;
        })
    }

    fn starts(study: &mut Study) -> Vec<(String, Vec<String>)> {
        let text = |parameters: &Assignment| parameters.values.iter().map(|(_, value)| value.to_string()).collect();
        let start = |action: &Action| match action {
            Action::Start { parameters, sampler, .. } => (sampler.clone(), text(parameters)),
            _ => panic!("{}", short(action)),
        };
        study.step().actions.iter().map(start).collect()
    }

    const SAMPLERS: [Sampler; 4] = [
        Sampler::Random,
        Sampler::Grid { points: None },
        Sampler::Genetic { population: Some(4) },
        Sampler::CmaEs { population: None },
    ];

    #[test]
    fn points_come_first_and_no_configuration_comes_twice_whatever_the_sampler() {
        for sampler in SAMPLERS {
            let mut study = with(
                sampler,
                &[&[("depth", "3"), ("kind", "adam")], &[("momentum", "0.5"), ("kind", "sgd")], &[("depth", "2")]],
            );
            let all = starts(&mut study);
            assert_eq!(all[0], ("startWith".to_owned(), vec!["adam".to_owned(), "3".to_owned()]));
            assert_eq!((all[1].0.as_str(), &all[1].1[..2]), ("startWith", &["sgd".to_owned(), "0.5".to_owned()][..]));
            assert_eq!((all[2].0.as_str(), all[2].1.last().unwrap().as_str()), ("startWith", "2"));
            assert!(all[3..].iter().all(|(sampler, _)| sampler != "startWith"));
            let different: BTreeSet<&Vec<String>> = all.iter().map(|(_, values)| values).collect();
            assert_eq!((all.len(), different.len()), (12, 12), "{sampler:?} covers the space once");
            assert!(crate::verify::verify(&study.plan, &study.history).is_empty());
        }
    }

    #[test]
    fn appended_points_are_proposed_next_and_known_ones_passed_over() {
        let mut study =
            with(Sampler::Random, &[&[("depth", "3"), ("kind", "adam")], &[("depth", "3"), ("kind", "sgd")]]);
        study.settings(|settings| (settings.start_with, settings.parallelism) = (1, 1));
        assert_eq!(starts(&mut study)[0].0, "startWith");
        study.settings(|settings| settings.parallelism = 4);
        assert!(starts(&mut study).iter().all(|(sampler, _)| sampler == "random"));
        study.settings(|settings| (settings.start_with, settings.parallelism) = (2, 5));
        let appended = starts(&mut study);
        assert_eq!((appended[0].0.as_str(), appended[0].1[0].as_str()), ("startWith", "sgd"));
        assert!(crate::verify::verify(&study.plan, &study.history).is_empty());
        // A point that exists as a trial is no reason to run it again.
        let known = appended[0].1.clone();
        let points = texts(&[
            &[("depth", "3"), ("kind", "adam")],
            &[("kind", &known[0]), ("momentum", &known[1]), ("depth", &known[2])],
        ]);
        let mut spec = study.plan.spec().clone();
        spec.start_with = points;
        spec.settings.parallelism = 40;
        study.plan = Plan::new(spec).unwrap();
        assert!(starts(&mut study).iter().all(|(sampler, _)| sampler == "random"));
    }

    #[test]
    fn mistakes_are_said_all_at_once_with_their_place() {
        let mut spec = crate::fixture::spec();
        branched(&mut spec);
        spec.objective.goal = Goal::Minimize;
        spec.start_with = texts(&[
            &[("depth", "3")],
            &[("depth", "4"), ("deepth", "1")],
            &[("kind", "adam"), ("momentum", "0.5")],
            &[("momentum", "0.5")],
            &[],
            &[("depth", "3")],
            &[("depth", "1"), ("depth", "2")],
        ]);
        let errors = Plan::new(spec).unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let wanted = [
            "startWith[1].values[0].value",
            "startWith[1].values[1].name",
            "startWith[2].values[1].name",
            "startWith[3].values[0].name",
            "startWith[4].values",
            "startWith[5]",
            "startWith[6].values[1].name",
        ];
        assert_eq!(fields, wanted, "{errors:#?}");
        assert!(errors[0].message.contains("must be between 1 and 3 (given `4`)"), "{}", errors[0]);
    }

    #[test]
    fn number_near_a_step_is_that_step() {
        let study = with(Sampler::Random, &[&[("kind", "sgd"), ("momentum", "0.5000000000001"), ("depth", "1")]]);
        let whole = study.plan.start_points[0].whole(&study.plan.spec().space).unwrap();
        assert_eq!(whole.get("momentum"), Some(&Value::Float(0.5)));
    }
}
