//! Which process is meant, also after its number was given to another one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// The variable that marks each process of a run, and all that they start: `<study UID>/<trial>/<run>/`.
pub const MARK: &str = "TRIMTAB_LOCAL_RUN";

/// A process, by what nobody else has: its number, when it began, and under which boot of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process number; also that of its group.
    pub pid: i32,
    /// When it began, in clock ticks since the machine did.
    pub began: u64,
    /// The machine's boot.
    pub boot: String,
}

/// A process as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) began: u64,
}

impl Identity {
    /// The identity of a process that is there.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        Some(Self { pid, began: stat(pid)?.began, boot: boot() })
    }

    /// Whether this very process is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.boot == boot() && stat(self.pid).is_some_and(|stat| stat.began == self.began)
    }

    /// Kills its group, if this very process is still there.
    pub fn kill(&self) {
        if self.is_alive() {
            let _ = killpg(Pid::from_raw(self.pid), Signal::SIGKILL);
        }
    }
}

fn boot() -> String {
    static BOOT: LazyLock<String> =
        LazyLock::new(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default());
    BOOT.trim().to_owned()
}

/// What `/proc/PID/stat` says.
fn stat(pid: i32) -> Option<Stat> {
    parse(pid, &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name is in brackets and may hold brackets and spaces itself, so what counts comes after the last one.
fn parse(pid: i32, text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // A zombie runs no more.
    let state = *fields.first()?;
    (state != "Z" && state != "X").then_some(())?;
    Some(Stat { pid, parent: fields.get(1)?.parse().ok()?, began: fields.get(19)?.parse().ok()? })
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// All processes below one, children before their own.
pub(crate) fn descendants(of: i32) -> Vec<i32> {
    let all: Vec<Stat> = pids().filter_map(stat).collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(all.iter().filter(|stat| stat.parent == parent && stat.pid != of).map(|stat| stat.pid));
        at += 1;
    }
    found.split_off(1)
}

/// Kills every process whose mark begins like this, wherever it went, and every one that writes its output below this folder, and
/// says how many there were.
///
/// A supervisor ends its own run by itself; here it is done for those whose supervisor was killed too. Who cleans its environment,
/// leaves its group and writes elsewhere, within a run whose supervisor is then killed, is not found.
pub fn kill_marked(beginning: &str, folder: &Path) -> usize {
    let mark = format!("{MARK}={beginning}");
    // `/proc` names files by their whole paths.
    let folder = folder.canonicalize().ok();
    let is_of = |pid: i32| is_marked(pid, &mark) || folder.as_ref().is_some_and(|folder| prints_below(pid, folder));
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    // One that is dying may be met twice.
    let (mut killed, mut was_empty) = (BTreeSet::new(), false);
    // A process may start another one while it is looked for, and one that is just being executed shows no environment yet: two
    // looks in a row must find nothing.
    for _ in 0..50 {
        let marked: Vec<i32> = pids().filter(|pid| *pid != own && stat(*pid).is_some() && is_of(*pid)).collect();
        if marked.is_empty() && was_empty {
            break;
        }
        was_empty = marked.is_empty();
        for pid in marked {
            let began = stat(pid).map(|stat| stat.began);
            if kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
                killed.extend(began.map(|began| (pid, began)));
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    killed.len()
}

/// Whether a process's standard output or standard error is a file below this folder.
fn prints_below(pid: i32, folder: &Path) -> bool {
    let of = Path::new("/proc").join(pid.to_string()).join("fd");
    ["1", "2"].iter().any(|stream| std::fs::read_link(of.join(stream)).is_ok_and(|file| file.starts_with(folder)))
}

fn is_marked(pid: i32, mark: &str) -> bool {
    let environment = std::fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_one_that_has_its_number_later() {
        let own = Identity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        assert!(!Identity { began: own.began + 1, ..own.clone() }.is_alive());
        assert!(!Identity { boot: "another".to_owned(), ..own }.is_alive());
    }

    #[test]
    fn names_with_brackets_and_spaces_are_read() {
        let text = format!("7 (a) b ) S 3 {} 99 0", "0 ".repeat(17).trim());
        assert_eq!(parse(7, &text), Some(Stat { pid: 7, parent: 3, began: 99 }));
        assert_eq!(parse(7, &text.replace(" S ", " Z ")), None);
        assert_eq!(parse(7, "7 (a"), None);
    }

    #[test]
    fn marked_processes_are_killed_and_no_others() {
        let start = |mark: &str| std::process::Command::new("/bin/sleep").arg("60").env(MARK, mark).spawn().unwrap();
        let uid = format!("test-{}", std::process::id());
        let (mut ours, mut other) = (start(&format!("{uid}/0/1/")), start(&format!("{uid}0/0/1/")));
        // The child is there before its environment is.
        let shows = |pid: u32| is_marked(i32::try_from(pid).unwrap(), &format!("{MARK}={uid}"));
        while !shows(ours.id()) || !shows(other.id()) {
            std::thread::yield_now();
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(kill_marked(&format!("{uid}/"), folder.path()), 1);
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn who_cleaned_its_environment_is_found_by_where_it_writes() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let start = |folder: &Path| {
            let output = std::fs::File::create(folder.join("output.log")).unwrap();
            std::process::Command::new("/bin/sleep").arg("60").env_clear().stdout(output).spawn().unwrap()
        };
        let (mut ours, mut other) = (start(here.path()), start(there.path()));
        // The child is there before its output is.
        let shows = |pid: u32, folder: &Path| prints_below(i32::try_from(pid).unwrap(), folder);
        while !shows(ours.id(), here.path()) || !shows(other.id(), there.path()) {
            std::thread::yield_now();
        }
        assert_eq!(kill_marked("no such study/", here.path()), 1);
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
