//! What a client of `trimtab ask-tell` says: a JSON object on a line. Whatever is wrong with it is told by the name of its field.

use serde_json::{Map, Value};
use trimtab_engine::number;

/// The most bytes of a line.
pub const MAX_LINE: usize = 1 << 20;
/// The most bytes of an `id`, and the most characters of a `message` that are kept.
const MAX_TEXT: usize = 1024;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Mistake {
    /// The field, such as `values.loss`; `line` where there is no object to have one.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Mistake {
    /// A mistake in a field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What is said of a trial's metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// How far the trial is.
    pub fidelity: Option<f64>,
    /// The objective's value.
    pub value: Option<f64>,
    /// Values by the names of their metrics.
    pub named: Vec<(String, f64)>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// In order.
    Complete,
    /// The configuration failed.
    Failed,
    /// Neither: it is to be asked for again.
    Interrupted,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Wants a run to do.
    Ask,
    /// A run that goes on has come to a fidelity.
    Report {
        /// The trial.
        trial: u32,
        /// What it says.
        values: Values,
    },
    /// A run has ended.
    Tell {
        /// The trial.
        trial: u32,
        /// How.
        how: How,
        /// Its last values.
        values: Values,
        /// Why, for people.
        message: String,
    },
    /// Whether a run is to end early.
    ShouldStop {
        /// The trial.
        trial: u32,
    },
    /// Wants the best trial.
    Best,
}

impl Request {
    /// The names of all requests.
    pub const NAMES: [&str; 5] = ["ask", "report", "tell", "shouldStop", "best"];
}

/// Reads a line, in time that is linear in its length. The `id` comes back with the answer, also where the rest is wrong.
#[must_use]
pub fn parse(line: &[u8]) -> (Option<Value>, Result<Request, Mistake>) {
    if line.len() > MAX_LINE {
        return (None, Err(Mistake::new("line", format!("is longer than {MAX_LINE} bytes"))));
    }
    let object = match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => object,
        Ok(other) => {
            return (None, Err(Mistake::new("line", format!("is {}, and must be a JSON object", kind(&other)))));
        }
        Err(error) => {
            let words = format!("is no JSON: {error}; numbers that JSON does not have are texts, such as \"NaN\"");
            return (None, Err(Mistake::new("line", words)));
        }
    };
    let mut fields = Fields { object, request: "" };
    let id = match fields.id() {
        Ok(id) => id,
        Err(mistake) => return (None, Err(mistake)),
    };
    (id, fields.request())
}

/// The fields of a request that nobody has taken yet.
struct Fields {
    object: Map<String, Value>,
    request: &'static str,
}

impl Fields {
    fn id(&mut self) -> Result<Option<Value>, Mistake> {
        match self.object.remove("id") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() > MAX_TEXT => {
                Err(Mistake::new("id", format!("is longer than {MAX_TEXT} bytes")))
            }
            Some(id @ (Value::String(_) | Value::Number(_))) => Ok(Some(id)),
            Some(other) => Err(Mistake::new("id", format!("is {}, and must be a text or a number", kind(&other)))),
        }
    }

    fn request(mut self) -> Result<Request, Mistake> {
        let known = Request::NAMES.join(", ");
        let name = match self.object.remove("request") {
            None => return Err(Mistake::new("request", format!("is missing: it is one of {known}"))),
            Some(Value::String(name)) => name,
            Some(other) => {
                return Err(Mistake::new("request", format!("is {}, and must be one of {known}", kind(&other))));
            }
        };
        let Some(name) = Request::NAMES.into_iter().find(|known| *known == name) else {
            return Err(Mistake::new("request", format!("is `{}`, and must be one of {known}", short(&name))));
        };
        self.request = name;
        let request = match name {
            "ask" => Request::Ask,
            "report" => Request::Report { trial: self.trial()?, values: self.values()? },
            "tell" => Request::Tell {
                trial: self.trial()?,
                how: self.how()?,
                values: self.values()?,
                message: self.message()?,
            },
            "shouldStop" => Request::ShouldStop { trial: self.trial()? },
            _ => Request::Best,
        };
        match self.object.keys().next() {
            None => Ok(request),
            Some(field) if field.is_empty() => Err(Mistake::new("line", "has a field without a name")),
            Some(field) => Err(Mistake::new(short(field), format!("is no field of `{name}`"))),
        }
    }

    fn trial(&mut self) -> Result<u32, Mistake> {
        let Some(given) = self.object.remove("trial") else {
            return Err(Mistake::new("trial", format!("is missing: `{}` is about a trial", self.request)));
        };
        let number = given.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| {
            Mistake::new("trial", format!("is {}, and must be a trial's number, as an ask gave it", kind(&given)))
        })
    }

    fn how(&mut self) -> Result<How, Mistake> {
        let given = match self.object.remove("state") {
            None => return Ok(How::Complete),
            Some(given) => given,
        };
        match given.as_str() {
            Some("complete") => Ok(How::Complete),
            Some("failed") => Ok(How::Failed),
            Some("interrupted") => Ok(How::Interrupted),
            Some(other) => Err(format!("is `{}`", short(other))),
            None => Err(format!("is {}", kind(&given))),
        }
        .map_err(|what| Mistake::new("state", format!("{what}, and must be complete, failed or interrupted")))
    }

    fn message(&mut self) -> Result<String, Mistake> {
        match self.object.remove("message") {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.chars().take(MAX_TEXT).collect()),
            Some(other) => Err(Mistake::new("message", format!("is {}, and must be a text", kind(&other)))),
        }
    }

    fn values(&mut self) -> Result<Values, Mistake> {
        let fidelity = self.object.remove("fidelity").map(|given| number("fidelity", &given)).transpose()?;
        if fidelity.is_some_and(|fidelity| !fidelity.is_finite() || fidelity < 0.0) {
            return Err(Mistake::new("fidelity", "must be a finite number, and not below 0"));
        }
        let value = self.object.remove("value").map(|given| number("value", &given)).transpose()?;
        let named = match self.object.remove("values") {
            None => Vec::new(),
            Some(Value::Object(values)) => {
                let one = |(name, given): (String, Value)| {
                    let field = format!("values.{}", short(&name));
                    number(&field, &given).map(|value| (name, value))
                };
                values.into_iter().map(one).collect::<Result<_, _>>()?
            }
            Some(other) => {
                let words = format!("is {}, and must be an object: a metric's name and its value", kind(&other));
                return Err(Mistake::new("values", words));
            }
        };
        Ok(Values { fidelity, value, named })
    }
}

/// A number, or the text of one: JSON has neither NaN nor the infinities.
fn number(field: &str, given: &Value) -> Result<f64, Mistake> {
    let found = match given {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number::parse(text),
        _ => None,
    };
    found.ok_or_else(|| {
        Mistake::new(field, format!("is {}, and must be a number, or the text of one such as \"NaN\"", kind(given)))
    })
}

/// What a value is, for people.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(given) => given.to_string(),
        Value::Number(given) => given.to_string(),
        Value::String(given) => format!("the text `{}`", short(given)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// The beginning of a text that somebody else wrote.
#[must_use]
pub fn short(text: &str) -> String {
    const MOST: usize = 64;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
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
        let told =
            |how, message: &str| Request::Tell { trial: 1, how, values: Values::default(), message: message.into() };
        assert_eq!(request(r#"{"request":"tell","trial":1}"#), told(How::Complete, ""));
        assert_eq!(
            request(r#"{"request":"tell","trial":1,"state":"failed","message":"oops"}"#),
            told(How::Failed, "oops")
        );
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
}
