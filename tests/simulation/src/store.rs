//! The simulated API server's objects: versions, preconditions, subresources, finalizers and the log of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::admission;
use crate::clock::{self, Millis};
use crate::failure::Failure;
use crate::resource::{Key, Resource};
use crate::rules::Rules;
use crate::selector;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is another than before.
    Modified,
    /// It is gone.
    Deleted,
}

/// One entry of the log of changes.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its resourceVersion.
    pub version: u64,
    /// Which object.
    pub key: Key,
    /// What happened.
    pub kind: ChangeKind,
    /// The object after the change; when deleted, as it last was.
    pub object: Arc<Value>,
    /// The object before the change.
    pub old: Option<Arc<Value>>,
    /// Who did it.
    pub actor: Actor,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user.
    User,
    /// An operator, by its index.
    Operator(usize),
    /// The Job controller.
    Jobs,
    /// The garbage collector.
    Collector,
    /// The scheduler, a kubelet or the node controller.
    Node,
}

/// Which part of an object a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Everything but the status.
    Main,
    /// The status alone.
    Status,
}

/// How the dependents of a deleted object are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// Deleted after it.
    Background,
    /// Deleted before it.
    Foreground,
    /// Left.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug)]
pub struct DeleteOptions {
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// A UID that the object must have.
    pub uid: Option<String>,
    /// A resourceVersion that the object must have.
    pub version: Option<String>,
    /// Seconds that a pod has to end.
    pub grace: Option<u64>,
    /// Whether only to look whether it would be allowed.
    pub dry_run: bool,
}

impl Default for DeleteOptions {
    fn default() -> Self {
        Self { propagation: Propagation::Background, uid: None, version: None, grace: None, dry_run: false }
    }
}

/// The server's objects.
#[derive(Debug)]
pub struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    dependents: BTreeMap<String, BTreeSet<Key>>,
    log: Vec<Change>,
    version: u64,
    uids: u64,
    rules: Rules,
    now: Millis,
    refused: Vec<(Key, Actor, String)>,
}

/// The UID of an object.
#[must_use]
pub fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or("")
}

/// Whether an object is being deleted.
#[must_use]
pub fn deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The finalizers of an object.
#[must_use]
pub fn finalizers(object: &Value) -> Vec<String> {
    let list = object["metadata"]["finalizers"].as_array();
    list.into_iter().flatten().filter_map(|f| f.as_str().map(str::to_owned)).collect()
}

/// The UID of the owner that controls an object.
#[must_use]
pub fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|o| o["controller"] == true).and_then(|o| o["uid"].as_str())
}

impl Store {
    /// An empty server with the rules of its CustomResourceDefinitions.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            objects: BTreeMap::new(),
            dependents: BTreeMap::new(),
            log: Vec::new(),
            version: 1,
            uids: 0,
            rules,
            now: 0,
            refused: Vec::new(),
        }
    }

    /// Sets the clock that stamps objects.
    pub fn set_now(&mut self, now: Millis) {
        self.now = now;
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// The newest resourceVersion.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The changes so far.
    #[must_use]
    pub fn log(&self) -> &[Change] {
        &self.log
    }

    /// Writes that a rule of a CustomResourceDefinition refused, taken away.
    pub fn take_refused(&mut self) -> Vec<(Key, Actor, String)> {
        std::mem::take(&mut self.refused)
    }

    /// An object.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// The objects of a kind.
    pub fn all(&self, resource: Resource) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let first = Key::new(resource, "", "");
        self.objects.range(first..).take_while(move |(key, _)| key.resource == resource)
    }

    /// The objects of a kind that a list asks for.
    #[must_use]
    pub fn list(&self, resource: Resource, namespace: Option<&str>, labels: &str, fields: &str) -> Vec<Arc<Value>> {
        self.all(resource)
            .filter(|(key, _)| namespace.is_none_or(|ns| ns == key.namespace))
            .filter(|(_, object)| selector::labels_match(labels, object) && selector::fields_match(fields, object))
            .map(|(_, object)| object.clone())
            .collect()
    }

    /// The objects that name an owner of this UID.
    #[must_use]
    pub fn dependents(&self, owner: &str) -> Vec<Key> {
        self.dependents.get(owner).into_iter().flatten().cloned().collect()
    }

    /// Whether any object has this UID. Only owners that have dependents are asked for, so the search may be plain.
    #[must_use]
    pub fn exists(&self, wanted: &str) -> bool {
        self.objects.values().any(|object| uid(object) == wanted)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// When the name is taken or the object is refused.
    pub fn create(&mut self, key: &Key, body: Value, dry_run: bool, actor: Actor) -> Result<Arc<Value>, Failure> {
        if self.objects.contains_key(key) {
            return Err(Failure::already_exists(key.resource.qualified(), &key.name));
        }
        let mut object = body;
        let next = format!("00000000-0000-4000-8000-{:012x}", self.uids + 1);
        object["apiVersion"] = json!(key.resource.api_version());
        object["kind"] = json!(key.resource.kind());
        let meta = metadata(&mut object);
        for name in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "resourceVersion"]
        {
            meta.remove(name);
        }
        meta.insert("name".to_owned(), json!(key.name));
        meta.insert("namespace".to_owned(), json!(key.namespace));
        meta.insert("uid".to_owned(), json!(next));
        meta.insert("creationTimestamp".to_owned(), json!(clock::text(self.now)));
        if key.resource.has_generation() {
            meta.insert("generation".to_owned(), json!(1));
        }
        if key.resource.has_status() {
            remove(&mut object, "status");
        }
        admission::default(key.resource, &mut object)?;
        let object = self.rules.defaulted(key.resource, object);
        self.admit(key, Part::Main, &object, None, actor)?;
        if dry_run {
            return Ok(Arc::new(object));
        }
        self.uids += 1;
        Ok(self.put(key, object, None, actor))
    }

    /// Replaces an object or its status.
    ///
    /// # Errors
    /// When it is not there, its resourceVersion is another, or the new object is refused.
    pub fn replace(
        &mut self,
        key: &Key,
        body: Value,
        part: Part,
        dry_run: bool,
        actor: Actor,
    ) -> Result<Arc<Value>, Failure> {
        let old = self.held(key)?;
        let plural = key.resource.qualified();
        let claimed = &body["metadata"];
        match claimed["resourceVersion"].as_str() {
            Some(version) if Some(version) != old["metadata"]["resourceVersion"].as_str() => {
                return Err(Failure::stale(plural, &key.name));
            }
            None if key.resource.is_custom() => {
                let why = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update";
                return Err(Failure::invalid(key.resource.kind(), &key.name, why));
            }
            _ => {}
        }
        if claimed["uid"].as_str().is_some_and(|u| !u.is_empty() && u != uid(&old)) {
            return Err(Failure::conflict(
                plural,
                &key.name,
                "Precondition failed: UID in precondition differs from UID in object meta",
            ));
        }
        self.write(key, &old, body, part, dry_run, actor)
    }

    /// Merges a patch into an object or its status.
    ///
    /// # Errors
    /// As for [`Self::replace`].
    pub fn merge(
        &mut self,
        key: &Key,
        patch: &Value,
        part: Part,
        dry_run: bool,
        actor: Actor,
    ) -> Result<Arc<Value>, Failure> {
        let old = self.held(key)?;
        let mut body = (*old).clone();
        merge_patch(&mut body, patch);
        self.replace(key, body, part, dry_run, actor)
    }

    /// Applies as server-side apply does, without tracking who owns which field: good enough for Events and Leases.
    ///
    /// # Errors
    /// As for [`Self::create`] and [`Self::replace`].
    pub fn apply(&mut self, key: &Key, patch: &Value, dry_run: bool, actor: Actor) -> Result<Arc<Value>, Failure> {
        if self.objects.contains_key(key) {
            self.merge(key, patch, Part::Main, dry_run, actor)
        } else {
            self.create(key, patch.clone(), dry_run, actor)
        }
    }

    fn write(
        &mut self,
        key: &Key,
        old: &Arc<Value>,
        body: Value,
        part: Part,
        dry_run: bool,
        actor: Actor,
    ) -> Result<Arc<Value>, Failure> {
        let mut object = body;
        if part == Part::Status {
            let status = object["status"].take();
            object = (**old).clone();
            set(&mut object, "status", status);
        } else if key.resource.has_status() {
            set(&mut object, "status", old["status"].clone());
        }
        set(&mut object, "apiVersion", old["apiVersion"].clone());
        set(&mut object, "kind", old["kind"].clone());
        for name in [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "resourceVersion",
        ] {
            let held = old["metadata"][name].clone();
            let meta = metadata(&mut object);
            if held.is_null() {
                meta.remove(name)
            } else {
                meta.insert(name.to_owned(), held)
            };
        }
        metadata(&mut object).remove("managedFields");
        if object == **old {
            return Ok(old.clone());
        }
        if deleting(old) && finalizers(&object).iter().any(|f| !finalizers(old).contains(f)) {
            let why = "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted";
            return Err(Failure::invalid(key.resource.kind(), &key.name, why));
        }
        admission::update(key.resource, &object, old)?;
        self.admit(key, part, &object, Some(old), actor)?;
        if dry_run {
            return Ok(Arc::new(object));
        }
        if key.resource.has_generation() && object["spec"] != old["spec"] {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            metadata(&mut object).insert("generation".to_owned(), json!(generation));
        }
        Ok(self.put(key, object, Some(old.clone()), actor))
    }

    /// Changes an object without preconditions, as the cluster's own components do after reading it. No change, no write.
    pub fn edit(&mut self, key: &Key, actor: Actor, change: impl FnOnce(&mut Value)) {
        let Some(old) = self.objects.get(key).cloned() else { return };
        let mut object = (*old).clone();
        change(&mut object);
        if object == *old {
            return;
        }
        if key.resource.has_generation() && object["spec"] != old["spec"] {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            metadata(&mut object).insert("generation".to_owned(), json!(generation));
        }
        self.put(key, object, Some(old), actor);
    }

    /// Deletes an object, or marks it as being deleted where something must happen first.
    ///
    /// # Errors
    /// When it is not there or a precondition does not hold.
    pub fn delete(&mut self, key: &Key, options: &DeleteOptions, actor: Actor) -> Result<(Arc<Value>, bool), Failure> {
        let old = self.held(key)?;
        let plural = key.resource.qualified();
        if options.uid.as_deref().is_some_and(|u| u != uid(&old)) {
            let why = format!(
                "Precondition failed: UID in precondition: {}, UID in object meta: {}",
                options.uid.as_deref().unwrap_or(""),
                uid(&old)
            );
            return Err(Failure::conflict(plural, &key.name, &why));
        }
        if options.version.as_deref().is_some_and(|v| Some(v) != old["metadata"]["resourceVersion"].as_str()) {
            return Err(Failure::stale(plural, &key.name));
        }
        if options.dry_run {
            return Ok((old, false));
        }
        let grace = if key.resource == Resource::Pod { admission::grace(&old, options.grace) } else { 0 };
        let mut object = (*old).clone();
        let meta = metadata(&mut object);
        let mut held: Vec<Value> = meta.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
        let wanted = match options.propagation {
            Propagation::Foreground => Some("foregroundDeletion"),
            Propagation::Orphan => Some("orphan"),
            Propagation::Background => None,
        };
        if let Some(wanted) = wanted
            && !held.iter().any(|f| f == wanted)
        {
            held.push(json!(wanted));
        }
        if held.is_empty() && grace == 0 {
            self.remove(key, actor);
            return Ok((old, true));
        }
        if !held.is_empty() {
            meta.insert("finalizers".to_owned(), Value::Array(held));
        }
        let shorter = meta.get("deletionGracePeriodSeconds").and_then(Value::as_u64).is_none_or(|g| grace < g);
        if !meta.contains_key("deletionTimestamp") || shorter {
            meta.insert("deletionTimestamp".to_owned(), json!(clock::text(self.now + grace * 1_000)));
            meta.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        }
        if object == *old {
            return Ok((old, false));
        }
        Ok((self.put(key, object, Some(old), actor), false))
    }

    fn held(&self, key: &Key) -> Result<Arc<Value>, Failure> {
        let found = self.objects.get(key).cloned();
        found.ok_or_else(|| Failure::not_found(key.resource.qualified(), &key.name))
    }

    fn admit(
        &mut self,
        key: &Key,
        part: Part,
        object: &Value,
        old: Option<&Value>,
        actor: Actor,
    ) -> Result<(), Failure> {
        self.rules.check(key.resource, part, object, old).map_err(|why| {
            self.refused.push((key.clone(), actor, why.clone()));
            Failure::invalid(key.resource.kind(), &key.name, &why)
        })
    }

    /// Stores an object under the next version; one that is being deleted and that nothing holds any more goes instead.
    fn put(&mut self, key: &Key, mut object: Value, old: Option<Arc<Value>>, actor: Actor) -> Arc<Value> {
        let ends = deleting(&object)
            && finalizers(&object).is_empty()
            && object["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0) == 0;
        self.version += 1;
        metadata(&mut object).insert("resourceVersion".to_owned(), json!(self.version.to_string()));
        let object = Arc::new(object);
        self.index(key, old.as_deref(), Some(&object));
        self.objects.insert(key.clone(), object.clone());
        let kind = if old.is_none() { ChangeKind::Added } else { ChangeKind::Modified };
        if ends {
            self.remove(key, actor);
        } else {
            self.log.push(Change { version: self.version, key: key.clone(), kind, object: object.clone(), old, actor });
        }
        object
    }

    fn remove(&mut self, key: &Key, actor: Actor) {
        let Some(old) = self.objects.remove(key) else { return };
        self.index(key, Some(&old), None);
        self.version += 1;
        // The last version of a deleted object carries the version of its deletion, as on a real server.
        let mut last = (*old).clone();
        metadata(&mut last).insert("resourceVersion".to_owned(), json!(self.version.to_string()));
        self.log.push(Change {
            version: self.version,
            key: key.clone(),
            kind: ChangeKind::Deleted,
            object: Arc::new(last),
            old: Some(old),
            actor,
        });
    }

    fn index(&mut self, key: &Key, old: Option<&Value>, new: Option<&Value>) {
        if let (Some(old), Some(new)) = (old, new)
            && old["metadata"]["ownerReferences"] == new["metadata"]["ownerReferences"]
        {
            return;
        }
        let owners = |object: Option<&Value>| -> BTreeSet<String> {
            let list = object.and_then(|o| o["metadata"]["ownerReferences"].as_array());
            list.into_iter().flatten().filter_map(|o| o["uid"].as_str().map(str::to_owned)).collect()
        };
        let (before, after) = (owners(old), owners(new));
        for owner in before.difference(&after) {
            if let Some(keys) = self.dependents.get_mut(owner) {
                keys.remove(key);
            }
        }
        for owner in after.difference(&before) {
            self.dependents.entry(owner.clone()).or_default().insert(key.clone());
        }
    }
}

/// The metadata of an object, made if absent.
pub fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    match &mut object["metadata"] {
        Value::Object(map) => map,
        _ => unreachable!("it was just made an object"),
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    if value.is_null() { remove(object, name) } else { object[name] = value }
}

fn remove(object: &mut Value, name: &str) {
    if let Value::Object(map) = object {
        map.remove(name);
    }
}

/// RFC 7386.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, change) in changes {
        if change.is_null() {
            remove(target, name);
        } else {
            merge_patch(&mut target[name.as_str()], change);
        }
    }
}
