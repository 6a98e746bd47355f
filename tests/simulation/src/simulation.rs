//! A seed from its first event to its last: operators against the cluster, faults in between, judges beside.

use std::collections::VecDeque;
use std::time::Duration;

use trimtab_operator::{Books, Config};

use crate::agenda::Event;
use crate::call::{Answer, Call, Verb};
use crate::clock::{self, MINUTE, Millis, SECOND};
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::failure::Failure;
use crate::kubelet::Kubelets;
use crate::node::Nodes;
use crate::operator::{Ended, Finished, Life};
use crate::oracle::Oracle;
use crate::planted::Planted;
use crate::resource::{Key, Resource};
use crate::rules::Rules;
use crate::setting::Setting;
use crate::store::{Actor, Part, Store};
use crate::users;
use crate::weather::Weather;
use crate::world::World;

/// How long after the storm a study may take to settle.
const PATIENCE: Millis = 12 * 60 * MINUTE;
/// How long nobody may write before a world counts as settled: longer than any look again.
const QUIET: Millis = 12 * MINUTE;
/// How long nobody may write before a study without its end counts as stuck: longer than any run may take.
const STUCK: Millis = 90 * MINUTE;
/// Things that may happen in a world.
const MOST: u64 = 250_000;
/// Trace lines that are kept.
const TRACE: usize = 400;

/// What must not happen, and did.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// What it is.
    pub what: String,
    /// When.
    pub at: Millis,
    /// The last lines of the trace, if it was kept.
    pub trace: Vec<String>,
}

/// A world that ended well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Things that happened.
    pub events: u64,
    /// Requests of operators.
    pub requests: u64,
    /// Changes of objects by operators.
    pub writes: u64,
    /// Lives of operators.
    pub lives: u64,
    /// Batches decided.
    pub batches: u64,
    /// Trials started.
    pub trials: u64,
    /// Jobs that came too late.
    pub late: u64,
    /// Virtual milliseconds.
    pub time: Millis,
    /// A digest of all changes: two runs of a seed have the same.
    pub digest: u64,
}

struct Simulation {
    seed: u64,
    setting: Setting,
    world: World,
    lives: Vec<Option<Life>>,
    finished: Finished,
    oracle: Oracle,
    planted: Option<Planted>,
    summary: Summary,
    quiet_since: Millis,
    calm: bool,
    dice: Dice,
    trace: VecDeque<String>,
    tracing: bool,
    print: bool,
}

/// Plays a seed. With `trace`, lines of what happens are kept; with `print`, they are printed as well.
///
/// # Errors
/// The first violation.
pub fn play(
    seed: u64,
    rules: &Rules,
    planted: Option<Planted>,
    trace: bool,
    print: bool,
) -> Result<Summary, Box<Violation>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { unreachable!("a runtime without I/O asks nothing of the system") };
    runtime.block_on(async {
        let setting = Setting::new(seed);
        let kubelets = Kubelets::new(seed, setting.oddness, setting.image_trouble);
        let cluster = Cluster::new(Store::new(rules.clone()), Nodes::new(&setting.slots), kubelets, Weather::new(seed));
        let mut simulation = Simulation {
            seed,
            lives: (0..setting.operators).map(|_| None).collect(),
            setting,
            world: World::new(cluster),
            finished: Finished::default(),
            oracle: Oracle::default(),
            planted,
            summary: Summary::default(),
            quiet_since: 0,
            calm: false,
            dice: Dice::new(seed, "faults"),
            trace: VecDeque::new(),
            tracing: trace,
            print,
        };
        simulation.run().await
    })
}

impl Simulation {
    async fn run(&mut self) -> Result<Summary, Box<Violation>> {
        let agenda = &mut self.world.cluster.agenda;
        for (index, (at, _)) in self.setting.deeds.iter().enumerate() {
            agenda.at(*at, Event::User(index));
        }
        for index in 0..self.setting.operators {
            agenda.after(1 + self.dice.below(3 * SECOND), Event::Start(index));
        }
        agenda.at(self.setting.calm_at, Event::Calm);
        if self.world.cluster.weather.mishap > 0 {
            agenda.after(self.world.cluster.weather.mishap, Event::Mishap);
        }
        let weather = self.world.cluster.weather.clone();
        self.say(|| format!("weather {weather:?}"));
        let setting = self.setting.clone();
        self.say(|| format!("setting {setting:?}"));
        loop {
            let event = self.world.next().await;
            self.ended()?;
            if self.lives.iter().flatten().any(Life::misremembers) {
                return Err(self.violation("what is kept of a study is not what its objects say".to_owned()));
            }
            // Here all reconciles that could end have ended; those that the event begins have not yet.
            if self.done() {
                let wrong = self.oracle.finish(&self.world.cluster);
                return match wrong.into_iter().next() {
                    Some(what) => Err(self.violation(what)),
                    None => {
                        self.summary.time = self.world.now();
                        self.summary.lives = self.oracle.lives;
                        self.summary.late = self.oracle.late.count();
                        Ok(self.summary.clone())
                    }
                };
            }
            if let Some(event) = event {
                self.summary.events += 1;
                self.happen(event);
            }
            self.settle_changes()?;
            let now = self.world.now();
            let last = self.quiet_since.max(self.setting.calm_at);
            if now > self.setting.calm_at + PATIENCE || now > last + STUCK || self.summary.events > MOST {
                let why = self.oracle.unsettled(&self.world.cluster);
                let what = if self.summary.events > MOST { "too much happens" } else { "it does not settle" };
                let busy: Vec<String> = self.lives.iter().flatten().filter(|l| !l.idle()).map(Life::busy).collect();
                return Err(
                    self.violation(format!("{what}: {why}; last write at {}; {busy:?}", clock::text(self.quiet_since)))
                );
            }
        }
    }

    fn violation(&self, what: String) -> Box<Violation> {
        Box::new(Violation { seed: self.seed, what, at: self.world.now(), trace: self.trace.iter().cloned().collect() })
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if !self.tracing {
            return;
        }
        let line = format!("{} {}", clock::stamp(self.world.now(), 0).get(11..23).unwrap_or(""), line());
        if self.print {
            println!("{line}");
        }
        if self.trace.len() >= TRACE {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }

    /// Whether all is quiet and every study has its end.
    fn done(&self) -> bool {
        let now = self.world.now();
        self.calm
            && now > self.quiet_since + QUIET
            && self.lives.iter().all(|l| l.as_ref().is_some_and(Life::idle))
            && !self.world.cluster.agenda.pending().any(|(_, event)| matches!(event, Event::User(_)))
            && self.oracle.ended(&self.world.cluster)
    }

    /// Reconciles that have ended since.
    fn ended(&mut self) -> Result<(), Box<Violation>> {
        for (number, target, ended) in self.finished.take() {
            let name = &target.name;
            let wait = match ended {
                Ended::Well(wait) => {
                    self.say(|| format!("  life {number}: {name} done, again {wait:?}"));
                    wait
                }
                Ended::Badly(wait, why) => {
                    self.say(|| format!("  life {number}: {name} failed: {why}"));
                    Some(wait)
                }
                Ended::Panicked(why) => return Err(self.violation(format!("a reconcile of {name} panicked: {why}"))),
            };
            if let Some(life) = self.lives.iter_mut().flatten().find(|l| l.number == number) {
                life.end(&target, wait, &mut self.world.cluster.agenda);
            }
        }
        Ok(())
    }

    /// Tells everybody of what changed, and lets the judges look.
    fn settle_changes(&mut self) -> Result<(), Box<Violation>> {
        loop {
            let changes = self.world.cluster.absorb();
            if changes.is_empty() {
                break;
            }
            for change in changes {
                let cluster = &mut self.world.cluster;
                if matches!(change.actor, Actor::Operator(_) | Actor::User) && change.key.resource != Resource::Event {
                    self.quiet_since = cluster.agenda.now();
                }
                self.summary.writes += u64::from(matches!(change.actor, Actor::Operator(_)));
                self.summary.digest =
                    crate::dice::mix(self.summary.digest, &format!("{}{:?}", change.key, change.kind))
                        ^ change.version.wrapping_mul(31);
                for life in self.lives.iter_mut().flatten() {
                    life.learn(&change, &mut cluster.agenda, &mut cluster.weather);
                }
                let wrong = self.oracle.judge(&change, &self.world.cluster);
                self.say(|| {
                    format!(
                        "  {:?} {} v{} by {:?}{}",
                        change.kind,
                        change.key,
                        change.version,
                        change.actor,
                        crate::oracle::gist(&change)
                    )
                });
                if let Some(what) = wrong {
                    return Err(self.violation(what));
                }
            }
        }
        (self.summary.batches, self.summary.trials) = self.oracle.counts();
        let cluster = &mut self.world.cluster;
        if let Some((key, _, why)) =
            cluster.store.take_refused().into_iter().find(|(_, actor, _)| matches!(actor, Actor::Operator(_)))
        {
            return Err(self.violation(format!("an operator's write of {key} breaks a rule: {why}")));
        }
        if let Some(what) = self.oracle.judge_volume(cluster.kubelets.volume.take_wrongs()) {
            return Err(self.violation(what));
        }
        let printed = std::mem::take(&mut cluster.kubelets.printed);
        self.oracle.hear(printed);
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        // A paused operator does nothing, hears nothing and gets no answers.
        if let Some(until) = self.paused(&event) {
            self.world.cluster.agenda.at(until, event);
            return;
        }
        let World { cluster, gate, .. } = &mut self.world;
        match event {
            Event::Serve(id) => self.serve(id),
            Event::Deliver(index, life, resource) => {
                if let Some(life) = self.lives[index].as_mut().filter(|l| l.number == life) {
                    life.deliver(resource, &cluster.store, &mut cluster.agenda, &mut cluster.weather);
                }
            }
            Event::Queue(index, life) => {
                if let Some(life) = self.lives[index].as_mut().filter(|l| l.number == life) {
                    let begun = life.begin(&mut cluster.agenda, &mut cluster.weather);
                    let number = life.number;
                    for target in begun {
                        self.say(|| format!("  life {number}: {} begins", target.name));
                    }
                }
            }
            Event::Start(index) => {
                if self.lives[index].is_none() {
                    self.oracle.lives += 1;
                    let number = self.oracle.lives;
                    let config = Config {
                        follows: 0,
                        cleanup_image: None,
                        poll: Duration::from_secs(10),
                        // The comparison takes as long as everything else together.
                        books: Books { from: 0, checks: self.seed.is_multiple_of(4) },
                        ..Config::default()
                    };
                    self.lives[index] = Some(Life::start(
                        index,
                        number,
                        gate,
                        &self.finished,
                        config,
                        &mut cluster.agenda,
                        &mut cluster.weather,
                    ));
                    self.say(|| format!("operator {index} starts life {number}"));
                }
            }
            Event::Crash(index) => self.crash(index),
            Event::User(index) => {
                let Some((_, deed)) = self.setting.deeds.get(index).cloned() else { return };
                let said = users::act(&deed, cluster);
                self.say(|| format!("user: {said}"));
            }
            Event::Mishap => {
                if cluster.weather.stormy {
                    cluster.nodes.mishap(&mut cluster.agenda, &mut cluster.weather);
                    let next = cluster.weather.around(cluster.weather.mishap);
                    cluster.agenda.after(next, Event::Mishap);
                }
            }
            Event::Calm => {
                cluster.weather.calm();
                self.calm = true;
                self.quiet_since = cluster.agenda.now();
                self.say(|| "the storm is over".to_owned());
            }
            event => {
                self.say(|| format!("{event:?}"));
                // What is left of it is nobody's.
                let _ = self.world.cluster.happen(event);
            }
        }
    }

    fn paused(&self, event: &Event) -> Option<Millis> {
        let index = match event {
            Event::Deliver(index, ..) | Event::Queue(index, _) => *index,
            Event::Serve(id) => match self.world.actor(*id)? {
                Actor::Operator(index) => index,
                _ => return None,
            },
            _ => return None,
        };
        let now = self.world.now();
        self.setting
            .pauses
            .iter()
            .filter(|(i, start, length)| *i == index && now >= *start && now < start + length)
            .map(|(_, start, length)| start + length)
            .next()
    }

    fn crash(&mut self, index: usize) {
        let Some(life) = self.lives[index].take() else { return };
        let number = life.number;
        drop(life);
        // What is on the wire may arrive all the same.
        let dice = &mut self.dice;
        self.world.forget(|parked| parked.life != number || dice.chance(0.5));
        let rest = self.dice.between(SECOND, if self.calm { 5 * SECOND } else { 3 * MINUTE });
        self.world.cluster.agenda.after(rest, Event::Start(index));
        self.say(|| format!("operator {index} dies, life {number}"));
    }

    fn serve(&mut self, id: u64) {
        let Some(mut parked) = self.world.unpark(id) else { return };
        self.summary.requests += 1;
        let Actor::Operator(index) = parked.actor else { return };
        let mut call = match parked.take() {
            Ok(call) => call,
            Err(failure) => {
                self.say(|| format!("life {}: {failure}", parked.life));
                parked.answer(Answer::Refused(failure));
                return;
            }
        };
        let alive = self.lives[index].as_ref().is_some_and(|l| l.number == parked.life);
        let said = if self.tracing {
            format!("life {}{}: {call}", parked.life, if alive { "" } else { " (dead)" })
        } else {
            String::new()
        };
        let writes = call.writes();
        let weather = &mut self.world.cluster.weather;
        if weather.strikes(weather.refused) {
            let failure = match weather.dice().below(4) {
                0 => Failure::too_many(1),
                1 => Failure::internal("etcdserver: leader changed"),
                2 => Failure::unavailable(),
                _ => Failure::timeout(),
            };
            self.say(|| format!("{said} -> refused by the weather: {}", failure.code));
            parked.answer(Answer::Refused(failure));
            return;
        }
        if writes && alive && self.world.cluster.weather.strikes(self.world.cluster.weather.crash) {
            let before = self.dice.chance(0.5);
            if !before {
                let _ = self.carry_out(&mut call, parked.actor);
            }
            self.say(|| format!("{said} -> the operator dies {} it is done", if before { "before" } else { "after" }));
            self.crash(index);
            return;
        }
        if writes && self.world.cluster.weather.strikes(self.world.cluster.weather.overtaken) {
            self.overtake(&call);
        }
        let answer = self.carry_out(&mut call, parked.actor);
        let weather = &mut self.world.cluster.weather;
        if writes && weather.strikes(weather.lost) {
            self.say(|| format!("{said} -> done, and its answer is lost"));
            let answers = [
                Answer::Lost("operation timed out"),
                Answer::Refused(Failure::timeout()),
                Answer::Refused(Failure::internal("http2: connection lost")),
            ];
            let answer = self.dice.pick(&answers).cloned().unwrap_or(Answer::Lost("lost"));
            parked.answer(answer);
            return;
        }
        self.say(|| match &answer {
            Answer::Object(code, _) => format!("{said} -> {code}"),
            Answer::Text(text) => format!("{said} -> {:?}", text.chars().take(300).collect::<String>()),
            Answer::Refused(failure) => format!("{said} -> {failure}"),
            Answer::Lost(why) => format!("{said} -> {why}"),
        });
        parked.answer(answer);
    }

    fn carry_out(&mut self, call: &mut Call, actor: Actor) -> Answer {
        let cluster = &mut self.world.cluster;
        match &mut self.planted {
            Some(planted) => planted.serve(call, cluster, actor),
            None => cluster.serve(call, actor),
        }
    }

    /// Somebody else writes the object just before.
    fn overtake(&mut self, call: &Call) {
        let rivals = matches!(call.verb, Verb::Replace | Verb::Delete | Verb::Merge);
        if !rivals || !matches!(call.key.resource, Resource::Trial | Resource::Study | Resource::Job) {
            return;
        }
        let patch = serde_json::json!({"metadata": {"annotations": {"rival": self.dice.below(1 << 20).to_string()}}});
        let key: Key = call.key.clone();
        let _ = self.world.cluster.store.merge(&key, &patch, Part::Main, false, Actor::User);
        self.say(|| format!("a rival writes {key}"));
    }
}
