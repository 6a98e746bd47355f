//! Every rule of the definitions, with a case that it accepts and one that it refuses: see `rules/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;

use kube::core::cel::{ErrorKind, Validator, apply_defaults};
use serde::Deserialize;
use serde_json::Value;
use trimtab_api::schema::{crds, plain};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    old: Option<Value>,
    new: Value,
    #[serde(default)]
    refused: Option<String>,
    #[serde(default)]
    by: Option<String>,
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rules").join(name);
    serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap())
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (key, value) in patch {
        let members = target.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn schema(kind: &str) -> Value {
    let crd = crds().unwrap().into_iter().find(|c| c.spec.names.kind == kind).unwrap();
    plain(serde_json::to_value(crd).unwrap()).pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone()
}

/// Runs the cases of a kind, and returns every rule's text with how often it refused.
fn run(kind: &str, base: &str, cases: &str) {
    let schema = schema(kind);
    let base: Value = read(base);
    let mut wrong = Vec::new();
    let mut messages = Vec::new();
    collect_messages(&schema, &mut messages);
    for case in read::<Vec<Case>>(cases) {
        if let Some(by) = &case.by {
            assert_eq!(by, "schema", "{}", case.name);
            continue;
        }
        let mut object = base.clone();
        let old = case.old.as_ref().map(|patch| {
            merge(&mut object, patch);
            apply_defaults(&schema, &object)
        });
        merge(&mut object, &case.new);
        let object = apply_defaults(&schema, &object);
        let found =
            Validator::new().validate(&schema, &object, old.as_ref()).err().map_or_else(Vec::new, |e| e.into_vec());
        if let Some(broken) = found.iter().find(|e| e.kind != ErrorKind::ValidationFailure) {
            wrong.push(format!("{kind}, {}: {} at {}: {}", case.name, broken.rule, broken.field_path, broken.message));
        }
        match (&case.refused, found.as_slice()) {
            (None, []) => {}
            (Some(part), [one]) if one.message.contains(part) => messages.retain(|m| *m != one.message),
            (_, found) => {
                let found: Vec<_> = found.iter().map(|e| format!("{}: {}", e.field_path, e.message)).collect();
                wrong.push(format!("{kind}, {}: wanted {:?}, found {found:#?}", case.name, case.refused));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(messages.is_empty(), "no case of {kind} is refused by: {messages:#?}");
}

fn collect_messages(schema: &Value, messages: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            for rule in members.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                let message = rule.get("message").and_then(Value::as_str).unwrap_or_default();
                assert!(message.contains("must"), "a message says what must be: {rule}");
                messages.push(message.to_owned());
            }
            members.values().for_each(|v| collect_messages(v, messages));
        }
        Value::Array(items) => items.iter().for_each(|v| collect_messages(v, messages)),
        _ => {}
    }
    messages.sort();
    messages.dedup();
}

#[test]
fn studies_are_held_to_their_rules() {
    run("Study", "study.yaml", "studies.yaml");
}

#[test]
fn trials_are_held_to_their_rules() {
    run("Trial", "trial.yaml", "trials.yaml");
}
