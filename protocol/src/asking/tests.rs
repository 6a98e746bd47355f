use proptest::prelude::*;

use super::*;

fn request(line: &str) -> Request {
    parse(line.as_bytes()).1.unwrap_or_else(|mistake| panic!("{line}: {mistake}"))
}

#[test]
fn requests_are_read() {
    assert_eq!(request(r#"{"request":"ask"}"#), Request::Ask);
    assert_eq!(request(r#"{"request":"best","id":7}"#), Request::Best);
    assert_eq!(request(r#"{"request":"shouldStop","trial":0}"#), Request::ShouldStop { trial: 0 });
    let values = Values { fidelity: Some(2.0), value: Some(0.5), named: vec![("acc".into(), f64::INFINITY)] };
    assert_eq!(
        request(r#"{"request":"report","trial":3,"fidelity":2,"value":0.5,"values":{"acc":"inf"}}"#),
        Request::Report { trial: 3, values }
    );
    let told = |how, message: &str| Request::Tell { trial: 1, how, values: Values::default(), message: message.into() };
    assert_eq!(request(r#"{"request":"tell","trial":1}"#), told(How::Complete, ""));
    assert_eq!(request(r#"{"request":"tell","trial":1,"state":"failed","message":"oops"}"#), told(How::Failed, "oops"));
    assert_eq!(request(r#"{"request":"tell","trial":1,"state":"interrupted"}"#), told(How::Interrupted, ""));
}

#[test]
fn every_mistake_names_its_field() {
    let long = format!(r#"{{"request":"ask","id":"{}"}}"#, "x".repeat(2000));
    for (line, field, words) in [
        ("", "line", "no JSON"),
        ("{", "line", "column"),
        ("7", "line", "is 7, and must be a JSON object"),
        ("[]", "line", "is a list"),
        ("{\"request\":\"tell\",\"trial\":0,\"value\":NaN}", "line", "\"NaN\""),
        ("{}", "request", "is missing: it is one of ask, report"),
        (r#"{"request":1}"#, "request", "is 1"),
        (r#"{"request":"stop"}"#, "request", "is `stop`"),
        (r#"{"request":"ask","id":[]}"#, "id", "is a list"),
        (long.as_str(), "id", "longer"),
        (r#"{"request":"ask","trial":1}"#, "trial", "no field of `ask`"),
        (r#"{"request":"tell"}"#, "trial", "is missing"),
        (r#"{"request":"tell","trial":-1}"#, "trial", "is -1"),
        (r#"{"request":"tell","trial":1.5}"#, "trial", "is 1.5"),
        (r#"{"request":"tell","trial":4294967296}"#, "trial", "trial's number"),
        (r#"{"request":"tell","trial":"0"}"#, "trial", "the text `0`"),
        (r#"{"request":"tell","trial":0,"value":null}"#, "value", "is null"),
        (r#"{"request":"tell","trial":0,"value":"high"}"#, "value", "the text `high`"),
        (r#"{"request":"tell","trial":0,"value":true}"#, "value", "is true"),
        (r#"{"request":"tell","trial":0,"values":[1]}"#, "values", "is a list"),
        (r#"{"request":"tell","trial":0,"values":{"loss":{}}}"#, "values.loss", "is an object"),
        (r#"{"request":"tell","trial":0,"state":"done"}"#, "state", "is `done`"),
        (r#"{"request":"tell","trial":0,"state":null}"#, "state", "is null"),
        (r#"{"request":"tell","trial":0,"message":1}"#, "message", "is 1"),
        (r#"{"request":"report","trial":0,"fidelity":-1,"value":1}"#, "fidelity", "not below 0"),
        (r#"{"request":"report","trial":0,"fidelity":"NaN","value":1}"#, "fidelity", "finite"),
        (r#"{"request":"report","trial":0,"fidelity":1,"value":1,"loss":2}"#, "loss", "no field of `report`"),
    ] {
        let mistake = parse(line.as_bytes()).1.expect_err(line);
        assert_eq!(mistake.field, field, "{line}: {mistake}");
        assert!(mistake.message.contains(words), "{line}: {mistake}");
    }
    let (_, many) = parse(&vec![b' '; MAX_LINE + 1]);
    assert_eq!(many.expect_err("too long").field, "line");
}

#[test]
fn the_id_comes_back_with_mistakes() {
    assert_eq!(parse(br#"{"id":"a","request":"none"}"#).0, Some(Value::from("a")));
}

/// JSON of the kind that clients get wrong: the right names with wrong values, and the other way round.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        Just("request"),
        Just("trial"),
        Just("value"),
        Just("values"),
        Just("fidelity"),
        Just("state"),
        Just("id"),
        Just("é"),
        Just("")
    ];
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|x| format!("{x:?}")),
        "[a-z]{0,6}".prop_map(|text| format!("\"{text}\"")),
        proptest::sample::select(Request::NAMES.to_vec()).prop_map(|name| format!("\"{name}\"")),
        Just("{\"loss\":1e999}".to_owned()),
        Just("[[[]]]".to_owned()),
    ];
    proptest::collection::vec((name, value), 0..6).prop_map(|fields| {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(",")).into_bytes()
    })
}

proptest! {
    #[test]
    fn no_line_is_too_much(line in prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), nearly()]) {
        if let (_, Err(mistake)) = parse(&line) {
            prop_assert!(!mistake.field.is_empty() && !mistake.message.is_empty());
            prop_assert!(mistake.field.len() + mistake.message.len() < 2000, "{mistake}");
        }
    }
}
