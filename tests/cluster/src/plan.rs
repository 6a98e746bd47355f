//! What the first process of a cluster's namespaces is told to do.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The commands and components of one cluster.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Folders that have to be seen although what lies around them is hidden.
    pub(crate) visible: Vec<PathBuf>,
    /// Settings of the kernel that a kubelet insists on: it is shown them, and the machine keeps its own.
    pub(crate) pretended: Vec<(PathBuf, PathBuf)>,
    /// Commands that complete the network.
    pub(crate) network: Vec<Vec<String>>,
    /// The environment of every component.
    pub(crate) environment: Vec<(String, String)>,
    /// The components, each by its name.
    pub(crate) components: Vec<Component>,
}

/// One program that runs as long as the cluster does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) argv: Vec<String>,
    pub(crate) log: PathBuf,
}

/// How a component is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// The component's name.
    pub name: String,
    /// Its process within the cluster's own namespace; `None` while it does not run.
    pub process: Option<i32>,
    /// How often it ended without being asked to, and was started again.
    pub restarts: u32,
}

impl Plan {
    pub(crate) fn path(root: &Path) -> PathBuf {
        root.join("plan.json")
    }

    pub(crate) fn read(root: &Path) -> Result<Plan, Error> {
        let path = Plan::path(root);
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        serde_json::from_str(&text).map_err(|error| Error::Supervisor(format!("{}: {error}", path.display())))
    }

    pub(crate) fn write(&self, root: &Path) -> Result<(), Error> {
        let path = Plan::path(root);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Supervisor(format!("{}: {error}", path.display())))?;
        std::fs::write(&path, text).map_err(Error::file(&path))
    }
}
