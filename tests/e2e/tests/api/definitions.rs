//! The definitions as users meet them: `kubectl apply`, `explain`, `get`.

use std::sync::Arc;

use anyhow::{Result, ensure};
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use trimtab_api::{Study, Trial};
use trimtab_e2e::environment::{Environment, eventually};
use trimtab_e2e::{programs, studies};

pub(crate) async fn definitions_apply_plainly_again_and_again(environment: Arc<Environment>) -> Result<()> {
    let folder = programs::root().join("crds").display().to_string();
    // The environment has applied them once. The whole object is in an annotation, which is what bounds their size.
    let again = environment.cluster().kubectl(&["apply", "--filename", &folder])?;
    ensure!(again.lines().count() == 2 && again.lines().all(|line| line.ends_with("unchanged")), "{again}");
    let conditions = environment.cluster().kubectl(&[
        "get",
        "crd",
        "studies.trimtab.dev",
        "trials.trimtab.dev",
        "--output",
        "jsonpath={.items[*].status.conditions[*]}",
    ])?;
    ensure!(!conditions.contains("NonStructuralSchema") && !conditions.contains("Violations"), "{conditions}");
    Ok(())
}

pub(crate) async fn explain_has_words_for_every_field_of_ours(environment: Arc<Environment>) -> Result<()> {
    // What kubectl explains from is published a moment after a definition is in force.
    let published =
        async || Ok(["study", "trial"].iter().all(|kind| environment.cluster().kubectl(&["explain", kind]).is_ok()));
    ensure!(eventually(published).await?, "kubectl explains nothing");
    for (field, words) in [
        ("study.spec.parameters", "search space"),
        ("study.spec.parameters.float", "scale"),
        ("study.spec.scheduler.hyperband", "reductionFactor"),
        ("study.spec.trial.checkpoint", "PersistentVolumeClaim"),
        ("study.spec.limits", "fullTrainings"),
        ("study.status.best", "trialName"),
        ("trial.spec.stop", "ends the trial"),
        ("trial.status.values", "reported"),
        ("trial.status.runs", "attempt"),
    ] {
        let text = environment.cluster().kubectl(&["explain", field])?;
        ensure!(text.contains(words), "kubectl explain {field} has no {words:?}:\n{text}");
        ensure!(!text.contains("<empty>"), "kubectl explain {field} has fields without words:\n{text}");
    }
    Ok(())
}

fn trial_of(study: &str, number: u32) -> Result<Trial> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial", "metadata": {"name": trimtab_api::names::trial(study, number)},
        "spec": {
            "studyName": study, "studyUID": "none", "number": number, "parameters": [], "sampler": "random", "bracket": 0, "targetLevel": 3,
            "batches": [{"number": 1, "index": 0, "action": "Start", "reason": "NewTrial", "level": 3, "header": {"settings": {"parallelism": 1}, "actions": 1}}],
        },
    }))?)
}

pub(crate) async fn columns_show_a_study_and_its_trials(environment: Arc<Environment>) -> Result<()> {
    let namespace = environment.namespace("columns").await?;
    let study: Study = serde_json::from_value(studies::plain("seen", 2, 3, &[]))?;
    Api::<Study>::namespaced(environment.client.clone(), &namespace).create(&PostParams::default(), &study).await?;
    let trials = Api::<Trial>::namespaced(environment.client.clone(), &namespace);
    let mut trial = trials.create(&PostParams::default(), &trial_of("seen", 0)?).await?;
    trial.status = Some(trimtab_api::TrialStatus {
        state: Some("Running".into()),
        reached: Some("2".into()),
        value: Some("0.5".into()),
        ..Default::default()
    });
    trials.replace_status("seen-0000", &PostParams::default(), &trial).await?;
    let text = environment.kubectl(&namespace, &["get", "studies"])?;
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    ensure!(header == ["NAME", "ALGORITHM", "PROGRESS", "RUNNING", "BEST", "STATE", "AGE"], "{text}");
    let text = environment.kubectl(&namespace, &["get", "trials"])?;
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    ensure!(header == ["NAME", "STUDY", "STATE", "LEVEL", "REACHED", "VALUE", "AGE"], "{text}");
    let row: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    ensure!(row.get(..6) == Some(&["seen-0000", "seen", "Running", "3", "2", "0.5"][..]), "{text}");
    let both = environment.kubectl(&namespace, &["get", "tuning", "--output", "name"])?;
    ensure!(both.contains("study.trimtab.dev/seen") && both.contains("trial.trimtab.dev/seen-0000"), "{both}");
    Ok(())
}

pub(crate) async fn studies_and_trials_are_selected_by_their_fields(environment: Arc<Environment>) -> Result<()> {
    let namespace = environment.namespace("fields").await?;
    let trials = Api::<Trial>::namespaced(environment.client.clone(), &namespace);
    let studies = Api::<Study>::namespaced(environment.client.clone(), &namespace);
    for study in ["left", "right"] {
        let state = Some(if study == "left" { "Running" } else { "Failed" }.to_owned());
        let whole: Study = serde_json::from_value(studies::plain(study, 1, 1, &[]))?;
        let mut whole = studies.create(&PostParams::default(), &whole).await?;
        whole.status = Some(trimtab_api::study::StudyStatus { state: state.clone(), ..Default::default() });
        studies.replace_status(study, &PostParams::default(), &whole).await?;
        let mut trial = trials.create(&PostParams::default(), &trial_of(study, 0)?).await?;
        trial.status = Some(trimtab_api::TrialStatus { state, ..Default::default() });
        trials.replace_status(&trial.name_any(), &PostParams::default(), &trial).await?;
    }
    for (selector, name) in [("spec.studyName=left", "left-0000"), ("status.state=Failed", "right-0000")] {
        let list = trials.list(&ListParams::default().fields(selector)).await?;
        let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
        ensure!(names == [name], "{selector} gives {names:?}");
    }
    let list = studies.list(&ListParams::default().fields("status.state=Running")).await?;
    let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
    ensure!(names == ["left"], "the Studies that run are {names:?}");
    Ok(())
}

pub(crate) async fn unknown_fields_of_a_study_are_refused_and_of_its_pod_kept(
    environment: Arc<Environment>,
) -> Result<()> {
    let namespace = environment.namespace("unknown").await?;
    let folder = environment.cluster().run_dir();
    let apply = |name: &str, study: &serde_json::Value| -> Result<String> {
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, study.to_string())?;
        environment.kubectl(&namespace, &["apply", "--filename", &file.display().to_string()])
    };
    // kubectl asks for strict validation, so that a misspelt field of ours is an error at once.
    let misspelt = studies::with(studies::plain("misspelt", 1, 1, &[]), json!({"paralelism": 3}));
    let answer = apply("misspelt", &misspelt);
    ensure!(answer.as_ref().is_err_and(|error| error.to_string().contains("paralelism")), "{answer:?}");
    // A pod's spec is newer than ours may be: what we do not know is carried, and the dry run of the Job judges it.
    let newer = studies::with_pod(studies::plain("newer", 1, 1, &[]), json!({"fieldOfTomorrow": {"deep": [1, 2]}}));
    apply("newer", &newer)?;
    let kept = environment.kubectl(
        &namespace,
        &["get", "study", "newer", "--output", "jsonpath={.spec.trial.job.spec.template.spec.fieldOfTomorrow.deep}"],
    )?;
    ensure!(kept.trim() == "[1,2]", "{kept}");
    Ok(())
}
