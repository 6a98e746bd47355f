//! Carries out what users do: through the same doors as everybody, so that the rules hold for them too.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::resource::{Key, Resource};
use crate::setting::{Deed, NAMESPACE};
use crate::store::{Actor, DeleteOptions, Part};

/// Does a deed. Returns what it came to, for the trace.
pub fn act(deed: &Deed, cluster: &mut Cluster) -> String {
    match deed {
        Deed::Create(name, study) => {
            let key = Key::new(Resource::Study, NAMESPACE, name);
            said(cluster.store.create(&key, (**study).clone(), false, Actor::User).map(|_| format!("created {study}")))
        }
        Deed::Suspend(name, on) => change(cluster, name, json!({"suspend": on})),
        Deed::Trials(name, limit) => change(cluster, name, json!({"limits": {"trials": limit}})),
        Deed::Parallelism(name, parallelism) => change(cluster, name, json!({"parallelism": parallelism})),
        Deed::Target(name, target) => {
            let key = Key::new(Resource::Study, NAMESPACE, name);
            let Some(mut objectives) = cluster.store.get(&key).map(|s| s["spec"]["objectives"].clone()) else {
                return "no such study".to_owned();
            };
            objectives[0]["target"] = json!(target);
            change(cluster, name, json!({"objectives": objectives}))
        }
        Deed::DeleteTrial(chance) => delete(cluster, Resource::Trial, *chance, None),
        Deed::DeleteJob(chance) => delete(cluster, Resource::Job, *chance, None),
        Deed::DeletePod(chance, at_once) => delete(cluster, Resource::Pod, *chance, at_once.then_some(0)),
        Deed::DeleteStudy(name) => {
            let key = Key::new(Resource::Study, NAMESPACE, name);
            said(
                cluster
                    .store
                    .delete(&key, &DeleteOptions::default(), Actor::User)
                    .map(|_| format!("deleted study {name}")),
            )
        }
        Deed::Relabel(chance) => {
            let resource = if chance % 2 == 0 { Resource::Job } else { Resource::Pod };
            let Some(key) = pick(cluster, resource, *chance / 2) else { return "nothing to relabel".to_owned() };
            let label = if chance % 3 == 0 { "trimtab.dev/trial" } else { "app.kubernetes.io/managed-by" };
            let value = if chance % 5 == 0 { json!("somebody-else") } else { Value::Null };
            let patch = json!({"metadata": {"labels": {label: value}}});
            said(
                cluster
                    .store
                    .merge(&key, &patch, Part::Main, false, Actor::User)
                    .map(|_| format!("relabelled {key}: {patch}")),
            )
        }
        Deed::Annotate(chance) => {
            let Some(key) = pick(cluster, Resource::Trial, *chance) else { return "nothing to annotate".to_owned() };
            let patch = json!({"metadata": {"annotations": {"note": chance.to_string()}, "labels": {"mine": "yes"}}});
            said(cluster.store.merge(&key, &patch, Part::Main, false, Actor::User).map(|_| format!("annotated {key}")))
        }
    }
}

fn said(answer: Result<String, crate::failure::Failure>) -> String {
    answer.unwrap_or_else(|failure| format!("refused: {failure}"))
}

fn change(cluster: &mut Cluster, name: &str, spec: Value) -> String {
    let key = Key::new(Resource::Study, NAMESPACE, name);
    let patch = json!({"spec": spec});
    said(cluster.store.merge(&key, &patch, Part::Main, false, Actor::User).map(|_| format!("changed {key}: {patch}")))
}

fn pick(cluster: &Cluster, resource: Resource, chance: u64) -> Option<Key> {
    let keys: Vec<&Key> = cluster.store.all(resource).map(|(key, _)| key).collect();
    let index = usize::try_from(chance % (keys.len().max(1) as u64)).ok()?;
    keys.get(index).map(|key| (*key).clone())
}

fn delete(cluster: &mut Cluster, resource: Resource, chance: u64, grace: Option<u64>) -> String {
    let Some(key) = pick(cluster, resource, chance) else { return "nothing to delete".to_owned() };
    let options = DeleteOptions { grace, ..DeleteOptions::default() };
    said(cluster.store.delete(&key, &options, Actor::User).map(|_| format!("deleted {key}")))
}
