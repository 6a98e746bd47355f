//! Measures what the operator costs: its image, its start, its memory, and what a scrape of it takes with 1,000 Studies and 10,000
//! Trials with their Jobs, which it makes itself, and a pod of each Job; and after they are gone.
//!
//! `cargo run -p trimtab-e2e --bin trimtab-cost` prints a report as JSON; `bench/README.md` says what is done with it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, PostParams, PropagationPolicy};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use trimtab_api::{Study, Trial};
use trimtab_cluster::Image;
use trimtab_e2e::environment::{Environment, Kind};
use trimtab_e2e::operator::{Operator, memory, resident};
use trimtab_e2e::{http, programs, studies};

/// Namespaces, and Studies in each, and Trials of each.
const MANY: (u32, u32, u32) = (20, 50, 10);

/// Names another program of the operator, such as an older one, whose memory with the same objects is to be told beside.
const BEFORE: &str = "TRIMTAB_OPERATOR_BEFORE";

/// How often it is scraped for a figure.
const SCRAPES: usize = 20;

#[tokio::main]
async fn main() -> Result<()> {
    let environment = Environment::start(Kind::Api).await?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut report = json!({"date": jiff::Timestamp::now().to_string(), "load": load.trim()});
    report["operator"] = json!(environment.operator.display().to_string().rsplit('/').nth(1));
    report["image"] = image(&environment.operator, environment.cluster().run_dir())?;
    report["start"] = starts(&environment).await?;
    let (namespaces, each, trials) = MANY;
    report["objects"] =
        json!({"namespaces": namespaces, "studies": namespaces * each, "trials": namespaces * each * trials});
    report["scrape"] = scrapes(&environment).await?;
    println!("{report:#}");
    Ok(())
}

/// An operator, and the port that it serves on.
struct Running {
    operator: Operator,
    port: u16,
}

impl Running {
    /// Starts one for all namespaces, and says how many milliseconds it took until it answered that it is ready.
    async fn start(environment: &Environment, program: &Path, name: &str, flags: &[&str]) -> Result<(Self, u128)> {
        let began = Instant::now();
        let folder = environment.cluster().run_dir();
        let operator = Operator::start(program, &environment.operator_kubeconfig, folder, name, None, flags)?;
        let mut port = None;
        while began.elapsed() < Duration::from_secs(120) {
            port = port.or_else(|| served_port(&operator.log()));
            if let Some(port) = port
                && http::get(port, "/readyz").is_ok_and(|(code, _)| code == 200)
            {
                return Ok((Self { operator, port }, began.elapsed().as_millis()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!("the operator is not ready:\n{}", operator.tail(20))
    }

    fn memory(&self) -> Result<u64> {
        resident(self.operator.id().context("no operator")?)
    }

    fn metrics(&self) -> Result<String> {
        let (code, text) = http::get(self.port, "/metrics")?;
        ensure!(code == 200, "{code}");
        Ok(text)
    }

    /// Waits until its caches hold so many objects of these kinds.
    async fn holds(&self, wanted: &[(&str, u32)], seconds: u64) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let text = self.metrics()?;
            if wanted.iter().all(|(kind, count)| held(&text, kind) == Some(*count)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let held: Vec<&str> = text.lines().filter(|line| line.starts_with("trimtab_cache_objects")).collect();
                bail!("waited {seconds} s for {wanted:?}, and it holds {held:?}\n{}", self.operator.tail(10));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    fn figures(&self) -> Result<Value> {
        let mut times = Vec::new();
        let mut text = String::new();
        for _ in 0..SCRAPES {
            let began = Instant::now();
            text = self.metrics()?;
            times.push(began.elapsed().as_millis());
        }
        times.sort_unstable();
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        Ok(json!({
            "ms_p50": u64::try_from(times[SCRAPES / 2])?, "ms_max": times.last().copied().map(u64::try_from).transpose()?,
            "bytes": text.len(), "series": series, "jobs": held(&text, "Job"), "pods": held(&text, "Pod"),
            "memory_kib": self.memory()?, "peak_memory_kib": memory(self.operator.id().context("no operator")?, "VmHWM")?,
        }))
    }
}

/// How many objects of a kind its caches hold, by its own account.
fn held(text: &str, kind: &str) -> Option<u32> {
    let beginning = format!("trimtab_cache_objects{{kind=\"{kind}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&beginning))?.parse().ok()
}

/// The port in the line that the operator writes when it begins to serve.
fn served_port(log: &str) -> Option<u16> {
    let line = log.lines().find(|line| line.contains("serving health and metrics"))?;
    let address = line.split("address=").nth(1)?.split_whitespace().next()?;
    address.rsplit(':').next()?.parse().ok()
}

/// The size of the image's archive, whose one layer is not compressed.
fn image(program: &Path, folder: &Path) -> Result<Value> {
    let archive = folder.join("operator.tar");
    Image::new(programs::OPERATOR, program).write(&archive)?;
    let (program, archive) = (std::fs::metadata(program)?.len(), std::fs::metadata(&archive)?.len());
    Ok(json!({"program_bytes": program, "archive_bytes": archive}))
}

/// From its start to its being ready, and its memory when nothing has happened for a while: of one that leads and of one that waits.
async fn starts(environment: &Environment) -> Result<Value> {
    let program = &environment.operator;
    let (leader, first) = Running::start(environment, program, "first", &["--identity", "first"]).await?;
    let (waiting, second) = Running::start(environment, program, "second", &["--identity", "second"]).await?;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let figures = json!({
        "ready_after_ms": [u64::try_from(first)?, u64::try_from(second)?],
        "idle_memory_kib": {"leads": leader.memory()?, "waits": waiting.memory()?},
    });
    Ok(figures)
}

async fn scrapes(environment: &Environment) -> Result<Value> {
    let (namespaces, each, trials) = MANY;
    let (studies, all) = (namespaces * each, namespaces * each * trials);
    let all = [("Study", studies), ("Trial", all), ("Job", all), ("Pod", all)];
    let program = &environment.operator;
    let (mut running, _) =
        Running::start(environment, program, "many", &["--no-leader-election", "--study-metrics", "1000"]).await?;
    let began = Instant::now();
    let mut names = Vec::new();
    for _ in 0..namespaces {
        let namespace = environment.namespace("many").await?;
        let api: Api<Study> = Api::namespaced(environment.client.clone(), &namespace);
        for number in 0..each {
            let study = studies::with(
                studies::plain(&format!("study-{number}"), trials, 9, &[]),
                json!({"parallelism": trials}),
            );
            api.create(&PostParams::default(), &serde_json::from_value(study)?).await?;
        }
        names.push(namespace);
    }
    running.holds(&all[..2], 1_500).await?;
    let mut report = json!({"made_in_seconds": began.elapsed().as_secs(), "made_here": running.figures()?});
    running.holds(&all[..3], 1_500).await?;
    report["jobs_made_in_seconds"] = json!(began.elapsed().as_secs());
    for namespace in &names {
        make_pods(&environment.client, namespace).await?;
    }
    running.holds(&all, 300).await?;
    report["all_made_here"] = running.figures()?;
    // A fresh process shows what the objects cost, without what making them has left in memory.
    let before = std::env::var_os(BEFORE).map(PathBuf::from);
    let fresh = ["0", "50", "1000"].map(|exported| (program, exported, format!("exported_{exported}")));
    for (program, exported, name) in before.iter().map(|before| (before, "1000", "before".to_owned())).chain(fresh) {
        drop(running);
        let began = Instant::now();
        let flags = ["--no-leader-election", "--study-metrics", exported];
        (running, _) = Running::start(environment, program, &name, &flags).await?;
        running.holds(&all, 120).await?;
        let filled = began.elapsed().as_millis();
        // Everything is looked at once after a start.
        tokio::time::sleep(Duration::from_secs(30)).await;
        report[&name] = running.figures()?;
        report[&name]["ms_until_caches_are_filled"] = json!(u64::try_from(filled)?);
        eprintln!("{report}");
    }
    for namespace in &names {
        remove_all(&environment.client, namespace).await?;
    }
    running.holds(&all.map(|(kind, _)| (kind, 0)), 120).await?;
    let text = running.metrics()?;
    let left: Vec<&str> = text.lines().filter(|line| line.contains("study=\"")).collect();
    ensure!(left.is_empty(), "{} series of Studies that are gone, such as {:?}", left.len(), left.first());
    let gauges = ["trimtab_studies", "trimtab_trials", "trimtab_study_", "trimtab_rung_trials"];
    let left: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.contains("namespace=\"")
                && gauges.iter().any(|name| line.starts_with(name))
                && !line.contains("_total")
        })
        .collect();
    ensure!(left.is_empty(), "{left:?}");
    report["after_deletion"] = running.figures()?;
    running.operator.check()?;
    Ok(report)
}

/// There is no Job controller here, so the pod of each Job is made as it would make it. Without a scheduler it stays pending.
async fn make_pods(client: &Client, namespace: &str) -> Result<()> {
    let jobs = Api::<Job>::namespaced(client.clone(), namespace).list(&ListParams::default()).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let made = stream::iter(jobs).map(|job| {
        let pods = pods.clone();
        async move {
            let (name, uid) = (job.metadata.name.context("a name")?, job.metadata.uid);
            let template = json!(job.spec.context("a spec")?.template);
            let mut pod = json!({"metadata": template["metadata"], "spec": template["spec"]});
            pod["metadata"]["name"] = json!(format!("{name}-abcde"));
            pod["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid, "controller": true}]);
            pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await?;
            anyhow::Ok(())
        }
    });
    made.buffer_unordered(8).try_collect().await
}

/// There is no garbage collector here, so each kind is removed by itself.
async fn remove_all(client: &Client, namespace: &str) -> Result<()> {
    empty(&Api::<Study>::namespaced(client.clone(), namespace)).await?;
    empty(&Api::<Trial>::namespaced(client.clone(), namespace)).await?;
    empty(&Api::<Pod>::namespaced(client.clone(), namespace)).await?;
    empty(&Api::<Job>::namespaced(client.clone(), namespace)).await
}

async fn empty<K>(api: &Api<K>) -> Result<()>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    let delete = DeleteParams { propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() };
    // Hundreds may take longer than the client waits for an answer; the next attempt goes on with what is left.
    for _ in 0..20 {
        if api.delete_collection(&delete, &ListParams::default()).await.is_ok() {
            return Ok(());
        }
    }
    bail!("a namespace cannot be emptied")
}
