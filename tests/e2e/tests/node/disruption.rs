//! What happens to pods, Jobs, Trials, Studies and nodes from outside.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::EvictParams;
use serde_json::json;
use trimtab_api::{Study, Trial, names};
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::picture::{Picture, ends};
use trimtab_e2e::{oracle, studies};

/// A run that has reported the epoch `at` of trial 0 of `study`: its pod.
fn reported(picture: &Picture, study: &str, at: f64) -> Option<String> {
    let run = picture.status(study, 0)?.runs.last()?;
    let reached: f64 = run.reached.as_ref()?.parse().ok()?;
    (reached >= at && run.end.is_none()).then(|| run.pod_name.clone()).flatten()
}

/// One trial of twelve epochs with a rung at four, so that its progress is on record soon.
fn long(name: &str) -> serde_json::Value {
    let spec = json!({"scheduler": {"successiveHalving": {"reductionFactor": 3, "configurations": 1}}, "fidelity": {"min": 4, "max": 12}, "limits": null});
    studies::with(studies::with_claim(studies::plain(name, 1, 12, &["--pace-ms=1500"])), spec)
}

/// Disrupts the only trial's second run once it is under way, and checks that it goes on from its checkpoint.
async fn disrupted(
    environment: &Arc<Environment>,
    word: &str,
    reason: &str,
    disrupt: impl AsyncFnOnce(&Ground, &str) -> Result<()>,
) -> Result<()> {
    let mut ground = Ground::new(environment, word, &[]).await?.with_claim()?;
    ground.parallelism = Some(1);
    ground.create(long("long")).await?;
    let pod = ground
        .until("the second run goes", 60, |picture| reported(picture, "long", 5.0).or_else(|| running_second(picture)))
        .await?;
    disrupt(&ground, &pod).await?;
    let picture = ground.complete("long", 120).await?;
    let status = picture.status("long", 0).context("no status")?;
    ensure!(
        ends(status) == ["Reached", reason, "Reached"],
        "runs ended by {:?}\n{}",
        ends(status),
        ground.dump(&picture).await
    );
    ensure!(
        status.runs.get(1).and_then(|r| r.end.as_ref()).is_some_and(|end| end.uncounted),
        "{}",
        ground.dump(&picture).await
    );
    let starts: Vec<&str> = status.runs.iter().map(|run| run.start.as_str()).collect();
    ensure!(
        starts.get(2).and_then(|text| text.parse::<f64>().ok()).is_some_and(|start| start >= 4.0),
        "runs began at {starts:?}"
    );
    ensure!(status.retries == 0 && status.outcome.is_none(), "{}", ground.dump(&picture).await);
    ground.judge(&picture, oracle::check(&picture, "long")).await?;
    ground.end().await
}

fn running_second(picture: &Picture) -> Option<String> {
    let status = picture.status("long", 0)?;
    let run = status.runs.iter().find(|run| run.number == 2 && run.end.is_none())?;
    let pod = run.pod_name.clone()?;
    picture.running_pods().iter().any(|held| held.name_any() == pod).then_some(pod)
}

pub(crate) async fn evicted_pod_is_tried_again_from_its_checkpoint(environment: Arc<Environment>) -> Result<()> {
    disrupted(&environment, "evicted", "Evicted", async |ground, pod| {
        ground.api::<Pod>().evict(pod, &EvictParams::default()).await?;
        Ok(())
    })
    .await
}

pub(crate) async fn deleted_pod_is_tried_again_from_its_checkpoint(environment: Arc<Environment>) -> Result<()> {
    disrupted(&environment, "pod-gone", "Deleted", async |ground, pod| ground.delete::<Pod>(pod).await).await
}

pub(crate) async fn deleted_job_is_tried_again_from_its_checkpoint(environment: Arc<Environment>) -> Result<()> {
    disrupted(&environment, "job-gone", "Deleted", async |ground, _| {
        // In the background, as kubectl does.
        environment_delete(ground, &names::job("long", 0, 2))
    })
    .await
}

fn environment_delete(ground: &Ground, job: &str) -> Result<()> {
    ground.environment.kubectl(&ground.namespace, &["delete", "job", job, "--wait=false"]).map(|_| ())
}

pub(crate) async fn deleted_trial_leaves_a_hole_that_nobody_fills(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "trial-gone", &[]).await?.with_claim()?;
    ground.parallelism = Some(3);
    let spec = json!({"parallelism": 3, "fidelity": {"max": 3}, "scheduler": {"hyperband": null, "successiveHalving": {"reductionFactor": 3}}});
    ground.create(studies::with(studies::hyperband("holes", &["--pace-ms=1500"]), spec)).await?;
    let first = ground.until("trial 1 runs", 30, |picture| {
        let trial = picture.trial("holes", 1)?;
        trial
            .status
            .as_ref()
            .is_some_and(|s| s.runs.last().is_some_and(|r| r.start_time.is_some()))
            .then(|| trial.uid())
            .flatten()
    });
    let uid = first.await?;
    ground.delete::<Trial>(&names::trial("holes", 1)).await?;
    let picture = ground.complete("holes", 90).await?;
    ensure!(picture.trial("holes", 1).is_none(), "trial 1 is back (it was {uid})\n{}", ground.dump(&picture).await);
    let counts = picture.studies.get("holes").and_then(|s| s.status.as_ref()?.trials.clone()).context("no counts")?;
    ensure!(counts.removed == 1, "{counts:?}");
    // The garbage collector learns of a new kind of owner within half a minute.
    let collected =
        |picture: &Picture| (!picture.jobs.keys().any(|job| job.starts_with("holes-0001-"))).then(|| picture.clone());
    let picture = ground.until("its Jobs are gone as well", 60, collected).await?;
    ground.judge(&picture, oracle::check(&picture, "holes")).await?;
    ground.end().await
}

pub(crate) async fn deleted_study_takes_everything_with_it(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "study-gone", &[]).await?.with_claim()?;
    ground.create(studies::hyperband("gone", &["--pace-ms=30000"])).await?;
    ground.until("pods run", 30, |picture| (picture.running_pods().len() >= 2).then_some(())).await?;
    ground.delete::<Study>("gone").await?;
    let nothing = |picture: &Picture| {
        (picture.studies.is_empty() && picture.trials.is_empty() && picture.jobs.is_empty() && picture.pods.is_empty())
            .then_some(())
    };
    ground.until("nothing is left", 60, nothing).await?;
    // A Study of the same name is another one, and begins from the beginning.
    let spec =
        json!({"fidelity": {"max": 3}, "scheduler": {"hyperband": null, "successiveHalving": {"reductionFactor": 3}}});
    ground.create(studies::with(studies::hyperband("gone", &["--pace-ms=20"]), spec)).await?;
    let picture = ground.complete("gone", 60).await?;
    ground.judge(&picture, oracle::check(&picture, "gone")).await?;
    ground.end().await
}

/// The kubelet is gone while two trials run, and comes back: containers ran on, their output is read, nothing is repeated.
pub(crate) async fn kubelet_that_comes_back_costs_nothing(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "kubelet", &[]).await?.with_claim()?;
    let spec = json!({"parallelism": 2, "fidelity": {"min": 10, "max": 30}, "scheduler": {"hyperband": null, "successiveHalving": {"reductionFactor": 3, "configurations": 2}}});
    ground.create(studies::with(studies::hyperband("kubelet", &["--pace-ms=1000"]), spec)).await?;
    ground.until("both run", 30, |picture| (picture.running_pods().len() == 2).then_some(())).await?;
    environment.cluster().kubelet_stop()?;
    // Both come to their level and exit while nobody looks. Their containers are what is waited for, on the volume.
    let folder = ground.volume()?.clone();
    ground.until("both have saved epoch 10", 40, |_| (checkpoints(&folder, "10") == 2).then_some(())).await?;
    environment.cluster().kubelet_start()?;
    let picture = ground.complete("kubelet", 180).await?;
    for trial in picture.trials.values() {
        let status = trial.status.clone().unwrap_or_default();
        ensure!(ends(&status).iter().all(|end| *end == "Reached"), "{}", ground.dump(&picture).await);
        ensure!(status.spent_fidelity == u64::from(trial.spec.target_level), "{}", ground.dump(&picture).await);
    }
    ground.judge(&picture, oracle::check(&picture, "kubelet")).await?;
    ground.end().await
}

/// How many checkpoints below `folder` are of this epoch.
fn checkpoints(folder: &std::path::Path, epoch: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let below = entries.flatten().map(|entry| {
        if entry.path().is_dir() {
            checkpoints(&entry.path(), epoch)
        } else {
            usize::from(
                entry.file_name() == "epoch" && std::fs::read_to_string(entry.path()).is_ok_and(|text| text == epoch),
            )
        }
    });
    below.sum()
}

/// The kubelet restarts while a log is followed: what is printed afterwards is known in time all the same.
pub(crate) async fn followed_log_is_taken_up_again_after_the_kubelet(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "follow", &[]).await?.with_claim()?;
    let spec = json!({"parallelism": 1, "scheduler": {"successiveHalving": {"reductionFactor": 3, "configurations": 1}}, "fidelity": {"min": 3, "max": 60}, "limits": null});
    // Runs through its rungs, so that one pod prints for a minute.
    let mut study = studies::with(studies::plain("follow", 1, 60, &["--pace-ms=1000"]), spec);
    study["spec"]["scheduler"]["successiveHalving"]["withoutCheckpoint"] = json!("RunThrough");
    ground.create(study).await?;
    let level =
        |picture: &Picture, level: u32| oracle::value_at(picture.status("follow", 0), level).is_some().then_some(());
    ground.until("the first level is known", 40, |picture| level(picture, 7)).await?;
    environment.cluster().kubelet_stop()?;
    environment.cluster().kubelet_start()?;
    ground
        .until("the next level is known while the pod runs", 40, |picture| {
            level(picture, 20).filter(|()| !picture.running_pods().is_empty())
        })
        .await?;
    ground.delete::<Study>("follow").await?;
    ground
        .until("nothing is left", 60, |picture| (picture.trials.is_empty() && picture.pods.is_empty()).then_some(()))
        .await?;
    ground.end().await
}
