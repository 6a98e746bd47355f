//! A session: one process that works on a study, from where the journal ends.
//!
//! What it must keep true: what is decided is on record before it is carried out, the intent to run before there is a process, and
//! the process before it does anything. So a session that is killed at any moment repeats nothing and forgets nobody.

mod run;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use trimtab_api::Study;
use trimtab_api::conditions::reason;
use trimtab_protocol::Metrics;

use crate::book::{self, Book};
use crate::error::Error;
use crate::folder::Folder;
use crate::launch::Launcher;
use crate::ledger::{End, Ledger};
use crate::notice::{Board, Notice, Observer};
use crate::program::Program;
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

/// A study at work.
#[derive(Debug)]
pub struct Session {
    ledger: Ledger,
    program: Program,
    launcher: Launcher,
    slots: Slots,
    metrics: Metrics,
    interrupts: Arc<AtomicU32>,
    active: BTreeMap<u32, Active>,
    /// When trials that met a failure of the infrastructure may run again.
    after: BTreeMap<u32, Instant>,
    over: (Sender<u32>, Receiver<u32>),
}

impl Session {
    /// Begins a session on a Study: a new one, or one that goes on. What a killed session left running is ended.
    ///
    /// # Errors
    /// When the Study is not valid or is another one than the folder's, when there is nothing to start, when somebody else works
    /// on it, or when the journal is damaged.
    pub fn begin(study: &Study, options: Options) -> Result<Self, Error> {
        book::plan(study)?;
        if !options.folder.journal().exists() {
            // Before anything is made: a study that cannot start leaves no folder behind.
            Program::new(study, &options.program, &options.directory)?.preflight()?;
        }
        let mut ledger = Ledger::open(study, options.folder, true, &options.program, &options.directory)?;
        let book = &ledger.book;
        let given = if options.program.is_empty() { book.program.clone() } else { options.program };
        let program = Program::new(&book.study, &given, &book.directory)?;
        let (slots, warning) = Slots::new(&program, options.gpus, options.cpus)?;
        ledger.notices.extend(program.warnings.iter().cloned().chain(warning).map(Notice::Warning));
        Ok(Self {
            metrics: ledger.metrics(),
            ledger,
            program,
            launcher: options.launcher,
            slots,
            interrupts: options.interrupts,
            active: BTreeMap::new(),
            after: BTreeMap::new(),
            over: channel(),
        })
    }

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
        &self.ledger.book
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
                if told == 1 && !self.active.is_empty() {
                    let words = "told to stop: runs are ended in order; Ctrl-C again ends them at once".to_owned();
                    self.ledger.notices.push(Notice::Warning(words));
                }
            }
            let end = self.advance(interrupts > 0)?;
            self.tell(observer);
            if let Some(end) = end {
                self.ledger.pause(&end)?;
                return Ok(end);
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.ledger.listen()?;
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

    /// How long nothing has to be done.
    fn wait(&self) -> Duration {
        let now = Instant::now();
        let retry = self.after.values().map(|at| at.saturating_duration_since(now)).min();
        retry.map_or(TICK, |retry| retry.min(TICK))
    }

    /// Decides what there is to decide, and starts what may run. Returns the end of the session when it has come.
    fn advance(&mut self, is_told: bool) -> Result<Option<End>, Error> {
        let ledger = &mut self.ledger;
        let limit = ledger.book.plan.settings().limits.active_seconds;
        let is_used_up = ledger.spend(self.active.values().map(Active::seconds).sum());
        let is_late = is_used_up || limit.is_some_and(|limit| ledger.seconds() >= limit);
        if (ledger.is_dirty || is_late) && !is_told {
            ledger.decide(None)?;
        }
        let end = match (is_told, ledger.cannot_start()) {
            (true, _) => Some(End::Suspended),
            (_, Some(words)) => Some(End::Failed(reason::CANNOT_START.to_owned(), words)),
            (_, None) => End::of(ledger.standing).or_else(|| ledger.book.study.spec.suspend.then_some(End::Suspended)),
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

    /// Trials that the study has stopped: their runs are ended, and where there is none, they are.
    fn stop_losers(&mut self) -> Result<(), Error> {
        for (number, active) in &mut self.active {
            let stop = self.ledger.book.trial(*number).and_then(|trial| trial.spec.stop.as_ref());
            if let Some(stop) = stop {
                active.want(reason::STOPPED, &stop.message);
            }
        }
        self.ledger.stop_resting(|number| self.active.contains_key(&number))
    }

    fn start_runs(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let ready: Vec<u32> = self
            .ledger
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

    fn hold(&mut self, why: &'static str, words: &str) {
        self.active.values_mut().for_each(|active| active.want(why, words));
    }

    fn end_all(&mut self, at_once: bool) {
        self.hold(reason::SUSPENDED, "trimtab was told to stop");
        if at_once {
            self.active.values_mut().for_each(Active::kill);
        }
    }

    fn tell(&mut self, observer: &mut dyn Observer) {
        for notice in std::mem::take(&mut self.ledger.notices) {
            observer.notice(&self.ledger.book.study, &notice);
        }
    }

    fn show(&self, observer: &mut dyn Observer) {
        let book = &self.ledger.book;
        let running: Vec<_> = self.active.iter().map(|(number, active)| active.row(book, *number)).collect();
        let plan = &book.plan;
        observer.look(&Board {
            study: &book.study,
            running: &running,
            counts: &book.counts(),
            wanted: plan.settings().limits.trials.map(u64::from).or_else(|| plan.overview().trials),
            best: self.ledger.best.as_ref(),
            front: self.ledger.front.as_ref(),
            active_seconds: self.ledger.seconds(),
        });
    }
}
