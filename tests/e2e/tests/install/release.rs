//! One release from its installation to its end, with Studies at work all the while.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::Value;
use trimtab_api::trial::{Run, TrialStatus};
use trimtab_e2e::environment::Environment;
use trimtab_e2e::operator::resident;
use trimtab_e2e::picture::Picture;
use trimtab_e2e::place::Place;
use trimtab_e2e::prometheus::Prometheus;
use trimtab_e2e::release::{Release, chart, helms, process, seconds_to_ready};
use trimtab_e2e::{audit, oracle, studies};

use crate::network::policy_opens_what_is_used;
use crate::queries::Watched;
use crate::trouble::{self, restricted};

/// How long nobody may lead after the leader was killed. It takes 11 to 16 s; a busy machine has its time for it.
const TAKEOVER: Duration = Duration::from_secs(40);

fn now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

pub(crate) async fn release_does_its_work_from_install_to_uninstall_and_all_that_watches_it_sees_it(
    environment: Arc<Environment>,
) -> Result<()> {
    let helm = helms()?.pop().context("no helm")?;
    let folder = environment.cluster().run_dir();
    let mut prometheus = Prometheus::start(folder, &chart().join("files/alerts.yaml"))?;
    prometheus.ready().await?;
    let from = now();

    Place::restricted(&environment, "trimtab-system").await?;
    let values = ["operator.studyMetrics=50", "operator.startDeadlineSeconds=15", "operator.retryDelaySeconds=1"];
    let release = Release::new(&environment, &helm, "trimtab-system", &values);
    let said = release.apply("install", &chart(), &[])?;
    ensure!(said.contains("kubectl delete crd studies.trimtab.dev trials.trimtab.dev"), "{said}");
    let targets = release.targets().await?;
    ensure!(targets.len() == 2, "two replicas are ready: {targets:?}");
    prometheus.scrape(&targets).await?;
    for pod in release.pods().await? {
        let name = pod.metadata.name.clone().unwrap_or_default();
        eprintln!("{name}: ready after {:?} s, {} KiB", seconds_to_ready(&pod), resident(process(&name)?)?);
    }

    let tuning = Place::restricted(&environment, "tuning").await?;
    environment.cluster().persistent_volume("tuning", "tuning", "checkpoints")?;
    tuning.create(studies::example("fashion-mnist.yaml")?).await?;
    let trouble = trouble::make(&environment).await?;
    trouble.evict().await?;
    let said = release.test()?;
    ensure!(said.contains("Succeeded"), "{said}");
    policy_opens_what_is_used(&environment, &release).await?;

    // Only a leader tells of this, and only while the Study goes on: it must have been seen before the leaders change.
    let near = "max_over_time(trimtab_study_limit_used_ratio{limit=\"activeSeconds\"}[10m]) > 0.9";
    let was_seen = |_: &Picture| prometheus.now(near).is_ok_and(|values| !values.is_empty()).then_some(());
    trouble.mixed.until("nine tenths of a limit were scraped", 120, was_seen).await?;

    upgraded(&environment, &release, &prometheus, &tuning).await?;
    bereft(&environment, &release, &prometheus, &tuning).await?;
    trouble.end().await?;
    tuning.complete("fashion-mnist", 400).await?;
    prometheus.scrape(&release.targets().await?).await?;
    // A few more scrapes, so that the last of what happened is in.
    let until = now() + 3.0;
    while now() < until {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let watched = Watched { prometheus: &prometheus, from, to: now(), study: "handed" };
    let places: Vec<&Place> = trouble.places().into_iter().chain([&tuning]).collect();
    tells_the_truth(&watched, &places).await?;
    uninstalled(&environment, &release, &tuning).await?;
    watched.panels_show_what_they_are_for()?;
    watched.alerts_speak_when_they_must_and_only_then()
}

/// Hyperband with checkpoints that takes about half a minute.
fn slow(name: &str) -> Value {
    restricted(studies::hyperband(name, &["--pace-ms=1000"]))
}

fn at_work(study: &str) -> impl Fn(&Picture) -> Option<()> {
    move |picture| {
        let decided = picture.studies.get(study)?.status.as_ref()?.batch.as_ref()?.number;
        (decided >= 2 && !picture.running_pods().is_empty()).then_some(())
    }
}

/// A run of the Study has named a value and goes on.
fn reported(study: &str) -> impl Fn(&Picture) -> Option<()> {
    move |picture| {
        let has_first = |run: &Run| run.first.is_some() && run.end.is_none();
        let runs = picture.trials_of(study);
        runs.values().any(|trial| trial.status.iter().flat_map(|status| &status.runs).any(has_first)).then_some(())
    }
}

/// Nothing is lost: each trial was started once and none of its runs twice, its values are those that its program printed, and every
/// decision follows from its evidence.
fn nothing_was_lost(picture: &Picture, study: &str) -> Result<()> {
    oracle::check(picture, study).with_context(|| picture.describe())?;
    let table = oracle::table(&oracle::rungs(picture, study));
    ensure!(table == "9@1 3@3 1@9 | 5@3 1@9 | 3@9", "rungs are {table}");
    for trial in picture.trials_of(study).values() {
        let status = trial.status.clone().unwrap_or_default();
        ensure!(status.retries == 0, "{:?} was tried again: {:?}", trial.metadata.name, status.runs);
    }
    Ok(())
}

/// Values and definitions change while a Study runs.
async fn upgraded(environment: &Environment, release: &Release, prometheus: &Prometheus, tuning: &Place) -> Result<()> {
    tuning.create(slow("upgraded")).await?;
    tuning.until("`upgraded` is at work", 90, at_work("upgraded")).await?;
    let before = release.targets().await?;
    let changed = changed_chart(environment.cluster().run_dir())?;
    release.apply("upgrade", &changed, &["operator.follows=100", "commonLabels.changed=yes"])?;
    let after = release.targets().await?;
    ensure!(after.len() == 2 && after.iter().all(|pod| !before.contains(pod)), "{before:?} are {after:?} now");
    prometheus.scrape(&after).await?;
    let columns = environment.kubectl("tuning", &["get", "studies"])?;
    ensure!(columns.contains("CHANGED"), "the definition was not changed: {columns}");
    let picture = tuning.complete("upgraded", 240).await?;
    nothing_was_lost(&picture, "upgraded")
}

/// A copy of the chart whose definition of a Study has one column more.
fn changed_chart(folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("chart");
    let copied = Command::new("cp").args(["--recursive", "--dereference"]).arg(chart()).arg(&copy).status()?;
    ensure!(copied.success(), "the chart was not copied");
    let file = copy.join("files/crds/trimtab.dev_studies.yaml");
    let text = std::fs::read_to_string(&file)?;
    let column = "additionalPrinterColumns:\n    - {name: CHANGED, type: string, jsonPath: .spec.seed}";
    let changed = text.replacen("additionalPrinterColumns:", column, 1);
    ensure!(changed != text, "no columns in {}", file.display());
    std::fs::write(&file, changed)?;
    Ok(copy)
}

/// The leader dies as by a power cut, and later the API server is away for a moment.
async fn bereft(environment: &Environment, release: &Release, prometheus: &Prometheus, tuning: &Place) -> Result<()> {
    tuning.create(slow("handed")).await?;
    tuning.until("`handed` is at work", 90, at_work("handed")).await?;
    let leader = release.leader().await?.context("nobody leads")?;
    let killed = Timestamp::now();
    let status = Command::new("kill").args(["-KILL", &process(&leader)?.to_string()]).status()?;
    ensure!(status.success(), "{leader} was not killed");
    // The pod goes too, or the kubelet starts it again and it leads on under its own name.
    let pods: Api<Pod> = Api::namespaced(environment.client.clone(), &release.namespace);
    pods.delete(&leader, &DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() }).await?;
    let holder = loop {
        match release.leader().await? {
            Some(holder) if holder != leader => break holder,
            _ if Timestamp::now().duration_since(killed).as_secs() > 60 => {
                anyhow::bail!("nobody took over from {leader}")
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    let leads = Timestamp::now();
    // The dead one's last requests may have been on their way.
    let dead = killed + Duration::from_secs(1);
    let log = environment.cluster().audit_log()?;
    let first = loop {
        let calls = audit::calls_of(&log, audit::OPERATOR, None)?;
        let wrote = |call: &&audit::Call| {
            call.is_write() && call.code < 300 && call.resource.ends_with("/status") && call.at > dead
        };
        if let Some(call) = calls.iter().find(wrote) {
            break call.at;
        }
        ensure!(Timestamp::now().duration_since(killed).as_secs() < 60, "{holder} leads and writes nothing");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let (seen, wrote) = (leads.duration_since(killed), first.duration_since(killed));
    eprintln!("the leader was killed: the other held the lease within {seen:#}, and wrote a status after {wrote:#}");
    ensure!(wrote.unsigned_abs() < TAKEOVER, "{holder} went on after {wrote:#}");
    prometheus.scrape(&release.targets().await?).await?;

    // A log that is being followed breaks off: this one is, for much longer than the wait for its first value.
    tuning.create(restricted(studies::plain("followed", 1, 40, &["--pace-ms=1000"]))).await?;
    tuning.until("a value of `followed` is known", 90, reported("followed")).await?;
    environment.cluster().stop("kube-apiserver")?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    environment.cluster().start_component("kube-apiserver")?;
    let ready = async || Ok(release.pods().await.is_ok_and(|pods| pods.len() == 2));
    ensure!(trimtab_e2e::environment::eventually(ready).await?, "the replicas are not back");
    prometheus.scrape(&release.targets().await?).await?;
    let picture = tuning.complete("handed", 240).await?;
    nothing_was_lost(&picture, "handed")?;
    let picture = tuning.complete("followed", 120).await?;
    oracle::check(&picture, "followed").with_context(|| picture.describe())
}

/// What the metrics say is what the cluster holds.
async fn tells_the_truth(watched: &Watched<'_>, places: &[&Place]) -> Result<()> {
    let (mut trials, mut studies, mut ended, mut seconds) = (0_u32, 0_u32, 0_u32, 0_u64);
    for place in places {
        let picture = place.picture().await?;
        studies += u32::try_from(picture.studies.len())?;
        trials += u32::try_from(picture.trials.len())?;
        let statuses: Vec<TrialStatus> = picture.trials.values().filter_map(|trial| trial.status.clone()).collect();
        ended += u32::try_from(statuses.iter().filter(|status| is_over(status)).count())?;
        seconds += statuses.iter().map(|status| status.run_seconds).sum::<u64>();
    }
    let gauges = [("sum(trimtab_trials)", f64::from(trials)), ("sum(trimtab_studies)", f64::from(studies))];
    for (expression, truth) in gauges {
        let told = watched.number(expression)?;
        ensure!((told - truth).abs() < 0.5, "{expression} is {told}, and there are {truth}");
    }
    // Counters are each replica's own and begin at zero with it. What a leader counted after its last scrape is lost, which can be a
    // whole rung of six and its long runs, for either of two leaders; nothing is counted twice. Two trials of `helm test` are gone.
    let told = watched.number("sum(max_over_time(trimtab_trials_finished_total[$__range]))")?;
    let truth = f64::from(ended + 2);
    ensure!(told <= truth && told >= truth - 14.0, "{told} trials were counted as ended, and {truth} have");
    let told = watched.number("sum(max_over_time(trimtab_spent_seconds_total{resource=\"run\"}[$__range]))")?;
    let truth = format!("{seconds}").parse::<f64>()?;
    ensure!(told <= truth + 20.0 && told >= truth - 240.0, "{told} seconds were counted as spent, and {truth} were");
    Ok(())
}

fn is_over(status: &TrialStatus) -> bool {
    status.outcome.is_some()
        || status.conditions.iter().any(|condition| condition.type_ == "Complete" && condition.status == "True")
}

/// The release goes while a Study runs, comes back, and goes for good with everything.
async fn uninstalled(environment: &Environment, release: &Release, tuning: &Place) -> Result<()> {
    tuning.create(restricted(studies::with_claim(studies::plain("left", 3, 15, &["--pace-ms=1000"])))).await?;
    tuning.until("`left` is at work", 90, |picture| (!picture.running_pods().is_empty()).then_some(())).await?;
    let before = tuning.picture().await?;
    let said = release.uninstall()?;
    for name in ["studies.trimtab.dev", "trials.trimtab.dev"] {
        ensure!(said.contains(name), "Helm does not say that {name} is kept: {said}");
    }
    let after = tuning.picture().await?;
    ensure!(before.studies.keys().eq(after.studies.keys()), "Studies went with the release");
    ensure!(before.trials.keys().eq(after.trials.keys()), "Trials went with the release");
    let roles = environment.kubectl("tuning", &["get", "clusterroles,clusterrolebindings", "--output=name"])?;
    ensure!(!roles.contains("trimtab"), "permissions were left: {roles}");
    ensure!(release.pods().await?.is_empty(), "pods of the operator were left");

    let said = release.apply("install", &chart(), &[])?;
    let picture = tuning.complete("left", 120).await?;
    oracle::check(&picture, "left").with_context(|| picture.describe())?;
    let retries: u32 =
        picture.trials_of("left").values().filter_map(|trial| Some(trial.status.as_ref()?.retries)).sum();
    ensure!(retries == 0, "a run was lost with the release\n{}", picture.describe());

    release.uninstall()?;
    // What it says to do, done.
    let command =
        said.lines().find_map(|line| line.trim().strip_prefix("kubectl delete crd ")).context("no way is told")?;
    let arguments: Vec<&str> = ["delete", "crd"].into_iter().chain(command.split_whitespace()).collect();
    environment.kubectl("default", &arguments)?;
    let empty = async || {
        let left = environment.kubectl("tuning", &["get", "jobs,pods", "--output=name"])?;
        Ok(left.trim().is_empty())
    };
    ensure!(trimtab_e2e::environment::eventually(empty).await?, "Jobs and pods outlive what they belong to");
    let left = environment.kubectl("tuning", &["get", "persistentvolumeclaim", "checkpoints", "--output=name"])?;
    ensure!(left.contains("checkpoints"), "the checkpoints are the user's: {left}");
    Ok(())
}
