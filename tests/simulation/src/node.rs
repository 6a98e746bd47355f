//! The nodes, the scheduler that places pods on them, and what befalls both.

use serde_json::json;

use crate::agenda::{Agenda, Event, Turn};
use crate::clock::{self, MINUTE, Millis, SECOND};
use crate::kubelet::{Body, Kubelets, disrupt};
use crate::resource::Resource;
use crate::store::{self, Actor, Change, ChangeKind, DeleteOptions, Store};
use crate::weather::Weather;

/// Whether a node answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It does.
    Here,
    /// It does not, until then.
    Away(Millis),
}

#[derive(Clone, Debug)]
struct Node {
    slots: usize,
    away_until: Option<Millis>,
    dead: bool,
}

/// The nodes of a cluster.
#[derive(Clone, Debug)]
pub struct Nodes {
    nodes: Vec<Node>,
}

impl Nodes {
    /// Nodes with so many places each.
    #[must_use]
    pub fn new(slots: &[usize]) -> Self {
        Self { nodes: slots.iter().map(|slots| Node { slots: *slots, away_until: None, dead: false }).collect() }
    }

    /// Whether a node answers.
    #[must_use]
    pub fn reach(&self, node: usize) -> Reach {
        match self.nodes.get(node).and_then(|n| n.away_until) {
            Some(until) => Reach::Away(until),
            None => Reach::Here,
        }
    }

    /// Whether a node has no power.
    #[must_use]
    pub fn dead(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|n| n.dead)
    }

    /// What a change makes the scheduler and the pods' collector look at.
    pub fn react(change: &Change, agenda: &mut Agenda, weather: &mut Weather) {
        if change.key.resource != Resource::Pod || change.kind == ChangeKind::Deleted {
            return;
        }
        let bound = change.object["spec"]["nodeName"].is_string();
        let new = change.kind == ChangeKind::Added;
        if !bound
            && (new || (store::deleting(&change.object) && change.old.as_deref().is_none_or(|o| !store::deleting(o))))
        {
            agenda.after(weather.lag(), Event::Place(store::uid(&change.object).to_owned()));
        }
    }

    /// Places a pod, if it is still there and there is a place.
    pub fn place(
        &mut self,
        uid: &str,
        kubelets: &mut Kubelets,
        store: &mut Store,
        agenda: &mut Agenda,
        weather: &mut Weather,
    ) {
        let found =
            store.all(Resource::Pod).find(|(_, pod)| store::uid(pod) == uid).map(|(k, p)| (k.clone(), p.clone()));
        let Some((key, pod)) = found.filter(|(_, pod)| pod["spec"]["nodeName"].is_null()) else { return };
        if store::deleting(&pod) {
            // The pods' collector fails and removes a pod that is deleted before it had a node.
            store.edit(&key, Actor::Node, |o| o["status"]["phase"] = json!("Failed"));
            let options = DeleteOptions { grace: Some(0), ..DeleteOptions::default() };
            let _ = store.delete(&key, &options, Actor::Node);
            return;
        }
        let chosen = (0..self.nodes.len()).find(|index| {
            let held = store.all(Resource::Pod).filter(|(_, p)| p["spec"]["nodeName"] == format!("node-{index}"));
            let busy =
                held.filter(|(_, p)| !matches!(p["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))).count();
            self.nodes[*index].away_until.is_none() && busy < self.nodes[*index].slots
        });
        let now = agenda.now();
        let condition = |state: &str, reason: &str| json!({"type": "PodScheduled", "status": state, "reason": reason, "lastTransitionTime": clock::text(now)});
        match chosen {
            Some(node) => {
                store.edit(&key, Actor::Node, |o| {
                    o["spec"]["nodeName"] = json!(format!("node-{node}"));
                    o["status"]["conditions"] = json!([condition("True", "")]);
                });
                kubelets.bind(uid, &key, node, &pod, agenda, weather);
            }
            None => {
                if pod["status"]["conditions"].is_null() {
                    store.edit(&key, Actor::Node, |o| {
                        o["status"]["conditions"] = json!([condition("False", "Unschedulable")])
                    });
                }
                agenda.after(weather.lag() + 2 * SECOND, Event::Place(uid.to_owned()));
            }
        }
    }

    /// Something befalls a node or a pod of it, drawn by chance.
    pub fn mishap(&self, agenda: &mut Agenda, weather: &mut Weather) {
        let node = usize::try_from(weather.dice().below(self.nodes.len() as u64)).unwrap_or(0);
        let turns = [Turn::Cut, Turn::Fail, Turn::Evict, Turn::Evict, Turn::Preempt, Turn::Preempt];
        let turn = weather.dice().pick(&turns).copied().unwrap_or(Turn::Evict);
        agenda.after(1, Event::Node(node, turn));
    }

    /// Carries out what befalls a node.
    pub fn turn(
        &mut self,
        node: usize,
        turn: Turn,
        kubelets: &mut Kubelets,
        store: &mut Store,
        agenda: &mut Agenda,
        weather: &mut Weather,
    ) {
        let Some(held) = self.nodes.get_mut(node) else { return };
        let uids: Vec<String> =
            kubelets.bodies.iter().filter(|(_, b)| b.node == node).map(|(uid, _)| uid.clone()).collect();
        let now = agenda.now();
        match turn {
            Turn::Cut | Turn::Fail => {
                if held.away_until.is_some() {
                    return;
                }
                let length = weather
                    .dice()
                    .pick(&[10 * SECOND, MINUTE, 4 * MINUTE, 8 * MINUTE, 20 * MINUTE])
                    .copied()
                    .unwrap_or(MINUTE);
                held.away_until = Some(now + length);
                held.dead = turn == Turn::Fail;
                if held.dead {
                    for uid in &uids {
                        kubelets.end(uid, 255, "Unknown", agenda);
                    }
                }
                if length > 5 * MINUTE + 50 * SECOND {
                    agenda.after(5 * MINUTE + 50 * SECOND, Event::Node(node, Turn::Taint));
                }
                if held.dead && length > 10 * MINUTE && weather.dice().chance(0.5) {
                    agenda.after(7 * MINUTE, Event::Node(node, Turn::Delete));
                }
                agenda.after(length, Event::Node(node, Turn::Return));
            }
            Turn::Return => {
                held.away_until = None;
                held.dead = false;
                for uid in &uids {
                    // A kubelet that comes back reports what ended meanwhile.
                    agenda.after(weather.lag(), Event::Kubelet(uid.clone(), crate::agenda::Step::Report));
                }
            }
            Turn::Taint => {
                for uid in &uids {
                    drain(uid, "DeletionByTaintManager", kubelets, store, now);
                }
            }
            Turn::Delete => {
                for uid in &uids {
                    let Some(body) = kubelets.bodies.get(uid) else { continue };
                    let key = body.key.clone();
                    if store.get(&key).is_some_and(|p| store::uid(p) == uid) {
                        store.edit(&key, Actor::Node, |o| {
                            let over = matches!(o["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
                            if !over {
                                o["status"]["phase"] = json!("Failed");
                                disrupt(&mut o["status"], "DeletionByPodGC", now);
                            }
                        });
                        let options =
                            DeleteOptions { grace: Some(0), uid: Some(uid.clone()), ..DeleteOptions::default() };
                        let _ = store.delete(&key, &options, Actor::Node);
                    }
                    kubelets.bodies.remove(uid);
                }
            }
            Turn::Evict | Turn::Preempt => {
                let running: Vec<&String> =
                    uids.iter().filter(|u| kubelets.bodies.get(*u).is_some_and(Body::alive)).collect();
                let Some(uid) = weather.dice().pick(&running).map(|u| (*u).clone()) else { return };
                if held.away_until.is_some() {
                    return;
                }
                if turn == Turn::Evict {
                    kubelets.evict(&uid, agenda, weather);
                } else {
                    drain(&uid, "PreemptionByScheduler", kubelets, store, now);
                }
            }
        }
    }
}

/// Marks a pod as disrupted and deletes it.
fn drain(uid: &str, reason: &str, kubelets: &Kubelets, store: &mut Store, now: Millis) {
    let Some(body) = kubelets.bodies.get(uid) else { return };
    let over = |pod: &serde_json::Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if store.get(&body.key).is_some_and(|p| store::uid(p) == uid && !store::deleting(p) && !over(p)) {
        store.edit(&body.key, Actor::Node, |o| disrupt(&mut o["status"], reason, now));
        let options = DeleteOptions { uid: Some(uid.to_owned()), ..DeleteOptions::default() };
        let _ = store.delete(&body.key, &options, Actor::Node);
    }
}
