//! Every verb of the operator's permissions is needed: with all of them a Study goes through every stage, and without any one it
//! stops at a stage that a table names. The test plays scheduler, Job controller and kubelet, for there is none here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use futures::StreamExt as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use trimtab_e2e::environment::{Environment, eventually};
use trimtab_e2e::operator::Operator;
use trimtab_e2e::picture::Picture;
use trimtab_e2e::place::Place;
use trimtab_e2e::{programs, studies};

/// How far a Study comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The operator holds the lease, and holds it still when it was to be renewed.
    Leads,
    /// The Study was seen, its pod and Job were tried out, and it is accepted.
    Accepted,
    /// The decision that could not be carried out, because a quota forbade the Trial, is carried out when it can be.
    TakenUp,
    /// The Trial's Job is there.
    Started,
    /// The Job's pod was seen to run.
    Runs,
    /// The pod's log was asked for. There is no kubelet to give it.
    Reads,
    /// The suspended Study's Job is deleted.
    Ends,
    /// There are events of what happened, and the log says that nothing was refused.
    Tells,
}

const STAGES: [Stage; 8] = [
    Stage::Leads,
    Stage::Accepted,
    Stage::TakenUp,
    Stage::Started,
    Stage::Runs,
    Stage::Reads,
    Stage::Ends,
    Stage::Tells,
];

/// Group, resource, verb, and the stage that is not reached without it.
const NEEDED: &[(&str, &str, &str, Stage)] = &[
    ("trimtab.dev", "studies", "get", Stage::TakenUp),
    ("trimtab.dev", "studies", "list", Stage::Accepted),
    ("trimtab.dev", "studies", "watch", Stage::Accepted),
    ("trimtab.dev", "trials", "get", Stage::TakenUp),
    ("trimtab.dev", "trials", "list", Stage::Accepted),
    ("trimtab.dev", "trials", "watch", Stage::Started),
    ("trimtab.dev", "trials", "create", Stage::TakenUp),
    ("trimtab.dev", "trials", "update", Stage::Ends),
    ("trimtab.dev", "studies/status", "update", Stage::Accepted),
    ("trimtab.dev", "trials/status", "update", Stage::Started),
    ("trimtab.dev", "studies/finalizers", "update", Stage::TakenUp),
    ("trimtab.dev", "trials/finalizers", "update", Stage::Accepted),
    ("batch", "jobs", "get", Stage::Runs),
    ("batch", "jobs", "list", Stage::Accepted),
    ("batch", "jobs", "watch", Stage::Tells),
    ("batch", "jobs", "create", Stage::Accepted),
    ("batch", "jobs", "delete", Stage::Ends),
    ("", "pods", "list", Stage::Accepted),
    ("", "pods", "watch", Stage::Runs),
    ("", "pods", "create", Stage::Accepted),
    ("", "pods/log", "get", Stage::Reads),
    ("events.k8s.io", "events", "create", Stage::Tells),
    ("coordination.k8s.io", "leases", "get", Stage::Leads),
    ("coordination.k8s.io", "leases", "create", Stage::Leads),
    ("coordination.k8s.io", "leases", "patch", Stage::Leads),
];

type Verb = (String, String, String);

/// All that the operator may do, in its lease's namespace and elsewhere.
fn granted() -> Result<BTreeSet<Verb>> {
    let text = std::fs::read_to_string(programs::root().join("deploy/rbac.yaml"))?;
    let mut all = BTreeSet::new();
    for document in text.split("\n---\n") {
        let object: Value = serde_saphyr::from_str(document).map_err(|error| anyhow!("{error}"))?;
        for rule in object.get("rules").and_then(Value::as_array).into_iter().flatten() {
            let words = |key: &str| -> Vec<String> {
                let list = rule.get(key).and_then(Value::as_array).into_iter().flatten();
                list.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            for group in words("apiGroups") {
                for resource in words("resources") {
                    all.extend(words("verbs").into_iter().map(|verb| (group.clone(), resource.clone(), verb)));
                }
            }
        }
    }
    ensure!(!all.is_empty(), "deploy/rbac.yaml grants nothing");
    Ok(all)
}

pub(crate) async fn every_verb_is_needed(environment: Arc<Environment>) -> Result<()> {
    let granted = granted()?;
    let needed: BTreeSet<Verb> =
        NEEDED.iter().map(|(g, r, v, _)| ((*g).to_owned(), (*r).to_owned(), (*v).to_owned())).collect();
    let spare: Vec<_> = granted.difference(&needed).collect();
    ensure!(spare.is_empty(), "nothing is known to fail without {spare:?}");
    let missing: Vec<_> = needed.difference(&granted).collect();
    ensure!(missing.is_empty(), "{missing:?} is in the table and not in the role");

    let play = Play::begin(&environment, &granted, None).await?;
    let stopped = play.perform(None).await?;
    ensure!(stopped.is_none(), "with every verb it stops at {stopped:?}\n{}", play.describe().await);
    play.end().await?;

    let answers: Vec<Result<()>> = futures::stream::iter(NEEDED)
        .map(|(group, resource, verb, stage)| {
            let without = ((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned());
            let (environment, granted) = (Arc::clone(&environment), &granted);
            async move {
                let play = Play::begin(&environment, granted, Some(&without)).await?;
                let stopped = play.perform(Some(*stage)).await?;
                ensure!(
                    stopped == Some(*stage),
                    "without {verb} {resource} it stops at {stopped:?} and not at {stage:?}\n{}",
                    play.describe().await
                );
                play.end().await
            }
        })
        .buffer_unordered(8)
        .collect()
        .await;
    let wrong: Vec<String> = answers.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

/// A Study under an operator with permissions of its own.
struct Play {
    place: Place,
    operator: Operator,
}

impl Play {
    /// A namespace, an account with these permissions but one, and its operator.
    async fn begin(environment: &Arc<Environment>, granted: &BTreeSet<Verb>, without: Option<&Verb>) -> Result<Self> {
        let namespace = environment.namespace("verbs").await?;
        let rules: Vec<Value> = granted
            .iter()
            .filter(|verb| Some(*verb) != without)
            .map(|(group, resource, verb)| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]}))
            .collect();
        let meta = json!({"name": "operator", "namespace": namespace});
        let account = json!({"kind": "ServiceAccount", "name": "operator", "namespace": namespace});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": rules},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta, "subjects": [account],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"},
            },
            // Every Trial is refused until the quota is gone.
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": {"count/trials.trimtab.dev": "0"}}},
        ]});
        environment.cluster().apply(&list.to_string())?;
        // Nobody counts here, so the test says what is used of the quota.
        let none = json!({"count/trials.trimtab.dev": "0"});
        let counted = json!({"status": {"hard": none, "used": none}}).to_string();
        environment.kubectl(
            &namespace,
            &["patch", "resourcequota", "operator", "--subresource=status", "--type=merge", "--patch", &counted],
        )?;
        let kubeconfig = environment.cluster().service_account_kubeconfig(&namespace, "operator")?;
        let flags = ["--lease-namespace", &namespace, "--identity", "only"];
        let folder = environment.cluster().run_dir();
        let operator =
            Operator::start(&environment.operator, &kubeconfig, folder, &namespace, Some(&namespace), &flags)?;
        Ok(Self { place: Place { environment: Arc::clone(environment), namespace }, operator })
    }

    /// Goes through the stages; returns the one that was not reached. At the one where it is expected to stop, a refusal ends the wait.
    async fn perform(&self, expected: Option<Stage>) -> Result<Option<Stage>> {
        for stage in STAGES {
            self.prepare(stage).await.with_context(|| format!("{stage:?}"))?;
            let mut deadline = Instant::now() + Duration::from_secs(90);
            let mut refused = false;
            while !self.is_reached(stage).await.with_context(|| format!("{stage:?}"))? {
                // What was refused once is refused again; a moment is left for what does not depend on it.
                if Some(stage) == expected && !refused && self.was_refused() {
                    refused = true;
                    deadline = deadline.min(Instant::now() + Duration::from_secs(12));
                }
                if Instant::now() > deadline {
                    return Ok(Some(stage));
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        Ok(None)
    }

    /// Whether the log speaks of a permission that is missing. What the quota forbids is part of the play.
    fn was_refused(&self) -> bool {
        let log = self.operator.log().to_lowercase();
        log.lines().any(|line| line.contains("forbidden") && !line.contains("quota"))
    }

    async fn prepare(&self, stage: Stage) -> Result<()> {
        match stage {
            Stage::Leads | Stage::Started | Stage::Reads | Stage::Tells => {}
            Stage::Accepted => {
                self.place.create(studies::with(studies::plain("one", 1, 2, &[]), json!({"parallelism": 1}))).await?;
            }
            Stage::TakenUp => {
                let decided = |picture: &Picture| picture.studies.get("one")?.status.as_ref()?.batch.clone();
                self.place.until("something is decided", 45, decided).await?;
                // The first attempt must have met the quota, unless it fails by what is missing.
                let tried = async || Ok(self.operator.log().contains("quota") || self.was_refused());
                ensure!(eventually(tried).await?, "no Trial was tried\n{}", self.operator.tail(20));
                self.place.api::<ResourceQuota>().delete("operator", &DeleteParams::default()).await?;
            }
            Stage::Runs => self.play_the_kubelet().await?,
            Stage::Ends => {
                self.place.change("one", json!({"suspend": true})).await?;
            }
        }
        Ok(())
    }

    /// Makes the Job's pod, and has it run.
    async fn play_the_kubelet(&self) -> Result<()> {
        let picture = self.place.picture().await?;
        let job = picture.jobs.values().next().context("no Job")?;
        let template = serde_json::to_value(&job.spec.as_ref().context("no spec")?.template)?;
        let owner = json!({
            "apiVersion": "batch/v1", "kind": "Job", "name": job.metadata.name, "uid": job.metadata.uid, "controller": true,
        });
        let pod = json!({
            "metadata": {
                "name": "one-0000-r1-xyz", "labels": template.pointer("/metadata/labels"), "ownerReferences": [owner]
            },
            "spec": template["spec"],
        });
        let mut pod: Pod = serde_json::from_value(pod)?;
        if let Some(spec) = &mut pod.spec {
            spec.node_name = Some("nowhere".to_owned());
        }
        self.place.api::<Pod>().create(&PostParams::default(), &pod).await?;
        let now = jiff::Timestamp::now().to_string();
        let container = json!({
            "name": "train", "image": "x", "imageID": "x", "ready": true, "restartCount": 0, "started": true,
            "state": {"running": {"startedAt": now}},
        });
        let status = json!({"status": {"phase": "Running", "startTime": now, "containerStatuses": [container]}});
        let pods = self.place.api::<Pod>();
        pods.patch_status("one-0000-r1-xyz", &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }

    async fn is_reached(&self, stage: Stage) -> Result<bool> {
        if stage == Stage::Leads {
            return Ok(self.operator.log().contains("holding the lease"));
        }
        let picture = self.place.picture().await?;
        Ok(match stage {
            Stage::Leads => true,
            Stage::Accepted => picture.is("one", "Accepted"),
            Stage::TakenUp => !picture.trials.is_empty(),
            Stage::Started => !picture.jobs.is_empty(),
            Stage::Runs => {
                let status = picture.status("one", 0).cloned().unwrap_or_default();
                status.conditions.iter().any(|condition| condition.type_ == "Running" && condition.status == "True")
            }
            Stage::Reads => self.log_was_asked_for()?,
            Stage::Ends => {
                let jobs = self.place.api::<Job>().list(&ListParams::default()).await?;
                jobs.items.iter().all(|job| job.metadata.deletion_timestamp.is_some())
            }
            Stage::Tells => {
                let events = self.place.api::<Event>().list(&ListParams::default()).await?;
                !events.items.is_empty() && !self.was_refused()
            }
        })
    }

    /// Whether the operator got past the question of permission; that there is no kubelet is another matter.
    fn log_was_asked_for(&self) -> Result<bool> {
        let user = format!("system:serviceaccount:{}:operator", self.place.namespace);
        let log = self.place.environment.cluster().audit_log()?;
        let calls = trimtab_e2e::audit::calls_of(&log, &user, Some(&self.place.namespace))?;
        Ok(calls.iter().any(|call| call.resource == "pods/log" && call.code != 403))
    }

    async fn describe(&self) -> String {
        let picture = self.place.picture().await.map(|picture| picture.describe()).unwrap_or_default();
        format!("{picture}\n--- the operator's log\n{}", self.operator.tail(30))
    }

    async fn end(mut self) -> Result<()> {
        self.operator.kill()?;
        let namespaces = kube::Api::<k8s_openapi::api::core::v1::Namespace>::all(self.place.environment.client.clone());
        namespaces.delete(&self.place.namespace, &DeleteParams::default()).await?;
        Ok(())
    }
}
