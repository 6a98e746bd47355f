//! Reading from a cluster, as the user that the kubeconfig names. All that is ever written is what users may change of a Study's spec.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::io::AsyncBufRead;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, ListParams, LogParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Map, Value, json};
use trimtab_api::{Study, Trial, names};

use crate::error::Error;
use crate::record::Record;

/// How many Trials one answer of the API server holds.
const PAGE: u32 = 250;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Access {
    /// The namespace; left out: that of the context.
    #[arg(long, short)]
    pub(crate) namespace: Option<String>,
    /// The kubeconfig file; left out: KUBECONFIG, or `~/.kube/config`.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long)]
    context: Option<String>,
}

/// A connection to a namespace of a cluster.
pub(crate) struct Cluster {
    client: Client,
    pub(crate) namespace: String,
}

/// Runs a command's work on this thread: all of it is waiting for one server.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::Usage(format!("no event loop can be made here: {error}")))?.block_on(work)
}

impl Cluster {
    /// Connects; nothing is asked yet.
    pub(crate) async fn connect(access: &Access) -> Result<Self, Error> {
        Self::to(access, Some(PATIENCE)).await
    }

    /// Connects for answers that have no end.
    pub(crate) async fn connect_patiently(access: &Access) -> Result<Self, Error> {
        Self::to(access, None).await
    }

    async fn to(access: &Access, patience: Option<Duration>) -> Result<Self, Error> {
        let options = KubeConfigOptions { context: access.context.clone(), cluster: None, user: None };
        let unusable = |error: &dyn std::fmt::Display| Error::Kubeconfig(error.to_string());
        let mut config = match (&access.kubeconfig, &access.context) {
            (Some(file), _) => {
                let kubeconfig = Kubeconfig::read_from(file).map_err(|e| unusable(&e))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|e| unusable(&e))?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|e| unusable(&e))?,
            // Also the service account of a pod, where there is no kubeconfig.
            // Where there is neither, what is missing is the kubeconfig: hardly anybody meant to be in a pod.
            (None, None) => Config::infer().await.map_err(|e| match std::error::Error::source(&e) {
                Some(kubeconfig) => unusable(&kubeconfig),
                None => unusable(&e),
            })?,
        };
        config.read_timeout = patience;
        let namespace = access.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|e| unusable(&e))?;
        Ok(Self { client, namespace })
    }

    /// A Study, if it is there.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Study>, kube::Error> {
        Api::<Study>::namespaced(self.client.clone(), &self.namespace).get_opt(name).await
    }

    /// A Study that has to be there.
    pub(crate) async fn study(&self, name: &str) -> Result<Study, Error> {
        let doing = format!("reading the Study `{name}`");
        if let Some(study) = self.find(name).await.map_err(|error| Error::of(&doing, &error))? {
            return Ok(study);
        }
        // A kind that is not installed is as absent as an object that is not there; a list tells them apart.
        let api = Api::<Study>::namespaced(self.client.clone(), &self.namespace);
        api.list_metadata(&ListParams::default().limit(1))
            .await
            .map_err(|error| Error::of("listing Studies", &error))?;
        Err(Error::NotFound { name: name.to_owned(), namespace: self.namespace.clone() })
    }

    /// What a pod prints.
    pub(crate) async fn logs(&self, pod: &str, params: &LogParams) -> Result<impl AsyncBufRead + use<>, kube::Error> {
        Api::<Pod>::namespaced(self.client.clone(), &self.namespace).log_stream(pod, params).await
    }

    /// Changes of a Study what is not as it was read: nothing else of it is written, so that nobody else's change is undone.
    pub(crate) async fn change(&self, before: &Study, changed: &Study) -> Result<Study, Error> {
        let name = before.name_any();
        let render = |error: serde_json::Error| Error::Render(error.to_string());
        let [old, new] = [before, changed].map(|study| {
            let of = |value: serde_json::Result<Value>| value.map_err(render);
            Ok::<_, Error>(json!({
                "metadata": {"annotations": of(serde_json::to_value(study.annotations()))?},
                "spec": {"suspend": study.spec.suspend, "limits": of(serde_json::to_value(&study.spec.limits))?},
            }))
        });
        let patch = Patch::Merge(difference(&old?, &new?));
        let api = Api::<Study>::namespaced(self.client.clone(), &self.namespace);
        let answer = api.patch(&name, &PatchParams::default(), &patch).await;
        answer.map_err(|error| Error::of_writing(&format!("changing the Study `{name}`"), &error))
    }

    /// A Study and its Trials.
    pub(crate) async fn record(&self, name: &str) -> Result<Record, Error> {
        let study = self.study(name).await?;
        self.with_trials(study).await.map_err(|error| Error::of("listing Trials", &error))
    }

    /// The same where the Study may be gone by now.
    pub(crate) async fn try_record(&self, name: &str) -> Result<Option<Record>, kube::Error> {
        match self.find(name).await? {
            Some(study) => self.with_trials(study).await.map(Some),
            None => Ok(None),
        }
    }

    async fn with_trials(&self, study: Study) -> Result<Record, kube::Error> {
        let name = study.name_any();
        // Untyped, so that one Trial that cannot be decoded does not hide the others.
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &ApiResource::erase::<Trial>(&()));
        let mut params = ListParams::default().labels(&format!("{}={name}", names::STUDY_LABEL)).limit(PAGE);
        let (mut trials, mut problems) = (Vec::new(), Vec::new());
        loop {
            let page = api.list(&params).await?;
            let next = page.metadata.continue_.clone().filter(|token| !token.is_empty());
            for trial in page.items {
                let name = trial.name_any();
                match serde_json::to_value(trial) {
                    Ok(value) => trials.push(value),
                    Err(error) => problems.push(format!("Trial {name} cannot be read: {error}")),
                }
            }
            match next {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(Record::new(study, trials, problems)),
            }
        }
    }
}

/// The merge patch (RFC 7396) that makes one value of another.
fn difference(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return new.clone() };
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            Some(held) if held == value => {}
            Some(held) => {
                patch.insert(name.clone(), difference(held, value));
            }
            None => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_has_what_differs_and_removes_what_is_gone() {
        let old = json!({"spec": {"suspend": false, "limits": {"trials": 3, "activeSeconds": 7}}, "a": {"b": 1}});
        let new = json!({"spec": {"suspend": true, "limits": {"trials": 3}}, "a": {"b": 1}});
        assert_eq!(difference(&old, &new), json!({"spec": {"suspend": true, "limits": {"activeSeconds": null}}}));
        assert_eq!(difference(&json!({"limits": null}), &json!({"limits": {"x": 1}})), json!({"limits": {"x": 1}}));
    }
}
