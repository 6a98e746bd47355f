//! The operator's program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use kube::Client;
use tokio::sync::watch;
use trimtab_operator::{Config, leader, run, serve};

/// Runs Studies on a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "trimtab-operator", version)]
struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
    /// The kubeconfig to use. Left out: the pod's own service account, else the usual places.
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// The only namespace to serve. Left out: all.
    #[arg(long, env = "TRIMTAB_NAMESPACE")]
    namespace: Option<String>,
    /// The namespace of the lease.
    #[arg(long, env = "TRIMTAB_LEASE_NAMESPACE", default_value = "trimtab-system")]
    lease_namespace: String,
    /// Who this is in the lease. Left out: the host's name.
    #[arg(long, env = "TRIMTAB_IDENTITY")]
    identity: Option<String>,
    /// Work without a lease: for a single operator that is started by hand.
    #[arg(long)]
    no_leader_election: bool,
    /// Where health and readiness are served.
    #[arg(long, env = "TRIMTAB_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// How many logs are followed at once; beyond, they are polled.
    #[arg(long, default_value_t = 256)]
    follows: usize,
    /// How many seconds a run may wait on an image or configuration error before it is given up.
    #[arg(long, default_value_t = 600)]
    start_deadline_seconds: u64,
    /// How many seconds after its deletion was due a pod counts as lost with its node.
    #[arg(long, default_value_t = 60)]
    lost_after_seconds: u64,
    /// The first wait after an infrastructure failure, in seconds; it doubles.
    #[arg(long, default_value_t = 10)]
    retry_delay_seconds: u64,
    /// The image of this program, for the Jobs that remove checkpoint folders. Left out: folders are left.
    #[arg(long, env = "TRIMTAB_IMAGE")]
    image: Option<String>,
    /// Log as text instead of JSON.
    #[arg(long, env = "TRIMTAB_LOG_TEXT")]
    log_text: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Removes checkpoint folders that no trial needs any more: run by the clean-up Jobs.
    RemoveFolders {
        /// The folders; one that is not there is no error.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let answer = match &flags.command {
        Some(Command::RemoveFolders { folders }) => folders.iter().try_for_each(|folder| remove_folder(folder)),
        None => operate(flags),
    };
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            #[expect(clippy::print_stderr, reason = "the log may not be set up yet")]
            {
                eprintln!("trimtab-operator: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn remove_folder(folder: &std::path::Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("removing {}", folder.display())),
    }
}

#[tokio::main]
async fn operate(flags: Flags) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,kube=warn".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if flags.log_text {
        log.init()
    } else {
        log.json().init()
    }

    let (stop_sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        signalled().await;
        tracing::info!("told to stop");
        // The receivers are gone only when everything has ended already.
        let _ = stop_sender.send(true);
    });

    let config = match &flags.kubeconfig {
        Some(path) => {
            let kubeconfig =
                kube::config::Kubeconfig::read_from(path).with_context(|| format!("reading {}", path.display()))?;
            kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await?
        }
        None => kube::Config::infer().await.context("no cluster: neither a pod's service account nor a kubeconfig")?,
    };
    let mut timed = config.clone();
    timed.read_timeout = Some(Duration::from_secs(30));
    timed.connect_timeout = Some(Duration::from_secs(10));
    let client = Client::try_from(timed).context("the client")?;
    let streams = Client::try_from(config.clone()).context("the client for streams")?;

    let health = serve::Health::default();
    let serving = tokio::spawn(serve::serve(flags.listen, health.clone(), until(stop.clone())));
    let settings = Config {
        follows: flags.follows,
        start_deadline: Duration::from_secs(flags.start_deadline_seconds),
        lost_after: Duration::from_secs(flags.lost_after_seconds),
        retry_delay: Duration::from_secs(flags.retry_delay_seconds),
        cleanup_image: flags.image.clone(),
        ..Config::default()
    };

    if flags.no_leader_election {
        health.set_ready(true);
        run::lead(client, streams, flags.namespace.clone(), settings, until(stop.clone())).await;
    } else {
        let identity = flags
            .identity
            .clone()
            .or_else(|| std::env::var("HOSTNAME").ok())
            .unwrap_or_else(|| format!("operator-{}", std::process::id()));
        let mut held = leader::elect(&config, &flags.lease_namespace, &identity).await.context("leader election")?;
        health.set_ready(true);
        tracing::info!(identity, "waiting for the lease");
        let gained = tokio::select! {
            answer = held.wait_for(|held| *held) => answer.is_ok(),
            () = until(stop.clone()) => false,
        };
        if gained {
            tracing::info!(identity, "holding the lease");
            let mut lost = held.clone();
            let lost_or_stopped = async move {
                tokio::select! {
                    _ = lost.wait_for(|held| !*held) => tracing::warn!("the lease is lost"),
                    () = until(stop) => {}
                }
            };
            run::lead(client, streams, flags.namespace.clone(), settings, lost_or_stopped).await;
        }
        // Memory is worth nothing without the lease: whoever starts this program starts it afresh.
        drop(held);
    }
    health.set_ready(false);
    serving.abort();
    Ok(())
}

async fn until(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        std::future::pending::<()>().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
