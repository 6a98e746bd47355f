//! What the desk says: a JSON object on a line, its kind in `answer`.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;
use trimtab_engine::number::to_text;
use trimtab_protocol::asking::Mistake;

/// The version of the requests and answers. Fields and answers may be added to a version; what is there stays what it is.
pub const PROTOCOL: u32 = 1;

/// A line of the desk: an answer, and the `id` of what it answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// As the request had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// The first line, which nobody asked for.
    Hello {
        /// See [`PROTOCOL`].
        protocol: u32,
        /// The version of the program.
        version: &'static str,
        /// The Study's name.
        study: String,
        /// The metric to optimize, and what may be reported besides.
        metrics: Vec<String>,
        /// The unit of fidelities; absent where the Study has none.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// How many runs may be out at once.
        parallelism: u32,
        /// Trials that are known already.
        trials: usize,
        /// Things that people should know.
        warnings: Vec<String>,
    },
    /// A run to do.
    Run {
        /// The trial.
        trial: u32,
        /// The run, from 1.
        run: u32,
        /// The configuration, in the order of the Study.
        parameters: Named,
        /// The trial's own seed.
        seed: u64,
        /// How far it goes.
        #[serde(flatten)]
        span: Option<Span>,
    },
    /// Nothing to do before another run is told.
    Wait {
        /// The trials that are out.
        running: Vec<u32>,
    },
    /// Nothing to do any more.
    End {
        /// Complete, Failed or Suspended.
        state: String,
        /// Why.
        reason: String,
    },
    /// What was reported is on record.
    Reported {
        /// The trial.
        trial: u32,
        /// Whether the run is to end early.
        #[serde(flatten)]
        stop: Stop,
    },
    /// Whether a run is to end early.
    ShouldStop {
        /// The trial.
        trial: u32,
        /// That.
        #[serde(flatten)]
        stop: Stop,
    },
    /// The end of a run is on record.
    Told {
        /// The trial.
        trial: u32,
        /// The run.
        run: u32,
        /// As what it counts: `good`, `failed`, or `nothing` for a run that may be asked for again or was stopped.
        counts: &'static str,
        /// Why, in a word of the closed list of ends.
        reason: &'static str,
        /// Why, for people; may be empty.
        message: String,
    },
    /// The best trial so far.
    Best {
        /// The trial; absent while no value can be used.
        trial: Option<u32>,
        /// What is known of it.
        #[serde(flatten)]
        best: Option<BestKnown>,
    },
    /// A request that could not be carried out; nothing has changed.
    Error {
        /// The field that is wrong.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

impl From<Mistake> for Answer {
    fn from(mistake: Mistake) -> Self {
        Self::Error { field: mistake.field, message: mistake.message }
    }
}

/// From where to where a run goes, in the Study's unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// What the trial's earlier runs have reached and kept; 0 where it begins.
    pub from: Number,
    /// Where this run ends, counted from the trial's beginning.
    pub to: u32,
    /// A full training.
    pub max: u32,
    /// The run whose checkpoint it goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_from_run: Option<u32>,
    /// The trial whose run that is, where it is another one: it is copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_from_trial: Option<u32>,
}

/// Whether a run is to end early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Whether.
    pub stop: bool,
    /// Why, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A best trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestKnown {
    /// Its value.
    pub value: Number,
    /// The fidelity at which it is the best; 1 in a Study without fidelities.
    pub level: u32,
    /// Its configuration.
    pub parameters: Named,
}

/// A number as JSON has it, or its text where JSON has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Every double of this size is a whole number that a JSON integer says exactly.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let Self(value) = *self;
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
        if !value.is_finite() {
            serializer.serialize_str(&to_text(value))
        } else if value.fract() == 0.0 && value.abs() < EXACT {
            serializer.serialize_i64(value as i64)
        } else {
            serializer.serialize_f64(value)
        }
    }
}

/// Names and values in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named(pub Vec<(String, Value)>);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_json_has_or_text() {
        let text = |value| serde_json::to_string(&Number(value)).unwrap();
        assert_eq!([9.0, -0.5, 1e300, f64::NAN].map(text), ["9", "-0.5", "1e+300", "\"NaN\""]);
        assert_eq!(serde_json::to_string(&Number(f64::NEG_INFINITY)).unwrap(), "\"-Infinity\"");
    }

    #[test]
    fn a_line_is_one_object_with_its_kind_and_id() {
        let span = Some(Span { from: Number(1.0), to: 3, max: 9, resume_from_run: Some(1), resume_from_trial: None });
        let parameters = Named(vec![("z".into(), 0.5.into()), ("a".into(), "b".into())]);
        let line = Line { id: Some(7.into()), answer: Answer::Run { trial: 2, run: 2, parameters, seed: 5, span } };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"id":7,"answer":"run","trial":2,"run":2,"parameters":{"z":0.5,"a":"b"},"seed":5,"from":1,"to":3,"max":9,"resumeFromRun":1}"#
        );
        let best = Line { id: None, answer: Answer::Best { trial: None, best: None } };
        assert_eq!(serde_json::to_string(&best).unwrap(), r#"{"answer":"best","trial":null}"#);
    }
}
