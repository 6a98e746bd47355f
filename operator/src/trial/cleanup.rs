//! Builds the Job that removes a trial's checkpoint folders. Pure.
//!
//! The volume's root is mounted, never a subPath, and only a path made of a UID and a number is removed, by the operator's own
//! image, as the user that the trial's pods run as.

use kube::ResourceExt;
use serde_json::{Value, json};
use trimtab_api::{Study, Trial, names};

/// Where the clean-up mounts the volume.
const MOUNT: &str = "/checkpoints";

/// The clean-up Job of a trial: of these runs' folders, or, if there are none, of the trial's; `None` without a checkpoint claim.
pub(crate) fn job(study: &Study, trial: &Trial, image: &str, runs: &[u32]) -> Option<Value> {
    let checkpoint = study.spec.trial.checkpoint.as_ref()?;
    let pod = study.spec.trial.job.spec.0.get("template").and_then(|t| t.get("spec"));
    let taken = |key: &str| pod.and_then(|p| p.get(key)).cloned();
    let (uid, number) = (&trial.spec.study_uid, trial.spec.number);
    let mut arguments = vec!["remove-folders".to_owned()];
    match runs {
        [] => arguments.push(format!("{MOUNT}/{uid}/{number}")),
        runs => arguments.extend(runs.iter().map(|run| format!("{MOUNT}/{}", names::run_folder(uid, number, *run)))),
    }
    let mut spec = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "containers": [{
            "name": "clean-up", "image": image, "args": arguments,
            "volumeMounts": [{"name": "checkpoints", "mountPath": MOUNT}],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
        }],
        "volumes": [{"name": "checkpoints", "persistentVolumeClaim": {"claimName": checkpoint.claim_name}}],
    });
    // The folders belong to the user that the trial ran as, on nodes that the trial could run on.
    for key in ["securityContext", "nodeSelector", "tolerations", "imagePullSecrets"] {
        if let (Some(value), Some(spec)) = (taken(key), spec.as_object_mut()) {
            spec.insert(key.to_owned(), value);
        }
    }
    let labels = json!({
        names::STUDY_LABEL: study.name_any(), names::STUDY_UID_LABEL: trial.spec.study_uid, names::TRIAL_LABEL: trial.name_any(),
        "app.kubernetes.io/managed-by": names::MANAGER, "app.kubernetes.io/component": "clean-up",
    });
    Some(json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": format!("{}-clean", trial.name_any()), "namespace": trial.namespace(), "labels": labels,
            "ownerReferences": [{
                "apiVersion": format!("{}/{}", trimtab_api::GROUP, trimtab_api::VERSION), "kind": "Trial", "name": trial.name_any(),
                "uid": trial.uid(), "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {"backoffLimit": 2, "ttlSecondsAfterFinished": 600, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }))
}
