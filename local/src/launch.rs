//! Starts the process of a run below its supervisor, and talks to it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;

use trimtab_protocol::environment::is_reserved;

use crate::error::Error;
use crate::folder::RunFolder;
use crate::identity::{Identity, MARK};
use crate::supervisor::Order;

/// The command that becomes a supervisor: this executable with its hidden command.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The executable.
    pub program: PathBuf,
    /// What makes a supervisor of it.
    pub arguments: Vec<String>,
}

/// A supervisor that waits for its order, or has it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) identity: Identity,
    input: Option<ChildStdin>,
    child: Option<Child>,
}

/// What a run's process is given.
#[derive(Debug)]
pub(crate) struct Setup<'s> {
    pub(crate) folder: &'s RunFolder,
    pub(crate) environment: Vec<(String, String)>,
    /// `<study UID>/<trial>/<run>/`.
    pub(crate) mark: String,
    pub(crate) gpus: Option<String>,
}

impl Process {
    /// Makes the run's folder and starts its supervisor, which starts nothing before [`Process::go`].
    pub(crate) fn start(launcher: &Launcher, setup: &Setup<'_>) -> Result<Self, Error> {
        let folder = setup.folder;
        // What a session left here that was killed before the run was on record is nobody's.
        let _ = fs::remove_dir_all(&folder.root);
        fs::create_dir_all(folder.scratch()).map_err(Error::file("make", &folder.scratch()))?;
        let path = folder.output();
        // Appending, so that a program which cuts its own output makes no hole.
        let output = File::options().create(true).append(true).open(&path).map_err(Error::file("make", &path))?;
        let errors = output.try_clone().map_err(Error::file("open", &path))?;
        let mut command = Command::new(&launcher.program);
        command.args(&launcher.arguments).process_group(0).stdin(Stdio::piped()).stdout(output).stderr(errors);
        for (name, _) in std::env::vars_os() {
            // What this process was told of another trial is not for this one.
            if name.to_str().is_some_and(is_reserved) {
                command.env_remove(name);
            }
        }
        command.env("TMPDIR", folder.scratch());
        command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
        command.env(MARK, &setup.mark);
        if let Some(gpus) = &setup.gpus {
            command.env("CUDA_VISIBLE_DEVICES", gpus);
        }
        let mut child = command.spawn().map_err(Error::file("start", &launcher.program))?;
        let input = child.stdin.take();
        // A process that is gone at once is found out when its end is waited for.
        let pid = i32::try_from(child.id()).unwrap_or(0);
        let identity = Identity::of(child.id()).unwrap_or(Identity { pid, began: 0, boot: String::new() });
        Ok(Self { identity, input, child: Some(child) })
    }

    /// Gives the order, and has `over` told when the supervisor is gone.
    pub(crate) fn go<T: Send + 'static>(&mut self, order: &Order, over: Sender<T>, word: T) {
        self.say(&serde_json::to_string(order).unwrap_or_default());
        if let Some(mut child) = self.child.take() {
            std::thread::spawn(move || {
                let _ = child.wait();
                let _ = over.send(word);
            });
        }
    }

    /// Tells the supervisor to end the run, in order or at once. It may be gone, and then there is nothing to tell.
    pub(crate) fn end(&mut self, at_once: bool) {
        self.say(if at_once { "kill" } else { "stop" });
    }

    fn say(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{line}\n").as_bytes());
        }
    }
}

/// A configuration in a line.
pub(crate) fn shown(parameters: &[trimtab_api::study::ParameterValue]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
    pairs.join(" ")
}
