//! The cluster: the API server's objects, the controllers that Kubernetes itself brings, and the nodes.

use crate::agenda::{Agenda, Event};
use crate::call::{Answer, Call, Verb};
use crate::collector;
use crate::failure::Failure;
use crate::jobs;
use crate::kubelet::Kubelets;
use crate::logs;
use crate::node::Nodes;
use crate::store::{Actor, Change, Store};
use crate::weather::Weather;

/// Everything but the operators and the users.
#[derive(Debug)]
pub struct Cluster {
    /// The objects.
    pub store: Store,
    /// What is to happen.
    pub agenda: Agenda,
    /// The nodes.
    pub nodes: Nodes,
    /// What runs on them.
    pub kubelets: Kubelets,
    /// How slow and faulty it all is.
    pub weather: Weather,
    absorbed: usize,
}

impl Cluster {
    /// A cluster.
    #[must_use]
    pub fn new(store: Store, nodes: Nodes, kubelets: Kubelets, weather: Weather) -> Self {
        Self { store, agenda: Agenda::default(), nodes, kubelets, weather, absorbed: 0 }
    }

    /// Sets the time.
    pub fn set_now(&mut self, now: crate::clock::Millis) {
        self.agenda.set_now(now);
        self.store.set_now(self.agenda.now());
    }

    /// Serves a request.
    pub fn serve(&mut self, call: &mut Call, actor: Actor) -> Answer {
        if call.verb == Verb::Log {
            if self.weather.strikes(self.weather.log) {
                return Answer::Refused(Failure::internal(
                    "error trying to reach the kubelet: context deadline exceeded",
                ));
            }
            return logs::read(call, &self.store, &self.kubelets, &self.nodes);
        }
        call.serve(&mut self.store, actor)
    }

    /// Carries out an event, if it is the cluster's own.
    ///
    /// # Errors
    /// The event, if it is not.
    pub fn happen(&mut self, event: Event) -> Result<(), Event> {
        let Self { store, agenda, nodes, kubelets, weather, .. } = self;
        match event {
            Event::Job(key) => jobs::sync(&key, store, agenda, weather),
            Event::Collect(key, uid) => collector::collect(&key, &uid, store),
            Event::Place(uid) => nodes.place(&uid, kubelets, store, agenda, weather),
            Event::Kubelet(uid, step) => kubelets.step(&uid, step, nodes, store, agenda, weather),
            Event::Program(uid, incarnation) => kubelets.run(&uid, incarnation, nodes, agenda, weather),
            Event::Node(node, turn) => nodes.turn(node, turn, kubelets, store, agenda, weather),
            other => return Err(other),
        }
        Ok(())
    }

    /// Lets the cluster's own controllers learn of what changed, and returns it.
    pub fn absorb(&mut self) -> Vec<Change> {
        let fresh: Vec<Change> = self.store.log().get(self.absorbed..).unwrap_or_default().to_vec();
        self.absorbed += fresh.len();
        for change in &fresh {
            jobs::react(change, &mut self.agenda, &mut self.weather);
            collector::react(change, &self.store, &mut self.agenda, &mut self.weather);
            Nodes::react(change, &mut self.agenda, &mut self.weather);
            self.kubelets.react(change, &mut self.agenda, &mut self.weather);
        }
        fresh
    }
}
