//! What a study has used of resources, and of how much.

use jiff::Timestamp;
use serde::Serialize;
use trimtab_api::resources;

use crate::record::Record;

/// Hours of a resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HoursAccount {
    resource: String,
    /// By all runs, those that go on included.
    used: f64,
    /// Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
}

impl HoursAccount {
    /// The hours of each device that runs hold, and of what the limits name.
    pub(crate) fn all(record: &Record, now: Timestamp) -> Vec<Self> {
        let spec = &record.study.spec;
        let run: u64 = record.trials.iter().filter_map(|t| t.status.as_ref()).map(|s| resources::seconds(s, now)).sum();
        let known = record.study.status.as_ref().map_or(&[][..], |status| &status.resource_hours);
        let limits = spec.limits.as_ref().map_or(&[][..], |limits| &limits.resource_hours);
        let account = |used: trimtab_api::study::ResourceHours| Self {
            limit: limits.iter().find(|limit| limit.resource == used.resource).map(|limit| limit.hours),
            used: used.hours,
            resource: used.resource,
        };
        resources::used(spec, run, known).into_iter().map(account).collect()
    }

    /// The part of the limit that is used.
    pub(crate) fn part(&self) -> Option<f64> {
        self.limit.map(|limit| self.used / limit)
    }

    /// The hours for people.
    pub(crate) fn render(&self) -> String {
        // Seconds are what is counted, and this is less than four of them.
        let round = |hours: f64| (hours * 1000.0).round() / 1000.0;
        let limit = self.limit.map_or_else(String::new, |limit| format!(" of {}", round(limit)));
        format!("used {}{limit} hours of {}", round(self.used), self.resource)
    }
}
