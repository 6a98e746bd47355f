//! The custom resource definitions: the types' schemas, made what an API server wants of them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::{Study, Trial};

/// A parameter's name.
pub(crate) const PARAMETER: &str = "^[a-z][a-z0-9_]*$";
/// A metric's name: what the log reader takes for a name.
pub(crate) const METRIC: &str = "^[A-Za-z_][A-Za-z0-9_.:/@()%+-]*$";
/// A DNS label.
pub(crate) const LABEL: &str = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";
/// A number as text, NaN and the infinities included.
pub(crate) const NUMBER: &str = "^([+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity)$";
/// A reason, as conditions have them.
pub(crate) const REASON: &str = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";
/// An absolute path below the root.
pub(crate) const PATH: &str = "^/[^:]+$";
/// What a text must look like that matches one of these patterns, for messages.
pub(crate) fn in_words(pattern: &str) -> Option<&'static str> {
    Some(match pattern {
        PARAMETER => "be of lower case letters, digits and `_`, a letter first",
        METRIC => "be the name of a metric: letters, digits and `_.:/@()%+-`, a letter or `_` first",
        LABEL => "be of lower case letters, digits and `-`, and begin and end with a letter or digit",
        NUMBER => "be a number, NaN, Infinity or -Infinity",
        PATH => "be an absolute path below `/`, without `:`",
        _ => return None,
    })
}

/// The largest whole number that every reader of JSON holds exactly.
pub(crate) const SAFE: i64 = (1 << 53) - 1;
/// The largest real number that a search may deal with. An API server compares whole numbers with a bound as integers of
/// 64 bits, so a bound beyond those would refuse every whole number.
pub(crate) const LARGE: f64 = SAFE as f64;

/// The two definitions, as they are installed.
///
/// [`CustomResourceExt::crd`] of the types alone is not enough: see [`tidy`].
///
/// # Errors
/// Never, unless a change of the types makes a schema that no definition can hold: the test of `crds/` finds that.
pub fn crds() -> Result<[CustomResourceDefinition; 2], serde_json::Error> {
    Ok([finish(Study::crd())?, finish(Trial::crd())?])
}

fn finish(crd: CustomResourceDefinition) -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut value = serde_json::to_value(crd)?;
    if let Some(schema) = value.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        tidy(schema, true);
        for (part, says) in
            [("spec", "spec is what is wanted."), ("status", "status is what was observed and decided.")]
        {
            if let Some(description) = schema.pointer_mut(&format!("/properties/{part}/description")) {
                *description = json!(says);
            }
        }
    }
    serde_json::from_value(value)
}

/// Makes a derived schema what an API server wants:
///
/// - nothing is nullable: a `null` would count as given in every `has(...)` of a rule, and so defeat it;
/// - number formats are those that the API server knows;
/// - lists without another type are atomic, so that field managers own them whole and `managedFields` stay small.
fn tidy(schema: &mut Value, ours: bool) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("nullable");
    schema.remove("title");
    // A Job's spec is checked when a Job is made of it, so it is not told more than its types.
    let ours = ours && !schema.contains_key(KEEP_UNKNOWN);
    let format = match schema.get("format").and_then(Value::as_str) {
        Some("uint8" | "uint16" | "uint32" | "uint64" | "uint" | "int") => Some("int64"),
        _ => None,
    };
    if let Some(format) = format {
        schema.insert("format".to_owned(), json!(format));
    }
    if ours && schema.get("type").is_some_and(|t| t == "array") && !schema.contains_key(LIST_TYPE) {
        schema.insert(LIST_TYPE.to_owned(), json!("atomic"));
    }
    for part in ["items", "additionalProperties"] {
        if let Some(part) = schema.get_mut(part) {
            tidy(part, ours);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(|property| tidy(property, ours));
    }
}

pub(crate) const KEEP_UNKNOWN: &str = "x-kubernetes-preserve-unknown-fields";
const LIST_TYPE: &str = "x-kubernetes-list-type";

/// Conditions with the bounds of `metav1.Condition`.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"description": "type of the condition.", "type": "string", "minLength": 1, "maxLength": 316},
                "status": {"description": "status is True, False or Unknown.", "type": "string", "enum": ["True", "False", "Unknown"]},
                "reason": {"description": "reason for the status, one word.", "type": "string", "minLength": 1, "maxLength": 64, "pattern": REASON},
                "message": {"description": "message for people.", "type": "string", "maxLength": 32768},
                "observedGeneration": {
                    "description": "observedGeneration is the generation of the spec that the condition speaks of.",
                    "type": "integer", "format": "int64", "minimum": 0, "maximum": SAFE
                },
                "lastTransitionTime": {"description": "lastTransitionTime is when the status last changed.", "type": "string", "format": "date-time"}
            }
        }
    })
}

/// Labels with the bounds of Kubernetes.
pub(crate) fn labels(_: &mut SchemaGenerator) -> Schema {
    strings(64, 63)
}

/// Annotations, bounded.
pub(crate) fn annotations(_: &mut SchemaGenerator) -> Schema {
    strings(64, 4096)
}

fn strings(entries: u32, length: u32) -> Schema {
    json_schema!({"type": "object", "maxProperties": entries, "additionalProperties": {"type": "string", "maxLength": length}})
}

/// A definition as it is committed to `crds/`: numbers without a fraction are written as whole ones.
#[must_use]
pub fn plain(value: Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 && f.abs() <= SAFE as f64 => json!(f as i64),
            _ => Value::Number(n),
        },
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(k, v)| (k, plain(v))).collect::<Map<_, _>>().into(),
        other => other,
    }
}
