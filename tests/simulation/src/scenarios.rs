//! What an API server and its controllers promise, as a list of short stories. They run against the model here, and against
//! a real cluster elsewhere, so that the model is held to reality.

use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, LogParams, PostParams, Preconditions, PropagationPolicy};
use kube::{Client, Error, ResourceExt};
use serde_json::{Value, json};
use trimtab_api::{Study, Trial};

/// Where a story plays: a namespace of its own.
#[derive(Clone)]
pub struct Ground {
    /// The cluster.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// An image with a shell.
    pub image: String,
    /// How long to wait for what must happen.
    pub patience: Duration,
}

/// What became of a story: nothing to say, or what was not as promised.
pub type Told = Result<(), String>;

/// A story.
pub struct Scenario {
    /// What is promised.
    pub name: &'static str,
    /// Whether it needs pods to run.
    pub pods: bool,
    /// Tells it.
    pub tell: fn(Ground) -> BoxFuture<'static, Told>,
}

macro_rules! scenarios {
    ($($name:ident $pods:literal),* $(,)?) => {
        /// All stories.
        pub const ALL: &[Scenario] = &[$(Scenario { name: stringify!($name), pods: $pods, tell: |ground| Box::pin($name(ground)) }),*];
    };
}

scenarios! {
    job_of_a_pod_that_exits_0_becomes_complete true,
    job_of_a_pod_that_exits_3_fails_without_a_second_pod true,
    job_is_deleted_in_the_foreground_after_its_pods true,
    deleted_pod_is_replaced_when_it_has_failed true,
    suspended_job_has_no_pod true,
    finished_job_goes_after_its_time_to_live true,
    log_has_stamped_lines_and_is_missing_without_a_pod true,
    stale_resource_version_is_a_conflict false,
    put_of_a_custom_resource_without_version_is_refused false,
    taken_name_already_exists false,
    deletion_with_another_uid_is_a_conflict false,
    dry_run_keeps_nothing false,
    put_without_change_keeps_the_version false,
    status_and_spec_are_written_apart false,
    generation_counts_changes_of_the_spec false,
    target_level_of_a_trial_never_falls false,
    stop_of_a_trial_is_never_unset false,
    trials_of_a_deleted_study_go_after_it false,
    list_selects_by_label false,
}

impl Ground {
    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn job(&self, name: &str, script: &str, spec: Value) -> Result<Job, String> {
        let container = json!({"name": "main", "image": self.image, "command": ["sh", "-c", script]});
        let mut job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [container]}}},
        });
        for (field, value) in spec.as_object().into_iter().flatten() {
            job["spec"][field] = value.clone();
        }
        serde_json::from_value(job).map_err(|e| e.to_string())
    }

    async fn start(&self, name: &str, script: &str, spec: Value) -> Result<Job, String> {
        self.api::<Job>()
            .create(&PostParams::default(), &self.job(name, script, spec)?)
            .await
            .map_err(|e| e.to_string())
    }

    async fn study(&self, name: &str) -> Result<Study, String> {
        let study = json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": name},
            "spec": {
                "objectives": [{"metric": "val", "goal": "Maximize"}], "parameters": [{"name": "x", "float": {"min": 0.0, "max": 1.0}}],
                "limits": {"trials": 1},
                // Nobody is to take these stories for work: an operator that runs beside leaves a suspended study alone.
                "suspend": true,
                "trial": {"job": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": self.image}]}}}}},
            },
        });
        let study: Study = serde_json::from_value(study).map_err(|e| e.to_string())?;
        self.api::<Study>().create(&PostParams::default(), &study).await.map_err(|e| e.to_string())
    }

    async fn trial(&self, name: &str, owner: Option<&Study>) -> Result<Trial, String> {
        let mut trial = json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Trial", "metadata": {"name": name, "labels": {"story": name}},
            "spec": {
                "studyName": "story", "studyUID": "no-such-study", "number": 0, "parameters": [{"name": "x", "value": "0.5"}], "sampler": "random",
                "bracket": 0, "targetLevel": 3,
                "batches": [{"number": 1, "index": 0, "action": "Start", "reason": "NewTrial", "level": 3,
                    "header": {"settings": {"parallelism": 1}, "actions": 1}}],
            },
        });
        if let Some(owner) = owner {
            trial["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "name": owner.name_any(), "uid": owner.uid(), "controller": true, "blockOwnerDeletion": true,
            }]);
        }
        let trial: Trial = serde_json::from_value(trial).map_err(|e| e.to_string())?;
        self.api::<Trial>().create(&PostParams::default(), &trial).await.map_err(|e| e.to_string())
    }

    async fn pods(&self, job: &str) -> Result<Vec<Pod>, String> {
        let list = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"));
        self.api::<Pod>().list(&list).await.map(|l| l.items).map_err(|e| e.to_string())
    }

    /// Looks every second until `look` returns something.
    async fn until<T, F>(&self, what: &str, mut look: impl FnMut() -> F) -> Result<T, String>
    where
        F: Future<Output = Result<Option<T>, String>>,
    {
        let end = tokio::time::Instant::now() + self.patience;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if tokio::time::Instant::now() > end {
                return Err(format!("waited in vain until {what}"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn until_job_is(&self, name: &str, condition: &str) -> Result<Job, String> {
        let api = self.api::<Job>();
        self.until(&format!("Job {name} is {condition}"), || async {
            let job = api.get(name).await.map_err(|e| e.to_string())?;
            Ok(is(&job, condition).then_some(job))
        })
        .await
    }

    async fn until_phase(&self, job: &str, phase: &str) -> Result<Pod, String> {
        self.until(&format!("a pod of {job} is {phase}"), || async {
            Ok(self.pods(job).await?.into_iter().find(|p| phase_of(p) == phase))
        })
        .await
    }

    async fn until_gone(&self, job: &str) -> Told {
        let api = self.api::<Job>();
        self.until(&format!("Job {job} is gone"), || async {
            Ok(api.get_opt(job).await.map_err(|e| e.to_string())?.is_none().then_some(()))
        })
        .await
    }
}

fn is(job: &Job, condition: &str) -> bool {
    let list = job.status.as_ref().and_then(|s| s.conditions.as_ref());
    list.into_iter().flatten().any(|c| c.type_ == condition && c.status == "True")
}

fn phase_of(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or("")
}

fn check(holds: bool, what: impl FnOnce() -> String) -> Told {
    if holds { Ok(()) } else { Err(what()) }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, code: u16, reason: &str) -> Told {
    match answer {
        Err(Error::Api(status)) if status.code == code && status.reason == reason => Ok(()),
        other => Err(format!("expected {code} {reason}, got {other:?}")),
    }
}

async fn job_of_a_pod_that_exits_0_becomes_complete(ground: Ground) -> Told {
    ground.start("good", "echo a=1; exit 0", json!({})).await?;
    let job = ground.until_job_is("good", "Complete").await?;
    check(is(&job, "SuccessCriteriaMet"), || "no SuccessCriteriaMet".to_owned())?;
    let status = job.status.unwrap_or_default();
    check(status.succeeded == Some(1) && status.completion_time.is_some(), || format!("status is {status:?}"))?;
    let pod = ground.until_phase("good", "Succeeded").await?;
    check(pod.metadata.finalizers.unwrap_or_default().is_empty(), || "the pod is still held".to_owned())
}

async fn job_of_a_pod_that_exits_3_fails_without_a_second_pod(ground: Ground) -> Told {
    ground.start("bad", "exit 3", json!({})).await?;
    let job = ground.until_job_is("bad", "Failed").await?;
    let reason = job
        .status
        .and_then(|s| s.conditions)
        .into_iter()
        .flatten()
        .find(|c| c.type_ == "Failed")
        .and_then(|c| c.reason);
    check(reason.as_deref() == Some("BackoffLimitExceeded"), || format!("reason is {reason:?}"))?;
    let pods = ground.pods("bad").await?;
    check(pods.len() == 1, || format!("{} pods", pods.len()))?;
    let code = pods
        .iter()
        .filter_map(|p| p.status.as_ref()?.container_statuses.as_ref()?.first()?.state.as_ref()?.terminated.as_ref())
        .map(|t| t.exit_code)
        .next();
    check(code == Some(3), || format!("exit code is {code:?}"))
}

async fn job_is_deleted_in_the_foreground_after_its_pods(ground: Ground) -> Told {
    let job = ground.start("long", "sleep 600", json!({})).await?;
    ground.until_phase("long", "Running").await?;
    let preconditions = Preconditions { uid: job.uid(), resource_version: None };
    let parameters = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        preconditions: Some(preconditions),
        ..DeleteParams::default()
    };
    let answer = ground.api::<Job>().delete("long", &parameters).await.map_err(|e| e.to_string())?;
    let held = answer.left().ok_or("the Job went at once")?;
    let finalizers = held.metadata.finalizers.clone().unwrap_or_default();
    check(held.metadata.deletion_timestamp.is_some() && finalizers.iter().any(|f| f == "foregroundDeletion"), || {
        format!("finalizers are {finalizers:?}")
    })?;
    ground.until_gone("long").await?;
    check(ground.pods("long").await?.is_empty(), || "a pod outlived its Job".to_owned())
}

async fn deleted_pod_is_replaced_when_it_has_failed(ground: Ground) -> Told {
    ground.start("again", "sleep 600", json!({"backoffLimit": 3, "podReplacementPolicy": "Failed"})).await?;
    let first = ground.until_phase("again", "Running").await?;
    ground.api::<Pod>().delete(&first.name_any(), &DeleteParams::default()).await.map_err(|e| e.to_string())?;
    ground
        .until("a second pod is there", || async {
            let pods = ground.pods("again").await?;
            let live = pods.iter().filter(|p| !matches!(phase_of(p), "Failed" | "Succeeded")).count();
            check(live <= 1, || format!("{live} live pods at once"))?;
            Ok(pods.iter().any(|p| p.uid() != first.uid()).then_some(()))
        })
        .await
}

async fn suspended_job_has_no_pod(ground: Ground) -> Told {
    ground.start("held", "exit 0", json!({"suspend": true})).await?;
    ground.until_job_is("held", "Suspended").await?;
    check(ground.pods("held").await?.is_empty(), || "a suspended Job has a pod".to_owned())?;
    let patch = kube::api::Patch::Merge(json!({"spec": {"suspend": false}}));
    ground.api::<Job>().patch("held", &kube::api::PatchParams::default(), &patch).await.map_err(|e| e.to_string())?;
    ground.until_job_is("held", "Complete").await.map(|_| ())
}

async fn finished_job_goes_after_its_time_to_live(ground: Ground) -> Told {
    ground.start("brief", "exit 0", json!({"ttlSecondsAfterFinished": 3})).await?;
    ground.until_gone("brief").await
}

async fn log_has_stamped_lines_and_is_missing_without_a_pod(ground: Ground) -> Told {
    let api = ground.api::<Pod>();
    refused(api.logs("nobody", &LogParams::default()).await, 404, "NotFound")?;
    ground.start("loud", "echo one; echo two; sleep 600", json!({})).await?;
    let pod = ground.until_phase("loud", "Running").await?;
    let parameters = LogParams { timestamps: true, ..LogParams::default() };
    let text = ground
        .until("both lines are there", || async {
            let text = api.logs(&pod.name_any(), &parameters).await.map_err(|e| e.to_string())?;
            Ok((text.lines().count() == 2).then_some(text))
        })
        .await?;
    let stamped = text.lines().zip(["one", "two"]).all(|(line, word)| {
        line.split_once(' ').is_some_and(|(stamp, rest)| rest == word && stamp.parse::<jiff::Timestamp>().is_ok())
    });
    check(stamped, || format!("log is {text:?}"))
}

async fn stale_resource_version_is_a_conflict(ground: Ground) -> Told {
    let old = ground.trial("stale-0000", None).await?;
    let mut new = old.clone();
    new.spec.target_level = 9;
    let api = ground.api::<Trial>();
    api.replace("stale-0000", &PostParams::default(), &new).await.map_err(|e| e.to_string())?;
    refused(api.replace("stale-0000", &PostParams::default(), &new).await, 409, "Conflict")?;
    refused(api.replace_status("stale-0000", &PostParams::default(), &old).await, 409, "Conflict")
}

async fn put_of_a_custom_resource_without_version_is_refused(ground: Ground) -> Told {
    let mut trial = ground.trial("bare-0000", None).await?;
    trial.metadata.resource_version = None;
    trial.spec.target_level = 9;
    let answer = ground.api::<Trial>().replace("bare-0000", &PostParams::default(), &trial).await;
    refused(answer, 422, "Invalid")
}

async fn taken_name_already_exists(ground: Ground) -> Told {
    let mut trial = ground.trial("taken-0000", None).await?;
    trial.metadata.resource_version = None;
    refused(ground.api::<Trial>().create(&PostParams::default(), &trial).await, 409, "AlreadyExists")
}

async fn deletion_with_another_uid_is_a_conflict(ground: Ground) -> Told {
    ground.trial("mine-0000", None).await?;
    let preconditions =
        Preconditions { uid: Some("00000000-0000-0000-0000-000000000000".to_owned()), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    refused(ground.api::<Trial>().delete("mine-0000", &parameters).await.map(|_| ()), 409, "Conflict")
}

async fn dry_run_keeps_nothing(ground: Ground) -> Told {
    let api = ground.api::<Job>();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &ground.job("dry", "exit 0", json!({}))?).await.map_err(|e| e.to_string())?;
    check(api.get_opt("dry").await.map_err(|e| e.to_string())?.is_none(), || "it was kept".to_owned())?;
    let mut wrong = ground.job("dry", "exit 0", json!({}))?;
    if let Some(spec) = wrong.spec.as_mut().and_then(|s| s.template.spec.as_mut()) {
        spec.restart_policy = Some("Always".to_owned());
    }
    refused(api.create(&dry, &wrong).await, 422, "Invalid")
}

async fn put_without_change_keeps_the_version(ground: Ground) -> Told {
    let trial = ground.trial("same-0000", None).await?;
    let again =
        ground.api::<Trial>().replace("same-0000", &PostParams::default(), &trial).await.map_err(|e| e.to_string())?;
    check(again.resource_version() == trial.resource_version(), || "the version moved".to_owned())
}

async fn status_and_spec_are_written_apart(ground: Ground) -> Told {
    let api = ground.api::<Trial>();
    let mut trial = ground.trial("apart-0000", None).await?;
    trial.spec.target_level = 9;
    trial.status = Some(trimtab_api::TrialStatus { spent_fidelity: 2, ..Default::default() });
    let by_status =
        api.replace_status("apart-0000", &PostParams::default(), &trial).await.map_err(|e| e.to_string())?;
    let spent = by_status.status.as_ref().map(|s| s.spent_fidelity);
    check(by_status.spec.target_level == 3 && spent == Some(2), || format!("after the status: {by_status:?}"))?;
    let mut next = by_status.clone();
    next.spec.target_level = 9;
    next.status = Some(trimtab_api::TrialStatus { spent_fidelity: 5, ..Default::default() });
    let by_spec = api.replace("apart-0000", &PostParams::default(), &next).await.map_err(|e| e.to_string())?;
    let spent = by_spec.status.as_ref().map(|s| s.spent_fidelity);
    check(by_spec.spec.target_level == 9 && spent == Some(2), || format!("after the spec: {by_spec:?}"))
}

async fn generation_counts_changes_of_the_spec(ground: Ground) -> Told {
    let api = ground.api::<Trial>();
    let mut trial = ground.trial("counted-0000", None).await?;
    check(trial.metadata.generation == Some(1), || "it does not begin at 1".to_owned())?;
    trial.status = Some(trimtab_api::TrialStatus { spent_fidelity: 2, ..Default::default() });
    let mut next =
        api.replace_status("counted-0000", &PostParams::default(), &trial).await.map_err(|e| e.to_string())?;
    check(next.metadata.generation == Some(1), || "the status counted".to_owned())?;
    next.metadata.labels.get_or_insert_default().insert("other".to_owned(), "x".to_owned());
    let mut next = api.replace("counted-0000", &PostParams::default(), &next).await.map_err(|e| e.to_string())?;
    check(next.metadata.generation == Some(1), || "the labels counted".to_owned())?;
    next.spec.target_level = 9;
    let next = api.replace("counted-0000", &PostParams::default(), &next).await.map_err(|e| e.to_string())?;
    check(next.metadata.generation == Some(2), || "the spec did not count".to_owned())
}

async fn target_level_of_a_trial_never_falls(ground: Ground) -> Told {
    let mut trial = ground.trial("level-0000", None).await?;
    trial.spec.target_level = 1;
    refused(ground.api::<Trial>().replace("level-0000", &PostParams::default(), &trial).await, 422, "Invalid")
}

async fn stop_of_a_trial_is_never_unset(ground: Ground) -> Told {
    let api = ground.api::<Trial>();
    let mut trial = ground.trial("ended-0000", None).await?;
    trial.spec.stop =
        Some(trimtab_api::trial::StopRequest { reason: "RungLost".to_owned(), message: "lost".to_owned() });
    let mut stopped = api.replace("ended-0000", &PostParams::default(), &trial).await.map_err(|e| e.to_string())?;
    stopped.spec.stop = None;
    refused(api.replace("ended-0000", &PostParams::default(), &stopped).await, 422, "Invalid")
}

async fn trials_of_a_deleted_study_go_after_it(ground: Ground) -> Told {
    let study = ground.study("parent").await?;
    ground.trial("parent-0000", Some(&study)).await?;
    ground.api::<Study>().delete("parent", &DeleteParams::default()).await.map_err(|e| e.to_string())?;
    let api = ground.api::<Trial>();
    ground
        .until("the trial is gone", || async {
            Ok(api.get_opt("parent-0000").await.map_err(|e| e.to_string())?.is_none().then_some(()))
        })
        .await
}

async fn list_selects_by_label(ground: Ground) -> Told {
    ground.trial("left-0000", None).await?;
    ground.trial("right-0000", None).await?;
    let list = ground
        .api::<Trial>()
        .list(&ListParams::default().labels("story=left-0000"))
        .await
        .map_err(|e| e.to_string())?;
    let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
    check(names == ["left-0000"], || format!("{names:?}"))
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
