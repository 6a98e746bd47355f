//! The study controller: decides, and makes the Trials agree.
//!
//! A reconcile is a sentence of stages. [`observe`] gathers what the caches hold and refuses to go on where they are known to
//! be behind; [`decide`] is pure: it makes of that what is to be written; [`apply`] writes, the decision first.

pub(crate) mod apply;
pub(crate) mod decide;
pub(crate) mod observe;
pub(crate) mod preflight;
pub(crate) mod status;
pub(crate) mod warm;

use std::sync::Arc;
use std::time::Duration;

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
    let seen = match observe::observe(&ctx, study).await? {
        observe::Observed::Ready(seen) => seen,
        observe::Observed::Behind => {
            ctx.metrics().behind();
            return Ok(Action::requeue(Duration::from_millis(250)));
        }
        observe::Observed::Leaving => return Ok(Action::await_change()),
    };
    let verdict = preflight::accept(&ctx, &seen).await?;
    let outcome = ctx.metrics().deciding(&seen.study, || decide::decide(&seen, verdict, ctx.clock.now()));
    apply::apply(&ctx, &seen, outcome).await
}
