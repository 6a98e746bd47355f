//! `trimtab-cluster`: a real Kubernetes cluster on one machine, from the command line.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use trimtab_cluster::{Cluster, Image, Options, process};

/// A real Kubernetes cluster on one machine, for tests and demonstrations.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start a cluster, wait until it is ready and print the path of its kubeconfig
    Up(Box<Up>),
    /// Take a cluster down, or remove what a dead one left
    Down(Which),
    /// List the clusters and their components
    Status,
    /// Print the path of the kubeconfig
    Kubeconfig(Which),
    /// Run kubectl as the administrator
    Kubectl(Kubectl),
    /// Pack a static program as an image and put it on the node
    Image(Box<Pack>),
    /// Put the images of an archive on the node
    LoadImages {
        #[command(flatten)]
        which: Which,
        /// OCI layouts, or what `docker save` writes
        #[arg(required = true)]
        archives: Vec<PathBuf>,
    },
    /// Make a volume in a folder of the run's and a claim bound to it; print the folder
    Volume {
        #[command(flatten)]
        which: Which,
        /// The claim's namespace
        #[arg(long, default_value = "default")]
        namespace: String,
        /// The claim's name, which is the volume's too
        claim: String,
    },
    /// Write a kubeconfig for a service account and print its path
    ServiceAccount {
        #[command(flatten)]
        which: Which,
        /// The service account's namespace
        #[arg(long, default_value = "default")]
        namespace: String,
        /// The service account's name
        account: String,
    },
    /// Print a component's log
    Logs {
        #[command(flatten)]
        which: Which,
        /// Go on printing
        #[arg(long, short)]
        follow: bool,
        /// etcd, kube-apiserver, kube-controller-manager, kube-scheduler, containerd, kubelet, kube-proxy, gpus, first
        component: String,
    },
    /// Kill a component as a crash would, and leave it down
    Stop {
        #[command(flatten)]
        which: Which,
        /// Its name
        component: String,
    },
    /// Start a component that was stopped
    Start {
        #[command(flatten)]
        which: Which,
        /// Its name
        component: String,
    },
    /// Kill the kubelet; containers run on
    KillKubelet(Which),
    /// Start the kubelet again
    StartKubelet(Which),
    /// Build the executable that is all of Kubernetes, and print its path
    Build,
    #[command(hide = true)]
    Supervise { root: PathBuf, kube: PathBuf, options: String },
    #[command(hide = true)]
    First { root: PathBuf },
    #[command(hide = true)]
    ClaimGpus { kube: PathBuf, kubeconfig: PathBuf, count: u32 },
}

#[derive(Args)]
struct Which {
    /// The cluster's name
    #[arg(long, default_value = "trimtab", env = "TRIMTAB_CLUSTER")]
    name: String,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    which: Which,
    /// Only etcd and the API server
    #[arg(long)]
    api_only: bool,
    /// How many nodes: with none the control plane is complete and pods stay pending
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    nodes: u8,
    /// How many GPUs the node says it has
    #[arg(long, default_value_t = 0)]
    gpus: u32,
    /// How many pods the node takes
    #[arg(long, default_value_t = Options::default().max_pods)]
    max_pods: u32,
    /// After how many seconds of silence a node counts as lost
    #[arg(long, value_name = "SECONDS")]
    node_grace: Option<u32>,
    /// When the kubelet rotates a container's log, such as 100Ki
    #[arg(long, value_name = "SIZE")]
    log_max_size: Option<String>,
    /// Let the API server write audit.log into the run folder
    #[arg(long)]
    audit: bool,
    /// How many requests a second the controllers and the scheduler may send
    #[arg(long)]
    client_qps: Option<u32>,
    /// One more flag for a component, such as kube-apiserver=--v=4
    #[arg(long = "arg", value_name = "COMPONENT=FLAG", value_parser = pair)]
    arguments: Vec<(String, String)>,
}

#[derive(Args)]
struct Kubectl {
    #[command(flatten)]
    which: Which,
    /// What kubectl is to do
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Args)]
struct Pack {
    #[command(flatten)]
    which: Which,
    /// The image's full name, such as docker.io/local/trainer:dev
    #[arg(long)]
    name_of: String,
    /// The static program
    #[arg(long)]
    binary: PathBuf,
    /// A file or folder and where it lies in the image
    #[arg(long = "file", value_name = "SOURCE:TARGET", value_parser = source_and_target)]
    files: Vec<(PathBuf, PathBuf)>,
    /// What runs instead of the program; once for each word
    #[arg(long, allow_hyphen_values = true)]
    entrypoint: Vec<String>,
    /// The user that it runs as
    #[arg(long, default_value = "65532:65532")]
    user: String,
    /// A variable of its environment
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// Write the image to this file, and put it on no node
    #[arg(long)]
    output: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("there is no = in it")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn source_and_target(text: &str) -> Result<(PathBuf, PathBuf), String> {
    let (source, target) = text.split_once(':').ok_or("there is no : in it")?;
    Ok((source.into(), target.into()))
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Action::Up(up) => start(*up),
        Action::Down(which) => {
            if !trimtab_cluster::down(&which.name)? {
                eprintln!("there is no cluster named {}", which.name);
            }
            Ok(())
        }
        Action::Status => status(),
        Action::Kubeconfig(which) => {
            println!("{}", Cluster::attach(&which.name)?.kubeconfig().display());
            Ok(())
        }
        Action::Kubectl(kubectl) => {
            let cluster = Cluster::attach(&kubectl.which.name)?;
            // Taking its place keeps its exit code, its terminal and its signals.
            Err(cluster.kubectl_command().args(kubectl.arguments).exec()).context("kubectl")
        }
        Action::Image(pack) => image(*pack),
        Action::LoadImages { which, archives } => {
            let cluster = Cluster::attach(&which.name)?;
            Ok(archives.iter().try_for_each(|archive| cluster.import_archive(archive))?)
        }
        Action::Volume { which, namespace, claim } => {
            let folder = Cluster::attach(&which.name)?.persistent_volume(&claim, &namespace, &claim)?;
            println!("{}", folder.display());
            Ok(())
        }
        Action::ServiceAccount { which, namespace, account } => {
            let path = Cluster::attach(&which.name)?.service_account_kubeconfig(&namespace, &account)?;
            println!("{}", path.display());
            Ok(())
        }
        Action::Logs { which, follow, component } => logs(&which.name, &component, follow),
        Action::Stop { which, component } => Ok(Cluster::attach(&which.name)?.stop(&component)?),
        Action::Start { which, component } => Ok(Cluster::attach(&which.name)?.start_component(&component)?),
        Action::KillKubelet(which) => Ok(Cluster::attach(&which.name)?.kubelet_stop()?),
        Action::StartKubelet(which) => Ok(Cluster::attach(&which.name)?.kubelet_start()?),
        Action::Build => {
            println!("{}", trimtab_cluster::kube_executable()?.display());
            Ok(())
        }
        Action::Supervise { root, kube, options } => Ok(process::supervise(&root, &kube, &options)?),
        Action::First { root } => Ok(process::first(&root)?),
        Action::ClaimGpus { kube, kubeconfig, count } => Ok(process::claim(&kube, &kubeconfig, count)?),
    }
}

fn start(up: Up) -> Result<()> {
    let options = Options {
        name: up.which.name.clone(),
        api_only: up.api_only,
        node: up.nodes > 0,
        gpus: up.gpus,
        max_pods: up.max_pods,
        node_grace_seconds: up.node_grace,
        log_max_size: up.log_max_size,
        audit: up.audit,
        client_qps: up.client_qps,
        arguments: up.arguments,
        keep: true,
        program: None,
    };
    let cluster = match Cluster::start(options) {
        Err(trimtab_cluster::Error::AlreadyRunning(name)) => {
            eprintln!("a cluster named {name} is running already; its options are those it was started with");
            let running = Cluster::attach(&name)?;
            // Whoever started it may have been interrupted half way.
            running.make_ready()?;
            running
        }
        other => other?,
    };
    println!("{}", cluster.kubeconfig().display());
    Ok(())
}

fn status() -> Result<()> {
    for (name, alive) in trimtab_cluster::list() {
        println!("{name}: {}", if alive { "running" } else { "dead; `down` or the next `up` removes what it left" });
        if !alive {
            continue;
        }
        let cluster = Cluster::attach(&name)?;
        println!("  kubeconfig {}", cluster.kubeconfig().display());
        for component in cluster.status()? {
            let state = if component.process.is_some() { "running" } else { "down" };
            println!("  {:<24} {state:<8} restarts {}", component.name, component.restarts);
        }
    }
    Ok(())
}

fn image(pack: Pack) -> Result<()> {
    let image = Image {
        files: pack.files,
        entrypoint: pack.entrypoint,
        user: pack.user,
        environment: pack.environment,
        ..Image::new(pack.name_of, pack.binary)
    };
    match pack.output {
        Some(output) => Ok(image.write(&output)?),
        None => Ok(Cluster::attach(&pack.which.name)?.import_image(&image)?),
    }
}

fn logs(name: &str, component: &str, follow: bool) -> Result<()> {
    let file = Cluster::attach(name)?.log(component)?;
    if !file.exists() {
        bail!("{component} has written no log");
    }
    let mut tail = Command::new("tail");
    tail.args(["-n", "+1"]).args(follow.then_some("-F"));
    Err(tail.arg(file).exec()).context("tail")
}
