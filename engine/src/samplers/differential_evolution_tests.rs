use super::*;
use crate::fixture::{Study, parameter};
use crate::plan::{Sampler, Scheduler, Sizes};
use crate::space::{Assignment, Condition, Domain, Scale, Space, Value};
use crate::{Action, FidelityRange};

fn float(name: &str) -> crate::space::Parameter {
    parameter(name, Domain::Float { min: -1.0, max: 1.0, step: None, scale: Scale::Linear })
}

/// Every kind of parameter, one of them under a condition.
fn all_kinds() -> Space {
    let whole = |scale, step| Domain::Int { min: 1, max: 100, step, scale };
    let choices = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let mut inner = float("inner");
    inner.when = vec![Condition { parameter: "kind".to_owned(), is_in: vec!["b".to_owned()] }];
    Space {
        parameters: vec![
            parameter("kind", Domain::Categorical { choices }),
            inner,
            parameter("rate", Domain::Float { min: 1e-5, max: 1e-1, step: None, scale: Scale::Log }),
            parameter("stepped", Domain::Float { min: 0.0, max: 1.0, step: Some(0.25), scale: Scale::Linear }),
            parameter("whole", whole(Scale::Linear, Some(3))),
            parameter("log", whole(Scale::Log, None)),
            parameter("ordinal", Domain::Ordinal { values: vec![1.0, 2.0, 8.0] }),
            parameter("fixed", Domain::Float { min: 2.0, max: 2.0, step: None, scale: Scale::Linear }),
        ],
    }
}

fn study(space: Space, trials: u32, seed: u64, scheduler: Scheduler) -> Study {
    Study::new(|spec| {
        spec.space = space;
        spec.seed = seed;
        spec.sampler = if matches!(scheduler, Scheduler::Dehb { .. }) { Sampler::Automatic } else { Sampler::Random };
        spec.scheduler = scheduler;
        spec.fidelity = Some(FidelityRange { min: 1, max: 9 });
        spec.settings.parallelism = 3;
        spec.settings.limits.trials = Some(trials);
    })
}

const DEHB: Scheduler = Scheduler::Dehb { reduction_factor: 3 };

/// Plays a study to its end; the best value of any trial.
fn play(study: &mut Study, value: impl Fn(&Assignment) -> f64) -> f64 {
    let mut parameters: std::collections::BTreeMap<u32, Assignment> = std::collections::BTreeMap::new();
    let mut best = f64::INFINITY;
    loop {
        let decision = study.step();
        if decision.actions.is_empty() {
            return best;
        }
        for action in decision.actions {
            let (number, level) = match action {
                Action::Start { number, level, parameters: own, .. } => {
                    parameters.insert(number.0, own);
                    (number.0, level)
                }
                Action::Continue { number, level, .. } => (number.0, level),
                Action::Stop { .. } => continue,
            };
            let found = value(&parameters[&number]);
            best = best.min(found);
            study.reach(number, level, found);
        }
    }
}

fn square(assignment: &Assignment) -> f64 {
    let term = |(_, value): &(String, Value)| if let Value::Float(x) = value { (x - 0.3) * (x - 0.3) } else { 0.0 };
    assignment.values.iter().map(term).sum()
}

/// What the starts of a study say.
fn starts(study: &Study) -> Vec<(Assignment, String, Note)> {
    let actions = study.history.batches.iter().flat_map(|batch| batch.actions.clone());
    let starts = actions.filter_map(|action| match action {
        Action::Start { parameters, sampler, note, .. } => Some((parameters, sampler, note)),
        _ => None,
    });
    starts.collect()
}

#[test]
fn tags_hold_the_vectors_that_are_tried() {
    let mut study = study(all_kinds(), 60, 3, DEHB);
    play(&mut study, square);
    let space = all_kinds();
    let all = starts(&study);
    assert_eq!(all.len(), 60);
    for (number, (parameters, sampler, note)) in all.iter().enumerate() {
        assert_eq!((sampler.as_str(), &note.fallback), (NAME, &None));
        let tag = note.tag.as_deref().unwrap();
        let vector = read(tag, space.parameters.len()).unwrap();
        assert_eq!(space.at(&vector), *parameters, "{tag}");
        assert!(tag.len() < crate::history::MAX_TAG);
        // The first population is drawn; from the second pass on everything is bred.
        assert_eq!(note.parents.is_empty(), number < 9, "{number}: {tag}");
        assert!(note.parents.iter().all(|parent| (parent.0 as usize) < number));
    }
    assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
}

#[test]
fn a_tag_of_the_largest_space_can_be_on_record() {
    let space = Space { parameters: (0..64).map(|i| float(&format!("x{i}"))).collect() };
    let mut study = study(space, 20, 3, DEHB);
    play(&mut study, square);
    let longest = starts(&study).iter().filter_map(|(_, _, note)| note.tag.as_ref().map(String::len)).max();
    assert!(longest.is_some_and(|bytes| bytes < crate::history::MAX_TAG), "{longest:?}");
}

#[test]
fn strange_tags_are_passed_over() {
    assert_eq!(read("place 3 at 27: 0.5 1 0", 3), Some(vec![0.5, 1.0, 0.0]));
    for tag in [
        "",
        "point 3",
        "place 3 at 27:",
        "place 3 at 27: ",
        "place 3 at 27: 0.5 0.5",
        "place 3 at 27: 0.5 0.5 1.5",
        "place 3 at 27: 0.5 NaN 0.5",
        "place 3 at 27: 0.5 -0.1 0.5",
        "place 3 at 27: 0.5  0.5 0.5",
        "g1 r0 0.5 0.5 0.5",
    ] {
        assert_eq!(read(tag, 3), None, "{tag}");
    }
}

#[test]
fn what_somebody_else_made_is_put_where_its_values_are() {
    let space = all_kinds();
    let mut study = study(all_kinds(), 3, 3, DEHB);
    for index in 0..200 {
        study.plan.spec.seed = index;
        let cube: Vec<f64> = {
            let mut stream = Stream::new(index, Purpose::Parameters, 0);
            space.parameters.iter().map(|_| stream.uniform()).collect()
        };
        let parameters = space.at(&cube);
        let start = Action::Start {
            number: TrialNumber(0),
            parameters: parameters.clone(),
            bracket: 0,
            level: 0,
            sampler: "startWith".to_owned(),
            note: Note { tag: Some("point 0".to_owned()), ..Note::default() },
            from: None,
            reason: crate::Reason::NewTrial,
        };
        let mut state = State::new(&study.plan);
        state.apply(&study.plan, &start);
        let found = space.at(&vector(&study.plan, &state, 0));
        for ((name, own), (_, found)) in parameters.values.iter().zip(&found.values) {
            match (own, found) {
                // A continuum is as exact as its logarithm.
                (Value::Float(a), Value::Float(b)) => {
                    assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{name}: {a} {b}")
                }
                _ => assert_eq!(own, found, "{name}"),
            }
        }
        assert_eq!(parameters.values.len(), found.values.len());
    }
}

#[test]
fn a_mutant_is_a_vector_plus_half_a_difference() {
    let made = |vector: [f64; 2], number| Made { vector: vector.to_vec(), from: vec![number] };
    let found = mutant(vec![made([0.5, 0.5], 7), made([1.0, 0.0], 3), made([0.0, 0.5], 5)]);
    assert_eq!((found.vector, found.from), (vec![1.0, 0.25], vec![7, 3, 5]));
}

#[test]
fn a_child_has_a_coordinate_of_the_mutant_and_stays_inside() {
    let mut study = study(Space { parameters: vec![float("x"), float("y"), float("z")] }, 30, 5, DEHB);
    play(&mut study, square);
    let state = State::fold(&study.plan, &study.history);
    let breeding = |target| Breeding {
        level: 0,
        place: 0,
        target: Some(target),
        mates: (0..9).collect(),
        everyone: (0..20).collect(),
    };
    let (mut changed, mut coordinates) = (0, 0);
    for seed in 0..500 {
        let mut stream = Stream::new(seed, Purpose::Evolution, 0);
        let child = breed(&study.plan, &state, &breeding(4), &mut stream);
        let target = vector(&study.plan, &state, 4);
        let differ = child.vector.iter().zip(&target).filter(|(a, b)| a != b).count();
        assert!(differ >= 1);
        assert!(child.vector.iter().all(|x| (0.0..=1.0).contains(x)));
        // The target is mated with others only, and comes first.
        assert_eq!(child.from[0], 4);
        let others: std::collections::BTreeSet<u32> = child.from[1..].iter().copied().collect();
        assert!(others.len() == 3 && !others.contains(&4) && others.iter().all(|mate| *mate < 9), "{others:?}");
        (changed, coordinates) = (changed + differ, coordinates + 3);
    }
    // One for certain, and each of the two others by one chance in two: two in three.
    let share = f64::from(u32::try_from(changed).unwrap()) / f64::from(u32::try_from(coordinates).unwrap());
    assert!((share - 2.0 / 3.0).abs() < 0.03, "{share}");
}

#[test]
fn too_few_mates_are_joined_by_mutants_of_everybody() {
    let mut study = study(Space { parameters: vec![float("x"), float("y")] }, 30, 5, DEHB);
    play(&mut study, square);
    let state = State::fold(&study.plan, &study.history);
    let breeding = Breeding { level: 2, place: 0, target: Some(3), mates: vec![1], everyone: vec![0, 1, 2, 3, 5, 6] };
    let mut with_mate = 0;
    for seed in 0..200 {
        let mut stream = Stream::new(seed, Purpose::Evolution, 0);
        let child = breed(&study.plan, &state, &breeding, &mut stream);
        assert!(child.from.iter().all(|number| breeding.everyone.contains(number)));
        assert!(parents(child.from.clone()).len() <= MAX_PARENTS);
        with_mate += u32::from(child.from.contains(&1));
    }
    assert!(with_mate > 100, "{with_mate}");
    // With nobody to breed from it is drawn.
    let alone = Breeding { target: Some(3), mates: vec![3], everyone: vec![3, 5], ..breeding };
    let mut stream = Stream::new(1, Purpose::Evolution, 0);
    assert_eq!(breed(&study.plan, &state, &alone, &mut stream).from, Vec::<u32>::new());
}

#[test]
fn evolution_finds_what_chance_does_not() {
    let space = || Space { parameters: (0..6).map(|i| float(&format!("x{i}"))).collect() };
    let hyperband = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
    let mean =
        |scheduler| (0..5).map(|seed| play(&mut study(space(), 150, seed, scheduler), square)).sum::<f64>() / 5.0;
    let (ours, chance) = (mean(DEHB), mean(hyperband));
    assert!(ours < chance / 3.0, "{ours} {chance}");
}

#[test]
fn known_points_are_bred_from() {
    let point = vec![("x".to_owned(), "0.3".to_owned()), ("y".to_owned(), "0.3".to_owned())];
    let mut study = Study::new(|spec| {
        spec.space = Space { parameters: vec![float("x"), float("y")] };
        spec.sampler = Sampler::Automatic;
        spec.scheduler = DEHB;
        spec.start_with = vec![point];
        spec.settings.start_with = 1;
        spec.settings.limits.trials = Some(40);
    });
    play(&mut study, square);
    let children = starts(&study).iter().filter(|(_, _, note)| note.parents.contains(&TrialNumber(0))).count();
    assert!(children > 3, "{children}");
    assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
}
