//! Takes a Trial from the cache, returns it with everything that its next step depends on, or nothing where there is no step to
//! take. Reads live where a cache may not decide: before a Job is created, and before one counts as gone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt};
use trimtab_api::trial::TrialStatus;
use trimtab_api::{Study, Trial, lineage, names};
use trimtab_engine::{Plan, Scheduler};

use super::build;
use super::pods::{PodFacts, facts};
use crate::context::Context;
use crate::error::Error;
use crate::kept::{Job, Pod};
use crate::read;
use crate::study::observe::belongs;

/// The Job of the current run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JobSeen {
    /// There is no current run.
    None,
    /// The API server has no such Job.
    Absent,
    /// Something else has the Job's name.
    Foreign(String),
    /// It is there.
    Present {
        uid: String,
        deleting: bool,
        /// Whether it ended: well or not, the reason and the message.
        finished: Option<(bool, String, String)>,
        /// Whether a queueing system holds it.
        suspended: bool,
    },
}

/// A Job of the trial that the cache knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leftover {
    pub(crate) name: String,
    pub(crate) uid: String,
    /// The run that it belongs to; none for the clean-up.
    pub(crate) run: Option<u32>,
    pub(crate) deleting: bool,
    pub(crate) finished: Option<bool>,
}

/// A Trial as the controllers know it now.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) trial: Arc<Trial>,
    pub(crate) status: TrialStatus,
    pub(crate) study: Arc<Study>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The container that trains.
    pub(crate) container: String,
    /// The current run's index in the status: the newest, while it is not gone.
    pub(crate) current: Option<usize>,
    pub(crate) job: JobSeen,
    /// The UID of the current run's Job, also where the Job is gone, if it ever had one.
    pub(crate) job_uid: Option<String>,
    /// Pods of the current run, oldest first.
    pub(crate) pods: Vec<PodFacts>,
    pub(crate) leftovers: Vec<Leftover>,
    /// Copies of the trial begin from folders of its runs, or may yet.
    pub(crate) is_copied: bool,
    /// A log that cannot be read by now never will be.
    pub(crate) log_is_overdue: bool,
    /// The current pod's log turned out to be lost. Filled in once it was tried.
    pub(crate) log_was_lost: bool,
}

/// How long a terminal pod's log may be unreadable before it counts as lost.
const LOG_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// How long a Job may be active before its pod is looked for where the cache has none.
const POD_PATIENCE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) async fn observe(ctx: &Context, trial: Arc<Trial>) -> Result<Option<Seen>, Error> {
    let (Some(namespace), Some(uid)) = (trial.namespace(), trial.uid()) else { return Ok(None) };
    let Some(study) = ctx.caches.studies.get(&namespace, &trial.spec.study_name) else { return Ok(None) };
    let leaving = trial.metadata.deletion_timestamp.is_some() || study.metadata.deletion_timestamp.is_some();
    if leaving || !belongs(&trial, &study.name_any(), &study.uid().unwrap_or_default()) {
        return Ok(None);
    }
    let Ok(plan) = ctx.plan(&study) else { return Ok(None) };
    let name = trial.name_any();
    let container = build::container(&study);
    let status = trial.status.clone().unwrap_or_default();
    let current = status
        .runs
        .len()
        .checked_sub(1)
        .filter(|last| status.runs.get(*last).is_some_and(|r| r.end.as_ref().is_none_or(|e| !e.gone)));

    let owned: Vec<Arc<Job>> =
        ctx.caches.jobs.group(&namespace, &name).into_iter().filter(|j| is_owned(&**j, &uid)).collect();
    let mut job = JobSeen::None;
    let mut job_uid = None;
    let mut pods: Vec<PodFacts> = Vec::new();
    let now = ctx.clock.now();
    if let Some(run) = current.and_then(|i| status.runs.get(i)) {
        let job_name = names::job(&study.name_any(), trial.spec.number, run.number);
        let cached = owned.iter().find(|j| j.name_any() == job_name && run.job_uid.is_some() && j.uid() == run.job_uid);
        let mut since = None;
        let mut look = |job: &Job| {
            since = job.status.as_ref().and_then(|status| status.start_time.as_ref()).map(|time| time.0);
            look_at(job)
        };
        job = match cached {
            Some(cached) => look(cached),
            // Not in the cache: gone, or not there yet. A UID that is not on record yet is not taken from a cache, which may show a
            // Job that has been deleted and made again since.
            None => match read::job(ctx, &namespace, &job_name).await? {
                None => JobSeen::Absent,
                Some(live) if !is_owned(&live, &uid) => JobSeen::Foreign(job_name.clone()),
                Some(live) if run.job_uid.is_some() && live.uid() != run.job_uid => JobSeen::Absent,
                Some(live) => look(&live),
            },
        };
        job_uid = match (&job, &run.job_uid) {
            (JobSeen::Present { uid, .. }, _) => Some(uid.clone()),
            // Somebody may have deleted the Job before its UID was on record. Its pods still name it, and while one of them is
            // there, another must not write into the same folder.
            (JobSeen::Absent, None) => owner(&read::pods(ctx, &namespace, &name).await?, &job_name),
            (_, recorded) => recorded.clone(),
        };
        if let Some(job_uid) = job_uid.clone() {
            let cached: Vec<Arc<Pod>> = ctx.caches.pods.group(&namespace, &name);
            pods = of_job(cached.iter().map(|p| &**p), &job_uid, &container);
            let over = matches!(&job, JobSeen::Absent | JobSeen::Present { finished: Some(_), .. });
            if over && !pods.iter().any(|p| p.terminal) {
                let live = read::pods(ctx, &namespace, &name).await?;
                pods = of_job(live.iter(), &job_uid, &container);
            } else if pods.is_empty() && since.is_some_and(|at| now.duration_since(at) > POD_PATIENCE) {
                // No watch shows a pod whose label somebody took away, and without it nobody would know since when the run runs.
                let live = read::pods_of_job(ctx, &namespace, &job_name).await?;
                pods = of_job(live.iter(), &job_uid, &container);
            }
        }
    }
    let log_is_overdue =
        pods.iter().any(|p| p.terminated.as_ref().and_then(|t| t.finished).is_some_and(|at| overdue(at, now)));
    let leftovers = owned.iter().map(|j| leftover(j)).collect();
    let is_copied = !status.cleaned && is_copied(ctx, &trial, &study, &plan);
    Ok(Some(Seen {
        trial,
        status,
        study,
        plan,
        namespace,
        name,
        container,
        current,
        job,
        job_uid,
        pods,
        leftovers,
        is_copied,
        log_is_overdue,
        log_was_lost: false,
    }))
}

/// A watch brings the Trials of a study in order: one that shows a generation as judged shows every copy that came to it.
fn is_copied(ctx: &Context, trial: &Trial, study: &Study, plan: &Plan) -> bool {
    if !matches!(plan.spec().scheduler, Scheduler::PopulationBased { .. }) {
        return false;
    }
    let (Some(namespace), Some(uid)) = (trial.namespace(), study.uid()) else { return false };
    let all = ctx.caches.trials.group(&namespace, &uid);
    !lineage::needed(plan, &all, trial.spec.number, lineage::is_over(study)).is_empty()
}

fn overdue(finished: Timestamp, now: Timestamp) -> bool {
    now.duration_since(finished) > LOG_PATIENCE
}

fn is_owned<K: Resource>(object: &K, uid: &str) -> bool {
    object.meta().owner_references.iter().flatten().any(|o| o.controller == Some(true) && o.uid == uid)
}

/// The UID of the Job of this name that made one of these pods.
fn owner(pods: &[Pod], job: &str) -> Option<String> {
    let controllers = pods.iter().flat_map(|p| p.metadata.owner_references.iter().flatten());
    controllers
        .into_iter()
        .find(|o| o.controller == Some(true) && o.kind == "Job" && o.name == job)
        .map(|o| o.uid.clone())
}

fn of_job<'p>(pods: impl Iterator<Item = &'p Pod>, job_uid: &str, container: &str) -> Vec<PodFacts> {
    let mut facts: Vec<PodFacts> = pods.filter(|p| is_owned(*p, job_uid)).map(|p| facts(p, container)).collect();
    facts.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    facts
}

fn finished(job: &Job) -> Option<(bool, String, String)> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let ended = conditions.iter().find(|c| c.status == "True" && matches!(c.type_.as_str(), "Complete" | "Failed"))?;
    Some((
        ended.type_ == "Complete",
        ended.reason.clone().unwrap_or_default(),
        ended.message.clone().unwrap_or_default(),
    ))
}

pub(crate) fn look_at(job: &Job) -> JobSeen {
    JobSeen::Present {
        uid: job.uid().unwrap_or_default(),
        deleting: job.metadata.deletion_timestamp.is_some(),
        finished: finished(job),
        suspended: job.spec.as_ref().is_some_and(|s| s.suspend == Some(true)),
    }
}

pub(crate) fn leftover(job: &Job) -> Leftover {
    Leftover {
        name: job.name_any(),
        uid: job.uid().unwrap_or_default(),
        run: job.labels().get(names::RUN_LABEL).and_then(|r| r.parse().ok()),
        deleting: job.metadata.deletion_timestamp.is_some(),
        finished: finished(job).map(|(well, ..)| well),
    }
}
