//! The study controller: decides, and makes the Trials agree.
//!
//! A reconcile is a sentence of stages. [`observe`] gathers what the caches hold and refuses to go on where they are known to
//! be behind; [`decide`] is pure: it makes of that what is to be written; [`apply`] writes, the decision first.

pub(crate) mod apply;
pub mod book;
pub(crate) mod decide;
pub(crate) mod observe;
pub(crate) mod preflight;
pub(crate) mod status;
pub(crate) mod warm;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;
use trimtab_api::Study;

use crate::context::Context;
use crate::error::Error;

/// Brings one Study further. Called again whenever the Study or one of its Trials changes.
///
/// # Errors
/// When the API server did not do what was asked, or what was seen is no longer so: the queue tries again.
pub async fn reconcile(study: Arc<Study>, ctx: Arc<Context>) -> Result<Action, Error> {
    if ctx.overwritten.is_old(&*study) {
        // The watch is about to bring what this operator has written itself.
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    let uid = study.uid().unwrap_or_default();
    let seen = match observe::observe(&ctx, study).await? {
        observe::Observed::Ready(seen) => seen,
        observe::Observed::Behind => {
            ctx.metrics().behind();
            return Ok(Action::requeue(Duration::from_millis(250)));
        }
        observe::Observed::Leaving => {
            ctx.shelf.take(&uid);
            return Ok(Action::await_change());
        }
    };
    let verdict = preflight::accept(&ctx, &seen).await?;
    let mut book = None;
    let outcome = ctx.metrics().deciding(&seen.study, || {
        book = ctx.shelf.open(&seen, ctx.config.books.checks);
        decide::decide(&seen, book.as_mut(), verdict, ctx.clock.now())
    });
    if let Some(book) = book.filter(|_| !outcome.over && seen.trials.len() >= ctx.config.books.from) {
        ctx.shelf.put(&seen.uid, book, || ctx.caches.studies.uids());
    }
    apply::apply(&ctx, &seen, outcome).await
}
