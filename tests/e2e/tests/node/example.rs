//! The example of the repository, as a user would apply it: the trainer on real data.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt;
use trimtab_api::{Study, Trial};
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::picture::Picture;
use trimtab_e2e::{oracle, programs, studies};

pub(crate) async fn example_trains_to_the_end_with_the_rungs_of_the_table(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "example", &[]).await?.with_claim()?;
    ground.parallelism = Some(2);
    let file = programs::root().join("examples/fashion-mnist.yaml").display().to_string();
    environment.kubectl(&ground.namespace, &["apply", "--filename", &file])?;
    // Logs are read after the end: runs that went well are kept for it.
    ground.delete::<Study>("fashion-mnist").await?;
    let study = studies::with(studies::example("fashion-mnist.yaml")?, serde_json::json!({"trial": {"retain": "All"}}));
    ground
        .until("the first Study is gone", 60, |picture| {
            (picture.studies.is_empty() && picture.trials.is_empty() && picture.pods.is_empty()).then_some(())
        })
        .await?;
    ground.create(study).await?;
    ground.until("three trials are paused, and none of them has a pod", 300, paused_without_pods).await?;
    let picture = ground.complete("fashion-mnist", 500).await?;

    let table = oracle::table(&oracle::rungs(&picture, "fashion-mnist"));
    ensure!(table == "9@1 3@3 1@9 | 5@3 1@9 | 3@9", "rungs are {table}");
    let mut resumed = 0;
    for trial in picture.trials.values() {
        for run in trial.status.iter().flat_map(|status| &status.runs) {
            let (start, first): (f64, f64) = (run.start.parse()?, run.first.as_deref().unwrap_or("NaN").parse()?);
            ensure!(first == start + 1.0, "{:?} begins with epoch {first}, after {start}", run.pod_name);
            resumed += u32::from(start > 0.0);
            let pod = run.pod_name.clone().context("a run without a pod")?;
            if !picture.pods.contains_key(&pod) {
                // A loser's run is ended the moment its last value is judged, and a run that was ended is not kept.
                ensure!(trial.spec.stop.is_some(), "{pod} was to be kept\n{}", ground.dump(&picture).await);
                continue;
            }
            let log = ground.log(&pod).await?;
            let printed =
                log.lines().find_map(|line| line.split("epoch=").nth(1)?.split(' ').next()?.parse::<f64>().ok());
            ensure!(printed == Some(first), "{pod} began with epoch {first}, and its log says:\n{log}");
        }
    }
    // Three and one of the first bracket, one of the second.
    ensure!(resumed == 5, "{resumed} runs resumed");
    let told = ["get", "events", "--field-selector", "reason=TrialPromoted", "--output", "name"];
    let told = environment.kubectl(&ground.namespace, &told)?.lines().count();
    ensure!(told == 5, "{told} events tell of promotions");

    let study = picture.studies.get("fashion-mnist").and_then(|study| study.status.clone()).context("no status")?;
    let best = study.best.context("no best trial")?;
    let trial = picture
        .trial("fashion-mnist", best.number)
        .and_then(|trial| trial.status.clone())
        .context("no best trial's status")?;
    let pod = trial.runs.last().and_then(|run| run.pod_name.clone()).context("the best trial has no pod")?;
    let log = ground.log(&pod).await?;
    let line = log.lines().rfind(|line| line.contains("epoch=9 ")).context("no last line")?;
    let printed: f64 =
        line.split("val_accuracy=").nth(1).and_then(|rest| rest.split(' ').next()).context("no value")?.parse()?;
    ensure!(best.level == 9 && printed == best.value.parse::<f64>()?, "best is {best:?}, its log says {line}");
    ensure!(printed > 0.8, "a training that reaches {printed} has not trained");
    ensure!(study.spent_fidelity == 9 + 3 * 2 + 6 + 5 * 3 + 6 + 3 * 9, "spent {}", study.spent_fidelity);
    ensure!(picture.live_pods().is_empty(), "pods run after the end");
    let said = ground.verify("fashion-mnist")?;
    eprintln!("trimtab explain --verify: {}", said.lines().next().unwrap_or_default());
    ground.end().await
}

fn paused_without_pods(picture: &Picture) -> Option<()> {
    let is_paused =
        |trial: &&Trial| trial.status.as_ref().is_some_and(|status| status.state.as_deref() == Some("Paused"));
    let paused: Vec<&Trial> = picture.trials.values().filter(is_paused).collect();
    let holds = |trial: &&Trial| {
        let mut runs = trial.status.iter().flat_map(|status| &status.runs);
        runs.any(|run| {
            run.pod_name.as_ref().is_some_and(|name| picture.live_pods().iter().any(|pod| pod.name_any() == *name))
        })
    };
    (paused.len() >= 3 && !paused.iter().any(holds)).then_some(())
}
