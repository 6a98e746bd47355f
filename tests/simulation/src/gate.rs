//! Where requests wait: a service under `kube::Client` that parks each request until the world serves it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tower::BoxError;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::store::Actor;

/// A request that waits.
#[derive(Debug)]
pub struct Parked {
    /// Who asks.
    pub actor: Actor,
    /// The life of the one who asks: an operator that was started again is another.
    pub life: u64,
    /// What is asked; a request that the server does not understand is refused when it is served.
    pub call: Result<Call, Failure>,
    reply: oneshot::Sender<Answer>,
}

impl Parked {
    /// What is asked, taken away.
    ///
    /// # Errors
    /// When the server does not understand it.
    pub fn take(&mut self) -> Result<Call, Failure> {
        std::mem::replace(&mut self.call, Err(Failure::bad_request("served already")))
    }

    /// Answers. The one who asked may be gone.
    pub fn answer(self, answer: Answer) {
        let _ = self.reply.send(answer);
    }
}

/// The requests that wait, in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    waiting: Arc<Mutex<VecDeque<Parked>>>,
    arrived: Arc<Notify>,
}

impl Gate {
    /// Takes the requests that arrived.
    #[must_use]
    pub fn take(&self) -> Vec<Parked> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    /// Whether no request has arrived since.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Waits until a request arrives.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Wakes the one who waits for arrivals.
    pub fn knock(&self) {
        self.arrived.notify_one();
    }

    /// A client whose requests wait here.
    #[must_use]
    pub fn client(&self, actor: Actor, life: u64) -> kube::Client {
        let gate = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| gate.clone().pass(request, actor, life));
        kube::Client::new(service, "default")
    }

    fn pass(
        self,
        request: Request<Body>,
        actor: Actor,
        life: u64,
    ) -> BoxFuture<'static, Result<Response<Full<Bytes>>, BoxError>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            let content = parts.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
            let accept = parts.headers.get(http::header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
            let partial = accept.contains("PartialObjectMetadata");
            let call = Call::parse(&parts.method, parts.uri.path(), parts.uri.query().unwrap_or(""), content, &body);
            let (reply, answer) = oneshot::channel();
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(Parked { actor, life, call, reply });
            self.knock();
            match answer.await.unwrap_or(Answer::Lost("the connection was reset")) {
                Answer::Object(code, object) => {
                    let text = if partial { metadata_only((*object).clone()).to_string() } else { object.to_string() };
                    Ok(respond(code, "application/json", text)?)
                }
                Answer::Text(text) => Ok(respond(200, "text/plain", text)?),
                Answer::Refused(failure) => {
                    let mut response = respond(failure.code, "application/json", failure.body().to_string())?;
                    if let Some(seconds) = failure.retry_after {
                        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
                    }
                    Ok(response)
                }
                Answer::Lost(why) => Err(why.into()),
            }
        })
    }
}

fn respond(code: u16, content: &str, body: String) -> Result<Response<Full<Bytes>>, http::Error> {
    Response::builder().status(code).header(http::header::CONTENT_TYPE, content).body(Full::new(Bytes::from(body)))
}

/// What a server answers to one who wants metadata alone.
fn metadata_only(mut object: Value) -> Value {
    let strip = |object: &Value| json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]});
    match object["items"].as_array_mut() {
        Some(items) => {
            items.iter_mut().for_each(|item| *item = strip(item));
            object["apiVersion"] = json!("meta.k8s.io/v1");
            object["kind"] = json!("PartialObjectMetadataList");
            object
        }
        None => strip(&object),
    }
}
