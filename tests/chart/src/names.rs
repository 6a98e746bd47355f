//! Names of metrics, wherever they are spoken of.

use std::collections::BTreeSet;

use regex::Regex;

/// The metrics of Trimtab's and of its process that a text names. What a histogram makes of its name counts as the histogram.
#[must_use]
pub fn metrics(text: &str) -> BTreeSet<String> {
    let Ok(names) = Regex::new(r"\b(?:trimtab|process)_[a-z0-9_]*[a-z0-9]\b") else { return BTreeSet::new() };
    let of_histogram = |name: &str| {
        ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .map_or(name.to_owned(), str::to_owned)
    };
    names.find_iter(text).map(|found| of_histogram(found.as_str())).collect()
}

/// All expressions of a dashboard: of its panels, rows included, and of its variables.
#[must_use]
pub fn expressions(dashboard: &serde_json::Value) -> Vec<String> {
    fn walk(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    if let (true, Some(text)) = (key == "expr" || key == "definition", value.as_str()) {
                        found.push(text.to_owned());
                    }
                    walk(value, found);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(dashboard, &mut found);
    found
}
