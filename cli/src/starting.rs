//! A Study that begins with known configurations: how a search goes on where its record cannot be taken along.
//!
//! A cluster takes no record from outside: its Trials are written by its operator alone, and a value that nobody saw it measure is no
//! evidence there. What can be taken along is what was found: the configurations, which are tried again, before all others.

use trimtab_api::study::{Goal, ParameterValue, StartPoint};
use trimtab_api::{Study, validate};
use trimtab_engine::number;

use crate::error::Error;

/// As many as the schema allows.
const MOST: usize = 50;

/// A configuration, how far it came and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) parameters: Vec<ParameterValue>,
    pub(crate) level: u32,
    pub(crate) value: f64,
}

/// Puts the best first, as the engine ranks: by the level that was reached, then by the value. What failed is left out.
pub(crate) fn rank(found: &mut Vec<Found>, goal: Goal) {
    found.retain(|found| found.value.is_finite());
    let cost = |found: &Found| match goal {
        Goal::Minimize => found.value,
        Goal::Maximize => -found.value,
    };
    found.sort_by(|a, b| b.level.cmp(&a.level).then(cost(a).total_cmp(&cost(b))));
}

/// A Study for another place, which tries these configurations first; how many were added comes with it. Those that it begins with
/// already are not added again.
pub(crate) fn study(from: &Study, found: &[Found], most: usize) -> Result<(Study, usize), Error> {
    let mut study = Study::new(from.metadata.name.as_deref().unwrap_or_default(), from.spec.clone());
    study.metadata.labels.clone_from(&from.metadata.labels);
    let points = &mut study.spec.start_with;
    let before = points.len();
    for found in found {
        let point = StartPoint { values: found.parameters.clone() };
        if points.len() < MOST && points.len() < before + most && !points.contains(&point) {
            points.push(point);
        }
    }
    let added = points.len() - before;
    validate(&study).map_err(|mistakes| {
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        Error::InvalidStudy { name: study.metadata.name.clone().unwrap_or_default(), message: mistakes.join("; ") }
    })?;
    Ok((study, added))
}

/// The Study as a file, with a comment that says what it is.
pub(crate) fn manifest(study: &Study, comment: &str) -> Result<String, Error> {
    let mut value = serde_json::to_value(study).map_err(|error| Error::Render(error.to_string()))?;
    if let Some(members) = value.as_object_mut() {
        members.remove("status");
    }
    let yaml = serde_saphyr::to_string(&value).map_err(|error| Error::Render(error.to_string()))?;
    let comment: String = comment.lines().map(|line| format!("# {line}\n")).collect();
    Ok(format!("{comment}{}\n", yaml.trim_end()))
}

/// A value as it is written, such as `0.5` or `NaN`.
pub(crate) fn value(text: &str) -> f64 {
    number::parse(text).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, level: u32, value: f64) -> Found {
        Found { parameters: vec![ParameterValue { name: "x".to_owned(), value: name.to_owned() }], level, value }
    }

    fn names(found: &[Found]) -> Vec<&str> {
        found.iter().map(|found| found.parameters[0].value.as_str()).collect()
    }

    #[test]
    fn the_highest_level_counts_before_the_value_and_failures_do_not_count() {
        let all = [found("a", 1, 0.1), found("b", 9, 0.5), found("c", 9, 0.4), found("d", 9, f64::NAN)];
        let mut least = all.to_vec();
        rank(&mut least, Goal::Minimize);
        assert_eq!(names(&least), ["c", "b", "a"]);
        let mut most = all.to_vec();
        rank(&mut most, Goal::Maximize);
        assert_eq!(names(&most), ["b", "c", "a"]);
    }
}
