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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
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

/// What the YAML reader says, and what people most often have to do about it.
const HINTS: [(&str, &str); 4] = [
    ("found a tab", "; YAML is indented with spaces"),
    ("did not find expected key", "; is the line indented as those beside it?"),
    ("reference to unknown value", "; `&name` has to stand before `*name`"),
    ("trailing content after", "; is a quote missing before?"),
];

/// The most lists and objects within each other. The deepest field of a pod is half as deep; a file that goes on would overflow the stack
/// of a thread, of which each level takes up to 40 KiB.
const DEPTH: usize = 40;

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
    let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: DEPTH } };
    let tree: Node = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map_or((1, 1), tree::place);
        let message = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
        // The place stands before the message already.
        let (line, column) = place;
        let message = message.strip_suffix(&format!(" at line {line}, column {column}")).unwrap_or(&message);
        let hint = HINTS.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint).unwrap_or_default();
        vec![at(text, place, format!("is no YAML: {message}{hint}"))]
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

/// The most of a line that is shown, in characters.
const SHOWN: usize = 160;

fn at(text: &str, (line, column): (usize, usize), message: String) -> ManifestError {
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let (shown, mark) = window(text.lines().nth(line.saturating_sub(1)).unwrap_or_default(), column);
    ManifestError { line, column, message, snippet: format!("{number} | {shown}\n{margin} | {mark}^") }
}

/// The part of a line around a column, and what brings a mark below it under that column.
///
/// A file is anyone's text: control characters, which could do something to a terminal, are replaced.
fn window(line: &str, column: usize) -> (String, String) {
    let all: Vec<char> =
        line.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let column = column.saturating_sub(1);
    let begin = if all.len() > SHOWN { column.saturating_sub(SHOWN / 2).min(all.len() - SHOWN) } else { 0 };
    let end = all.len().min(begin + SHOWN);
    let mut shown: String = all.get(begin..end).unwrap_or_default().iter().collect();
    let mut mark: String = (begin..column).map(|at| if all.get(at) == Some(&'\t') { '\t' } else { ' ' }).collect();
    if begin > 0 {
        shown.insert(0, '…');
        mark.insert(0, ' ');
    }
    if end < all.len() {
        shown.push('…');
    }
    (shown, mark)
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn line_is_shown_whole_where_it_fits() {
        assert_eq!(window("  a: ä b", 8), ("  a: ä b".to_owned(), "       ".to_owned()));
        assert_eq!(window("\ta: b", 3), ("\ta: b".to_owned(), "\t ".to_owned()), "a tab is as wide below as above");
        assert_eq!(window("", 1), (String::new(), String::new()));
    }

    #[test]
    fn long_line_is_cut_around_the_place() {
        for column in [1, 2, 80, 81, 82, 250, 420, 421, 499, 500] {
            let line: String = (0..500_u32).map(|at| char::from_u32(0x4e00 + at).unwrap_or_default()).collect();
            let (shown, mark) = window(&line, column);
            assert!(shown.chars().count() <= 162);
            assert_eq!(shown.chars().nth(mark.chars().count()), line.chars().nth(column - 1), "column {column}");
            assert_eq!(shown.starts_with('…'), column > 81);
            assert_eq!(shown.ends_with('…'), column <= 420);
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(window("a: \u{1b}[31m\u{7}b", 4).0, "a: \u{fffd}[31m\u{fffd}b");
    }
}
