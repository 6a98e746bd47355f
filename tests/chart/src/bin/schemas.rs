//! Writes JSON schemas for kubeconform: `schemas OUT FILE…`, where a FILE is the OpenAPI document of a Kubernetes release
//! (`api/openapi-spec/swagger.json`) or a CustomResourceDefinition. Unknown fields are refused.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use trimtab_chart_tests::{documents, word};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().context("schemas OUT FILE…")?;
    std::fs::create_dir_all(&out)?;
    for file in arguments {
        let text = std::fs::read_to_string(&file).with_context(|| file.clone())?;
        let schemas = if Path::new(&file).extension().is_some_and(|kind| kind == "json") {
            of_release(&serde_json::from_str(&text)?)?
        } else {
            documents(&text)?.iter().flat_map(of_definition).collect()
        };
        for (name, schema) in schemas {
            std::fs::write(Path::new(&out).join(format!("{name}.json")), schema.to_string())?;
        }
    }
    Ok(())
}

/// The name by which kubeconform looks a schema up.
fn name(kind: &str, group: &str, version: &str) -> String {
    let group = group.split('.').next().filter(|group| !group.is_empty());
    [Some(kind.to_lowercase().as_str()), group, Some(version)].into_iter().flatten().collect::<Vec<_>>().join("-")
}

fn of_definition(definition: &Value) -> Vec<(String, Value)> {
    let (kind, group) = (word(definition, "/spec/names/kind"), word(definition, "/spec/group"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let one = |version: &Value| {
        let mut schema = version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_default();
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
            properties.insert("kind".to_owned(), json!({"type": "string"}));
            properties
                .insert("metadata".to_owned(), json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
        }
        close(&mut schema);
        (name(kind, group, word(version, "/name")), schema)
    };
    versions.into_iter().flatten().map(one).collect()
}

fn of_release(release: &Value) -> Result<Vec<(String, Value)>> {
    let mut definitions = release["definitions"].as_object().context("no definitions")?.clone();
    for (path, schema) in &mut definitions {
        close(schema);
        if path.ends_with(".IntOrString") || path.ends_with(".Quantity") {
            *schema = json!({"type": ["string", "number"]});
        }
    }
    let mut schemas = Vec::new();
    for (path, schema) in &definitions {
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let mut needed = BTreeMap::new();
            gather(&definitions, path, &mut needed);
            let schema = json!({"$ref": format!("#/definitions/{path}"), "definitions": needed});
            schemas.push((name(word(kind, "/kind"), word(kind, "/group"), word(kind, "/version")), schema));
        }
    }
    Ok(schemas)
}

/// Everything that a definition refers to, itself included.
fn gather(all: &Map<String, Value>, path: &str, needed: &mut BTreeMap<String, Value>) {
    let Some(schema) = all.get(path).filter(|_| !needed.contains_key(path)) else { return };
    needed.insert(path.to_owned(), schema.clone());
    let text = schema.to_string();
    for found in text.split("\"#/definitions/").skip(1) {
        gather(all, found.split('"').next().unwrap_or_default(), needed);
    }
}

/// Refuses unknown fields wherever fields are listed.
fn close(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        schema.as_array_mut().into_iter().flatten().for_each(close);
        return;
    };
    let open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let object = map.get("type").is_some_and(|kind| kind == "object");
    if object
        && map.get("properties").is_some_and(Value::is_object)
        && !map.contains_key("additionalProperties")
        && !open
    {
        map.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if map.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        map.remove("type");
    }
    // Formats are hints here, and some are unknown to the validator; so are patterns of another dialect.
    if map.get("format").is_some_and(Value::is_string) {
        map.remove("format");
    }
    map.values_mut().for_each(close);
}
