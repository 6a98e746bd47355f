//! A cluster with Trimtab's definitions and permissions on it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::RwLock;
use trimtab_cluster::{Cluster, Options};

use crate::programs;

/// The kinds of cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// etcd and the API server.
    Api,
    /// All of a control plane, and a node with two GPUs.
    Node,
    /// The same, with the images and nothing of Trimtab's installed: that is for Helm to do.
    Bare,
}

/// A running cluster, ready for tests.
pub struct Environment {
    cluster: Cluster,
    /// The administrator's client.
    pub client: Client,
    /// The operator's kubeconfig: that of its ServiceAccount. The administrator's where nothing is installed.
    pub operator_kubeconfig: PathBuf,
    /// The operator's program.
    pub operator: PathBuf,
    /// Tests that break what others need hold it for writing.
    pub(crate) turns: RwLock<()>,
    namespaces: AtomicU32,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// Asks until the answer is yes, at most half a minute; says whether it was.
///
/// # Errors
/// When asking fails.
pub async fn eventually(ask: impl AsyncFn() -> Result<bool>) -> Result<bool> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ask().await? {
        if Instant::now() > deadline {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(true)
}

/// A client that a kubeconfig describes.
///
/// # Errors
/// When the file cannot be read.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.read_timeout = Some(std::time::Duration::from_secs(30));
    Ok(Client::try_from(config)?)
}

/// Puts the definitions and permissions on a cluster, and returns the operator's kubeconfig.
fn install(cluster: &Cluster) -> Result<PathBuf> {
    // As a user would: plain `kubectl apply`, which keeps the whole object in an annotation.
    let root = programs::root();
    cluster.kubectl(&["apply", "--filename", &root.join("crds").display().to_string()])?;
    cluster.kubectl(&[
        "wait",
        "--for=condition=Established",
        "--timeout=30s",
        "crd/studies.trimtab.dev",
        "crd/trials.trimtab.dev",
    ])?;
    cluster.kubectl(&["apply", "--filename", &root.join("deploy/rbac.yaml").display().to_string()])?;
    Ok(cluster.service_account_kubeconfig("trimtab-system", "trimtab-operator")?)
}

impl Environment {
    /// Starts a cluster and puts everything on it that its kind says.
    ///
    /// # Errors
    /// When a program does not build or the cluster does not start.
    pub async fn start(kind: Kind) -> Result<Self> {
        let operator = programs::operator()?;
        let has_node = kind != Kind::Api;
        let images = if has_node { programs::images(&operator)? } else { Vec::new() };
        // Some clusters hold owner references against permissions; what works there works everywhere.
        let strict = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement";
        let strict = (kind != Kind::Node).then(|| ("kube-apiserver".to_owned(), strict.to_owned()));
        let options = Options {
            api_only: !has_node,
            gpus: if has_node { 2 } else { 0 },
            audit: true,
            arguments: strict.into_iter().collect(),
            ..Options::default()
        };
        let cluster = Cluster::start(options)?;
        for image in &images {
            cluster.import_image(image)?;
        }
        let operator_kubeconfig = match kind {
            Kind::Bare => cluster.kubeconfig().to_path_buf(),
            Kind::Api | Kind::Node => install(&cluster)?,
        };
        let client = client(cluster.kubeconfig()).await.context("the administrator's client")?;
        Ok(Self {
            cluster,
            client,
            operator_kubeconfig,
            operator,
            turns: RwLock::new(()),
            namespaces: AtomicU32::new(1),
        })
    }

    /// The cluster below.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Makes a namespace that no other test has, and returns its name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn namespace(&self, word: &str) -> Result<String> {
        let name = format!("{word}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}}))?;
        Api::<Namespace>::all(self.client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(name)
    }

    /// `kubectl` as the administrator, in a namespace.
    ///
    /// # Errors
    /// When it fails.
    pub fn kubectl(&self, namespace: &str, arguments: &[&str]) -> Result<String> {
        let all = [&["--namespace", namespace], arguments].concat();
        Ok(self.cluster.kubectl(&all)?)
    }

    /// Says where the cluster was, for the one who looks at what failed. Dropping it takes it down.
    pub fn end(self: std::sync::Arc<Self>) {
        match std::sync::Arc::try_unwrap(self) {
            Ok(environment) => {
                if let Err(error) = environment.cluster.down() {
                    eprintln!("the cluster was not taken down: {error}");
                }
            }
            // A task that a test has left behind holds it. The cluster goes with this process.
            Err(_) => eprintln!("something still holds the cluster; it goes with this process"),
        }
    }
}
