//! What the operator does with Studies on an API server, where no pod ever runs.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use trimtab_e2e::environment::{Environment, eventually};
use trimtab_e2e::ground::Ground;
use trimtab_e2e::operator::Operator;
use trimtab_e2e::picture::Picture;
use trimtab_e2e::studies;

fn accepted(picture: &Picture, study: &str, status: &str) -> Option<String> {
    let held = picture.condition(study, "Accepted")?;
    (held.status == status).then(|| format!("{}: {}", held.reason, held.message))
}

pub(crate) async fn misspelt_field_of_the_pod_is_named_before_anything_runs(
    environment: Arc<Environment>,
) -> Result<()> {
    let ground = Ground::new(&environment, "preflight", &[]).await?;
    ground
        .create(studies::with_container(studies::plain("misspelt", 2, 2, &[]), json!({"imagePullPolice": "Never"})))
        .await?;
    ground
        .create(studies::with_container(
            studies::plain("wrong", 2, 2, &[]),
            json!({"image": "", "ports": [{"containerPort": 70000}]}),
        ))
        .await?;
    ground
        .create(studies::with_container(
            studies::plain("names-nothing", 2, 2, &["--lr=$(PARAM_LEARNING_RATE)"]),
            json!({}),
        ))
        .await?;
    for (study, reason, part) in [
        ("misspelt", "PreflightRefused", "imagePullPolice"),
        ("wrong", "PreflightRefused", "containerPort"),
        ("names-nothing", "Invalid", "PARAM_LEARNING_RATE"),
    ] {
        let words =
            ground.until(&format!("{study} is refused"), 30, |picture| accepted(picture, study, "False")).await?;
        ensure!(words.starts_with(reason) && words.contains(part), "{study}: {words}");
        let described = ground.describe_study(study)?;
        ensure!(described.contains(part), "{described}");
    }
    let picture = ground.picture().await?;
    ensure!(
        picture.trials.is_empty() && picture.jobs.is_empty() && picture.pods.is_empty(),
        "{}",
        ground.dump(&picture).await
    );
    let states: Vec<_> = picture.studies.values().map(|s| s.status.as_ref().and_then(|s| s.state.clone())).collect();
    ensure!(states.iter().all(|state| state.as_deref() == Some("Invalid")), "{states:?}");
    ground.end().await
}

pub(crate) async fn refused_study_is_accepted_once_what_refused_it_is_mended(
    environment: Arc<Environment>,
) -> Result<()> {
    let ground = Ground::new(&environment, "mended", &[]).await?;
    // Pod security refuses what does not keep to it, and stops doing so when the namespace is told to.
    environment.cluster().kubectl(&[
        "label",
        "namespace",
        &ground.namespace,
        "pod-security.kubernetes.io/enforce=restricted",
    ])?;
    ground.create(studies::plain("mended", 2, 2, &[])).await?;
    let words = ground.until("it is refused", 30, |picture| accepted(picture, "mended", "False")).await?;
    ensure!(words.contains("PodSecurity"), "{words}");
    environment.cluster().kubectl(&["label", "namespace", &ground.namespace, "pod-security.kubernetes.io/enforce-"])?;
    // Whatever a user does to the Study makes the operator look again. Where the API server does not know of the label yet, that is a minute later.
    ground.change("mended", json!({"parallelism": 2})).await?;
    ground.until("it is accepted", 90, |picture| accepted(picture, "mended", "True")).await?;
    ground.until("its Jobs are there", 30, |picture| (picture.jobs.len() == 2).then_some(())).await?;
    ground.end().await
}

pub(crate) async fn objects_that_cannot_be_decoded_do_not_stop_the_others(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "hostile", &[]).await?;
    ground.create(studies::plain("bystander", 2, 2, &[])).await?;
    ground.until("its Jobs are there", 30, |picture| (picture.jobs.len() == 2).then_some(())).await?;

    // The server's schema takes it and ours does not: as after a downgrade. The definition is loosened for it, in one field only this test uses.
    let resource = ApiResource {
        group: "trimtab.dev".into(),
        version: "v1alpha1".into(),
        api_version: "trimtab.dev/v1alpha1".into(),
        kind: "Study".into(),
        plural: "studies".into(),
    };
    let dynamic: Api<DynamicObject> = Api::namespaced_with(environment.client.clone(), &ground.namespace, &resource);
    loosen(&environment)?;
    let mut hostile = studies::plain("hostile", 2, 2, &[]);
    hostile["spec"]["objectives"][0]["goal"] = json!("Sideways");
    let hostile: DynamicObject = serde_json::from_value(hostile)?;
    let made = tried(&dynamic, &hostile).await;
    restore(&environment)?;
    made?;

    ground.create(studies::plain("later", 2, 2, &[])).await?;
    let api: Api<Job> = ground.api();
    let of_later = ListParams::default().labels("trimtab.dev/study=later");
    // A picture decodes Studies and so cannot be taken here.
    let begun = eventually(async || Ok(api.list(&of_later).await?.items.len() == 2)).await?;
    ensure!(begun, "a hostile Study stops others:\n{}", ground.operator.tail(40));
    let log = ground.operator.log();
    ensure!(
        log.contains("cannot be decoded") && log.contains("hostile"),
        "nothing says why it is left alone:\n{}",
        ground.operator.tail(40)
    );
    dynamic.delete("hostile", &DeleteParams::default()).await?;
    ground.end().await
}

/// Creates the object as soon as the loosened definition is in force.
async fn tried(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<()> {
    let created = eventually(async || match api.create(&PostParams::default(), object).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 422 => Ok(false),
        Err(error) => Err(error.into()),
    });
    ensure!(created.await?, "the server never took the loosened definition");
    Ok(())
}

const GOAL: &str =
    "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/objectives/items/properties/goal/enum";

fn loosen(environment: &Environment) -> Result<()> {
    let patch = json!([{"op": "add", "path": format!("{GOAL}/-"), "value": "Sideways"}]).to_string();
    environment.cluster().kubectl(&["patch", "crd", "studies.trimtab.dev", "--type=json", "--patch", &patch])?;
    Ok(())
}

fn restore(environment: &Environment) -> Result<()> {
    let folder = trimtab_e2e::programs::root().join("crds").display().to_string();
    environment.cluster().kubectl(&["apply", "--filename", &folder])?;
    Ok(())
}

/// Two operators without a lease, as when one was thought to be dead: the write that decides lets one of them win.
pub(crate) async fn two_operators_on_one_study_decide_once(environment: Arc<Environment>) -> Result<()> {
    let ground = Ground::new(&environment, "two", &[]).await?;
    let folder = environment.cluster().run_dir();
    let name = format!("{}-second", ground.namespace);
    let mut second = Operator::start(
        &environment.operator,
        &environment.operator_kubeconfig,
        folder,
        &name,
        Some(&ground.namespace),
        &["--no-leader-election"],
    )?;
    let study = studies::with(studies::plain("two", 40, 2, &[]), json!({"parallelism": 2}));
    ground.create(study).await?;
    for round in 0..10_u32 {
        // No pod runs here, so the test makes room: a Trial that is deleted is a hole, and the next one starts.
        let done = ground
            .until("two trials have their Jobs", 30, |picture| {
                let alive: Vec<u32> = picture.trials_of("two").into_keys().collect();
                (alive.len() == 2
                    && alive.iter().all(|n| picture.jobs.contains_key(&trimtab_api::names::job("two", *n, 1))))
                .then_some(alive)
            })
            .await?;
        let lowest = done.first().copied().context("no trial")?;
        let next =
            ground.picture().await?.studies.get("two").and_then(|s| s.status.clone()).context("no status")?.next_trial;
        ensure!(next == round + 2, "after {round} holes the next trial is {next}");
        environment.kubectl(
            &ground.namespace,
            &["delete", "trial", &trimtab_api::names::trial("two", lowest), "--wait=false"],
        )?;
        // There is no garbage collector here either.
        environment.kubectl(
            &ground.namespace,
            &["delete", "job", &trimtab_api::names::job("two", lowest, 1), "--wait=false", "--cascade=orphan"],
        )?;
        let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        let _ = ground
            .api::<Job>()
            .patch(&trimtab_api::names::job("two", lowest, 1), &PatchParams::default(), &patch)
            .await;
    }
    second.check()?;
    drop(second);
    ground.end().await
}
