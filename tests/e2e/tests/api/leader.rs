//! Of two operators with a lease one works, and the other takes over when it is gone.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trimtab_e2e::environment::{Environment, eventually};
use trimtab_e2e::ground::Ground;
use trimtab_e2e::operator::Operator;
use trimtab_e2e::studies;

pub(crate) async fn second_operator_takes_over_when_the_first_is_killed(environment: Arc<Environment>) -> Result<()> {
    let mut ground = Ground::new(&environment, "leader", &[]).await?;
    // The ground's own operator has no lease and would do all the work.
    ground.operator.kill()?;
    let folder = environment.cluster().run_dir();
    let start = |word: &str| {
        let name = format!("{}-{word}", ground.namespace);
        let flags = ["--identity", word];
        Operator::start(
            &environment.operator,
            &environment.operator_kubeconfig,
            folder,
            &name,
            Some(&ground.namespace),
            &flags,
        )
    };
    let mut first = start("first")?;
    ensure!(eventually(async || Ok(first.log().contains("holding the lease"))).await?, "{}", first.tail(20));
    let mut second = start("second")?;
    ensure!(eventually(async || Ok(second.log().contains("waiting for the lease"))).await?, "{}", second.tail(20));

    let suspended = |name: &str| studies::with(studies::plain(name, 1, 1, &[]), json!({"suspend": true}));
    ground.create(suspended("before")).await?;
    ground.until("the first has looked at it", 30, |picture| picture.is("before", "Accepted").then_some(())).await?;
    ensure!(!second.log().contains("holding the lease"), "two hold the lease:\n{}", second.tail(20));

    first.check()?;
    first.kill()?;
    ground.create(suspended("after")).await?;
    ground.until("the second has looked at it", 60, |picture| picture.is("after", "Accepted").then_some(())).await?;
    let holder = || {
        let words = ["get", "lease", "trimtab-operator", "--output", "jsonpath={.spec.holderIdentity}"];
        environment.kubectl("trimtab-system", &words).context("the lease")
    };
    ensure!(holder()?.contains("second"), "the second works without the lease");
    second.check()?;
    // Told to stop, it ends in order and gives the lease back.
    let ended = second.stop()?;
    ensure!(ended.success(), "told to stop it ended with {ended}\n{}", second.tail(20));
    ensure!(!holder()?.contains("second"), "the lease is still held by {:?}", holder()?);
    ground.end().await
}
