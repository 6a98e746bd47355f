//! Where a cluster keeps its files. Everything of one cluster is below one folder, so that removing
//! the folder removes the cluster.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The longest path of a run folder below which the components' sockets still fit in an address.
const LONGEST: usize = 60;

/// The folder for what outlives a cluster: built programs, and the clusters' folders.
pub fn cache() -> PathBuf {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("TRIMTAB_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("trimtab")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/trimtab")))
        .unwrap_or_else(|| std::env::temp_dir().join("trimtab"))
}

/// The files of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of the cluster of this name.
    pub(crate) fn of(name: &str) -> Result<Layout, Error> {
        let valid = !name.is_empty()
            && name.len() <= 30
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !name.starts_with('-');
        if !valid {
            return Err(Error::Option(format!(
                "{name:?} is no name for a cluster: at most 30 small letters, digits and dashes"
            )));
        }
        let root = clusters().join(name);
        if root.as_os_str().len() > LONGEST {
            return Err(Error::Option(format!(
                "{} is too long a path for the sockets below it: choose a shorter TRIMTAB_CACHE",
                root.display()
            )));
        }
        Ok(Layout { root })
    }

    pub(crate) fn at(root: &Path) -> Layout {
        Layout { root: root.to_path_buf() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn join(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The same as text, for flags and configuration files.
    pub(crate) fn text(&self, relative: &str) -> String {
        self.join(relative).display().to_string()
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.join("kubeconfig")
    }

    pub(crate) fn log(&self, component: &str) -> PathBuf {
        self.join("logs").join(format!("{component}.log"))
    }

    /// What this cluster was started with.
    pub(crate) fn options(&self) -> PathBuf {
        self.join("options.json")
    }

    /// The cluster's number, which its names outside its own namespaces are made of.
    pub(crate) fn number(&self) -> PathBuf {
        self.join("number")
    }

    pub(crate) fn containerd_socket(&self) -> PathBuf {
        self.join("containerd.sock")
    }
}

/// The folder of all clusters' folders.
pub(crate) fn clusters() -> PathBuf {
    cache().join("clusters")
}
