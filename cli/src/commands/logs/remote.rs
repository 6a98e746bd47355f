//! What pods have printed, as the kubelet still has it.

use futures::future::try_join_all;
use futures::{AsyncBufReadExt, io::AsyncBufRead};
use kube::api::LogParams;
use trimtab_api::Study;

use super::{Options, Wanted, choose};
use crate::Exit;
use crate::cluster::{self, Cluster};
use crate::error::Error;

/// Prints the logs of a cluster's study.
pub(super) fn print(options: &Options) -> Result<Exit, Error> {
    cluster::block_on(async {
        let cluster = Cluster::connect(&options.access).await?;
        let record = cluster.record(&options.study).await?;
        let wanted = choose(options, &record.trials, |run| run.pod_name.is_some())?;
        if wanted.is_empty() {
            return Ok(Exit::No);
        }
        // A training may be silent for longer than an answer may take.
        let cluster = if options.follow { Cluster::connect_patiently(&options.access).await? } else { cluster };
        let params = LogParams {
            container: container(&record.study),
            follow: options.follow,
            tail_lines: options.lines().and_then(|lines| i64::try_from(lines).ok()),
            ..LogParams::default()
        };
        try_join_all(wanted.iter().map(|wanted| one(&cluster, wanted, &params))).await?;
        Ok(Exit::Yes)
    })
}

async fn one(cluster: &Cluster, wanted: &Wanted, params: &LogParams) -> Result<(), Error> {
    let Wanted { trial, run, .. } = wanted;
    let Some(pod) = &wanted.pod else {
        return Err(Error::NoOutput(format!("run {run} of trial {trial} has had no pod yet")));
    };
    let stream = cluster.logs(pod, params).await.map_err(|error| match error {
        kube::Error::Api(status) if status.code == 404 => Error::NoOutput(format!(
            "the pod `{pod}` of run {run} of trial {trial} is gone, and what it printed with it: `spec.trial.retain` of a new Study keeps pods for a day"
        )),
        error => Error::of_logs(&format!("reading the log of the pod `{pod}`"), &error),
    })?;
    copy(stream, wanted).await
}

async fn copy(stream: impl AsyncBufRead, wanted: &Wanted) -> Result<(), Error> {
    let mut stream = std::pin::pin!(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = stream.read_until(b'\n', &mut line).await;
        match count {
            Ok(0) => return Ok(()),
            Ok(_) => wanted.print(&line)?,
            Err(error) => return Err(Error::Read { file: "the log".to_owned(), error }),
        }
    }
}

/// The container that trains: the one that is named, or the only one.
fn container(study: &Study) -> Option<String> {
    let trial = &study.spec.trial;
    let first = || {
        let containers = trial.job.spec.pod()?.get("containers")?.as_array()?;
        Some(containers.first()?.get("name")?.as_str()?.to_owned())
    };
    trial.container.clone().or_else(first)
}
