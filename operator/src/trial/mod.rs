//! The trial controller: makes the cluster agree with a Trial's spec, and writes down what came of it.
//!
//! A reconcile is a sentence of stages. [`observe`] gathers what the caches hold, and asks where they may not decide; [`collect`]
//! reads what the log says; [`decide`] is pure: it makes of that the new status and what is to be done; [`apply`] writes, the
//! status first.

pub(crate) mod apply;
pub(crate) mod build;
pub(crate) mod cleanup;
pub(crate) mod collect;
pub(crate) mod decide;
pub(crate) mod judge;
pub(crate) mod observe;
pub(crate) mod pods;
pub(crate) mod record;
pub(crate) mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use trimtab_api::Trial;

use crate::context::Context;
use crate::error::Error;

/// Brings one Trial further. Called again whenever the Trial, one of its Jobs or pods changes, or its log has something new.
///
/// # Errors
/// When the API server did not do what was asked, or what was seen is no longer so: the queue tries again.
pub async fn reconcile(trial: Arc<Trial>, ctx: Arc<Context>) -> Result<Action, Error> {
    if ctx.overwritten.is_old(&*trial) {
        // The watch is about to bring what this operator has written itself.
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    let Some(mut seen) = observe::observe(&ctx, trial).await? else { return Ok(Action::await_change()) };
    let collected = collect::collect(&ctx, &seen).await?;
    seen.log_was_lost = collected.as_ref().is_some_and(|c| c.lost.is_some());
    let step = decide::decide(&seen, collected.as_ref(), &ctx.config, ctx.clock.now());
    apply::apply(&ctx, &seen, step).await
}
