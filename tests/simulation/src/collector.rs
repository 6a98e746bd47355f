//! The garbage collector's model: objects go after their owners, or before them in the foreground.

use serde_json::Value;

use crate::agenda::{Agenda, Event};
use crate::resource::{Key, Resource};
use crate::store::{self, Actor, Change, ChangeKind, DeleteOptions, Propagation, Store};
use crate::weather::Weather;

/// What a change makes the collector look at.
pub fn react(change: &Change, store: &Store, agenda: &mut Agenda, weather: &mut Weather) {
    let owner = store::uid(&change.object);
    let held = store::finalizers(&change.object);
    let waits = store::deleting(&change.object) && held.iter().any(|f| f == "foregroundDeletion" || f == "orphan");
    let look = |key: &Key, uid: &str, agenda: &mut Agenda, weather: &mut Weather| {
        agenda.after(weather.lag(), Event::Collect(key.clone(), uid.to_owned()));
    };
    if change.kind == ChangeKind::Deleted {
        for key in store.dependents(owner) {
            if let Some(object) = store.get(&key) {
                look(&key, store::uid(object), agenda, weather);
            }
        }
    } else if waits {
        look(&change.key, owner, agenda, weather);
    }
    // An object whose owner is gone when it is made, and an owner that waits for this one to go.
    let owners = change.object["metadata"]["ownerReferences"].as_array();
    for reference in owners.into_iter().flatten() {
        let uid = reference["uid"].as_str().unwrap_or("");
        match (change.kind, owner_of(change, reference).and_then(|key| store.get(&key).map(|o| (key, o)))) {
            (ChangeKind::Deleted, Some((key, object))) if store::uid(object) == uid && store::deleting(object) => {
                look(&key, uid, agenda, weather);
            }
            (ChangeKind::Added, None) => look(&change.key, owner, agenda, weather),
            (ChangeKind::Added, Some((_, object))) if store::uid(object) != uid || store::deleting(object) => {
                look(&change.key, owner, agenda, weather);
            }
            _ => {}
        }
    }
}

fn owner_of(change: &Change, reference: &Value) -> Option<Key> {
    let kind = reference["kind"].as_str()?;
    let resource = Resource::ALL.into_iter().find(|r| r.kind() == kind)?;
    Some(Key::new(resource, &change.key.namespace, reference["name"].as_str()?))
}

/// Looks at an object: deletes it if its owners are gone, lets it go if it waited for its dependents.
pub fn collect(key: &Key, uid: &str, store: &mut Store) {
    let Some(object) = store.get(key).filter(|o| store::uid(o) == uid).cloned() else { return };
    let held = store::finalizers(&object);
    if store::deleting(&object) && held.iter().any(|f| f == "orphan") {
        for dependent in store.dependents(uid) {
            store.edit(&dependent, Actor::Collector, |o| {
                if let Some(list) = o["metadata"]["ownerReferences"].as_array_mut() {
                    list.retain(|r| r["uid"] != uid);
                }
            });
        }
        release(key, "orphan", store);
    } else if store::deleting(&object) && held.iter().any(|f| f == "foregroundDeletion") {
        let mut blocked = false;
        for dependent in store.dependents(uid) {
            let Some(child) = store.get(&dependent).cloned() else { continue };
            let blocks = child["metadata"]["ownerReferences"].as_array();
            blocked |= blocks.into_iter().flatten().any(|r| r["uid"] == uid && r["blockOwnerDeletion"] == true);
            if !store::deleting(&child) {
                let options = DeleteOptions {
                    propagation: Propagation::Foreground,
                    uid: Some(store::uid(&child).to_owned()),
                    ..DeleteOptions::default()
                };
                // A pod has no dependents, so the plain deletion of it is its deletion in the foreground.
                let plain = DeleteOptions { propagation: Propagation::Background, ..options.clone() };
                let _ = store.delete(
                    &dependent,
                    if dependent.resource == Resource::Pod { &plain } else { &options },
                    Actor::Collector,
                );
                blocked |= store.get(&dependent).is_some();
            }
        }
        if !blocked {
            release(key, "foregroundDeletion", store);
        }
    } else {
        let owners = object["metadata"]["ownerReferences"].as_array();
        let mut owners = owners.into_iter().flatten().filter_map(|o| o["uid"].as_str()).peekable();
        if owners.peek().is_some() && owners.all(|o| !store.exists(o)) {
            let options = DeleteOptions { uid: Some(uid.to_owned()), ..DeleteOptions::default() };
            let _ = store.delete(key, &options, Actor::Collector);
        }
    }
}

fn release(key: &Key, finalizer: &str, store: &mut Store) {
    store.edit(key, Actor::Collector, |object| {
        if let Some(list) = object["metadata"]["finalizers"].as_array_mut() {
            list.retain(|f| f != finalizer);
        }
    });
}
