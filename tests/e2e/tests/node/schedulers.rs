//! One whole Study for each way of ending trials early that the example does not show.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::{oracle, studies};

pub(crate) async fn bohb_proposes_from_its_model_and_promotes_from_checkpoints(
    environment: Arc<Environment>,
) -> Result<()> {
    let mut ground = Ground::new(&environment, "bohb", &[]).await?.with_claim()?;
    ground.parallelism = Some(4);
    let spec = json!({"sampler": {"bohb": {}}});
    ground.create(studies::with(studies::hyperband("bohb", &["--pace-ms=50"]), spec)).await?;
    let picture = ground.complete("bohb", 180).await?;
    let table = oracle::table(&oracle::rungs(&picture, "bohb"));
    ensure!(table == "9@1 3@3 1@9 | 5@3 1@9 | 3@9", "rungs are {table}");
    // A random one names what proposed it; the model's own do not.
    let modelled = picture.trials.values().filter(|trial| trial.spec.fallback.is_none()).count();
    ensure!((1..17).contains(&modelled), "{modelled} of 17 are the model's\n{}", ground.dump(&picture).await);
    for trial in picture.trials.values() {
        let status = trial.status.clone().unwrap_or_default();
        ensure!(
            status.spent_fidelity == u64::from(trial.spec.target_level),
            "{:?} paid {} for {}",
            trial.metadata.name,
            status.spent_fidelity,
            trial.spec.target_level
        );
    }
    ground.judge(&picture, oracle::check(&picture, "bohb")).await?;
    ground.verify("bohb")?;
    ground.end().await
}

pub(crate) async fn asha_promotes_without_waiting_for_a_whole_rung(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "asha", &[]).await?.with_claim()?;
    ground.parallelism = Some(4);
    let spec = json!({"scheduler": {"hyperband": null, "asha": {"reductionFactor": 3}}, "limits": {"trials": 15}});
    ground.create(studies::with(studies::hyperband("asha", &["--pace-ms=50"]), spec)).await?;
    let picture = ground.complete("asha", 180).await?;
    let rungs = oracle::rungs(&picture, "asha");
    let [bracket] = rungs.as_slice() else { anyhow::bail!("{} brackets", rungs.len()) };
    let at = |level: u32| bracket.get(&level).copied().unwrap_or_default();
    ensure!(at(1) == 15 && (1..=5).contains(&at(3)) && at(9) <= at(3) / 3, "rungs are {bracket:?}");
    let promoted = picture.trials.values().filter(|trial| trial.spec.target_level > 1);
    for trial in promoted {
        let runs = trial.status.clone().unwrap_or_default().runs;
        let resumed = runs.iter().skip(1).all(|run| run.resume_from.is_some() && run.start != "0");
        ensure!(resumed, "{:?} began again\n{}", trial.metadata.name, ground.dump(&picture).await);
    }
    ground.judge(&picture, oracle::check(&picture, "asha")).await?;
    ground.verify("asha")?;
    ground.end().await
}

pub(crate) async fn the_median_rule_stops_trials_while_they_run(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "median", &[]).await?;
    ground.parallelism = Some(3);
    let spec = json!({"parallelism": 3, "stopping": [{"median": {"trials": 3, "warmUp": 3}}]});
    ground.create(studies::with(studies::plain("median", 12, 30, &["--pace-ms=300"]), spec)).await?;
    let picture = ground.complete("median", 240).await?;
    let stopped: Vec<_> = picture.trials.values().filter(|trial| trial.spec.stop.is_some()).collect();
    ensure!(!stopped.is_empty() && stopped.len() <= 9, "{} stopped\n{}", stopped.len(), ground.dump(&picture).await);
    for trial in stopped {
        let status = trial.status.clone().unwrap_or_default();
        let reached: f64 = status.reached.as_deref().unwrap_or("0").parse()?;
        ensure!((3.0..30.0).contains(&reached), "{:?} came to {reached}", trial.metadata.name);
        // What was compared with what is on record.
        let last = trial.spec.batches.last().context("no batch")?;
        ensure!(last.compared.is_some() && last.reason == "WorseThanMedian", "{last:?}");
    }
    ground.judge(&picture, oracle::check(&picture, "median")).await?;
    ground.verify("median")?;
    ground.end().await
}

pub(crate) async fn folds_race_one_run_each(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "folds", &[]).await?;
    ground.parallelism = Some(2);
    ground.create(studies::example("folds.yaml")?).await?;
    let picture = ground.complete("folds", 300).await?;
    let table = oracle::table(&oracle::rungs(&picture, "folds"));
    ensure!(table == "8@1 4@3 2@5", "rungs are {table}\n{}", ground.dump(&picture).await);
    for trial in picture.trials.values() {
        let status = trial.status.clone().unwrap_or_default();
        let folds: Vec<u32> = status.runs.iter().map(|run| run.target_level).collect();
        let wanted: Vec<u32> = (1..=trial.spec.target_level).collect();
        ensure!(folds == wanted, "{:?} ran folds {folds:?}, not {wanted:?}", trial.metadata.name);
        ensure!(status.spent_fidelity == u64::from(trial.spec.target_level), "paid {}", status.spent_fidelity);
    }
    ground.verify("folds")?;
    ground.end().await
}
