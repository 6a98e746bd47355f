//! Reads a Study from a file as strictly as an API server with `fieldValidation=Strict` does, and says where a mistake is.
//!
//! The text becomes a tree that knows the line of each of its parts; the tree is held to the schema of the definition;
//! and what passes becomes a [`Study`]. So the command line refuses what a cluster would, in the same words for all fields.

mod check;
mod tree;

use std::sync::LazyLock;

use serde::de::IntoDeserializer;
use serde_json::Value;

use crate::schema::{crds, plain};
use crate::study::Study;
use crate::validate::FieldError;

use tree::Node;

/// A mistake in a file, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}\n{snippet}")]
pub struct ManifestError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong and what is allowed.
    pub message: String,
    /// The line's text with a mark under the place.
    pub snippet: String,
}

/// A Study with the places of its fields in the file.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The Study.
    pub study: Study,
    tree: Node,
    text: String,
}

impl Manifest {
    /// Puts a mistake that was found in the Study where it is in the file: at the field, or at the nearest one above
    /// it that the file has.
    #[must_use]
    pub fn locate(&self, error: &FieldError) -> ManifestError {
        at(&self.text, self.tree.place(&error.field), error.to_string())
    }
}

/// Reads a Study.
///
/// # Errors
/// The first mistake of [`parse`].
pub fn parse_study(text: &str) -> Result<Study, ManifestError> {
    match parse(text) {
        Ok(manifest) => Ok(manifest.study),
        Err(errors) => Err(errors.into_iter().next().unwrap_or_else(|| at(text, (1, 1), "is no Study".to_owned()))),
    }
}

/// Reads a Study with the places of its fields.
///
/// # Errors
/// The first mistake in the YAML, or all that the schema finds, in the order of the file. [`crate::validate()`] finds
/// those that need more than the schema.
pub fn parse(text: &str) -> Result<Manifest, Vec<ManifestError>> {
    let tree: Node = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or((1, 1), tree::place);
        vec![at(text, place, error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter))]
    })?;
    let schema = SCHEMA.as_ref().map_err(|error| vec![at(text, (1, 1), error.clone())])?;
    let mut found = Vec::new();
    check::object(schema, &tree, &mut found);
    if !found.is_empty() {
        found.sort_by_key(|(place, _)| *place);
        return Err(found.into_iter().map(|(place, message)| at(text, place, message)).collect());
    }
    let study = serde::Deserialize::deserialize(tree.to_json().into_deserializer());
    match study {
        Ok(study) => Ok(Manifest { study, tree, text: text.to_owned() }),
        Err(error) => {
            let error: serde_json::Error = error;
            Err(vec![at(text, (1, 1), error.to_string())])
        }
    }
}

/// The schema of a Study: made once, as the types never change while the program runs.
static SCHEMA: LazyLock<Result<Value, String>> = LazyLock::new(|| {
    let [study, _] = crds().map_err(|error| error.to_string())?;
    let versions = study.spec.versions.into_iter();
    let schema = versions.filter_map(|v| v.schema?.open_api_v3_schema).next();
    serde_json::to_value(schema).map(plain).map_err(|error| error.to_string())
});

fn at(text: &str, (line, column): (usize, usize), message: String) -> ManifestError {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let mark = " ".repeat(column.saturating_sub(1));
    ManifestError { line, column, message, snippet: format!("{number} | {shown}\n{margin} | {mark}^") }
}
