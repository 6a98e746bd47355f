//! A record as the engine reads it.

use trimtab_api::history::history;
use trimtab_api::validate;
use trimtab_engine::state::State;
use trimtab_engine::{History, Plan};

use crate::record::Record;

/// A record's plan and its log. A Study that is not valid has neither.
#[derive(Debug)]
pub(crate) struct Reading {
    plan: Result<Plan, String>,
    log: History,
}

impl Reading {
    /// Reads a record. Its state is folded by who asks for it.
    pub(crate) fn of(record: &Record) -> Self {
        let plan = validate(&record.study).map_err(|mistakes| {
            let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            mistakes.join("; ")
        });
        let log = plan.as_ref().map(|plan| history(plan, &record.study, &record.trials, 0)).unwrap_or_default();
        Self { plan, log }
    }

    /// The plan and the log, or what is wrong with the Study.
    pub(crate) fn valid(&self) -> Result<(&Plan, &History), &str> {
        self.plan.as_ref().map(|plan| (plan, &self.log)).map_err(String::as_str)
    }

    /// The plan and the state.
    pub(crate) fn state(&self) -> Option<(&Plan, State<'_>)> {
        self.valid().ok().map(|(plan, log)| (plan, State::fold(plan, log)))
    }
}
