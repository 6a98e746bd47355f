//! What a cluster can be asked to be.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

/// How to start a cluster. `Options::default()` is a whole one with one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// The cluster's name; two of different names never meet.
    pub name: String,
    /// Only etcd and the API server: no controllers, no scheduler, no node, no service accounts.
    pub api_only: bool,
    /// Whether there is a node; without one the control plane is complete and pods stay pending,
    /// or run on nodes that something else registers.
    pub node: bool,
    /// How many GPUs the node says it has. Queueing for them is real, the devices are not.
    pub gpus: u32,
    /// How many pods the node takes.
    pub max_pods: u32,
    /// After how many seconds of silence a node counts as lost, and as many later its pods are
    /// evicted. `None` leaves Kubernetes' own 40 seconds and 5 minutes.
    pub node_grace_seconds: Option<u32>,
    /// When the kubelet rotates a container's log, such as `100Ki`.
    pub log_max_size: Option<String>,
    /// Whether the API server writes `audit.log`, one line of metadata for each request.
    pub audit: bool,
    /// How many requests a second the controllers and the scheduler may send; for load runs.
    pub client_qps: Option<u32>,
    /// More flags, each for a component by its name: `("kube-apiserver", "--v=4")`.
    pub arguments: Vec<(String, String)>,
    /// Whether the cluster stays when the process that started it ends.
    pub keep: bool,
    /// The `trimtab-cluster` program. `None` takes the one that `TRIMTAB_CLUSTER_BIN` names, or has
    /// cargo build it.
    #[serde(skip)]
    pub program: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            name: format!("test-{}", unique()),
            api_only: false,
            node: true,
            gpus: 0,
            max_pods: 200,
            node_grace_seconds: None,
            log_max_size: None,
            audit: false,
            client_qps: None,
            arguments: Vec::new(),
            keep: false,
            program: None,
        }
    }
}

/// A word that nothing else on this machine uses now: tests of many programs run at once, and
/// several of one.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Options {
    /// The options of a cluster with this name.
    pub fn named(name: impl Into<String>) -> Options {
        Options { name: name.into(), ..Options::default() }
    }

    pub(crate) fn has_node(&self) -> bool {
        self.node && !self.api_only
    }
}
