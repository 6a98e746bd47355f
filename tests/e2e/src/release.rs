//! An installation of the chart, by Helm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use kube::Api;
use kube::api::ListParams;

use crate::environment::Environment;
use crate::programs;
use crate::prometheus::Target;

/// The chart's own pods.
const SELECTOR: &str = "app.kubernetes.io/name=trimtab,app.kubernetes.io/component=operator";

/// A release.
#[derive(Clone, Debug)]
pub struct Release {
    environment: Arc<Environment>,
    helm: PathBuf,
    /// Where the operator runs.
    pub namespace: String,
    /// Settings of every command, as `path=value`.
    values: Vec<String>,
}

/// The Helms to use, the oldest first, from `TRIMTAB_HELM`: paths with colons between them. `./test install` builds them and names them.
///
/// # Errors
/// When none is named.
pub fn helms() -> Result<Vec<PathBuf>> {
    let named = std::env::var("TRIMTAB_HELM").context("TRIMTAB_HELM names no helm: run ./test install")?;
    Ok(named.split(':').map(PathBuf::from).collect())
}

/// The chart's folder.
#[must_use]
pub fn chart() -> PathBuf {
    programs::root().join("charts/trimtab")
}

impl Release {
    /// A release `trimtab` that is not installed yet, of the image that is on the node.
    #[must_use]
    pub fn new(environment: &Arc<Environment>, helm: &Path, namespace: &str, values: &[&str]) -> Self {
        let (repository, tag) = programs::OPERATOR.rsplit_once(':').unwrap_or((programs::OPERATOR, "dev"));
        let image =
            [format!("image.repository={repository}"), format!("image.tag={tag}"), "image.pullPolicy=Never".to_owned()];
        Self {
            environment: Arc::clone(environment),
            helm: helm.to_path_buf(),
            namespace: namespace.to_owned(),
            values: image.into_iter().chain(values.iter().map(|value| (*value).to_owned())).collect(),
        }
    }

    fn helm(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.helm);
        command.args(arguments).args(["--namespace", &self.namespace]);
        command.arg("--kubeconfig").arg(self.environment.cluster().kubeconfig());
        // What Helm keeps belongs to the cluster, and what a user has set does not concern it.
        let kept = self.environment.cluster().run_dir().join("helm");
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(variable, &kept);
        }
        let output = command.output().with_context(|| self.helm.display().to_string())?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "helm {}: {said}", arguments.join(" "));
        Ok(said)
    }

    /// `helm install` or `helm upgrade` of a chart's folder, until its pods are ready. Returns what Helm says.
    ///
    /// # Errors
    /// With Helm's words.
    pub fn apply(&self, verb: &str, chart: &Path, more: &[&str]) -> Result<String> {
        let chart = chart.display().to_string();
        let mut arguments = vec![verb, "trimtab", &chart, "--wait", "--timeout=180s"];
        for value in self.values.iter().map(String::as_str).chain(more.iter().copied()) {
            arguments.extend(["--set", value]);
        }
        self.helm(&arguments)
    }

    /// `helm test`. Returns what Helm says.
    ///
    /// # Errors
    /// With Helm's words.
    pub fn test(&self) -> Result<String> {
        self.helm(&["test", "trimtab", "--timeout=180s"])
    }

    /// `helm uninstall`. Returns what Helm says.
    ///
    /// # Errors
    /// With Helm's words.
    pub fn uninstall(&self) -> Result<String> {
        self.helm(&["uninstall", "trimtab", "--wait", "--timeout=180s"])
    }

    /// The operator's pods that are ready and stay.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.environment.client.clone(), &self.namespace);
        let all = api.list(&ListParams::default().labels(SELECTOR)).await?;
        Ok(all.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none() && is_ready(pod)).collect())
    }

    /// Their addresses and names.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn targets(&self) -> Result<Vec<Target>> {
        let named = |pod: Pod| Some((pod.status?.pod_ip?, pod.metadata.name?));
        Ok(self.pods().await?.into_iter().filter_map(named).collect())
    }

    /// The name of the pod that holds the lease.
    ///
    /// # Errors
    /// When the lease cannot be read.
    pub async fn leader(&self) -> Result<Option<String>> {
        let api: Api<Lease> = Api::namespaced(self.environment.client.clone(), &self.namespace);
        let lease = api.get_opt("trimtab-operator").await?;
        Ok(lease.and_then(|lease| lease.spec?.holder_identity))
    }

    /// What an operator's pod has logged.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn log(&self, pod: &str) -> Result<String> {
        let api: Api<Pod> = Api::namespaced(self.environment.client.clone(), &self.namespace);
        Ok(api.logs(pod, &kube::api::LogParams::default()).await?)
    }
}

fn ready(pod: &Pod) -> Option<&PodCondition> {
    let mut conditions = pod.status.as_ref()?.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn is_ready(pod: &Pod) -> bool {
    ready(pod).is_some()
}

/// From the start of a pod's container to its being ready, in the whole seconds that the kubelet writes.
#[must_use]
pub fn seconds_to_ready(pod: &Pod) -> Option<i64> {
    let container = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let started = container.state.as_ref()?.running.as_ref()?.started_at.as_ref()?.0;
    Some(ready(pod)?.last_transition_time.as_ref()?.0.duration_since(started).as_secs())
}

/// The process on this machine that is an operator's pod. The cluster's processes are in namespaces of their own, which this one sees into.
///
/// # Errors
/// When there is none.
pub fn process(pod: &str) -> Result<u32> {
    let identity = format!("TRIMTAB_IDENTITY={pod}");
    let entries = std::fs::read_dir("/proc")?.flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut of_pod = ids.filter(|id| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == identity.as_bytes())
    });
    of_pod.next().with_context(|| format!("no process of {pod}"))
}
