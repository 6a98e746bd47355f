//! The harness held to what it promises, on real clusters.
//!
//! Where a machine cannot run a cluster the tests say so and pass, except where `CI` is set.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod faults;
mod node;
mod subject;
mod traces;

use std::sync::{Mutex, OnceLock, PoisonError};

use trimtab_cluster::{Cluster, Error, Options};

/// Starts a cluster; `None` where the machine cannot run one.
fn start(options: Options) -> Option<Cluster> {
    if std::env::var_os(trimtab_cluster::EXTERNAL).is_some_and(|value| !value.is_empty()) {
        eprintln!("skipped: these tests are about the harness's own clusters");
        return None;
    }
    match Cluster::start(here(options)) {
        Ok(cluster) => Some(cluster),
        Err(Error::Machine(reason)) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The options with the program that cargo has built for these tests.
fn here(options: Options) -> Options {
    let program = Some(env!("CARGO_BIN_EXE_trimtab-cluster").into());
    Options { program, ..options }
}

/// The cluster of all tests that do it no harm. It goes when the test process ends.
fn shared() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let start_it = || {
        let options = Options { gpus: 2, log_max_size: Some("64Ki".into()), audit: true, ..Options::default() };
        let cluster = start(options)?;
        cluster.import_image(&subject::image()).unwrap();
        Some(cluster)
    };
    CLUSTER.get_or_init(start_it).as_ref()
}

/// Lets one test after the other have a whole cluster of its own: they are for two cores.
fn one_at_a_time() -> std::sync::MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
