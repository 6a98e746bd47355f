//! Studies that get into every kind of trouble for which there is a panel or an alert.

use std::sync::Arc;

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use trimtab_api::names::STUDY_LABEL;
use trimtab_e2e::environment::Environment;
use trimtab_e2e::picture::phase;
use trimtab_e2e::place::Place;
use trimtab_e2e::{programs, studies};

/// The Study with pods that a namespace takes which enforces `restricted`.
pub(crate) fn restricted(study: Value) -> Value {
    let user = json!({"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}});
    let rights = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let study = studies::with_pod(study, json!({"securityContext": user}));
    studies::with_container(study, json!({"securityContext": rights}))
}

/// The namespaces of Studies in trouble.
pub(crate) struct Trouble {
    /// All kinds but those that have a namespace to themselves.
    pub(crate) mixed: Place,
    /// One that no node has room for.
    pub(crate) room: Place,
    /// One that a quota holds back.
    pub(crate) quota: Place,
}

/// The Studies in `mixed` that end by themselves.
pub(crate) const ENDING: [&str; 7] = ["failing", "unread", "no-image", "near-limit", "losers", "gpus", "evicted"];

/// Makes them all.
pub(crate) async fn make(environment: &Arc<Environment>) -> Result<Trouble> {
    let mixed = Place::restricted(environment, "trouble").await?;
    let (quota, room) = (Place::restricted(environment, "quota").await?, Place::restricted(environment, "room").await?);
    let make = async |place: &Place, study: Value| place.create(restricted(study)).await.map(drop);

    // Six that fail, of eight, each after so long that whole seconds are wasted.
    let exits = ["--mode=exit", "--at=1", "--only-trial=0,1,2,3,4,5", "--pace-ms=1500"];
    make(&mixed, studies::with(studies::plain("failing", 8, 2, &exits), json!({"limits": {"failedTrials": 20}})))
        .await?;
    // A metric that is printed and cannot be read: a decimal comma. Six runs without a value.
    let unread = studies::with(
        studies::plain("unread", 6, 1, &[]),
        json!({
            "objectives": [{"metric": "value", "goal": "Minimize"}], "recordMetrics": null, "fidelity": null, "parallelism": 2,
            "trial": {"metrics": null},
        }),
    );
    let sample = json!({"image": programs::OPERATOR, "args": ["sample", "--x=0,5"]});
    make(&mixed, studies::with_container(unread, sample)).await?;
    let typo = json!({"image": "docker.io/local/no-such-image:dev"});
    make(&mixed, studies::with_container(studies::plain("no-image", 1, 1, &[]), typo)).await?;
    // It hangs until its time is over, and is at nine tenths of it for five seconds.
    let limits = json!({"limits": {"activeSeconds": 50}});
    make(&mixed, studies::with(studies::plain("near-limit", 1, 2, &["--mode=hang", "--at=2"]), limits)).await?;
    // Losers are stopped while they run.
    let scheduler =
        json!({"successiveHalving": {"reductionFactor": 3, "configurations": 3, "withoutCheckpoint": "RunThrough"}});
    let spec = json!({"parallelism": 3, "fidelity": {"min": 3, "max": 9}, "scheduler": scheduler, "limits": null});
    make(&mixed, studies::with(studies::plain("losers", 1, 9, &["--pace-ms=700"]), spec)).await?;
    // Three that queue for two GPUs, of which they may use an hour.
    let hours = json!({"parallelism": 3, "limits": {"resourceHours": [{"resource": "nvidia.com/gpu", "hours": 1}]}});
    let gpus = studies::with(studies::plain("gpus", 3, 6, &["--pace-ms=700"]), hours);
    make(&mixed, studies::with_container(gpus, json!({"resources": {"limits": {"nvidia.com/gpu": 1}}}))).await?;
    make(&mixed, studies::plain("evicted", 1, 8, &["--pace-ms=700"])).await?;

    let many = json!({"resources": {"limits": {"nvidia.com/gpu": 16}}});
    make(&room, studies::with_container(studies::plain("room", 1, 1, &[]), many)).await?;

    let hard = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "one", "namespace": quota.namespace},
        "spec": {"hard": {"count/jobs.batch": "1"}},
    });
    environment.cluster().apply(&hard.to_string())?;
    let spec = json!({"parallelism": 2});
    make(&quota, studies::with(studies::plain("quota", 2, 6, &["--pace-ms=500"]), spec)).await?;
    Ok(Trouble { mixed, room, quota })
}

impl Trouble {
    /// Takes the pod of the Study `evicted` away while it trains.
    pub(crate) async fn evict(&self) -> Result<()> {
        let running = |pod: &&Pod| {
            pod.labels().get(STUDY_LABEL).is_some_and(|study| study == "evicted") && phase(pod) == "Running"
        };
        let pod = self
            .mixed
            .until("a pod of `evicted` runs", 90, |picture| {
                picture.pods.values().find(running).map(|pod| pod.name_any())
            })
            .await?;
        self.mixed.api::<Pod>().delete(&pod, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Waits until all that ends has ended.
    pub(crate) async fn end(&self) -> Result<()> {
        self.mixed
            .until("all Studies in trouble have ended", 240, |picture| {
                let ended = |study: &&str| picture.is(study, "Complete") || picture.is(study, "Failed");
                ENDING.iter().all(ended).then_some(())
            })
            .await?;
        self.quota.complete("quota", 120).await?;
        Ok(())
    }

    /// The places.
    pub(crate) fn places(&self) -> [&Place; 3] {
        [&self.mixed, &self.room, &self.quota]
    }
}
