//! Every metric that is counted where something happens, in one list: what is not made here is not exported. What can be read
//! off the caches is not counted but computed at the scrape, in `state`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Error, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    process_collector::ProcessCollector,
};

use super::queue::Waiting;
use super::state::{self, State};
use super::transitions::Stops;

/// What a metric is called and what it says: for the reference and for the tests that hold dashboards and rules to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Counter, gauge or histogram.
    pub kind: &'static str,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it says.
    pub help: String,
}

/// Seconds that a reconcile or a request takes: the buckets that controllers of the Go world export.
const QUICK: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Seconds that somebody waits for a place.
const LONG: &[f64] = &[1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0];

macro_rules! book {
    (
        counters { $($counter:ident [$($counter_label:literal),*] $counter_help:literal;)* }
        histograms { $($histogram:ident [$($histogram_label:literal),*] $buckets:ident $histogram_help:literal;)* }
        gauges { $($gauge:ident [$($gauge_label:literal),*] $gauge_help:literal;)* }
    ) => {
        /// The metrics.
        pub(super) struct Book {
            $(pub(super) $counter: IntCounterVec,)*
            $(pub(super) $histogram: HistogramVec,)*
            $(pub(super) $gauge: IntGaugeVec,)*
            pub(super) leader: IntGauge,
            pub(super) waiting: Waiting,
            pub(super) stops: Stops,
            /// Reasons, and resources: closed lists as long as nobody writes other words into objects, and bounded where somebody does.
            pub(super) reasons: Bounded,
            pub(super) resources: Bounded,
            pub(super) state: State,
            pub(super) registry: Registry,
        }

        impl Book {
            /// An empty book. `studies` is how many Studies may have series of their own.
            pub(super) fn new(studies: usize) -> Result<Self, Error> {
                let registry = Registry::new();
                $(let $counter = register(&registry, IntCounterVec::new(
                    Opts::new(concat!("trimtab_", stringify!($counter)), $counter_help), &[$($counter_label),*])?)?;)*
                $(let $histogram = register(&registry, HistogramVec::new(
                    HistogramOpts::new(concat!("trimtab_", stringify!($histogram)), $histogram_help).buckets($buckets.to_vec()),
                    &[$($histogram_label),*])?)?;)*
                $(let $gauge = register(&registry, IntGaugeVec::new(
                    Opts::new(concat!("trimtab_", stringify!($gauge)), $gauge_help), &[$($gauge_label),*])?)?;)*
                let leader = register(&registry, IntGauge::new(LEADER.0, LEADER.1)?)?;
                let waiting = Waiting::default();
                let state = register(&registry, State::new(studies, waiting.clone())?)?;
                registry.register(Box::new(ProcessCollector::for_self()))?;
                Ok(Self {
                    $($counter,)* $($histogram,)* $($gauge,)* leader, waiting, stops: Stops::default(),
                    reasons: Bounded::new(64), resources: Bounded::new(16), state, registry,
                })
            }
        }

        /// All metrics of Trimtab's own, in the order of their names. Those of the process come from its collector.
        #[must_use]
        pub fn catalog() -> Vec<Described> {
            fn one(name: &str, kind: &'static str, labels: &[&str], help: &str) -> Described {
                let labels = labels.iter().map(ToString::to_string).collect();
                Described { name: name.to_owned(), kind, labels, help: help.to_owned() }
            }
            let mut all = vec![one(LEADER.0, "gauge", &[], LEADER.1)];
            $(all.push(one(concat!("trimtab_", stringify!($counter)), "counter", &[$($counter_label),*], $counter_help));)*
            $(all.push(one(concat!("trimtab_", stringify!($histogram)), "histogram", &[$($histogram_label),*], $histogram_help));)*
            $(all.push(one(concat!("trimtab_", stringify!($gauge)), "gauge", &[$($gauge_label),*], $gauge_help));)*
            all.extend(state::FAMILIES.iter().map(|f| one(f.name, "gauge", f.labels, f.help)));
            all.sort();
            all
        }
    };
}

const LEADER: (&str, &str) =
    ("trimtab_leader_election_master_status", "1 on the replica that holds the lease and works, 0 on one that waits.");

book! {
    counters {
        reconcile_total ["controller", "result"] "Reconciles by how they ended: success, conflict (looked at again on a fresher view) or error.";
        reconcile_errors_total ["controller", "class"] "Reconciles that did not come to their end, by class: conflict, throttled, server, refused, transport.";
        reconcile_panics_total ["controller"] "Reconciles that panicked: each is a defect.";
        workqueue_adds_total ["controller"] "Requests for a reconcile, those included that found the object in the queue already.";
        client_requests_total ["verb", "resource", "code"] "Requests to the API server by verb, resource and HTTP status; each attempt counts, and the code `error` is one without an answer.";
        watch_breaks_total ["kind"] "Watches that broke off and began again.";
        cache_behind_total [] "Reconciles of a Study that were put off because the cache did not show what was already done.";
        events_total ["kind", "type", "reason"] "Events published, each occasion once.";
        batches_total ["algorithm"] "Decisions written, by scheduler and sampler.";
        actions_total ["algorithm", "action", "reason"] "Actions decided: Start, Continue (a promotion) and Stop, by reason.";
        trials_finished_total ["namespace", "outcome", "reason"] "Trials that ended: Complete, Stopped (early, by the study), Failed (by their configuration) or Lost (by the infrastructure).";
        runs_ended_total ["reason"] "Runs that ended, by reason.";
        retries_total ["reason"] "Infrastructure failures after which a trial is tried again, by reason.";
        spent_seconds_total ["namespace", "resource"] "Seconds that runs took: of pods for the resource `run`, of devices for an extended resource such as nvidia.com/gpu.";
        wasted_seconds_total ["namespace", "resource"] "The part of the seconds spent that went into runs which failed, by configuration or infrastructure.";
        saved_seconds_total ["namespace", "resource"] "Seconds that trials stopped early did not take: what was left to the highest fidelity, at the pace of the trial.";
        log_lines_total [] "Lines of logs that were read; one that is read again, because nobody recorded it yet, counts again.";
        log_reports_total [] "Values of metrics found in them.";
        log_rejected_total [] "Values that looked like a metric's and could not be taken.";
        log_read_errors_total ["mode"] "Logs that broke off or could not be read, while followed or polled.";
    }
    histograms {
        reconcile_time_seconds ["controller"] QUICK "Seconds that a reconcile took.";
        workqueue_queue_duration_seconds ["controller"] QUICK "Seconds from a request for a reconcile to its begin.";
        client_request_duration_seconds ["verb"] QUICK "Seconds to the head of the API server's answer; watches and followed logs are left out.";
        decision_seconds ["algorithm"] QUICK "Seconds of computing that a look at a Study took, a decision included if one was due.";
        line_to_decision_seconds [] QUICK "Seconds from the kubelet's stamp on the newest log line that a decision admitted to the write of the decision. Clocks of nodes and operator are compared.";
        line_to_record_seconds [] QUICK "Seconds from the kubelet's stamp on a log line that completed a level to the write of its value.";
        decision_to_delete_seconds [] QUICK "Seconds from a decision to stop a running trial to the deletion of its Job.";
        trial_start_seconds [] LONG "Seconds from a Trial's creation to the first time that a pod of it ran.";
        run_queue_seconds [] LONG "Seconds from the creation of a run's Job to the first time that its container ran: waiting for a place, pulling the image, starting.";
    }
    gauges {
        active_workers ["controller"] "Reconciles under way.";
        max_concurrent_reconciles ["controller"] "The most reconciles that may be under way at once.";
        log_follows [] "Log streams that are open.";
        log_follows_limit [] "The most log streams that may be open at once; beyond, logs are polled.";
        build_info ["version"] "1, with the version as label.";
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// Words for a label, of which only so many are different; the rest is `other`.
#[derive(Debug)]
pub(super) struct Bounded {
    cap: usize,
    seen: Mutex<BTreeSet<String>>,
}

impl Bounded {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, seen: Mutex::default() }
    }

    /// The word, or `other` where there are too many words already.
    pub(super) fn word<'w>(&self, word: &'w str) -> &'w str {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(word) {
            return word;
        }
        if seen.len() >= self.cap {
            return "other";
        }
        seen.insert(word.to_owned());
        word
    }
}
