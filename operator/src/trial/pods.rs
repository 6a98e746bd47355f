//! What a pod says about the run that it carries. Pure: takes what is kept of a pod, returns facts.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::kept::Pod;

/// The facts of a pod that a run is judged by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PodFacts {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) created: Option<Timestamp>,
    /// The training container runs now.
    pub(crate) running: bool,
    /// The training container has run, so that there is or was a log.
    pub(crate) started: bool,
    /// When the training container of this pod began to run, by its node's clock.
    pub(crate) began: Option<Timestamp>,
    /// How the training container ended.
    pub(crate) terminated: Option<Terminated>,
    /// The pod will not run again.
    pub(crate) terminal: bool,
    /// Why the container cannot start, where that needs a person: a reason of ours, and the kubelet's words.
    pub(crate) cannot_start: Option<(&'static str, String)>,
    /// Why the pod has no node.
    pub(crate) unschedulable: Option<String>,
    /// The pod was evicted, preempted or otherwise disrupted: reason and message.
    pub(crate) disrupted: Option<String>,
    /// When the API server was told to delete it.
    pub(crate) deleting: Option<Timestamp>,
    /// How long it may take to stop.
    pub(crate) grace_seconds: i64,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Terminated {
    pub(crate) exit_code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// How long it ran; absent where its node does not know.
    pub(crate) seconds: Option<u64>,
    pub(crate) finished: Option<Timestamp>,
}

/// Reads the facts of `pod`, whose training container is `container` (the first one, if that name is empty).
pub(crate) fn facts(pod: &Pod, container: &str) -> PodFacts {
    use trimtab_api::conditions::reason;
    let status = pod.status.clone().unwrap_or_default();
    let phase = status.phase.as_deref().unwrap_or_default();
    let mut facts = PodFacts {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        created: pod.metadata.creation_timestamp.as_ref().map(|t| t.0),
        terminal: matches!(phase, "Succeeded" | "Failed"),
        deleting: pod.metadata.deletion_timestamp.as_ref().map(|t| t.0),
        grace_seconds: pod.metadata.deletion_grace_period_seconds.unwrap_or(30),
        ..PodFacts::default()
    };
    for condition in status.conditions.iter().flatten() {
        let words = format!(
            "{}: {}",
            condition.reason.as_deref().unwrap_or_default(),
            condition.message.as_deref().unwrap_or_default()
        );
        match (condition.type_.as_str(), condition.status.as_str()) {
            ("DisruptionTarget", "True") => facts.disrupted = Some(words),
            ("PodScheduled", "False") => facts.unschedulable = Some(words),
            _ => {}
        }
    }
    // A pod that the kubelet itself evicted carries its reason on the status.
    if facts.disrupted.is_none()
        && matches!(
            status.reason.as_deref(),
            Some("Evicted" | "NodeLost" | "Preempting" | "Shutdown" | "NodeShutdown" | "Terminated")
        )
    {
        facts.disrupted = Some(format!(
            "{}: {}",
            status.reason.clone().unwrap_or_default(),
            status.message.clone().unwrap_or_default()
        ));
    }
    let statuses: Vec<_> = status.container_statuses.iter().flatten().collect();
    let named = statuses.iter().find(|s| s.name == container || container.is_empty());
    if let Some(state) = named.and_then(|s| s.state.as_ref()) {
        facts.running = state.running.is_some();
        let ended = state.terminated.as_ref();
        let began = ended
            .map_or_else(|| state.running.as_ref().and_then(|r| r.started_at.as_ref()), |end| end.started_at.as_ref());
        // One that never ran has begun in 1970.
        facts.began = began.map(|at| at.0).filter(|at| at.as_second() > 0);
        if let Some(end) = ended {
            let finished = end.finished_at.as_ref().map(|at| at.0);
            let seconds = facts.began.zip(finished).map(|(from, to)| crate::clock::seconds_between(from, to));
            facts.terminated = Some(Terminated {
                exit_code: end.exit_code,
                reason: end.reason.clone().unwrap_or_default(),
                message: end.message.clone().unwrap_or_default(),
                seconds,
                finished,
            });
        }
        facts.started = state.running.is_some() || state.terminated.as_ref().is_some_and(|t| t.started_at.is_some());
    }
    // Any container of the pod, init containers included, can keep the run from starting.
    for held in status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten()) {
        if let Some(waiting) = held.state.as_ref().and_then(|s| s.waiting.as_ref()) {
            let ours = match waiting.reason.as_deref().unwrap_or_default() {
                "ErrImagePull"
                | "ImagePullBackOff"
                | "InvalidImageName"
                | "ErrImageNeverPull"
                | "ImageInspectError"
                | "RegistryUnavailable" => reason::IMAGE,
                "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => reason::CONFIG,
                _ => continue,
            };
            facts.cannot_start = Some((
                ours,
                format!(
                    "container {}: {}: {}",
                    held.name,
                    waiting.reason.as_deref().unwrap_or_default(),
                    waiting.message.as_deref().unwrap_or_default()
                ),
            ));
        }
    }
    facts
}
