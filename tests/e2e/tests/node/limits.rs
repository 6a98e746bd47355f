//! Queueing, suspension, extension, trials without checkpoints, and clean-up.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::picture::{Picture, ends};
use trimtab_e2e::{oracle, programs, studies};

pub(crate) async fn trials_queue_for_gpus_at_no_cost(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "gpus", &[]).await?;
    ground.parallelism = Some(6);
    // The timeout is longer than a run and shorter than the last one's wait in the queue, which must not count.
    let study = studies::plain("gpus", 6, 10, &["--pace-ms=2000"]);
    let study = studies::with(study, json!({"trial": {"timeoutSeconds": 35}, "parallelism": 6}));
    ground.create(studies::with_container(study, json!({"resources": {"limits": {"nvidia.com/gpu": 1}}}))).await?;
    let waiting = |picture: &Picture| {
        let of_all = picture.trials_of("gpus").into_values().filter_map(|trial| trial.status.as_ref());
        let all: Vec<_> = of_all.filter_map(|status| status.conditions.iter().find(|c| c.type_ == "Running")).collect();
        let running = all.iter().filter(|c| c.status == "True").count();
        let held = all.iter().filter(|c| c.reason == "WaitingForPlace").count();
        // Some waiting beside others that run is how a queue works: the Study is not stalled by that.
        (running == 2 && held == 4 && !picture.is("gpus", "Stalled")).then(|| picture.clone())
    };
    let picture = ground.until("two run, four wait for a place and the Study is not stalled", 40, waiting).await?;
    ensure!(picture.running_pods().len() <= 2, "{}", ground.dump(&picture).await);
    let picture = ground.complete("gpus", 240).await?;
    let status = picture.studies.get("gpus").and_then(|s| s.status.clone()).context("no status")?;
    ensure!(status.spent_fidelity == 60, "six trials of ten epochs cost {}", status.spent_fidelity);
    let reached = picture.trials.values().all(|t| t.status.as_ref().is_some_and(|s| ends(s) == ["Reached"]));
    ensure!(reached, "{}", ground.dump(&picture).await);
    ground.judge(&picture, oracle::check(&picture, "gpus")).await?;
    ground.end().await
}

pub(crate) async fn study_that_no_node_has_room_for_is_stalled_and_says_so(
    environment: Arc<Environment>,
) -> Result<()> {
    let ground = Ground::new(&environment, "room", &[]).await?;
    ground
        .create(studies::with_container(
            studies::plain("room", 2, 2, &[]),
            json!({"resources": {"limits": {"nvidia.com/gpu": 16}}}),
        ))
        .await?;
    ground
        .until("the study is stalled", 40, |picture| {
            let held = picture.condition("room", "Stalled")?;
            (held.status == "True" && held.reason == "WaitingForPlace" && held.message.contains("nvidia.com/gpu"))
                .then_some(())
        })
        .await?;
    let described = ground.describe_study("room")?;
    ensure!(described.contains("Insufficient nvidia.com/gpu"), "{described}");
    ground.end().await
}

pub(crate) async fn suspended_study_holds_no_pod_and_goes_on_from_its_checkpoints(
    environment: Arc<Environment>,
) -> Result<()> {
    let mut ground = Ground::new(&environment, "suspend", &[]).await?.with_claim()?;
    ground.parallelism = Some(2);
    // Long enough for a second pod whose volume is refused for a while: a node learns late that it may read the claim.
    let study = studies::with_claim(studies::plain("pause", 3, 24, &["--pace-ms=1500"]));
    ground.create(studies::with(study, json!({"parallelism": 2}))).await?;
    let folder = ground.volume()?.clone();
    ground
        .until("two trials have saved something", 60, |picture| {
            (saved(&folder) >= 2 && picture.running_pods().len() == 2).then_some(())
        })
        .await?;
    ground.change("pause", json!({"suspend": true})).await?;
    let picture = ground
        .until("it is suspended", 40, |picture| picture.is("pause", "Suspended").then(|| picture.clone()))
        .await?;
    ensure!(picture.live_pods().is_empty(), "{}", ground.dump(&picture).await);
    let active = picture.studies.get("pause").and_then(|s| s.status.clone()).context("no status")?;
    ensure!(active.active_since.is_none(), "time goes on while it is suspended");
    ground.change("pause", json!({"suspend": false})).await?;
    let picture = ground.complete("pause", 240).await?;
    for number in [0, 1] {
        let status = picture.status("pause", number).context("no status")?;
        ensure!(ends(status) == ["Suspended", "Reached"], "{:?}\n{}", ends(status), ground.dump(&picture).await);
        let second = status.runs.get(1).context("no second run")?;
        ensure!(second.resume_from == Some(1) && second.start != "0", "{second:?}\n{}", ground.dump(&picture).await);
        ensure!(status.spent_fidelity == 24, "trial {number} paid {}", status.spent_fidelity);
    }
    ground.judge(&picture, oracle::check(&picture, "pause")).await?;
    ground.end().await
}

/// How many runs have a checkpoint below a folder.
fn saved(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| if path.is_dir() { saved(path) } else { usize::from(path.ends_with("epoch")) };
    entries.flatten().map(|entry| count(&entry.path())).sum()
}

pub(crate) async fn complete_study_goes_on_when_its_limits_are_raised(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "extend", &[]).await?;
    ground.parallelism = Some(4);
    ground.create(studies::plain("extend", 3, 2, &["--pace-ms=50"])).await?;
    let before = ground.complete("extend", 60).await?;
    let story = oracle::story(&before, "extend");
    ground.change("extend", json!({"limits": {"trials": 6}})).await?;
    let after = ground
        .until("it is complete again with six trials", 60, |picture| {
            (picture.is("extend", "Complete") && picture.trials_of("extend").len() == 6).then(|| picture.clone())
        })
        .await?;
    ensure!(oracle::story(&after, "extend").starts_with(&story), "what was decided has changed:\n{}", after.describe());
    ground.judge(&after, oracle::check(&after, "extend")).await?;
    // And lowering them again changes nothing that is done.
    ground.change("extend", json!({"limits": {"trials": 2}})).await?;
    let seen = |picture: &Picture| {
        let study = picture.studies.get("extend")?;
        (study.status.as_ref()?.observed_generation == study.metadata.generation).then(|| picture.clone())
    };
    let lowered = ground.until("the change was seen", 30, seen).await?;
    ensure!(
        lowered.is("extend", "Complete") && lowered.trials_of("extend").len() == 6,
        "{}",
        ground.dump(&lowered).await
    );
    ground.end().await
}

pub(crate) async fn target_ends_the_study_and_stops_what_runs(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "target", &[]).await?;
    let mut study = studies::plain("target", 6, 30, &["--pace-ms=1000"]);
    // Trial 2 converges after its second epoch, which is good enough; the others would need half a minute.
    study["spec"]["objectives"][0]["target"] = json!(0.0);
    study = studies::with_container(
        study,
        json!({"args": ["--pace-ms=1000", "--mode=converge", "--at=2", "--only-trial=2"]}),
    );
    ground.create(study).await?;
    let picture = ground.complete("target", 60).await?;
    ensure!(picture.live_pods().is_empty(), "{}", ground.dump(&picture).await);
    let best = picture.studies.get("target").and_then(|s| s.status.as_ref()?.best.clone()).context("no best")?;
    ensure!(best.number == 2, "{best:?}");
    ground.judge(&picture, oracle::check(&picture, "target")).await?;
    ground.end().await
}

pub(crate) async fn promoted_trial_without_a_checkpoint_starts_again(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "restart", &[]).await?;
    ground.parallelism = Some(3);
    let spec = json!({"parallelism": 3, "scheduler": {"successiveHalving": {"reductionFactor": 3, "withoutCheckpoint": "Restart"}}, "limits": null});
    ground.create(studies::with(studies::plain("restart", 1, 3, &["--pace-ms=50"]), spec)).await?;
    let picture = ground.complete("restart", 60).await?;
    let promoted = picture
        .trials
        .values()
        .find(|t| t.spec.target_level == 3)
        .and_then(|t| t.status.clone())
        .context("nobody was promoted")?;
    ensure!(ends(&promoted) == ["Reached", "Reached"], "{}", ground.dump(&picture).await);
    ensure!(promoted.runs.iter().all(|run| run.start == "0" && run.resume_from.is_none()), "{:?}", promoted.runs);
    ensure!(promoted.spent_fidelity == 1 + 3, "paid {}", promoted.spent_fidelity);
    ensure!(
        !promoted.conditions.iter().any(|c| c.type_ == "CheckpointIgnored" && c.status == "True"),
        "nothing was to be resumed"
    );
    ground.judge(&picture, oracle::check(&picture, "restart")).await?;
    ground.end().await
}

pub(crate) async fn trials_run_through_and_losers_are_stopped_at_their_rung(
    environment: Arc<Environment>,
) -> Result<()> {
    let mut ground = Ground::new(&environment, "through", &[]).await?;
    ground.parallelism = Some(3);
    let spec = json!({"parallelism": 3, "fidelity": {"min": 3, "max": 27}, "scheduler": {"successiveHalving": {"reductionFactor": 3, "configurations": 3, "withoutCheckpoint": "RunThrough"}}, "limits": null});
    ground.create(studies::with(studies::plain("through", 1, 27, &["--pace-ms=600"]), spec)).await?;
    let picture = ground.complete("through", 90).await?;
    let mut stopped = 0;
    for trial in picture.trials.values() {
        let status = trial.status.clone().unwrap_or_default();
        ensure!(status.runs.len() == 1, "one run each\n{}", ground.dump(&picture).await);
        let reached: f64 = status.reached.as_deref().unwrap_or("0").parse()?;
        if trial.spec.stop.is_some() {
            stopped += 1;
            ensure!(reached < 27.0, "a loser ran to the end\n{}", ground.dump(&picture).await);
        }
    }
    ensure!(stopped == 2, "{}", ground.dump(&picture).await);
    ground.judge(&picture, oracle::check(&picture, "through")).await?;
    ground.end().await
}

pub(crate) async fn folders_of_ended_trials_are_removed_and_others_kept(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "clean", &["--image", programs::OPERATOR]).await?.with_claim()?;
    let spec = json!({"parallelism": 3, "fidelity": {"max": 3}, "scheduler": {"hyperband": null, "successiveHalving": {"reductionFactor": 3}}});
    let study = studies::with(studies::hyperband("clean", &["--pace-ms=50"]), spec);
    let study = studies::with_pod(
        study,
        json!({"securityContext": {"runAsUser": 65532, "runAsGroup": 65532, "runAsNonRoot": true}}),
    );
    let uid = ground.create(study).await?.metadata.uid.context("no UID")?;
    ground.complete("clean", 90).await?;
    let folder = ground.volume()?.join(uid);
    let left = || -> Vec<String> {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    };
    let winner =
        |picture: &Picture| picture.trials.values().find(|t| t.spec.stop.is_none()).map(|t| t.spec.number.to_string());
    let picture = ground
        .until("only the winner's folder is left", 90, |picture| {
            let cleaned = picture.trials.values().filter(|t| t.status.as_ref().is_some_and(|s| s.cleaned)).count();
            (winner(picture).is_some_and(|winner| left() == [winner]) && cleaned == 2).then(|| picture.clone())
        })
        .await;
    let picture = picture.with_context(|| format!("{:?} are left", left()))?;
    ground
        .until("the clean-up's Jobs are gone", 60, |picture| {
            (!picture.jobs.keys().any(|job| job.ends_with("-clean"))).then_some(())
        })
        .await?;
    ground.judge(&picture, oracle::check(&picture, "clean")).await?;
    ground.end().await
}
