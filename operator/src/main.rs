//! The operator's program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use futures::FutureExt;
use tokio::sync::watch;
use trimtab_operator::check::Check;
use trimtab_operator::{Config, Metrics, leader, metrics, run, serve};

/// How long to wait for the lease to be given back at the end: less than a pod's grace period.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// Runs Studies on a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "trimtab-operator", version)]
struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
    /// The kubeconfig to use. Left out: the pod's own service account, else the usual places.
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// The only namespaces to serve, with commas between them. Left out: all.
    #[arg(long = "namespace", env = "TRIMTAB_NAMESPACE", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// The namespace of the lease.
    #[arg(long, env = "TRIMTAB_LEASE_NAMESPACE", default_value = "trimtab-system")]
    lease_namespace: String,
    /// Who this is in the lease. Left out: the host's name.
    #[arg(long, env = "TRIMTAB_IDENTITY")]
    identity: Option<String>,
    /// Work without a lease: for a single operator that is started by hand.
    #[arg(long)]
    no_leader_election: bool,
    /// Where health, readiness and metrics are served.
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
    /// How many Studies may have metrics of their own: those at work first, then the newest.
    #[arg(long, env = "TRIMTAB_STUDY_METRICS", default_value_t = 0)]
    study_metrics: usize,
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
    /// Runs a Study of two trials to its end, as `helm test` does.
    Check {
        /// Where the Study is made.
        #[arg(long)]
        namespace: String,
        /// Its name.
        #[arg(long, default_value = "trimtab-test")]
        name: String,
        /// The image of its trials: this program's.
        #[arg(long)]
        image: String,
        /// A secret to pull it with; may be given several times.
        #[arg(long = "pull-secret")]
        pull_secrets: Vec<String>,
        /// Seconds that it may take.
        #[arg(long, default_value_t = 120)]
        timeout_seconds: u64,
    },
    /// Prints its parameter as a metric: a trial of the check.
    Sample {
        /// The parameter.
        #[arg(long, env = "PARAM_X")]
        x: String,
    },
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let answer = match &flags.command {
        Some(Command::RemoveFolders { folders }) => folders.iter().try_for_each(|folder| remove_folder(folder)),
        Some(Command::Sample { x }) => {
            #[expect(clippy::print_stdout, reason = "a trial reports by what it prints")]
            {
                println!("value={x}");
            }
            Ok(())
        }
        Some(Command::Check { .. }) => check(flags),
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

fn log(text: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,kube=warn".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if text { log.init() } else { log.json().init() }
}

async fn config(path: Option<&PathBuf>) -> anyhow::Result<kube::Config> {
    match path {
        Some(path) => {
            let kubeconfig =
                kube::config::Kubeconfig::read_from(path).with_context(|| format!("reading {}", path.display()))?;
            let options = kube::config::KubeConfigOptions::default();
            Ok(kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?)
        }
        None => kube::Config::infer().await.context("no cluster: neither a pod's service account nor a kubeconfig"),
    }
}

#[tokio::main]
async fn check(flags: Flags) -> anyhow::Result<()> {
    log(true);
    let Some(Command::Check { namespace, name, image, pull_secrets, timeout_seconds }) = flags.command else {
        return Ok(());
    };
    let client = kube::Client::try_from(config(flags.kubeconfig.as_ref()).await?).context("the client")?;
    let timeout = Duration::from_secs(timeout_seconds);
    Ok(Check { namespace, name, image, pull_secrets, timeout }.run(client).await?)
}

#[tokio::main]
async fn operate(flags: Flags) -> anyhow::Result<()> {
    log(flags.log_text);

    let (stop_sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        signalled().await;
        tracing::info!("told to stop");
        // The receivers are gone only when everything has ended already.
        let _ = stop_sender.send(true);
    });

    let config = config(flags.kubeconfig.as_ref()).await?;
    let mut timed = config.clone();
    timed.read_timeout = Some(Duration::from_secs(30));
    timed.connect_timeout = Some(Duration::from_secs(10));
    let kept = Metrics::kept(flags.study_metrics, flags.follows).context("the metrics")?;
    let client = metrics::client(timed, &kept).context("the client")?;
    let streams = metrics::client(config.clone(), &kept).context("the client for streams")?;

    let health = serve::Health::with(kept.clone());
    let serving = tokio::spawn(serve::serve(flags.listen, health.clone(), until(stop.clone())));
    let settings = Config {
        follows: flags.follows,
        start_deadline: Duration::from_secs(flags.start_deadline_seconds),
        lost_after: Duration::from_secs(flags.lost_after_seconds),
        retry_delay: Duration::from_secs(flags.retry_delay_seconds),
        cleanup_image: flags.image.clone(),
        metrics: kept.clone(),
        ..Config::default()
    };

    if flags.no_leader_election {
        health.set_ready(true);
        kept.leads(true);
        lead(client, streams, flags.namespaces, settings, until(stop.clone())).await;
    } else {
        let identity = flags
            .identity
            .clone()
            .or_else(|| std::env::var("HOSTNAME").ok())
            .unwrap_or_else(|| format!("operator-{}", std::process::id()));
        let (mut held, keeper) =
            leader::elect(&config, &flags.lease_namespace, &identity, &kept).await.context("leader election")?;
        health.set_ready(true);
        tracing::info!(identity, "waiting for the lease");
        let gained = tokio::select! {
            answer = held.wait_for(|held| *held) => answer.is_ok(),
            () = until(stop.clone()) => false,
        };
        if gained {
            tracing::info!(identity, "holding the lease");
            kept.leads(true);
            let mut lost = held.clone();
            let lost_or_stopped = async move {
                tokio::select! {
                    _ = lost.wait_for(|held| !*held) => tracing::warn!("the lease is lost"),
                    () = until(stop) => {}
                }
            };
            lead(client, streams, flags.namespaces, settings, lost_or_stopped).await;
            kept.leads(false);
        }
        // Memory is worth nothing without the lease: whoever starts this program starts it afresh.
        drop(held);
        if tokio::time::timeout(GIVING_BACK, keeper).await.is_err() {
            tracing::warn!("the lease could not be given back in time, and runs out by itself");
        }
    }
    health.set_ready(false);
    serving.abort();
    Ok(())
}

/// Leads everywhere, or in each of these namespaces by itself: a Study never reaches beyond its own.
async fn lead(
    client: kube::Client,
    streams: kube::Client,
    namespaces: Vec<String>,
    settings: Config,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let one = |namespace, stop| run::lead(client.clone(), streams.clone(), namespace, settings.clone(), stop);
    let stop = stop.boxed().shared();
    if namespaces.is_empty() {
        return one(None, stop).await;
    }
    futures::future::join_all(namespaces.into_iter().map(|namespace| one(Some(namespace), stop.clone()))).await;
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
