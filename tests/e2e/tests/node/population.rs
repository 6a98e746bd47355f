//! Population based training on real data: a copy goes on with the network that its donor had.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trimtab_api::trial::TrialStatus;
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::studies;

/// The accuracy that a trial had at a level.
fn accuracy(status: &TrialStatus, level: u32) -> Option<f64> {
    let at = status.values.iter().find(|at| at.level == level)?;
    at.metrics.iter().find(|metric| metric.name == "val_accuracy")?.last.parse().ok()
}

pub(crate) async fn copies_go_on_with_their_donors_networks(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "population", &[]).await?.with_claim()?;
    ground.parallelism = Some(2);
    let spec = json!({
        "fidelity": {"min": 1, "max": 3},
        "scheduler": {"hyperband": null, "populationBased": {"population": 4, "interval": 1, "percent": 25}},
        // What gives a network its shape is not tuned: a copy could not load its donor's.
        "parameters": [
            {"name": "learning_rate", "float": {"min": 1.0e-4, "max": 1.0e-1, "scale": "Log"}},
            {"name": "dropout", "float": {"min": 0, "max": 0.4}},
            {"name": "momentum", "float": {"min": 0.5, "max": 0.99}},
        ],
        "limits": null, "parallelism": 2, "trial": {"retain": "All"},
    });
    ground.create(studies::with(studies::example("fashion-mnist.yaml")?, spec)).await?;
    let picture = ground.complete("fashion-mnist", 400).await?;
    ensure!(picture.trials.len() == 4 + 2, "{}", ground.dump(&picture).await);
    let fresh: Vec<f64> = (0..4).filter_map(|number| accuracy(picture.status("fashion-mnist", number)?, 1)).collect();
    ensure!(fresh.len() == 4, "each member has an accuracy after its first epoch: {fresh:?}");
    for number in [4, 5] {
        let copy = picture.trial("fashion-mnist", number).context("no copy")?;
        let from = copy.spec.from.clone().context("it is no copy")?;
        let status = copy.status.as_ref().context("no status")?;
        let first = status.runs.first().context("no run")?;
        ensure!((first.resume_trial, first.resume_from) == (Some(from.trial), from.run), "{first:?} of {from:?}");
        let donor = picture.status("fashion-mnist", from.trial).context("no donor")?;
        let had = accuracy(donor, from.level).context("the donor has no value there")?;
        let got = accuracy(status, from.level + 1).context("the copy has no value")?;
        // Its first epoch is its donor's second or third: it does not begin where a new network does.
        ensure!(got > had - 0.05, "the copy {number} has {got} after its donor's {had}");
        let pod = first.pod_name.clone().context("a run without a pod")?;
        let log = ground.log(&pod).await?;
        let said = format!("resumed from epoch {} of ", from.level);
        let of = format!("/{}/{}", from.trial, from.run.unwrap_or_default());
        ensure!(log.lines().any(|line| line.contains(&said) && line.contains(&of)), "{pod} says:\n{log}");
        eprintln!(
            "trial {number} from {had} of trial {} at epoch {} to {got}; new ones had {fresh:?}",
            from.trial, from.level
        );
    }
    let spent = picture.studies.get("fashion-mnist").and_then(|s| s.status.as_ref()).map(|s| s.spent_fidelity);
    ensure!(spent == Some(4 * 3), "a population of four for three epochs has paid {spent:?}");
    let said = ground.verify("fashion-mnist")?;
    eprintln!("trimtab explain --verify: {}", said.lines().next().unwrap_or_default());
    ground.end().await
}
