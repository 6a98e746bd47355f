//! The first process of a cluster's namespaces: it arranges what the cluster sees of the machine,
//! starts the components and starts again those that end by themselves.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::error::Error;
use crate::plan::{Component, ComponentStatus, Plan};
use crate::run;

/// How long a component that ended by itself stays down.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs as the first process of a PID namespace; never returns while the supervisor lives.
pub fn first(root: &Path) -> Result<(), Error> {
    // Everything here ends with the supervisor, however that ends: by the signal, or, should it
    // have died before this line, by the end of standard input.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed("the parent's death"))?;
    nix::sched::unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).map_err(failed("namespaces"))?;
    say("namespaces");
    let mut requests = std::io::stdin().lines();
    let go = requests.next();
    if !matches!(go, Some(Ok(word)) if word == "go") {
        return Ok(());
    }
    let plan = Plan::read(root)?;
    arrange_mounts(&plan)?;
    for command in &plan.network {
        run::words_of(command)?;
    }
    // Belongs to this network namespace alone.
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").map_err(Error::file("/proc/sys/net/ipv4/ip_forward"))?;
    let temporary = root.join("tmp");
    fs::create_dir_all(&temporary).map_err(Error::file(&temporary))?;

    let household = Arc::new(Household::new(plan));
    let reaper = Arc::clone(&household);
    std::thread::spawn(move || reaper.reap());
    say("started");
    for request in requests {
        let Ok(request) = request else { break };
        say(&household.answer(&request));
    }
    Ok(())
}

fn failed(what: &'static str) -> impl FnOnce(Errno) -> Error {
    move |error| Error::Supervisor(format!("{what}: {error}"))
}

fn say(line: &str) {
    // If nobody listens any more, the end of standard input is what ends this process.
    let mut output = std::io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Hides what the components would leave traces in, and shows them their own processes.
fn arrange_mounts(plan: &Plan) -> Result<(), Error> {
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(failed("private mounts"))?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).map_err(failed("/proc"))?;
    // What lies below the two folders is kept in reach by descriptors while it is covered.
    let covered = ["/run", "/var"];
    let reachable = |path: &&PathBuf| covered.iter().any(|folder| path.starts_with(folder));
    let kept: Vec<(File, &PathBuf)> = plan
        .visible
        .iter()
        .filter(reachable)
        .map(|path| File::open(path).map(|file| (file, path)).map_err(Error::file(path)))
        .collect::<Result<_, _>>()?;
    for folder in covered {
        mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).map_err(failed(folder))?;
    }
    for folder in ["/run/lock", "/var/lib", "/var/log", "/var/cache", "/var/tmp"] {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    symlink("/run", "/var/run").map_err(Error::file("/var/run"))?;
    for (file, path) in &kept {
        fs::create_dir_all(path).map_err(Error::file(path))?;
        let source = format!("/proc/self/fd/{}", file.as_raw_fd());
        mount(Some(source.as_str()), path.as_path(), none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
            .map_err(failed("a folder to keep visible"))?;
    }
    for (shown, path) in plan.pretended.iter().filter(|(_, path)| path.exists()) {
        mount(Some(shown), path, none, MsFlags::MS_BIND, none).map_err(failed("a kernel setting"))?;
    }
    // A volume may ask that mounts of the node reach its container, which only shared ones do.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SHARED, none).map_err(failed("shared mounts"))
}

/// The components and how they are.
struct Household {
    plan: Plan,
    states: Mutex<BTreeMap<String, State>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Pid>,
    /// Whether it should run.
    wanted: bool,
    restarts: u32,
}

impl Household {
    fn new(plan: Plan) -> Household {
        let states = plan.components.iter().map(|component| (component.name.clone(), State::default())).collect();
        Household { plan, states: Mutex::new(states), changed: Condvar::new() }
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request of the supervisor in one line.
    fn answer(&self, request: &str) -> String {
        let (verb, name) = request.split_once(' ').unwrap_or((request, ""));
        let outcome = match verb {
            "start" => self.start(name),
            "stop" => self.stop(name),
            "status" => self.status(),
            _ => Err(format!("{request:?} is no request")),
        };
        match outcome {
            Ok(answer) => format!("ok {answer}"),
            Err(reason) => format!("error {}", reason.replace('\n', " ")),
        }
    }

    fn component(&self, name: &str) -> Result<&Component, String> {
        let known = || {
            let names: Vec<&str> = self.plan.components.iter().map(|component| component.name.as_str()).collect();
            format!("this cluster has no component {name:?}, only {}", names.join(", "))
        };
        self.plan.components.iter().find(|component| component.name == name).ok_or_else(known)
    }

    /// Starts a component unless it runs.
    fn start(&self, name: &str) -> Result<String, String> {
        let component = self.component(name)?;
        let mut states = self.states();
        let state = states.entry(name.to_owned()).or_default();
        state.wanted = true;
        if state.process.is_none() {
            state.process = Some(self.spawn(component)?);
        }
        Ok(String::new())
    }

    /// Kills a component, as a crash would, and leaves it down.
    fn stop(&self, name: &str) -> Result<String, String> {
        self.component(name)?;
        let mut states = self.states();
        let state = states.entry(name.to_owned()).or_default();
        state.wanted = false;
        if let Some(process) = state.process {
            nix::sys::signal::kill(process, Signal::SIGKILL).map_err(|error| error.to_string())?;
        }
        while states.get(name).is_some_and(|state| state.process.is_some()) {
            states = self.changed.wait(states).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(String::new())
    }

    fn status(&self) -> Result<String, String> {
        let states = self.states();
        let all: Vec<ComponentStatus> = states
            .iter()
            .map(|(name, state)| ComponentStatus {
                name: name.clone(),
                process: state.process.map(Pid::as_raw),
                restarts: state.restarts,
            })
            .collect();
        serde_json::to_string(&all).map_err(|error| error.to_string())
    }

    fn spawn(&self, component: &Component) -> Result<Pid, String> {
        let said = |error: std::io::Error| format!("{}: {error}", component.name);
        let log = OpenOptions::new().create(true).append(true).open(&component.log).map_err(said)?;
        let (program, arguments) = component.argv.split_first().ok_or("an empty command")?;
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.plan.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(said)?)
            .stderr(log)
            .spawn()
            .map_err(said)?;
        i32::try_from(child.id()).map(Pid::from_raw).map_err(|error| error.to_string())
    }

    /// Takes leave of every process that ends, the orphans of others included, as a first process has to.
    fn reap(self: &Arc<Household>) {
        loop {
            match waitpid(None, None) {
                Ok(WaitStatus::Exited(process, _) | WaitStatus::Signaled(process, _, _)) => self.ended(process),
                Ok(_) | Err(Errno::EINTR) => {}
                // There is no child yet, or no longer.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn ended(self: &Arc<Household>, process: Pid) {
        let mut states = self.states();
        let Some((name, state)) = states.iter_mut().find(|(_, state)| state.process == Some(process)) else {
            return;
        };
        state.process = None;
        if state.wanted {
            state.restarts += 1;
            let (household, name) = (Arc::clone(self), name.clone());
            std::thread::spawn(move || household.start_again(&name));
        }
        self.changed.notify_all();
    }

    fn start_again(&self, name: &str) {
        std::thread::sleep(PAUSE);
        let wanted = self.states().get(name).is_some_and(|state| state.wanted);
        if wanted && let Err(reason) = self.start(name) {
            eprintln!("{reason}");
        }
    }
}
