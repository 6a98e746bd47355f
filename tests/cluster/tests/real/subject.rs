//! The image that the tests' pods run, and the pods.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use trimtab_cluster::{Cluster, Image};

const NAME: &str = "docker.io/local/subject:dev";

pub(crate) fn image() -> Image {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    Image::new(NAME, PROGRAM.get_or_init(compile))
}

fn compile() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("subject.rs");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("subject");
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let status = Command::new("rustc")
        .args(["--edition=2024", "-C", "target-feature=+crt-static", "-C", "opt-level=1", "--target", &triple, "-o"])
        .arg(&target)
        .arg(source)
        .status()
        .unwrap();
    assert!(status.success());
    target
}

/// A Job of one pod that does a task once.
pub(crate) fn job(name: &str, task: &[&str]) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "containers": [{
                    "name": "main",
                    "image": NAME,
                    "imagePullPolicy": "Never",
                    "args": task,
                }],
            }},
        },
    })
}

/// The same with limits on what it may have.
pub(crate) fn with_limits(mut job: Value, limits: Value) -> Value {
    job["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"limits": limits});
    job
}

/// The same with a claim mounted at `/shared`.
pub(crate) fn with_claim(mut job: Value, claim: &str) -> Value {
    let spec = &mut job["spec"]["template"]["spec"];
    spec["containers"][0]["volumeMounts"] = json!([{"name": "shared", "mountPath": "/shared"}]);
    spec["volumes"] = json!([{"name": "shared", "persistentVolumeClaim": {"claimName": claim}}]);
    job
}

/// Waits until a Job's pod says this of itself.
pub(crate) fn wait_for_pod(cluster: &Cluster, job: &str, condition: &str) {
    let selector = format!("job-name={job}");
    cluster.kubectl(&["wait", "--for=create", "pod", "--selector", &selector, "--timeout=60s"]).unwrap();
    let condition = format!("--for={condition}");
    cluster.kubectl(&["wait", &condition, "pod", "--selector", &selector, "--timeout=120s"]).unwrap();
}

/// Runs a Job to its end and returns how its container ended.
pub(crate) fn run_to_the_end(cluster: &Cluster, job: &Value) -> Value {
    cluster.apply(&job.to_string()).unwrap();
    let name = job["metadata"]["name"].as_str().unwrap();
    wait_for_pod(cluster, name, "jsonpath={.status.containerStatuses[0].state.terminated}");
    pod(cluster, name)["status"]["containerStatuses"][0]["state"]["terminated"].clone()
}

/// A Job's pod.
pub(crate) fn pod(cluster: &Cluster, job: &str) -> Value {
    let selector = format!("job-name={job}");
    let text = cluster.kubectl(&["get", "pods", "--selector", &selector, "--output", "json"]).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["items"][0].clone()
}

/// What a Job's pod has printed.
pub(crate) fn log(cluster: &Cluster, job: &str) -> String {
    cluster.kubectl(&["logs", &format!("job/{job}")]).unwrap()
}
