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
use crate::quiet;
use crate::read;
use crate::write::{self, Created, News, Tone};

/// How many Trials are written at once.
const WRITES: usize = 8;
/// Nothing depends on looking again after this long; it bounds the harm of a lost event.
const RESYNC: Duration = Duration::from_secs(300);

pub(crate) async fn apply(ctx: &Context, seen: &Seen, outcome: Outcome) -> Result<Action, Error> {
    let Outcome { status, carry_out, suspend, news, again, over: _ } = outcome;
    let mut study = (*seen.study).clone();
    let held = study.status.clone().unwrap_or_default();
    let is_quiet = held != status && quiet::study(&held, &status);
    if is_quiet
        && carry_out.is_none()
        && suspend.is_empty()
        && let Some(wait) = ctx.put_off.wait(&seen.uid, ctx.clock.now())
    {
        // Nobody waits for this: the next write takes it along, and its news are told with it, because they are found again in the
        // same difference. What is known to be applied is remembered until then.
        ctx.put_off.note_applied(&seen.uid, status.applied_batch);
        return Ok(Action::requeue(again.map_or(wait, |again| Duration::from_secs(again).min(wait))));
    }
    ctx.put_off.settled(&seen.uid);
    let written = study.status.as_ref() != Some(&status);
    if written {
        study.status = Some(status);
        study = write::study_status(ctx, &study).await?;
        ctx.metrics().study_written(seen, study.status.as_ref(), ctx.clock.now());
        for news in news {
            write::event(ctx, &study, news).await;
        }
    }
    if let Some((batch, indices)) = carry_out {
        if !written {
            // A batch is taken up again on the newest view only: an old one may show as not applied what was applied since, and
            // would bring back a Trial that a user has deleted.
            let live = read::study(ctx, &seen.namespace, &study.name_any()).await?;
            if live.as_ref().and_then(|s| s.resource_version()) != study.resource_version() {
                return Err(Error::Conflict { what: "a Study whose batch was to be taken up again".to_owned() });
            }
        }
        tracing::info!(study = %study.name_any(), namespace = seen.namespace, batch = batch.number, actions = indices.len(), "carrying out a batch");
        // One write for each Trial, whatever the batch does to it; stops come first, because somebody waits for the place.
        let mut by_trial: Vec<(u32, Vec<u32>)> = Vec::new();
        for index in indices {
            let Some(number) = batch.actions.get(index as usize).map(|action| action.trial) else { continue };
            match by_trial.iter_mut().find(|(held, _)| *held == number) {
                Some((_, indices)) => indices.push(index),
                None => by_trial.push((number, vec![index])),
            }
        }
        let writes: Vec<_> = by_trial
            .into_iter()
            .map(|(number, indices)| carry_out_on(ctx, seen, &study, &batch, number, indices).boxed())
            .collect();
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

/// Applies a batch's actions on one Trial, in their order.
async fn carry_out_on(
    ctx: &Context,
    seen: &Seen,
    study: &Study,
    batch: &BatchRecord,
    number: u32,
    indices: Vec<u32>,
) -> Result<(), Error> {
    let action = |index: u32| batch.actions.get(index as usize);
    if let Some(start) =
        indices.iter().copied().find(|index| action(*index).is_some_and(|a| a.action == ActionKind::Start))
    {
        let Some(trial) = history::trial_from_start(study, batch, start) else { return Ok(()) };
        return match write::create_trial(ctx, &trial).await? {
            Created::Made(made) => {
                // Promotions and stops are told by their events; a start is told here, and its Trial is news enough for the cluster.
                let note = action(start).map(|action| history::sentence(study, action));
                let name = made.name_any();
                tracing::info!(
                    kind = "Trial",
                    namespace = seen.namespace,
                    name,
                    reason = "TrialStarted",
                    note,
                    "decided"
                );
                Ok(())
            }
            // Whose it is, the next look will tell.
            Created::Exists => Ok(()),
            Created::Refused(status) => {
                Err(Error::Api { what: "creating a Trial".to_owned(), source: Box::new(kube::Error::Api(status)) })
            }
        };
    }
    // A Trial that was removed needs no stop and cannot go on.
    let Some(held) = seen.trials.get(&number) else { return Ok(()) };
    let mut trial = (**held).clone();
    let mut changed = false;
    for index in &indices {
        if let Some(spec) = history::apply_to_trial(study, batch, *index, &trial) {
            trial.spec = spec;
            changed = true;
        }
    }
    if !changed {
        return Ok(());
    }
    let trial = write::replace_trial(ctx, &trial).await?;
    for action in indices.iter().filter_map(|index| action(*index)) {
        let reason = if action.action == ActionKind::Stop { "TrialStopped" } else { "TrialPromoted" };
        let occasion = format!("{}/{}", batch.number, action.cleared.unwrap_or_default());
        let news =
            News { tone: Tone::Normal, reason, action: "Judge", note: history::sentence(study, action), occasion };
        write::event(ctx, &trial, news).await;
    }
    Ok(())
}
