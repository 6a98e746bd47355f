//! A Study that begins with what an earlier one has found out.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trimtab_api::{Study, names};
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::studies;

/// The second Study is there before the first has ended: it waits, copies what was found, proposes from its model at once, and its
/// log holds when the first is gone.
pub(crate) async fn study_goes_on_where_another_has_been(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "warm", &[]).await?;
    ground.parallelism = Some(4);
    ground.create(studies::plain("first", 14, 2, &["--pace-ms=100"])).await?;
    let warm = json!({"warmStart": {"studyName": "first"}, "sampler": {"tpe": {}}, "parallelism": 1});
    ground.create(studies::with(studies::plain("second", 3, 2, &["--pace-ms=20"]), warm)).await?;
    let waits = |picture: &trimtab_e2e::picture::Picture| {
        let conditions = picture.studies.get("second")?.status.as_ref()?.conditions.iter();
        conditions.filter(|c| c.message.contains("first")).map(|c| c.reason.clone()).next()
    };
    let reason = ground.until("the second study waits for the first", 60, waits).await?;
    let first = ground.complete("first", 180).await?;
    ensure!(first.trials.keys().all(|name| name.starts_with("first-")), "the second began too early ({reason})");
    let picture = ground.complete("second", 120).await?;
    let copied = picture.studies.get("second").and_then(|study| study.status.as_ref()?.warm_start.as_ref());
    let copied = copied.context("nothing is copied")?;
    ensure!((copied.found, copied.trials.len()) == (14, 14), "{} found, {}", copied.found, copied.message);
    for number in 0..3 {
        let trial = picture.trials.get(&names::trial("second", number)).context("no trial")?;
        // What the model did not propose names what stood in for it.
        ensure!(trial.spec.fallback.is_none(), "{number}: {:?}\n{}", trial.spec.fallback, ground.dump(&picture).await);
    }
    ground.delete::<Study>("first").await?;
    ground.verify("second")?;
    ground.end().await
}
