//! The command line's text, checked: each error names flag, variable, value and what is allowed.

use std::fmt::Display;
use std::str::FromStr;

/// A value that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{flag} (or {variable}) is `{value}`: expected {expected}")]
pub struct Error {
    flag: &'static str,
    variable: &'static str,
    value: String,
    expected: String,
}

/// A flag, its environment variable and the value that one of them gave.
#[derive(Debug)]
pub struct Text<'a>(pub &'static str, pub &'static str, pub &'a Option<String>);

impl Text<'_> {
    /// The value, unless it is empty.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        self.2.as_deref().map(str::trim).filter(|value| !value.is_empty())
    }

    /// The error that says what would have been allowed.
    #[must_use]
    pub fn error(&self, expected: impl Into<String>) -> Error {
        Error {
            flag: self.0,
            variable: self.1,
            value: self.given().unwrap_or_default().to_owned(),
            expected: expected.into(),
        }
    }

    /// A whole number, if one is given.
    ///
    /// # Errors
    /// If it is another one, or none.
    pub fn maybe_whole(&self, min: u64, max: u64) -> Result<Option<u64>, Error> {
        let parsed = self.given().map(|value| u64::from_str(value).ok().filter(|value| (min..=max).contains(value)));
        match parsed {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(self.error(format!("a whole number from {min} to {max}"))),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// If it is another one, or none.
    pub fn whole(&self, min: u64, max: u64, default: u64) -> Result<u64, Error> {
        Ok(self.maybe_whole(min, max)?.unwrap_or(default))
    }

    /// A number, if one is given.
    ///
    /// # Errors
    /// If it is not `allowed`, or none.
    pub fn maybe_number(&self, expected: &str, allowed: impl Fn(f64) -> bool) -> Result<Option<f64>, Error> {
        let Some(value) = self.given() else {
            return Ok(None);
        };
        let value = f64::from_str(value).ok().filter(|&value| allowed(value));
        value.map(Some).ok_or_else(|| self.error(expected))
    }

    /// A number.
    ///
    /// # Errors
    /// If it is not `allowed`, or none.
    pub fn number(&self, expected: &str, allowed: impl Fn(f64) -> bool, default: f64) -> Result<f64, Error> {
        Ok(self.maybe_number(expected, allowed)?.unwrap_or(default))
    }

    /// A number from 0 to `max`.
    ///
    /// # Errors
    /// If it is another one, or none.
    pub fn amount(&self, max: f64) -> Result<f64, Error> {
        self.number(&format!("a number from 0 to {max}"), |value| (0.0..=max).contains(&value), 0.0)
    }

    /// A number from 0 to below 1.
    ///
    /// # Errors
    /// If it is another one, or none.
    pub fn share(&self, default: f64) -> Result<f64, Error> {
        self.number("a number from 0 to below 1", |share| (0.0..1.0).contains(&share), default)
    }

    /// A value by its name.
    ///
    /// # Errors
    /// If the name is unknown.
    pub fn name<T: Copy>(&self, all: &[(&str, T)], default: T) -> Result<T, Error> {
        Ok(self.maybe_name(all)?.unwrap_or(default))
    }

    /// A value by its name, if one is given.
    ///
    /// # Errors
    /// If the name is unknown.
    pub fn maybe_name<T: Copy>(&self, all: &[(&str, T)]) -> Result<Option<T>, Error> {
        let Some(value) = self.given() else {
            return Ok(None);
        };
        let found = all.iter().find(|(name, _)| *name == value).map(|&(_, value)| value);
        found.map(Some).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
            self.error(if names.len() == 1 { names.join("") } else { format!("one of {}", names.join(", ")) })
        })
    }

    /// Texts with commas between them.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let parts = self.given().into_iter().flat_map(|text| text.split(','));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    /// Values with commas between them, at most `most`.
    ///
    /// # Errors
    /// If one is not `allowed`, or there are too many.
    pub fn values<T: FromStr>(
        &self,
        each: impl Display,
        most: usize,
        allowed: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, Error> {
        let parts = self.list();
        let values: Option<Vec<T>> = parts.iter().map(|part| part.parse().ok().filter(&allowed)).collect();
        let values = values.filter(|values| values.len() <= most);
        values.ok_or_else(|| self.error(format!("at most {most} with commas between, each {each}")))
    }
}
