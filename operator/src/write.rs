//! The one file that writes to the cluster.
//!
//! Every change of an object carries the resource version that was read, or the UID: a write on a stale view is refused by
//! the API server and tried again on a fresh one. Creations go by names that are functions of what is created, so that a
//! second attempt finds the first.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{DeleteParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::Status;
use kube::{Api, Resource, ResourceExt};
use serde_json::Value;
use trimtab_api::{Study, Trial, names};

use crate::context::Context;
use crate::error::{Error, status_of};

/// The reason of the event that a quota holds a run back.
pub(crate) const RUN_WAITS: &str = "RunWaits";

/// What became of a creation.
#[derive(Debug)]
pub(crate) enum Created<T> {
    /// It was made now.
    Made(T),
    /// Something of that name is there already; whose it is must be looked at.
    Exists,
    /// The API server refuses it, and will as long as neither it nor the cluster's rules change.
    Refused(Box<Status>),
}

fn parameters() -> PostParams {
    PostParams { dry_run: false, field_manager: Some(names::MANAGER.to_owned()) }
}

fn created<T>(what: &str, answer: Result<T, kube::Error>) -> Result<Created<T>, Error> {
    match answer {
        Ok(made) => Ok(Created::Made(made)),
        Err(error) => match status_of(&error) {
            Some(status) if status.code == 409 && status.reason == "AlreadyExists" => Ok(Created::Exists),
            // A namespace that is being deleted and a used-up quota also answer 403: both are for the caller to report.
            Some(status) if matches!(status.code, 400 | 403 | 422) => Ok(Created::Refused(Box::new(status.clone()))),
            _ => Err(Error::of(what, error)),
        },
    }
}

/// Creates a Trial.
pub(crate) async fn create_trial(ctx: &Context, trial: &Trial) -> Result<Created<Trial>, Error> {
    let api: Api<Trial> = Api::namespaced(ctx.client.0.clone(), &trial.namespace().unwrap_or_default());
    created("creating a Trial", api.create(&parameters(), trial).await)
}

/// Replaces a Trial's spec, under its resource version.
pub(crate) async fn replace_trial(ctx: &Context, trial: &Trial) -> Result<Trial, Error> {
    let api: Api<Trial> = Api::namespaced(ctx.client.0.clone(), &trial.namespace().unwrap_or_default());
    let written = api.replace(&trial.name_any(), &parameters(), trial).await;
    overwritten(ctx, "a Trial's spec", trial, written)
}

/// Replaces a Trial's status, under its resource version.
pub(crate) async fn trial_status(ctx: &Context, trial: &Trial) -> Result<Trial, Error> {
    let api: Api<Trial> = Api::namespaced(ctx.client.0.clone(), &trial.namespace().unwrap_or_default());
    let written = api.replace_status(&trial.name_any(), &parameters(), trial).await;
    overwritten(ctx, "a Trial's status", trial, written)
}

/// Replaces a Study's status, under its resource version. With a new batch in it, this write is the decision.
pub(crate) async fn study_status(ctx: &Context, study: &Study) -> Result<Study, Error> {
    let api: Api<Study> = Api::namespaced(ctx.client.0.clone(), &study.namespace().unwrap_or_default());
    let written = api.replace_status(&study.name_any(), &parameters(), study).await;
    overwritten(ctx, "a Study's status", study, written)
}

/// The answer to a write that replaces this version, which is remembered as no longer the newest.
fn overwritten<K: Resource>(
    ctx: &Context,
    what: &str,
    before: &K,
    written: Result<K, kube::Error>,
) -> Result<K, Error> {
    let written = written.map_err(|error| Error::of(what, error))?;
    // A write that changes nothing leaves the version as it is.
    if written.resource_version() != before.resource_version() {
        ctx.overwritten.note(before);
    }
    Ok(written)
}

async fn post(ctx: &Context, path: String, object: &Value) -> Result<Value, kube::Error> {
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    ctx.client.0.request(request).await
}

/// Creates a Job. It is sent as the user wrote it, fields included that this program does not know.
pub(crate) async fn create_job(ctx: &Context, namespace: &str, job: &Value) -> Result<Created<Value>, Error> {
    created(
        "creating a Job",
        post(ctx, format!("/apis/batch/v1/namespaces/{namespace}/jobs?fieldManager={}", names::MANAGER), job).await,
    )
}

/// Asks the API server whether it would take a Job, unknown fields refused. Nothing is kept.
pub(crate) async fn dry_run_job(ctx: &Context, namespace: &str, job: &Value) -> Result<(), kube::Error> {
    let path = format!(
        "/apis/batch/v1/namespaces/{namespace}/jobs?dryRun=All&fieldValidation=Strict&fieldManager={}",
        names::MANAGER
    );
    post(ctx, path, job).await.map(|_| ())
}

/// Asks the API server whether it would take a pod, unknown fields refused. Nothing is kept.
pub(crate) async fn dry_run_pod(ctx: &Context, namespace: &str, pod: &Value) -> Result<(), kube::Error> {
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict&fieldManager={}",
        names::MANAGER
    );
    post(ctx, path, pod).await.map(|_| ())
}

/// Deletes a Job in the foreground: it is gone when its pods are. A Job that is gone already is no error.
pub(crate) async fn delete_job(ctx: &Context, namespace: &str, name: &str, uid: &str) -> Result<(), Error> {
    let api: Api<k8s_openapi::api::batch::v1::Job> = Api::namespaced(ctx.client.0.clone(), namespace);
    let parameters = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(()),
        // With the UID as precondition, a conflict says that another Job has the name by now.
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
        Err(error) => Err(Error::of("deleting a Job", error)),
    }
}

/// Whether an event is news or a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What an event says.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Normal or warning.
    pub(crate) tone: Tone,
    /// Why, CamelCase, from a closed list.
    pub(crate) reason: &'static str,
    /// What was done, CamelCase.
    pub(crate) action: &'static str,
    /// For people.
    pub(crate) note: String,
    /// Tells this occasion from others with the same reason: a run's or batch's number.
    pub(crate) occasion: String,
}

/// Publishes an event, once for each occasion: its name is a function of what happened, so that a repeated reconcile finds it made.
/// An event that cannot be written is logged and lost: nothing depends on it.
pub(crate) async fn event<K: Resource<DynamicType = ()>>(ctx: &Context, about: &K, news: News) {
    let namespace = about.namespace().unwrap_or_default();
    let name = about.name_any();
    let uid = about.uid().unwrap_or_default();
    let hash = fnv(&[&uid, news.reason, &news.occasion]);
    let event = Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{hash:016x}")),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        action: Some(news.action.to_owned()),
        event_time: Some(MicroTime(ctx.clock.now())),
        note: Some(news.note.chars().take(1000).collect()),
        reason: Some(news.reason.to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            name: Some(name.clone()),
            namespace: Some(namespace.clone()),
            uid: Some(uid),
            ..ObjectReference::default()
        }),
        reporting_controller: Some("trimtab.dev/operator".to_owned()),
        reporting_instance: Some(names::MANAGER.to_owned()),
        type_: Some(if news.tone == Tone::Normal { "Normal" } else { "Warning" }.to_owned()),
        ..Event::default()
    };
    tracing::info!(kind = %K::kind(&()), namespace, name, reason = news.reason, note = news.note, "event");
    let api: Api<Event> = Api::namespaced(ctx.client.0.clone(), &namespace);
    match api.create(&parameters(), &event).await {
        Ok(_) => ctx.metrics().published(&K::kind(&()), event.type_.as_deref().unwrap_or_default(), news.reason),
        Err(error) if status_of(&error).is_some_and(|s| s.code == 409) => {}
        Err(error) => tracing::warn!(%error, namespace, name, reason = news.reason, "an event could not be written"),
    }
}

/// FNV-1a over the parts, each ended by a zero byte. It names events; nothing secret depends on it.
fn fnv(parts: &[&str]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
