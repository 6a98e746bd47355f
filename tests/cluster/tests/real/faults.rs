//! Clusters that are shot at, and what is left of them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use trimtab_cluster::{Cluster, Error, Options};

use crate::subject::{self, job, wait_for_pod};
use crate::traces::Traces;
use crate::{here, one_at_a_time, start};

/// Options with a name that only this run of the tests uses.
fn named(name: &str) -> Options {
    Options::named(format!("{name}-{}", std::process::id()))
}

#[test]
fn cluster_that_is_taken_down_leaves_nothing() {
    let _turn = one_at_a_time();
    let Some(cluster) = start(named("down")) else {
        return;
    };
    cluster.import_image(&subject::image()).unwrap();
    cluster.apply(&job("running", &["train", "600", "1000"]).to_string()).unwrap();
    wait_for_pod(&cluster, "running", "condition=Ready");
    let traces = Traces::of(&cluster);
    let found = traces.found().join("\n");
    for expected in ["subject train", "kubelet", "/sys/class/net/", "/sys/fs/cgroup/", "socket"] {
        assert!(found.contains(expected), "the search itself misses {expected}: {found}");
    }
    cluster.down().unwrap();
    // Not even for a moment: whoever has been told that it is gone may rely on it.
    assert_eq!(traces.found(), Vec::<String>::new());
}

#[test]
fn two_clusters_at_once_know_nothing_of_each_other() {
    let _turn = one_at_a_time();
    let small = |name: &str| Options { api_only: true, ..named(name) };
    let Some(one) = start(small("one")) else {
        return;
    };
    let two = start(small("two")).unwrap();
    let again = Cluster::start(here(small("one")));
    assert!(matches!(again, Err(Error::AlreadyRunning(_))), "{again:?}");
    one.kubectl(&["create", "namespace", "only-in-one"]).unwrap();
    assert!(two.kubectl(&["get", "namespace", "only-in-one"]).is_err());
    let gone = Traces::of(&one);
    one.down().unwrap();
    assert_eq!(gone.found(), Vec::<String>::new());
    two.kubectl(&["get", "namespaces"]).unwrap();
}

#[test]
fn kubelet_that_dies_is_missed_and_comes_back() {
    let _turn = one_at_a_time();
    let options = Options { gpus: 1, node_grace_seconds: Some(6), ..named("kubelet") };
    let Some(cluster) = start(options) else {
        return;
    };
    let node = format!("node/{}", cluster.node_name().unwrap());
    let ready = |value: &str| {
        let condition = format!("--for=condition=Ready={value}");
        cluster.kubectl(&["wait", &condition, &node, "--timeout=60s"]).unwrap();
    };
    cluster.kubelet_stop().unwrap();
    ready("Unknown");
    cluster.kubelet_start().unwrap();
    ready("True");
    let gpus = r"--for=jsonpath={.status.allocatable.nvidia\.com/gpu}=1";
    cluster.kubectl(&["wait", gpus, &node, "--timeout=60s"]).unwrap();
    let restarts: u32 = cluster.status().unwrap().iter().map(|component| component.restarts).sum();
    assert_eq!(restarts, 0, "stopping on purpose is no restart");
}

#[test]
fn component_that_crashes_is_started_again() {
    let _turn = one_at_a_time();
    let Some(cluster) = start(Options { node: false, ..named("crash") }) else {
        return;
    };
    let marker = "kube-scheduler.kubeconfig";
    let scheduler = Traces::of(&cluster).processes().into_iter().find(|found| found.contains(marker)).unwrap();
    let process = scheduler.split([' ', ':']).nth(1).unwrap().parse().unwrap();
    kill(Pid::from_raw(process), Signal::SIGKILL).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = cluster.status().unwrap();
        let scheduler = status.iter().find(|component| component.name == "kube-scheduler").unwrap();
        if scheduler.restarts == 1 && scheduler.process.is_some() {
            return;
        }
        assert!(Instant::now() < deadline, "{status:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The variable that tells this program to be an owner, and of which cluster.
const OWNER: &str = "TRIMTAB_CLUSTER_TEST_OWNER";

#[test]
#[ignore = "is run by the tests that kill an owner"]
fn owner_that_waits_to_be_killed() {
    let Ok(name) = std::env::var(OWNER) else {
        return;
    };
    let cluster = Cluster::start(here(Options::named(name))).unwrap();
    println!("{}", cluster.run_dir().display());
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn cluster_whose_owner_is_killed_leaves_nothing() {
    let _turn = one_at_a_time();
    let options = named("owner");
    let Some(first) = start(options.clone()) else {
        return;
    };
    first.down().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "faults::owner_that_waits_to_be_killed", "--nocapture"])
        .env(OWNER, &options.name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().map_while(Result::ok);
    let folder = lines.map(PathBuf::from).find(|line| line.ends_with(&options.name)).unwrap();
    let traces = Traces::in_folder(&folder);
    assert!(!traces.processes().is_empty());
    owner.kill().unwrap();
    owner.wait().unwrap();
    traces.expect_none();
}

#[test]
fn next_cluster_starts_where_the_supervisor_was_killed() {
    let _turn = one_at_a_time();
    let options = Options { keep: true, ..named("killed") };
    let Some(cluster) = start(options.clone()) else {
        return;
    };
    cluster.import_image(&subject::image()).unwrap();
    cluster.apply(&job("running", &["train", "600", "1000"]).to_string()).unwrap();
    wait_for_pod(&cluster, "running", "condition=Ready");
    let traces = Traces::of(&cluster);
    // Everything else dies of this one's death, and nobody is left to clean up.
    let supervisor = traces.processes().into_iter().find(|found| found.contains(" supervise ")).unwrap();
    let process = supervisor.split([' ', ':']).nth(1).unwrap().parse().unwrap();
    kill(Pid::from_raw(process), Signal::SIGKILL).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !traces.processes().is_empty() {
        assert!(Instant::now() < deadline, "{:?}", traces.processes());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(cluster.run_dir().exists(), "nobody was left to remove it");
    let next = start(Options { keep: false, ..options }).unwrap();
    next.kubectl(&["get", "nodes"]).unwrap();
    let traces = Traces::of(&next);
    next.down().unwrap();
    assert_eq!(traces.found(), Vec::<String>::new());
}
