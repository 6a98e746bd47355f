//! Carries out what was decided. The status goes first: with a new batch in it, that write is the decision, and it fails where
//! another operator was quicker. Then the batch's actions are applied to the Trials, and again after a crash, until all are seen.

use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use kube::ResourceExt;
use kube::runtime::controller::Action;
use trimtab_api::study::{ActionKind, BatchRecord};
use trimtab_api::{Study, history};

use super::decide::Outcome;
use super::observe::Seen;
use crate::context::Context;
use crate::error::Error;
use crate::write::{self, Created, News, Tone};

/// How many Trials are written at once.
const WRITES: usize = 8;
/// Nothing depends on looking again after this long; it bounds the harm of a lost event.
const RESYNC: Duration = Duration::from_secs(300);

pub(crate) async fn apply(ctx: &Context, seen: &Seen, outcome: Outcome) -> Result<Action, Error> {
    let Outcome { status, carry_out, suspend, news, again } = outcome;
    let mut study = (*seen.study).clone();
    if study.status.as_ref() != Some(&status) {
        study.status = Some(status);
        study = write::study_status(ctx, &study).await?;
        for news in news {
            write::event(ctx, &study, news).await;
        }
    }
    if let Some((batch, indices)) = carry_out {
        tracing::info!(study = %study.name_any(), namespace = seen.namespace, batch = batch.number, actions = indices.len(), "carrying out a batch");
        // A batch's actions are on different Trials, so their order among each other does not matter to anybody but the one who waits for a stop: stops come first.
        let writes: Vec<_> =
            indices.into_iter().map(|index| carry_out_one(ctx, seen, &study, &batch, index).boxed()).collect();
        let answers: Vec<Result<(), Error>> = stream::iter(writes).buffered(WRITES).collect().await;
        answers.into_iter().collect::<Result<(), Error>>()?;
    }
    for (number, hold) in suspend {
        if let Some(trial) = seen.trials.get(&number) {
            let mut trial = (**trial).clone();
            trial.spec.suspend = hold;
            write::replace_trial(ctx, &trial).await?;
        }
    }
    Ok(Action::requeue(again.map_or(RESYNC, |s| Duration::from_secs(s).min(RESYNC))))
}

async fn carry_out_one(
    ctx: &Context,
    seen: &Seen,
    study: &Study,
    batch: &BatchRecord,
    index: u32,
) -> Result<(), Error> {
    let Some(action) = batch.actions.get(index as usize) else { return Ok(()) };
    if action.action == ActionKind::Start {
        let Some(trial) = history::trial_from_start(study, batch, index) else { return Ok(()) };
        return match write::create_trial(ctx, &trial).await? {
            // Whose it is, the next look will tell.
            Created::Made(_) | Created::Exists => Ok(()),
            Created::Refused(status) => {
                Err(Error::Api { what: "creating a Trial".to_owned(), source: Box::new(kube::Error::Api(status)) })
            }
        };
    }
    // A Trial that was removed needs no stop and cannot go on.
    let Some(held) = seen.trials.get(&action.trial) else { return Ok(()) };
    let Some(spec) = history::apply_to_trial(study, batch, index, held) else { return Ok(()) };
    let mut trial = (**held).clone();
    trial.spec = spec;
    let trial = write::replace_trial(ctx, &trial).await?;
    let note = match (&trial.spec.stop, action.action) {
        (Some(stop), ActionKind::Stop) => stop.message.clone(),
        _ => history::sentence(study, action),
    };
    let reason = if action.action == ActionKind::Stop { "TrialStopped" } else { "TrialPromoted" };
    write::event(
        ctx,
        &trial,
        News { tone: Tone::Normal, reason, action: "Judge", note, occasion: batch.number.to_string() },
    )
    .await;
    Ok(())
}
