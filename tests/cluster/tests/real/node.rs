//! What a node has to do for a study's trials. All share one cluster.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::shared;
use crate::subject::{job, log, pod, run_to_the_end, wait_for_pod, with_claim, with_limits};

#[test]
fn running_pods_log_streams_line_by_line() {
    let Some(cluster) = shared() else { return };
    cluster.apply(&job("streaming", &["train", "8", "2500"]).to_string()).unwrap();
    wait_for_pod(cluster, "streaming", "jsonpath={.status.phase}=Running");
    let mut follow =
        cluster.kubectl_command().args(["logs", "--follow", "job/streaming"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "epoch=1 accuracy=0.1");
    // The first line is here while the program is far from its last.
    assert_eq!(pod(cluster, "streaming")["status"]["phase"], "Running");
    assert_eq!(lines.map_while(Result::ok).last().unwrap(), "epoch=8 accuracy=0.8");
    assert!(follow.wait().unwrap().success());
    cluster.kubectl(&["wait", "--for=condition=Complete", "job/streaming", "--timeout=60s"]).unwrap();
}

#[test]
fn failing_program_leaves_its_exit_code() {
    let Some(cluster) = shared() else { return };
    let end = run_to_the_end(cluster, &job("failing", &["exit", "42"]));
    assert_eq!(end["exitCode"], 42);
    assert_eq!(end["reason"], "Error");
    cluster.kubectl(&["wait", "--for=condition=Failed", "job/failing", "--timeout=60s"]).unwrap();
}

#[test]
fn program_beyond_its_memory_limit_is_killed_for_it() {
    let Some(cluster) = shared() else { return };
    let greedy = with_limits(job("greedy", &["eat", "512"]), json!({"memory": "48Mi"}));
    let end = run_to_the_end(cluster, &greedy);
    assert_eq!(end["reason"], "OOMKilled");
    assert_eq!(end["exitCode"], 137);
}

#[test]
fn volume_carries_a_file_from_one_pod_to_the_next() {
    let Some(cluster) = shared() else { return };
    let folder = cluster.persistent_volume("checkpoints", "default", "checkpoints").unwrap();
    let writer = with_claim(job("writer", &["write", "/shared/checkpoint", "epoch 3"]), "checkpoints");
    assert_eq!(run_to_the_end(cluster, &writer)["exitCode"], 0);
    assert_eq!(std::fs::read_to_string(folder.join("checkpoint")).unwrap(), "epoch 3");
    let reader = with_claim(job("reader", &["read", "/shared/checkpoint"]), "checkpoints");
    assert_eq!(run_to_the_end(cluster, &reader)["exitCode"], 0);
    assert_eq!(log(cluster, "reader").trim(), "epoch 3");
}

#[test]
fn third_pod_waits_for_one_of_two_gpus() {
    let Some(cluster) = shared() else { return };
    for name in ["gpu-a", "gpu-b"] {
        let holder = with_limits(job(name, &["train", "600", "1000"]), json!({"nvidia.com/gpu": "1"}));
        cluster.apply(&holder.to_string()).unwrap();
        wait_for_pod(cluster, name, "condition=Ready");
    }
    let third = with_limits(job("gpu-c", &["exit", "0"]), json!({"nvidia.com/gpu": "1"}));
    cluster.apply(&third.to_string()).unwrap();
    wait_for_pod(cluster, "gpu-c", "condition=PodScheduled=false");
    let conditions = pod(cluster, "gpu-c")["status"]["conditions"].clone();
    assert!(conditions.to_string().contains("Insufficient nvidia.com/gpu"), "{conditions}");
    cluster.kubectl(&["delete", "job", "gpu-a", "gpu-b"]).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Complete", "job/gpu-c", "--timeout=60s"]).unwrap();
}

#[test]
fn pod_reaches_the_api_server_and_the_machine_reaches_a_pod() {
    let Some(cluster) = shared() else { return };
    assert_eq!(run_to_the_end(cluster, &job("caller", &["reach-api"]))["exitCode"], 0);
    cluster.apply(&job("listener", &["answer", "7000"]).to_string()).unwrap();
    wait_for_pod(cluster, "listener", "condition=Ready");
    let address = pod(cluster, "listener")["status"]["podIP"].as_str().unwrap().to_owned();
    let mut stream = connect(&format!("{address}:7000"));
    stream.write_all(b"ping").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "pong");
}

/// A container is ready when it has started, which is before it listens.
fn connect(address: &str) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > deadline => panic!("{address}: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[test]
fn long_log_is_rotated() {
    let Some(cluster) = shared() else { return };
    cluster.apply(&job("flooding", &["flood", "20000000"]).to_string()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(90);
    while rotated(&cluster.run_dir().join("pod-logs")) == 0 {
        assert!(Instant::now() < deadline, "no rotated log within 90 s");
        std::thread::sleep(Duration::from_millis(200));
    }
    cluster.kubectl(&["delete", "job", "flooding"]).unwrap();
}

/// How many files have a time in their names, which the kubelet gives to those it has put aside.
fn rotated(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => rotated(&entry.path()),
            _ => usize::from(entry.file_name().to_string_lossy().contains(".log.")),
        })
        .sum()
}

#[test]
fn service_account_may_do_what_its_role_says_and_no_more() {
    let Some(cluster) = shared() else { return };
    cluster.kubectl(&["create", "serviceaccount", "reader"]).unwrap();
    cluster.kubectl(&["create", "role", "reader", "--verb=list", "--resource=pods"]).unwrap();
    cluster.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:reader"]).unwrap();
    let kubeconfig = cluster.service_account_kubeconfig("default", "reader").unwrap();
    // The last of two flags of a name counts.
    let as_reader = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    cluster.kubectl(&[["get", "pods"], as_reader].concat()).unwrap();
    let refused = cluster.kubectl(&[["get", "secrets"], as_reader].concat()).unwrap_err().to_string();
    assert!(refused.contains("system:serviceaccount:default:reader"), "{refused}");
    let audit = std::fs::read_to_string(cluster.audit_log().unwrap()).unwrap();
    let wanted = r#""username":"system:serviceaccount:default:reader""#;
    assert!(audit.lines().any(|line| line.contains(wanted)), "the audit log does not know the reader");
}
