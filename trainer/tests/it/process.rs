//! The program as a process: flags, environment, exit codes and signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use trimtab_trainer::random::{Purpose, Stream};

use crate::fixture::{data, epochs, files, names};

fn trainer(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab-trainer"));
    command.env_clear().arg("train");
    command.envs([("PARAM_HIDDEN_UNITS", "16"), ("PARAM_BATCH_SIZE", "64"), ("TRAINER_VALIDATION", "100")]);
    command.envs([("TRAINER_THREADS", "1"), ("TRIMTAB_SEED", "7")]);
    command.env("TRAINER_DATA", data).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

fn read_epoch(reader: &mut BufReader<ChildStdout>) -> String {
    read_line(reader, "epoch=")
}

fn read_line(reader: &mut BufReader<ChildStdout>, start: &str) -> String {
    let mut line = String::new();
    while !line.starts_with(start) {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the output ended");
    }
    line
}

#[test]
fn environment_is_read_and_flags_win() {
    let data = data();
    let output = trainer(data.path()).env("TRIMTAB_FIDELITY", "2").args(["--seed=1"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.starts_with("# network 64-16-16-4 relu, 1380 parameters\n"), "{stdout}");
    assert!(stdout.contains("dropout 0, seed 1\n"), "{stdout}");
    assert_eq!(epochs(&stdout).len(), 2);
}

#[test]
fn remarks_hold_nothing_that_looks_like_a_metric() {
    let (data, folder) = (data(), TempDir::new().unwrap());
    let run = || trainer(data.path()).arg("--epochs=1").arg("--checkpoint").arg(folder.path()).output().unwrap();
    for output in [run(), run()] {
        let stdout = String::from_utf8(output.stdout).unwrap();
        for line in stdout.lines().filter(|line| !line.starts_with("epoch=")) {
            assert!(line.starts_with("# ") && !line.contains(['=', ':', '{']), "{line}");
        }
    }
}

#[test]
fn bad_input_exits_with_2_and_names_it() {
    let data = data();
    for (arguments, expected) in [
        (vec!["--learning-rate=-1"], "--learning-rate (or PARAM_LEARNING_RATE) is `-1`: expected"),
        (vec!["--learning-rate", "-1"], "--learning-rate (or PARAM_LEARNING_RATE) is `-1`: expected"),
        (
            vec!["--data=/nowhere"],
            "/nowhere does not exist: expected a folder of IDX files, a CSV file, or generated:NAME",
        ),
        #[cfg(not(feature = "cuda"))]
        (
            vec!["--device=cuda"],
            "--device (or TRAINER_DEVICE) is `cuda`: expected a program that was built with --features cuda",
        ),
        (vec!["--device=tpu"], "--device (or TRAINER_DEVICE) is `tpu`: expected cpu"),
        (vec!["--colour=red"], "unexpected argument '--colour'"),
    ] {
        let output = trainer(data.path()).args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    let output = trainer(data.path()).env("PARAM_LAYERS", "many").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("(or PARAM_LAYERS) is `many`"));
}

#[test]
fn devices_are_listed() {
    let output = trainer(Path::new("/nowhere")).arg("--device=list").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let listed = String::from_utf8(output.stdout).unwrap();
    let kinds: Vec<&str> = listed.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(kinds, ["cpu", "cuda", "vulkan"], "{listed}");
}

#[test]
fn checkpoint_that_cannot_be_written_exits_with_1() {
    let data = data();
    let output = trainer(data.path()).arg("--checkpoint=/proc/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the checkpoint /proc/nowhere"));
}

#[test]
fn diverged_run_exits_with_3() {
    let data = data();
    let output =
        trainer(data.path()).args(["--optimizer=sgd", "--learning-rate=1000", "--weight-decay=1000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn signal_stops_soon_and_leaves_a_checkpoint() {
    let data = data();
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let folder = TempDir::new().unwrap();
        let mut child =
            trainer(data.path()).arg("--epochs=1000000").arg("--checkpoint").arg(folder.path()).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        read_epoch(&mut reader);
        let start = Instant::now();
        signal(&child, name);
        let printed = epochs(&reader.lines().map(|line| line.unwrap() + "\n").collect::<String>()).len() + 1;
        assert_eq!(child.wait().unwrap().code(), Some(code));
        // A pod has 30 s before it is killed. Here it takes a few hundredths of one, and a busy machine has its time for it.
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

        let goal = format!("--epochs={}", printed + 2);
        let whole = trainer(data.path()).arg(&goal).output().unwrap();
        let rest = trainer(data.path()).arg(&goal).arg("--resume").arg(folder.path()).output().unwrap();
        let [whole, rest] = [whole, rest].map(|output| epochs(&String::from_utf8(output.stdout).unwrap()));
        assert_eq!(rest, whole[printed..]);
    }
}

#[test]
fn run_that_is_killed_at_twenty_random_moments_ends_like_one_that_is_not() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [whole, killed] = ["whole", "killed"].map(|name| folders.path().join(name));
    let run = |folder: &Path, epochs: u64| {
        let mut command = trainer(data.path());
        command.args(["--dropout=0.2", &format!("--epochs={epochs}"), "--checkpoint"]).arg(folder);
        command
    };
    let mut seen = Vec::new();
    // Each life trains an epoch at least; where in the next ones it ends, the pause decides. None comes to an end by itself, however
    // late the kill comes: how far they came is asked afterwards.
    let mut pauses = Stream::new(20, Purpose::Generated, [0; 3]);
    for _ in 0..20 {
        let mut child = run(&killed, 1_000_000).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        seen.push(read_epoch(&mut reader));
        thread::sleep(Duration::from_micros((pauses.unit() * 12_000.0) as u64));
        signal(&child, "KILL");
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        seen.extend(reader.lines().map(|line| line.unwrap() + "\n"));
    }
    let manifest = fs::read_to_string(killed.join("checkpoint.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let end = manifest["epoch"].as_u64().unwrap() + 3;
    let last = run(&killed, end).output().unwrap();
    assert_eq!(last.status.code(), Some(0));
    seen.push(String::from_utf8(last.stdout).unwrap());
    let uninterrupted = run(&whole, end).output().unwrap();
    assert!(files(&whole, end as u32) == files(&killed, end as u32));
    assert_eq!(names(&killed), ["checkpoint.json", &format!("model-{end}.bpk"), &format!("optimizer-{end}.bpk")]);
    let uninterrupted = epochs(&String::from_utf8(uninterrupted.stdout).unwrap());
    // A line that was cut off by the end of a life has no end; the next life says it again.
    assert!(epochs(&seen.concat()).iter().all(|line| uninterrupted.contains(line)));
}

#[test]
fn run_that_is_ended_within_twenty_epochs_ends_like_one_that_is_not() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [whole, ended] = ["whole", "ended"].map(|name| folders.path().join(name));
    let run = |folder: &Path, epochs: u64| {
        let mut command = trainer(data.path());
        command.args(["--dropout=0.2", "--batch-size=50", &format!("--epochs={epochs}"), "--checkpoint"]).arg(folder);
        command
    };
    let mut seen = Vec::new();
    // Each life trains some batches, of ten in an epoch, and is asked to stop or killed a moment later. Each batch is kept before
    // its line is printed, so that many of them are killed while they write.
    let mut moments = Stream::new(21, Purpose::Generated, [0; 3]);
    for _ in 0..20 {
        let mut child = run(&ended, 1_000_000).arg("--every=1").spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..=(moments.unit() * 8.0) as u32 {
            seen.push(read_line(&mut reader, "epoch="));
        }
        thread::sleep(Duration::from_micros((moments.unit() * 5_000.0) as u64));
        let (name, code, killed) =
            if moments.unit() < 0.5 { ("TERM", Some(143), None) } else { ("KILL", None, Some(9)) };
        signal(&child, name);
        let status = child.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (code, killed));
        seen.extend(reader.lines().map(|line| line.unwrap() + "\n"));
    }
    let reached: f64 =
        seen.iter().rev().find_map(|line| line.strip_prefix("epoch=")?.split(' ').next()?.parse().ok()).unwrap();
    let end = reached as u64 + 2;
    let last = run(&ended, end).arg("--every=1").output().unwrap();
    assert_eq!(last.status.code(), Some(0));
    seen.push(String::from_utf8(last.stdout).unwrap());
    // Who is asked for no lines within epochs keeps none of those places, and who has no folder keeps nothing.
    assert_eq!(run(&whole, end).output().unwrap().status.code(), Some(0));
    let uninterrupted = run(Path::new(""), end).arg("--every=1").output().unwrap();
    let uninterrupted = String::from_utf8(uninterrupted.stdout).unwrap();
    assert!(files(&whole, end as u32) == files(&ended, end as u32));
    assert_eq!(names(&ended), ["checkpoint.json", &format!("model-{end}.bpk"), &format!("optimizer-{end}.bpk")]);
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("epoch="));
        lines.map(|line| line.split(" seconds=").next().unwrap().to_owned()).collect()
    };
    let (expected, found) = (lines(&uninterrupted), lines(&seen.concat()));
    assert!(expected.iter().all(|line| found.contains(line)), "a line was never said");
    assert!(found.iter().all(|line| expected.contains(line)), "a line was never to be said");
}

#[test]
fn signal_within_the_first_epoch_leaves_a_checkpoint() {
    let folder = TempDir::new().unwrap();
    // An epoch of sixteen thousand batches: nobody sees its end.
    let run = || {
        let mut command = trainer(Path::new("generated:blobs:20000"));
        command.args(["--batch-size=1", "--every=20", "--epochs=1000000", "--checkpoint"]).arg(folder.path());
        command.spawn().unwrap()
    };
    let batches = || {
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.path().join("within.json")).unwrap()).unwrap();
        assert_eq!(manifest["epoch"], 0);
        manifest["within"]["batches"].as_u64().unwrap()
    };
    let mut before = 0;
    for _ in 0..2 {
        let mut child = run();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        if before > 0 {
            let resumed = format!("# resumed from epoch 0 and {before} batches of {}\n", folder.path().display());
            assert_eq!(read_line(&mut reader, "# resumed"), resumed);
            // What was printed last is repeated.
            read_epoch(&mut reader);
        }
        read_epoch(&mut reader);
        signal(&child, "TERM");
        let end = reader.lines().last().unwrap().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143));
        assert!(batches() >= before.max(20) && batches() < 16_000, "{before} {}", batches());
        before = batches();
        // On a machine that is busy with other things, a batch may take longer than it waits for itself.
        if end.starts_with('#') {
            assert_eq!(end, format!("# stopped by SIGTERM after epoch 0 and {before} batches"));
        }
    }
}
