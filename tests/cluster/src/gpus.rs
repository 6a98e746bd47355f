//! GPUs that are not there: the node claims to have them, and the scheduler believes it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::components::NODE;
use crate::error::Error;
use crate::run;

const CLAIMED: &str = r#"{.status.capacity.nvidia\.com/gpu}/{.status.allocatable.nvidia\.com/gpu}{"\n"}"#;

/// Keeps the node's claim standing for as long as the API server talks: a kubelet that comes back
/// drops what no device plugin has confirmed.
pub fn claim(kube: &Path, kubeconfig: &Path, count: u32) -> Result<(), Error> {
    let kubectl = || {
        let mut command = Command::new(kube);
        command.arg("kubectl").arg("--kubeconfig").arg(kubeconfig);
        command
    };
    let failed = |output: String| Error::Command { command: "kubectl get --watch".into(), output };
    let mut watch = kubectl()
        .args(["get", "node", NODE, "--watch", "--output", &format!("jsonpath={CLAIMED}")])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let wanted = format!("{count}/{count}");
    let patch = format!(
        r#"[{{"op":"add","path":"/status/capacity/nvidia.com~1gpu","value":"{count}"}},
            {{"op":"add","path":"/status/allocatable/nvidia.com~1gpu","value":"{count}"}}]"#
    );
    let output = watch.stdout.take().ok_or_else(|| failed("no output".into()))?;
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|error| failed(error.to_string()))?;
        if line != wanted {
            run::output(kubectl().args(["patch", "node", NODE, "--subresource=status", "--type=json", "-p", &patch]))?;
        }
    }
    // Whoever started this starts it again.
    watch.wait().map(|_| ()).map_err(|error| failed(error.to_string()))
}
