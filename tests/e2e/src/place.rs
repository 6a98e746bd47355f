//! A namespace that is served by an operator which is not the test's to begin with: one that Helm has installed, or one under
//! permissions of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use trimtab_api::Study;

use crate::environment::Environment;
use crate::picture::Picture;

/// How often a condition is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(250);

/// A namespace.
#[derive(Clone, Debug)]
pub struct Place {
    /// The cluster that it is in.
    pub environment: Arc<Environment>,
    /// Its name.
    pub namespace: String,
}

impl Place {
    /// Makes a namespace of this name that holds its pods to the strictest of the Pod Security Standards.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn restricted(environment: &Arc<Environment>, name: &str) -> Result<Self> {
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let namespace = serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}}))?;
        Api::<Namespace>::all(environment.client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(Self { environment: Arc::clone(environment), namespace: name.to_owned() })
    }

    /// An API of the administrator's in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.environment.client.clone(), &self.namespace)
    }

    /// Creates a Study.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn create(&self, study: Value) -> Result<Study> {
        let study: Study = serde_json::from_value(study)?;
        Ok(self.api::<Study>().create(&PostParams::default(), &study).await?)
    }

    /// Changes a Study's spec by a merge patch.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn change(&self, study: &str, spec: Value) -> Result<Study> {
        let patch = Patch::Merge(json!({"spec": spec}));
        Ok(self.api::<Study>().patch(study, &PatchParams::default(), &patch).await?)
    }

    /// What there is now.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub async fn picture(&self) -> Result<Picture> {
        Picture::take(&self.environment.client, &self.namespace).await
    }

    /// Looks until `found` finds something, at most `seconds` long. A failure shows what there is.
    ///
    /// # Errors
    /// When it was not found in time.
    pub async fn until<T>(&self, what: &str, seconds: u64, mut found: impl FnMut(&Picture) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let picture = self.picture().await?;
            // The lists of a picture are taken one after the other: only in a second one everything is after what was found.
            if found(&picture).is_some()
                && let Some(found) = found(&self.picture().await?)
            {
                return Ok(found);
            }
            if Instant::now() > deadline {
                bail!("{}: waited {seconds} s in vain until {what}\n{}", self.namespace, picture.describe());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a Study has ended well, and returns what there is then.
    ///
    /// # Errors
    /// When it has not in time, or it failed.
    pub async fn complete(&self, study: &str, seconds: u64) -> Result<Picture> {
        let ended =
            |picture: &Picture| (picture.is(study, "Complete") || picture.is(study, "Failed")).then(|| picture.clone());
        let picture = self.until(&format!("{study} has ended"), seconds, ended).await?;
        ensure!(picture.is(study, "Complete"), "{study} has failed\n{}", picture.describe());
        Ok(picture)
    }
}
