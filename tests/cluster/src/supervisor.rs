//! The process that holds a cluster: it makes the namespaces, watches over their first process, and
//! puts everything away when that ends, when it is asked to, or when the cluster's owner is gone.
//!
//! It stays in the machine's own namespaces. All of the cluster's processes are below one first
//! process of a PID namespace, and the kernel kills them with it, so there is nobody to search for.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sched::CloneFlags;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;

use crate::error::Error;
use crate::layout::Layout;
use crate::network::{NUMBERS, Network};
use crate::options::Options;
use crate::{cgroups, claim, components};

/// How long the kernel may take to let go of a cluster's processes, groups and interfaces.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a supervisor writes to its standard output when the cluster's processes are there.
pub(crate) const READY: &str = "ready";

/// What it writes instead if there is such a cluster already.
pub(crate) const TAKEN: &str = "taken";

/// Holds a cluster until it is over. Its standard output says how it began, in one line.
pub fn supervise(root: &Path, kube: &Path, options: &str) -> Result<(), Error> {
    let outcome = hold(root, kube, options);
    match &outcome {
        Ok(()) => {}
        Err(Error::AlreadyRunning(_)) => tell(TAKEN),
        Err(error) => tell(&error.to_string().replace('\n', "; ")),
    }
    outcome
}

/// The owner may have gone, and a cluster that is kept has nobody to listen.
fn tell(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn hold(root: &Path, kube: &Path, options: &str) -> Result<(), Error> {
    // A session of its own: an interrupt at the owner's terminal must not reach past it.
    let _ = nix::unistd::setsid();
    let signals = termination()?;
    let layout = Layout::at(root);
    let said = |error: serde_json::Error| Error::Option(format!("the options cannot be read: {error}"));
    let parsed: Options = serde_json::from_str(options).map_err(said)?;
    let door = claim_folder(root, &parsed.name)?;
    remove_folder(&layout)?;
    fs::create_dir_all(root).map_err(Error::file(root))?;
    fs::write(layout.options(), options).map_err(Error::file(layout.options()))?;

    let held = match Held::create(&layout) {
        Ok(held) => held,
        Err(error) => {
            remove_files(root)?;
            return Err(error);
        }
    };
    let outcome = held.run(&layout, &parsed, kube, &door, &signals);
    let asked = match outcome {
        Ok(asked) => asked,
        Err(error) => {
            held.put_away(&layout)?;
            return Err(error);
        }
    };
    let cleaned = held.put_away(&layout);
    // The name is free before anybody hears that the cluster is gone.
    drop(door);
    if let Some(mut stream) = asked {
        let _ = match &cleaned {
            Ok(()) => writeln!(stream, "ok"),
            Err(error) => writeln!(stream, "error {error}"),
        };
    }
    cleaned
}

/// Removes what a cluster left whose supervisor was killed. Does nothing if it is alive or was never there.
pub(crate) fn remove_remains(layout: &Layout) -> Result<(), Error> {
    if !layout.root().exists() {
        return Ok(());
    }
    let Some(_door) = claim::folder(layout.root())? else {
        return Ok(());
    };
    remove_folder(layout)
}

/// Removes a dead cluster's groups and files. The caller holds the claim on its folder.
fn remove_folder(layout: &Layout) -> Result<(), Error> {
    let number = fs::read_to_string(layout.number()).ok().and_then(|text| text.trim().parse::<u8>().ok());
    if let Some(number) = number
        // Whoever holds the number by now has cleaned up behind the dead one.
        && let Ok(Some(_claim)) = claim::number(number)
    {
        cgroups::remove(number, PATIENCE)?;
    }
    remove_files(layout.root())
}

fn remove_files(root: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file(root)(error)),
        _ => Ok(()),
    }
}

/// Claims the folder. Somebody who removes a dead cluster's remains holds it for a moment only.
fn claim_folder(root: &Path, name: &str) -> Result<UnixListener, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(door) = claim::folder(root)? {
            return Ok(door);
        }
        let alive = claim::ask(root, "status").is_ok_and(|answer| answer.is_some());
        if alive || Instant::now() > deadline {
            return Err(Error::AlreadyRunning(name.to_owned()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn termination() -> Result<SignalFd, Error> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        set.add(signal);
    }
    set.thread_block().and_then(|()| SignalFd::new(&set)).map_err(|error| Error::Supervisor(error.to_string()))
}

/// A number of this machine, and with it the addresses and the control group made of it.
struct Held {
    number: u8,
    _claim: UnixListener,
}

impl Held {
    /// Takes a free number and makes the group that bears it.
    fn create(layout: &Layout) -> Result<Held, Error> {
        for number in NUMBERS {
            let network = Network::new(number);
            if network.exists() || network.overlaps_a_route() {
                continue;
            }
            let Some(claim) = claim::number(number).map_err(Error::file(layout.root()))? else {
                continue;
            };
            fs::write(layout.number(), number.to_string()).map_err(Error::file(layout.number()))?;
            cgroups::remove(number, PATIENCE)?;
            cgroups::create(number)?;
            return Ok(Held { number, _claim: claim });
        }
        Err(Error::Machine("every network of 10.64.0.0 to 10.250.0.0 is in use".into()))
    }

    /// Runs the cluster until it is over; returns whoever asked for the end and waits for it.
    fn run(
        &self,
        layout: &Layout,
        options: &Options,
        kube: &Path,
        door: &UnixListener,
        signals: &SignalFd,
    ) -> Result<Option<UnixStream>, Error> {
        let network = Network::new(self.number);
        let mut first = First::start(layout)?;
        first.expect("namespaces")?;
        network.attach(first.child.id())?;
        let setting = components::Setting { layout, options, network, number: self.number, kube };
        components::prepare(&setting)?.write(layout.root())?;
        first.tell("go")?;
        first.expect("started")?;
        tell(READY);
        // The owner's end of standard input is open for as long as the owner lives.
        first.serve(!options.keep, door, signals)
    }

    /// Waits until the kernel has removed what belonged to the namespaces, and removes the rest.
    fn put_away(&self, layout: &Layout) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        while Network::new(self.number).exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        cgroups::remove(self.number, PATIENCE)?;
        save_logs(layout);
        remove_files(layout.root())
    }
}

/// Copies the logs to where `TRIMTAB_CLUSTER_LOGS` says, for whoever looks into a failed test.
fn save_logs(layout: &Layout) {
    let Some(folder) = std::env::var_os("TRIMTAB_CLUSTER_LOGS") else {
        return;
    };
    let target = Path::new(&folder).join(layout.root().file_name().unwrap_or_default());
    let _ = fs::create_dir_all(&target);
    for entry in fs::read_dir(layout.join("logs")).into_iter().flatten().flatten() {
        let _ = fs::copy(entry.path(), target.join(entry.file_name()));
    }
    let _ = fs::copy(layout.join("audit.log"), target.join("audit.log"));
}

/// The first process of the namespaces, and the lines spoken with it.
struct First {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for First {
    fn drop(&mut self) {
        // The kernel kills everything else in the namespace and waits for it before this one is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl First {
    fn start(layout: &Layout) -> Result<First, Error> {
        let failed = |what: &str, error: &dyn std::fmt::Display| Error::Supervisor(format!("{what}: {error}"));
        let own = File::open("/proc/self/ns/pid").map_err(Error::file("/proc/self/ns/pid"))?;
        let executable = std::env::current_exe().map_err(Error::file("/proc/self/exe"))?;
        fs::create_dir_all(layout.join("logs")).map_err(Error::file(layout.join("logs")))?;
        let log = File::create(layout.log("first")).map_err(Error::file(layout.log("first")))?;

        nix::sched::unshare(CloneFlags::CLONE_NEWPID)
            .map_err(|error| failed("a PID namespace cannot be made", &error))?;
        let spawned = Command::new(executable)
            .arg("first")
            .arg(layout.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        // Only the first child goes there: this process needs commands of its own later on.
        nix::sched::setns(own, CloneFlags::CLONE_NEWPID)
            .map_err(|error| failed("the PID namespace cannot be left", &error))?;
        let mut child = spawned.map_err(|error| failed("the first process cannot be started", &error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Supervisor("the first process has no pipes".into()));
        };
        Ok(First { child, input, output: BufReader::new(output) })
    }

    fn tell(&mut self, line: &str) -> Result<(), Error> {
        writeln!(self.input, "{line}").map_err(|error| Error::Supervisor(format!("the first process: {error}")))
    }

    fn hear(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(read) if read > 0 => Ok(line.trim_end().to_owned()),
            Ok(_) => Err(Error::Supervisor("the first process ended; see its log".into())),
            Err(error) => Err(Error::Supervisor(format!("the first process: {error}"))),
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), Error> {
        let line = self.hear()?;
        if line == word { Ok(()) } else { Err(Error::Supervisor(line)) }
    }

    /// Answers requests until there is a reason to end.
    fn serve(&mut self, owned: bool, door: &UnixListener, signals: &SignalFd) -> Result<Option<UnixStream>, Error> {
        let standard_input = io::stdin();
        loop {
            let watched = [
                Some(door.as_fd()),
                Some(self.output.get_ref().as_fd()),
                Some(signals.as_fd()),
                owned.then(|| standard_input.as_fd()),
            ];
            let [asked, ended, signalled, orphaned] = wait(watched)?;
            if ended || signalled || orphaned {
                return Ok(None);
            }
            if asked
                && let Ok((stream, _)) = door.accept()
                && let Some(waiting) = self.answer(stream)?
            {
                return Ok(Some(waiting));
            }
        }
    }

    /// Answers one request; returns the stream if it asks for the end.
    fn answer(&mut self, stream: UnixStream) -> Result<Option<UnixStream>, Error> {
        // A client that says nothing must not keep the others waiting.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut line = String::new();
        let mut reader = BufReader::new(stream);
        if reader.read_line(&mut line).is_err() {
            return Ok(None);
        }
        let mut stream = reader.into_inner();
        let request = line.trim_end();
        if request == "down" {
            return Ok(Some(stream));
        }
        self.tell(request)?;
        let answer = self.hear()?;
        // A client that has gone does not need its answer.
        let _ = writeln!(stream, "{answer}");
        Ok(None)
    }
}

/// Waits until one of these can be read from or is closed.
fn wait(watched: [Option<BorrowedFd<'_>>; 4]) -> Result<[bool; 4], Error> {
    let mut polled: Vec<PollFd<'_>> =
        watched.iter().flatten().map(|descriptor| PollFd::new(*descriptor, PollFlags::POLLIN)).collect();
    loop {
        match nix::poll::poll(&mut polled, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(Error::Supervisor(format!("poll: {error}"))),
            Ok(_) => break,
        }
    }
    let mut any = polled.iter().map(|descriptor| descriptor.any().unwrap_or(true));
    Ok(watched.map(|descriptor| descriptor.is_some() && any.next().unwrap_or(false)))
}
