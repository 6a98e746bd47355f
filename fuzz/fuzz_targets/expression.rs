//! Any text is a constraint that can be evaluated on any configuration, or is refused; and what is read stays small.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_engine::expression::Constraint;
use trimtab_engine::{Condition, Domain, Parameter, Scale, Space};

fn space() -> Space {
    let float = Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear };
    let int = Domain::Int { min: i64::MIN, max: i64::MAX, step: None, scale: Scale::Linear };
    let kind = Domain::Categorical { choices: vec!["a".to_owned(), "b".to_owned()] };
    let parameter = |name: &str, domain| Parameter { name: name.to_owned(), domain, when: Vec::new() };
    let mut branch = parameter("z", float.clone());
    branch.when = vec![Condition { parameter: "k".to_owned(), is_in: vec!["b".to_owned()] }];
    Space { parameters: vec![parameter("x", float), parameter("n", int), parameter("k", kind), branch] }
}

fuzz_target!(|text: &str| {
    let space = space();
    if let Ok(constraint) = Constraint::parse(&space, text) {
        for point in [[0.0; 4], [1.0; 4], [0.3, 0.7, 0.9, 0.2]] {
            // The same on every evaluation, whatever it is.
            let assignment = space.at(&point);
            assert_eq!(constraint.holds(&assignment), constraint.holds(&assignment));
        }
    }
});
