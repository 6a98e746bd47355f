use proptest::prelude::*;

use super::*;
use crate::fixture::parameter;
use crate::{Condition, Domain, Scale};

fn space() -> Space {
    let whole = |min, max| Domain::Int { min, max, step: None, scale: Scale::Linear };
    let choices = ["sgd", "adam"].map(str::to_owned).to_vec();
    let mut momentum = parameter("momentum", Domain::Float { min: 0.0, max: 1.0, step: None, scale: Scale::Linear });
    momentum.when = vec![Condition { parameter: "optimizer".to_owned(), is_in: vec!["sgd".to_owned()] }];
    Space {
        parameters: vec![
            parameter("layers", whole(1, 9)),
            parameter("hidden_units", whole(1, 900)),
            parameter("batch", Domain::Ordinal { values: vec![32.0, 64.0] }),
            parameter("optimizer", Domain::Categorical { choices }),
            momentum,
        ],
    }
}

/// Three layers of 100 units, batches of 64, sgd with momentum 0.5.
fn sgd() -> Assignment {
    let texts = [("layers", "3"), ("hidden_units", "100"), ("batch", "64"), ("optimizer", "sgd"), ("momentum", "0.5")];
    Assignment::from_texts(&space(), texts).unwrap()
}

fn adam() -> Assignment {
    Assignment::from_texts(&space(), [("layers", "3"), ("hidden_units", "100"), ("batch", "64"), ("optimizer", "adam")])
        .unwrap()
}

fn holds(text: &str, assignment: &Assignment) -> bool {
    Constraint::parse(&space(), text).unwrap_or_else(|error| panic!("{text}: {error}")).holds(assignment)
}

#[test]
fn expressions_mean_what_they_say() {
    for text in [
        "hidden_units * layers <= 1024",
        "hidden_units*layers==300",
        "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9",
        "7 - 2 - 1 == 4 && 16 / 4 / 2 == 2 && 7 % 4 == 3",
        "-layers == -3 && - - 2 == 2 && 2 - -1 == 3",
        "!(layers > 3) && !!true",
        "false || true && !false",
        "optimizer == 'sgd' && optimizer != 'adam' && 'sgd' == optimizer",
        "momentum > .25 && momentum < 5e-1 + 1E-9 && momentum >= 0.5",
        "min(layers, 2, hidden_units) == 2 && max(layers, batch) == 64",
        "abs(-2) == 2 && sqrt(9) == 3 && pow(2, 10) == 1024 && log2(8) == 3 && log10(1000) == 3",
        "exp(log(2)) - 2 < 1e-12 && floor(1.5) == 1 && ceil(1.5) == 2 && round(1.4) == 1",
        "(layers == 3) == true && (layers == 2) != (layers == 3)",
        "batch / 32 == 2",
    ] {
        assert!(holds(text, &sgd()), "{text}");
        let denied = format!("!({text})");
        assert!(!holds(&denied, &sgd()), "{denied}");
    }
}

#[test]
fn what_does_not_exist_is_unknown_and_holds() {
    assert!(holds("momentum > 0.9", &adam()));
    assert!(holds("!(momentum > 0.9)", &adam()));
    assert!(!holds("momentum > 0.9", &sgd()));
    assert!(!holds("momentum > 0.9 && layers == 9", &adam()), "`&&` decides without it");
    assert!(holds("momentum > 0.9 || layers == 3", &adam()));
    assert!(holds("max(momentum, 3) > 99", &adam()));
}

#[test]
fn what_is_no_number_compares_false() {
    for text in
        ["0 / 0 == 0 / 0", "0 / 0 != 1", "0 / 0 < 1", "sqrt(0 - 1) >= 0", "log(0 - layers) <= 9", "min(0/0, 1) < 9"]
    {
        assert!(!holds(text, &sgd()), "{text}");
    }
    assert!(holds("1 / 0 > 1e300", &sgd()));
}

#[test]
fn mistakes_say_where_and_what() {
    for (text, at, what) in [
        ("", 0, "expected a number, a name"),
        ("layers", 0, "the whole must be a condition, such as `x <= 3`, and is a number"),
        ("layers <", 8, "expected a number, a name"),
        ("layers < 3 extra", 11, "expected an operator or the end"),
        ("layers < 3 < 4", 11, "expected an operator or the end"),
        ("leyers < 3", 0, "`leyers` is no parameter"),
        ("(layers < 3", 11, "expected `)`"),
        ("optimizer < 'sgd'", 12, "`<` cannot compare a text with a text"),
        ("optimizer == 'sgdd'", 0, "`sgdd` is none of the choices sgd, adam"),
        ("optimizer == 3", 13, "`==` cannot compare a text with a number"),
        ("optimizer == 'sgd", 13, "the text has no end"),
        ("layers && true", 0, "expected a condition, found a number"),
        ("true && layers", 8, "expected a condition, found a number"),
        ("layers + optimizer > 2", 9, "expected a number, found a text"),
        ("!layers", 1, "expected a condition, found a number"),
        ("-optimizer < 1", 1, "expected a number, found a text"),
        ("sin(layers) < 1", 0, "`sin` is no function"),
        ("abs(1, 2) < 1", 0, "`abs` does not take 2 numbers"),
        ("min(1) < 1", 0, "`min` does not take 1 numbers"),
        ("abs(true) < 1", 4, "expected a number, found a condition"),
        ("abs(1 < 1", 4, "expected a number, found a condition"),
        ("max(1, 2 < 1", 7, "expected a number, found a condition"),
        ("max(1; 2) < 1", 5, "expected `,` or `)`"),
        (". < 1", 0, "`.` is no number"),
        ("1e999 > 1", 0, "`1e999` is no number"),
        ("layers < 3 ü", 11, "expected an operator or the end"),
        ("ü", 0, "expected a number"),
    ] {
        let error = Constraint::parse(&space(), text).unwrap_err();
        assert!(error.at == at && error.message.contains(what), "{text}: {error:?}");
    }
}

#[test]
fn length_steps_and_depth_are_bounded() {
    let nested = |depth: usize| format!("{}1{} < 2", "(".repeat(depth), ")".repeat(depth));
    assert!(Constraint::parse(&space(), &nested(MAX_DEPTH)).is_ok());
    for text in [
        nested(MAX_DEPTH + 1),
        nested(400),
        format!("{}1 < 2", "-".repeat(400)),
        format!("{}true", "!".repeat(400)),
        format!("{}1{} < 2", "abs(".repeat(100), ")".repeat(100)),
    ] {
        assert!(Constraint::parse(&space(), &text).unwrap_err().message.contains("levels of brackets"), "{text}");
    }
    let sum = |terms: usize| format!("{} < 2", vec!["1"; terms].join("+"));
    assert!(Constraint::parse(&space(), &sum(100)).is_ok());
    assert!(Constraint::parse(&space(), &sum(200)).unwrap_err().message.contains("at most 256"));
    assert!(Constraint::parse(&space(), &sum(900)).unwrap_err().message.contains("characters"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9'<>=!&|+*/%(), .-]{0,60}|.{0,40}") {
        if let Ok(constraint) = Constraint::parse(&space(), &text) {
            let _ = (constraint.holds(&sgd()), constraint.holds(&adam()), constraint.holds(&Assignment::default()));
            prop_assert!(constraint.steps.len() <= MAX_STEPS);
        }
    }
}
