//! Measures the operator on a real API server and node: how soon it acts, what it writes and what it holds in memory.
//!
//! `cargo run -p trimtab-e2e --bin trimtab-bench` prints a report as JSON; `bench/README.md` says what is done with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use futures::{AsyncBufReadExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, LogParams};
use serde_json::{Value, json};
use trimtab_e2e::environment::{Environment, Kind};
use trimtab_e2e::ground::Ground;
use trimtab_e2e::picture::Picture;
use trimtab_e2e::{audit, studies};

/// When each trial printed each epoch, by the kubelet's stamps.
type Stamps = Arc<Mutex<BTreeMap<(u32, u32), Timestamp>>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut report = json!({"date": Timestamp::now().to_string(), "machine": machine()});
    let node = Arc::new(Environment::start(Kind::Node).await?);
    report["operator"] = json!(node.operator.display().to_string().rsplit('/').nth(1));
    report["stop"] = stops(&node).await?;
    report["promotion"] = promotions(&node).await?;
    node.end();
    let api = Arc::new(Environment::start(Kind::Api).await?);
    report["memory"] = memory(&api).await?;
    api.end();
    println!("{report:#}");
    Ok(())
}

fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let cpu = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({"cpu": cpu, "cores": cores, "kernel": read("/proc/sys/kernel/osrelease").trim(), "load": read("/proc/loadavg").trim()})
}

/// Latencies in milliseconds.
fn summary(mut values: Vec<i64>) -> Value {
    values.sort_unstable();
    let at = |share: usize| values.get((values.len() * share).div_ceil(100).saturating_sub(1)).copied();
    json!({"count": values.len(), "p50_ms": at(50), "p99_ms": at(99), "max_ms": values.last()})
}

/// Follows the log of every pod that comes, until the Study is complete. Returns what there is then.
async fn stamped(ground: &Ground, study: &str, seconds: u64) -> Result<(Picture, BTreeMap<(u32, u32), Timestamp>)> {
    let stamps = Stamps::default();
    let mut followed: Vec<String> = Vec::new();
    ground
        .until(&format!("{study} is complete"), seconds, |picture| {
            for pod in picture.running_pods() {
                let trial = pod.labels().get(trimtab_api::names::TRIAL_LABEL).and_then(|name| picture.trials.get(name));
                let Some(trial) = trial.filter(|trial| trial.spec.study_name == study) else { continue };
                if !followed.contains(&pod.name_any()) {
                    followed.push(pod.name_any());
                    let follow = follow(ground.api(), pod.name_any(), trial.spec.number, Arc::clone(&stamps));
                    // It ends with the pod; what it could not read is missing in the sample and nothing else.
                    tokio::spawn(async move { drop(follow.await) });
                }
            }
            (picture.is(study, "Complete") || picture.is(study, "Failed")).then_some(())
        })
        .await?;
    let picture = ground.picture().await?;
    let stamps = stamps.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((picture, stamps))
}

async fn follow(api: Api<Pod>, pod: String, trial: u32, stamps: Stamps) -> Result<()> {
    let parameters = LogParams { follow: true, timestamps: true, ..LogParams::default() };
    let mut lines = api.log_stream(&pod, &parameters).await?.lines();
    while let Some(line) = lines.try_next().await? {
        let Some((stamp, text)) = line.split_once(' ') else { continue };
        let epoch = text.strip_prefix("epoch=").and_then(|rest| rest.split(' ').next()?.parse().ok());
        if let (Some(epoch), Ok(at)) = (epoch, stamp.parse::<Timestamp>()) {
            stamps.lock().unwrap_or_else(PoisonError::into_inner).insert((trial, epoch), at);
        }
    }
    Ok(())
}

/// From the line that fills a rung to the call that deletes a loser's Job, where trials run through their rungs.
async fn stops(environment: &Arc<Environment>) -> Result<Value> {
    let ground = Ground::new(environment, "stops", &[]).await?;
    let mut waits = Vec::new();
    for round in 0..20 {
        let name = format!("stop-{round}");
        let scheduler = json!({"successiveHalving": {"reductionFactor": 6, "configurations": 6, "withoutCheckpoint": "RunThrough"}});
        let spec = json!({"parallelism": 6, "seed": round, "fidelity": {"min": 3, "max": 18}, "scheduler": scheduler, "limits": null});
        ground.create(studies::with(studies::plain(&name, 1, 18, &["--pace-ms=700"]), spec)).await?;
        let (picture, stamps) = stamped(&ground, &name, 120).await?;
        let numbers: Vec<u32> = picture.trials_of(&name).into_keys().collect();
        let filled = numbers.iter().map(|number| stamps.get(&(*number, 3))).collect::<Option<Vec<_>>>();
        let Some(filled) = filled.and_then(|all| all.into_iter().max().copied()) else { continue };
        let jobs: Vec<String> = numbers.iter().map(|number| trimtab_api::names::job(&name, *number, 1)).collect();
        let calls = ground.calls()?;
        // The one that wins is deleted after its own end, long after.
        let losers = picture.trials_of(&name).into_values().filter(|t| t.spec.stop.is_some()).map(|t| t.spec.number);
        for number in losers {
            let job = jobs.iter().find(|job| **job == trimtab_api::names::job(&name, number, 1));
            let deleted =
                calls.iter().find(|call| call.verb == "delete" && call.resource == "jobs" && Some(&call.name) == job);
            waits.extend(
                deleted.map(|call| call.at.duration_since(filled).as_millis()).and_then(|ms| i64::try_from(ms).ok()),
            );
        }
    }
    ensure!(!waits.is_empty(), "no stop was seen");
    ground.end().await?;
    Ok(
        json!({"from": "the stamp of the line that fills the rung", "to": "the delete call of a loser's Job", "latency": summary(waits)}),
    )
}

/// From the line that fills a rung to the creation of a promoted Job, and what a study costs the API server.
async fn promotions(environment: &Arc<Environment>) -> Result<Value> {
    let ground = Ground::new(environment, "promotions", &[]).await?.with_claim()?;
    let (mut waits, mut trials) = (Vec::new(), 0);
    for round in 0..25 {
        let studies: Vec<String> = (0..4).map(|study| format!("up-{round}-{study}")).collect();
        for (seed, name) in (0..).zip(&studies) {
            let scheduler = json!({"hyperband": null, "successiveHalving": {"reductionFactor": 3}});
            let spec =
                json!({"parallelism": 3, "seed": 4 * round + seed, "fidelity": {"max": 3}, "scheduler": scheduler});
            ground.create(studies::with(studies::hyperband(name, &["--pace-ms=1500"]), spec)).await?;
        }
        let seen = try_join_all(studies.iter().map(|name| stamped(&ground, name, 120))).await?;
        let calls = ground.calls()?;
        for (name, (picture, stamps)) in studies.iter().zip(seen) {
            let numbers: Vec<u32> = picture.trials_of(name).into_keys().collect();
            trials += numbers.len();
            let filled = numbers.iter().map(|number| stamps.get(&(*number, 1))).collect::<Option<Vec<_>>>();
            let Some(filled) = filled.and_then(|all| all.into_iter().max().copied()) else { continue };
            for number in numbers {
                let job = trimtab_api::names::job(name, number, 2);
                let created =
                    calls.iter().find(|call| call.verb == "create" && call.resource == "jobs" && call.name == job);
                let wait = created.map(|call| call.at.duration_since(filled).as_millis());
                waits.extend(wait.and_then(|ms| i64::try_from(ms).ok()));
            }
        }
    }
    let writes = audit::writes(&ground.calls()?);
    ensure!(!waits.is_empty(), "no promotion was seen");
    ground.end().await?;
    let each: BTreeMap<String, String> =
        writes.iter().map(|(kind, count)| (kind.clone(), format!("{:.2}", ratio(*count, trials)))).collect();
    let all = ratio(writes.values().sum(), trials);
    Ok(json!({
        "from": "the stamp of the line that fills the rung", "to": "the create call of the promoted Job; the pod ends in between", "latency": summary(waits),
        "writes_per_trial": {"trials": trials, "all": format!("{all:.2}"), "each": each},
    }))
}

fn ratio(count: usize, trials: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(u32::try_from(trials.max(1)).unwrap_or(u32::MAX))
}

/// Resident memory of the operator: idle, and with 500 Trials and their Jobs.
async fn memory(environment: &Arc<Environment>) -> Result<Value> {
    let ground = Ground::new(environment, "memory", &[]).await?;
    ground.create(studies::with(studies::plain("idle", 1, 1, &[]), json!({"suspend": true}))).await?;
    ground.until("it works", 30, |picture| picture.is("idle", "Accepted").then_some(())).await?;
    let idle = resident(&ground)?;
    let began = Timestamp::now();
    ground.create(studies::with(studies::plain("many", 500, 9, &[]), json!({"parallelism": 500}))).await?;
    ground.until("500 Jobs are there", 300, |picture| (picture.jobs.len() == 500).then_some(())).await?;
    let took = Timestamp::now().duration_since(began).as_millis();
    let many = resident(&ground)?;
    ground.end().await?;
    Ok(json!({"idle_kib": idle, "trials_500_kib": many, "ms_until_500_jobs": i64::try_from(took)?}))
}

fn resident(ground: &Ground) -> Result<u64> {
    trimtab_e2e::operator::resident(ground.operator.id().context("no operator")?)
}
