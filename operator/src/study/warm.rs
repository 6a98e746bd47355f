//! Takes a Study that wants to learn from an earlier one, returns what there is to copy, or why not. Writes nothing: the copy is
//! part of the status, and written with it.
//!
//! What it must keep true: a copy is looked for only while there is neither a copy nor a batch, so it is made once; and it is
//! made of all that the earlier Study's Trials say, which a list vouches for.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt;
use trimtab_api::study::WarmStarted;
use trimtab_api::{Study, Trial, warm};
use trimtab_engine::Plan;

use super::observe::belongs;
use crate::context::Context;
use crate::error::Error;
use crate::read;

/// What a Study may learn from an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Warm {
    /// Nothing is left to copy: none was asked for, or it is on record.
    Settled,
    /// There is no such Study.
    Absent(String),
    /// The earlier Study goes on.
    Waits(String),
    /// The earlier Study searched for something else.
    Refused(String),
    /// What is to be put on record before anything is decided.
    Copied(Box<WarmStarted>),
}

/// `None` when the cache does not show all Trials of the earlier Study as they are.
pub(crate) async fn look(ctx: &Context, study: &Study, plan: Option<&Plan>) -> Result<Option<Warm>, Error> {
    let status = study.status.as_ref();
    let is_settled = status.is_some_and(|status| status.warm_start.is_some() || status.batch.is_some());
    let (Some(wanted), Some(plan), false) = (&study.spec.warm_start, plan, is_settled) else {
        return Ok(Some(Warm::Settled));
    };
    let (namespace, name) = (study.namespace().unwrap_or_default(), &wanted.study_name);
    // The cache says whether it is worth asking.
    let Some(held) = ctx.caches.studies.get(&namespace, name) else {
        return Ok(Some(Warm::Absent(format!("Study {name} is to be learned from, and is not there"))));
    };
    if let Some(hindrance) = hindrance(study, &held) {
        return Ok(Some(hindrance));
    }
    let Some(earlier) = read::study(ctx, &namespace, name).await? else { return Ok(None) };
    if earlier.metadata.resource_version != held.metadata.resource_version {
        return Ok(None);
    }
    let uid = earlier.uid().unwrap_or_default();
    let trials: Vec<Arc<Trial>> = ctx.caches.trials.group(&namespace, &uid);
    let broken = ctx.caches.trials.broken(&namespace, &uid);
    let live = read::trials(ctx, &namespace, &uid).await?;
    let is_broken = |name: &String| broken.iter().any(|(broken, _)| broken == name);
    let versions: BTreeMap<String, Option<String>> =
        live.iter().map(|t| (t.name_any(), t.resource_version())).filter(|(name, _)| !is_broken(name)).collect();
    let known: BTreeMap<String, Option<String>> = trials.iter().map(|t| (t.name_any(), t.resource_version())).collect();
    if versions != known {
        return Ok(None);
    }
    let is_its = |trial: &&Arc<Trial>| trial.metadata.deletion_timestamp.is_none() && belongs(trial, name, &uid);
    let trials: Vec<&Trial> = trials.iter().filter(is_its).map(|trial| &**trial).collect();
    Ok(Some(Warm::Copied(Box::new(warm::copy(plan, &earlier, &trials)))))
}

/// Why nothing can be copied of a Study as it stands.
fn hindrance(study: &Study, earlier: &Study) -> Option<Warm> {
    if let Some(why) = warm::refusal(study, earlier) {
        return Some(Warm::Refused(why));
    }
    let name = earlier.name_any();
    let goes_on = !warm::is_at_rest(earlier) || earlier.metadata.deletion_timestamp.is_some();
    goes_on.then(|| Warm::Waits(format!("Study {name} is to be learned from, and has neither ended nor is suspended")))
}
