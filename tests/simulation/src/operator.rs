//! An operator's life: caches, watches, the queue of reconciles, and the reconciles under way.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use kube::runtime::controller::Action;
use serde_json::Value;
use tokio::task::JoinHandle;
use trimtab_api::{Study, Trial, names};
use trimtab_operator::context::{Triggers, on_child, on_study, on_trial};
use trimtab_operator::kept::{Job, Pod};
use trimtab_operator::{Caches, Clock, Config, Context, Error, caches, study, trial};

use crate::agenda::{Agenda, Event};
use crate::clock::{self, Millis};
use crate::gate::Gate;
use crate::resource::Resource;
use crate::store::{Actor, Change, Store};
use crate::watch::{Feeding, Watch};
use crate::weather::Weather;

/// How many objects are reconciled at once.
const CONCURRENCY: usize = 16;

/// What is reconciled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Study or Trial.
    pub resource: Resource,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

#[derive(Debug, Default)]
struct Slot {
    due: Option<Millis>,
    running: Option<JoinHandle<()>>,
}

/// How a reconcile ended.
#[derive(Debug)]
pub enum Ended {
    /// In order; look again after a time.
    Well(Option<Duration>),
    /// With an error; look again after a time.
    Badly(Duration, String),
    /// It panicked.
    Panicked(String),
}

type Done = Arc<Mutex<Vec<(u64, Target, Ended)>>>;

/// The operators' reconciles that have ended, of all lives.
#[derive(Clone, Debug, Default)]
pub struct Finished(Done);

impl Finished {
    /// Takes them.
    #[must_use]
    pub fn take(&self) -> Vec<(u64, Target, Ended)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An operator from its start to its death.
pub struct Life {
    /// Which operator.
    pub index: usize,
    /// Which life; no two lives of any operators have the same number.
    pub number: u64,
    ctx: Arc<Context>,
    caches: Caches,
    watches: BTreeMap<Resource, (Box<dyn Watch>, Millis)>,
    slots: BTreeMap<Target, Slot>,
    finished: Finished,
    gate: Gate,
    _nudges: tokio::sync::mpsc::UnboundedReceiver<(String, String)>,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life").field("index", &self.index).field("number", &self.number).finish_non_exhaustive()
    }
}

fn ours(object: &Value) -> bool {
    object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == names::MANAGER
}

fn any(_: &Value) -> bool {
    true
}

/// The time that an action names. The type keeps it private, and prints it.
fn again(action: &Action) -> Option<Duration> {
    let never = *action == Action::await_change();
    if never {
        return None;
    }
    let text = format!("{action:?}");
    let inner = text.split("Some(").nth(1)?.split(')').next()?;
    let (number, unit) = inner.split_at(inner.find(|c: char| c.is_alphabetic() || c == 'µ')?);
    let number: f64 = number.parse().ok()?;
    Some(Duration::from_secs_f64(match unit {
        "s" => number,
        "ms" => number / 1e3,
        "µs" => number / 1e6,
        _ => number / 1e9,
    }))
}

impl Life {
    /// A new life, with nothing known.
    #[must_use]
    pub fn start(
        index: usize,
        number: u64,
        gate: &Gate,
        finished: &Finished,
        config: Config,
        agenda: &mut Agenda,
        weather: &mut Weather,
    ) -> Self {
        let client = gate.client(Actor::Operator(index), number);
        let (caches, feeds) = caches();
        let (nudge, nudges) = tokio::sync::mpsc::unbounded_channel();
        let clock = Clock::starting_at(clock::timestamp(agenda.now()));
        let ctx = Arc::new(Context::new(client.clone(), client, caches.clone(), clock, config, nudge));
        let mut watches: BTreeMap<Resource, (Box<dyn Watch>, Millis)> = BTreeMap::new();
        watches.insert(
            Resource::Study,
            (Box::new(Feeding::<Study>::new(Resource::Study, any, feeds.studies, caches.studies.clone(), on_study)), 0),
        );
        watches.insert(
            Resource::Trial,
            (Box::new(Feeding::<Trial>::new(Resource::Trial, any, feeds.trials, caches.trials.clone(), on_trial)), 0),
        );
        watches.insert(
            Resource::Job,
            (Box::new(Feeding::<Job>::new(Resource::Job, ours, feeds.jobs, caches.jobs.clone(), on_child::<Job>)), 0),
        );
        watches.insert(
            Resource::Pod,
            (Box::new(Feeding::<Pod>::new(Resource::Pod, ours, feeds.pods, caches.pods.clone(), on_child::<Pod>)), 0),
        );
        for resource in watches.keys() {
            agenda.after(weather.watch(*resource), Event::Deliver(index, number, *resource));
        }
        Self {
            index,
            number,
            ctx,
            caches,
            watches,
            slots: BTreeMap::new(),
            finished: finished.clone(),
            gate: gate.clone(),
            _nudges: nudges,
        }
    }

    /// Whether what it keeps of a study was ever found to be another thing than what the objects say.
    #[must_use]
    pub fn misremembers(&self) -> bool {
        self.ctx.shelf.wrong() > 0
    }

    /// Whether all caches are filled. No reconcile begins before.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.watches.values().all(|(watch, _)| watch.listed())
    }

    /// Whether nothing waits in any watch and no reconcile is under way.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.watches.values().all(|(watch, _)| watch.waiting() == 0) && self.slots.values().all(|s| s.running.is_none())
    }

    /// What still waits or runs, in words.
    #[must_use]
    pub fn busy(&self) -> String {
        let watches: Vec<String> = self
            .watches
            .iter()
            .filter(|(_, (w, _))| w.waiting() > 0)
            .map(|(r, (w, _))| format!("{r:?}: {}", w.waiting()))
            .collect();
        let running: Vec<&String> =
            self.slots.iter().filter(|(_, s)| s.running.is_some()).map(|(t, _)| &t.name).collect();
        format!("life {} waits for {watches:?} and runs {running:?}", self.number)
    }

    /// A change happened on the server: the watches will tell it, each in its own time.
    pub fn learn(&mut self, change: &Change, agenda: &mut Agenda, weather: &mut Weather) {
        let resource = change.key.resource;
        let Some((watch, last)) = self.watches.get_mut(&resource).filter(|(watch, _)| watch.listed()) else { return };
        watch.push(change.clone());
        let due = (*last).max(agenda.now() + weather.watch(resource));
        *last = due;
        agenda.at(due, Event::Deliver(self.index, self.number, resource));
    }

    /// A watch tells something.
    pub fn deliver(&mut self, resource: Resource, store: &Store, agenda: &mut Agenda, weather: &mut Weather) {
        let was_ready = self.ready();
        let Some((watch, _)) = self.watches.get_mut(&resource) else { return };
        let again = watch.listed() && watch.waiting() > 0 && weather.strikes(weather.relist);
        let count = if weather.strikes(weather.coalesced) { 1 + weather.dice().below(12) } else { 1 };
        let count = usize::try_from(count).unwrap_or(1);
        let triggers = if !watch.listed() || again { watch.relist(store) } else { watch.deliver(count) };
        for Triggers { studies, trials } in triggers {
            for (resource, targets) in [(Resource::Study, studies), (Resource::Trial, trials)] {
                for (namespace, name) in targets {
                    let delay = weather.dice().below(20);
                    self.request(Target { resource, namespace, name }, delay, agenda);
                }
            }
        }
        if self.ready() && !was_ready {
            // What was asked for while the first lists were still to come.
            agenda.after(1, Event::Queue(self.index, self.number));
        }
    }

    /// Asks for a reconcile; an earlier one stands.
    pub fn request(&mut self, target: Target, delay: Millis, agenda: &mut Agenda) {
        let due = agenda.now() + delay;
        let slot = self.slots.entry(target).or_default();
        if slot.due.is_none_or(|held| due < held) {
            slot.due = Some(due);
            agenda.at(due, Event::Queue(self.index, self.number));
        }
    }

    /// Begins the reconciles that are due, in an order of chance. Returns what began.
    pub fn begin(&mut self, agenda: &mut Agenda, weather: &mut Weather) -> Vec<Target> {
        let mut begun = Vec::new();
        if !self.ready() {
            return begun;
        }
        let now = agenda.now();
        let mut running = self.slots.values().filter(|s| s.running.is_some()).count();
        let mut due: Vec<Target> = self
            .slots
            .iter()
            .filter(|(_, s)| s.running.is_none() && s.due.is_some_and(|d| d <= now))
            .map(|(t, _)| t.clone())
            .collect();
        while !due.is_empty() {
            if running >= CONCURRENCY {
                // The end of one makes place for the next.
                break;
            }
            let at = usize::try_from(weather.dice().below(due.len() as u64)).unwrap_or(0);
            let target = due.swap_remove(at);
            let future = self.future(&target);
            let Some(slot) = self.slots.get_mut(&target) else { continue };
            slot.due = None;
            let Some(future) = future else { continue };
            let (finished, gate, number) = (self.finished.clone(), self.gate.clone(), self.number);
            let (held, ctx) = (target.clone(), Arc::clone(&self.ctx));
            let kind = if target.resource == Resource::Study { "Study" } else { "Trial" };
            slot.running = Some(tokio::spawn(async move {
                let ended = match AssertUnwindSafe(future).catch_unwind().await {
                    Ok(Ok(action)) => {
                        ctx.backoff.succeeded(kind, &held.namespace, &held.name);
                        Ended::Well(again(&action))
                    }
                    Ok(Err(error)) => {
                        let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
                        let wait = ctx.backoff.failed(kind, &held.namespace, &held.name, &error);
                        Ended::Badly(wait, format!("{error}{source}"))
                    }
                    Err(panic) => Ended::Panicked(
                        panic
                            .downcast_ref::<String>()
                            .cloned()
                            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                            .unwrap_or_default(),
                    ),
                };
                finished.0.lock().unwrap_or_else(PoisonError::into_inner).push((number, held, ended));
                gate.knock();
            }));
            begun.push(target);
            running += 1;
        }
        begun
    }

    fn future(&self, target: &Target) -> Option<futures::future::BoxFuture<'static, Result<Action, Error>>> {
        let ctx = Arc::clone(&self.ctx);
        if target.resource == Resource::Study {
            let held = self.caches.studies.get(&target.namespace, &target.name)?;
            Some(Box::pin(study::reconcile(held, ctx)))
        } else {
            let held = self.caches.trials.get(&target.namespace, &target.name)?;
            Some(Box::pin(trial::reconcile(held, ctx)))
        }
    }

    /// A reconcile of this life has ended.
    pub fn end(&mut self, target: &Target, wait: Option<Duration>, agenda: &mut Agenda) {
        let Some(slot) = self.slots.get_mut(target) else { return };
        slot.running = None;
        match (slot.due, wait) {
            (None, Some(wait)) => {
                let delay = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 2);
                self.request(target.clone(), delay, agenda);
            }
            (None, None) => {
                self.slots.remove(target);
            }
            // What was asked for meanwhile stands.
            (Some(_), _) => {}
        }
        let now = agenda.now();
        if self.slots.values().any(|s| s.running.is_none() && s.due.is_some_and(|due| due <= now)) {
            agenda.after(1, Event::Queue(self.index, self.number));
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        for slot in self.slots.values() {
            if let Some(task) = &slot.running {
                task.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_an_action_is_read() {
        assert_eq!(again(&Action::await_change()), None);
        for wait in [
            Duration::from_secs(300),
            Duration::from_millis(250),
            Duration::from_millis(1_500),
            Duration::from_micros(7),
        ] {
            assert_eq!(again(&Action::requeue(wait)), Some(wait));
        }
    }
}
