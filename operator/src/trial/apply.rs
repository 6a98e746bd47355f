//! Carries out a Trial's next step: the status first, then what follows from it.

use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;
use serde_json::Value;
use trimtab_api::conditions::reason;
use trimtab_api::record::fidelity;
use trimtab_api::trial::{Run, RunEnd};
use trimtab_api::{Trial, names};

use super::decide::{Effect, Step};
use super::observe::Seen;
use super::{build, cleanup};
use crate::context::Context;
use crate::error::Error;
use crate::kept::Pod;
use crate::quiet;
use crate::read;
use crate::write::{self, Created, News, Tone};

/// Nothing depends on looking again after this long; it bounds the harm of a lost event.
const RESYNC: Duration = Duration::from_secs(300);

pub(crate) async fn apply(ctx: &Context, seen: &Seen, step: Step) -> Result<Action, Error> {
    let Step { status, effects, news, again, recorded } = step;
    let mut trial = (*seen.trial).clone();
    let (uid, now) = (trial.uid().unwrap_or_default(), ctx.clock.now());
    let held = trial.status.clone().unwrap_or_default();
    if effects.is_empty() && news.is_empty() && held != status && quiet::trial(&held, &status) {
        // Nobody waits for this: the next write takes it along. What a follower gave stays with it until then.
        if let Some(wait) = ctx.put_off.wait(&uid, now) {
            return Ok(Action::requeue(again.map_or(wait, |again| again.min(wait))));
        }
    }
    let written = trial.status.as_ref() != Some(&status);
    ctx.put_off.settled(&uid);
    if written {
        trial.status = Some(status);
        trial = write::trial_status(ctx, &trial).await?;
        ctx.metrics().trial_written(&ctx.caches, seen, &trial, ctx.clock.now());
    }
    if let Some((pod, count)) = recorded {
        ctx.follows.recorded(&pod, count);
    }
    for effect in effects {
        match effect {
            Effect::CreateJob(run) => {
                // A cache may show an intent whose run has ended since and whose Job is gone. No Job is made without a write or
                // a live read that proves the view to be the newest.
                if !written {
                    let live = read::trial(ctx, &seen.namespace, &seen.name).await?;
                    if live.as_ref().and_then(|t| t.resource_version()) != trial.resource_version() {
                        return Err(Error::Conflict { what: "a Trial whose run was to be taken up again".to_owned() });
                    }
                }
                trial = create(ctx, seen, trial, &run).await?;
            }
            Effect::DeleteJob { name, uid } => {
                write::delete_job(ctx, &seen.namespace, &name, &uid).await?;
                ctx.metrics().deleted(seen);
            }
            Effect::CleanUp { runs } => clean_up(ctx, seen, &runs).await?,
        }
    }
    for news in news {
        write::event(ctx, &trial, news).await;
    }
    Ok(Action::requeue(again.map_or(RESYNC, |wait| wait.min(RESYNC))))
}

/// Creates the Job of a run whose intent is on record. Its UID goes on record with the next write; until then the Job is found
/// by its name, and if it is gone by then, by its pods.
async fn create(ctx: &Context, seen: &Seen, mut trial: Trial, run: &Run) -> Result<Trial, Error> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating is right"
    )]
    let reached = fidelity(Some(&run.start)).floor() as u32;
    let job = build::job(&seen.study, &seen.trial, &seen.plan, run, reached);
    // A trial has one pod at a time. A Job that was made too late may have left one that no record names; it is taken away as soon
    // as a watch shows its Job.
    let of_this_run = names::job(&seen.study.name_any(), seen.trial.spec.number, run.number);
    let pods = read::pods(ctx, &seen.namespace, &seen.name).await?;
    if pods.iter().any(|pod| is_at_large(pod, &of_this_run)) {
        return Err(Error::Conflict { what: "a Trial that has a pod of another run".to_owned() });
    }
    match write::create_job(ctx, &seen.namespace, &job).await? {
        Created::Made(made) => {
            let uid = made.pointer("/metadata/uid").and_then(Value::as_str);
            // Somebody may have been here between the intent and the Job, such as another operator while this one was held up.
            // The Job stays if the run is still what the newest view wants.
            let live = read::trial(ctx, &seen.namespace, &seen.name).await?;
            let runs = live.and_then(|t| t.status).map(|s| s.runs).unwrap_or_default();
            let is_ours = |held: &Option<String>| held.is_none() || held.as_deref() == uid;
            let current = runs.iter().any(|r| r.number == run.number && r.end.is_none() && is_ours(&r.job_uid));
            if let (false, Some(uid)) = (current, uid) {
                let name = names::job(&seen.study.name_any(), seen.trial.spec.number, run.number);
                write::delete_job(ctx, &seen.namespace, &name, uid).await?;
                return Err(Error::Conflict { what: "a Trial whose Job was made too late".to_owned() });
            }
            Ok(trial)
        }
        // Whose it is, the next look will tell.
        Created::Exists => Err(Error::Conflict { what: "the name of a Job".to_owned() }),
        Created::Refused(status)
            if status.message.contains("exceeded quota") || status.message.contains("being terminated") =>
        {
            let note = format!("the Job of run {} waits: {}", run.number, status.message);
            write::event(
                ctx,
                &trial,
                News {
                    tone: Tone::Warning,
                    reason: write::RUN_WAITS,
                    action: "Run",
                    note,
                    occasion: run.number.to_string(),
                },
            )
            .await;
            Err(Error::Api { what: "creating a Job".to_owned(), source: Box::new(kube::Error::Api(status)) })
        }
        Created::Refused(status) => {
            // The preflight passed, so the cluster's rules have changed since, or the parameters make the difference: it will not be better the next time.
            if let Some(held) = trial.status.as_mut().and_then(|s| s.runs.iter_mut().find(|r| r.number == run.number)) {
                held.end = Some(RunEnd {
                    reason: reason::JOB_REFUSED.to_owned(),
                    message: status.message.chars().take(1024).collect(),
                    exit_code: None,
                    time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(ctx.clock.now()),
                    seconds: 0,
                    uncounted: true,
                    gone: false,
                });
            }
            write::trial_status(ctx, &trial).await
        }
    }
}

/// Whether a pod of a trial holds a place for another run than this Job's, and nobody has told it to end.
fn is_at_large(pod: &Pod, job: &str) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    let is_other = owners.into_iter().any(|o| o.controller == Some(true) && o.name != job);
    let phase = pod.status.as_ref().and_then(|s| s.phase.as_deref()).unwrap_or_default();
    is_other && pod.metadata.deletion_timestamp.is_none() && !matches!(phase, "Succeeded" | "Failed")
}

async fn clean_up(ctx: &Context, seen: &Seen, runs: &[u32]) -> Result<(), Error> {
    let Some(image) = &ctx.config.cleanup_image else { return Ok(()) };
    let Some(job) = cleanup::job(&seen.study, &seen.trial, image, runs) else { return Ok(()) };
    match write::create_job(ctx, &seen.namespace, &job).await? {
        Created::Made(_) | Created::Exists => Ok(()),
        Created::Refused(status) => {
            let note = format!(
                "the folders of {} stay: {}",
                names::trial(&seen.study.name_any(), seen.trial.spec.number),
                status.message
            );
            write::event(
                ctx,
                &*seen.trial,
                News {
                    tone: Tone::Warning,
                    reason: "CleanUpFailed",
                    action: "CleanUp",
                    note,
                    occasion: "refused".to_owned(),
                },
            )
            .await;
            Ok(())
        }
    }
}
