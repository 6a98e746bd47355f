//! What the controllers know without asking: one cache for each watched kind, with an index.
//!
//! A cache is fed from outside, by watches in production and by a simulated watch in tests. Events of one kind arrive in the
//! order of their resource versions; nothing is promised between kinds. An object that cannot be decoded is remembered by
//! name, so that it is never mistaken for one that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use kube::core::DeserializeGuard;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};

/// Namespace and a name in it.
pub type Key = (String, String);

type Groups = BTreeMap<Key, BTreeSet<String>>;

#[derive(Debug, Default)]
struct Index {
    groups: Groups,
    broken: BTreeMap<Key, (Option<Key>, String)>,
}

/// The reading end of a cache.
#[derive(Debug)]
pub struct Cache<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    store: Store<K>,
    index: Arc<RwLock<Index>>,
}

impl<K> Clone for Cache<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), index: Arc::clone(&self.index) }
    }
}

impl<K> Cache<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    /// The store below, for the queue that looks objects up.
    #[must_use]
    pub fn store(&self) -> Store<K> {
        self.store.clone()
    }

    /// One object.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The UIDs of all objects.
    #[must_use]
    pub fn uids(&self) -> BTreeSet<String> {
        self.store.state().iter().filter_map(|object| object.meta().uid.clone()).collect()
    }

    /// The objects of a group, in the order of their names.
    #[must_use]
    pub fn group(&self, namespace: &str, group: &str) -> Vec<Arc<K>> {
        let names: Vec<String> = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            match index.groups.get(&(namespace.to_owned(), group.to_owned())) {
                Some(names) => names.iter().cloned().collect(),
                None => return Vec::new(),
            }
        };
        names.iter().filter_map(|name| self.get(namespace, name)).collect()
    }

    /// Names and errors of a group's objects that could not be decoded.
    #[must_use]
    pub fn broken(&self, namespace: &str, group: &str) -> Vec<(String, String)> {
        let group = (namespace.to_owned(), group.to_owned());
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index
            .broken
            .iter()
            .filter(|(_, (held, _))| held.as_ref() == Some(&group))
            .map(|(key, (_, error))| (key.1.clone(), error.clone()))
            .collect()
    }
}

/// The writing end of a cache.
pub struct Feed<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    writer: Writer<K>,
    index: Arc<RwLock<Index>>,
    staged: Option<Index>,
    group_of: fn(&kube::core::ObjectMeta) -> Option<String>,
}

impl<K> std::fmt::Debug for Feed<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

/// A cache whose objects are grouped by `group_of`, a function of their metadata.
#[must_use]
pub fn cache<K>(group_of: fn(&kube::core::ObjectMeta) -> Option<String>) -> (Cache<K>, Feed<K>)
where
    K: Resource<DynamicType = ()> + Clone + 'static,
    K::DynamicType: Hash + Eq + Clone + Default,
{
    let (reader, writer) = store();
    let index = Arc::new(RwLock::new(Index::default()));
    (Cache { store: reader, index: Arc::clone(&index) }, Feed { writer, index, staged: None, group_of })
}

impl<K> Feed<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    /// Takes one event of the watch into the cache and returns the reference of the object that it was about, if it was one.
    pub fn apply(&mut self, event: Event<DeserializeGuard<K>>) -> Option<Arc<K>> {
        match event {
            Event::Init => {
                self.staged = Some(Index::default());
                self.writer.apply_watcher_event(&Event::Init);
                None
            }
            Event::InitApply(DeserializeGuard(object)) => {
                let mut staged = self.staged.take().unwrap_or_default();
                let done = self.note(&mut staged, object);
                self.staged = Some(staged);
                let object = done?;
                self.writer.apply_watcher_event(&Event::InitApply((*object).clone()));
                Some(object)
            }
            Event::InitDone => {
                self.writer.apply_watcher_event(&Event::InitDone);
                let staged = self.staged.take().unwrap_or_default();
                *self.index.write().unwrap_or_else(PoisonError::into_inner) = staged;
                None
            }
            Event::Apply(DeserializeGuard(object)) => {
                let index = Arc::clone(&self.index);
                let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
                let object = self.note(&mut index, object)?;
                drop(index);
                self.writer.apply_watcher_event(&Event::Apply((*object).clone()));
                Some(object)
            }
            Event::Delete(DeserializeGuard(object)) => {
                let meta = match &object {
                    Ok(object) => object.meta(),
                    Err(invalid) => &invalid.metadata,
                };
                let key = (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
                let group = (self.group_of)(meta).map(|group| (key.0.clone(), group));
                {
                    let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
                    index.broken.remove(&key);
                    if let Some(names) = group.as_ref().and_then(|group| index.groups.get_mut(group)) {
                        names.remove(&key.1);
                        if names.is_empty() {
                            group.as_ref().and_then(|group| index.groups.remove(group));
                        }
                    }
                }
                let object = Arc::new(object.ok()?);
                self.writer.apply_watcher_event(&Event::Delete((*object).clone()));
                Some(object)
            }
        }
    }

    fn note(&self, index: &mut Index, object: Result<K, kube::core::error_boundary::InvalidObject>) -> Option<Arc<K>> {
        match object {
            Ok(object) => {
                let key = (object.namespace().unwrap_or_default(), object.name_any());
                index.broken.remove(&key);
                if let Some(group) = (self.group_of)(object.meta()) {
                    index.groups.entry((key.0, group)).or_default().insert(key.1);
                }
                Some(Arc::new(object))
            }
            Err(invalid) => {
                let key = (
                    invalid.metadata.namespace.clone().unwrap_or_default(),
                    invalid.metadata.name.clone().unwrap_or_default(),
                );
                tracing::warn!(kind = %K::kind(&()), namespace = key.0, name = key.1, error = %invalid.error, "an object cannot be decoded and is left alone");
                let group = (self.group_of)(&invalid.metadata).map(|group| (key.0.clone(), group));
                index.broken.insert(key, (group, invalid.error));
                None
            }
        }
    }
}
