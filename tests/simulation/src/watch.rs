//! A simulated watch: events of one kind, in order, late, sometimes several at once, sometimes begun again with a list.

use std::collections::VecDeque;
use std::sync::Arc;

use kube::Resource as KubeResource;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use serde_json::Value;
use trimtab_operator::cache::{Cache, Feed};
use trimtab_operator::context::Triggers;

use crate::resource::Resource;
use crate::store::{Change, ChangeKind, Store};

/// What one watch of one operator does.
pub trait Watch {
    /// Takes a change that the watch will tell later.
    fn push(&mut self, change: Change);
    /// Changes that wait.
    fn waiting(&self) -> usize;
    /// Tells the next so many changes at once, so that nobody sees what was between them. Their order is kept: a watch of
    /// Kubernetes leaves nothing out but by beginning again.
    fn deliver(&mut self, count: usize) -> Vec<Triggers>;
    /// Begins again with a list.
    fn relist(&mut self, store: &Store) -> Vec<Triggers>;
    /// Whether it has listed once.
    fn listed(&self) -> bool;
}

/// The watch of a kind.
pub struct Feeding<K>
where
    K: KubeResource<DynamicType = ()> + Clone + 'static,
{
    resource: Resource,
    selects: fn(&Value) -> bool,
    feed: Feed<K>,
    cache: Cache<K>,
    triggers: fn(&K) -> Triggers,
    queue: VecDeque<Change>,
    listed: bool,
}

impl<K> Feeding<K>
where
    K: KubeResource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + 'static,
{
    /// A watch that has not listed yet.
    #[must_use]
    pub fn new(
        resource: Resource,
        selects: fn(&Value) -> bool,
        feed: Feed<K>,
        cache: Cache<K>,
        triggers: fn(&K) -> Triggers,
    ) -> Self {
        Self { resource, selects, feed, cache, triggers, queue: VecDeque::new(), listed: false }
    }

    fn tell(&mut self, change: &Change) -> Option<Triggers> {
        // With a selector, an object that leaves the selection is told as deleted.
        let selected = (self.selects)(&change.object);
        let before = change.old.as_deref().is_some_and(self.selects);
        let event = match change.kind {
            ChangeKind::Deleted if before => Event::Delete(Self::read(&change.object)),
            ChangeKind::Added | ChangeKind::Modified if selected => Event::Apply(Self::read(&change.object)),
            ChangeKind::Modified if before => Event::Delete(Self::read(&change.object)),
            _ => return None,
        };
        self.feed.apply(event).map(|object: Arc<K>| (self.triggers)(&object))
    }

    fn read(object: &Value) -> DeserializeGuard<K> {
        if let Ok(typed) = K::deserialize(object) {
            return DeserializeGuard(Ok(typed));
        }
        serde_json::from_value(object.clone())
            .unwrap_or_else(|error| unreachable!("a guard takes whatever has metadata: {error}"))
    }
}

impl<K> Watch for Feeding<K>
where
    K: KubeResource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + 'static,
{
    fn push(&mut self, change: Change) {
        self.queue.push_back(change);
    }

    fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn deliver(&mut self, count: usize) -> Vec<Triggers> {
        let told = self.queue.len().min(count);
        let changes: Vec<Change> = self.queue.drain(..told).collect();
        changes.iter().filter_map(|change| self.tell(change)).collect()
    }

    fn relist(&mut self, store: &Store) -> Vec<Triggers> {
        self.queue.clear();
        self.listed = true;
        self.feed.apply(Event::Init);
        for (_, object) in store.all(self.resource).filter(|(_, o)| (self.selects)(o)) {
            self.feed.apply(Event::InitApply(Self::read(object)));
        }
        self.feed.apply(Event::InitDone);
        let mut held = self.cache.store().state();
        // The store's own order is that of a hash map with a random seed.
        held.sort_by(|a, b| (&a.meta().namespace, &a.meta().name).cmp(&(&b.meta().namespace, &b.meta().name)));
        held.iter().map(|object| (self.triggers)(object)).collect()
    }

    fn listed(&self) -> bool {
        self.listed
    }
}
