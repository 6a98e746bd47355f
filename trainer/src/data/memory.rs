//! Whether data fits: said before it is read, because a process that is killed for memory cannot say it.

use std::fs;
use std::path::Path;

use super::error::Error;

/// Where a container's control group says its limit, what is used, and what of that are files that were read: in version 2 and in 1.
const GROUPS: [[&str; 4]; 2] = [
    ["memory.max", "memory.current", "memory.stat", "inactive_file "],
    ["memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file "],
];

/// Bytes that this process may still take: what the machine has, or what its control group leaves, whichever is less.
/// Nothing where neither can be read.
#[must_use]
pub fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(machine);
    machine.into_iter().chain(group(Path::new("/sys/fs/cgroup"))).min()
}

/// Refuses data that takes more than is available.
///
/// # Errors
/// If `needed` bytes are more than `available`.
pub fn require(path: &Path, needed: u64, available: Option<u64>) -> Result<(), Error> {
    match available {
        Some(available) if needed > available => {
            Err(Error::Memory { path: path.to_owned(), needed: needed.div_ceil(1 << 20), available: available >> 20 })
        }
        _ => Ok(()),
    }
}

/// What `/proc/meminfo` says is available, in bytes.
fn machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the control group in `folder` leaves, in bytes; nothing where it has no limit.
fn group(folder: &Path) -> Option<u64> {
    GROUPS.iter().find_map(|[max, used, stat, cached]| {
        let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
        let number = |file: &str| text(file)?.trim().parse::<u64>().ok();
        // Files that were read are counted as used, but given up as soon as memory is needed.
        let cached = text(stat).and_then(|stat| value(&stat, cached)).unwrap_or(0);
        Some(number(max)?.saturating_sub(number(used)?.saturating_sub(cached)))
    })
}

/// The number behind `name` at the beginning of a line.
fn value(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_in_bytes() {
        assert_eq!(machine("MemTotal:  9 kB\nMemAvailable:   24576 kB\n"), Some(24576 * 1024));
        assert_eq!(machine("MemTotal:  9 kB\n"), None);
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn what_a_control_group_leaves_is_its_limit_without_what_is_used_and_not_cached() {
        for [max, used, stat, cached] in GROUPS {
            let folder = tempfile::TempDir::new().unwrap();
            let write = |file: &str, text: &str| {
                let path = folder.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            };
            assert_eq!(group(folder.path()), None);
            write(used, "1000\n");
            write(stat, &format!("anon 7\n{cached}400\nlast 9\n"));
            for (limit, left) in [("max\n", None), ("5000\n", Some(4400)), ("500\n", Some(0))] {
                write(max, limit);
                assert_eq!(group(folder.path()), left, "{max} {limit}");
            }
        }
    }

    #[test]
    fn data_that_does_not_fit_is_told_with_both_sizes() {
        let error = require(Path::new("big.csv"), 3 << 30, Some(1 << 30)).unwrap_err().to_string();
        assert_eq!(error, "big.csv needs about 3072 MiB of memory, but only 1024 MiB are available to this process");
        assert!(require(Path::new("big.csv"), 3 << 30, None).is_ok());
    }
}
