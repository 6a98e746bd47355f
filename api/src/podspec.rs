//! A Job's spec inside a Study: typed in the schema, carried as it was written.

use std::borrow::Cow;

use k8s_openapi::api::batch::v1 as batch;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::schema::KEEP_UNKNOWN;
use crate::study::StudySpec;

/// A batch/v1 Job's spec, kept exactly as the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobSpec(pub Map<String, Value>);

/// Where a pod's spec stands in a Study.
pub(crate) const POD: &str = "spec.trial.job.spec.template.spec";

impl JobSpec {
    /// The pod's spec.
    #[must_use]
    pub fn pod(&self) -> Option<&Map<String, Value>> {
        self.0.get("template")?.get("spec")?.as_object()
    }
}

/// The container that trains: the one that `trial.container` names, or the only one.
#[must_use]
pub fn trial_container(spec: &StudySpec) -> Option<&str> {
    let pod = spec.trial.job.spec.pod()?;
    let mut names = objects(pod, "containers").filter_map(|(_, c)| text(c, "name"));
    match &spec.trial.container {
        Some(name) => names.find(|n| n == name),
        None => names.next().filter(|_| names.next().is_none()),
    }
}

/// The objects in a list, each with its place. What is no object is left to the API server to refuse.
pub(crate) fn objects<'a>(
    parent: &'a Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> {
    let list = parent.get(list).and_then(Value::as_array).into_iter().flatten();
    list.enumerate().filter_map(|(i, value)| Some((i, value.as_object()?)))
}

/// A text member.
pub(crate) fn text<'a>(parent: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    parent.get(name).and_then(Value::as_str)
}

impl JsonSchema for JobSpec {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JobSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let generator = SchemaSettings::openapi3().with(|s| s.inline_subschemas = true).into_generator();
        let mut schema = generator.into_root_schema_for::<batch::JobSpec>().to_value();
        loosen(&mut schema);
        for (place, rule, message) in [
            ("/properties/completions", "self == 1", "`completions` must be 1 or left out: a run is one pod"),
            ("/properties/parallelism", "self == 1", "`parallelism` must be 1 or left out: a run is one pod"),
            (
                "/properties/template/properties/spec/properties/restartPolicy",
                "self == 'Never'",
                "`restartPolicy` must be Never or left out: what is tried again is decided by the study",
            ),
        ] {
            if let Some(Value::Object(field)) = schema.pointer_mut(place) {
                field.insert("x-kubernetes-validations".to_owned(), json!([{"rule": rule, "message": message}]));
            }
        }
        for place in RARE {
            if let Some(Value::Object(field)) = schema.pointer_mut(place) {
                field.retain(|key, _| key == "type");
                if field.get("type").is_some_and(|t| t == "array") {
                    field.insert("items".to_owned(), json!({"type": "object", KEEP_UNKNOWN: true}));
                } else {
                    field.insert(KEEP_UNKNOWN.to_owned(), json!(true));
                }
            }
        }
        if let Some(Value::Object(volume)) = schema.pointer_mut(&format!("{POD_SCHEMA}/volumes/items/properties")) {
            for (_, source) in volume.iter_mut().filter(|(name, _)| !VOLUMES.contains(&name.as_str())) {
                *source = json!({"type": "object", KEEP_UNKNOWN: true});
            }
        }
        for list in ["containers", "initContainers"] {
            let place = format!("{POD_SCHEMA}/{list}/items");
            if let Some(Value::Object(container)) = schema.pointer_mut(&place) {
                container.insert("required".to_owned(), json!(["name"]));
            }
        }
        Schema::try_from(schema).unwrap_or_else(|_| json_schema!({"type": "object", KEEP_UNKNOWN: true}))
    }
}

/// Where a pod's fields are described in the schema.
const POD_SCHEMA: &str = "/properties/template/properties/spec/properties";

/// Parts that a study hardly ever writes, or that the operator owns: kept as they are written, and not described, so
/// that the definition stays small enough for a plain `kubectl apply`.
const RARE: [&str; 6] = [
    "/properties/podFailurePolicy",
    "/properties/selector",
    "/properties/successPolicy",
    "/properties/template/properties/metadata",
    "/properties/template/properties/spec/properties/ephemeralContainers",
    "/properties/template/properties/spec/properties/initContainers/items/properties/lifecycle",
];

/// The volumes that are described; the others belong to single vendors.
const VOLUMES: [&str; 12] = [
    "name",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "hostPath",
    "image",
    "nfs",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Kubernetes reads a quantity from a number with a fraction as well (`cpu: 0.5`), which "int or string" refuses.
fn quantity() -> Value {
    json!({KEEP_UNKNOWN: true})
}

/// Takes from the schema of a Kubernetes type what would refuse, drop or add anything: the API server checks the Job
/// itself when it is made, in the version that it runs, and the dry run asks it before that.
fn loosen(schema: &mut Value) {
    // What may be left out comes as "either that, or null".
    if let Some(first) = schema.get_mut("anyOf").and_then(Value::as_array_mut).and_then(|options| options.first_mut()) {
        *schema = first.take();
    }
    match schema {
        // Only a map's values still carry the type's own description.
        Value::Object(members) if text(members, "description").is_some_and(|d| d.starts_with("Quantity is")) => {
            *schema = quantity()
        }
        Value::Object(members) => {
            for gone in ["$schema", "title", "description", "default", "required", "nullable"] {
                members.remove(gone);
            }
            for part in ["items", "additionalProperties"] {
                if let Some(part) = members.get_mut(part) {
                    loosen(part);
                }
            }
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (name, property) in properties {
                    match name.as_str() {
                        "divisor" | "sizeLimit" => *property = quantity(),
                        _ => loosen(property),
                    }
                }
                members.insert(KEEP_UNKNOWN.to_owned(), json!(true));
            }
        }
        // `true` as a schema: anything goes.
        Value::Bool(_) => *schema = json!({KEEP_UNKNOWN: true}),
        _ => {}
    }
}
