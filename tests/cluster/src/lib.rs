//! A real Kubernetes cluster on one machine: etcd, the API server, the controllers, the scheduler,
//! and a node with containerd and the kubelet, in namespaces of their own.
//!
//! ```no_run
//! use trimtab_cluster::{Cluster, Image, Options};
//!
//! # fn main() -> Result<(), trimtab_cluster::Error> {
//! let cluster = Cluster::start(Options { gpus: 2, ..Options::default() })?;
//! cluster.import_image(&Image::new("docker.io/local/trainer:dev", "target/release/trainer"))?;
//! println!("{}", cluster.kubectl(&["get", "nodes"])?);
//! # Ok(())
//! # }
//! ```

mod access;
mod certificates;
mod cgroups;
mod claim;
mod cluster;
mod components;
mod error;
mod executable;
mod first;
mod gpus;
mod image;
mod kube;
mod kubeconfig;
mod layout;
mod network;
mod node;
mod options;
mod packages;
mod pause;
mod plan;
mod run;
mod supervisor;

pub use cluster::{Cluster, EXTERNAL, down, list};
pub use error::Error;
pub use image::Image;
pub use kube::executable as kube_executable;
pub use layout::cache;
pub use options::Options;
pub use plan::ComponentStatus;

/// The processes that a cluster is made of. Only this crate's own program calls them.
#[doc(hidden)]
pub mod process {
    pub use crate::first::first;
    pub use crate::gpus::claim;
    pub use crate::supervisor::supervise;
}
