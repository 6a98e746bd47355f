//! The wiring of a leader: caches, watches and the two queues, from a fresh list on.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use kube::runtime::controller::{self, Action, Config as QueueConfig, ReconcileRequest};
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use trimtab_api::{Study, Trial};

use crate::clock::Clock;
use crate::context::{Config, Context, caches};
use crate::error::Error;
use crate::watches::{self, Queues};
use crate::{study, trial};

/// How many objects of a kind are reconciled at once.
pub(crate) const CONCURRENCY: u16 = 16;

/// Runs both controllers until `stop` resolves, and ends when the reconciles under way have come to their end.
///
/// Everything in memory begins here, after the lease was won: the first lists are as fresh as the API server.
pub async fn lead(
    client: Client,
    streams: Client,
    namespace: Option<String>,
    config: Config,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (caches, feeds) = caches();
    let (studies, study_requests) = mpsc::unbounded_channel();
    let (trials, trial_requests) = mpsc::unbounded_channel();
    let (nudge, mut nudges) = mpsc::unbounded_channel::<(String, String)>();
    let metrics = config.metrics.clone();
    metrics.watch(&caches);
    let queues = Queues { studies, trials: trials.clone(), metrics: metrics.clone() };
    let ctx = Arc::new(Context::new(client, streams.clone(), caches.clone(), Clock::system(), config, nudge));
    let watches = watches::start(&streams, namespace.as_deref(), feeds, &caches, &queues);
    let nudging = tokio::spawn(async move {
        while let Some((namespace, name)) = nudges.recv().await {
            if trials.send(ObjectRef::new(&name).within(&namespace)).is_err() {
                return;
            }
        }
    });

    let ready = async {
        // No reconcile before all four caches are filled: a Job that is not listed yet must not look like one that is gone.
        let (studies, trials, jobs, pods) =
            (caches.studies.store(), caches.trials.store(), caches.jobs.store(), caches.pods.store());
        let _ = tokio::join!(
            studies.wait_until_ready(),
            trials.wait_until_ready(),
            jobs.wait_until_ready(),
            pods.wait_until_ready()
        );
    };
    let stop = stop.shared();
    tokio::select! {
        () = ready => {}
        () = stop.clone() => return,
    }
    tracing::info!("caches are filled");

    let queue = QueueConfig::default().concurrency(CONCURRENCY);
    let requests = UnboundedReceiverStream::new(study_requests)
        .take_until(stop.clone())
        .map(|r| Ok::<_, std::convert::Infallible>(request(metrics.requested_of("study", r))));
    let of_studies = controller::applier(
        |study: Arc<Study>, ctx: Arc<Context>| {
            let begun = ctx.metrics().begin("study", &*study);
            guarded("Study", Arc::clone(&study), Arc::clone(&ctx), begun.run(study::reconcile(study, ctx))).boxed()
        },
        |study: Arc<Study>, error: &Error, ctx: Arc<Context>| retry("Study", &*study, error, &ctx),
        Arc::clone(&ctx),
        caches.studies.store(),
        Box::pin(requests),
        queue.clone(),
    );
    let requests = UnboundedReceiverStream::new(trial_requests)
        .take_until(stop.clone())
        .map(|r| Ok::<_, std::convert::Infallible>(request(metrics.requested_of("trial", r))));
    let of_trials = controller::applier(
        |trial: Arc<Trial>, ctx: Arc<Context>| {
            let begun = ctx.metrics().begin("trial", &*trial);
            guarded("Trial", Arc::clone(&trial), Arc::clone(&ctx), begun.run(trial::reconcile(trial, ctx))).boxed()
        },
        |trial: Arc<Trial>, error: &Error, ctx: Arc<Context>| retry("Trial", &*trial, error, &ctx),
        Arc::clone(&ctx),
        caches.trials.store(),
        Box::pin(requests),
        queue,
    );
    tokio::join!(
        of_studies.for_each(async |r| metrics.answered("study", &r)),
        of_trials.for_each(async |r| metrics.answered("trial", &r))
    );
    drop(watches);
    nudging.abort();
    tracing::info!("all reconciles have ended");
}

fn request<K>(reference: ObjectRef<K>) -> ReconcileRequest<K>
where
    K: kube::Resource<DynamicType = ()>,
{
    ReconcileRequest::from(reference)
}

/// No object may take the operator down: what panics in spite of all is caught, logged, and looked at again later.
async fn guarded<K: ResourceExt>(
    kind: &'static str,
    object: Arc<K>,
    ctx: Arc<Context>,
    reconcile: impl Future<Output = Result<Action, Error>> + Send,
) -> Result<Action, Error> {
    match std::panic::AssertUnwindSafe(reconcile).catch_unwind().await {
        Ok(Ok(action)) => {
            ctx.backoff.succeeded(kind, &object.namespace().unwrap_or_default(), &object.name_any());
            Ok(action)
        }
        Ok(failed) => failed,
        Err(_) => {
            tracing::error!("a reconcile panicked: this is a defect; the object is left alone for ten minutes");
            Ok(Action::requeue(Duration::from_secs(600)))
        }
    }
}

fn retry<K: ResourceExt>(kind: &'static str, object: &K, error: &Error, ctx: &Context) -> Action {
    let wait = ctx.backoff.failed(kind, &object.namespace().unwrap_or_default(), &object.name_any(), error);
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match error {
        Error::Conflict { .. } => tracing::debug!(
            kind,
            namespace = object.namespace(),
            name = object.name_any(),
            class = error.class(),
            "{error}"
        ),
        Error::Api { .. } => tracing::warn!(
            kind,
            namespace = object.namespace(),
            name = object.name_any(),
            class = error.class(),
            source,
            "{error}"
        ),
    }
    Action::requeue(wait)
}
