//! Progress for a pipe: one plain line for each thing that happens.

use std::time::Instant;

use trimtab_api::Study;
use trimtab_local::{Board, Notice, Observer};

use crate::account::unit;
use crate::asking::verb;
use crate::output;

/// Writes lines to standard error.
pub(super) struct Lines {
    began: Instant,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Observer for Lines {
    fn notice(&mut self, study: &Study, notice: &Notice) {
        let seconds = self.began.elapsed().as_secs_f64();
        output::complain(&format!("{seconds:8.1}s  {}", words(study, notice)));
    }

    fn look(&mut self, _: &Board<'_>) {}
}

/// What happened, in a line.
pub(super) fn words(study: &Study, notice: &Notice) -> String {
    let unit = unit(study);
    let metric = study.spec.objectives.first().map(|o| o.metric.as_str()).unwrap_or_default();
    match notice {
        Notice::Started { trial, run, level, resumed, parameters } => match resumed {
            Some(from) => format!("trial {trial}: run {run} goes on from {unit} {from} to {level}"),
            None if *run > 1 => format!("trial {trial}: run {run} starts again to {unit} {level}"),
            None => format!("trial {trial}: starts to {unit} {level}: {parameters}"),
        },
        Notice::Ended { trial, run, reason, message, value, is_well } => {
            let value = value.as_ref().map(|value| format!(", {metric}={value}")).unwrap_or_default();
            let message = if message.is_empty() { String::new() } else { format!(": {message}") };
            let word = if *is_well { "ended" } else { "FAILED" };
            format!("trial {trial}: run {run} {word} ({reason}){value}{message}")
        }
        Notice::Judged { trial, verdict, why } => format!("trial {trial}: {verdict}: {why}"),
        Notice::Best(best) => format!("best: {metric}={} at {unit} {}, trial {}", best.value, best.level, best.number),
        Notice::Asked(wish) => format!("asked to {}", verb(*wish)),
        Notice::Front(front) => format!("front: {} at {unit} {}", front.words(), front.level),
        Notice::Warm(words) => format!("begins warm: {words}"),
        Notice::Warning(words) => format!("warning: {words}"),
    }
}
