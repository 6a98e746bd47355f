//! Whether data fits: said before it is read, because a process that is killed for memory cannot say it.

use std::fs;
use std::path::Path;

use super::error::Error;

/// Bytes that this process may still take: what the machine has, or what its control group leaves, whichever is less.
/// Nothing where neither can be read.
#[must_use]
pub fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(machine);
    let number = |file: &str| fs::read_to_string(Path::new("/sys/fs/cgroup").join(file)).ok()?.trim().parse().ok();
    // Files that were read are counted as used, but given up as soon as memory is needed.
    let cached = fs::read_to_string("/sys/fs/cgroup/memory.stat").ok().as_deref().and_then(cached).unwrap_or(0);
    let group = number("memory.max")
        .zip(number("memory.current"))
        .map(|(max, used): (u64, u64)| max.saturating_sub(used.saturating_sub(cached)));
    machine.into_iter().chain(group).min()
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

/// What a control group's `memory.stat` says is cached of files and not in use, in bytes.
fn cached(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("inactive_file "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_in_bytes() {
        assert_eq!(machine("MemTotal:  9 kB\nMemAvailable:   24576 kB\n"), Some(24576 * 1024));
        assert_eq!(machine("MemTotal:  9 kB\n"), None);
        assert_eq!(cached("anon 7\ninactive_file 4096\n"), Some(4096));
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn data_that_does_not_fit_is_told_with_both_sizes() {
        let error = require(Path::new("big.csv"), 3 << 30, Some(1 << 30)).unwrap_err().to_string();
        assert_eq!(error, "big.csv needs about 3072 MiB of memory, but only 1024 MiB are available to this process");
        assert!(require(Path::new("big.csv"), 3 << 30, None).is_ok());
    }
}
