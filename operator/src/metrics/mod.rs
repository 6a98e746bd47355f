//! What the operator says of itself to Prometheus.
//!
//! Two rules keep the numbers honest. A gauge that describes objects is computed from the caches at the scrape ([`state`]), so
//! nothing is left behind when an object goes. A counter of what happened to an object is raised by the one write that made it
//! happen ([`transitions`]): such a write succeeds once, whoever tries it again after a restart, so nothing counts twice. Labels come
//! from closed lists, but for namespaces, and for Studies where an administrator asks for them.

mod book;
mod queue;
mod requests;
mod state;
#[cfg(test)]
mod tests;
mod transitions;
mod zero;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller;
use kube::runtime::reflector::ObjectRef;
use prometheus::{IntGauge, TextEncoder};

use crate::context::{Caches, Context};
use crate::error::Error;
use crate::reading::Reading;
use book::Book;

pub use book::{Described, catalog};
pub use requests::client;

/// The names of the controllers in labels.
const CONTROLLERS: [&str; 2] = ["study", "trial"];

/// The metrics of an operator. The default keeps none, and costs nothing.
#[derive(Clone, Default)]
pub struct Metrics(Option<Arc<Book>>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").field("kept", &self.0.is_some()).finish()
    }
}

impl Metrics {
    /// Metrics that are kept. `studies` is how many Studies may have series of their own, `follows` how many logs may be followed.
    ///
    /// # Errors
    /// When a metric is defined twice or badly: a defect.
    pub fn kept(studies: usize, follows: usize) -> Result<Self, prometheus::Error> {
        let book = Book::new(studies)?;
        book.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        book.log_follows_limit.with_label_values::<&str>(&[]).set(i64::try_from(follows).unwrap_or(i64::MAX));
        book.log_follows.with_label_values::<&str>(&[]).set(0);
        for controller in CONTROLLERS {
            book.max_concurrent_reconciles.with_label_values(&[controller]).set(i64::from(crate::run::CONCURRENCY));
            book.active_workers.with_label_values(&[controller]).set(0);
        }
        zero::from_the_start(&book);
        Ok(Self(Some(Arc::new(book))))
    }

    /// All metrics in Prometheus' text format; nothing where none are kept. Walks the caches, so it is not for a thread of the runtime.
    ///
    /// # Errors
    /// When a metric cannot be written: a defect.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let Some(book) = &self.0 else { return Ok(String::new()) };
        TextEncoder::new().encode_to_string(&book.registry.gather())
    }

    /// These caches are what the gauges are computed from, besides those named before.
    pub(crate) fn watch(&self, caches: &Caches) {
        if let Some(book) = &self.0 {
            book.state.watch(caches.clone());
        }
    }

    /// Whether this replica holds the lease.
    pub fn leads(&self, leads: bool) {
        if let Some(book) = &self.0 {
            book.leader.set(i64::from(leads));
        }
    }

    /// A request for a reconcile goes into a queue.
    pub(crate) fn requested_of<K>(&self, controller: &'static str, reference: ObjectRef<K>) -> ObjectRef<K>
    where
        K: kube::Resource,
    {
        if let Some(book) = &self.0 {
            book.workqueue_adds_total.with_label_values(&[controller]).inc();
            book.waiting.request(controller, reference.namespace.as_deref().unwrap_or_default(), &reference.name);
        }
        reference
    }

    /// What came out of a queue: where the object is gone, its request is answered.
    pub(crate) fn answered<T, E, Q>(&self, controller: &'static str, answer: &Result<T, controller::Error<E, Q>>)
    where
        E: std::error::Error + 'static,
        Q: std::error::Error + 'static,
    {
        if let (Some(book), Err(controller::Error::ObjectNotFound(gone))) = (&self.0, answer) {
            book.waiting.answer(controller, gone.namespace.as_deref().unwrap_or_default(), &gone.name);
        }
    }

    /// A reconcile of this object begins.
    pub(crate) fn begin<K: ResourceExt>(&self, controller: &'static str, object: &K) -> Begun {
        if let Some(book) = &self.0
            && let Some(waited) =
                book.waiting.answer(controller, &object.namespace().unwrap_or_default(), &object.name_any())
        {
            book.workqueue_queue_duration_seconds.with_label_values(&[controller]).observe(waited.as_secs_f64());
        }
        Begun { metrics: self.clone(), controller }
    }

    /// A request to the API server was answered.
    fn requested(&self, verb: &'static str, resource: &'static str, code: &str, took: Duration) {
        let Some(book) = &self.0 else { return };
        book.client_requests_total.with_label_values(&[verb, resource, code]).inc();
        if !matches!(verb, "watch" | "follow") {
            book.client_request_duration_seconds.with_label_values(&[verb]).observe(took.as_secs_f64());
        }
    }

    /// A watch broke off.
    pub(crate) fn watch_broke(&self, kind: &str) {
        if let Some(book) = &self.0 {
            book.watch_breaks_total.with_label_values(&[kind]).inc();
        }
    }

    /// An event was published.
    pub(crate) fn published(&self, kind: &str, tone: &str, reason: &'static str) {
        if let Some(book) = &self.0 {
            book.events_total.with_label_values(&[kind, tone, reason]).inc();
        }
    }

    /// Takes the counts of what was read since the last time.
    pub(crate) fn read(&self, reading: &mut Reading) {
        let (lines, rejected) = (std::mem::take(&mut reading.lines), std::mem::take(&mut reading.rejected));
        let reports = std::mem::take(&mut reading.reported);
        let Some(book) = &self.0 else { return };
        book.log_lines_total.with_label_values::<&str>(&[]).inc_by(lines);
        book.log_reports_total.with_label_values::<&str>(&[]).inc_by(reports);
        book.log_rejected_total.with_label_values::<&str>(&[]).inc_by(rejected);
    }

    /// A log could not be read, or broke off.
    pub(crate) fn unread(&self, mode: &'static str) {
        if let Some(book) = &self.0 {
            book.log_read_errors_total.with_label_values(&[mode]).inc();
        }
    }

    /// A log stream is open for as long as what is returned lives.
    pub(crate) fn following(&self) -> Open {
        let gauge = self.0.as_ref().map(|book| book.log_follows.with_label_values::<&str>(&[]));
        Open::new(gauge)
    }
}

/// Raises a gauge for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Option<IntGauge>);

impl Open {
    fn new(gauge: Option<IntGauge>) -> Self {
        if let Some(gauge) = &gauge {
            gauge.inc();
        }
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.dec();
        }
    }
}

/// A reconcile that is about to run.
#[derive(Debug)]
pub(crate) struct Begun {
    metrics: Metrics,
    controller: &'static str,
}

impl Begun {
    /// Runs it, and counts how it ends: a panic too, which is passed on.
    pub(crate) async fn run<T>(self, reconcile: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        struct Panics<'b>(&'b Book, &'static str);
        impl Drop for Panics<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.reconcile_panics_total.with_label_values(&[self.1]).inc();
                }
            }
        }
        let Some(book) = &self.metrics.0 else { return reconcile.await };
        let of = [self.controller];
        let _worker = Open::new(Some(book.active_workers.with_label_values(&of)));
        let _panics = Panics(book, self.controller);
        let time = book.reconcile_time_seconds.with_label_values(&of).start_timer();
        let answer = reconcile.await;
        time.observe_duration();
        let result = match &answer {
            Ok(_) => "success",
            Err(Error::Conflict { .. }) => "conflict",
            Err(Error::Api { .. }) => "error",
        };
        book.reconcile_total.with_label_values(&[self.controller, result]).inc();
        if let Err(error) = &answer {
            book.reconcile_errors_total.with_label_values(&[self.controller, error.class()]).inc();
        }
        answer
    }
}

impl Context {
    /// The metrics of this operator.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.config.metrics
    }
}
