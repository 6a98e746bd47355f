//! Holds a tree to the schema of a definition, in the parts of it that definitions use.

use regex::Regex;
use serde_json::Value;

use super::tree::{Kind, Node, Place};
use crate::schema::KEEP_UNKNOWN;
use crate::{GROUP, VERSION};

type Found = Vec<(Place, String)>;

/// Checks a whole object.
pub(super) fn object(schema: &Value, root: &Node, found: &mut Found) {
    let Kind::Object(members) = &root.kind else {
        found.push((root.place, "must be a Study".to_owned()));
        return;
    };
    for (name, wanted) in [("apiVersion", format!("{GROUP}/{VERSION}")), ("kind", "Study".to_owned())] {
        match root.member(name) {
            Some(node) if matches!(&node.kind, Kind::Scalar(Value::String(given)) if *given == wanted) => {}
            Some(node) => found.push((node.place, format!("`{name}` must be {wanted}"))),
            None => found.push((root.place, format!("`{name}` must be set, to {wanted}"))),
        }
    }
    if root.member("spec").is_none() {
        found.push((root.place, "`spec` must be set".to_owned()));
    }
    for (name, at, member) in members {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                if !matches!(member.kind, Kind::Object(_)) {
                    found.push((member.place, "`metadata` must be an object".to_owned()));
                }
            }
            _ => match schema.pointer("/properties").and_then(|p| p.get(name)) {
                Some(schema) => check(schema, member, name, found),
                None => found
                    .push((*at, format!("`{name}` is unknown; known are apiVersion, kind, metadata, spec, status"))),
            },
        }
    }
}

fn check(schema: &Value, node: &Node, path: &str, found: &mut Found) {
    let mut wrong = |message: String| found.push((node.place, format!("`{path}` {message}")));
    let wanted = schema.get("type").and_then(Value::as_str);
    match (wanted, &node.kind) {
        (Some("object"), Kind::Object(_)) => members(schema, node, path, found),
        (Some("array"), Kind::List(_)) => items(schema, node, path, found),
        (Some("string"), Kind::Scalar(Value::String(given))) => text(schema, given, &mut wrong),
        (Some("boolean"), Kind::Scalar(Value::Bool(_))) => {}
        (Some("integer"), Kind::Scalar(Value::Number(given))) if !given.is_f64() => {
            number(schema, given.as_f64(), &mut wrong)
        }
        (Some("number"), Kind::Scalar(Value::Number(given))) => number(schema, given.as_f64(), &mut wrong),
        // Numbers or names, quantities, and what is not described.
        (None, _) => {}
        (Some("string"), Kind::Scalar(given @ (Value::Number(_) | Value::Bool(_)))) => {
            wrong(format!("must be text (given {given}; put it in quotes)"));
        }
        (Some(wanted), kind) => {
            let wanted = match wanted {
                "object" => "an object",
                "array" => "a list",
                "string" => "text",
                "boolean" => "true or false",
                "integer" => "a whole number",
                other => {
                    if other == "number" {
                        "a number"
                    } else {
                        other
                    }
                }
            };
            wrong(format!("must be {wanted} (given {})", given(kind)));
        }
    }
}

fn given(kind: &Kind) -> String {
    match kind {
        Kind::Scalar(Value::Null) => "nothing".to_owned(),
        Kind::Scalar(value) => value.to_string(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Object(_) => "an object".to_owned(),
    }
}

fn members(schema: &Value, node: &Node, path: &str, found: &mut Found) {
    let Kind::Object(members) = &node.kind else { return };
    let keeps = schema.get(KEEP_UNKNOWN).is_some_and(|k| k == true);
    let known = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties").filter(|o| o.is_object());
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if node.member(name).is_none() {
            found.push((node.place, format!("`{path}.{name}` must be set")));
        }
    }
    for (name, at, member) in members {
        match known.and_then(|k| k.get(name)).or(others) {
            Some(schema) => check(schema, member, &format!("{path}.{name}"), found),
            None if keeps => {}
            None => {
                let known =
                    known.map(|k| k.keys().map(String::as_str).collect::<Vec<_>>().join(", ")).unwrap_or_default();
                let known = if known.is_empty() { "it has no fields".to_owned() } else { format!("known are {known}") };
                found.push((*at, format!("`{path}.{name}` is unknown; {known}")));
            }
        }
    }
}

fn items(schema: &Value, node: &Node, path: &str, found: &mut Found) {
    let Kind::List(items) = &node.kind else { return };
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let (least, most) = (bound(schema, "minItems"), bound(schema, "maxItems"));
    if least.is_some_and(|n| count < n) || most.is_some_and(|n| count > n) {
        found.push((node.place, format!("`{path}` must have {} members (given {count})", range(least, most))));
    }
    if let Some(schema) = schema.get("items") {
        for (i, item) in items.iter().enumerate() {
            check(schema, item, &format!("{path}[{i}]"), found);
        }
    }
}

fn bound(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

fn range(least: Option<u64>, most: Option<u64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, most) => format!("at most {}", most.unwrap_or(u64::MAX)),
    }
}

fn text(schema: &Value, given: &str, wrong: &mut impl FnMut(String)) {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.iter().any(|c| c == given)
    {
        let choices: Vec<_> = choices.iter().filter_map(Value::as_str).collect();
        return wrong(format!("must be {} (given {given})", choices.join(" or ")));
    }
    let count = u64::try_from(given.chars().count()).unwrap_or(u64::MAX);
    let (least, most) = (bound(schema, "minLength"), bound(schema, "maxLength"));
    if least.is_some_and(|n| count < n) || most.is_some_and(|n| count > n) {
        return wrong(format!("must have {} characters (given {count})", range(least, most)));
    }
    let pattern = schema.get("pattern").and_then(Value::as_str);
    if let Some(pattern) = pattern
        && Regex::new(pattern).is_ok_and(|p| !p.is_match(given))
    {
        wrong(format!("must match {pattern} (given {given})"));
    }
}

fn number(schema: &Value, given: Option<f64>, wrong: &mut impl FnMut(String)) {
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    let above = schema.get("exclusiveMinimum").is_some_and(|e| e == true);
    let Some(given) = given else { return };
    if let Some(least) = limit("minimum").filter(|&m| given < m || (above && given <= m)) {
        wrong(format!("must be {} {least} (given {given})", if above { "above" } else { "at least" }));
    }
    if let Some(most) = limit("maximum").filter(|&m| given > m) {
        wrong(format!("must be at most {most} (given {given})"));
    }
}
