//! The search space as axes.

use serde::Serialize;
use trimtab_api::study::{Parameter, Scale};
use trimtab_engine::number;

/// A parameter as an axis.
#[derive(Debug, Serialize)]
pub(super) struct Axis {
    name: String,
    /// Whether equal distances mean equal factors.
    log: bool,
    /// Whether its values are whole numbers.
    whole: bool,
    /// The ends of a range; absent for a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
    /// The values of a list, in its order; absent for a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<Vec<String>>,
    /// What it is, in words.
    words: String,
    /// When it exists, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
}

impl Axis {
    /// The axis of a parameter. A parameter without a domain, which no valid Study has, is an empty list.
    #[expect(clippy::cast_precision_loss, reason = "a screen shows fewer digits than a double has")]
    pub(super) fn new(parameter: &Parameter) -> Self {
        let range = |min: f64, max: f64, step: Option<String>, scale: Scale, what: &str| {
            let (low, high) = (number::to_text(min), number::to_text(max));
            let step = step.map_or_else(String::new, |step| format!(" in steps of {step}"));
            let log = scale == Scale::Log;
            let words = format!("{what} from {low} to {high}{step}{}", if log { ", logarithmic" } else { "" });
            (log, Some((min, max)), None, words)
        };
        let (log, range, list, words) = if let Some(float) = &parameter.float {
            range(float.min, float.max, float.step.map(number::to_text), float.scale, "a number")
        } else if let Some(int) = &parameter.int {
            range(int.min as f64, int.max as f64, int.step.map(|s| s.to_string()), int.scale, "a whole number")
        } else if let Some(ordinal) = &parameter.ordinal {
            let values: Vec<String> = ordinal.values.iter().map(|v| number::to_text(*v)).collect();
            let words = format!("one of the numbers {}", values.join(", "));
            (false, None, Some(values), words)
        } else {
            let choices = parameter.categorical.as_ref().map(|c| c.choices.clone()).unwrap_or_default();
            let words = format!("one of {}", choices.join(", "));
            (false, None, Some(choices), words)
        };
        let when: Vec<String> =
            parameter.when.iter().map(|when| format!("{} is {}", when.parameter, when.is_in.join(" or "))).collect();
        let when = (!when.is_empty()).then(|| when.join(" and "));
        let whole = parameter.int.is_some();
        Self { name: parameter.name.clone(), log, whole, range, list, words, when }
    }
}
