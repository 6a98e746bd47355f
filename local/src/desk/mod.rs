//! Ask and tell: the study is here, and its trials are run by whoever asks for them.
//!
//! A client asks for a run, reports how it goes, is told whether to stop it, and tells how it ended. The decisions, what ends mean
//! and the journal are those of [`Session`](crate::Session); what a process would do is the client's. See `docs/ask-tell.md`.

pub mod answer;
mod values;

use std::collections::BTreeMap;
use std::time::Instant;

use trimtab_api::Study;
use trimtab_api::conditions::reason;
use trimtab_api::ending::Class;
use trimtab_api::record::{self, Scale, fidelity};
use trimtab_api::trial::TrialStatus;
use trimtab_protocol::Report;
use trimtab_protocol::asking::{self, How, Mistake, Request, Values};

use crate::book::{self, Book};
use crate::error::Error;
use crate::folder::Folder;
use crate::judge::{self, Ended, Why};
use crate::ledger::{End, Ledger};
use crate::notice::Notice;
use crate::supervisor::Ending;

use answer::{Answer, BestKnown, Line, Number, PROTOCOL, Span, Stop};
use values::{metrics, reports, typed};

/// A study whose trials somebody else runs.
#[derive(Debug)]
pub struct Desk {
    ledger: Ledger,
    /// The runs that are out, by trial.
    out: BTreeMap<u32, Out>,
}

/// A run that somebody does.
#[derive(Debug)]
struct Out {
    status: TrialStatus,
    began: Instant,
    /// Why it is to end, once it is.
    wanted: Option<Why>,
    /// The metrics that decide which it has not reported.
    missing: Vec<String>,
}

/// What keeps a request from being carried out: the client's mistake, or ours, which ends the session.
enum Trouble {
    Mistake(Mistake),
    Fatal(Error),
}

impl From<Mistake> for Trouble {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

impl Desk {
    /// Begins with a Study, new or from where its folder's journal ends. Without `keeps` the folder is left alone, and nothing
    /// outlives the desk.
    ///
    /// # Errors
    /// When the Study is not valid or is another one than the folder's, when somebody else works on it, or when the journal is
    /// damaged.
    pub fn begin(study: &Study, folder: Folder, keeps: bool) -> Result<Self, Error> {
        book::plan(study)?;
        let here = std::env::current_dir().map_err(Error::file("find", folder.root()))?;
        Ok(Self { ledger: Ledger::open(study, folder, keeps, &[], &here)?, out: BTreeMap::new() })
    }

    /// The study as it stands.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.ledger.book
    }

    /// The first line.
    pub fn hello(&mut self) -> Line {
        let warnings = self.ledger.notices.drain(..).filter_map(|notice| match notice {
            Notice::Warning(words) => Some(words),
            _ => None,
        });
        let warnings = warnings.collect();
        let book = &self.ledger.book;
        let answer = Answer::Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION"),
            study: book.study.metadata.name.clone().unwrap_or_default(),
            metrics: metrics(&book.study),
            unit: book.study.spec.fidelity.as_ref().map(|fidelity| fidelity.unit.clone()),
            parallelism: book.plan.settings().parallelism,
            trials: book.trials.len(),
            warnings,
        };
        Line { id: None, answer }
    }

    /// Carries out the request on a line.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing more can be promised. A client's mistake is an answer.
    pub fn answer(&mut self, line: &[u8]) -> Result<Line, Error> {
        self.ledger.listen()?;
        let (id, request) = asking::parse(line);
        let answer = request.map_err(Trouble::from).and_then(|request| match request {
            Request::Ask => Ok(self.ask()?),
            Request::Report { trial, values } => self.report(trial, &values),
            Request::Tell { trial, how, values, message } => self.tell(trial, how, &values, message),
            Request::ShouldStop { trial } => self.should_stop(trial),
            Request::Best => Ok(self.best()),
        });
        // What a session of processes shows to people is in the answers here.
        self.ledger.notices.clear();
        match answer {
            Ok(answer) => Ok(Line { id, answer }),
            Err(Trouble::Mistake(mistake)) => Ok(Line { id, answer: mistake.into() }),
            Err(Trouble::Fatal(error)) => Err(error),
        }
    }

    /// Ends the session: runs that are out can be asked for again in another one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn close(mut self) -> Result<End, Error> {
        let out: Vec<u32> = self.out.keys().copied().collect();
        for number in out {
            self.end(number, How::Interrupted, "the client is gone".to_owned())?;
        }
        let end = self.ledger.foresee().unwrap_or(End::Suspended);
        self.ledger.pause(&end)?;
        Ok(end)
    }

    /// Decides with room for this many runs more than are out.
    fn decide(&mut self, more: u32) -> Result<(), Error> {
        self.ledger.spend(self.out.values().map(|out| out.began.elapsed().as_secs()).sum());
        let most = self.ledger.book.plan.settings().parallelism;
        let out = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        // Who asks for a run gets it decided on everything that is known by then, so there are never more trials than were asked for.
        self.ledger.decide(Some(out.saturating_add(more).clamp(1, most)))?;
        self.ledger.stop_resting(|number| self.out.contains_key(&number))
    }

    /// The end of the study, if it has come.
    fn standing(&self) -> Option<End> {
        let is_suspended = self.ledger.book.study.spec.suspend;
        End::of(self.ledger.standing).or_else(|| is_suspended.then_some(End::Suspended))
    }

    fn ask(&mut self) -> Result<Answer, Error> {
        let has_room = self.out.len() < self.ledger.book.plan.settings().parallelism as usize;
        self.decide(u32::from(has_room))?;
        if let Some(end) = self.standing() {
            let (state, reason, _) = end.words();
            return Ok(Answer::End { state, reason });
        }
        let ready =
            self.ledger.open.iter().find(|n| !self.out.contains_key(n) && !self.ledger.is_stopped(**n)).copied();
        match ready.filter(|_| has_room) {
            Some(number) => self.hand_out(number),
            None => Ok(Answer::Wait { running: self.out.keys().copied().collect() }),
        }
    }

    fn hand_out(&mut self, number: u32) -> Result<Answer, Error> {
        let begun = self.ledger.begin_run(number, self.ledger.book.study.spec.trial.checkpoint.is_some())?;
        let book = &self.ledger.book;
        let run = begun.as_ref().and_then(|status| status.runs.last().cloned());
        let (Some(status), Some(run), Some(trial)) = (begun, run, book.trial(number)) else {
            return Ok(Answer::Wait { running: self.out.keys().copied().collect() });
        };
        let answer = Answer::Run {
            trial: number,
            run: run.number,
            parameters: typed(&book.plan, &trial.spec.parameters),
            seed: trimtab_engine::random::trial_seed(book.plan.spec().seed, number),
            span: book.plan.spec().fidelity.map(|range| Span {
                from: Number(fidelity(Some(&run.start))),
                to: run.target_level,
                max: range.max,
                resume_from_run: run.resume_from,
                resume_from_trial: run.resume_trial,
            }),
        };
        let missing = book.plan.spec().decisive().map(|(metric, _)| metric.to_owned()).collect();
        self.out.insert(number, Out { status, began: Instant::now(), wanted: None, missing });
        Ok(answer)
    }

    fn report(&mut self, number: u32, values: &Values) -> Result<Answer, Trouble> {
        self.out(number)?;
        let spec = &self.ledger.book.study.spec;
        if let (Some(fidelity), None) = (&spec.fidelity, values.fidelity) {
            let words = format!("is missing: it says at which {} the values are", fidelity.unit);
            return Err(Mistake::new("fidelity", words).into());
        }
        if values.value.is_none() && values.named.is_empty() {
            return Err(Mistake::new("value", "is missing: there is nothing to report").into());
        }
        let reports = reports(&self.ledger.book.study, values, values.fidelity)?;
        self.take(number, &reports)?;
        if self.ledger.is_dirty {
            self.decide(0)?;
        }
        Ok(Answer::Reported { trial: number, stop: self.stop(number) })
    }

    fn tell(&mut self, number: u32, how: How, values: &Values, message: String) -> Result<Answer, Trouble> {
        let out = self.out(number)?;
        let (is_told, missing) = (out.wanted.is_some(), out.missing.clone());
        let target = out.status.runs.last().map(|run| f64::from(run.target_level));
        let study = &self.ledger.book.study;
        // Values that come with the end are those of the level that the run was to reach, unless it says otherwise.
        let at = values.fidelity.or(target.filter(|_| study.spec.fidelity.is_some()));
        let reports = reports(study, values, at)?;
        let missing = missing.iter().find(|metric| reports.iter().all(|report| report.metric != **metric));
        if let Some(metric) = missing.filter(|_| how == How::Complete && !is_told) {
            let words = format!("is missing: the run has reported no `{metric}`; a run without one has `state` failed");
            let is_first = study.spec.objectives.first().is_some_and(|objective| objective.metric == *metric);
            let field = if is_first { "value".to_owned() } else { format!("values.{metric}") };
            return Err(Mistake::new(field, words).into());
        }
        self.take(number, &reports)?;
        Ok(self.end(number, how, message)?)
    }

    fn should_stop(&mut self, number: u32) -> Result<Answer, Trouble> {
        self.out(number)?;
        self.decide(0)?;
        Ok(Answer::ShouldStop { trial: number, stop: self.stop(number) })
    }

    fn best(&self) -> Answer {
        let book = &self.ledger.book;
        let best = if self.ledger.is_dirty { book.best() } else { self.ledger.best.clone() };
        let known = best.as_ref().map(|best| BestKnown {
            value: Number(trimtab_engine::number::parse(&best.value).unwrap_or(f64::NAN)),
            level: best.level,
            parameters: typed(&book.plan, &best.parameters),
        });
        Answer::Best { trial: best.map(|best| best.number), best: known }
    }

    fn out(&self, number: u32) -> Result<&Out, Mistake> {
        self.out.get(&number).ok_or_else(|| {
            let words = match self.ledger.book.trial(number) {
                Some(_) => format!("is {number}, and trial {number} has no run that is out: an ask gives one"),
                None => format!("is {number}, and there is no trial {number}: an ask gives one"),
            };
            Mistake::new("trial", words)
        })
    }

    /// Takes what a run reports, and writes it down.
    fn take(&mut self, number: u32, reports: &[Report]) -> Result<(), Error> {
        let Some(out) = self.out.get_mut(&number).filter(|_| !reports.is_empty()) else { return Ok(()) };
        let Some(index) = out.status.runs.len().checked_sub(1) else { return Ok(()) };
        let plan = &self.ledger.book.plan;
        record::record(&mut out.status, index, Scale { plan }, reports);
        out.missing.retain(|metric| reports.iter().all(|report| report.metric != *metric));
        let status = out.status.clone();
        self.ledger.write(number, status)
    }

    /// Whether a run is to end early; once it is, it stays so.
    fn stop(&mut self, number: u32) -> Stop {
        let standing = self.standing();
        let book = &self.ledger.book;
        let none = Stop { stop: false, reason: None, message: None };
        let Some(out) = self.out.get_mut(&number) else { return none };
        if out.wanted.is_none() {
            let stop = book.trial(number).and_then(|trial| trial.spec.stop.as_ref());
            let scale = Scale { plan: &book.plan };
            let index = out.status.runs.len().saturating_sub(1);
            let (seconds, timeout) = (out.began.elapsed().as_secs(), book.study.spec.trial.timeout_seconds);
            out.wanted = stop
                .map(|stop| (reason::STOPPED, stop.message.clone()))
                .or_else(|| standing.map(|end| (reason::SUSPENDED, format!("the study has ended: {}", end.words().1))))
                .or_else(|| judge::overdue(&out.status, index, scale, seconds, timeout));
        }
        match &out.wanted {
            Some((why, words)) => Stop { stop: true, reason: Some(*why), message: Some(words.clone()) },
            None => none,
        }
    }

    /// A run that is out has ended.
    fn end(&mut self, number: u32, how: How, message: String) -> Result<Answer, Error> {
        let Some(Out { status, began, wanted, .. }) = self.out.remove(&number) else {
            return Ok(Answer::Wait { running: self.out.keys().copied().collect() });
        };
        let run = status.runs.last().map_or(0, |run| run.number);
        let code = |code| Some(Ending { code: Some(code), ..Ending::default() });
        let (ending, wanted) = match how {
            How::Complete => (code(0), wanted),
            // What the client says about it stands for what a program would have left behind.
            How::Failed => {
                let words = if message.is_empty() { "the client told that it failed".to_owned() } else { message };
                (code(1), wanted.or(Some((reason::EXIT_CODE, words))))
            }
            How::Interrupted => {
                let words = if message.is_empty() { "the client gave it back".to_owned() } else { message };
                (code(1), wanted.or(Some((reason::INTERRUPTED, words))))
            }
        };
        let ended = Ended { ending, wanted, short_of_memory: false, is_orphan: false };
        let closed = self.ledger.end_run(number, status, ended, began.elapsed().as_secs())?;
        let counts = match closed.kind {
            Class::Good => "good",
            Class::Configuration => "failed",
            Class::Infrastructure | Class::NeverStarts | Class::Wanted => "nothing",
        };
        Ok(Answer::Told { trial: number, run, counts, reason: closed.why, message: closed.message })
    }
}

#[cfg(test)]
mod tests;
