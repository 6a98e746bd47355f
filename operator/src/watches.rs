//! Watches: fill the caches, and ask for the reconciles that each change deserves.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use trimtab_api::{Study, Trial, names};

use crate::cache::{Cache, Feed};
use crate::context::{Caches, Feeds, Triggers, on_child, on_study, on_trial};
use crate::kept::{Job, Pod};
use crate::metrics::Metrics;

/// Where requests for reconciles go.
#[derive(Clone, Debug)]
pub struct Queues {
    /// Studies to look at.
    pub studies: UnboundedSender<ObjectRef<Study>>,
    /// Trials to look at.
    pub trials: UnboundedSender<ObjectRef<Trial>>,
    /// Where watches that break off are counted.
    pub metrics: Metrics,
}

impl Queues {
    fn send(&self, triggers: Triggers) {
        // A receiver is gone only when the operator is on its way out.
        for (namespace, name) in triggers.studies {
            let _ = self.studies.send(ObjectRef::new(&name).within(&namespace));
        }
        for (namespace, name) in triggers.trials {
            let _ = self.trials.send(ObjectRef::new(&name).within(&namespace));
        }
    }
}

/// Starts one watch for each kind, in one namespace or in all. They run until the set is dropped.
pub fn start(client: &Client, namespace: Option<&str>, feeds: Feeds, caches: &Caches, queues: &Queues) -> JoinSet<()> {
    fn api<K>(client: &Client, namespace: Option<&str>) -> Api<DeserializeGuard<K>>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + DeserializeOwned,
    {
        match namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        }
    }
    let ours = watcher::Config::default().labels(&format!("app.kubernetes.io/managed-by={}", names::MANAGER));
    let mut tasks = JoinSet::new();
    tasks.spawn(one::<Study>(
        api(client, namespace),
        watcher::Config::default(),
        feeds.studies,
        caches.studies.clone(),
        queues.clone(),
        on_study,
    ));
    tasks.spawn(one::<Trial>(
        api(client, namespace),
        watcher::Config::default(),
        feeds.trials,
        caches.trials.clone(),
        queues.clone(),
        on_trial,
    ));
    tasks.spawn(one::<Job>(
        api(client, namespace),
        ours.clone(),
        feeds.jobs,
        caches.jobs.clone(),
        queues.clone(),
        on_child::<Job>,
    ));
    tasks.spawn(one::<Pod>(
        api(client, namespace),
        ours,
        feeds.pods,
        caches.pods.clone(),
        queues.clone(),
        on_child::<Pod>,
    ));
    tasks
}

/// Who set which field is as large as the object itself, and nobody here reads it. An update without it leaves it as it is.
fn without_managed_fields<K: Resource>(object: &mut DeserializeGuard<K>) {
    if let Ok(object) = &mut object.0 {
        object.meta_mut().managed_fields = None;
    }
}

async fn one<K>(
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    mut feed: Feed<K>,
    cache: Cache<K>,
    queues: Queues,
    triggers: fn(&K) -> Triggers,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let mut events = Box::pin(watch(api, config).default_backoff());
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                queues.metrics.watch_broke(&K::kind(&()));
                tracing::warn!(kind = %K::kind(&()), %error, "a watch broke off and begins again");
                continue;
            }
        };
        let event = event.modify(without_managed_fields);
        // Objects of a list become visible together, at its end.
        let listing = matches!(event, Event::Init | Event::InitApply(_));
        let done = matches!(event, Event::InitDone);
        let object: Option<Arc<K>> = feed.apply(event);
        if done {
            for object in cache.store().state() {
                queues.send(triggers(&object));
            }
        } else if let (Some(object), false) = (object, listing) {
            queues.send(triggers(&object));
        }
    }
}
