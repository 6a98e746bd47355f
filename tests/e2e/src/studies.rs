//! Studies to test with, as a user would write them.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::programs::{TRIAL, root};

/// Random search with the test's trial: so many trials of so many epochs, none compared.
#[must_use]
pub fn plain(name: &str, trials: u32, epochs: u32, arguments: &[&str]) -> Value {
    let container = json!({
        "name": "train", "image": TRIAL, "imagePullPolicy": "Never", "args": arguments,
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}},
    });
    json!({
        "apiVersion": "trimtab.dev/v1alpha1",
        "kind": "Study",
        "metadata": {"name": name},
        "spec": {
            "objectives": [{"metric": "val", "goal": "Maximize"}],
            "recordMetrics": ["loss"],
            "parameters": [
                {"name": "x", "float": {"min": 0, "max": 1}},
                {"name": "layers", "int": {"min": 1, "max": 9}},
            ],
            "fidelity": {"unit": "epoch", "min": 1, "max": epochs},
            "limits": {"trials": trials},
            "parallelism": 4,
            "seed": 11,
            "trial": {
                "metrics": {"log": {"fidelityKey": "epoch"}},
                "job": {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 2, "containers": [container]}}}},
            },
        },
    })
}

/// Hyperband over nine epochs with checkpoints: three brackets, 17 trials.
#[must_use]
pub fn hyperband(name: &str, arguments: &[&str]) -> Value {
    let mut study = plain(name, 1, 9, arguments);
    study["spec"]["scheduler"] = json!({"hyperband": {"reductionFactor": 3}});
    if let Some(spec) = study["spec"].as_object_mut() {
        spec.remove("limits");
    }
    with_claim(study)
}

/// The same Study with the claim `checkpoints`.
#[must_use]
pub fn with_claim(mut study: Value) -> Value {
    study["spec"]["trial"]["checkpoint"] = json!({"claimName": "checkpoints"});
    study
}

/// The same Study with changes to its spec, as a merge patch.
#[must_use]
pub fn with(mut study: Value, spec: Value) -> Value {
    merge(&mut study["spec"], &spec);
    study
}

/// The same Study with changes to its pod's spec.
#[must_use]
pub fn with_pod(mut study: Value, pod: Value) -> Value {
    merge(&mut study["spec"]["trial"]["job"]["spec"]["template"]["spec"], &pod);
    study
}

/// The same Study with changes to its container.
#[must_use]
pub fn with_container(mut study: Value, container: Value) -> Value {
    merge(&mut study["spec"]["trial"]["job"]["spec"]["template"]["spec"]["containers"][0], &container);
    study
}

/// RFC 7396.
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(members) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The Study of an example file.
///
/// # Errors
/// When it cannot be read.
pub fn example(file: &str) -> Result<Value> {
    let path = root().join("examples").join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_saphyr::from_str(&text)?)
}
