//! Studies for the tests of this crate.

use serde_json::json;
use trimtab_api::Study;

/// A Study of one parameter and one trial.
pub(crate) fn study() -> Study {
    let study = json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s", "uid": "u"},
        "spec": {
            "objectives": [{"metric": "loss", "goal": "Minimize"}],
            "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
            "limits": {"trials": 1}, "seed": 1,
            "trial": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "command": ["true"]}]}}}}},
        },
    });
    serde_json::from_value(study).unwrap()
}
