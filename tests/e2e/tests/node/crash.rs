//! The operator is killed with SIGKILL again and again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;
use trimtab_e2e::environment::Environment;
use trimtab_e2e::ground::Ground;
use trimtab_e2e::picture::Picture;
use trimtab_e2e::{oracle, studies};

/// Kills and starts the operator again at seeded moments, until the Study has ended or the kills are used up.
async fn with_kills(ground: &mut Ground, study: &str, kills: u32, most: Duration, seed: u64) -> Result<(Picture, u32)> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut done = 0;
    for _ in 0..kills {
        // The moment of a kill is what this test is about: any moment is good, so no condition is waited for.
        let wait = most.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX));
        tokio::time::sleep(wait).await;
        ground.operator.check()?;
        let picture = ground.picture().await?;
        if picture.is(study, "Complete") || picture.is(study, "Failed") {
            break;
        }
        ground.operator.restart()?;
        done += 1;
    }
    Ok((ground.complete(study, 180).await?, done))
}

pub(crate) async fn killed_at_twenty_moments_nothing_is_lost_doubled_or_counted_twice(
    environment: Arc<Environment>,
) -> Result<()> {
    let mut ground = Ground::new(&environment, "killed", &[]).await?.with_claim()?;
    ground.parallelism = Some(4);
    ground.create(studies::hyperband("killed", &["--pace-ms=1000"])).await?;
    let (picture, kills) = with_kills(&mut ground, "killed", 20, Duration::from_millis(2500), 7).await?;
    ensure!(kills == 20, "the study ended after {kills} kills");
    ground.judge(&picture, oracle::check(&picture, "killed")).await?;
    let table = oracle::table(&oracle::rungs(&picture, "killed"));
    ensure!(table == "9@1 3@3 1@9 | 5@3 1@9 | 3@9", "rungs are {table}");
    // Nothing failed but the operator, so no run was made twice and no epoch paid twice.
    for trial in picture.trials.values() {
        let status = trial.status.clone().unwrap_or_default();
        let wanted = trial.spec.batches.iter().filter(|batch| batch.level.is_some()).count();
        ensure!(
            status.runs.len() == wanted,
            "{:?} has {} runs and was to make {wanted}\n{}",
            trial.metadata.name,
            status.runs.len(),
            picture.describe()
        );
        ensure!(
            status.spent_fidelity == u64::from(trial.spec.target_level),
            "{:?} paid {}",
            trial.metadata.name,
            status.spent_fidelity
        );
    }
    ground.verify("killed")?;
    ground.end().await
}

pub(crate) async fn killed_in_a_row_of_one_it_decides_as_if_it_had_not_been(
    environment: Arc<Environment>,
) -> Result<()> {
    let study = |name: &str| {
        let spec =
            json!({"parallelism": 1, "fidelity": {"max": 4}, "scheduler": {"hyperband": {"reductionFactor": 2}}});
        studies::with(studies::hyperband(name, &["--pace-ms=50"]), spec)
    };
    let mut quiet = Ground::new(&environment, "quiet", &[]).await?.with_claim()?;
    let mut stormy = Ground::new(&environment, "stormy", &[]).await?.with_claim()?;
    (quiet.parallelism, stormy.parallelism) = (Some(1), Some(1));
    quiet.create(study("same")).await?;
    stormy.create(study("same")).await?;
    let (stormy_end, kills) = with_kills(&mut stormy, "same", 10, Duration::from_millis(3000), 8).await?;
    ensure!(kills >= 3, "the study ended after {kills} kills");
    let quiet_end = quiet.complete("same", 180).await?;
    quiet.judge(&quiet_end, oracle::check(&quiet_end, "same")).await?;
    stormy.judge(&stormy_end, oracle::check(&stormy_end, "same")).await?;
    let (expected, found) = (oracle::story(&quiet_end, "same"), oracle::story(&stormy_end, "same"));
    ensure!(expected == found, "undisturbed:\n{}\nkilled:\n{}", expected.join("\n"), found.join("\n"));
    quiet.verify("same")?;
    stormy.verify("same")?;
    quiet.end().await?;
    stormy.end().await
}
