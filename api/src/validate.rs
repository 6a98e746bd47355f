//! What makes an engine's plan of a Study, or says which fields are wrong.
//!
//! The schema and its CEL rules refuse most of this at the API server already. It is checked again here, because the
//! command line validates without a server, and because a cluster may hold objects that an older schema let in.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::MAX_STUDY_NAME;
use crate::study::{GRADIENT, GradientSampler, Study};
use crate::{plan, resources, template};

/// The most metrics that a Trial keeps.
const MAX_METRICS: usize = 17;

/// The longest name of a metric.
const MAX_METRIC_NAME: usize = 63;

/// What is wrong with a Study: which field, and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct FieldError {
    /// The field's path, such as `spec.parameters[2].float.min`.
    pub field: String,
    /// What is wrong and what is allowed: "must be below `max` (given 3, max 2)".
    pub message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Checks everything that can be checked without a cluster, and makes the engine's plan.
///
/// Without `spec.seed` the plan's seed comes from the Study's UID: see [`plan::seed`].
///
/// # Errors
/// Every mistake that was found, each with its field, in the order of the fields' names.
pub fn validate(study: &Study) -> Result<trimtab_engine::Plan, Vec<FieldError>> {
    let mut errors = Vec::new();
    check_name(study.metadata.name.as_deref(), &mut errors);
    check_metrics(study, &mut errors);
    check_warm_start(study, &mut errors);
    check_gradients(study, &mut errors);
    check_otherwise(study, &mut errors);
    resources::check(&study.spec, &mut errors);
    template::check(&study.spec, &mut errors);
    let plan = match plan::new(study) {
        Ok(plan) => Some(plan),
        Err(found) => {
            errors.extend(found);
            None
        }
    };
    match plan {
        Some(plan) if errors.is_empty() => Ok(plan),
        _ => {
            // Two layers may find the same mistake; one line of it is enough.
            errors.sort_by(|a, b| (&a.field, &a.message).cmp(&(&b.field, &b.message)));
            errors.dedup();
            Err(errors)
        }
    }
}

fn check_name(name: Option<&str>, errors: &mut Vec<FieldError>) {
    let field = "metadata.name";
    match name {
        None | Some("") => errors.push(FieldError::new(field, "must be set")),
        Some(name) if name.len() > MAX_STUDY_NAME => {
            let given = name.len();
            errors.push(FieldError::new(
                field,
                format!("must have at most {MAX_STUDY_NAME} characters, so that the names of its trials and Jobs fit (given {given})"),
            ));
        }
        Some(name) if !is_dns_label(name) => errors.push(FieldError::new(
            field,
            format!("must be of lower case letters, digits and `-`, and begin and end with a letter or digit (given `{name}`)"),
        )),
        Some(_) => {}
    }
}

/// What is learned from must be another Study, by a name that one can have.
fn check_warm_start(study: &Study, errors: &mut Vec<FieldError>) {
    let Some(warm) = &study.spec.warm_start else { return };
    let (name, field) = (&warm.study_name, "spec.warmStart.studyName");
    if !is_dns_label(name) || name.len() > MAX_STUDY_NAME {
        let message = format!(
            "must be the name of a Study: at most {MAX_STUDY_NAME} lower case letters, digits and `-` (given `{name}`)"
        );
        errors.push(FieldError::new(field, message));
    } else if study.metadata.name.as_ref() == Some(name) {
        errors.push(FieldError::new(field, "must name another study"));
    }
}

/// Whether a text can name a container, a Study, a volume.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|&c| inner(c) || c == b'-')
        && bytes.first().is_some_and(|&c| inner(c))
        && bytes.last().is_some_and(|&c| inner(c))
}

/// Whether a text can name a metric: what the log reader takes for a name, at most 63 characters.
fn is_metric_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let rest = |c: char| c.is_ascii_alphanumeric() || "_.:/@()%+-".contains(c);
    text.len() <= MAX_METRIC_NAME && text.starts_with(first) && text.chars().all(rest)
}

fn check_metrics(study: &Study, errors: &mut Vec<FieldError>) {
    let objectives =
        study.spec.objectives.iter().enumerate().map(|(i, o)| (format!("spec.objectives[{i}].metric"), &o.metric));
    let recorded = study.spec.record_metrics.iter().enumerate().map(|(i, m)| (format!("spec.recordMetrics[{i}]"), m));
    let bounded = |(i, constraint): (usize, &'_ crate::study::Constraint)| {
        Some((format!("spec.constraints[{i}].metric"), constraint.metric.clone()?))
    };
    let bounded: Vec<(String, String)> = study.spec.constraints.iter().enumerate().filter_map(bounded).collect();
    let count = study.spec.metrics().len();
    if count > MAX_METRICS {
        let (field, beside) = match followed(study) {
            Some(_) => ("spec.sampler.gradient.parameters", "objectives, constraints, `recordMetrics` and derivatives"),
            None => ("spec.recordMetrics", "objectives and constraints"),
        };
        let message = format!("must leave at most {MAX_METRICS} metrics, {beside} included (given {count})");
        errors.push(FieldError::new(field, message));
    }
    let is_objective = |name: &String| study.spec.objectives.iter().any(|objective| objective.metric == *name);
    // A bound may be on an objective, and the plan says what is bounded twice.
    let others = bounded.iter().filter(|(_, name)| !is_objective(name));
    let others: BTreeMap<&String, &String> = others.rev().map(|(field, name)| (name, field)).collect();
    let others = others.into_iter().map(|(name, field)| (field.clone(), name));
    let mut seen = BTreeSet::new();
    for (field, name) in objectives.chain(others).chain(recorded) {
        if !is_metric_name(name) {
            let message =
                "must be the name of a metric: at most 63 letters, digits and `_.:/@()%+-`, a letter or `_` first";
            errors.push(FieldError::new(field, format!("{message} (given `{name}`)")));
        } else if !seen.insert(name) {
            errors
                .push(FieldError::new(field, format!("must name a metric that no other field names (given `{name}`)")));
        }
    }
}

/// The sampler that follows gradients, where the Study has it.
fn followed(study: &Study) -> Option<&GradientSampler> {
    study.spec.sampler.as_ref()?.gradient.as_ref()
}

/// What is followed must have a derivative, and a name that a log can say.
fn check_gradients(study: &Study, errors: &mut Vec<FieldError>) {
    let Some(sampler) = followed(study) else { return };
    let field = "spec.sampler.gradient.parameters";
    let all = &study.spec.parameters;
    for (i, name) in sampler.parameters.iter().enumerate() {
        let mut wrong = |message: String| errors.push(FieldError::new(format!("{field}[{i}]"), message));
        if !all.iter().any(|parameter| parameter.name == *name && parameter.is_continuum()) {
            wrong(format!("must name a parameter that is a float without `step` and can vary (given `{name}`)"));
        } else if sampler.parameters.iter().take(i).any(|other| other == name) {
            wrong(format!("must be named once (given `{name}` again)"));
        }
    }
    let metrics = sampler.metrics(all);
    if let Some(metric) = metrics.iter().find(|metric| !is_metric_name(metric)) {
        let most = MAX_METRIC_NAME - GRADIENT.len();
        let message = format!("must name parameters of at most {most} characters: no log can say `{metric}`");
        errors.push(FieldError::new(field, message));
    }
}

fn check_otherwise(study: &Study, errors: &mut Vec<FieldError>) {
    for (i, parameter) in study.spec.parameters.iter().enumerate() {
        if parameter.otherwise.is_some() && parameter.when.is_empty() {
            let field = format!("spec.parameters[{i}].otherwise");
            errors.push(FieldError::new(field, "must be left out when `when` is: the parameter always exists"));
        }
    }
}
