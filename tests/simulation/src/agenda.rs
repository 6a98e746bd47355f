//! What is to happen, by virtual time. Things due at the same instant happen in the order in which they were put down.

use std::collections::BTreeMap;

use crate::clock::Millis;
use crate::resource::{Key, Resource};

/// Something that is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The Job controller looks at a Job.
    Job(Key),
    /// The garbage collector looks at an object, if it still has this UID.
    Collect(Key, String),
    /// The scheduler looks for a place for a pod.
    Place(String),
    /// A kubelet takes the next step with a pod.
    Kubelet(String, Step),
    /// A container's program goes on, if it is still the same incarnation.
    Program(String, u64),
    /// A node changes.
    Node(usize, Turn),
    /// The API server serves a parked request.
    Serve(u64),
    /// A watch of an operator's life delivers.
    Deliver(usize, u64, Resource),
    /// An operator's queue looks at what is due.
    Queue(usize, u64),
    /// An operator dies.
    Crash(usize),
    /// An operator starts.
    Start(usize),
    /// A user acts.
    User(usize),
    /// Something befalls a node or a pod.
    Mishap,
    /// The weather turns for better: faults end.
    Calm,
}

/// A kubelet's steps with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has seen the pod and makes the container.
    Create,
    /// The container runs.
    Run,
    /// The container's end is reported.
    Report,
    /// The grace period is over.
    Kill,
    /// The pod's object is removed.
    Remove,
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It cannot be reached; its containers run on.
    Cut,
    /// It loses power; its containers die.
    Fail,
    /// It is back.
    Return,
    /// The node controller gives its pods up.
    Taint,
    /// Somebody deletes the node's object: its pods are failed and removed by force.
    Delete,
    /// The kubelet evicts a pod for lack of memory or disk.
    Evict,
    /// A pod of higher priority takes a place.
    Preempt,
}

/// The list of what is to happen.
#[derive(Debug, Default)]
pub struct Agenda {
    entries: BTreeMap<(Millis, u64), Event>,
    count: u64,
    now: Millis,
}

impl Agenda {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Sets the time, which never goes back.
    pub fn set_now(&mut self, now: Millis) {
        self.now = self.now.max(now);
    }

    /// Puts something down, `delay` from now.
    pub fn after(&mut self, delay: Millis, event: Event) {
        self.at(self.now + delay, event);
    }

    /// Puts something down for an instant.
    pub fn at(&mut self, time: Millis, event: Event) {
        self.count += 1;
        self.entries.insert((time.max(self.now), self.count), event);
    }

    /// When the next thing is due.
    #[must_use]
    pub fn next(&self) -> Option<Millis> {
        self.entries.keys().next().map(|(time, _)| *time)
    }

    /// Takes the next thing, if it is due.
    pub fn take(&mut self) -> Option<Event> {
        let (time, _) = *self.entries.keys().next()?;
        if time > self.now {
            return None;
        }
        self.entries.pop_first().map(|(_, event)| event)
    }

    /// What is still to happen.
    pub fn pending(&self) -> impl Iterator<Item = (Millis, &Event)> {
        self.entries.iter().map(|((time, _), event)| (*time, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_the_order_of_time_then_of_arrival() {
        let mut agenda = Agenda::default();
        agenda.after(5, Event::Calm);
        agenda.after(1, Event::Start(0));
        agenda.after(1, Event::Start(1));
        assert_eq!((agenda.next(), agenda.take()), (Some(1), None));
        agenda.set_now(9);
        let order: Vec<_> = std::iter::from_fn(|| agenda.take()).collect();
        assert_eq!(order, [Event::Start(0), Event::Start(1), Event::Calm]);
    }
}
