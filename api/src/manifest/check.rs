//! Holds a tree to the schema of a definition, in the parts of it that definitions use.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value, json};

use super::tree::{Kind, Node, Place};
use crate::schema::{KEEP_UNKNOWN, in_words};
use crate::{GROUP, VERSION};

type Found = Vec<(Place, String)>;

/// Checks a whole object.
pub(super) fn object(schema: &Value, root: &Node, found: &mut Found) {
    let Kind::Object(members) = &root.kind else {
        let given = given(&root.kind);
        let message = format!("must be a Study: an object with apiVersion, kind, metadata and spec (given {given})");
        found.push((root.place, message));
        return;
    };
    for (name, wanted) in [("apiVersion", format!("{GROUP}/{VERSION}")), ("kind", "Study".to_owned())] {
        match root.member(name) {
            Some(node) if matches!(&node.kind, Kind::Scalar(Value::String(given)) if *given == wanted) => {}
            Some(node) => found.push((node.place, format!("`{name}` must be {wanted} (given {})", given(&node.kind)))),
            None => found.push((root.place, format!("`{name}` must be set, to {wanted}"))),
        }
    }
    for (name, wanted) in [("metadata", "an object with a `name`"), ("spec", "an object")] {
        if root.member(name).is_none() {
            found.push((root.place, format!("`{name}` must be set, to {wanted}")));
        }
    }
    for (name, at, member) in members {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => check(&METADATA, (*at, member), name, found),
            _ => match schema.pointer("/properties").and_then(|p| p.get(name)) {
                Some(schema) => check(schema, (*at, member), name, found),
                None => {
                    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
                    found.push((*at, format!("`{name}` is unknown; {}", meant(name, &known))));
                }
            },
        }
    }
}

/// What is read of `metadata`. Definitions do not describe it, and API servers know more of it.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({"type": "object", KEEP_UNKNOWN: true, "properties": {
        "name": {"type": "string"}, "namespace": {"type": "string"}, "labels": texts, "annotations": texts,
    }})
});

/// Checks a part: it comes with the place of its name, or its own where it has no name.
fn check(schema: &Value, (at, node): (Place, &Node), path: &str, found: &mut Found) {
    let mut wrong = |message: String| found.push((node.place, format!("`{path}` {message}")));
    let wanted = schema.get("type").and_then(Value::as_str);
    match (wanted, &node.kind) {
        (Some("object"), Kind::Object(_)) => members(schema, (at, node), path, found),
        (Some("array"), Kind::List(_)) => items(schema, node, path, found),
        (Some("string"), Kind::Scalar(Value::String(given))) => text(schema, given, &mut wrong),
        (Some("boolean"), Kind::Scalar(Value::Bool(_))) => {}
        (Some("integer"), Kind::Scalar(Value::Number(given))) if !given.is_f64() => number(schema, given, &mut wrong),
        (Some("number"), Kind::Scalar(Value::Number(given))) => number(schema, given, &mut wrong),
        // Numbers or names, quantities, and what is not described.
        (None, _) => {}
        (Some("string"), Kind::Scalar(given @ (Value::Number(_) | Value::Bool(_)))) => {
            wrong(format!("must be text (given {given}; put it in quotes)"));
        }
        // Of a union whose members have no settings of their own, the name alone is what people write first.
        (Some("object"), Kind::Scalar(Value::String(given)))
            if schema.pointer(&format!("/properties/{given}")).is_some() =>
        {
            wrong(format!("must be an object (given {given}; write {{{given}: {{}}}})"));
        }
        (Some(wanted), kind) => wrong(format!("must be {} (given {})", phrase(wanted), given(kind))),
    }
}

/// A type of a schema in words.
fn phrase(wanted: &str) -> &str {
    match wanted {
        "object" => "an object",
        "array" => "a list",
        "string" => "text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

/// What is allowed where nothing is given.
fn allowed(schema: Option<&Value>) -> String {
    let Some(schema) = schema else { return String::new() };
    if let Some(choices) = choices(schema) {
        return format!(", to {}", choices.join(" or "));
    }
    schema.get("type").and_then(Value::as_str).map_or_else(String::new, |wanted| format!(", to {}", phrase(wanted)))
}

/// The only texts that a schema allows, if it names them.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    Some(schema.get("enum")?.as_array()?.iter().filter_map(Value::as_str).collect())
}

/// What may have been meant by an unknown name, and what is known.
fn meant(given: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "it has no fields".to_owned();
    }
    let given = given.to_lowercase();
    let alike = known.iter().map(|name| (strsim::jaro(&given, &name.to_lowercase()), name));
    // As close as clap asks of what it proposes, and a little closer, because all known names follow anyway.
    let nearest = alike.filter(|(close, _)| *close > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let question = nearest.map_or_else(String::new, |(_, name)| format!("did you mean `{name}`? "));
    format!("{question}known are {}", known.join(", "))
}

fn given(kind: &Kind) -> String {
    match kind {
        Kind::Scalar(Value::Null) => "nothing".to_owned(),
        Kind::Scalar(value) => value.to_string(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Object(_) => "an object".to_owned(),
    }
}

fn members(schema: &Value, (at, node): (Place, &Node), path: &str, found: &mut Found) {
    let Kind::Object(members) = &node.kind else { return };
    let keeps = schema.get(KEEP_UNKNOWN).is_some_and(|k| k == true);
    let known = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties").filter(|o| o.is_object());
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if node.member(name).is_none() {
            found.push((at, format!("`{path}.{name}` must be set{}", allowed(known.and_then(|k| k.get(name))))));
        }
    }
    for (name, at, member) in members {
        match known.and_then(|k| k.get(name)).or(others) {
            Some(schema) => check(schema, (*at, member), &format!("{path}.{name}"), found),
            None if keeps => {}
            None => {
                let known: Vec<&str> = known.map(|k| k.keys().map(String::as_str).collect()).unwrap_or_default();
                found.push((*at, format!("`{path}.{name}` is unknown; {}", meant(name, &known))));
            }
        }
    }
}

fn items(schema: &Value, node: &Node, path: &str, found: &mut Found) {
    let Kind::List(items) = &node.kind else { return };
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let (least, most) = (bound(schema, "minItems"), bound(schema, "maxItems"));
    if least.is_some_and(|n| count < n) || most.is_some_and(|n| count > n) {
        let members = counted(least, most, "member");
        found.push((node.place, format!("`{path}` must have {members} (given {count})")));
    }
    if let Some(schema) = schema.get("items") {
        for (i, item) in items.iter().enumerate() {
            check(schema, (item.place, item), &format!("{path}[{i}]"), found);
        }
    }
}

fn bound(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

/// How many of something there may be.
fn counted(least: Option<u64>, most: Option<u64>, what: &str) -> String {
    let range = match (least, most) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, most) => format!("at most {}", most.unwrap_or(u64::MAX)),
    };
    format!("{range} {what}{}", if most.or(least) == Some(1) { "" } else { "s" })
}

fn text(schema: &Value, given: &str, wrong: &mut impl FnMut(String)) {
    if let Some(choices) = choices(schema)
        && !choices.contains(&given)
    {
        return wrong(format!("must be {} (given {given})", choices.join(" or ")));
    }
    let count = u64::try_from(given.chars().count()).unwrap_or(u64::MAX);
    let (least, most) = (bound(schema, "minLength"), bound(schema, "maxLength"));
    if least.is_some_and(|n| count < n) || most.is_some_and(|n| count > n) {
        return wrong(format!("must have {} (given {count})", counted(least, most, "character")));
    }
    let pattern = schema.get("pattern").and_then(Value::as_str);
    if let Some(pattern) = pattern
        && Regex::new(pattern).is_ok_and(|p| !p.is_match(given))
    {
        let rule = in_words(pattern).map_or_else(|| format!("match {pattern}"), str::to_owned);
        wrong(format!("must {rule} (given {given})"));
    }
}

fn number(schema: &Value, written: &Number, wrong: &mut impl FnMut(String)) {
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    let above = schema.get("exclusiveMinimum").is_some_and(|e| e == true);
    let Some(given) = written.as_f64() else { return };
    if let Some(least) = limit("minimum").filter(|&m| given < m || (above && given <= m)) {
        wrong(format!("must be {} {least} (given {written})", if above { "above" } else { "at least" }));
    }
    if let Some(most) = limit("maximum").filter(|&m| given > m) {
        wrong(format!("must be at most {most} (given {written})"));
    }
}
