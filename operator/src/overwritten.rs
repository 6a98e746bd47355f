//! Versions of objects that this operator has overwritten itself, and that a cache may still show for a moment.
//!
//! To reconcile such a version is waste: whatever it would write is refused as a conflict. The watch brings the newer one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kube::{Resource, ResourceExt};

/// Objects that are remembered at most. Forgetting costs a conflict.
const MOST: usize = 20_000;

/// The newest overwritten version of each object, by UID.
#[derive(Debug, Default)]
pub(crate) struct Overwritten(Mutex<BTreeMap<String, String>>);

impl Overwritten {
    /// The version `before` is no longer the newest.
    pub(crate) fn note<K: Resource>(&self, before: &K) {
        let (Some(uid), Some(version)) = (before.uid(), before.resource_version()) else { return };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(uid, version);
    }

    /// Whether this view of the object is known to be old.
    pub(crate) fn is_old<K: Resource>(&self, view: &K) -> bool {
        let (Some(uid), Some(version)) = (view.uid(), view.resource_version()) else { return false };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = all.get(&uid) == Some(&version);
        if !old {
            // A cache goes forward only, so what it has left behind does not come again.
            all.remove(&uid);
        }
        old
    }
}
