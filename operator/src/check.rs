//! What `helm test` runs: a Study of two trials, from its creation to `Complete`. It is a client like any other user's, under
//! permissions of its own, and no part of the controllers.

use std::time::Duration;

use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use trimtab_api::Study;
use trimtab_api::conditions::{is_true, study as condition};

/// How often the Study is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Check {
    /// Where the Study is made.
    pub namespace: String,
    /// Its name. A Study of that name, left by an earlier check, is removed first.
    pub name: String,
    /// The image of its trials: that of this program.
    pub image: String,
    /// Secrets to pull it with.
    pub pull_secrets: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Why the installation does not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The API server did not do what was asked.
    #[error("{what}")]
    Api {
        /// What was asked.
        what: &'static str,
        /// What it answered.
        #[source]
        source: kube::Error,
    },
    /// The Study that this program makes is none: a defect.
    #[error("the Study of the check cannot be made")]
    Study(#[from] serde_json::Error),
    /// The Study came to no good end.
    #[error("{0}")]
    Ended(String),
}

impl Check {
    /// The Study: two trials that print one of their parameters. Its pods are allowed where Pod Security enforces `restricted`.
    fn study(&self) -> Value {
        let secrets: Vec<Value> = self.pull_secrets.iter().map(|name| json!({"name": name})).collect();
        json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "objectives": [{"metric": "value", "goal": "Minimize"}],
                "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
                "sampler": {"random": {}}, "parallelism": 2, "limits": {"trials": 2}, "seed": 1,
                "trial": {"job": {"spec": {"template": {"spec": {
                    "automountServiceAccountToken": false,
                    "imagePullSecrets": secrets,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}
                    },
                    "containers": [{
                        "name": "sample", "image": self.image, "imagePullPolicy": "IfNotPresent", "args": ["sample"],
                        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}
                        }
                    }]
                }}}}}
            }
        })
    }

    /// Runs it. The Study is removed when it is `Complete`, and left to be looked at when it is not.
    ///
    /// # Errors
    /// When the Study does not come to `Complete` in time.
    pub async fn run(&self, client: Client) -> Result<(), CheckError> {
        let api: Api<Study> = Api::namespaced(client, &self.namespace);
        let asked = |what| move |source| CheckError::Api { what, source };
        self.remove(&api).await?;
        let study: Study = serde_json::from_value(self.study())?;
        api.create(&PostParams::default(), &study).await.map_err(asked("creating the Study"))?;
        tracing::info!(namespace = self.namespace, study = self.name, "made; waiting for its end");
        let mut state = String::new();
        let ended = tokio::time::timeout(self.timeout, async {
            loop {
                let study = api.get(&self.name).await.map_err(asked("reading the Study"))?;
                let status = study.status.unwrap_or_default();
                state = status
                    .conditions
                    .iter()
                    .map(|c| format!("{}={} ({}: {}) ", c.type_, c.status, c.reason, c.message))
                    .collect();
                if is_true(&status.conditions, condition::COMPLETE) {
                    return Ok(());
                }
                if is_true(&status.conditions, condition::FAILED) {
                    return Err(CheckError::Ended(format!("the Study has failed: {state}")));
                }
                tokio::time::sleep(LOOK).await;
            }
        })
        .await;
        match ended {
            Ok(answer) => answer?,
            Err(_) => {
                let words = if state.is_empty() { "no operator has looked at it" } else { state.as_str() };
                return Err(CheckError::Ended(format!("not Complete after {:?}: {words}", self.timeout)));
            }
        }
        tracing::info!(namespace = self.namespace, study = self.name, "Complete");
        self.remove(&api).await
    }

    async fn remove(&self, api: &Api<Study>) -> Result<(), CheckError> {
        let removed = async {
            match api.delete(&self.name, &DeleteParams::foreground()).await {
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            while api.get_opt(&self.name).await?.is_some() {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        let what = "removing the Study";
        match tokio::time::timeout(self.timeout, removed).await {
            Ok(answer) => answer.map_err(|source| CheckError::Api { what, source }),
            Err(_) => Err(CheckError::Ended(format!("{what} {} took too long", self.name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_study_of_the_check_is_valid() {
        let check = Check {
            namespace: "a".to_owned(),
            name: "trimtab-test".to_owned(),
            image: "trimtab-operator:1".to_owned(),
            pull_secrets: vec!["registry".to_owned()],
            timeout: Duration::from_secs(1),
        };
        let study: Study = serde_json::from_value(check.study()).expect("a Study");
        let plan = trimtab_api::validate(&study).expect("a valid Study");
        assert_eq!(plan.settings().limits.trials, Some(2));
    }
}
