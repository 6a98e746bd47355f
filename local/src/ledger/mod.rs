//! What every session on a study has, whether its trials are processes or somebody else's: the book, the journal that it is
//! written to first, and the decisions.
//!
//! What it must keep true: what is decided, and what is learned, is on record before it is acted on.

mod begin;
mod warm;

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::Timestamp;
use trimtab_api::conditions::reason;
use trimtab_api::ending::{self, Class, class};
use trimtab_api::front;
use trimtab_api::history;
use trimtab_api::lineage;
use trimtab_api::record::Scale;
use trimtab_api::resources;
use trimtab_api::study::{ActionKind, BestTrial, Front};
use trimtab_api::trial::{Outcome, OutcomeKind, TrialStatus};
use trimtab_engine::{Held, Plan, Reason, Scheduler, Settings, Verdict};

use crate::book::Book;
use crate::error::Error;
use crate::folder::Folder;
use crate::journal::{Journal, Record};
use crate::judge::{self, Ended};
use crate::notice::Notice;
use crate::request;

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

impl End {
    /// The end that a verdict is, if it is one.
    pub(crate) fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Complete(why) => Some(Self::Complete(why.as_str().to_owned())),
            Verdict::Failed(why) => Some(Self::Failed(why.as_str().to_owned(), String::new())),
            Verdict::Running => None,
        }
    }

    /// State, reason and message, as they are on record.
    pub(crate) fn words(&self) -> (String, String, String) {
        let (state, reason, message) = match self {
            Self::Complete(why) => ("Complete", why.as_str(), ""),
            Self::Failed(why, words) => ("Failed", why.as_str(), words.as_str()),
            Self::Suspended => ("Suspended", reason::SUSPENDED, ""),
        };
        (state.to_owned(), reason.to_owned(), message.to_owned())
    }
}

/// A study at hand.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) book: Book,
    /// Absent: nothing is kept.
    journal: Option<Journal>,
    pub(crate) folder: Folder,
    held: Held,
    /// Trials that may want a run.
    pub(crate) open: BTreeSet<u32>,
    pub(crate) best: Option<BestTrial>,
    pub(crate) front: Option<Front>,
    /// What the newest decision says of the study.
    pub(crate) standing: Verdict,
    /// There is evidence that no decision has seen.
    pub(crate) is_dirty: bool,
    pub(crate) notices: Vec<Notice>,
    /// A trial was given up because it could not start.
    pub(crate) is_unable: bool,
    /// Seconds of activity before this session.
    before: u64,
    began: Instant,
}

impl Ledger {
    /// Puts a record into the journal, where there is one.
    pub(crate) fn append(&mut self, record: impl FnOnce() -> Record) -> Result<(), Error> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.append(&record()))
    }

    /// Takes what was asked from outside: on record first, and then it is not asked any more.
    pub(crate) fn listen(&mut self) -> Result<(), Error> {
        let active_seconds = self.seconds();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let Some(wish) = request::pending(&self.folder) else { return Ok(()) };
        request::record(&mut self.book, journal, wish, active_seconds)?;
        request::take(&self.folder);
        self.notices.push(Notice::Asked(wish));
        self.is_dirty = true;
        Ok(())
    }

    /// Seconds that the study has been active, of all sessions.
    pub(crate) fn seconds(&self) -> u64 {
        self.before.saturating_add(self.began.elapsed().as_secs())
    }

    /// Takes how many seconds the runs that go on have run by now, all together. Says whether that uses a resource up.
    pub(crate) fn spend(&mut self, live: u64) -> bool {
        if self.book.plan.settings().limits.resource_hours.is_empty() {
            return false;
        }
        let used = self.book.resource_hours(live);
        self.book.history.resource_hours = resources::pairs(&used);
        resources::part(&self.book.study.spec, &used).is_some_and(|part| part >= 1.0)
    }

    /// Decides all that there is to decide. `parallelism` bounds what is active in place of the Study's own.
    pub(crate) fn decide(&mut self, parallelism: Option<u32>) -> Result<(), Error> {
        self.book.history.active_seconds = self.seconds();
        let bounded: Option<Plan> = parallelism
            .filter(|most| *most != self.book.plan.settings().parallelism)
            .map(|parallelism| Settings { parallelism, ..self.book.plan.settings().clone() })
            .map(|settings| self.book.plan.with_settings(settings));
        loop {
            self.is_dirty = false;
            let plan = bounded.as_ref().unwrap_or(&self.book.plan);
            let decision = self.held.decide(plan, &self.book.history);
            self.standing = decision.verdict;
            self.find_best();
            if decision.actions.is_empty() || decision.verdict != Verdict::Running {
                return Ok(());
            }
            let plan = bounded.as_ref().unwrap_or(&self.book.plan);
            let (batch, settings) = (self.book.batch(plan, &decision), plan.settings().clone());
            let active_seconds = self.book.history.active_seconds;
            self.append(|| Record::Batch { batch: Box::new(batch.clone()), active_seconds })?;
            for action in &batch.actions {
                self.open.insert(action.trial);
                let verdict = match action.action {
                    ActionKind::Start => continue,
                    ActionKind::Continue if action.reason == Reason::Audited.as_str() => "audited",
                    ActionKind::Continue => "promoted",
                    ActionKind::Stop => "stopped",
                };
                let why = history::sentence(&self.book.study, action);
                self.notices.push(Notice::Judged { trial: action.trial, verdict, why });
            }
            let more = decision.more;
            self.book.decided(decision, batch, settings);
            if !more {
                // The verdict is as of after the actions, so it holds until there is news.
                return Ok(());
            }
        }
    }

    /// How the study would end if nothing more became known; nothing is decided by it.
    pub(crate) fn foresee(&self) -> Option<End> {
        let decision = self.held.clone().decide(&self.book.plan, &self.book.history);
        End::of(decision.verdict).filter(|_| decision.actions.is_empty())
    }

    fn find_best(&mut self) {
        let best = self.held.best(&self.book.plan);
        let known = self.best.as_ref().map(|best| (best.number, best.level));
        let is_known = best.as_ref().map(|best| (best.number.0, self.book.plan.fidelity(best.level))) == known;
        if !is_known {
            self.best = best.and_then(|best| self.book.name(best));
            self.notices.extend(self.best.clone().map(Notice::Best));
        }
        let references = front::references(&self.book.study.spec);
        let front = self.held.front(&self.book.plan, &references).map(|front| self.book.name_front(&front));
        if front != self.front {
            self.notices.extend(front.clone().map(Notice::Front));
            self.front = front;
        }
    }

    /// Whether the study has stopped a trial.
    pub(crate) fn is_stopped(&self, number: u32) -> bool {
        self.book.trial(number).is_some_and(|trial| trial.spec.stop.is_some())
    }

    /// Ends the trials that the study has stopped and that have no run; those with one are the caller's to end.
    pub(crate) fn stop_resting(&mut self, has_run: impl Fn(u32) -> bool) -> Result<(), Error> {
        let stopped: Vec<u32> = self.open.iter().copied().filter(|n| self.is_stopped(*n) && !has_run(*n)).collect();
        for number in stopped {
            let Some(trial) = self.book.trial(number) else { continue };
            let Some(stop) = trial.spec.stop.clone() else { continue };
            let mut status = trial.status.clone().unwrap_or_default();
            if status.outcome.is_none() {
                status.outcome =
                    Some(Outcome { kind: OutcomeKind::Stopped, reason: stop.reason, message: stop.message });
                self.write(number, status)?;
            }
        }
        Ok(())
    }

    /// Writes what is known of a trial, and takes what it says as evidence.
    pub(crate) fn write(&mut self, number: u32, status: TrialStatus) -> Result<(), Error> {
        self.append(|| Record::Trial { number, status: Box::new(status.clone()) })?;
        let target = self.book.trial(number).map(|trial| trial.spec.target_level);
        if status.outcome.is_some() || (status.rested_level >= target && target.is_some()) {
            self.open.remove(&number);
        }
        self.is_dirty |= self.book.learned(number, status);
        Ok(())
    }

    /// Writes down the intent of a trial's next run, and gives the trial's status with it.
    /// `keeps`: whether it may go on from a checkpoint.
    pub(crate) fn begin_run(&mut self, number: u32, keeps: bool) -> Result<Option<TrialStatus>, Error> {
        let Some(trial) = self.book.trial(number) else { return Ok(None) };
        let mut status = trial.status.clone().unwrap_or_default();
        status.next_run = status.next_run.max(1);
        let (scale, from) = (Scale { plan: &self.book.plan }, trial.spec.from.as_ref());
        ending::begin(&mut status, scale, trial.spec.target_level, keeps, from);
        self.append(|| Record::Trial { number, status: Box::new(status.clone()) })?;
        self.book.learned(number, status.clone());
        Ok(Some(status))
    }

    /// Writes down the end of a trial's newest run, and what it means for the trial.
    pub(crate) fn end_run(
        &mut self,
        number: u32,
        mut status: TrialStatus,
        ended: Ended,
        seconds: u64,
    ) -> Result<Closed, Error> {
        let index = status.runs.len().saturating_sub(1);
        let scale = Scale { plan: &self.book.plan };
        let ((why, message), code) = judge::classify(&mut status, index, scale, ended);
        ending::write_end(&mut status, index, scale, (why, &message), code, seconds, Timestamp::now());
        ending::settle(&mut status, index, scale);
        if status.outcome.is_none()
            && let Some(stop) = self.book.trial(number).and_then(|trial| trial.spec.stop.clone())
        {
            status.outcome = Some(Outcome { kind: OutcomeKind::Stopped, reason: stop.reason, message: stop.message });
        }
        let kind = class(why);
        self.is_unable |= kind == Class::NeverStarts;
        self.notices.push(Notice::Ended {
            trial: number,
            run: status.runs.last().map_or(0, |run| run.number),
            reason: why.to_owned(),
            message: message.clone(),
            value: status.value.clone(),
            is_well: matches!(kind, Class::Good | Class::Wanted),
        });
        let closed = Closed { kind, why, message, retries: status.retries, is_over: status.outcome.is_some() };
        if let (Some(_), Some(run)) = (&self.journal, status.runs.last()) {
            // Before the record, because it may be what leaves no room for one. What cannot be removed takes room and does no harm.
            let _ = std::fs::remove_dir_all(self.folder.run(number, run.number).scratch());
        }
        self.write(number, status)?;
        self.clean_up(number)?;
        let donor = self.book.trial(number).and_then(|trial| trial.spec.from.as_ref()).map(|from| from.trial);
        if let Some(donor) = donor {
            // What a copy began from may be needed no more.
            self.clean_up(donor)?;
        }
        Ok(closed)
    }

    /// Removes checkpoints that no run will resume from, neither of the trial nor of a copy of it, when the disk has the end of the run
    /// that makes them worthless: a machine that crashes would else know of neither.
    fn clean_up(&mut self, number: u32) -> Result<(), Error> {
        let status = self.book.trial(number).and_then(|trial| trial.status.as_ref());
        let (Some(journal), Some(status)) = (&mut self.journal, status) else { return Ok(()) };
        let mut keep = lineage::needed(&self.book.plan, &self.book.trials, number, false);
        keep.extend(ending::resume_from(&status.runs).map(|(run, _)| run).filter(|_| status.outcome.is_none()));
        let mut is_flushed = false;
        for run in status.runs.iter().filter(|run| run.end.is_some()) {
            let checkpoint = self.folder.run(number, run.number).checkpoint();
            if !keep.contains(&run.number) && checkpoint.exists() {
                if !is_flushed {
                    journal.flush()?;
                    is_flushed = true;
                }
                let _ = std::fs::remove_dir_all(checkpoint);
            }
        }
        Ok(())
    }

    /// The words of a trial that was given up because nothing of this study can start.
    pub(crate) fn cannot_start(&self) -> Option<String> {
        if !self.is_unable {
            return None;
        }
        self.book.trials.iter().find_map(|trial| {
            let outcome = trial.status.as_ref()?.outcome.as_ref()?;
            (outcome.kind == OutcomeKind::Lost && class(&outcome.reason) == Class::NeverStarts)
                .then(|| format!("trial {}: {}", trial.spec.number, outcome.message))
        })
    }

    /// Writes down how the session ended.
    pub(crate) fn pause(&mut self, end: &End) -> Result<(), Error> {
        let active_seconds = self.seconds();
        let (state, reason, message) = end.words();
        let pause = Some((state.clone(), reason.clone(), message.clone()));
        if self.book.pause == pause {
            // Nothing has happened since it was said.
            return Ok(());
        }
        if matches!(self.book.plan.spec().scheduler, Scheduler::PopulationBased { .. }) {
            // When a donor's run had ended, its copies were still to come.
            self.clear()?;
        }
        self.book.pause = pause;
        self.append(|| Record::Pause { active_seconds, state, reason, message })?;
        self.journal.as_mut().map_or(Ok(()), Journal::flush)
    }
}

/// A run whose end is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) kind: Class,
    pub(crate) why: &'static str,
    pub(crate) message: String,
    /// Infrastructure failures since the last gain.
    pub(crate) retries: u32,
    /// Whether the trial has ended with it.
    pub(crate) is_over: bool,
}
