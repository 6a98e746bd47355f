//! A session: one process that works on a study, from where the journal ends.
//!
//! What it must keep true: what is decided is on record before it is carried out, the intent to run before there is a process, and
//! the process before it does anything. So a session that is killed at any moment repeats nothing and forgets nobody.

mod begin;
mod run;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use trimtab_api::conditions::reason;
use trimtab_api::ending::{Class, class};
use trimtab_api::history;
use trimtab_api::study::{ActionKind, BestTrial};
use trimtab_api::trial::{Outcome, OutcomeKind, TrialStatus};
use trimtab_engine::{Verdict, decide};
use trimtab_protocol::Metrics;

use crate::book::Book;
use crate::error::Error;
use crate::folder::Folder;
use crate::journal::{Journal, Record};
use crate::launch::Launcher;
use crate::notice::{Board, Notice, Observer};
use crate::program::Program;
use crate::request;
use crate::slots::Slots;

use run::Active;

/// How often outputs are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait after a first infrastructure failure; it doubles.
const RETRY: Duration = Duration::from_secs(1);

/// What a session is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The study's folder.
    pub folder: Folder,
    /// What is run instead of the image; empty: what the journal says, or else the container.
    pub program: Vec<String>,
    /// Where a new study's trials are started.
    pub directory: PathBuf,
    /// What becomes a supervisor.
    pub launcher: Launcher,
    /// The GPUs that trials may have.
    pub gpus: Vec<String>,
    /// The machine's CPUs.
    pub cpus: usize,
    /// How often the session was told to stop: once in order, twice at once.
    pub interrupts: Arc<AtomicU32>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The study has its answer; why.
    Complete(String),
    /// The study failed; why, and in words.
    Failed(String, String),
    /// It was told to stop, or the Study says `suspend`, and can go on.
    Suspended,
}

/// A study at work.
#[derive(Debug)]
pub struct Session {
    book: Book,
    journal: Journal,
    folder: Folder,
    program: Program,
    launcher: Launcher,
    slots: Slots,
    metrics: Metrics,
    interrupts: Arc<AtomicU32>,
    active: BTreeMap<u32, Active>,
    /// Trials that may want a run.
    open: BTreeSet<u32>,
    /// When trials that met a failure of the infrastructure may run again.
    after: BTreeMap<u32, Instant>,
    over: (Sender<u32>, Receiver<u32>),
    /// Seconds of activity before this session.
    before: u64,
    began: Instant,
    best: Option<BestTrial>,
    standing: Verdict,
    /// There is evidence that no decision has seen.
    is_dirty: bool,
    notices: Vec<Notice>,
    /// A trial was given up because it could not start.
    is_unable: bool,
}

impl Session {
    /// Works until the study ends or is told to.
    ///
    /// # Errors
    /// When the journal cannot be written, or no process can be started. All processes are ended first.
    pub fn work(&mut self, observer: &mut dyn Observer) -> Result<End, Error> {
        let end = self.until_end(observer);
        if end.is_err() {
            self.end_all(true);
            while !self.active.is_empty() {
                let Ok(number) = self.over.1.recv_timeout(Duration::from_secs(30)) else { break };
                self.active.remove(&number);
            }
        }
        end
    }

    /// The study as it stands.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    fn until_end(&mut self, observer: &mut dyn Observer) -> Result<End, Error> {
        let mut interrupts = 0;
        let mut looked = Instant::now();
        loop {
            let has_more = self.collect()?;
            let told = self.interrupts.load(Ordering::Relaxed);
            if told > interrupts {
                interrupts = told;
                self.end_all(told > 1);
            }
            let end = self.advance(interrupts > 0)?;
            self.tell(observer);
            if let Some(end) = end {
                self.pause(&end)?;
                return Ok(end);
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.listen()?;
                self.show(observer);
            }
            // A program that prints without end is read without pause, so that its output stays within bounds on the disk.
            let wait = if has_more { Duration::ZERO } else { self.wait() };
            match self.over.1.recv_timeout(wait) {
                Ok(number) => self.finish(number)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Suspended),
            }
        }
    }

    /// Takes what was asked from outside: on record first, and then it is not asked any more.
    fn listen(&mut self) -> Result<(), Error> {
        let Some(wish) = request::pending(&self.folder) else { return Ok(()) };
        let active_seconds = self.seconds();
        request::record(&mut self.book, &mut self.journal, wish, active_seconds)?;
        request::take(&self.folder);
        self.notices.push(Notice::Asked(wish));
        self.is_dirty = true;
        Ok(())
    }

    /// How long nothing has to be done.
    fn wait(&self) -> Duration {
        let now = Instant::now();
        let retry = self.after.values().map(|at| at.saturating_duration_since(now)).min();
        retry.map_or(TICK, |retry| retry.min(TICK))
    }

    /// Decides what there is to decide, and starts what may run. Returns the end of the session when it has come.
    fn advance(&mut self, is_told: bool) -> Result<Option<End>, Error> {
        self.book.history.active_seconds = self.seconds();
        let limit = self.book.plan.settings().limits.active_seconds;
        let is_late = limit.is_some_and(|limit| self.book.history.active_seconds >= limit);
        if (self.is_dirty || is_late) && !is_told {
            self.decide()?;
        }
        let end = match (is_told, self.cannot_start(), self.standing) {
            (true, ..) => Some(End::Suspended),
            (_, Some(words), _) => Some(End::Failed("CannotStart".to_owned(), words)),
            (_, None, Verdict::Complete(why)) => Some(End::Complete(why.as_str().to_owned())),
            (_, None, Verdict::Failed(why)) => Some(End::Failed(why.as_str().to_owned(), String::new())),
            (_, None, Verdict::Running) => self.book.study.spec.suspend.then_some(End::Suspended),
        };
        if end.is_some() {
            // Nothing runs behind the end; what is interrupted can go on when a limit is raised.
            self.hold(reason::SUSPENDED, "the study has ended or is suspended");
            return Ok(end.filter(|_| self.active.is_empty()));
        }
        self.stop_losers()?;
        self.start_runs()?;
        Ok(None)
    }

    fn decide(&mut self) -> Result<(), Error> {
        loop {
            self.is_dirty = false;
            let decision = decide(&self.book.plan, &self.book.history);
            self.standing = decision.verdict;
            self.find_best();
            if decision.actions.is_empty() || decision.verdict != Verdict::Running {
                return Ok(());
            }
            let batch = self.book.batch(&decision);
            let active_seconds = self.book.history.active_seconds;
            self.journal.append(&Record::Batch { batch: Box::new(batch.clone()), active_seconds })?;
            for action in &batch.actions {
                self.open.insert(action.trial);
                let verdict = match action.action {
                    ActionKind::Start => continue,
                    ActionKind::Continue => "promoted",
                    ActionKind::Stop => "stopped",
                };
                let why = history::sentence(&self.book.study, action);
                self.notices.push(Notice::Judged { trial: action.trial, verdict, why });
            }
            let more = decision.more;
            self.book.decided(decision, batch);
            if !more {
                // The verdict is as of after the actions, so it holds until there is news.
                return Ok(());
            }
        }
    }

    /// Trials that the study has stopped: their runs are ended, and where there is none, they are.
    fn stop_losers(&mut self) -> Result<(), Error> {
        let stopped: Vec<u32> = self.open.iter().copied().filter(|n| self.is_stopped(*n)).collect();
        for number in stopped {
            let Some(trial) = self.book.trial(number) else { continue };
            let Some(stop) = trial.spec.stop.clone() else { continue };
            let mut status = trial.status.clone().unwrap_or_default();
            if let Some(active) = self.active.get_mut(&number) {
                active.want(reason::STOPPED, &stop.message);
            } else if status.outcome.is_none() {
                status.outcome =
                    Some(Outcome { kind: OutcomeKind::Stopped, reason: stop.reason, message: stop.message });
                self.write(number, status)?;
            }
        }
        Ok(())
    }

    fn is_stopped(&self, number: u32) -> bool {
        self.book.trial(number).is_some_and(|trial| trial.spec.stop.is_some())
    }

    fn start_runs(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let ready: Vec<u32> = self
            .open
            .iter()
            .copied()
            .filter(|n| !self.active.contains_key(n) && self.after.get(n).is_none_or(|at| *at <= now))
            .collect();
        for number in ready {
            // Lower numbers go first, so who was promoted does not wait for who is new.
            let Some(gpus) = self.slots.take(number) else { break };
            self.after.remove(&number);
            self.start(number, gpus)?;
        }
        Ok(())
    }

    /// Writes what is known of a trial, and takes what it says as evidence.
    fn write(&mut self, number: u32, status: TrialStatus) -> Result<(), Error> {
        self.journal.append(&Record::Trial { number, status: Box::new(status.clone()) })?;
        let target = self.book.trial(number).map(|trial| trial.spec.target_level);
        if status.outcome.is_some() || (status.rested_level >= target && target.is_some()) {
            self.open.remove(&number);
        }
        self.is_dirty |= self.book.learned(number, status);
        Ok(())
    }

    /// The words of a trial that was given up because nothing of this study can start.
    fn cannot_start(&self) -> Option<String> {
        if !self.is_unable {
            return None;
        }
        self.book.trials.iter().find_map(|trial| {
            let outcome = trial.status.as_ref()?.outcome.as_ref()?;
            (outcome.kind == OutcomeKind::Lost && class(&outcome.reason) == Class::NeverStarts)
                .then(|| format!("trial {}: {}", trial.spec.number, outcome.message))
        })
    }

    fn hold(&mut self, why: &'static str, words: &str) {
        self.active.values_mut().for_each(|active| active.want(why, words));
    }

    fn end_all(&mut self, at_once: bool) {
        self.hold(reason::SUSPENDED, "trimtab was told to stop");
        if at_once {
            self.active.values_mut().for_each(Active::kill);
        }
    }

    fn seconds(&self) -> u64 {
        self.before.saturating_add(self.began.elapsed().as_secs())
    }

    fn pause(&mut self, end: &End) -> Result<(), Error> {
        let (state, reason, message) = match end {
            End::Complete(why) => ("Complete", why.clone(), String::new()),
            End::Failed(why, words) => ("Failed", why.clone(), words.clone()),
            End::Suspended => ("Suspended", reason::SUSPENDED.to_owned(), String::new()),
        };
        let active_seconds = self.seconds();
        let state = state.to_owned();
        let pause = Some((state.clone(), reason.clone(), message.clone()));
        if self.book.pause == pause {
            // Nothing has happened since it was said.
            return Ok(());
        }
        self.book.pause = pause;
        self.journal.append(&Record::Pause { active_seconds, state, reason, message })?;
        self.journal.flush()
    }

    fn find_best(&mut self) {
        let best = self.book.best();
        if best != self.best {
            self.notices.extend(best.clone().map(Notice::Best));
            self.best = best;
        }
    }

    fn tell(&mut self, observer: &mut dyn Observer) {
        for notice in std::mem::take(&mut self.notices) {
            observer.notice(&self.book.study, &notice);
        }
    }

    fn show(&self, observer: &mut dyn Observer) {
        let running: Vec<_> = self.active.iter().map(|(number, active)| active.row(&self.book, *number)).collect();
        let plan = &self.book.plan;
        observer.look(&Board {
            study: &self.book.study,
            running: &running,
            counts: &self.book.counts(),
            wanted: plan.settings().limits.trials.map(u64::from).or_else(|| plan.overview().trials),
            best: self.best.as_ref(),
            active_seconds: self.seconds(),
        });
    }
}
