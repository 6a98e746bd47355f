//! Parameters, the space that they span, and points in it.

mod domain;
mod enumeration;
mod validate;

use crate::number;
use crate::plan::PlanError;

pub use enumeration::Enumeration;

/// How a numeric range is walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Uniform in the value.
    #[default]
    Linear,
    /// Uniform in the logarithm; the range must be above zero.
    Log,
}

/// The values that a parameter can take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Real numbers in `min..=max`; with a step, `min + k * step` (linear only), the top lowered to the grid.
    Float {
        /// The lowest value.
        min: f64,
        /// The highest value.
        max: f64,
        /// The distance of neighbours.
        step: Option<f64>,
        /// How the range is walked.
        scale: Scale,
    },
    /// Whole numbers in `min..=max`; with a step, `min + k * step` (linear only), the top lowered to the grid.
    Int {
        /// The lowest value.
        min: i64,
        /// The highest value.
        max: i64,
        /// The distance of neighbours, at least 1.
        step: Option<i64>,
        /// How the range is walked.
        scale: Scale,
    },
    /// Numbers in a meaningful order, strictly rising.
    Ordinal {
        /// The values.
        values: Vec<f64>,
    },
    /// Names without an order, all different.
    Categorical {
        /// The names.
        choices: Vec<String>,
    },
}

/// A parent's values under which a parameter exists. All conditions of a parameter must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The parent's name: an earlier parameter in the list.
    pub parameter: String,
    /// The parent's values, as text.
    pub is_in: Vec<String>,
}

/// A parameter of the search space.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Matches `[a-z][a-z0-9_]*`.
    pub name: String,
    /// Its values.
    pub domain: Domain,
    /// When it exists; empty: always.
    pub when: Vec<Condition>,
}

/// The search space: parameters in the user's order, parents before children.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A real number, also an ordinal's.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// A choice.
    Choice(String),
}

/// The values of the active parameters, in the order of the space. It is what a container sees, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// Name and value of each active parameter.
    pub values: Vec<(String, Value)>,
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Float(x) => f.write_str(&number::to_text(*x)),
            Self::Int(x) => x.fmt(f),
            Self::Choice(x) => f.write_str(x),
        }
    }
}

impl Parameter {
    /// Reads a value that the parameter can take. A number near a step's point is taken as that point.
    ///
    /// # Errors
    /// A sentence part that says what it can take.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        self.domain.parse(text)
    }
}

impl Assignment {
    /// The value of an active parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Names and values as text, in the order of the space.
    #[must_use]
    pub fn to_texts(&self) -> Vec<(String, String)> {
        self.values.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
    }

    /// Reads what [`Self::to_texts`] wrote: every active parameter once, nothing else, in any order.
    ///
    /// # Errors
    /// A sentence part that says which parameter is wrong and why.
    pub fn from_texts<'a>(space: &Space, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut given = std::collections::BTreeMap::new();
        for (name, text) in texts {
            if space.parameter(name).is_none() {
                return Err(format!("`{name}` is no parameter of this study"));
            }
            if given.insert(name, text).is_some() {
                return Err(format!("`{name}` is given twice"));
            }
        }
        let mut assignment = Self::default();
        for parameter in &space.parameters {
            let text = given.remove(parameter.name.as_str());
            match (text, space.is_active(parameter, &assignment)) {
                (None, false) => {}
                (Some(text), true) => {
                    let value = parameter.parse(text).map_err(|why| format!("`{}` {why}", parameter.name))?;
                    assignment.values.push((parameter.name.clone(), value));
                }
                (None, true) => return Err(format!("`{}` has no value", parameter.name)),
                (Some(_), false) => {
                    return Err(format!("`{}` does not exist beside the other values", parameter.name));
                }
            }
        }
        Ok(assignment)
    }
}

impl Space {
    /// Everything that is wrong with the space; empty when nothing is.
    #[must_use]
    pub fn validate(&self) -> Vec<PlanError> {
        validate::space(self)
    }

    /// Whether a float takes any value of its range.
    #[must_use]
    pub fn has_continuum(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.domain.is_continuum())
    }

    /// The parameter of this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// Whether a parameter exists beside these values of the parameters before it: all its conditions hold, and an
    /// inactive parent satisfies none.
    #[must_use]
    pub fn is_active(&self, parameter: &Parameter, before: &Assignment) -> bool {
        parameter.when.iter().all(|condition| {
            let (Some(parent), Some(value)) = (self.parameter(&condition.parameter), before.get(&condition.parameter))
            else {
                return false;
            };
            condition.is_in.iter().any(|text| match value {
                Value::Choice(choice) => choice == text,
                _ => parent.parse(text).is_ok_and(|wanted| wanted == *value),
            })
        })
    }

    /// Whether these are the values of all active parameters, in the order of the space, and of nothing else. A record may hold
    /// anything.
    #[must_use]
    pub fn contains(&self, assignment: &Assignment) -> bool {
        let mut given = assignment.values.iter();
        for parameter in self.parameters.iter().filter(|parameter| self.is_active(parameter, assignment)) {
            let own = given.next().filter(|(name, _)| *name == parameter.name);
            if !own.is_some_and(|(_, value)| parameter.domain.contains(value)) {
                return false;
            }
        }
        given.next().is_none()
    }

    /// How many configurations there are, each conditional branch counted once; `None` when they are infinitely many,
    /// more than a `u64` counts, or entangled beyond [`Enumeration`]'s bound.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        Enumeration::new(self, None).map(|all| all.size())
    }

    /// The configuration at a point of the unit cube, one coordinate for each parameter in order (missing ones are 1/2).
    /// Coordinates of inactive parameters are passed over.
    #[must_use]
    pub fn at(&self, point: &[f64]) -> Assignment {
        let mut assignment = Assignment::default();
        for (i, parameter) in self.parameters.iter().enumerate() {
            if self.is_active(parameter, &assignment) {
                let value = parameter.domain.at_unit(point.get(i).copied().unwrap_or(0.5));
                assignment.values.push((parameter.name.clone(), value));
            }
        }
        assignment
    }
}

#[cfg(test)]
mod tests;
