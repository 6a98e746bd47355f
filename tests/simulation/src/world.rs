//! The loop that moves virtual time: one thing happens at a time, and whoever waits for it runs until all wait again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::agenda::Event;
use crate::call::Answer;
use crate::clock::Millis;
use crate::cluster::Cluster;
use crate::gate::{Gate, Parked};
use crate::store::{Actor, Change};

/// A cluster in time, with the requests that wait for it.
#[derive(Debug)]
pub struct World {
    /// The cluster.
    pub cluster: Cluster,
    /// Where requests arrive.
    pub gate: Gate,
    parked: BTreeMap<u64, Parked>,
    count: u64,
    origin: Instant,
}

impl World {
    /// A world that begins now. Tokio's time must be paused.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, gate: Gate::default(), parked: BTreeMap::new(), count: 0, origin: Instant::now() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.cluster.agenda.now()
    }

    /// Lets time pass until the next thing happens, and returns it. `None` when there is nothing but that a
    /// task has something to tell, or nothing at all is to happen.
    ///
    /// Between two things at least a millisecond passes in which nobody has anything left to do: tokio moves a paused clock
    /// only when all tasks wait, and so everything that follows from the one has happened before the other.
    pub async fn next(&mut self) -> Option<Event> {
        let earliest = self.now() + 1;
        loop {
            for parked in self.gate.take() {
                self.count += 1;
                let delay = self.cluster.weather.around(self.cluster.weather.request);
                self.parked.insert(self.count, parked);
                self.cluster.agenda.after(delay, Event::Serve(self.count));
            }
            let due = self.cluster.agenda.next().map(|time| time.max(earliest));
            // With nothing to do, a task's own timer may still bring a request.
            let wake = self.origin + Duration::from_millis(due.unwrap_or(self.now() + 600_000));
            tokio::select! {
                biased;
                () = self.gate.arrived() => {
                    if self.gate.is_empty() {
                        return None;
                    }
                    continue;
                }
                () = sleep_until(wake) => {}
            }
            // Time passes also where nothing is to happen any more: whoever waits for quiet must see it.
            self.cluster.set_now(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX));
            due?;
            return self.cluster.agenda.take();
        }
    }

    /// Takes a parked request.
    pub fn unpark(&mut self, id: u64) -> Option<Parked> {
        self.parked.remove(&id)
    }

    /// Who made a request that waits.
    #[must_use]
    pub fn actor(&self, id: u64) -> Option<Actor> {
        self.parked.get(&id).map(|parked| parked.actor)
    }

    /// Drops requests of a life that has ended, those that `keep` does not hold back: a request on the wire may still arrive.
    pub fn forget(&mut self, mut keep: impl FnMut(&Parked) -> bool) {
        self.parked.retain(|_, parked| keep(parked));
    }

    /// Serves a parked request without any fault.
    pub fn serve(&mut self, id: u64) {
        let Some(mut parked) = self.unpark(id) else { return };
        let answer = match parked.take() {
            Ok(mut call) => self.cluster.serve(&mut call, parked.actor),
            Err(failure) => Answer::Refused(failure),
        };
        parked.answer(answer);
    }

    /// Carries out a thing that needs no operator, and returns what changed; the event itself, if it is not one of those.
    pub fn happen(&mut self, event: Event) -> (Vec<Change>, Option<Event>) {
        let left = match event {
            Event::Serve(id) => {
                self.serve(id);
                None
            }
            event => self.cluster.happen(event).err(),
        };
        (self.cluster.absorb(), left)
    }
}
