//! A namespace of a test's own, with an operator of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use serde_json::Value;
use trimtab_api::Study;

use crate::environment::Environment;
use crate::operator::Operator;
use crate::picture::Picture;

/// How often a condition is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(250);

/// A namespace, and the operator that serves it alone.
#[derive(Debug)]
pub struct Ground {
    /// The cluster that it is in.
    pub environment: Arc<Environment>,
    /// Its name.
    pub namespace: String,
    /// Its operator.
    pub operator: Operator,
    /// At most so many pods of trials may be there at once; looked at whenever anything is waited for.
    pub parallelism: Option<usize>,
    volume: Option<PathBuf>,
}

impl Ground {
    /// A new namespace and an operator for it, with these flags.
    ///
    /// # Errors
    /// When either cannot be made.
    pub async fn new(environment: &Arc<Environment>, word: &str, flags: &[&str]) -> Result<Self> {
        let namespace = environment.namespace(word).await?;
        let flags = [&["--no-leader-election"], flags].concat();
        let folder = environment.cluster().run_dir();
        let operator = Operator::start(
            &environment.operator,
            &environment.operator_kubeconfig,
            folder,
            &namespace,
            Some(&namespace),
            &flags,
        )?;
        Ok(Self { environment: Arc::clone(environment), namespace, operator, parallelism: None, volume: None })
    }

    /// Makes a claim named `checkpoints` that many pods can write. Its folder is known afterwards.
    ///
    /// # Errors
    /// When it is not bound.
    pub fn with_claim(mut self) -> Result<Self> {
        self.volume =
            Some(self.environment.cluster().persistent_volume(&self.namespace, &self.namespace, "checkpoints")?);
        Ok(self)
    }

    /// The folder of the claim.
    ///
    /// # Errors
    /// Without a claim.
    pub fn volume(&self) -> Result<&PathBuf> {
        self.volume.as_ref().context("this ground has no claim")
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
        let patch = Patch::Merge(serde_json::json!({"spec": spec}));
        Ok(self.api::<Study>().patch(study, &PatchParams::default(), &patch).await?)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn delete<K>(&self, name: &str) -> Result<()>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        self.api::<K>().delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// What there is now.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub async fn picture(&self) -> Result<Picture> {
        Picture::take(&self.environment.client, &self.namespace).await
    }

    /// Looks until `found` finds something, at most `seconds` long. A failure shows everything that there is.
    ///
    /// # Errors
    /// When it was not found in time, or more pods than allowed were there.
    pub async fn until<T>(&self, what: &str, seconds: u64, mut found: impl FnMut(&Picture) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let picture = self.picture().await?;
            if let Some(most) = self.parallelism {
                let live = picture.live_pods().len();
                ensure!(
                    live <= most,
                    "{live} pods of trials at once, {most} are allowed\n{}",
                    self.dump(&picture).await
                );
            }
            // The lists of a picture are taken one after the other: only in a second one everything is after what was found.
            if found(&picture).is_some()
                && let Some(found) = found(&self.picture().await?)
            {
                return Ok(found);
            }
            if Instant::now() > deadline {
                let dump = self.dump(&picture).await;
                bail!("waited {seconds} s in vain until {what}\n{dump}");
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
        let picture = self.until(&format!("{study} is complete"), seconds, ended).await?;
        ensure!(picture.is(study, "Complete"), "{study} has failed\n{}", self.dump(&picture).await);
        Ok(picture)
    }

    /// All that could explain a failure.
    pub async fn dump(&self, picture: &Picture) -> String {
        let events = match self.api::<Event>().list(&ListParams::default()).await {
            Ok(list) => {
                let mut lines: Vec<_> =
                    list.items.iter().map(|e| (e.metadata.creation_timestamp.clone(), line(e))).collect();
                lines.sort_by(|a, b| a.0.as_ref().map(|t| t.0).cmp(&b.0.as_ref().map(|t| t.0)));
                let lines: Vec<String> = lines.into_iter().rev().take(40).map(|(_, line)| line).collect();
                lines.join("\n")
            }
            Err(error) => error.to_string(),
        };
        format!(
            "{}\n--- events, newest first\n{events}\n--- the operator's log\n{}",
            picture.describe(),
            self.operator.tail(40)
        )
    }

    /// The log of a pod with its stamps.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn log(&self, pod: &str) -> Result<String> {
        let parameters = LogParams { timestamps: true, ..LogParams::default() };
        Ok(self.api::<k8s_openapi::api::core::v1::Pod>().logs(pod, &parameters).await?)
    }

    /// What `kubectl describe` says about a Study.
    ///
    /// # Errors
    /// When it fails.
    pub fn describe_study(&self, study: &str) -> Result<String> {
        self.environment.kubectl(&self.namespace, &["describe", "study", study])
    }

    /// Lets `trimtab explain --verify` recompute a Study's decisions from what the cluster holds.
    ///
    /// # Errors
    /// With what it says, when it finds that a decision is another.
    pub fn verify(&self, study: &str) -> Result<String> {
        let mut command = std::process::Command::new(crate::programs::command_line()?);
        command.args(["explain", study, "--verify", "--namespace", &self.namespace]);
        let output = command.arg("--kubeconfig").arg(self.environment.cluster().kubeconfig()).output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "trimtab explain --verify: {said}");
        Ok(said)
    }

    /// The operator's requests in this namespace so far.
    ///
    /// # Errors
    /// When the audit log cannot be read.
    pub fn calls(&self) -> Result<Vec<crate::audit::Call>> {
        crate::audit::calls(&self.environment.cluster().audit_log()?, &self.namespace)
    }

    /// Fails with a picture when something is not as it should be.
    ///
    /// # Errors
    /// With the finding.
    pub async fn judge(&self, picture: &Picture, answer: Result<()>) -> Result<()> {
        match answer {
            Ok(()) => Ok(()),
            Err(error) => Err(anyhow!("{error:#}\n{}", self.dump(picture).await)),
        }
    }

    /// Ends the test: the log must be clean. Then everything is deleted.
    ///
    /// # Errors
    /// When the log is not clean.
    pub async fn end(mut self) -> Result<()> {
        self.operator.check()?;
        self.operator.kill()?;
        let namespaces = Api::<k8s_openapi::api::core::v1::Namespace>::all(self.environment.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        Ok(())
    }
}

fn line(event: &Event) -> String {
    let about = event
        .regarding
        .as_ref()
        .map(|r| format!("{} {}", r.kind.clone().unwrap_or_default(), r.name.clone().unwrap_or_default()));
    format!(
        "{} {}: {}",
        about.unwrap_or_default(),
        event.reason.clone().unwrap_or_default(),
        event.note.clone().unwrap_or_default()
    )
}
