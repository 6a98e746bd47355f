//! The committed definitions are those of the types, and small enough for a plain `kubectl apply`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;
use trimtab_api::schema::{crds, plain};

/// What `kubectl apply` may keep of an object in an annotation.
const MAX_BYTES: usize = 256 * 1024;

fn path(crd: &CustomResourceDefinition) -> PathBuf {
    let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crds").join(name)
}

fn value(crd: &CustomResourceDefinition) -> Value {
    plain(serde_json::to_value(crd).unwrap())
}

#[test]
fn definitions_are_those_of_the_types() {
    for crd in crds().unwrap() {
        let header = "# Generated from api/src: UPDATE_CRDS=1 cargo test -p trimtab-api --test crds\n";
        let yaml = format!("{header}{}", serde_saphyr::to_string(&value(&crd)).unwrap());
        let path = path(&crd);
        if std::env::var_os("UPDATE_CRDS").is_some() {
            std::fs::write(&path, &yaml).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == yaml, "{} is not what the types say: run this test with UPDATE_CRDS=1", path.display());
    }
}

#[test]
fn definitions_read_back_as_they_were() {
    for crd in crds().unwrap() {
        let committed = std::fs::read_to_string(path(&crd)).unwrap();
        let read: Value = serde_saphyr::from_str(&committed).unwrap();
        assert_eq!(read, value(&crd));
    }
}

#[test]
fn definitions_are_small() {
    for crd in crds().unwrap() {
        let json = serde_json::to_string(&value(&crd)).unwrap().len();
        let yaml = std::fs::read_to_string(path(&crd)).unwrap().len();
        println!("{}: {json} bytes of JSON, {yaml} of YAML", crd.spec.names.plural);
        assert!(
            json < MAX_BYTES && yaml < MAX_BYTES,
            "{}: {json} bytes of JSON, {yaml} of YAML",
            crd.spec.names.plural
        );
    }
}

/// Calls for each schema below one, with its path; a Job's spec is Kubernetes' own and left out.
fn each(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    if schema.get("x-kubernetes-preserve-unknown-fields").is_some() {
        return;
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        each(property, &format!("{path}.{name}"), visit);
    }
    for part in ["items", "additionalProperties"] {
        if let Some(part) = schema.get(part) {
            each(part, &format!("{path}[]"), visit);
        }
    }
}

fn schemas() -> Vec<Value> {
    let schema = |crd| value(crd).pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone();
    crds().unwrap().iter().map(schema).collect()
}

#[test]
fn everything_is_bounded() {
    let mut open = Vec::new();
    for schema in schemas() {
        each(&schema, "", &mut |path, schema| {
            let has = |name: &str| schema.get(name).is_some();
            let bounded = match schema.get("type").and_then(Value::as_str) {
                Some("string") => has("maxLength") || has("enum") || has("format"),
                Some("integer" | "number") => has("minimum") && has("maximum"),
                Some("array") => has("maxItems") && has("x-kubernetes-list-type"),
                Some("object") => {
                    has("properties")
                        || has("maxProperties")
                        || has("x-kubernetes-preserve-unknown-fields")
                        || path.ends_with("random")
                        || path.ends_with("automatic")
                        || path.ends_with("quasiRandom")
                        || path.ends_with("none")
                        || path.ends_with("bohb")
                        || path.ends_with("gaussianProcess")
                        || path.ends_with("randomForest")
                }
                _ => true,
            };
            if !bounded || has("nullable") {
                open.push(path.to_owned());
            }
        });
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn explanations_begin_with_the_fields_name() {
    let mut mute = Vec::new();
    for schema in schemas() {
        each(&schema, "", &mut |path, schema| {
            let name = path.rsplit('.').next().unwrap_or_default();
            let says = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            let begins =
                says.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', ',', ':']) && rest.len() > 4);
            if !name.is_empty() && !path.ends_with("[]") && !begins {
                mute.push(format!("{path}: {says}"));
            }
        });
    }
    assert_eq!(mute, Vec::<String>::new());
}
