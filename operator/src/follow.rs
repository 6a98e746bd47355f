//! Follows the logs of running pods, so that a metric line is known the moment it is printed.
//!
//! A follower holds no truth: what it has read and nobody has recorded is read again by whoever comes next, from the cursor in
//! the Trial's status. It nudges the Trial when a line may matter, and the reconcile takes the reports from here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::AsyncReadExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use trimtab_protocol::Report;

use crate::metrics::Metrics;
use crate::reading::{Place, Reading};

/// The most reports that wait to be recorded before a follower stops reading.
const WAITING: usize = 4096;
/// How often progress that decides nothing is recorded.
const SHOW: Duration = Duration::from_secs(10);
/// What a pod may print before people are told that it is too much, in bytes.
pub(crate) const TOO_MUCH: u64 = 32 << 20;
/// How long to wait before a log that broke off is followed again.
const REST: Duration = Duration::from_secs(1);
/// How much of a log a follower reads a second before it rests, so that a pod that prints too much starves nobody.
const BYTES_A_SECOND: u64 = 8 << 20;

/// What to follow.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) namespace: String,
    pub(crate) trial: String,
    pub(crate) pod: String,
    pub(crate) pod_uid: String,
    pub(crate) container: String,
    pub(crate) metrics: trimtab_protocol::Metrics,
    pub(crate) place: Place,
    /// The metrics that decide, each with the levels that it is still to reach, rising.
    pub(crate) levels: BTreeMap<String, Vec<u32>>,
}

#[derive(Debug, Default)]
struct Held {
    reports: Vec<Report>,
    place: Place,
    over: bool,
    bytes: u64,
    told: bool,
}

impl Held {
    fn taken(&self) -> Taken {
        Taken { reports: self.reports.clone(), place: self.place.clone(), bytes: self.bytes }
    }
}

#[derive(Debug)]
struct Follow {
    namespace: String,
    trial: String,
    held: Arc<Mutex<Held>>,
    room: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a follower has for the reconcile.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) reports: Vec<Report>,
    pub(crate) place: Place,
    pub(crate) bytes: u64,
}

/// All followers of an operator.
#[derive(Debug)]
pub(crate) struct Follows {
    client: crate::context::ClientHandle,
    cap: usize,
    nudge: mpsc::UnboundedSender<(String, String)>,
    metrics: Metrics,
    all: Mutex<BTreeMap<String, Follow>>,
}

impl Follows {
    pub(crate) fn new(
        client: Client,
        cap: usize,
        nudge: mpsc::UnboundedSender<(String, String)>,
        metrics: Metrics,
    ) -> Self {
        Self { client: crate::context::ClientHandle(client), cap, nudge, metrics, all: Mutex::default() }
    }

    /// What has been read of the target's log, which is followed from now on if it was not; `None` where there are too many followers.
    pub(crate) fn take(&self, target: &Target) -> Option<Taken> {
        if self.cap == 0 {
            return None;
        }
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(follow) = all.get(&target.pod_uid) {
            let mut held = follow.held.lock().unwrap_or_else(PoisonError::into_inner);
            // Too much is told of once.
            let bytes = if held.told { 0 } else { held.bytes };
            held.told |= bytes > TOO_MUCH;
            let taken = Taken { bytes, ..held.taken() };
            let again = held.over && taken.reports.is_empty();
            drop(held);
            if !again {
                return Some(taken);
            }
            // The stream broke, and everything it gave is recorded: begin again where it ended, which the cursor need not know yet,
            // but do not hammer a kubelet whose container has ended and whose pod does not say so yet.
            all.remove(&target.pod_uid);
            self.begin(&mut all, &Target { place: taken.place.clone(), ..target.clone() }, REST);
            return Some(taken);
        }
        if all.len() >= self.cap {
            // Followers whose Trial is gone have ended with its pod, and nobody came to collect them.
            all.retain(|_, follow| !follow.task.is_finished());
        }
        if all.len() >= self.cap {
            return None;
        }
        self.begin(&mut all, target, Duration::ZERO);
        Some(Taken { reports: Vec::new(), place: target.place.clone(), bytes: 0 })
    }

    fn begin(&self, all: &mut BTreeMap<String, Follow>, target: &Target, delay: Duration) {
        let held = Arc::new(Mutex::new(Held { place: target.place.clone(), ..Held::default() }));
        let room = Arc::new(Notify::new());
        let (client, nudge, metrics) = (self.client.0.clone(), self.nudge.clone(), self.metrics.clone());
        let (of, with, until) = (target.clone(), Arc::clone(&held), Arc::clone(&room));
        let task = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            follow(client, of, with, until, nudge, metrics).await;
        });
        all.insert(
            target.pod_uid.clone(),
            Follow { namespace: target.namespace.clone(), trial: target.trial.clone(), held, room, task },
        );
    }

    /// What is left of a trial's logs whose pods are gone: the pod and what was read of its log and is not recorded yet.
    pub(crate) fn take_rest(&self, namespace: &str, trial: &str, present: &[&str]) -> Option<(String, Taken)> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = |(uid, follow): &(&String, &Follow)| {
            follow.namespace == namespace && follow.trial == trial && !present.contains(&uid.as_str())
        };
        let uid = all.iter().find(gone).map(|(uid, _)| uid.clone())?;
        let taken = all.get(&uid)?.held.lock().unwrap_or_else(PoisonError::into_inner).taken();
        if taken.reports.is_empty() {
            all.remove(&uid);
            return None;
        }
        Some((uid, taken))
    }

    /// What was read of this pod's log and is not recorded yet, and how far it was read; `None` when it was not followed.
    pub(crate) fn left(&self, pod_uid: &str) -> Option<Taken> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        Some(all.get(pod_uid)?.held.lock().unwrap_or_else(PoisonError::into_inner).taken())
    }

    /// The first `count` reports taken are recorded.
    pub(crate) fn recorded(&self, pod_uid: &str, count: usize) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(follow) = all.get(pod_uid) {
            let mut held = follow.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = count.min(held.reports.len());
            held.reports.drain(..count);
            follow.room.notify_one();
        }
    }

    /// Nobody needs the followers of this trial any more.
    pub(crate) fn forget(&self, namespace: &str, trial: &str) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, follow| follow.namespace != namespace || follow.trial != trial);
    }
}

async fn follow(
    client: Client,
    target: Target,
    held: Arc<Mutex<Held>>,
    room: Arc<Notify>,
    nudge: mpsc::UnboundedSender<(String, String)>,
    metrics: Metrics,
) {
    let api: Api<Pod> = Api::namespaced(client, &target.namespace);
    let parameters = LogParams {
        container: Some(target.container.clone()),
        follow: true,
        timestamps: true,
        since_time: target.place.since().and_then(|t| t.checked_sub(jiff::SignedDuration::from_secs(1)).ok()),
        ..LogParams::default()
    };
    let poke = || {
        // The receiver is gone only when the operator is on its way out.
        let _ = nudge.send((target.namespace.clone(), target.trial.clone()));
    };
    match api.log_stream(&target.pod, &parameters).await {
        Ok(stream) => {
            let _open = metrics.following();
            let mut stream = Box::pin(stream);
            let mut reading = Reading::from(&target.metrics, target.place.clone());
            let mut levels = target.levels.clone();
            let mut shown = Instant::now();
            let mut second = (Instant::now(), 0_u64);
            let mut buffer = vec![0_u8; 32 << 10];
            loop {
                let read = match stream.read(&mut buffer).await {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) => {
                        metrics.unread("follow");
                        tracing::debug!(%error, pod = target.pod, "a followed log broke off");
                        break;
                    }
                };
                reading.push(buffer.get(..read).unwrap_or_default());
                metrics.read(&mut reading);
                let fresh = std::mem::take(&mut reading.reports);
                let mut matters = false;
                for report in &fresh {
                    let Some(left) = levels.get_mut(&report.metric) else { continue };
                    let before = left.len();
                    left.retain(|level| report.fidelity.is_none_or(|reached| f64::from(*level) > reached));
                    matters |= left.len() < before || !report.value.is_finite();
                }
                let something = !fresh.is_empty();
                let full = {
                    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                    held.reports.extend(fresh);
                    held.place = reading.place.clone();
                    held.bytes = reading.bytes;
                    held.reports.len() >= WAITING
                };
                if matters || full || (something && shown.elapsed() >= SHOW) {
                    shown = Instant::now();
                    poke();
                }
                if full {
                    room.notified().await;
                }
                second.1 += read as u64;
                if second.1 > BYTES_A_SECOND {
                    tokio::time::sleep_until(second.0 + Duration::from_secs(1)).await;
                }
                if second.0.elapsed() >= Duration::from_secs(1) {
                    second = (Instant::now(), 0);
                }
            }
        }
        Err(error) => {
            metrics.unread("follow");
            tracing::debug!(%error, pod = target.pod, "a log cannot be followed");
            // The next attempt is the poll's or a new follower's; do not hammer a kubelet that is away.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
    held.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    poke();
}
