//! Whether the cluster would take a Study: its schema, its rules in CEL, and what only the operator checks.

use std::path::Path;

use kube::core::cel::{ErrorKind, Validator};
use serde_json::Value;
use trimtab_api::manifest::{self, ManifestError};
use trimtab_api::schema::{crds, plain};
use trimtab_api::{FieldError, GROUP, Study, validate};
use trimtab_engine::Plan;

use crate::error::Error;
use crate::{output, source};

/// One document of a file.
#[derive(Debug)]
pub(crate) struct Document {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// Its text, behind as many empty lines as the file has before it, so that lines are those of the file.
    text: String,
}

/// What a document is.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A Study that the cluster would take.
    Valid(Box<(Study, Plan)>),
    /// A Study that it would refuse, or nothing that it could read.
    Invalid(Vec<ManifestError>),
    /// Something else; its kind is named.
    Other(String),
    /// Nothing but comments.
    Empty,
}

/// A mistake as people are told it: its place, its line, and a mark below it.
pub(crate) fn told(file: &str, mistake: &ManifestError) -> String {
    let ManifestError { line, column, message, snippet } = mistake;
    format!("{file}:{line}:{column}: {message}\n{}", snippet.trim_end())
}

/// Takes a file apart. A line that begins with `---` ends a document wherever it stands, also inside of a block of text.
pub(crate) fn documents(text: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut current = Document { line: 1, text: String::new() };
    for (at, line) in text.lines().enumerate() {
        let is_marker = line == "---" || line.starts_with("--- ") || line.starts_with("---\t");
        if is_marker && at > 0 {
            let next = Document { line: at + 1, text: "\n".repeat(at) };
            documents.push(std::mem::replace(&mut current, next));
        }
        current.text.push_str(line);
        current.text.push('\n');
    }
    documents.push(current);
    documents
}

impl Document {
    /// The name of the object, if it has one that can be read.
    pub(crate) fn name(&self) -> Option<String> {
        Some(self.value()?.pointer("/metadata/name")?.as_str()?.to_owned())
    }

    fn value(&self) -> Option<Value> {
        serde_saphyr::from_str(&self.text).ok()
    }
}

/// Checks documents against the definition that this program was built with.
#[derive(Debug)]
pub(crate) struct Checker {
    schema: Value,
}

impl Checker {
    /// A checker.
    pub(crate) fn new() -> Result<Self, Error> {
        let render = |error: serde_json::Error| Error::Render(error.to_string());
        let [study, _] = crds().map_err(render)?;
        let definition = plain(serde_json::to_value(study).map_err(render)?);
        let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default();
        Ok(Self { schema })
    }

    /// Checks one document.
    pub(crate) fn check(&self, document: &Document) -> Verdict {
        if let Some(value) = document.value() {
            let text = |field: &str| value.get(field).and_then(Value::as_str);
            match (text("apiVersion"), text("kind")) {
                _ if value.is_null() => return Verdict::Empty,
                (Some(version), Some(kind)) if kind == "Trial" || version.split('/').next() != Some(GROUP) => {
                    return Verdict::Other(format!("{version} {kind}"));
                }
                _ => {}
            }
        }
        let manifest = match manifest::parse(&document.text) {
            Ok(manifest) => manifest,
            Err(mistakes) => return Verdict::Invalid(mistakes),
        };
        let (plan, mut mistakes) = match validate(&manifest.study) {
            Ok(plan) => (Some(plan), Vec::new()),
            Err(mistakes) => (None, mistakes),
        };
        // A rule in CEL often finds what was found already, in other words.
        let known: Vec<String> = mistakes.iter().map(|mistake| mistake.field.clone()).collect();
        mistakes.extend(
            self.broken_rules(&manifest.study)
                .into_iter()
                .filter(|rule| !known.iter().any(|field| is_within(field, &rule.field))),
        );
        match plan {
            Some(plan) if mistakes.is_empty() => Verdict::Valid(Box::new((manifest.study, plan))),
            _ => {
                let mut placed: Vec<_> = mistakes.iter().map(|mistake| manifest.locate(mistake)).collect();
                placed.sort_by_key(|mistake| (mistake.line, mistake.column));
                Verdict::Invalid(placed)
            }
        }
    }

    fn broken_rules(&self, study: &Study) -> Vec<FieldError> {
        let Ok(value) = serde_json::to_value(study) else { return Vec::new() };
        let broken = Validator::new()
            .validate(&self.schema, &value, None)
            .err()
            .map_or_else(Vec::new, |errors| errors.into_vec());
        // A rule that cannot be evaluated trips over a mistake that was found already.
        let broken = broken.into_iter().filter(|error| error.kind == ErrorKind::ValidationFailure);
        broken
            .map(|error| FieldError {
                field: error.field_path.trim_start_matches('.').to_owned(),
                message: error.message,
            })
            .collect()
    }
}

/// Reads the one Study of a file. What is wrong with it is told, and then there is none.
pub(crate) fn one(file: &Path) -> Result<Option<Study>, Error> {
    let source = source::read(file)?;
    let checker = Checker::new()?;
    let mut study = None;
    for document in documents(&source.text) {
        match checker.check(&document) {
            Verdict::Empty | Verdict::Other(_) => {}
            Verdict::Valid(_) if study.is_some() => {
                return Err(Error::Usage(format!("{} has several Studies: give each its own file", source.name)));
            }
            Verdict::Valid(valid) => study = Some(valid.0),
            Verdict::Invalid(mistakes) => {
                let told: Vec<String> = mistakes.iter().map(|mistake| told(&source.name, mistake)).collect();
                output::complain(&format!("{}\n\n{}: nothing was begun", told.join("\n\n"), source.name));
                return Ok(None);
            }
        }
    }
    study.map(Some).ok_or(Error::NothingToCheck(source.name))
}

/// Whether a field is another one or a part of it.
fn is_within(field: &str, whole: &str) -> bool {
    whole.is_empty() || field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_lines() {
        let found = documents("a: 1\n---\n# nothing\n--- {b: 2}\n");
        assert_eq!(found.iter().map(|d| d.line).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(found[2].text, "\n\n\n--- {b: 2}\n");
        assert_eq!(documents("").len(), 1);
    }

    #[test]
    fn parts_of_a_field_are_within_it() {
        assert!(is_within("spec.parameters[0].float.min", "spec.parameters[0]"));
        assert!(is_within("spec.limits", "spec.limits") && is_within("spec", ""));
        assert!(!is_within("spec.limitsOther", "spec.limits"));
    }
}
