//! The kubelets' model: containers are made, run their program, print, end, and are reported.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::admission::GRACE;
use crate::agenda::{Agenda, Event, Step};
use crate::clock::{self, MINUTE, Millis, SECOND};
use crate::node::{Nodes, Reach};
use crate::program::{Deed, Program, Report, Training};
use crate::resource::{Key, Resource};
use crate::store::{self, Actor, Change, ChangeKind, DeleteOptions, Propagation, Store};
use crate::volume::Volume;
use crate::weather::Weather;

/// A line of a log.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it was printed.
    pub time: Millis,
    /// Its number within the log.
    pub number: u64,
    /// Its text.
    pub text: String,
    /// The report that is on it.
    pub report: Option<Report>,
}

/// What state a container is in.
#[derive(Clone, Debug, PartialEq)]
pub enum Container {
    /// Not made yet.
    Waiting,
    /// Running since.
    Running(Millis),
    /// Ended.
    Ended {
        /// When it began, if it did.
        started: Option<Millis>,
        /// When it ended.
        finished: Millis,
        /// With which code.
        code: i32,
        /// Why, in the kubelet's words.
        reason: &'static str,
    },
}

/// A pod as its node knows it.
#[derive(Debug)]
pub struct Body {
    /// Its object.
    pub key: Key,
    /// Its node.
    pub node: usize,
    /// Its container.
    pub container: Container,
    /// The name of the container.
    pub name: String,
    /// What runs in it.
    pub program: Option<Program>,
    /// What was printed and is still there.
    pub log: Vec<Line>,
    /// Lines that rotation has taken.
    pub rotated: u64,
    incarnation: u64,
    image_fails_until: Option<Millis>,
    terminating: bool,
    evicted: bool,
}

impl Body {
    /// The training that it runs or ran.
    #[must_use]
    pub fn training(&self) -> Option<&Training> {
        match &self.program {
            Some(Program::Training(training)) => Some(training),
            _ => None,
        }
    }

    /// Whether its container is alive.
    #[must_use]
    pub fn alive(&self) -> bool {
        matches!(self.container, Container::Running(_))
    }
}

/// A thing that a program did, for the judges.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The study's name.
    pub study: String,
    /// The trial's number.
    pub trial: u32,
    /// The run's number.
    pub run: u32,
    /// The report.
    pub report: Report,
}

/// All kubelets.
#[derive(Debug)]
pub struct Kubelets {
    /// The pods by UID.
    pub bodies: BTreeMap<String, Body>,
    /// What was printed since it was last looked at.
    pub printed: Vec<Printed>,
    /// The checkpoints.
    pub volume: Volume,
    /// The seed of the programs.
    pub seed: u64,
    /// The share of trials whose training behaves oddly.
    pub oddness: f64,
    /// How often an image cannot be pulled at first.
    pub image_trouble: f64,
}

impl Kubelets {
    /// The kubelets of a seed.
    #[must_use]
    pub fn new(seed: u64, oddness: f64, image_trouble: f64) -> Self {
        Self { bodies: BTreeMap::new(), printed: Vec::new(), volume: Volume::default(), seed, oddness, image_trouble }
    }

    /// What a change of a pod makes its kubelet do.
    pub fn react(&mut self, change: &Change, agenda: &mut Agenda, weather: &mut Weather) {
        if change.key.resource != Resource::Pod {
            return;
        }
        let uid = store::uid(&change.object).to_owned();
        if change.kind == ChangeKind::Deleted {
            // Whatever still runs of a pod whose object is gone is killed as soon as its kubelet hears of it.
            if self.bodies.get(&uid).is_some_and(Body::alive) {
                agenda.after(weather.lag(), Event::Kubelet(uid, Step::Kill));
            } else {
                self.bodies.remove(&uid);
            }
            return;
        }
        let Some(body) = self.bodies.get_mut(&uid) else { return };
        if store::deleting(&change.object) && !body.terminating {
            body.terminating = true;
            let grace = change.object["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(GRACE);
            match (&body.container, body.program.as_ref().and_then(Program::on_term)) {
                (Container::Running(_), Some((delay, _))) if delay < grace * SECOND => {
                    agenda.after(weather.lag() + delay, Event::Kubelet(uid, Step::Kill));
                }
                (Container::Running(_), _) => {
                    agenda.after(weather.lag() + grace * SECOND, Event::Kubelet(uid, Step::Kill))
                }
                (Container::Waiting, _) => agenda.after(weather.lag(), Event::Kubelet(uid, Step::Kill)),
                (Container::Ended { .. }, _) => agenda.after(weather.lag(), Event::Kubelet(uid, Step::Report)),
            }
        }
    }

    /// A pod was bound to a node.
    pub fn bind(&mut self, uid: &str, key: &Key, node: usize, pod: &Value, agenda: &mut Agenda, weather: &mut Weather) {
        let name = pod["spec"]["containers"][0]["name"].as_str().unwrap_or("").to_owned();
        let trouble = weather.strikes(self.image_trouble);
        let until = trouble.then(|| agenda.now() + weather.dice().between(10 * SECOND, 15 * MINUTE));
        let body = Body {
            key: key.clone(),
            node,
            container: Container::Waiting,
            name,
            program: None,
            log: Vec::new(),
            rotated: 0,
            incarnation: 0,
            image_fails_until: until,
            terminating: store::deleting(pod),
            evicted: false,
        };
        self.bodies.insert(uid.to_owned(), body);
        agenda.after(weather.lag(), Event::Kubelet(uid.to_owned(), Step::Create));
    }

    /// Takes a step with a pod.
    pub fn step(
        &mut self,
        uid: &str,
        step: Step,
        nodes: &Nodes,
        store: &mut Store,
        agenda: &mut Agenda,
        weather: &mut Weather,
    ) {
        let Some(body) = self.bodies.get_mut(uid) else { return };
        if let Reach::Away(until) = nodes.reach(body.node) {
            agenda.at(until + 1, Event::Kubelet(uid.to_owned(), step));
            return;
        }
        let later =
            |agenda: &mut Agenda, delay: Millis, step: Step| agenda.after(delay, Event::Kubelet(uid.to_owned(), step));
        match step {
            Step::Create => {
                if body.terminating || body.container != Container::Waiting {
                    return;
                }
                let (reason, message, delay, next) = match body.image_fails_until {
                    Some(until) if until > agenda.now() => (
                        "ImagePullBackOff",
                        "Back-off pulling image: the registry does not answer",
                        10 * SECOND,
                        Step::Create,
                    ),
                    _ => ("ContainerCreating", "", weather.lag(), Step::Run),
                };
                let mut state = json!({"waiting": {"reason": reason}});
                if !message.is_empty() {
                    state["waiting"]["message"] = json!(message);
                }
                let (now, name) = (agenda.now(), body.name.clone());
                update(store, &body.key, uid, |status| {
                    status["startTime"] = if status["startTime"].is_null() {
                        json!(clock::text(now))
                    } else {
                        status["startTime"].clone()
                    };
                    status["containerStatuses"] = json!([container(&name, &state, false)]);
                });
                later(agenda, delay, next);
            }
            Step::Run => {
                let Some(pod) = store.get(&body.key).filter(|p| store::uid(p) == uid).cloned() else { return };
                if body.terminating || body.container != Container::Waiting {
                    return;
                }
                body.program = Some(Program::of(&pod["spec"]["containers"][0], self.seed, self.oddness));
                body.container = Container::Running(agenda.now());
                body.incarnation += 1;
                let state = json!({"running": {"startedAt": clock::text(agenda.now())}});
                let name = body.name.clone();
                update(store, &body.key, uid, |status| {
                    status["phase"] = json!("Running");
                    status["containerStatuses"] = json!([container(&name, &state, true)]);
                });
                agenda.after(weather.lag(), Event::Program(uid.to_owned(), body.incarnation));
            }
            Step::Kill => {
                let code = match body.program.as_ref().and_then(Program::on_term) {
                    Some((_, code)) if !body.evicted => code,
                    _ => 137,
                };
                self.end(uid, code, if code == 0 { "Completed" } else { "Error" }, agenda);
                self.report_later(uid, agenda, weather);
            }
            Step::Report => self.report(uid, store, agenda, weather),
            Step::Remove => {
                let key = body.key.clone();
                let options = DeleteOptions {
                    grace: Some(0),
                    uid: Some(uid.to_owned()),
                    propagation: Propagation::Background,
                    ..DeleteOptions::default()
                };
                let _ = store.delete(&key, &options, Actor::Node);
            }
        }
    }

    /// A container's program goes on.
    pub fn run(&mut self, uid: &str, incarnation: u64, nodes: &Nodes, agenda: &mut Agenda, weather: &mut Weather) {
        let Some(body) = self.bodies.get_mut(uid) else { return };
        if !body.alive() || body.incarnation != incarnation || nodes.dead(body.node) {
            return;
        }
        let Some(program) = body.program.as_mut() else { return };
        let again = |agenda: &mut Agenda, delay: Millis| {
            agenda.after(delay.max(1), Event::Program(uid.to_owned(), incarnation))
        };
        match program.step(uid, &mut self.volume) {
            Deed::Print(text, report, delay) => {
                let number = body.rotated + body.log.len() as u64;
                if let (Program::Training(training), Some(report)) = (&*program, &report) {
                    let facts = &training.facts;
                    self.printed.push(Printed {
                        study: facts.study.clone(),
                        trial: facts.trial,
                        run: facts.run,
                        report: report.clone(),
                    });
                }
                body.log.push(Line { time: agenda.now(), number, text, report });
                if weather.strikes(0.003) {
                    // Rotation: the kubelet serves the newest file alone.
                    let kept = usize::try_from(weather.dice().below(3)).unwrap_or(0);
                    let gone = body.log.len().saturating_sub(kept);
                    body.log.drain(..gone);
                    body.rotated += gone as u64;
                }
                again(agenda, delay);
            }
            Deed::Wait(delay) => again(agenda, delay),
            Deed::Hang => {}
            Deed::Exit(code) => {
                self.end(uid, code, if code == 0 { "Completed" } else { "Error" }, agenda);
                self.report_later(uid, agenda, weather);
            }
            Deed::OutOfMemory => {
                self.end(uid, 137, "OOMKilled", agenda);
                self.report_later(uid, agenda, weather);
            }
        }
    }

    /// A container ends.
    pub fn end(&mut self, uid: &str, code: i32, reason: &'static str, agenda: &Agenda) {
        let Some(body) = self.bodies.get_mut(uid) else { return };
        let started = match body.container {
            Container::Running(since) => Some(since),
            Container::Waiting => None,
            Container::Ended { .. } => return,
        };
        body.incarnation += 1;
        body.container = Container::Ended { started, finished: agenda.now(), code, reason };
        self.volume.close(uid);
    }

    /// The kubelet evicts a pod.
    pub fn evict(&mut self, uid: &str, agenda: &mut Agenda, weather: &mut Weather) {
        if let Some(body) = self.bodies.get_mut(uid) {
            body.evicted = true;
        }
        self.end(uid, 137, "Error", agenda);
        self.report_later(uid, agenda, weather);
    }

    fn report_later(&self, uid: &str, agenda: &mut Agenda, weather: &mut Weather) {
        agenda.after(weather.lag(), Event::Kubelet(uid.to_owned(), Step::Report));
    }

    fn report(&mut self, uid: &str, store: &mut Store, agenda: &mut Agenda, weather: &mut Weather) {
        let Some(body) = self.bodies.get(uid) else { return };
        let Container::Ended { started, finished, code, reason } = body.container.clone() else { return };
        let phase = if code == 0 && started.is_some() && !body.evicted { "Succeeded" } else { "Failed" };
        let mut state =
            json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": clock::text(finished)}});
        match started {
            Some(started) => state["terminated"]["startedAt"] = json!(clock::text(started)),
            None => {
                state["terminated"] = json!({"exitCode": 137, "reason": "ContainerStatusUnknown", "message": "The container could not be located when the pod was terminated"})
            }
        }
        let (name, evicted, now, key) = (body.name.clone(), body.evicted, agenda.now(), body.key.clone());
        update(store, &key, uid, |status| {
            if matches!(status["phase"].as_str(), Some("Succeeded" | "Failed")) {
                return;
            }
            status["phase"] = json!(phase);
            status["containerStatuses"] = json!([container(&name, &state, false)]);
            if evicted {
                status["reason"] = json!("Evicted");
                status["message"] = json!("The node was low on resource: memory");
                disrupt(status, "TerminationByKubelet", now);
            }
        });
        match store.get(&key).filter(|p| store::uid(p) == uid) {
            Some(pod) if store::deleting(pod) => {
                agenda.after(weather.lag(), Event::Kubelet(uid.to_owned(), Step::Remove))
            }
            Some(_) => {}
            None => {
                self.bodies.remove(uid);
            }
        }
    }
}

/// Sets the condition that tells disruptions from failures.
pub fn disrupt(status: &mut Value, reason: &str, now: Millis) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let condition =
        json!({"type": "DisruptionTarget", "status": "True", "reason": reason, "lastTransitionTime": clock::text(now)});
    if let Some(list) = status["conditions"].as_array_mut()
        && !list.iter().any(|c| c["type"] == "DisruptionTarget")
    {
        list.push(condition);
    }
}

fn container(name: &str, state: &Value, ready: bool) -> Value {
    json!({"name": name, "image": "sim", "imageID": "", "ready": ready, "started": ready, "restartCount": 0, "state": state, "lastState": {}})
}

fn update(store: &mut Store, key: &Key, uid: &str, change: impl FnOnce(&mut Value)) {
    if store.get(key).is_some_and(|pod| store::uid(pod) == uid) {
        store.edit(key, Actor::Node, |pod| change(&mut pod["status"]));
    }
}
