//! The operator as an ordinary process under the permissions of its ServiceAccount.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// Words that an operator's log must never have: a missing permission, and a defect.
const NEVER: [&str; 2] = ["is forbidden: user", "panicked"];

/// Resident memory of a process, in KiB.
///
/// # Errors
/// When there is no such process.
pub fn resident(id: u32) -> Result<u64> {
    memory(id, "VmRSS")
}

/// A figure of a process' memory, in KiB: `VmRSS` is what is resident now, `VmHWM` the most that ever was.
///
/// # Errors
/// When there is no such process or figure.
pub fn memory(id: u32, figure: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
    Ok(line.with_context(|| format!("no {figure}"))?.trim().trim_end_matches(" kB").parse()?)
}

/// An operator's process.
#[derive(Debug)]
pub struct Operator {
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Operator {
    /// Starts one for a namespace, or for all. The log goes to a file named `name`.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn start(
        program: &Path,
        kubeconfig: &Path,
        folder: &Path,
        name: &str,
        namespace: Option<&str>,
        more: &[&str],
    ) -> Result<Self> {
        let mut arguments = vec!["--kubeconfig".to_owned(), kubeconfig.display().to_string()];
        arguments.extend(["--listen", "127.0.0.1:0", "--log-text"].map(str::to_owned));
        if let Some(namespace) = namespace {
            arguments.extend(["--namespace".to_owned(), namespace.to_owned()]);
        }
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        let log = folder.join(format!("operator-{name}.log"));
        let mut operator = Self { program: program.to_path_buf(), arguments, log, child: None };
        operator.restart()?;
        Ok(operator)
    }

    /// Starts it again after it was killed.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| self.log.display().to_string())?;
        // The operator goes when the test process does, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.program).args(&self.arguments);
        command.env_remove("KUBECONFIG").env("NO_COLOR", "1").env("RUST_LOG", "info,kube=warn,trimtab_operator=debug");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().context("the operator")?);
        Ok(())
    }

    /// Adds flags, from the next start on.
    pub fn add(&mut self, more: &[&str]) {
        self.arguments.extend(more.iter().map(|word| (*word).to_owned()));
    }

    /// Kills it as a crash would: `SIGKILL`.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, which `running` finds out.
            let _ = child.kill();
            child.wait()?;
        }
        Ok(())
    }

    /// Tells it to stop in order, and waits until it has; gives how it ended.
    ///
    /// # Errors
    /// When it does not run, or is still there after half a minute.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the operator does not run")?;
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        ensure!(told.success(), "the operator could not be told to stop");
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(ended) = child.try_wait()? {
                return Ok(ended);
            }
            if Instant::now() >= deadline {
                child.kill()?;
                child.wait()?;
                anyhow::bail!("the operator was told to stop and did not\n{}", self.tail(20));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// All that it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines that it wrote.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// Fails when the log says what it must never say, or the process has ended by itself.
    ///
    /// # Errors
    /// With the lines in question.
    pub fn check(&mut self) -> Result<()> {
        let log = self.log();
        let bad: Vec<&str> = log
            .lines()
            .filter(|line| NEVER.iter().any(|word| line.to_ascii_lowercase().contains(word)))
            .take(5)
            .collect();
        ensure!(bad.is_empty(), "the operator's log must not say:\n{}", bad.join("\n"));
        if let Some(child) = &mut self.child {
            let ended = child.try_wait()?;
            ensure!(ended.is_none(), "the operator ended by itself: {ended:?}\n{}", self.tail(20));
        }
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
