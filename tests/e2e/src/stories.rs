//! The stories of `tests/simulation` on a real cluster: the model of an API server is held to reality by them.

use std::time::Duration;

use anyhow::anyhow;
use trimtab_simulation::scenarios::{ALL, Ground};

use crate::programs::SHELL;
use crate::suite::Case;

/// What needs a controller besides the API server, though no pods.
const COLLECTED: &str = "trials_of_a_deleted_study_go_after_it";

/// The stories that need a node, or those that need none.
#[must_use]
pub fn cases(node: bool) -> Vec<Case> {
    let chosen = ALL.iter().filter(|scenario| (scenario.pods || scenario.name == COLLECTED) == node);
    chosen
        .map(|scenario| {
            let tell = scenario.tell;
            Case::new(format!("stories::{}", scenario.name), move |environment| async move {
                let namespace = environment.namespace("story").await?;
                let ground = Ground {
                    client: environment.client.clone(),
                    namespace,
                    image: SHELL.to_owned(),
                    patience: Duration::from_secs(60),
                };
                tell(ground).await.map_err(|why| anyhow!(why))
            })
        })
        .collect()
}
