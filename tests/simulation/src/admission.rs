//! What the server adds to built-in objects, and what it refuses of them.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::resource::Resource;
use crate::store;

/// Seconds that a pod has to end, unless it says otherwise.
pub const GRACE: u64 = 30;

/// Fills in defaults and refuses what cannot be.
///
/// # Errors
/// When the object cannot be decoded or breaks a rule.
pub fn default(resource: Resource, object: &mut Value) -> Result<(), Failure> {
    let name = object["metadata"]["name"].as_str().unwrap_or("").to_owned();
    let longest = if matches!(resource, Resource::Event) { 253 } else { 63 };
    let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if name.is_empty() || name.len() > longest || !name.chars().all(is_label) {
        return Err(Failure::invalid(
            resource.kind(),
            &name,
            "metadata.name: Invalid value: must be a lowercase RFC 1123 label",
        ));
    }
    match resource {
        Resource::Job => job(object, &name),
        Resource::Pod => pod(object, &name),
        Resource::Study | Resource::Trial | Resource::Event | Resource::Lease => Ok(()),
    }
}

/// Refuses changes of built-in objects that the server does not allow.
///
/// # Errors
/// When an immutable field is another.
pub fn update(resource: Resource, object: &Value, old: &Value) -> Result<(), Failure> {
    let name = object["metadata"]["name"].as_str().unwrap_or("");
    let frozen: &[&str] = match resource {
        Resource::Job => &["completions", "selector", "template", "podFailurePolicy", "backoffLimit", "completionMode"],
        Resource::Pod => &["containers", "nodeName", "volumes", "restartPolicy"],
        Resource::Study | Resource::Trial | Resource::Event | Resource::Lease => &[],
    };
    match frozen.iter().find(|field| object["spec"][**field] != old["spec"][**field]) {
        Some(field) => {
            Err(Failure::invalid(resource.kind(), name, &format!("spec.{field}: Invalid value: field is immutable")))
        }
        None => Ok(()),
    }
}

/// How long a pod has to end when it is deleted: none at all where nothing of it runs.
#[must_use]
pub fn grace(pod: &Value, asked: Option<u64>) -> u64 {
    let bound = pod["spec"]["nodeName"].is_string();
    let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if !bound || over {
        return 0;
    }
    asked.unwrap_or_else(|| pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(GRACE))
}

fn job(object: &mut Value, name: &str) -> Result<(), Failure> {
    if let Err(error) = serde_json::from_value::<Job>(object.clone()) {
        return Err(Failure::bad_request(format!("Job in version \"v1\" cannot be handled as a Job: {error}")));
    }
    let refuse = |why: &str| Err(Failure::invalid("Job", name, why));
    let uid = store::uid(object).to_owned();
    let spec = &mut object["spec"];
    let template = &spec["template"]["spec"];
    if !matches!(template["restartPolicy"].as_str(), Some("Never" | "OnFailure")) {
        return refuse("spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"");
    }
    if template["containers"].as_array().is_none_or(Vec::is_empty) {
        return refuse("spec.template.spec.containers: Required value");
    }
    let has_policy = spec["podFailurePolicy"].is_object();
    if has_policy && template["restartPolicy"] != "Never" {
        return refuse(
            "spec.template.spec.restartPolicy: Invalid value: only \"Never\" is supported when podFailurePolicy is specified",
        );
    }
    if has_policy && spec["podReplacementPolicy"] == "TerminatingOrFailed" {
        return refuse(
            "spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\"",
        );
    }
    if spec["manualSelector"] != true && spec["selector"].is_object() {
        return refuse("spec.selector: Invalid value: field is generated");
    }
    let defaults = [
        ("parallelism", json!(1)),
        ("completions", json!(1)),
        ("backoffLimit", json!(6)),
        ("suspend", json!(false)),
        ("completionMode", json!("NonIndexed")),
        ("manualSelector", json!(false)),
        ("podReplacementPolicy", json!(if has_policy { "Failed" } else { "TerminatingOrFailed" })),
        ("selector", json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})),
    ];
    for (field, value) in defaults {
        if spec[field].is_null() {
            spec[field] = value;
        }
    }
    let labels = [
        ("batch.kubernetes.io/controller-uid", uid.as_str()),
        ("controller-uid", uid.as_str()),
        ("batch.kubernetes.io/job-name", name),
        ("job-name", name),
    ];
    for (label, value) in labels {
        store::metadata(&mut spec["template"]).entry("labels").or_insert_with(|| json!({}))[label] = json!(value);
    }
    Ok(())
}

fn pod(object: &mut Value, name: &str) -> Result<(), Failure> {
    if let Err(error) = serde_json::from_value::<Pod>(object.clone()) {
        return Err(Failure::bad_request(format!("Pod in version \"v1\" cannot be handled as a Pod: {error}")));
    }
    if object["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
        return Err(Failure::invalid("Pod", name, "spec.containers: Required value"));
    }
    if object["spec"]["terminationGracePeriodSeconds"].is_null() {
        object["spec"]["terminationGracePeriodSeconds"] = json!(GRACE);
    }
    object["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"});
    Ok(())
}
