//! Builds the Job of a run. Pure: takes the Study, the Trial and the run, returns the object to create.
//!
//! The user's pod is theirs: nothing is injected but environment variables and the mount of the checkpoint volume, and no
//! command is rewritten; elements of arguments that name an inactive variable are left out.

use kube::ResourceExt;
use serde_json::{Map, Value, json};
use trimtab_api::trial::Run;
use trimtab_api::whole::told;
use trimtab_api::{Study, Trial, names};
use trimtab_engine::Plan;
use trimtab_engine::TrialNumber;
use trimtab_protocol::{Facts, arguments, environment, escape};

/// How long the Job of a run is kept when nobody deletes it: a janitor of last resort, and a day for people to look.
const TTL_SECONDS: u32 = 86_400;

/// The container that trains: the one named, else the first.
pub(crate) fn container(study: &Study) -> String {
    let named = study.spec.trial.container.clone();
    named
        .or_else(|| containers(study).first().and_then(|c| c.get("name")).and_then(Value::as_str).map(str::to_owned))
        .unwrap_or_default()
}

fn containers(study: &Study) -> Vec<Value> {
    let template = study.spec.trial.job.spec.0.get("template").and_then(|t| t.pointer("/spec/containers"));
    template.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The path of the folder of a trial's run as the container sees it.
fn folder(study: &Study, uid: &str, trial: u32, run: u32) -> Option<String> {
    let checkpoint = study.spec.trial.checkpoint.as_ref()?;
    let folder = names::run_folder(uid, trial, run);
    Some(format!("{}/{folder}", checkpoint.mount_path.trim_end_matches('/')))
}

/// The object under `key`, made where it is missing. A value of another kind, which the schema refuses anyway, is replaced.
fn object<'v>(parent: &'v mut Map<String, Value>, key: &str) -> &'v mut Map<String, Value> {
    if !parent.get(key).is_some_and(Value::is_object) {
        parent.insert(key.to_owned(), Value::Object(Map::new()));
    }
    let Some(Value::Object(map)) = parent.get_mut(key) else { unreachable!("the lines above made it an object") };
    map
}

fn labels(study: &Study, trial: &Trial, run: u32) -> Vec<(&'static str, String)> {
    vec![
        (names::STUDY_LABEL, study.name_any()),
        (names::STUDY_UID_LABEL, trial.spec.study_uid.clone()),
        (names::TRIAL_LABEL, trial.name_any()),
        (names::RUN_LABEL, run.to_string()),
        ("app.kubernetes.io/managed-by", names::MANAGER.to_owned()),
    ]
}

fn set_all(map: &mut Map<String, Value>, pairs: &[(&'static str, String)]) {
    for (key, value) in pairs {
        map.insert((*key).to_owned(), Value::String(value.clone()));
    }
}

/// What the run's process is told. `reached` is the highest fidelity that the trial has reported.
pub(crate) fn facts(study: &Study, trial: &Trial, plan: &Plan, run: &Run, reached: u32) -> Facts {
    let (fidelity, repeat) = told(plan, run, reached);
    let (uid, number) = (&trial.spec.study_uid, trial.spec.number);
    let source = run.resume_trial.unwrap_or(number);
    let otherwise = study.spec.parameters.iter().filter_map(|p| Some((p.name.clone(), p.otherwise.clone()?)));
    Facts {
        study: study.name_any(),
        trial: TrialNumber(trial.spec.number),
        run: run.number,
        parameters: trial.spec.parameters.iter().map(|p| (p.name.clone(), p.value.clone())).collect(),
        otherwise: otherwise.collect(),
        fidelity,
        repeat,
        seed: trimtab_engine::random::trial_seed(plan.spec().seed, trial.spec.number),
        checkpoint: folder(study, uid, number, run.number),
        resume: run.resume_from.and_then(|from| folder(study, uid, source, from)),
    }
}

/// The Job of a run.
pub(crate) fn job(study: &Study, trial: &Trial, plan: &Plan, run: &Run, reached: u32) -> Value {
    let facts = facts(study, trial, plan, run, reached);
    let labels = labels(study, trial, run.number);
    let mut spec = study.spec.trial.job.spec.0.clone();

    // These decide whether a run is one attempt, and belong to the operator; `suspend` and `managedBy` belong to the queueing system.
    spec.insert("completions".into(), json!(1));
    spec.insert("parallelism".into(), json!(1));
    spec.insert("backoffLimit".into(), json!(0));
    spec.insert("podReplacementPolicy".into(), json!("Failed"));
    spec.insert("ttlSecondsAfterFinished".into(), json!(TTL_SECONDS));
    // A disrupted pod ends its run: the next one has a folder of its own, and resumes from the last that ended.
    spec.insert(
        "podFailurePolicy".into(),
        json!({"rules": [{"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}),
    );

    let template = object(&mut spec, "template");
    set_all(object(object(template, "metadata"), "labels"), &labels);
    let pod = object(template, "spec");
    pod.insert("restartPolicy".into(), json!("Never"));
    if let Some(checkpoint) = &study.spec.trial.checkpoint {
        let volume =
            json!({"name": names::CHECKPOINT_VOLUME, "persistentVolumeClaim": {"claimName": checkpoint.claim_name}});
        match pod.get_mut("volumes").and_then(Value::as_array_mut) {
            Some(volumes) => volumes.push(volume),
            None => {
                pod.insert("volumes".into(), json!([volume]));
            }
        }
    }
    let training = container(study);
    let variables = environment(&facts);
    let values: Vec<Value> =
        variables.iter().map(|(name, value)| json!({"name": name, "value": escape(value)})).collect();
    for held in pod.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(held) = held.as_object_mut() else { continue };
        if held.get("name").and_then(Value::as_str) != Some(training.as_str()) {
            continue;
        }
        // Kubernetes expands a variable only in what comes after it, so ours come before the user's own.
        let mut all = values.clone();
        if let Some(own) = held.get("env").and_then(Value::as_array) {
            all.extend(own.iter().cloned());
        }
        held.insert("env".into(), Value::Array(all));
        for key in ["command", "args"] {
            if let Some(list) = held.get(key).and_then(Value::as_array) {
                let texts: Vec<String> = list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
                held.insert(key.into(), json!(arguments(&texts, &variables)));
            }
        }
        if let Some(checkpoint) = &study.spec.trial.checkpoint {
            let mount = json!({"name": names::CHECKPOINT_VOLUME, "mountPath": checkpoint.mount_path});
            match held.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                Some(mounts) => mounts.push(mount),
                None => {
                    held.insert("volumeMounts".into(), json!([mount]));
                }
            }
        }
    }

    let mut metadata = Map::new();
    let template = study.spec.trial.job.metadata.clone().unwrap_or_default();
    metadata.insert("annotations".into(), json!(template.annotations));
    metadata.insert("labels".into(), json!(template.labels));
    set_all(object(&mut metadata, "labels"), &labels);
    metadata.insert("name".into(), json!(names::job(&study.name_any(), trial.spec.number, run.number)));
    metadata.insert("namespace".into(), json!(trial.namespace()));
    metadata.insert(
        "ownerReferences".into(),
        json!([{
            "apiVersion": format!("{}/{}", trimtab_api::GROUP, trimtab_api::VERSION), "kind": "Trial", "name": trial.name_any(),
            "uid": trial.uid(), "controller": true, "blockOwnerDeletion": true,
        }]),
    );
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
}

/// The pod that a Job would make, for the preflight.
pub(crate) fn pod_of(job: &Value) -> Value {
    let mut metadata = job.pointer("/spec/template/metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let name = job.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    metadata.insert("name".into(), json!(format!("{name}-preflight")));
    metadata.insert("namespace".into(), job.pointer("/metadata/namespace").cloned().unwrap_or_default());
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": job.pointer("/spec/template/spec")})
}
