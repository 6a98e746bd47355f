//! Programs that misbehave: each comes to the verdict that a user would give, and the study goes on.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use trimtab_api::trial::{OutcomeKind, TrialStatus};
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::picture::{Picture, ends, outcome};
use trimtab_e2e::{oracle, studies};

/// One trial that fails in the given way, beside two that do not.
struct Case {
    name: &'static str,
    /// The program's flags beyond `--mode` and `--only-trial`.
    flags: &'static [&'static str],
    kind: OutcomeKind,
    reason: &'static str,
    /// What the trial's message must say.
    says: &'static str,
}

const FAILING: [Case; 5] = [
    Case { name: "nan", flags: &[], kind: OutcomeKind::Failed, reason: "NotFinite", says: "NaN at 3: keep such" },
    Case {
        name: "exit",
        flags: &["--exit-code=42"],
        kind: OutcomeKind::Failed,
        reason: "ExitCode",
        says: "exit code 42, Error; `kubectl logs ",
    },
    Case {
        name: "memory",
        flags: &[],
        kind: OutcomeKind::Failed,
        reason: "OutOfMemory",
        says: "resources.limits.memory",
    },
    Case {
        name: "silent",
        flags: &[],
        kind: OutcomeKind::Failed,
        reason: "NoMetric",
        says: "printed no value of `val`",
    },
    Case { name: "hang", flags: &["--at=2"], kind: OutcomeKind::Failed, reason: "Timeout", says: "timeoutSeconds" },
];

/// The Study of a case: three trials of three epochs, of which the second misbehaves.
fn study(name: &str, mode: &str, flags: &[&str]) -> Value {
    let mode = format!("--mode={mode}");
    let arguments = [&["--pace-ms=100", "--only-trial=1", mode.as_str()], flags].concat();
    // Long for a run of three tenths of a second, and the hanging one is waited for.
    let timeout = if mode == "--mode=hang" { 20 } else { 100 };
    let spec = json!({"trial": {"timeoutSeconds": timeout}, "parallelism": 3});
    studies::with(studies::plain(name, 3, 3, &arguments), spec)
}

fn status<'p>(picture: &'p Picture, study: &str, number: u32) -> Result<&'p TrialStatus> {
    picture.status(study, number).with_context(|| format!("trial {number} has no status"))
}

pub(crate) async fn failing_configurations_fail_alone_and_say_why(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "failing", &[]).await?;
    for case in &FAILING {
        ground.create(study(case.name, case.name, case.flags)).await?;
    }
    for case in &FAILING {
        let picture = ground.complete(case.name, 120).await?;
        let status = status(&picture, case.name, 1)?;
        let found = outcome(status);
        let message = status.outcome.as_ref().map(|o| o.message.clone()).unwrap_or_default();
        let right = found == Some((case.kind, case.reason)) && message.contains(case.says);
        ensure!(right, "{}: outcome is {found:?}: {message}\n{}", case.name, ground.dump(&picture).await);
        ensure!(
            ends(status).len() == 1,
            "{}: a configuration's failure is not tried again: {:?}",
            case.name,
            ends(status)
        );
        let best =
            picture.studies.get(case.name).and_then(|s| s.status.as_ref()?.best.as_ref()).map(|best| best.number);
        ensure!(best.is_some_and(|best| best != 1), "{}: best is {best:?}", case.name);
        ground.judge(&picture, oracle::check(&picture, case.name)).await?;
        // A failed run is kept for people to look at.
        let job = trimtab_api::names::job(case.name, 1, 1);
        if case.reason != "Timeout" {
            ensure!(
                picture.jobs.contains_key(&job),
                "{}: Job {job} is to be kept\n{}",
                case.name,
                ground.dump(&picture).await
            );
        }
        let described =
            environment.kubectl(&ground.namespace, &["describe", "trial", &trimtab_api::names::trial(case.name, 1)])?;
        ensure!(
            described.contains(case.reason) && described.contains(case.says),
            "kubectl describe says:\n{described}"
        );
    }
    ground.end().await
}

pub(crate) async fn nan_on_the_way_is_no_failure_of_a_trial_that_recovers(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "nan-at", &[]).await?;
    ground.create(study("recovers", "nan-at", &["--at=2"])).await?;
    let picture = ground.complete("recovers", 60).await?;
    let status = status(&picture, "recovers", 1)?;
    ensure!(status.outcome.is_none() && status.rested_level == Some(3), "{}", ground.dump(&picture).await);
    ground.judge(&picture, oracle::check(&picture, "recovers")).await?;
    ground.end().await
}

pub(crate) async fn trial_that_converges_early_is_complete_with_its_value(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "converge", &[]).await?;
    ground.create(study("early", "converge", &["--at=1"])).await?;
    let picture = ground.complete("early", 60).await?;
    let status = status(&picture, "early", 1)?;
    ensure!(ends(status) == ["Converged"], "{:?}\n{}", ends(status), ground.dump(&picture).await);
    ensure!(status.rested_level == Some(3) && status.outcome.is_none(), "{}", ground.dump(&picture).await);
    let (at, first) = (oracle::value_at(Some(status), 3), status.value.clone());
    ensure!(at.map(|v| v.to_string()) == first, "the value at 3 is {at:?}, printed was {first:?}");
    ensure!(status.spent_fidelity == 1, "one epoch was run, {} are paid", status.spent_fidelity);
    ground.end().await
}

pub(crate) async fn trial_that_runs_on_is_ended_at_its_level(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "overrun", &[]).await?;
    ground.create(study("overrun", "overrun", &[])).await?;
    let picture = ground.complete("overrun", 60).await?;
    let status = status(&picture, "overrun", 1)?;
    ensure!(ends(status) == ["Overran"], "{:?}\n{}", ends(status), ground.dump(&picture).await);
    ensure!(status.rested_level == Some(3), "{}", ground.dump(&picture).await);
    ground.judge(&picture, oracle::check(&picture, "overrun")).await?;
    ground.end().await
}

pub(crate) async fn hundred_megabytes_of_output_hide_no_value(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "flood", &[]).await?;
    // Enough time for the node to write it down.
    let spec = json!({"trial": {"timeoutSeconds": 120}});
    ground.create(studies::with(study("flood", "flood", &["--at=2"]), spec)).await?;
    let picture = ground.complete("flood", 150).await?;
    ground.judge(&picture, oracle::check(&picture, "flood")).await?;
    let status = status(&picture, "flood", 1)?;
    ensure!(status.rested_level == Some(3) && status.outcome.is_none(), "{}", ground.dump(&picture).await);
    ground.end().await
}

pub(crate) async fn chatty_program_costs_the_cluster_few_writes(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "chatty", &[]).await?;
    let chatty = studies::with_container(
        studies::plain("chatty", 1, 4, &[]),
        json!({"args": ["--mode=chatty", "--pace-ms=3000"]}),
    );
    ground.create(chatty).await?;
    let picture = ground.complete("chatty", 60).await?;
    ground.judge(&picture, oracle::check(&picture, "chatty")).await?;
    let writes = trimtab_e2e::audit::writes(&ground.calls()?);
    // Twelve seconds of a line every ten milliseconds: the status is written for what changes, not for every line.
    let statuses = writes.get("update trials/status").copied().unwrap_or_default();
    ensure!(statuses <= 15, "a trial of four epochs was written {statuses} times: {writes:?}");
    ground.end().await
}

pub(crate) async fn checkpoint_that_is_ignored_is_noticed_and_charged(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "forget", &[]).await?.with_claim()?;
    let spec =
        json!({"fidelity": {"max": 3}, "scheduler": {"hyperband": null, "successiveHalving": {"reductionFactor": 3}}});
    ground.create(studies::with(studies::hyperband("forget", &["--pace-ms=50", "--mode=forgetful"]), spec)).await?;
    let picture = ground.complete("forget", 60).await?;
    let top = picture
        .trials
        .values()
        .find(|trial| trial.spec.target_level == 3)
        .and_then(|trial| trial.status.clone())
        .context("nobody was promoted")?;
    let noticed = top
        .conditions
        .iter()
        .any(|c| c.type_ == "CheckpointIgnored" && c.status == "True" && c.message.contains("TRIMTAB_RESUME"));
    ensure!(noticed, "{:?}", top.conditions);
    ensure!(top.spent_fidelity == 1 + 3, "it ran 4 epochs and paid {}", top.spent_fidelity);
    ground.end().await
}

pub(crate) async fn deaf_program_is_killed_when_the_study_is_suspended(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "deaf", &[]).await?.with_claim()?;
    let deaf = studies::with_claim(studies::plain("deaf", 1, 600, &["--pace-ms=200", "--mode=deaf"]));
    let polite = studies::with_claim(studies::plain("polite", 1, 600, &["--pace-ms=200", "--mode=polite"]));
    ground.create(deaf).await?;
    ground.create(polite).await?;
    let running = |picture: &Picture, name: &str| {
        picture.status(name, 0).is_some_and(|s| s.runs.last().is_some_and(|r| r.start_time.is_some()))
    };
    ground
        .until("both run", 30, |picture| (running(picture, "deaf") && running(picture, "polite")).then_some(()))
        .await?;
    for name in ["deaf", "polite"] {
        ground.change(name, json!({"suspend": true})).await?;
    }
    let picture = ground
        .until("both are suspended", 30, |picture| {
            (picture.is("deaf", "Suspended") && picture.is("polite", "Suspended") && picture.live_pods().is_empty())
                .then(|| picture.clone())
        })
        .await?;
    for name in ["deaf", "polite"] {
        let status = status(&picture, name, 0)?;
        // Exit 0 on being told to stop is no convergence, and a kill is no failure.
        ensure!(
            ends(status) == ["Suspended"] && status.outcome.is_none() && status.rested_level.is_none(),
            "{name}: {}",
            ground.dump(&picture).await
        );
    }
    ground.end().await
}

pub(crate) async fn image_that_cannot_be_pulled_fails_the_study_with_its_name(
    environment: Arc<Environment>,
) -> Result<()> {
    let ground = Ground::new(&environment, "image", &["--start-deadline-seconds=20"]).await?;
    let study = studies::with_container(
        studies::plain("typo", 3, 3, &[]),
        json!({"image": "docker.io/local/no-such-image:dev", "imagePullPolicy": "Never"}),
    );
    ground.create(study).await?;
    ground
        .until("the study is stalled", 30, |picture| {
            let held = picture.condition("typo", "Stalled")?;
            (held.status == "True" && held.reason == "CannotStart" && held.message.contains("no-such-image"))
                .then_some(())
        })
        .await?;
    let described = ground.describe_study("typo")?;
    ensure!(described.contains("StudyStalled") || described.contains("CannotStart"), "{described}");
    let picture = ground
        .until("the study has failed", 120, |picture| picture.is("typo", "Failed").then(|| picture.clone()))
        .await?;
    let failed = picture.condition("typo", "Failed").context("no condition")?;
    ensure!(failed.message.contains("no-such-image"), "{failed:?}");
    ensure!(picture.live_pods().is_empty(), "{}", ground.dump(&picture).await);
    ground.end().await
}

pub(crate) async fn missing_config_map_stalls_the_study_until_it_is_made(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "config", &[]).await?;
    let container = json!({"envFrom": [{"configMapRef": {"name": "settings"}}]});
    ground.create(studies::with_container(studies::plain("settings", 2, 2, &[]), container)).await?;
    ground
        .until("the study is stalled", 30, |picture| {
            let held = picture.condition("settings", "Stalled")?;
            (held.status == "True" && held.message.contains("settings")).then_some(())
        })
        .await?;
    environment.kubectl(&ground.namespace, &["create", "configmap", "settings"])?;
    let picture = ground.complete("settings", 90).await?;
    ensure!(!picture.is("settings", "Stalled"), "{}", ground.dump(&picture).await);
    ensure!(
        !picture
            .jobs
            .values()
            .any(|job: &Job| job.metadata.deletion_timestamp.is_some() && job.metadata.finalizers.is_none()),
        "{}",
        picture.describe()
    );
    ground.end().await
}
