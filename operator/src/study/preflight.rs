//! Asks the API server, before anything runs, whether it would take the first run's Job and pod. Takes a Study that is valid
//! by itself, returns whether it is accepted; a refusal becomes a condition that carries the server's own words.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use trimtab_api::conditions::{self, reason};
use trimtab_api::study::ParameterValue;
use trimtab_api::trial::{Run, TrialSpec};
use trimtab_api::{Trial, names};
use trimtab_engine::{History, Next, Plan};

use super::observe::Seen;
use super::warm::Warm;
use crate::context::Context;
use crate::error::{Error, status_of};
use crate::trial::build;
use crate::write;

/// Whether a Study may start trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acceptance {
    /// It may; the reason is `Valid` or `PreflightUnknown`.
    Yes { reason: &'static str, message: String },
    /// It may not, for this reason.
    No { reason: &'static str, message: String },
}

pub(crate) async fn accept(ctx: &Context, seen: &Seen) -> Result<Acceptance, Error> {
    let plan = match &seen.plan {
        Ok(plan) => plan,
        Err(errors) => {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Ok(Acceptance::No { reason: reason::INVALID, message: all.join("; ") });
        }
    };
    if let Warm::Refused(why) = &seen.warm {
        return Ok(Acceptance::No { reason: reason::WARM_START_REFUSED, message: why.clone() });
    }
    let status = seen.study.status.clone().unwrap_or_default();
    if let Some(held) = status.conditions.iter().find(|c| c.type_ == conditions::study::ACCEPTED && c.status == "True")
    {
        // What the dry run looks at is immutable, so one acceptance is enough for the life of the Study.
        let reason = if held.reason == reason::PREFLIGHT_UNKNOWN { reason::PREFLIGHT_UNKNOWN } else { reason::VALID };
        return Ok(Acceptance::Yes { reason, message: held.message.clone() });
    }
    let Some(job) = first_job(seen, plan) else {
        return Ok(Acceptance::Yes { reason: reason::VALID, message: "all checks passed".to_owned() });
    };
    let answers = [
        ("Job", write::dry_run_job(ctx, &seen.namespace, &job).await),
        ("pod", write::dry_run_pod(ctx, &seen.namespace, &build::pod_of(&job)).await),
    ];
    let mut unknown = None;
    for (kind, answer) in answers {
        let Err(error) = answer else { continue };
        let Some(status) = status_of(&error) else { return Err(Error::of("the preflight", error)) };
        let words = format!("the API server refuses the first {kind}: {}", status.message);
        match status.code {
            429 | 500.. => return Err(Error::of("the preflight", error)),
            // A used-up quota frees again, and a webhook that knows no dry run can say nothing about it.
            403 if status.message.contains("exceeded quota") => unknown = Some(words),
            400 if status.message.contains("does not support dry run") => unknown = Some(words),
            _ => return Ok(Acceptance::No { reason: reason::PREFLIGHT_REFUSED, message: words }),
        }
    }
    Ok(match unknown {
        Some(message) => Acceptance::Yes { reason: reason::PREFLIGHT_UNKNOWN, message },
        None => Acceptance::Yes {
            reason: reason::VALID,
            message: "all checks passed, the dry run of the first Job and pod included".to_owned(),
        },
    })
}

/// The Job of the trial that the study would start first.
fn first_job(seen: &Seen, plan: &Plan) -> Option<serde_json::Value> {
    let mut settings = plan.settings().clone();
    settings.suspend = false;
    let history = History::default();
    let plan = plan.with_settings(settings);
    let Next::Action(trimtab_engine::Action::Start { parameters, level, .. }) =
        trimtab_engine::next(&plan, &trimtab_engine::state::State::fold(&plan, &history))
    else {
        return None;
    };
    let target_level = *plan.levels().get(level)?;
    let trial = Trial {
        metadata: ObjectMeta {
            name: Some(names::trial(&seen.study.name_any(), 0)),
            namespace: Some(seen.namespace.clone()),
            // The dry run needs an owner that looks like one; nothing is kept of it.
            uid: Some(seen.uid.clone()),
            ..ObjectMeta::default()
        },
        spec: TrialSpec {
            study_name: seen.study.name_any(),
            study_uid: seen.uid.clone(),
            number: 0,
            parameters: parameters.to_texts().into_iter().map(|(name, value)| ParameterValue { name, value }).collect(),
            sampler: String::new(),
            fallback: None,
            parents: Vec::new(),
            tag: None,
            from: None,
            bracket: 0,
            target_level,
            cleared_level: None,
            suspend: false,
            stop: None,
            batches: Vec::new(),
        },
        status: None,
    };
    Some(build::job(&seen.study, &trial, &plan, &Run::from_zero(1, target_level), 0))
}
