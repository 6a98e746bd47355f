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
mod tests;
