//! Health, readiness and metrics over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::Metrics;

/// What the probes answer from.
#[derive(Clone, Debug, Default)]
pub struct Health {
    ready: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    metrics: Metrics,
}

impl Health {
    /// Serves these metrics beside.
    #[must_use]
    pub fn with(metrics: Metrics) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// The operator can do its work: as the leader, or as the one who waits to become it.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Something that must run has ended: the process should be started again.
    pub fn set_failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }
}

fn code(good: bool) -> (StatusCode, &'static str) {
    if good { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "no\n") }
}

/// The metrics; they are gathered beside the runtime, because that walks the caches.
async fn scrape(State(health): State<Health>) -> Response {
    match tokio::task::spawn_blocking(move || health.metrics.text()).await {
        Ok(Ok(text)) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Serves `/healthz`, `/readyz` and `/metrics` until `stop` resolves.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    address: SocketAddr,
    health: Health,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(async |State(health): State<Health>| code(!health.failed.load(Ordering::Relaxed))))
        .route("/readyz", get(async |State(health): State<Health>| code(health.ready.load(Ordering::Relaxed))))
        .route("/metrics", get(scrape))
        .with_state(health);
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving health and metrics");
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
