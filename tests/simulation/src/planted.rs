//! Planted bugs: middlewares between the operators and the server that do what a careless operator would do. The judges must
//! find each. There is no hook for them in the operator itself.

use serde_json::{Value, json};

use crate::call::{Answer, Call, Verb};
use crate::cluster::Cluster;
use crate::resource::{Key, Resource};
use crate::store::{self, Actor, Part};

/// The variables of a Job's container.
const ENVIRONMENT: &str = "/spec/template/spec/containers/0/env";

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Study statuses are written without a look at their resourceVersion.
    ForgottenFence,
    /// The count of a new value is doubled.
    DoubleCount,
    /// A promotion is reported as written and is not.
    LostPromotion,
    /// The number of a removed trial is given again.
    RefilledHole,
    /// A log is read twice, the second time shifted by an epoch.
    LogReadTwice,
    /// Trial specs are written without a look at their resourceVersion, on an old view.
    StaleAction,
    /// The deletion of a Job is reported as done and is not.
    StopNotCarriedOut,
    /// A run's Job is made twice.
    JobTwice,
    /// A run counts as gone as soon as it was told to end.
    GoneTooSoon,
    /// A new trial gets other parameters than were decided.
    OtherParameters,
    /// The first action of a batch does not say what the batch saw.
    LostHeader,
    /// A run writes into the folder of the run that it resumes from.
    SharedFolder,
    /// The study is said to be complete while trials run.
    EarlyVerdict,
    /// One status write is repeated for ever with another time in it.
    RestlessStatus,
    /// A run that ended costs a second less.
    SecondForFree,
    /// A copy begins from the folder of another trial than its donor.
    WrongDonor,
    /// A copy begins before its donor's last checkpoint is whole.
    CopyTooSoon,
}

impl Planted {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 17] = [
        ("forgotten-fence", Self::ForgottenFence),
        ("double-count", Self::DoubleCount),
        ("lost-promotion", Self::LostPromotion),
        ("refilled-hole", Self::RefilledHole),
        ("log-read-twice", Self::LogReadTwice),
        ("stale-action", Self::StaleAction),
        ("stop-not-carried-out", Self::StopNotCarriedOut),
        ("job-twice", Self::JobTwice),
        ("gone-too-soon", Self::GoneTooSoon),
        ("other-parameters", Self::OtherParameters),
        ("lost-header", Self::LostHeader),
        ("shared-folder", Self::SharedFolder),
        ("early-verdict", Self::EarlyVerdict),
        ("restless-status", Self::RestlessStatus),
        ("second-for-free", Self::SecondForFree),
        ("wrong-donor", Self::WrongDonor),
        ("copy-too-soon", Self::CopyTooSoon),
    ];

    /// The bug of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(n, _)| *n == name).map(|(_, planted)| planted)
    }

    /// Serves a call as the bug would have it.
    pub fn serve(self, call: &mut Call, cluster: &mut Cluster, actor: Actor) -> Answer {
        let is = |resource: Resource, verb: Verb, part: Part| {
            call.key.resource == resource && call.verb == verb && call.part == part && !call.dry_run()
        };
        let study_status = is(Resource::Study, Verb::Replace, Part::Status);
        let trial_status = is(Resource::Trial, Verb::Replace, Part::Status);
        let trial_spec = is(Resource::Trial, Verb::Replace, Part::Main);
        let live = cluster.store.get(&call.key).cloned();
        match self {
            Self::ForgottenFence if study_status => unfence(call, live.as_deref()),
            Self::StaleAction if trial_spec => unfence(call, live.as_deref()),
            Self::DoubleCount if trial_status => {
                let held = live.map_or(Value::Null, |l| l["status"]["values"].clone());
                let known = |level: &Value| held.as_array().into_iter().flatten().any(|v| v["level"] == *level);
                for at in members(&mut call.body, "/status/values").filter(|v| !known(&v["level"])) {
                    let count = at["metrics"][0]["count"].as_u64().unwrap_or(0);
                    at["metrics"][0]["count"] = json!(count * 2);
                }
            }
            Self::LostPromotion if trial_spec => {
                let raises = live
                    .as_deref()
                    .is_some_and(|l| l["spec"]["targetLevel"].as_u64() < call.body["spec"]["targetLevel"].as_u64());
                if raises {
                    return Answer::Object(200, call.body.clone().into());
                }
            }
            Self::RefilledHole if study_status => {
                let numbers = cluster.store.all(Resource::Trial).filter_map(|(_, t)| t["spec"]["number"].as_u64());
                call.body["status"]["nextTrial"] = json!(numbers.max().map_or(0, |n| n + 1));
            }
            Self::StopNotCarriedOut if call.key.resource == Resource::Job && call.verb == Verb::Delete => {
                return Answer::Object(200, live.unwrap_or_default());
            }
            Self::JobTwice if call.key.resource == Resource::Job && call.verb == Verb::Create && !call.dry_run() => {
                let mut second = call.body.clone();
                let name = format!("{}-again", call.key.name);
                second["metadata"]["name"] = json!(name);
                let _ =
                    cluster.store.create(&Key::new(Resource::Job, &call.key.namespace, &name), second, false, actor);
            }
            Self::GoneTooSoon if trial_status => {
                if let Some(end) = last_run(&mut call.body).filter(|r| r["end"].is_object()) {
                    end["end"]["gone"] = json!(true);
                }
            }
            Self::OtherParameters
                if call.key.resource == Resource::Trial
                    && call.verb == Verb::Create
                    && call.body["spec"]["number"].as_u64().is_some_and(|n| n % 5 == 4) =>
            {
                call.body["spec"]["parameters"][0]["value"] = json!("0.0123");
            }
            Self::LostHeader
                if call.key.resource == Resource::Trial
                    && matches!(call.verb, Verb::Create | Verb::Replace)
                    && call.part == Part::Main =>
            {
                for batch in members(&mut call.body, "/spec/batches").filter(|b| b["number"].as_u64() > Some(1)) {
                    batch["header"]["admitted"] = json!("");
                    if !batch["header"]["settings"].is_object() {
                        batch.as_object_mut().map(|b| b.remove("header"));
                    }
                }
            }
            Self::SharedFolder if call.key.resource == Resource::Job && call.verb == Verb::Create => {
                for variable in members(&mut call.body, ENVIRONMENT) {
                    if variable["name"] == "TRIMTAB_CHECKPOINT" {
                        // Every trial's runs write to one place of the study.
                        let folder =
                            variable["value"].as_str().unwrap_or("").rsplitn(3, '/').last().unwrap_or("").to_owned();
                        variable["value"] = json!(format!("{folder}/shared"));
                    }
                }
            }
            Self::EarlyVerdict if study_status && call.body["status"]["batch"]["number"].as_u64() >= Some(2) => {
                for condition in members(&mut call.body, "/status/conditions").filter(|c| c["type"] == "Complete") {
                    condition["status"] = json!("True");
                }
            }
            Self::RestlessStatus if trial_status || study_status => {
                call.body["status"]["observedGeneration"] = json!(1_000 + cluster.agenda.now() % 1_000);
            }
            Self::SecondForFree if trial_status => {
                let run = last_run(&mut call.body).filter(|r| r["end"]["seconds"].as_u64() > Some(0));
                if let Some(run) = run {
                    run["end"]["seconds"] = json!(run["end"]["seconds"].as_u64().unwrap_or(0) - 1);
                }
            }
            Self::WrongDonor | Self::CopyTooSoon
                if call.key.resource == Resource::Job && call.verb == Verb::Create && !call.dry_run() =>
            {
                if let Some((variable, donor)) = origin(&mut call.body) {
                    let folder = variable["value"].as_str().unwrap_or("").to_owned();
                    let parts: Vec<&str> = folder.rsplitn(3, '/').collect();
                    match parts[..] {
                        [run, _, study] if self == Self::WrongDonor => {
                            let other = donor.checked_sub(1).unwrap_or(1);
                            variable["value"] = json!(format!("{study}/{other}/{run}"));
                        }
                        _ => cluster.kubelets.volume.tear(&folder),
                    }
                }
            }
            Self::LogReadTwice if call.verb == Verb::Log => {
                return match cluster.serve(call, actor) {
                    Answer::Text(text) => Answer::Text(format!("{text}{}", shifted(&text))),
                    other => other,
                };
            }
            _ => {}
        }
        cluster.serve(call, actor)
    }
}

fn unfence(call: &mut Call, live: Option<&Value>) {
    if let Some(live) = live {
        call.body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        call.body["metadata"]["uid"] = json!(store::uid(live));
    }
}

fn last_run(body: &mut Value) -> Option<&mut Value> {
    body.pointer_mut("/status/runs")?.as_array_mut()?.last_mut()
}

/// The variable that tells a copy where it begins, and whose folder that is.
fn origin(job: &mut Value) -> Option<(&mut Value, u64)> {
    let own = members(job, ENVIRONMENT).find(|variable| variable["name"] == "TRIMTAB_TRIAL")?["value"].clone();
    let mut variables = members(job, ENVIRONMENT);
    let variable = variables.find(|variable| variable["name"] == "TRIMTAB_RESUME")?;
    let donor: u64 = variable["value"].as_str()?.rsplit('/').nth(1)?.parse().ok()?;
    (own != json!(donor.to_string())).then_some((variable, donor))
}

/// The members of a list, none where there is no list. Asking by index would make one.
fn members<'v>(body: &'v mut Value, path: &str) -> impl Iterator<Item = &'v mut Value> {
    body.pointer_mut(path).and_then(Value::as_array_mut).into_iter().flatten()
}

/// The lines of a log with each epoch one higher.
fn shifted(text: &str) -> String {
    let line = |line: &str| {
        let (before, rest) = line.split_once("epoch=")?;
        let (epoch, after) = rest.split_once(' ')?;
        Some(format!("{before}epoch={} {after}\n", epoch.parse::<u32>().ok()? + 1))
    };
    text.lines().filter_map(line).collect()
}
