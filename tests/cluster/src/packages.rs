//! What the machine has to have, and getting it where that can be done from here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::node;
use crate::options::Options;
use crate::run;

/// A package of Debian and a way to see that it is there.
struct Need {
    package: &'static str,
    is_there: fn() -> bool,
}

const NETWORK: Need = Need { package: "iproute2", is_there: || found("ip") };

const NODE: [Need; 5] = [
    Need { package: "containerd", is_there: || found("containerd") && found("ctr") },
    Need { package: "runc", is_there: || found("runc") },
    Need { package: "containernetworking-plugins", is_there: || node::plugins().is_some() },
    Need { package: "nftables", is_there: || found("nft") },
    Need { package: "gcc", is_there: || found("gcc") && libc_is_there() },
];

/// Makes sure that a cluster with these options can run here.
pub(crate) fn ensure(options: &Options) -> Result<(), Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::Machine("only root may make the namespaces it lives in".into()));
    }
    let missing = missing(options);
    if missing.is_empty() {
        return Ok(());
    }
    if !found("apt-get") {
        return Err(Error::Machine(format!("these Debian packages or their likes are missing: {}", missing.join(" "))));
    }
    eprintln!("installing {}", missing.join(" "));
    let apt = |arguments: &[&str]| {
        run::output(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    let install = [&["install", "--yes", "--no-install-recommends"], missing.as_slice()].concat();
    // The lists of packages may be missing or old, and fetching them is not always needed.
    if apt(&install).is_err() {
        apt(&["update"])?;
        apt(&install)?;
    }
    let still = self::missing(options);
    if still.is_empty() {
        return Ok(());
    }
    Err(Error::Machine(format!("installed, and still not found: {}", still.join(" "))))
}

fn missing(options: &Options) -> Vec<&'static str> {
    let node = if options.has_node() { NODE.as_slice() } else { &[] };
    let needs = std::iter::once(&NETWORK).chain(node);
    let mut missing: Vec<_> = needs.filter(|need| !(need.is_there)()).map(|need| need.package).collect();
    if missing.contains(&"gcc") {
        missing.push("libc6-dev");
    }
    missing
}

/// Whether a program is on the path that the components get.
pub(crate) fn found(program: &str) -> bool {
    which(program).is_some()
}

pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn libc_is_there() -> bool {
    Path::new("/usr/include/stdlib.h").exists()
}
