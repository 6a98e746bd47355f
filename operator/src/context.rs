//! What every reconcile is handed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::core::ObjectMeta;
use kube::{Client, Resource, ResourceExt};
use trimtab_api::{FieldError, Study, Trial, names};
use trimtab_engine::Plan;

use crate::backoff::Backoff;
use crate::cache::{Cache, Feed, cache};
use crate::clock::Clock;
use crate::follow::Follows;
use crate::kept::{Job, Pod};
use crate::metrics::Metrics;
use crate::overwritten::Overwritten;
use crate::quiet::PutOff;
use crate::study::book::{Books, Shelf};

/// What an operator is configured with.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many logs may be followed at once; beyond, they are polled. Zero polls all.
    pub follows: usize,
    /// How often a log that is not followed is read.
    pub poll: Duration,
    /// How long a run may wait on an image or configuration error before the trial is given up.
    pub start_deadline: Duration,
    /// How long after its deletion a pod may linger before its node counts as lost.
    pub lost_after: Duration,
    /// The first wait after an infrastructure failure; it doubles.
    pub retry_delay: Duration,
    /// The image that removes checkpoint folders: the operator's own. Without it, folders are left.
    pub cleanup_image: Option<String>,
    /// Of which Studies more is kept in memory than the objects.
    pub books: Books,
    /// What is counted; by default nothing.
    pub metrics: Metrics,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            follows: 256,
            poll: Duration::from_secs(5),
            start_deadline: Duration::from_secs(600),
            lost_after: Duration::from_secs(60),
            retry_delay: Duration::from_secs(10),
            cleanup_image: None,
            books: Books::default(),
            metrics: Metrics::default(),
        }
    }
}

/// The reading ends of all caches.
#[derive(Clone, Debug)]
pub struct Caches {
    /// Studies; no groups.
    pub studies: Cache<Study>,
    /// Trials, grouped by the UID of their Study.
    pub trials: Cache<Trial>,
    /// Jobs, grouped by the name of their Trial.
    pub jobs: Cache<Job>,
    /// Pods, grouped by the name of their Trial.
    pub pods: Cache<Pod>,
}

/// The writing ends of all caches.
#[derive(Debug)]
pub struct Feeds {
    /// Studies.
    pub studies: Feed<Study>,
    /// Trials.
    pub trials: Feed<Trial>,
    /// Jobs.
    pub jobs: Feed<Job>,
    /// Pods.
    pub pods: Feed<Pod>,
}

fn study_uid(meta: &ObjectMeta) -> Option<String> {
    // The owner reference is what the API server's garbage collector believes, so it decides, not the label.
    meta.owner_references
        .iter()
        .flatten()
        .find(|o| o.controller == Some(true) && o.kind == "Study")
        .map(|o| o.uid.clone())
}

fn trial_name(meta: &ObjectMeta) -> Option<String> {
    meta.labels.as_ref().and_then(|labels| labels.get(names::TRIAL_LABEL).cloned())
}

fn no_group(_: &ObjectMeta) -> Option<String> {
    None
}

/// A set of empty caches.
#[must_use]
pub fn caches() -> (Caches, Feeds) {
    let (studies, studies_feed) = cache(no_group);
    let (trials, trials_feed) = cache(study_uid);
    let (jobs, jobs_feed) = cache(trial_name);
    let (pods, pods_feed) = cache(trial_name);
    (
        Caches { studies, trials, jobs, pods },
        Feeds { studies: studies_feed, trials: trials_feed, jobs: jobs_feed, pods: pods_feed },
    )
}

/// Which reconciles an event asks for: namespace and name of a Study, of a Trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triggers {
    /// Studies to look at.
    pub studies: Vec<(String, String)>,
    /// Trials to look at.
    pub trials: Vec<(String, String)>,
}

/// What a changed Study asks for: itself. Its trials learn of it through their own specs, except on its first sight after a
/// restart, when each of them is seen for the first time as well.
#[must_use]
pub fn on_study(study: &Study) -> Triggers {
    Triggers { studies: vec![(study.namespace().unwrap_or_default(), study.name_any())], trials: Vec::new() }
}

/// What a changed Trial asks for: its Study and itself.
#[must_use]
pub fn on_trial(trial: &Trial) -> Triggers {
    let namespace = trial.namespace().unwrap_or_default();
    Triggers {
        studies: vec![(namespace.clone(), trial.spec.study_name.clone())],
        trials: vec![(namespace, trial.name_any())],
    }
}

/// What a changed Job or pod asks for: its Trial, by label.
#[must_use]
pub fn on_child<K: Resource>(child: &K) -> Triggers {
    let trials = trial_name(child.meta())
        .map(|name| (child.meta().namespace.clone().unwrap_or_default(), name))
        .into_iter()
        .collect();
    Triggers { studies: Vec::new(), trials }
}

type Validated = Result<Arc<Plan>, Arc<Vec<FieldError>>>;

/// The handles of a reconcile.
#[derive(Debug)]
pub struct Context {
    /// The cluster. Only `write` and `read` use it.
    pub(crate) client: ClientHandle,
    /// What is known without asking.
    pub caches: Caches,
    /// The time.
    pub clock: Clock,
    /// Settings of the operator.
    pub config: Config,
    /// Logs being followed.
    pub(crate) follows: Follows,
    /// Failures in a row.
    pub backoff: Backoff,
    /// Versions that this operator has overwritten.
    pub(crate) overwritten: Overwritten,
    /// Writes that nobody waits for.
    pub(crate) put_off: PutOff,
    /// What is kept of Studies between two looks.
    pub shelf: Shelf,
    plans: Mutex<BTreeMap<String, (i64, Validated)>>,
}

/// A client that can be printed.
#[derive(Clone)]
pub(crate) struct ClientHandle(pub(crate) Client);

impl std::fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Context {
    /// A context. `client` reads and writes; `streams` follows logs and so must not time out; `nudge` is told the namespace and name
    /// of a Trial when its log has something new.
    #[must_use]
    pub fn new(
        client: Client,
        streams: Client,
        caches: Caches,
        clock: Clock,
        config: Config,
        nudge: tokio::sync::mpsc::UnboundedSender<(String, String)>,
    ) -> Self {
        let follows = Follows::new(streams, config.follows, nudge, config.metrics.clone());
        Self {
            client: ClientHandle(client),
            caches,
            clock,
            config,
            follows,
            backoff: Backoff::default(),
            overwritten: Overwritten::default(),
            put_off: PutOff::default(),
            plans: Mutex::default(),
            shelf: Shelf::default(),
        }
    }

    /// The plan of a Study, validated once for each generation.
    ///
    /// # Errors
    /// What is wrong with the Study's fields.
    pub fn plan(&self, study: &Study) -> Validated {
        let uid = study.uid().unwrap_or_default();
        let generation = study.metadata.generation.unwrap_or(0);
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((held, plan)) = plans.get(&uid)
            && *held == generation
        {
            return plan.clone();
        }
        let validated = trimtab_api::validate(study).map(Arc::new).map_err(Arc::new);
        if plans.len() > 10_000 {
            // Plans are a memo: losing them costs time, not truth.
            plans.clear();
        }
        plans.insert(uid, (generation, validated.clone()));
        validated
    }
}
