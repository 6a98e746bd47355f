//! The control groups of a cluster: one folder of its own in every hierarchy, because a kubelet
//! removes what it does not know from the groups it looks after.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::Error;

const MOUNT: &str = "/sys/fs/cgroup";

/// The cluster's group below the root of each hierarchy.
pub(crate) fn name(number: u8) -> String {
    format!("trimtab{number}")
}

/// The mount points of all hierarchies: one for each controller in version 1, one for all in version 2.
fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from(MOUNT);
    if root.join("cgroup.controllers").exists() {
        return vec![root];
    }
    let Ok(entries) = fs::read_dir(&root) else {
        return Vec::new();
    };
    entries
        .flatten()
        // Some systems keep links such as cpu -> cpu,cpuacct beside the folders.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

/// Creates the cluster's group in every hierarchy.
pub(crate) fn create(number: u8) -> Result<(), Error> {
    for hierarchy in hierarchies() {
        let group = hierarchy.join(name(number));
        fs::create_dir_all(&group).map_err(Error::file(&group))?;
        if let Ok(controllers) = fs::read_to_string(hierarchy.join("cgroup.controllers")) {
            // Version 2 hands a controller down only where the parent says so. Not all of them can be.
            for controller in controllers.split_whitespace() {
                let _ = fs::write(hierarchy.join("cgroup.subtree_control"), format!("+{controller}"));
                let _ = fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"));
            }
        }
        for file in ["cpuset.cpus", "cpuset.mems"] {
            // Version 1 starts a cpuset empty, and nothing can run in an empty one.
            if let Ok(value) = fs::read_to_string(hierarchy.join(file))
                && !hierarchy.join("cgroup.controllers").exists()
            {
                fs::write(group.join(file), value.trim()).map_err(Error::file(group.join(file)))?;
            }
        }
    }
    Ok(())
}

/// Removes the cluster's groups, waiting for the kernel to let go of the last processes.
pub(crate) fn remove(number: u8, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    for hierarchy in hierarchies() {
        let group = hierarchy.join(name(number));
        while let Err(error) = remove_tree(&group) {
            if Instant::now() > deadline {
                return Err(Error::File { path: group, source: error });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

fn remove_tree(group: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(group) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
