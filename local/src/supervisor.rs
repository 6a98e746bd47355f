//! The process above a run. It starts the program, waits for it, and sees to it that nothing of the run is left: not when the
//! program exits, not when it is told to stop, and not when the session that started it was killed.
//!
//! It is the same executable with a hidden command, so there is nothing to install. It leads a process group of its own, in
//! which the program is too, and adopts whatever of the run loses its parent. What it is told comes line by line on standard
//! input: first an [`Order`], without which nothing is started; then `stop` or `kill`. The end of the input means that the session is gone.
//! How the run ended goes into a file as an [`Ending`].

use std::io::{self, BufRead, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, wait, waitid};
use nix::unistd::{Pid, getpid};
use serde::{Deserialize, Serialize};

use crate::identity::descendants;

/// How often the memory of a run with a limit is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long killed processes may take to go before they are killed again.
const AGAIN: Duration = Duration::from_millis(20);

/// What is to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The program and its arguments.
    pub program: Vec<String>,
    /// The folder that it is started in.
    pub directory: PathBuf,
    /// Milliseconds between SIGTERM and SIGKILL.
    pub grace: u64,
    /// Bytes of memory that all of the run's processes may have together.
    pub memory: Option<u64>,
    /// Where to write the [`Ending`].
    pub end: PathBuf,
}

/// Why the supervisor ended the program, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The session wanted it.
    Stopped,
    /// The session was gone.
    Abandoned,
    /// It had more memory than it may.
    Memory,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// The program's exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why it could not be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_start: Option<String>,
    /// What the supervisor did about it before it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Milliseconds that it ran.
    pub milliseconds: u64,
}

enum Event {
    /// The session said something, or is gone.
    Said(String),
    Abandoned,
    /// A process below this one has ended.
    Exited(i32, WaitStatus),
    /// None is left.
    Alone,
}

/// Reads an order from standard input and carries it out.
///
/// # Errors
/// When there is no order, or its end cannot be written down.
pub fn supervise() -> io::Result<()> {
    // Whom the group is told to stop, this process must outlive; handlers are not inherited, as ignoring would be.
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    nix::sys::prctl::set_child_subreaper(true)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(());
    }
    let order: Order = serde_json::from_str(&line)?;
    let ending = carry_out(&order);
    write(&order.end, &ending)
}

fn carry_out(order: &Order) -> Ending {
    let began = Instant::now();
    let Some((program, arguments)) = order.program.split_first() else {
        return Ending { cannot_start: Some("there is no program".to_owned()), ..Ending::default() };
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&order.directory).stdin(Stdio::null());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let words = format!("{program} cannot be started in {}: {error}", order.directory.display());
            return Ending { cannot_start: Some(words), ..Ending::default() };
        }
    };
    let (tell, events) = channel();
    listen(tell.clone());
    reap(tell);
    let mut watch =
        Watch { order, pid: i32::try_from(child.id()).unwrap_or(0), deadline: None, ending: Ending::default() };
    watch.until_over(&events);
    let mut ending = watch.ending;
    ending.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    ending
}

/// Passes on what the session says.
fn listen(tell: Sender<Event>) {
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if tell.send(Event::Said(line)).is_err() {
                return;
            }
        }
        let _ = tell.send(Event::Abandoned);
    });
}

/// Takes the ends of all processes below this one, adopted ones included.
fn reap(tell: Sender<Event>) {
    std::thread::spawn(move || {
        loop {
            let event = match wait() {
                Ok(status) => match status.pid() {
                    Some(pid) => Event::Exited(pid.as_raw(), status),
                    None => continue,
                },
                Err(Errno::EINTR) => continue,
                Err(_) => Event::Alone,
            };
            let is_last = matches!(event, Event::Alone);
            if tell.send(event).is_err() || is_last {
                return;
            }
        }
    });
}

struct Watch<'o> {
    order: &'o Order,
    pid: i32,
    /// When those who were asked to stop are killed.
    deadline: Option<Instant>,
    ending: Ending,
}

impl Watch<'_> {
    fn until_over(&mut self, events: &Receiver<Event>) {
        let mut has_ended = false;
        loop {
            let pause = if has_ended {
                AGAIN
            } else {
                let look = if self.order.memory.is_some() { LOOK } else { Duration::from_secs(3600) };
                self.deadline.map_or(look, |at| at.saturating_duration_since(Instant::now()).min(look))
            };
            match events.recv_timeout(pause) {
                Ok(Event::Exited(pid, status)) if pid == self.pid => {
                    self.note(status);
                    if is_alone() {
                        return;
                    }
                    has_ended = true;
                    // What the program leaves behind ends with it, as in a container.
                    kill_all();
                }
                Ok(Event::Exited(..)) => {}
                Ok(Event::Alone) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Event::Said(word)) if word == "stop" => self.stop(),
                Ok(Event::Said(_)) => self.end(Cause::Stopped),
                Ok(Event::Abandoned) => self.end(Cause::Abandoned),
                Err(RecvTimeoutError::Timeout) if has_ended => kill_all(),
                Err(RecvTimeoutError::Timeout) => self.look(),
            }
        }
    }

    fn note(&mut self, status: WaitStatus) {
        match status {
            WaitStatus::Exited(_, code) => self.ending.code = Some(code),
            WaitStatus::Signaled(_, signal, _) => self.ending.signal = Some(signal as i32),
            _ => {}
        }
    }

    /// Asks everybody to stop, and remembers to insist.
    fn stop(&mut self) {
        self.ending.cause.get_or_insert(Cause::Stopped);
        let _ = killpg(getpid(), Signal::SIGTERM);
        // Who left the group is below this process all the same.
        for pid in descendants(getpid().as_raw()) {
            if nix::unistd::getpgid(Some(Pid::from_raw(pid))) != Ok(getpid()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
        self.deadline.get_or_insert(Instant::now() + Duration::from_millis(self.order.grace));
    }

    fn end(&mut self, cause: Cause) {
        self.ending.cause.get_or_insert(cause);
        // Whoever was not killed by now will be.
        self.deadline = Some(Instant::now() + AGAIN);
        kill_all();
    }

    fn look(&mut self) {
        if self.deadline.is_some_and(|at| at <= Instant::now()) {
            self.end(Cause::Stopped);
        } else if let Some(limit) = self.order.memory
            && memory() > limit
        {
            self.end(Cause::Memory);
        }
    }
}

/// Whether nobody is below this process: all that lose their parent come to it, so its own children are enough to know. It spares a
/// look at every process of the machine.
fn is_alone() -> bool {
    waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT) == Err(Errno::ECHILD)
}

fn kill_all() {
    for pid in descendants(getpid().as_raw()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Bytes of memory that the processes of the run have for themselves: programs and files that are mapped do not count.
fn memory() -> u64 {
    let of = |pid: i32| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kib = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        };
        Some((kib("RssAnon:")? + kib("RssShmem:").unwrap_or(0)) * 1024)
    };
    descendants(getpid().as_raw()).into_iter().filter_map(of).sum()
}

/// Writes the ending so that it is there whole or not at all.
fn write(path: &Path, ending: &Ending) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(serde_json::to_string(ending)?.as_bytes())?;
    std::fs::rename(&part, path)
}

impl Ending {
    /// Reads an ending. `None` where there is none, or it cannot be read: then the supervisor was killed too.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// How the program ended, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => {
                let status = std::process::ExitStatus::from_raw(signal);
                status.to_string()
            }
            (None, None) => self.cannot_start.clone().unwrap_or_else(|| "it left no word".to_owned()),
        }
    }
}
