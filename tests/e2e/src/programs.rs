//! The programs that tests run: built once, static, so that each goes into an image with nothing beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};
use trimtab_cluster::Image;

/// The test's trial: [`crate::curve`] as a program.
pub const TRIAL: &str = "docker.io/local/trimtab-trial:dev";
/// The trainer, with its data set.
pub const TRAINER: &str = "docker.io/local/trimtab-trainer:dev";
/// The operator, for the Jobs that remove checkpoint folders.
pub const OPERATOR: &str = "docker.io/local/trimtab-operator:dev";
/// An image with the smallest shell.
pub const SHELL: &str = "docker.io/local/shell:dev";

/// The most bytes of the trainer's program, which is all that its image holds besides data.
const LARGEST_TRAINER: u64 = 30_000_000;

/// Where Debian's package puts the trainer's data set.
const DATA: &str = "/usr/share/datasets/fashion-mnist";

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the workspace is built.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A folder for what is built and kept here: below the workspace's target folder.
///
/// # Errors
/// When it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let folder = target().join("e2e");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder.canonicalize()?)
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Builds a package's program in `workspace`, statically, into `target`, and says where it is.
fn cargo(workspace: &Path, target: &Path, package: &str, release: bool) -> Result<PathBuf> {
    let triple = triple();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace).env("RUSTFLAGS", "-C target-feature=+crt-static");
    command
        .args(["build", "--quiet", "--package", package, "--bin", package, "--target", &triple, "--target-dir"])
        .arg(target);
    if release {
        command.arg("--release");
    }
    run(&mut command)?;
    Ok(target.join(&triple).join(if release { "release" } else { "debug" }).join(package))
}

/// A program named by an environment variable, which saves the time to build it.
fn given(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The operator, as a static program. `TRIMTAB_OPERATOR_BIN` names one that is built already.
///
/// # Errors
/// When it does not build.
pub fn operator() -> Result<PathBuf> {
    given("TRIMTAB_OPERATOR_BIN").map_or_else(|| cargo(&root(), &target(), "trimtab-operator", false), Ok)
}

/// The command line, as this machine's users have it.
///
/// # Errors
/// When it does not build.
pub fn command_line() -> Result<PathBuf> {
    if let Some(given) = given("TRIMTAB_CLI_BIN") {
        return Ok(given);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(["build", "--quiet", "--package", "trimtab-cli", "--target-dir"]).arg(target());
    run(&mut command)?;
    Ok(target().join("debug/trimtab"))
}

fn trainer() -> Result<PathBuf> {
    let workspace = root().join("trainer");
    given("TRIMTAB_TRAINER_BIN")
        .map_or_else(|| cargo(&workspace, &workspace.join("target"), "trimtab-trainer", true), Ok)
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The test's trial, under the name `name`. It needs nothing but `std`, so the compiler alone makes it.
fn trial(name: &str) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (program, curve) = (source.join("bin/trial.rs"), source.join("curve.rs"));
    let target = folder()?.join(name);
    let fresh = changed(&target)
        .is_some_and(|built| [&program, &curve].iter().all(|source| changed(source).is_some_and(|at| at < built)));
    if !fresh {
        // Compiled beside its place: a program that another test binary is packing now must stay whole.
        let new = folder()?.join(format!("{name}.{}", std::process::id()));
        let mut command = Command::new("rustc");
        command.args([
            "--edition=2024",
            "-C",
            "target-feature=+crt-static",
            "-C",
            "opt-level=2",
            "-C",
            "strip=symbols",
            "--target",
            &triple(),
            "-o",
        ]);
        run(command.arg(&new).arg(&program))?;
        std::fs::rename(&new, &target)?;
    }
    Ok(target)
}

/// The images that a node needs; `operator` is the operator's program.
///
/// # Errors
/// When a program does not build, or the trainer has become too large for its image.
pub fn images(operator: &Path) -> Result<Vec<Image>> {
    let named = |name: &str, program: PathBuf| Image::new(name, program);
    let mut images = vec![
        named(TRIAL, trial("trimtab-trial")?),
        named(SHELL, trial("sh")?),
        named(OPERATOR, operator.to_path_buf()),
    ];
    if Path::new(DATA).exists() {
        let trainer = trainer()?;
        let bytes = std::fs::metadata(&trainer).with_context(|| trainer.display().to_string())?.len();
        ensure!(bytes < LARGEST_TRAINER, "{} has {bytes} bytes, an image of it is to be smaller", trainer.display());
        images.push(named(TRAINER, trainer).file(DATA, DATA));
    }
    Ok(images)
}
