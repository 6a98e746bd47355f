//! What is asked of a study that lives, in a cluster or on this machine, in the same words.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use trimtab_api::Study;
use trimtab_api::conditions::study as condition;
use trimtab_api::wish::{self, Wish};
use trimtab_local::request::{self, Reply};

use crate::cluster::{self, Access, Cluster};
use crate::error::Error;
use crate::numbers::whole;
use crate::output::Output;
use crate::{Exit, record, standing};

/// How often a cluster is asked whether it is so by now.
const PAUSE: Duration = Duration::from_secs(1);

/// Of which Study it is asked, and how long is waited.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// The Study's name, or the folder of a local study.
    pub(crate) study: String,
    #[command(flatten)]
    access: Access,
    /// Seconds to wait until nothing of the study runs; 0 only asks.
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = whole::<u64>)]
    wait: u64,
    #[command(flatten)]
    output: Output,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'s> {
    study: &'s str,
    asked: Wish,
    /// Done, Already, Ended or Stopping.
    outcome: &'static str,
    message: String,
}

/// The verb of a wish.
pub(crate) fn verb(wish: Wish) -> &'static str {
    match wish {
        Wish::Suspend => "suspend",
        Wish::Resume => "resume",
        Wish::Stop => "stop",
    }
}

impl Asking {
    /// Asks, and tells what came of it.
    pub(crate) fn ask(&self, wish: Wish) -> Result<Exit, Error> {
        let patience = self.patience();
        let reply = match record::local(&self.study) {
            Some(folder) => request::ask(&folder, wish, patience)?,
            None => cluster::block_on(async { self.ask_cluster(wish, patience).await })?,
        };
        self.tell(wish, &reply)
    }

    /// How long is waited.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.wait)
    }

    /// Tells what came of a wish.
    pub(crate) fn tell(&self, wish: Wish, reply: &Reply) -> Result<Exit, Error> {
        let told =
            Told { study: &self.study, asked: wish, outcome: outcome(wish, reply), message: self.words(wish, reply) };
        self.output.answer(&told, || format!("{}\n", told.message))?;
        let is_so = matches!(told.outcome, "Done" | "Already") || (told.outcome == "Stopping" && self.wait == 0);
        Ok(if is_so { Exit::Yes } else { Exit::No })
    }

    fn words(&self, wish: Wish, reply: &Reply) -> String {
        let name = &self.study;
        match (reply, wish) {
            (Reply::Done, Wish::Suspend) => {
                format!("{name} is suspended: nothing of it runs, and `trimtab resume {name}` lets it go on")
            }
            (Reply::Done, Wish::Stop) => {
                format!("{name} is stopped: it has ended with what it has, and `trimtab resume {name}` takes that back")
            }
            (Reply::Done, Wish::Resume) => format!("{name} goes on"),
            (Reply::Already, Wish::Suspend) => format!("{name} is suspended already"),
            (Reply::Already, Wish::Stop) => format!("{name} is stopped already"),
            (Reply::Already, Wish::Resume) => format!("{name} is neither suspended nor stopped"),
            (Reply::Ended(state, reason), Wish::Stop) => format!("{name} has ended already: {state} ({reason})"),
            (Reply::Ended(state, reason), Wish::Suspend) => {
                format!("{name} has ended: {state} ({reason}); there is nothing to suspend")
            }
            (Reply::Ended(state, reason), Wish::Resume) => {
                format!("{name} has ended by itself: {state} ({reason}); raise a limit of it, and it goes on")
            }
            (Reply::Stopping(runs), _) => {
                let runs = match runs {
                    0 => "nobody has answered yet".to_owned(),
                    1 => "1 run is still stopping".to_owned(),
                    runs => format!("{runs} runs are still stopping"),
                };
                format!("{name} is asked to {}: {runs}; `trimtab watch {name}` follows it", verb(wish))
            }
        }
    }

    async fn ask_cluster(&self, wish: Wish, patience: Duration) -> Result<Reply, Error> {
        let cluster = Cluster::connect(&self.access).await?;
        let before = cluster.study(&self.study).await?;
        if let Some(reply) = standing_reply(&before, wish) {
            return Ok(reply);
        }
        let mut changed = before.clone();
        // What has passed since that was written only makes it end the sooner.
        let active_seconds = before.status.as_ref().map_or(0, |status| status.active_seconds);
        wish::carry_out(&mut changed, wish, active_seconds);
        let mut study = cluster.change(&before, &changed).await?;
        let deadline = Instant::now() + patience;
        loop {
            if wish == Wish::Resume || is_so(&study, wish) {
                return Ok(Reply::Done);
            }
            if let Some((state, reason)) = standing::ending(&study) {
                return Ok(Reply::Ended(state, reason));
            }
            if Instant::now() >= deadline {
                let running = study.status.and_then(|status| status.trials).map_or(0, |trials| trials.running);
                return Ok(Reply::Stopping(running));
            }
            tokio::time::sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now()))).await;
            study = cluster.study(&self.study).await?;
        }
    }
}

fn outcome(wish: Wish, reply: &Reply) -> &'static str {
    match reply {
        Reply::Done => "Done",
        Reply::Already => "Already",
        // Whoever wants an end has one.
        Reply::Ended(..) if wish == Wish::Stop => "Already",
        Reply::Ended(..) => "Ended",
        Reply::Stopping(_) => "Stopping",
    }
}

/// What there is to say before anything is asked.
fn standing_reply(study: &Study, wish: Wish) -> Option<Reply> {
    let ended = standing::ending(study);
    let is_stopped = wish::is_stopped(study);
    match (wish, ended) {
        (Wish::Stop, Some(_)) if is_stopped => Some(Reply::Already),
        (Wish::Resume, Some(_)) if is_stopped || study.spec.suspend => None,
        (_, Some((state, reason))) => Some(Reply::Ended(state, reason)),
        (Wish::Suspend, None) => is_so(study, wish).then_some(Reply::Already),
        (Wish::Stop, None) => None,
        (Wish::Resume, None) => (!study.spec.suspend && !is_stopped).then_some(Reply::Already),
    }
}

/// Whether the operator has done as it was asked.
fn is_so(study: &Study, wish: Wish) -> bool {
    match wish {
        Wish::Suspend => standing::is(study, condition::SUSPENDED),
        Wish::Stop => wish::is_stopped(study) && standing::is(study, condition::COMPLETE),
        Wish::Resume => !study.spec.suspend && !wish::is_stopped(study),
    }
}
