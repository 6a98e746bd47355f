use proptest::prelude::*;

use super::*;
use crate::fixture::parameter;

fn int(min: i64, max: i64, step: Option<i64>, scale: Scale) -> Domain {
    Domain::Int { min, max, step, scale }
}

fn float(min: f64, max: f64, step: Option<f64>, scale: Scale) -> Domain {
    Domain::Float { min, max, step, scale }
}

fn choices(names: &[&str]) -> Domain {
    Domain::Categorical { choices: names.iter().map(|&n| n.to_owned()).collect() }
}

fn when(mut parameter: Parameter, parent: &str, values: &[&str]) -> Parameter {
    let is_in = values.iter().map(|&v| v.to_owned()).collect();
    parameter.when.push(Condition { parameter: parent.to_owned(), is_in });
    parameter
}

/// Two optimizers of which one has a momentum, and a depth of which large values have a bottleneck.
fn branching() -> Space {
    Space {
        parameters: vec![
            parameter("optimizer", choices(&["adam", "sgd", "lion"])),
            when(parameter("momentum", float(0.5, 0.9, Some(0.2), Scale::Linear)), "optimizer", &["sgd"]),
            parameter("depth", int(1, 5, None, Scale::Linear)),
            when(parameter("bottleneck", int(1, 2, None, Scale::Linear)), "depth", &["3", "5"]),
            when(
                when(parameter("nesterov", choices(&["yes", "no"])), "optimizer", &["sgd"]),
                "momentum",
                &["0.7", "0.9"],
            ),
        ],
    }
}

#[test]
fn unit_gives_whole_numbers_equal_shares() {
    let domain = int(1, 8, None, Scale::Linear);
    let mut counts = [0; 9];
    for i in 0..8_000 {
        let Value::Int(x) = domain.at_unit(f64::from(i) / 8_000.0) else { panic!() };
        counts[usize::try_from(x).unwrap()] += 1;
    }
    assert!(counts[1..].iter().all(|&n| n == 1_000), "{counts:?}");
}

#[test]
fn unit_gives_steps_equal_shares_with_the_ends() {
    let domain = float(1.0, 10.0, Some(3.0), Scale::Linear);
    let mut counts = std::collections::BTreeMap::new();
    for i in 0..4_000 {
        *counts.entry(domain.at_unit(f64::from(i) / 4_000.0).to_string()).or_insert(0) += 1;
    }
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("1".to_owned(), 1_000), ("10".to_owned(), 1_000), ("4".to_owned(), 1_000), ("7".to_owned(), 1_000)]
    );
}

#[test]
fn unit_gives_log_integers_the_share_of_their_halves() {
    let domain = int(1, 8, None, Scale::Log);
    let ones = (0..10_000).filter(|&i| domain.at_unit(f64::from(i) / 10_000.0) == Value::Int(1)).count();
    assert!((3_870..3_890).contains(&ones), "{ones}");
    assert_eq!(domain.at_unit(1.0), Value::Int(8));
}

#[test]
fn unit_covers_extreme_ranges() {
    assert_eq!(int(i64::MIN, i64::MAX, None, Scale::Linear).at_unit(0.0), Value::Int(i64::MIN));
    assert_eq!(int(i64::MIN, i64::MAX, None, Scale::Linear).at_unit(0.5), Value::Int(0));
    assert_eq!(int(1, 1_000_000, None, Scale::Log).at_unit(1.0), Value::Int(1_000_000));
    assert_eq!(int(1, i64::MAX, None, Scale::Log).at_unit(0.0), Value::Int(1));
    assert_eq!(float(-1e308, 1e308, None, Scale::Linear).at_unit(0.5), Value::Float(0.0));
    assert_eq!(float(1e-300, 1e300, None, Scale::Log).at_unit(0.0), Value::Float(1e-300));
    assert_eq!(float(1.0, 1.0, None, Scale::Log).at_unit(0.7), Value::Float(1.0));
    assert_eq!(int(4, 4, None, Scale::Log).at_unit(0.7), Value::Int(4));
}

#[test]
fn steps_are_written_as_people_write_them() {
    let domain = float(0.0, 0.95, Some(0.1), Scale::Linear);
    assert_eq!(domain.count(), Some(10));
    let texts: Vec<String> = (0..10).map(|i| domain.at(i).to_string()).collect();
    assert_eq!(texts, ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]);
    assert_eq!(float(0.1, 0.9, Some(0.1), Scale::Linear).count(), Some(9));
    assert_eq!(int(1, 10, Some(4), Scale::Linear).at(9), Value::Int(9));
}

#[test]
fn parse_checks_membership() {
    for (domain, good, bad) in [
        (float(0.0, 1.0, None, Scale::Linear), vec!["0", "1e-3", "1.0"], vec!["", "x", "NaN", "inf", "1.1", "-1"]),
        (float(0.0, 1.0, Some(0.1), Scale::Linear), vec!["0.3", "0.30000000000000004"], vec!["0.35", "1.1"]),
        (int(2, 10, Some(4), Scale::Linear), vec!["2", "6", "10"], vec!["3", "6.0", "14", "99999999999999999999"]),
        (Domain::Ordinal { values: vec![32.0, 64.0] }, vec!["32", "64.0"], vec!["33", "a"]),
        (choices(&["a", "1"]), vec!["a", "1"], vec!["A", "1.0", " a"]),
    ] {
        for text in good {
            assert!(domain.parse(text).is_ok(), "{text}");
        }
        for text in bad {
            assert!(domain.parse(text).is_err(), "{text}");
        }
    }
    assert_eq!(float(0.0, 1.0, Some(0.1), Scale::Linear).parse("0.30000000000000004"), Ok(Value::Float(0.3)));
    assert_eq!(Domain::Ordinal { values: vec![32.0] }.at(0).to_string(), "32");
}

#[test]
fn enumeration_counts_each_branch_once() {
    let space = branching();
    assert_eq!(space.validate(), []);
    // adam and lion: one each; sgd: momentum 0.5, or 0.7 and 0.9 with two more each. Depth: three plain, two doubled.
    assert_eq!(space.size(), Some((2 + 1 + 4) * (3 + 4)));
    let all = Enumeration::new(&space, None).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..all.size() {
        let assignment = all.at(number).unwrap();
        assert_eq!(all.number_of(&assignment), Some(number));
        let texts = assignment.to_texts();
        let read = Assignment::from_texts(&space, texts.iter().map(|(n, t)| (n.as_str(), t.as_str())));
        assert_eq!(read.as_ref(), Ok(&assignment));
        assert!(seen.insert(texts));
    }
    assert_eq!(all.at(all.size()), None);
}

#[test]
fn enumeration_spaces_floats_from_end_to_end() {
    let space = Space { parameters: vec![parameter("x", float(1.0, 100.0, None, Scale::Log))] };
    assert_eq!(space.size(), None);
    let all = Enumeration::new(&space, Some(3)).unwrap();
    let texts: Vec<String> = (0..3).map(|i| all.at(i).unwrap().values[0].1.to_string()).collect();
    assert_eq!(texts, ["1", "10", "100"]);
    assert_eq!(all.number_of(&all.at(1).unwrap()), Some(1));
}

#[test]
fn enumeration_gives_up_on_what_it_cannot_count() {
    let wide =
        Space { parameters: (0..9).map(|i| parameter(&format!("p{i}"), int(0, 255, None, Scale::Linear))).collect() };
    assert_eq!(wide.size(), None);
    // Every parameter asks for every earlier one: 2^40 situations.
    let mut parameters: Vec<Parameter> =
        (0..40).map(|i| parameter(&format!("p{i}"), choices(&["a", "b", "c"]))).collect();
    let last = (0..40).fold(parameter("last", choices(&["x", "y"])), |p, i| when(p, &format!("p{i}"), &["a"]));
    parameters.push(last);
    let tangled = Space { parameters };
    assert_eq!(tangled.validate(), []);
    assert_eq!(tangled.size(), None);
}

#[test]
fn from_texts_asks_for_exactly_the_active_parameters() {
    let space = branching();
    let read = |texts: &[(&'static str, &'static str)]| Assignment::from_texts(&space, texts.iter().copied());
    assert!(read(&[("depth", "1"), ("optimizer", "adam")]).is_ok());
    assert!(read(&[("optimizer", "adam")]).unwrap_err().contains("`depth` has no value"));
    assert!(read(&[("optimizer", "adam"), ("depth", "1"), ("momentum", "0.5")]).is_err());
    assert!(read(&[("optimizer", "adam"), ("depth", "1"), ("depth", "1")]).is_err());
    assert!(read(&[("optimizer", "adam"), ("depth", "9")]).is_err());
    assert!(read(&[("optimizer", "adam"), ("depth", "1"), ("other", "9")]).is_err());
}

#[test]
fn validate_names_every_field_that_is_wrong() {
    let condition = when(parameter("late", choices(&["x"])), "x", &["1"]);
    let space = Space {
        parameters: vec![
            parameter("Bad", float(2.0, 1.0, Some(0.0), Scale::Log)),
            parameter("a", float(0.0, f64::NAN, None, Scale::Log)),
            parameter("a", int(3, 1, Some(0), Scale::Log)),
            parameter("o", Domain::Ordinal { values: vec![1.0, 1.0] }),
            parameter("e", Domain::Ordinal { values: vec![] }),
            parameter("c", choices(&["x", "x", ""])),
            condition,
            parameter("f", float(0.0, 1.0, None, Scale::Linear)),
            when(parameter("g", choices(&["x"])), "f", &["1"]),
            when(parameter("h", choices(&["x"])), "c", &["y"]),
        ],
    };
    let fields: Vec<String> = space.validate().into_iter().map(|error| error.field).collect();
    assert_eq!(
        fields,
        [
            "parameters[0].name",
            "parameters[0].float.min",
            "parameters[0].float.step",
            "parameters[0].float.step",
            "parameters[1].float.max",
            "parameters[1].float.min",
            "parameters[2].name",
            "parameters[2].int.min",
            "parameters[2].int.step",
            "parameters[2].int.step",
            "parameters[3].ordinal.values",
            "parameters[4].ordinal.values",
            "parameters[5].categorical.choices",
            "parameters[5].categorical.choices",
            "parameters[6].when[0].parameter",
            "parameters[8].when[0].parameter",
            "parameters[9].when[0].in",
        ]
    );
}

fn domain() -> impl Strategy<Value = Domain> {
    let pair = |a: i64, b: i64| (a.min(b), a.max(b));
    prop_oneof![
        (any::<i64>(), any::<i64>(), proptest::option::of(1..1_000_i64)).prop_map(move |(a, b, step)| {
            let (min, max) = pair(a, b);
            int(min, max, step, Scale::Linear)
        }),
        (1..1_000_000_i64, 1..1_000_000_i64).prop_map(move |(a, b)| int(pair(a, b).0, pair(a, b).1, None, Scale::Log)),
        (-1e9..1e9, 0.0..1e9).prop_map(|(min, width)| float(min, min + width, None, Scale::Linear)),
        (1e-9..1.0, 1.0..1e9).prop_map(|(min, max)| float(min, max, None, Scale::Log)),
        (-100..100_i32, 0..1_000_i32, 1..50_i32).prop_map(|(min, width, step)| {
            let (min, step) = (f64::from(min) / 10.0, f64::from(step) / 100.0);
            float(min, min + f64::from(width) / 10.0, Some(step), Scale::Linear)
        }),
        proptest::collection::btree_set(-1_000..1_000_i32, 1..20)
            .prop_map(|set| Domain::Ordinal { values: set.into_iter().map(|v| f64::from(v) / 8.0).collect() }),
        proptest::collection::btree_set("[a-z0-9]{1,6}", 1..20)
            .prop_map(|set| Domain::Categorical { choices: set.into_iter().collect() }),
    ]
}

proptest! {
    #[test]
    fn values_come_back_from_text_and_from_the_unit_interval(domain in domain(), u in 0.0..=1.0_f64) {
        let value = domain.at_unit(u);
        prop_assert_eq!(domain.parse(&value.to_string()), Ok(value.clone()));
        let place = domain.to_unit(&value).unwrap();
        prop_assert!((0.0..=1.0).contains(&place));
        match (&domain, domain.at_unit(place)) {
            (Domain::Float { step: None, min, max, .. }, Value::Float(back)) => {
                let Value::Float(x) = value else { panic!() };
                prop_assert!((back - x).abs() <= 1e-9 * (max - min).max(x.abs()));
            }
            // Beyond 2^53 values the unit interval has no place of its own for each.
            (Domain::Int { .. }, _) if domain.count().is_none_or(|count| count > 1 << 50) => {}
            (_, back) => prop_assert_eq!(back, value),
        }
    }

    #[test]
    fn indices_come_back(domain in domain(), index in any::<u64>()) {
        if let Some(count) = domain.count() {
            let value = domain.at(index % count);
            prop_assert_eq!(domain.index_of(&value), Some(index % count));
        }
    }

    #[test]
    fn points_of_the_cube_are_configurations(point in proptest::collection::vec(0.0..=1.0_f64, 5)) {
        let space = branching();
        let assignment = space.at(&point);
        let texts = assignment.to_texts();
        let read = Assignment::from_texts(&space, texts.iter().map(|(n, t)| (n.as_str(), t.as_str())));
        prop_assert_eq!(read, Ok(assignment));
    }
}
