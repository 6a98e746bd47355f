//! The life of one run: intent, process, output, end.

use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use trimtab_api::ending::{self, Class};
use trimtab_api::record::{self, Scale, fidelity};
use trimtab_api::trial::TrialStatus;
use trimtab_api::whole;
use trimtab_engine::TrialNumber;
use trimtab_protocol::{Facts, environment};

use super::{RETRY, Session};
use crate::book::Book;
use crate::error::Error;
use crate::folder::RunFolder;
use crate::journal::Record;
use crate::judge::{self, Ended, Why};
use crate::launch::{Process, Setup, shown};
use crate::notice::{Notice, Running};
use crate::output::Output;
use crate::supervisor::{Ending, Order};

/// A run with a process.
#[derive(Debug)]
pub(super) struct Active {
    process: Process,
    output: Output,
    /// What is known of the trial, reports included that are not on record yet.
    status: TrialStatus,
    began: Instant,
    wanted: Option<Why>,
    /// How often the kernel had killed a process for memory when it began.
    kills: u64,
}

impl Active {
    /// Wants the run to end in order; the first reason stands.
    pub(super) fn want(&mut self, why: &'static str, words: &str) {
        if self.wanted.is_none() {
            self.wanted = Some((why, words.to_owned()));
            self.process.end(false);
        }
    }

    /// Seconds that it has run.
    pub(super) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Ends it at once.
    pub(super) fn kill(&mut self) {
        self.process.end(true);
    }

    /// The run for people.
    pub(super) fn row(&self, book: &Book, number: u32) -> Running {
        let run = self.status.runs.last();
        Running {
            trial: number,
            from: run.map_or(0.0, |run| fidelity(Some(&run.start))),
            // What a run counts by that is judged as a whole is not the study's unit.
            reached: run.map_or(0.0, |run| {
                let is_counted = Scale { plan: &book.plan }.is_counted();
                fidelity(Some(&run.start).filter(|_| !is_counted).or(run.reached.as_ref()))
            }),
            level: book.plan.spec().fidelity.and(run.map(|run| run.target_level)),
            value: self.status.value.clone(),
            seconds: self.began.elapsed().as_secs_f64(),
        }
    }
}

impl Session {
    /// Starts a trial's next run. Its place is taken already.
    pub(super) fn start(&mut self, number: u32, gpus: Vec<String>) -> Result<(), Error> {
        let keeps = self.ledger.book.study.spec.trial.checkpoint.is_some();
        // One that was removed, or not brought along by an import, cannot be gone on from.
        let trial = self.ledger.book.trial(number);
        let own = trial.and_then(|trial| ending::resume_from(&trial.status.as_ref()?.runs));
        let source = || trial?.spec.from.as_ref().and_then(|from| Some((from.trial, from.run?)));
        let is_there = own
            .map(|(run, _)| (number, run))
            .or_else(source)
            .is_none_or(|(trial, run)| self.ledger.folder.run(trial, run).checkpoint().is_dir());
        let Some(mut status) = self.ledger.begin_run(number, keeps && is_there)? else { return Ok(()) };
        let Some(run) = status.runs.last().cloned() else { return Ok(()) };
        let book = &self.ledger.book;
        let Some(trial) = book.trial(number) else { return Ok(()) };
        let folder = self.ledger.folder.run(number, run.number);
        let plan = &book.plan;
        let text = |folder: &RunFolder| absolute(folder).checkpoint().display().to_string();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and saturating is right"
        )]
        let reached = fidelity(run.resume_trial.map(|_| &run.start).or(status.reached.as_ref())) as u32;
        let (fidelity, repeat) = whole::told(plan, &run, reached);
        let study = &book.study;
        let uid = study.metadata.uid.clone().unwrap_or_default();
        let facts = Facts {
            study: trial.spec.study_name.clone(),
            trial: TrialNumber(number),
            run: run.number,
            parameters: trial.spec.parameters.iter().map(|p| (p.name.clone(), p.value.clone())).collect(),
            otherwise: study
                .spec
                .parameters
                .iter()
                .filter_map(|p| Some((p.name.clone(), p.otherwise.clone()?)))
                .collect(),
            fidelity,
            repeat,
            seed: trimtab_engine::random::trial_seed(plan.spec().seed, number),
            checkpoint: keeps.then(|| text(&folder)),
            resume: run.resume_from.map(|from| text(&self.ledger.folder.run(run.resume_trial.unwrap_or(number), from))),
        };
        let environment = self.program.environment(environment(&facts));
        let words = self.program.words(&environment);
        let setup = Setup {
            folder: &absolute(&folder),
            environment,
            mark: format!("{uid}/{number}/{}/", run.number),
            gpus: (self.program.gpus > 0).then(|| gpus.join(",")),
        };
        let parameters = shown(&trial.spec.parameters);
        let mut process = Process::start(&self.launcher, &setup)?;
        let identity = process.identity.clone();
        self.ledger.append(|| Record::Process { number, run: run.number, identity })?;
        let order = Order {
            program: words,
            directory: self.program.directory.clone(),
            grace: self.program.grace.saturating_mul(1000),
            memory: self.program.memory,
            end: absolute(&folder).end(),
        };
        process.go(&order, self.over.0.clone(), number);
        if let Some(run) = status.runs.last_mut() {
            run.start_time = Some(Time(Timestamp::now()));
        }
        let path = folder.output();
        let output = Output::open(&path, &self.metrics).map_err(Error::file("read", &path))?;
        self.ledger.notices.push(Notice::Started {
            trial: number,
            run: run.number,
            level: run.target_level,
            resumed: run.resume_from.map(|_| run.start.clone()),
            parameters,
        });
        let kills = kills_for_memory();
        self.active.insert(number, Active { process, output, status, began: Instant::now(), wanted: None, kills });
        Ok(())
    }

    /// Reads what all runs have printed, and ends those that are overdue. Says whether there is more to read at once.
    pub(super) fn collect(&mut self) -> Result<bool, Error> {
        let timeout = self.ledger.book.study.spec.trial.timeout_seconds;
        let (mut changed, mut has_more) = (Vec::new(), false);
        for (number, active) in &mut self.active {
            let mut reports = Vec::new();
            let path = self.ledger.folder.root();
            has_more |= active.output.read(&mut reports).map_err(Error::file("read an output in", path))?;
            let Some(index) = active.status.runs.len().checked_sub(1) else { continue };
            let scale = Scale { plan: &self.ledger.book.plan };
            let before = active.status.values.clone();
            record::record(&mut active.status, index, scale, &reports);
            if active.status.values != before {
                changed.push((*number, active.status.clone()));
            }
            if active.wanted.is_none()
                && let Some((why, words)) =
                    judge::overdue(&active.status, index, scale, active.began.elapsed().as_secs(), timeout)
            {
                active.want(why, &words);
            }
        }
        for (number, status) in changed {
            self.ledger.write(number, status)?;
        }
        Ok(has_more)
    }

    /// A run's supervisor is gone.
    pub(super) fn finish(&mut self, number: u32) -> Result<(), Error> {
        let Some(active) = self.active.remove(&number) else { return Ok(()) };
        self.slots.give_back(number);
        let Active { output, mut status, began, wanted, kills, process } = active;
        let Some(run) = status.runs.last().map(|run| run.number) else { return Ok(()) };
        let folder = self.ledger.folder.run(number, run);
        let ending = Ending::read(&folder.end());
        if ending.is_none() {
            // Its supervisor was killed, and may have left the program behind.
            process.identity.kill();
            let uid = self.ledger.book.study.metadata.uid.as_deref().unwrap_or_default();
            crate::identity::kill_marked(&format!("{uid}/{number}/{run}/"), &folder.root);
        }
        let mut reports = Vec::new();
        output.finish(&mut reports).map_err(Error::file("read", &folder.output()))?;
        let index = status.runs.len() - 1;
        record::record(&mut status, index, Scale { plan: &self.ledger.book.plan }, &reports);
        let ended = Ended { ending, wanted, short_of_memory: kills_for_memory() > kills, is_orphan: false };
        let closed = self.ledger.end_run(number, status, ended, began.elapsed().as_secs())?;
        if !closed.is_over && closed.kind == Class::Infrastructure {
            let wait = RETRY.saturating_mul(1 << closed.retries.saturating_sub(1).min(5));
            self.after.insert(number, Instant::now() + wait);
        }
        Ok(())
    }
}

/// Programs are started elsewhere, so what they are told begins at the root.
fn absolute(folder: &RunFolder) -> RunFolder {
    RunFolder { root: std::path::absolute(&folder.root).unwrap_or_else(|_| folder.root.clone()) }
}

/// How often the kernel has killed a process for memory.
fn kills_for_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
