//! A release for some namespaces: by somebody who administers only these, after an administrator has made the definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use trimtab_api::study::ActionKind;
use trimtab_api::{Study, Trial};
use trimtab_e2e::environment::{Environment, client};
use trimtab_e2e::picture::Picture;
use trimtab_e2e::place::Place;
use trimtab_e2e::release::{Release, chart, helms};
use trimtab_e2e::{oracle, programs, studies};

use crate::trouble::restricted;

/// What a Study's environment may hold and no log may show.
const SECRET: &str = "not-for-any-log";

pub(crate) async fn operator_for_some_namespaces_neither_touches_nor_reads_others(
    environment: Arc<Environment>,
) -> Result<()> {
    let helm = helms()?.into_iter().next().context("no helm")?;
    let crds = programs::root().join("crds").display().to_string();
    environment.cluster().kubectl(&["apply", "--filename", &crds])?;
    let definitions = ["crd/studies.trimtab.dev", "crd/trials.trimtab.dev"];
    environment
        .cluster()
        .kubectl(&[&["wait", "--for=condition=Established", "--timeout=30s"], &definitions[..]].concat())?;
    let home = Place::restricted(&environment, "team-a").await?;
    let served = Place::restricted(&environment, "team-a-gpu").await?;
    let other = Place::restricted(&environment, "team-b").await?;
    environment.cluster().persistent_volume("team-a-gpu", "team-a-gpu", "checkpoints")?;

    // A Study that is there before the operator, elsewhere.
    other.create(restricted(studies::plain("elsewhere", 1, 1, &[]))).await?;
    let values = ["crds.enabled=false", "namespaces={team-a,team-a-gpu}", "replicas=1"];
    let release = Release::new(&environment, &helm, &home.namespace, &values);
    release.apply("install", &chart(), &[])?;
    let roles = environment.kubectl("default", &["get", "clusterroles,clusterrolebindings", "--output=name"])?;
    ensure!(!roles.contains("trimtab"), "a release for some namespaces has made {roles}");
    let said = release.test()?;
    ensure!(said.contains("Succeeded"), "{said}");

    let env = json!({"env": [{"name": "TOKEN", "value": SECRET}]});
    let study = studies::with_container(studies::hyperband("inside", &["--pace-ms=100"]), env);
    served.create(restricted(study)).await?;
    let picture = served.complete("inside", 180).await?;
    oracle::check(&picture, "inside").with_context(|| picture.describe())?;

    let found = other.picture().await?;
    let touched = found.studies.get("elsewhere").is_none_or(|study| study.status.is_some());
    ensure!(!touched && found.trials.is_empty() && found.jobs.is_empty(), "{}", found.describe());
    nothing_of_others_can_be_read(&environment, &home, &served, &other).await?;

    let leader = release.leader().await?.context("nobody leads")?;
    let log = release.log(&leader).await?;
    ensure!(!log.contains("elsewhere") && !log.contains("team-b"), "the log speaks of what is elsewhere");
    ensure!(!log.contains(SECRET), "the log shows a Study's environment");
    ensure!(!log.contains("forbidden"), "something was refused:\n{}", lines_with(&log, "forbidden"));
    each_decision_is_one_line(&log, &picture)?;
    release.uninstall()?;
    Ok(())
}

fn lines_with<'l>(log: &'l str, word: &str) -> String {
    log.lines().filter(|line: &&'l str| line.contains(word)).collect::<Vec<_>>().join("\n")
}

/// The operator's own account asks, so it is the API server that answers.
async fn nothing_of_others_can_be_read(
    environment: &Environment,
    home: &Place,
    served: &Place,
    other: &Place,
) -> Result<()> {
    let kubeconfig = environment.cluster().service_account_kubeconfig(&home.namespace, "trimtab-operator")?;
    let operator = client(&kubeconfig).await?;
    let inside: Api<Study> = Api::namespaced(operator.clone(), &served.namespace);
    inside.get("inside").await.context("it may read what it serves")?;
    let studies: Api<Study> = Api::namespaced(operator.clone(), &other.namespace);
    let trials: Api<Trial> = Api::namespaced(operator.clone(), &other.namespace);
    let refused = |what: &str, answer: Option<kube::Error>| match answer {
        Some(kube::Error::Api(status)) if status.code == 403 => Ok(()),
        answer => Err(anyhow::anyhow!("{what} is not refused: {answer:?}")),
    };
    refused("reading a Study elsewhere", studies.get("elsewhere").await.err())?;
    refused("listing Studies elsewhere", studies.list(&ListParams::default()).await.err())?;
    refused("listing all Studies", Api::<Study>::all(operator.clone()).list(&ListParams::default()).await.err())?;
    refused("listing Trials elsewhere", trials.list(&ListParams::default()).await.err())?;
    let job = serde_json::from_value(json!({
        "metadata": {"name": "x"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x"}]}}},
    }))?;
    let jobs: Api<k8s_openapi::api::batch::v1::Job> = Api::namespaced(operator, &other.namespace);
    refused("making a Job elsewhere", jobs.create(&PostParams::default(), &job).await.err())
}

/// Of the log, which is JSON throughout, one line for each action: what was decided, of which Trial, and why.
fn each_decision_is_one_line(log: &str, picture: &Picture) -> Result<()> {
    let mut told: BTreeMap<(String, String), u32> = BTreeMap::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
        let word = |key: &str| line["fields"][key].as_str().unwrap_or_default().to_owned();
        if word("reason").starts_with("Trial") && !word("note").is_empty() {
            *told.entry((word("name"), word("reason"))).or_default() += 1;
        }
    }
    let mut wrong = Vec::new();
    for trial in picture.trials_of("inside").values() {
        for (kind, reason) in [
            (ActionKind::Start, "TrialStarted"),
            (ActionKind::Continue, "TrialPromoted"),
            (ActionKind::Stop, "TrialStopped"),
        ] {
            let decided = u32::try_from(trial.spec.batches.iter().filter(|batch| batch.action == kind).count())?;
            let lines = told.get(&(trial.name_any(), reason.to_owned())).copied().unwrap_or(0);
            if lines != decided {
                wrong.push(format!(
                    "{}: {reason} was decided {decided} times and logged {lines} times",
                    trial.name_any()
                ));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
