//! Counts what is asked of the API server: a layer below the retries, so that each attempt counts.

use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use http::{Method, Request, Response, Uri};
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;
use tower::{BoxError, Layer, Service};

use super::Metrics;

/// How many requests may wait for the connection pool.
const BUFFER: usize = 1024;

/// A client whose requests are counted. It retries as kube's own does, where `config` says so.
///
/// # Errors
/// When `config` makes no client.
pub fn client(mut config: Config, metrics: &Metrics) -> Result<Client, kube::Error> {
    let retry = std::mem::take(&mut config.default_retry);
    let counted = ClientBuilder::try_from(config)?.with_layer(&Counting(metrics.clone()));
    Ok(if retry {
        counted.with_layer(&BufferLayer::new(BUFFER)).with_layer(&RetryLayer::new(RetryPolicy::server_retry())).build()
    } else {
        counted.build()
    })
}

#[derive(Clone, Debug)]
struct Counting(Metrics);

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, metrics: self.0.clone() }
    }
}

#[derive(Debug)]
struct Counted<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (verb, resource) = (verb(request.method(), request.uri()), resource(request.uri()));
        let metrics = self.metrics.clone();
        let began = Instant::now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code = answer.as_ref().map_or_else(|_| "error".to_owned(), |r| r.status().as_u16().to_string());
            metrics.requested(verb, resource, &code, began.elapsed());
            answer
        })
    }
}

fn asks(uri: &Uri, flag: &str) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|part| part == flag))
}

/// The verb, as the API server's audit log has it; a request for a followed log is `follow`.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ if asks(uri, "watch=true") || asks(uri, "watch=1") => "watch",
        _ if asks(uri, "follow=true") => "follow",
        _ if parts(uri).1.is_some() => "get",
        _ => "list",
    }
}

/// The plural of what a request is about, and the name if there is one: `/api/v1/…` and `/apis/GROUP/VERSION/…`, within a namespace or not.
fn parts(uri: &Uri) -> (Option<&str>, Option<&str>, Option<&str>) {
    let mut path = uri.path().split('/').filter(|part| !part.is_empty());
    let skip = if path.next() == Some("api") { 1 } else { 2 };
    let mut path = path.skip(skip).peekable();
    if path.peek() == Some(&"namespaces") {
        path.next();
        path.next();
    }
    (path.next(), path.next(), path.next())
}

/// What a request is about: one of the few that this program asks for.
fn resource(uri: &Uri) -> &'static str {
    match parts(uri) {
        (Some("studies"), _, None) => "studies",
        (Some("studies"), _, Some(_)) => "studies/status",
        (Some("trials"), _, None) => "trials",
        (Some("trials"), _, Some(_)) => "trials/status",
        (Some("jobs"), ..) => "jobs",
        (Some("pods"), _, None) => "pods",
        (Some("pods"), _, Some(_)) => "pods/log",
        (Some("events"), ..) => "events",
        (Some("leases"), ..) => "leases",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, uri: &str) -> (&'static str, &'static str) {
        let uri: Uri = uri.parse().expect("a path");
        (verb(&method, &uri), resource(&uri))
    }

    #[test]
    fn requests_are_told_apart_by_their_paths() {
        assert_eq!(of(Method::GET, "/apis/trimtab.dev/v1alpha1/studies?watch=true&limit=5"), ("watch", "studies"));
        assert_eq!(of(Method::GET, "/apis/trimtab.dev/v1alpha1/namespaces/a/trials?limit=5"), ("list", "trials"));
        assert_eq!(of(Method::GET, "/apis/trimtab.dev/v1alpha1/namespaces/a/trials/b"), ("get", "trials"));
        assert_eq!(
            of(Method::PUT, "/apis/trimtab.dev/v1alpha1/namespaces/a/studies/b/status?"),
            ("update", "studies/status")
        );
        assert_eq!(of(Method::POST, "/apis/batch/v1/namespaces/a/jobs?dryRun=All"), ("create", "jobs"));
        assert_eq!(of(Method::GET, "/api/v1/namespaces/a/pods/b/log?follow=true"), ("follow", "pods/log"));
        assert_eq!(of(Method::GET, "/api/v1/namespaces/a/pods/b/log?container=c"), ("get", "pods/log"));
        assert_eq!(of(Method::PATCH, "/apis/coordination.k8s.io/v1/namespaces/a/leases/b"), ("patch", "leases"));
        assert_eq!(of(Method::GET, "/version"), ("list", "other"));
    }
}
