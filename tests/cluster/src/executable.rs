//! The program that a cluster's supervisor runs as: this crate's own, whoever uses the library.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::Error;
use crate::run;

const NAME: &str = "trimtab-cluster";

/// Finds the program, building it where the library is used from another crate's tests.
pub(crate) fn find() -> Result<PathBuf, Error> {
    if let Some(given) = std::env::var_os("TRIMTAB_CLUSTER_BIN").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(given));
    }
    let own = std::env::current_exe().map_err(Error::file("/proc/self/exe"))?;
    if own.file_name().is_some_and(|name| name == NAME) {
        return Ok(own);
    }
    build()
}

fn build() -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--bin", NAME, "--message-format=json", "--manifest-path"]).arg(manifest);
    let messages = run::output(&mut command)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == NAME)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| Error::Supervisor(format!("cargo built no {NAME}")))
}
