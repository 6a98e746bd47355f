//! Leader election: one operator at work at a time, on a client of its own.
//!
//! Two leaders for a moment are harmless, because the write that decides is fenced by a resource version; the lease keeps them
//! from getting in each other's way.

use std::time::Duration;

use kube::Config;
use kube_lease_manager::LeaseManagerBuilder;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::metrics::{self, Metrics};

/// The lease's name.
pub const LEASE: &str = "trimtab-operator";
/// How long a lease holds without being renewed, in seconds.
const DURATION: u64 = 15;
/// How long before that it is renewed, in seconds.
const GRACE: u64 = 10;

/// Why the lease cannot be had at all.
#[derive(Debug, thiserror::Error)]
pub enum LeaderError {
    /// No client for the lease.
    #[error("a client for the lease cannot be made")]
    Client(#[source] kube::Error),
    /// The lease object cannot be read or made.
    #[error("the lease cannot be read or made")]
    Lease(#[source] kube_lease_manager::LeaseManagerError),
}

/// Keeps trying to hold the lease. The channel says whether it is held; it closes when that cannot be known any more. When all its
/// receivers are gone the lease is given back, so that the next operator need not wait until it runs out, and the task ends.
///
/// # Errors
/// When there is no client, or the lease cannot be read or made.
pub async fn elect(
    config: &Config,
    namespace: &str,
    identity: &str,
    metrics: &Metrics,
) -> Result<(watch::Receiver<bool>, JoinHandle<()>), LeaderError> {
    let mut config = config.clone();
    // A lease is renewed in time or not at all: no retries behind our back, and no waiting for an answer that comes too late.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    // No read timeout: it would also break off the watch of the lease, and say so as an error, once a minute.
    config.read_timeout = None;
    config.write_timeout = Some(Duration::from_secs(5));
    let client = metrics::client(config, metrics).map_err(LeaderError::Client)?;
    let manager = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(namespace)
        .with_identity(identity)
        .with_field_manager(format!("trimtab-{identity}"))
        .with_duration(DURATION)
        .with_grace(GRACE)
        .build()
        .await
        .map_err(LeaderError::Lease)?;
    let (held, task) = manager.watch().await;
    let keeper = tokio::spawn(async move {
        match task.await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the lease was given up"),
            Err(error) => tracing::error!(%error, "the keeper of the lease ended"),
        }
    });
    Ok((held, keeper))
}
