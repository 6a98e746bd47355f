//! The one executable that is all of Kubernetes: found, or built from `tests/kube`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::layout::cache;

/// The release of Kubernetes that `tests/kube/go.mod` names.
const MODULE: &str = "k8s.io/kubernetes";

/// Returns the executable, building it first where no earlier run has. The build takes some ten
/// minutes and happens once a machine: it is kept by what it is made from.
pub fn executable() -> Result<PathBuf, Error> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kube");
    let source = fs::canonicalize(&source).map_err(Error::file(&source))?;
    let folder = cache().join(format!("kube-{}", key(&source)?));
    let built = folder.join("kube");
    if built.exists() {
        return Ok(built);
    }
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let lock = folder.join("lock");
    let file = File::create(&lock).map_err(Error::file(&lock))?;
    // Of several that need it at once, one builds and the others wait. The kernel frees the lock of
    // one that is killed.
    let _held = Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| Error::file(&lock)(std::io::Error::from(error)))?;
    if !built.exists() {
        build(&source, &built)?;
    }
    Ok(built)
}

fn key(source: &Path) -> Result<String, Error> {
    let mut digest = Sha256::new();
    for file in ["go.mod", "go.sum", "main.go"] {
        let path = source.join(file);
        digest.update(fs::read(&path).map_err(Error::file(&path))?);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The release in `go.mod`, as the executable will name itself.
fn version(source: &Path) -> Result<String, Error> {
    let path = source.join("go.mod");
    let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
    text.lines()
        .filter_map(|line| line.trim().strip_prefix(MODULE)?.strip_prefix(' '))
        .find_map(|rest| rest.split_whitespace().next().map(str::to_owned))
        .ok_or_else(|| Error::Machine(format!("{} does not name {MODULE}", path.display())))
}

/// Without the version the server calls itself v0.0.0, and clients misbehave.
fn stamp(version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
    let stamps = packages.map(|package| {
        format!("-X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}")
    });
    format!("-s -w {}", stamps.join(" "))
}

fn build(source: &Path, built: &Path) -> Result<(), Error> {
    let partial = built.with_extension("partial");
    let failed = |output: String| Error::Command { command: "go build (tests/kube)".into(), output };
    let started = Instant::now();
    eprintln!("building Kubernetes from tests/kube: about ten minutes on two cores, once a machine");
    let log = built.with_extension("log");
    let output = File::create(&log).map_err(Error::file(&log))?;
    let mut child = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &stamp(&version(source)?), "-o"])
        .arg(&partial)
        .arg(".")
        .current_dir(source)
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(Error::file(&log))?)
        .stderr(output)
        .spawn()
        .map_err(|error| failed(format!("{error} (Go 1.26 or later is needed)")))?;
    let mut said = started;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| failed(error.to_string()))? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(200));
        if said.elapsed() > Duration::from_secs(30) {
            said = Instant::now();
            eprintln!("  still building, {} s", started.elapsed().as_secs());
        }
    };
    if !status.success() {
        return Err(failed(fs::read_to_string(&log).unwrap_or_default()));
    }
    fs::rename(&partial, built).map_err(Error::file(built))?;
    eprintln!("  built in {} s", started.elapsed().as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_the_module_is_stamped() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kube");
        let version = version(&source).unwrap();
        assert!(version.starts_with("v1."), "{version}");
        let stamp = stamp("v1.37.2");
        assert!(stamp.contains("k8s.io/component-base/version.gitMinor=37"), "{stamp}");
        assert!(stamp.contains("k8s.io/client-go/pkg/version.gitVersion=v1.37.2"), "{stamp}");
    }
}
