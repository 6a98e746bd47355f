//! The stories of `scenarios` against the model, on fair days and on slow ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::Value;
use trimtab_simulation::cluster::Cluster;
use trimtab_simulation::kubelet::Kubelets;
use trimtab_simulation::node::Nodes;
use trimtab_simulation::rules::Rules;
use trimtab_simulation::scenarios::{self, Ground, Scenario, Told};
use trimtab_simulation::store::{Actor, Store};
use trimtab_simulation::weather::Weather;
use trimtab_simulation::world::World;

fn rules() -> Rules {
    let definitions: Vec<Value> =
        trimtab_api::schema::crds().unwrap().iter().map(|crd| serde_json::to_value(crd).unwrap()).collect();
    Rules::new(&definitions).unwrap()
}

async fn tell(scenario: &Scenario, rules: Rules, weather: Weather) -> Told {
    let cluster = Cluster::new(Store::new(rules), Nodes::new(&[4]), Kubelets::new(1, 0.0, 0.0), weather);
    let mut world = World::new(cluster);
    let ground = Ground {
        client: world.gate.client(Actor::User, 0),
        namespace: "story".to_owned(),
        image: "shell".to_owned(),
        patience: Duration::from_secs(3600),
    };
    let story = tokio::spawn((scenario.tell)(ground));
    while !story.is_finished() {
        let Some(event) = world.next().await else { continue };
        world.happen(event);
    }
    story.await.unwrap()
}

#[test]
fn every_story_is_true_of_the_model() {
    let rules = rules();
    let mut wrong = Vec::new();
    for scenario in scenarios::ALL {
        for slow in [false, true] {
            let mut weather = Weather::fair();
            if slow {
                (weather.lag, weather.request) = (3_000, 400);
            }
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            if let Err(why) = runtime.block_on(tell(scenario, rules.clone(), weather)) {
                wrong.push(format!("{} (slow: {slow}): {why}", scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
