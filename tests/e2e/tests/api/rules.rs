//! Every case of every rule, against the server that will judge users' objects.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::{Api, ResourceExt};
use serde::Deserialize;
use serde_json::{Value, json};
use trimtab_e2e::environment::Environment;
use trimtab_e2e::{programs, studies};

/// A case as `api/tests/rules` has it.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    old: Option<Value>,
    #[serde(default)]
    new: Value,
    refused: Option<String>,
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> Result<T> {
    let path = programs::root().join("api/tests/rules").join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_saphyr::from_str(&text).with_context(|| path.display().to_string())
}

pub(crate) async fn studies_are_held_to_their_rules(environment: Arc<Environment>) -> Result<()> {
    run(&environment, "Study", "studies", "study.yaml", "studies.yaml").await
}

pub(crate) async fn trials_are_held_to_their_rules(environment: Arc<Environment>) -> Result<()> {
    run(&environment, "Trial", "trials", "trial.yaml", "trials.yaml").await
}

/// The object as it is, with what is written through `/status` apart from the rest.
fn parts(object: &Value, namespace: &str) -> (Value, Option<Value>) {
    let mut body = object.clone();
    let status = body.as_object_mut().and_then(|object| object.remove("status"));
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.insert("namespace".to_owned(), json!(namespace));
        for given in ["uid", "generation", "creationTimestamp", "resourceVersion"] {
            metadata.remove(given);
        }
    }
    (body, status)
}

/// Brings the object to what is wanted, spec first. An error is the server's refusal.
async fn bring(
    api: &Api<DynamicObject>,
    held: Option<DynamicObject>,
    wanted: &Value,
    namespace: &str,
) -> Result<DynamicObject, kube::Error> {
    let (body, status) = parts(wanted, namespace);
    let mut body: DynamicObject = serde_json::from_value(body).map_err(kube::Error::SerdeError)?;
    let parameters = PostParams::default();
    let mut now = match held {
        None => api.create(&parameters, &body).await?,
        Some(held) => {
            body.metadata.resource_version = held.resource_version();
            api.replace(&held.name_any(), &parameters, &body).await?
        }
    };
    let had = now.data.get("status").cloned();
    if status != had {
        match status {
            Some(status) => now.data["status"] = status,
            None => {
                now.data.as_object_mut().and_then(|data| data.remove("status"));
            }
        }
        now = api.replace_status(&now.name_any(), &parameters, &now).await?;
    }
    Ok(now)
}

async fn run(environment: &Arc<Environment>, kind: &str, plural: &str, base: &str, cases: &str) -> Result<()> {
    let base: Value = read(base)?;
    let cases: Vec<Case> = read(cases)?;
    let resource = ApiResource {
        group: "trimtab.dev".into(),
        version: "v1alpha1".into(),
        api_version: "trimtab.dev/v1alpha1".into(),
        kind: kind.into(),
        plural: plural.into(),
    };
    let namespace = environment.namespace("rules").await?;
    let api: Api<DynamicObject> = Api::namespaced_with(environment.client.clone(), &namespace, &resource);
    let mut wrong = Vec::new();
    for case in &cases {
        let mut object = base.clone();
        let mut held = None;
        let mut name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if let Some(old) = &case.old {
            studies::merge(&mut object, old);
            match bring(&api, None, &object, &namespace).await {
                Ok(made) => held = Some(made),
                Err(error) => wrong.push(format!("{kind}, {}: the old one is refused: {error}", case.name)),
            }
        }
        if case.old.is_none() || held.is_some() {
            studies::merge(&mut object, &case.new);
            object["metadata"]["name"].as_str().unwrap_or_default().clone_into(&mut name);
            let answer = bring(&api, held, &object, &namespace).await;
            match (&case.refused, answer) {
                (None, Ok(_)) => {}
                (Some(part), Err(kube::Error::Api(status))) if status.message.contains(part) => {}
                (wanted, Ok(_)) => wrong.push(format!("{kind}, {}: wanted {wanted:?}, was accepted", case.name)),
                (wanted, Err(error)) => wrong.push(format!("{kind}, {}: wanted {wanted:?}, found {error}", case.name)),
            }
        }
        // Nothing holds these objects, so they are gone at once.
        match api.delete(&name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error.into()),
        }
    }
    let namespaces = Api::<Namespace>::all(environment.client.clone());
    namespaces.delete(&namespace, &DeleteParams::default()).await?;
    ensure!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    Ok(())
}
