//! A cluster as its users have it in hand.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::components::NODE;
use crate::error::Error;
use crate::layout::{Layout, clusters};
use crate::network::{API_PORT, Network};
use crate::options::{self, Options};
use crate::plan::ComponentStatus;
use crate::{claim, executable, kube, packages, pause, supervisor};

/// Names a kubeconfig of a cluster that is to be used instead of one of the harness's own.
pub const EXTERNAL: &str = "TRIMTAB_TEST_KUBECONFIG";

/// How long a cluster may take to come up, and anything else that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A component that was started this often is not coming up.
const TOO_OFTEN: u32 = 4;

/// A running cluster. Dropping it takes it down, unless it was asked to stay.
#[derive(Debug)]
pub struct Cluster {
    /// `None` if the cluster is somebody else's.
    own: Option<Own>,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) kubectl: PathBuf,
    /// Whether that is the harness's own executable.
    pub(crate) own_kubectl: bool,
    pub(crate) folder: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) layout: Layout,
    pub(crate) options: Options,
    /// Only with the one that started it: its standard input is what the supervisor lives by.
    supervisor: Option<Child>,
}

impl Cluster {
    /// Starts a cluster and waits until it is ready. If `TRIMTAB_TEST_KUBECONFIG` names a cluster,
    /// that one is used, and what needs a node of the harness's own is refused.
    pub fn start(options: Options) -> Result<Cluster, Error> {
        if let Some(kubeconfig) = std::env::var_os(EXTERNAL).filter(|value| !value.is_empty()) {
            return Cluster::external(PathBuf::from(kubeconfig));
        }
        let layout = Layout::of(&options.name)?;
        packages::ensure(&options)?;
        let kube = kube::executable()?;
        for dead in folders().into_iter().filter(|folder| folder != layout.root()) {
            supervisor::remove_remains(&Layout::at(&dead))?;
        }
        let supervisor = spawn_supervisor(&layout, &options, &kube)?;
        let mut cluster = Cluster::own(Own { layout, options, supervisor: Some(supervisor) }, &kube);
        if let Err(error) = cluster.make_ready() {
            // Half a cluster is of no use to anybody, even if it was to be kept.
            cluster.take_down()?;
            return Err(error);
        }
        Ok(cluster)
    }

    /// The running cluster of this name, which stays when this value is dropped.
    pub fn attach(name: &str) -> Result<Cluster, Error> {
        let layout = Layout::of(name)?;
        if claim::ask(layout.root(), "status")?.is_none() {
            return Err(Error::NotRunning(name.to_owned()));
        }
        let path = layout.options();
        let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
        let options = serde_json::from_str(&text).map_err(|error| Error::Option(error.to_string()))?;
        Ok(Cluster::own(Own { layout, options, supervisor: None }, &kube::executable()?))
    }

    fn own(own: Own, kube: &Path) -> Cluster {
        Cluster {
            kubeconfig: own.layout.kubeconfig(),
            kubectl: kube.to_path_buf(),
            own_kubectl: true,
            folder: own.layout.root().to_path_buf(),
            own: Some(own),
        }
    }

    fn external(kubeconfig: PathBuf) -> Result<Cluster, Error> {
        let (kubectl, own_kubectl) = match packages::which("kubectl") {
            Some(kubectl) => (kubectl, false),
            None => (kube::executable()?, true),
        };
        let folder = std::env::temp_dir().join(format!("trimtab-cluster-{}", options::unique()));
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let kubeconfig = fs::canonicalize(&kubeconfig).map_err(Error::file(&kubeconfig))?;
        Ok(Cluster { own: None, kubeconfig, kubectl, own_kubectl, folder })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The folder that goes with the cluster: files of a test may lie there too.
    pub fn run_dir(&self) -> &Path {
        &self.folder
    }

    /// Whether this is a cluster of the harness's own, with a node that it can play tricks on.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The name of the node.
    pub fn node_name(&self) -> Result<&str, Error> {
        self.needs_own("the node's name").map(|_| NODE)
    }

    /// What the API server was asked, a line for each request, if the options say so.
    pub fn audit_log(&self) -> Result<PathBuf, Error> {
        self.needs_own("the audit log").map(|own| own.layout.join("audit.log"))
    }

    /// The file that a component writes its log to.
    pub fn log(&self, component: &str) -> Result<PathBuf, Error> {
        self.needs_own("a component's log").map(|own| own.layout.log(component))
    }

    /// Kills the kubelet; the containers run on. It stays down until it is started.
    pub fn kubelet_stop(&self) -> Result<(), Error> {
        self.stop("kubelet")
    }

    /// Starts the kubelet again.
    pub fn kubelet_start(&self) -> Result<(), Error> {
        self.start_component("kubelet")
    }

    /// Kills a component as a crash would, and leaves it down.
    pub fn stop(&self, component: &str) -> Result<(), Error> {
        self.ask(&format!("stop {component}")).map(|_| ())
    }

    /// Starts a component that was stopped.
    pub fn start_component(&self, component: &str) -> Result<(), Error> {
        self.ask(&format!("start {component}")).map(|_| ())
    }

    /// How the components are.
    pub fn status(&self) -> Result<Vec<ComponentStatus>, Error> {
        serde_json::from_str(&self.ask("status")?).map_err(|error| Error::Supervisor(error.to_string()))
    }

    /// Takes the cluster down and waits until nothing is left of it.
    pub fn down(mut self) -> Result<(), Error> {
        self.take_down()
    }

    fn take_down(&mut self) -> Result<(), Error> {
        let Some(own) = self.own.take() else {
            // A cluster of somebody else's has only a folder here, and one that was taken down has not even that.
            return match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                answer => answer.map_err(Error::file(&self.folder)),
            };
        };
        let outcome = put_away(&own.layout);
        if let Some(mut supervisor) = own.supervisor {
            // Its standard input is closed by this at the latest.
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
        }
        outcome
    }

    pub(crate) fn needs_own(&self, what: &'static str) -> Result<&Own, Error> {
        self.own.as_ref().ok_or(Error::External(what))
    }

    fn ask(&self, request: &str) -> Result<String, Error> {
        let own = self.needs_own("stopping and starting components")?;
        claim::ask(own.layout.root(), request)?.ok_or_else(|| Error::NotRunning(own.options.name.clone()))
    }

    /// Starts the components in their order, each when what it needs is ready, and waits for the
    /// last. Does nothing to those that run.
    pub fn make_ready(&self) -> Result<(), Error> {
        let own = self.needs_own("starting")?;
        let node = own.options.has_node();
        for component in ["etcd", "kube-apiserver"].into_iter().chain(node.then_some("containerd")) {
            self.start_component(component)?;
        }
        if node {
            let image = pause::image()?;
            let socket = own.layout.containerd_socket();
            self.until("containerd", || {
                std::os::unix::net::UnixStream::connect(&socket).map(|_| ()).map_err(|error| error.to_string())
            })?;
            self.until("the pause image", || self.import_image(&image).map_err(|error| error.to_string()))?;
        }
        let number = fs::read_to_string(own.layout.number()).map_err(Error::file(own.layout.number()))?;
        let number = number.trim().parse().map_err(|_| Error::Supervisor("the cluster has no number".into()))?;
        let address = SocketAddr::from((Network::new(number).node(), API_PORT));
        self.until("the API server's port", || {
            TcpStream::connect_timeout(&address, Duration::from_secs(1)).map(|_| ()).map_err(|error| error.to_string())
        })?;
        self.until_kubectl("the API server", &["get", "--raw", "/readyz"])?;
        if own.options.api_only {
            return Ok(());
        }
        self.start_component("kube-controller-manager")?;
        self.start_component("kube-scheduler")?;
        if node {
            self.start_component("kubelet")?;
            self.start_component("kube-proxy")?;
            let node = format!("node/{NODE}");
            self.until_kubectl("the node's registration", &["wait", "--for=create", &node, "--timeout=5s"])?;
            if own.options.gpus > 0 {
                self.start_component("gpus")?;
                let count = format!(r"--for=jsonpath={{.status.allocatable.nvidia\.com/gpu}}={}", own.options.gpus);
                self.until_kubectl("the node's GPUs", &["wait", &count, &node, "--timeout=5s"])?;
            }
            self.until_kubectl("the node", &["wait", "--for=condition=Ready", &node, "--timeout=5s"])?;
        }
        // Without it the first pod is refused.
        self.until_kubectl(
            "the default service account",
            &["wait", "--for=create", "serviceaccount/default", "--timeout=5s"],
        )
    }

    fn until_kubectl(&self, what: &str, arguments: &[&str]) -> Result<(), Error> {
        self.until(what, || self.kubectl(arguments).map(|_| ()).map_err(|error| error.to_string()))
    }

    /// Tries until it works, as long as no component keeps ending.
    fn until(&self, what: &str, mut attempt: impl FnMut() -> Result<(), String>) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let mut looked = Instant::now();
        loop {
            let Err(last) = attempt() else { return Ok(()) };
            if Instant::now() > deadline {
                return Err(Error::Timeout { what: what.to_owned(), last });
            }
            if looked.elapsed() > Duration::from_secs(1) {
                looked = Instant::now();
                self.check_components()?;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn check_components(&self) -> Result<(), Error> {
        let Some(failing) = self.status()?.into_iter().find(|component| component.restarts >= TOO_OFTEN) else {
            return Ok(());
        };
        let log = fs::read_to_string(self.log(&failing.name)?).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(20)..].join("\n");
        Err(Error::Component { component: failing.name, log })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stays = self.own.as_ref().is_some_and(|own| own.options.keep || own.supervisor.is_none());
        if !stays && let Err(error) = self.take_down() {
            eprintln!("the cluster was not taken down: {error}");
        }
    }
}

/// The folders of all clusters, alive or dead.
fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(clusters()).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// The names of all clusters that left anything, and whether each is alive.
pub fn list() -> Vec<(String, bool)> {
    folders()
        .iter()
        .filter_map(|folder| {
            let alive = claim::ask(folder, "status").is_ok_and(|answer| answer.is_some());
            Some((folder.file_name()?.to_str()?.to_owned(), alive))
        })
        .collect()
}

/// Takes a cluster down by its name, or removes what a dead one left. Says whether there was anything.
pub fn down(name: &str) -> Result<bool, Error> {
    let layout = Layout::of(name)?;
    let existed = layout.root().exists();
    put_away(&layout).map(|()| existed)
}

fn put_away(layout: &Layout) -> Result<(), Error> {
    claim::ask(layout.root(), "down")?;
    supervisor::remove_remains(layout)
}

fn spawn_supervisor(layout: &Layout, options: &Options, kube: &Path) -> Result<Child, Error> {
    let said = |error: &dyn std::fmt::Display| Error::Supervisor(error.to_string());
    let text = serde_json::to_string(options).map_err(|error| said(&error))?;
    let mut command = Command::new(options.program.clone().map_or_else(executable::find, Ok)?);
    command.arg("supervise").arg(layout.root()).arg(kube).arg(text);
    command.stdin(if options.keep { Stdio::null() } else { Stdio::piped() });
    let mut supervisor = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| said(&error))?;
    let mut line = String::new();
    if let Some(output) = supervisor.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(|error| said(&error))?;
    }
    match line.trim_end() {
        supervisor::READY => Ok(supervisor),
        supervisor::TAKEN => Err(Error::AlreadyRunning(options.name.clone())),
        "" => Err(said(&"the supervisor ended without a word")),
        reason => Err(said(&reason)),
    }
}
