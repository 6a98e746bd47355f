//! What a cluster leaves on the machine, looked for in every place where it could be.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use trimtab_cluster::Cluster;

/// A cluster's traces, known by its folder and its number.
pub(crate) struct Traces {
    folder: PathBuf,
    number: u8,
}

impl Traces {
    pub(crate) fn of(cluster: &Cluster) -> Traces {
        Traces::in_folder(cluster.run_dir())
    }

    pub(crate) fn in_folder(folder: &Path) -> Traces {
        let number = fs::read_to_string(folder.join("number")).unwrap().parse().unwrap();
        Traces { folder: folder.to_path_buf(), number }
    }

    /// All there is, in words.
    pub(crate) fn found(&self) -> Vec<String> {
        let mut found = self.processes();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let folder = self.folder.display().to_string();
        found.extend(mounts.lines().filter(|line| line.contains(&folder)).map(|line| format!("mount {line}")));
        let sockets = fs::read_to_string("/proc/net/unix").unwrap();
        let claim = format!("@trimtab-cluster/number/{}", self.number);
        found.extend(sockets.lines().filter(|line| line.ends_with(&claim)).map(|line| format!("socket {line}")));
        let interface = Path::new("/sys/class/net").join(format!("trimtab{}", self.number));
        found.extend(
            [interface, self.folder.clone()].iter().filter(|path| path.exists()).map(|path| format!("{path:?}")),
        );
        let hierarchies = fs::read_dir("/sys/fs/cgroup").unwrap().flatten().map(|entry| entry.path());
        let groups = hierarchies.chain([PathBuf::from("/sys/fs/cgroup")]);
        let group = format!("trimtab{}", self.number);
        found.extend(
            groups.map(|folder| folder.join(&group)).filter(|path| path.exists()).map(|path| format!("{path:?}")),
        );
        found
    }

    /// Processes whose command names the folder, and those in the cluster's group. What has ended
    /// and was not yet taken leave of has neither.
    pub(crate) fn processes(&self) -> Vec<String> {
        let folder = self.folder.display().to_string();
        let group = format!("/trimtab{}/", self.number);
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| {
                let process = entry.file_name().to_str()?.parse::<u32>().ok()?;
                let command = fs::read_to_string(entry.path().join("cmdline")).ok()?.replace('\0', " ");
                let groups = fs::read_to_string(entry.path().join("cgroup")).ok()?;
                let ours = command.contains(&folder) || (!command.is_empty() && groups.contains(&group));
                ours.then(|| format!("process {process}: {command}"))
            })
            .collect()
    }

    /// Waits until there are none.
    pub(crate) fn expect_none(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.found();
            if found.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind: {found:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
