//! What `golden/importance.py` says of Optuna, and what no reference is needed for.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use trimtab_engine::{Assignment, Condition, Domain, Importance, Parameter, Scale, Space, Value, importance};

fn parameter(name: &str, domain: Domain) -> Parameter {
    Parameter { name: name.to_owned(), domain, when: Vec::new() }
}

const FACTORS: [u64; 8] = [3571, 7919, 1229, 5417, 4583, 2741, 6121, 9049];

/// The cases of `importance.py`: the same sums and products, so the same doubles.
fn unit(i: u32, j: u32) -> f64 {
    let place = (u64::from(i) * FACTORS[j as usize] + 17 * u64::from(j)) % 10_007;
    (f64::from(u32::try_from(place).unwrap()) + 0.5) / 10_007.0
}

fn index(count: u32, u: f64) -> f64 {
    (u * f64::from(count)).floor()
}

fn float(min: f64, max: f64, step: Option<f64>, scale: Scale) -> Domain {
    Domain::Float { min, max, step, scale }
}

fn names(choices: &str) -> Domain {
    Domain::Categorical { choices: choices.chars().map(String::from).collect() }
}

type Case = (Assignment, f64);

fn assignment(values: Vec<(&str, Value)>) -> Assignment {
    Assignment { values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn letter(letters: &str, u: f64) -> Value {
    let at = letters.chars().nth(index(u32::try_from(letters.len()).unwrap(), u) as usize);
    Value::Choice(at.unwrap().to_string())
}

fn additive_space() -> Space {
    let domain = float(-1.0, 1.0, None, Scale::Linear);
    Space { parameters: ["x0", "x1", "x2", "x3"].map(|name| parameter(name, domain.clone())).to_vec() }
}

fn additive(i: u32) -> Case {
    let x: Vec<f64> = (0..4).map(|j| -1.0 + (1.0 - -1.0) * unit(i, j)).collect();
    let value = 8.0 * x[0] * x[0] + 4.0 * x[1] * x[1] + 2.0 * x[2] * x[2];
    let names = ["x0", "x1", "x2", "x3"];
    (assignment(names.into_iter().zip(x.into_iter().map(Value::Float)).collect()), value)
}

fn tied(i: u32) -> Case {
    let (assignment, value) = additive(i);
    (assignment, (value * 2.0).trunc())
}

fn mixed_space() -> Space {
    let int = |min, max, step, scale| Domain::Int { min, max, step, scale };
    Space {
        parameters: vec![
            parameter("rate", float(0.0001, 1.0, None, Scale::Log)),
            parameter("units", int(32, 512, Some(32), Scale::Linear)),
            parameter("batch", int(1, 1024, None, Scale::Log)),
            parameter("kind", names("abcde")),
            parameter("dropout", float(0.0, 1.0, Some(0.1), Scale::Linear)),
            parameter("depth", Domain::Ordinal { values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0] }),
            parameter("seed", int(0, 999, None, Scale::Linear)),
        ],
    }
}

fn mixed(i: u32) -> Case {
    let u: Vec<f64> = (0..7).map(|j| unit(i, j)).collect();
    let (dropout, depth) = (index(11, u[4]) / 10.0, index(6, u[5]));
    let kind = letter("abcde", u[3]);
    let is_slow = matches!(&kind, Value::Choice(name) if name == "a" || name == "d");
    let value = (u[0] - 0.5) * (u[0] - 0.5) + u[1] / 4.0 + (u[2] - 0.25) * (u[2] - 0.25) / 2.0;
    let value = value + (if is_slow { 0.5 } else { 0.0 } + dropout / 8.0 + depth / 64.0);
    let values = vec![
        ("rate", Value::Float(0.0001 + (1.0 - 0.0001) * (u[0] * u[0] * u[0] * u[0]))),
        ("units", Value::Int(32 + 32 * index(16, u[1]) as i64)),
        ("batch", Value::Int(1 + index(1024, u[2] * u[2]) as i64)),
        ("kind", kind),
        ("dropout", Value::Float(dropout)),
        ("depth", Value::Float(depth)),
        ("seed", Value::Int(index(1000, u[6]) as i64)),
    ];
    (assignment(values), value)
}

fn conditional_space() -> Space {
    let only = |name: &str, domain, arm: &str| Parameter {
        when: vec![Condition { parameter: "arm".to_owned(), is_in: vec![arm.to_owned()] }],
        ..parameter(name, domain)
    };
    Space {
        parameters: vec![
            parameter("arm", names("ab")),
            only("left", float(0.0, 1.0, None, Scale::Linear), "a"),
            only("right", float(-2.0, 2.0, None, Scale::Linear), "b"),
            parameter("both", float(0.0, 1.0, None, Scale::Linear)),
        ],
    }
}

fn conditional(i: u32) -> Case {
    let u: Vec<f64> = (0..4).map(|j| unit(i, j)).collect();
    let arm = letter("ab", u[0]);
    let is_left = arm == Value::Choice("a".to_owned());
    let (branch, value) = if is_left {
        (("left", Value::Float(u[1])), (u[1] - 0.3) * (u[1] - 0.3))
    } else {
        (("right", Value::Float(-2.0 + (2.0 - -2.0) * u[2])), 0.05 + u[2] * u[2] / 4.0)
    };
    (assignment(vec![("arm", arm), branch, ("both", Value::Float(u[3]))]), value + u[3] / 16.0)
}

fn found(space: &Space, cases: &[Case]) -> Option<Importance> {
    importance(space, &cases.iter().map(|(assignment, value)| (assignment, *value)).collect::<Vec<_>>())
}

/// The share of the first parameter, and so on.
fn shares(space: &Space, cases: &[Case]) -> Vec<f64> {
    found(space, cases).unwrap().shares
}

#[test]
fn shares_are_those_of_optuna() {
    let mut looked_at = 0;
    for line in include_str!("golden/importance.csv").lines() {
        let [case, trials, name, share] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (space, make): (Space, fn(u32) -> Case) = match case {
            "additive" => (additive_space(), additive),
            "tied" => (additive_space(), tied),
            "mixed" => (mixed_space(), mixed),
            "conditional" => (conditional_space(), conditional),
            _ => panic!("{case}"),
        };
        let cases: Vec<Case> = (0..trials.parse().unwrap()).map(make).collect();
        let at = space.parameters.iter().position(|p| p.name == name).unwrap();
        let (ours, theirs) = (shares(&space, &cases)[at], share.parse::<f64>().unwrap());
        assert!((ours - theirs).abs() < 1e-9, "{case} of {trials}, {name}: {ours}, and Optuna has {theirs}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 49);
}

#[test]
fn what_alone_decides_has_nearly_the_whole_and_equals_have_equal_shares() {
    let space = additive_space();
    let alone: Vec<Case> = (0..2_000).map(|i| (additive(i).0, unit(i, 1))).collect();
    assert!(shares(&space, &alone)[1] > 0.99);
    let equals: Vec<Case> = (0..10_000).map(|i| (additive(i).0, unit(i, 0) + unit(i, 2))).collect();
    let equals = shares(&space, &equals);
    assert!((equals[0] - equals[2]).abs() < 0.02 && equals[1] + equals[3] < 0.01, "{equals:?}");
}

#[test]
fn order_of_trials_changes_nothing() {
    let (space, mut cases) = (mixed_space(), (0..500).map(mixed).collect::<Vec<_>>());
    let before = shares(&space, &cases);
    cases.reverse();
    assert_eq!(before, shares(&space, &cases));
}

#[test]
fn nothing_is_said_of_few_trials_and_failures_are_passed_over() {
    let (space, mut cases) = (additive_space(), (0..9).map(additive).collect::<Vec<_>>());
    cases.extend((9..40).map(|i| (additive(i).0, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][i as usize % 3])));
    assert_eq!(found(&space, &cases), None);
    cases.push(additive(40));
    assert_eq!(found(&space, &cases).map(|found| (found.trials, found.best)), Some((10, 1)));
}

#[test]
fn nothing_stands_out_where_all_are_alike() {
    let cases: Vec<Case> = (0..50).map(|i| (additive(i).0, 1.0)).collect();
    let found = found(&additive_space(), &cases).unwrap();
    assert_eq!((found.best, found.shares), (50, vec![0.0; 4]));
}

#[test]
fn extreme_spaces_have_finite_shares() {
    let int = |min, max, scale| Domain::Int { min, max, step: None, scale };
    let domains = vec![
        int(i64::MIN, i64::MAX, Scale::Linear),
        int(1, i64::MAX, Scale::Log),
        int(3, 3, Scale::Linear),
        float(-1e300, 1e300, None, Scale::Linear),
        float(f64::MIN, f64::MAX, None, Scale::Linear),
        float(1e-300, 1e300, None, Scale::Log),
        float(0.5, 0.5, None, Scale::Linear),
        float(0.0, 1.0, Some(2.0), Scale::Linear),
        names("a"),
        Domain::Ordinal { values: vec![7.0] },
    ];
    let parameters = (0..).zip(domains).map(|(i, domain)| parameter(&format!("p{i}"), domain)).collect();
    let space = Space { parameters };
    let at = |i| space.at(&(0..10).map(|j| unit(i, j % 8)).collect::<Vec<_>>());
    let cases: Vec<Case> = (0..100).map(|i| (at(i), 1e300 * unit(i, 1))).collect();
    let shares = shares(&space, &cases);
    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // A configuration that is not of the space is passed over.
    let strange: Vec<Case> = cases.into_iter().map(|(_, value)| (Assignment::default(), value)).collect();
    assert_eq!(found(&space, &strange).unwrap().shares, vec![0.0; 10]);
}
