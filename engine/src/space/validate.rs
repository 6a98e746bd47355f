//! What makes a search space valid.

use std::collections::BTreeSet;

use super::{Domain, Parameter, Scale, Space, domain};
use crate::number::to_text;
use crate::plan::PlanError;

/// The most parameters that a space may have.
const MAX_PARAMETERS: usize = 64;

/// The most choices or ordinal values that a parameter may have.
const MAX_CHOICES: usize = 256;

/// The longest name, so that it fits a label and an environment variable.
const MAX_NAME: usize = 63;

pub(super) fn space(space: &Space) -> Vec<PlanError> {
    let mut errors = Errors(Vec::new());
    if space.parameters.is_empty() {
        errors.add("parameters", "must have at least one parameter");
    }
    if space.parameters.len() > MAX_PARAMETERS {
        errors.add("parameters", format!("must have at most {MAX_PARAMETERS} (given {})", space.parameters.len()));
    }
    let mut names = BTreeSet::new();
    for (i, parameter) in space.parameters.iter().enumerate() {
        let path = format!("parameters[{i}]");
        let name = &parameter.name;
        if !is_name(name) {
            let rule = format!("must match `[a-z][a-z0-9_]*` with at most {MAX_NAME} characters (given `{name}`)");
            errors.add(format!("{path}.name"), rule);
        }
        if !names.insert(name.as_str()) {
            errors.add(format!("{path}.name"), format!("must be unique (given `{name}` again)"));
        }
        check_domain(&mut errors, &path, &parameter.domain);
        check_conditions(&mut errors, &path, parameter, space.parameters.get(..i).unwrap_or_default());
    }
    errors.0
}

struct Errors(Vec<PlanError>);

impl Errors {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(PlanError { field: field.into(), message: message.into() });
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn check_domain(errors: &mut Errors, path: &str, domain: &Domain) {
    match domain {
        Domain::Float { min, max, step, scale } => {
            check_float(errors, &format!("{path}.float"), (*min, *max), *step, *scale)
        }
        Domain::Int { min, max, step, scale } => {
            let path = format!("{path}.int");
            if min > max {
                errors.add(format!("{path}.min"), format!("must not be above `max` (given {min}, max {max})"));
            }
            if *scale == Scale::Log && *min < 1 {
                errors.add(format!("{path}.min"), format!("must be at least 1 on a logarithmic scale (given {min})"));
            }
            if let Some(step) = step.filter(|step| *step < 1) {
                errors.add(format!("{path}.step"), format!("must be at least 1 (given {step})"));
            }
            check_scale(errors, &path, step.is_some(), *scale);
        }
        Domain::Ordinal { values } => {
            let path = format!("{path}.ordinal.values");
            check_length(errors, &path, values.len());
            if values.iter().any(|v| !v.is_finite()) {
                errors.add(&path, "must be finite");
            } else if let Some(pair) = values.windows(2).find(|pair| pair[0] >= pair[1]) {
                let (a, b) = (to_text(pair[0]), to_text(pair[1]));
                errors.add(&path, format!("must rise strictly (given {a} before {b})"));
            }
        }
        Domain::Categorical { choices } => {
            let path = format!("{path}.categorical.choices");
            check_length(errors, &path, choices.len());
            if choices.iter().any(String::is_empty) {
                errors.add(&path, "must not be empty texts");
            }
            let mut seen = BTreeSet::new();
            if let Some(twice) = choices.iter().find(|choice| !seen.insert(choice.as_str())) {
                errors.add(&path, format!("must be unique (given `{twice}` again)"));
            }
        }
    }
}

fn check_float(errors: &mut Errors, path: &str, (min, max): (f64, f64), step: Option<f64>, scale: Scale) {
    for (field, value) in [("min", min), ("max", max)] {
        if !value.is_finite() {
            errors.add(format!("{path}.{field}"), format!("must be finite (given {})", to_text(value)));
        }
    }
    if min > max {
        let (min, max) = (to_text(min), to_text(max));
        errors.add(format!("{path}.min"), format!("must not be above `max` (given {min}, max {max})"));
    }
    if scale == Scale::Log && min <= 0.0 {
        let min = to_text(min);
        errors.add(format!("{path}.min"), format!("must be above 0 on a logarithmic scale (given {min})"));
    }
    if let Some(step) = step {
        if !(step.is_finite() && step > 0.0) {
            errors.add(format!("{path}.step"), format!("must be above 0 and finite (given {})", to_text(step)));
        } else if min.is_finite() && max.is_finite() && !domain::step_is_countable(min, max, step) {
            errors.add(format!("{path}.step"), format!("is too fine for the range (given {})", to_text(step)));
        }
    }
    check_scale(errors, path, step.is_some(), scale);
}

fn check_scale(errors: &mut Errors, path: &str, has_step: bool, scale: Scale) {
    if has_step && scale == Scale::Log {
        errors.add(format!("{path}.step"), "must be absent on a logarithmic scale");
    }
}

fn check_length(errors: &mut Errors, path: &str, length: usize) {
    if !(1..=MAX_CHOICES).contains(&length) {
        errors.add(path, format!("must have 1 to {MAX_CHOICES} values (given {length})"));
    }
}

fn check_conditions(errors: &mut Errors, path: &str, parameter: &Parameter, before: &[Parameter]) {
    for (j, condition) in parameter.when.iter().enumerate() {
        let path = format!("{path}.when[{j}]");
        let name = &condition.parameter;
        let Some(parent) = before.iter().find(|p| p.name == *name) else {
            errors
                .add(format!("{path}.parameter"), format!("must be a parameter earlier in the list (given `{name}`)"));
            continue;
        };
        // On a continuum the condition would hold with probability zero.
        if parent.domain.is_continuum() {
            errors.add(
                format!("{path}.parameter"),
                format!("must be a parameter with countable values; `{name}` is a float without a step"),
            );
            continue;
        }
        if condition.is_in.is_empty() || condition.is_in.len() > MAX_CHOICES {
            let given = condition.is_in.len();
            errors.add(format!("{path}.in"), format!("must have 1 to {MAX_CHOICES} values (given {given})"));
        }
        for text in &condition.is_in {
            if let Err(why) = parent.parse(text) {
                errors.add(format!("{path}.in"), format!("must be values of `{name}`: each {why}"));
            }
        }
    }
}
