//! Live reads, for the few places where a cache may not decide.

use kube::Api;
use kube::api::ListParams;
use trimtab_api::{Study, Trial, names};

use crate::context::Context;
use crate::error::Error;
use crate::kept::{Job, Pod};

/// A Job by name, as the API server holds it now.
pub(crate) async fn job(ctx: &Context, namespace: &str, name: &str) -> Result<Option<Job>, Error> {
    let api: Api<Job> = Api::namespaced(ctx.client.0.clone(), namespace);
    api.get_opt(name).await.map_err(|e| Error::of("reading a Job", e))
}

/// A Study by name, as the API server holds it now.
pub(crate) async fn study(ctx: &Context, namespace: &str, name: &str) -> Result<Option<Study>, Error> {
    let api: Api<Study> = Api::namespaced(ctx.client.0.clone(), namespace);
    api.get_opt(name).await.map_err(|e| Error::of("reading a Study", e))
}

/// A Trial by name, as the API server holds it now.
pub(crate) async fn trial(ctx: &Context, namespace: &str, name: &str) -> Result<Option<Trial>, Error> {
    let api: Api<Trial> = Api::namespaced(ctx.client.0.clone(), namespace);
    api.get_opt(name).await.map_err(|e| Error::of("reading a Trial", e))
}

/// The pods of a trial, as the API server holds them now.
pub(crate) async fn pods(ctx: &Context, namespace: &str, trial: &str) -> Result<Vec<Pod>, Error> {
    let api: Api<Pod> = Api::namespaced(ctx.client.0.clone(), namespace);
    let list = api.list(&ListParams::default().labels(&format!("{}={trial}", names::TRIAL_LABEL))).await;
    list.map(|list| list.items).map_err(|e| Error::of("listing pods", e))
}

/// The pods that the Job of this name made, whatever became of our labels, as the API server holds them now.
pub(crate) async fn pods_of_job(ctx: &Context, namespace: &str, job: &str) -> Result<Vec<Pod>, Error> {
    let api: Api<Pod> = Api::namespaced(ctx.client.0.clone(), namespace);
    let list = api.list(&ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"))).await;
    list.map(|list| list.items).map_err(|e| Error::of("listing a Job's pods", e))
}

/// Names and resource versions of a study's Trials, as the API server holds them now.
pub(crate) async fn trials(
    ctx: &Context,
    namespace: &str,
    study_uid: &str,
) -> Result<Vec<kube::core::PartialObjectMeta<Trial>>, Error> {
    let api: Api<Trial> = Api::namespaced(ctx.client.0.clone(), namespace);
    let list =
        api.list_metadata(&ListParams::default().labels(&format!("{}={study_uid}", names::STUDY_UID_LABEL))).await;
    list.map(|list| list.items).map_err(|e| Error::of("listing Trials", e))
}
