//! What a look at a study of 10,000 Trials costs that the operator keeps in memory, and one that it reads anew: from the objects, as
//! the API server has them, to the next batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use trimtab_api::history::{Kept, apply_to_trial, batch_record, history, trial_from_start};
use trimtab_api::study::ActionKind;
use trimtab_api::{Study, Trial};
use trimtab_engine::{Held, Plan, decide};

const TRIALS: u32 = 10_000;

/// How often the study is read anew at the end.
const ANEW: usize = 20;

/// Plays one study for each scheduler and prints a line of JSON: milliseconds of the looks beyond the last tenth of the batches, kept
/// and anew.
///
/// # Errors
/// When a study is refused, or what is kept decides other things than what is read anew.
pub(crate) fn measure() -> Result<(), String> {
    for scheduler in ["hyperband", "asha"] {
        let mut world = World::new(scheduler)?;
        let (kept, anew) = world.play()?;
        let (kept, anew) = (summary(kept), summary(anew));
        println!("{}", json!({"scheduler": scheduler, "trials": world.trials.len(), "kept_ms": kept, "anew_ms": anew}));
    }
    Ok(())
}

fn summary(mut all: Vec<Duration>) -> serde_json::Value {
    all.sort_unstable();
    let at = |share: usize| all.get((all.len() * share / 100).min(all.len().saturating_sub(1))).map(milliseconds);
    json!({"looks": all.len(), "p50": at(50), "p99": at(99), "max": all.last().map(milliseconds)})
}

fn milliseconds(time: &Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

struct World {
    study: Study,
    plan: Arc<Plan>,
    trials: BTreeMap<u32, Arc<Trial>>,
}

impl World {
    fn new(scheduler: &str) -> Result<Self, String> {
        let study: Study = serde_json::from_value(json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
            "metadata": {"name": "digits", "namespace": "lab", "uid": "u", "generation": 1},
            "spec": {
                "objectives": [{"metric": "loss", "goal": "Minimize"}],
                "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}, {"name": "y", "float": {"min": 0, "max": 1}}],
                "fidelity": {"unit": "epoch", "min": 1, "max": 27},
                "sampler": {"random": {}}, "scheduler": {scheduler: {}},
                "parallelism": 64, "seed": 7, "limits": {"trials": TRIALS},
                "trial": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}}},
            },
        }))
        .map_err(|error| error.to_string())?;
        let plan = Arc::new(trimtab_api::validate(&study).map_err(|errors| format!("{errors:?}"))?);
        Ok(Self { study, plan, trials: BTreeMap::new() })
    }

    /// Plays the study to its end. Every trial of a batch runs to its level before the next look.
    fn play(&mut self) -> Result<(Vec<Duration>, Vec<Duration>), String> {
        let mut looks = Vec::new();
        let mut kept = Kept::new(&self.plan, &self.study, &self.trials);
        let mut held = Held::new(&self.plan, kept.history());
        for number in 1_u64.. {
            let begun = Instant::now();
            if !kept.look(&self.plan, &self.study, &self.trials) {
                return Err(format!("batch {number} was read anew"));
            }
            let decision = held.decide(&self.plan, kept.history());
            looks.push(begun.elapsed());
            if decision.actions.is_empty() {
                break;
            }
            let record = batch_record(&self.plan, &decision, number);
            let mut status = self.study.status.take().unwrap_or_default();
            status.applied_batch = number - 1;
            status.batch = Some(record.clone());
            self.study.status = Some(status);
            for (index, action) in (0_u32..).zip(&record.actions) {
                let trial = match self.trials.get(&action.trial) {
                    None => trial_from_start(&self.study, &record, index),
                    Some(held) => {
                        apply_to_trial(&self.study, &record, index, held).map(|spec| Trial { spec, ..(**held).clone() })
                    }
                };
                let trial = trial.ok_or_else(|| format!("action {index} of batch {number} cannot be carried out"))?;
                let trial = if action.action == ActionKind::Stop { trial } else { run(trial)? };
                self.trials.insert(action.trial, Arc::new(trial));
            }
        }
        let all: Vec<&Trial> = self.trials.values().map(|trial| &**trial).collect();
        let mut anew = Vec::new();
        for _ in 0..ANEW {
            let begun = Instant::now();
            let read = history(&self.plan, &self.study, &all, 0);
            let decision = decide(&self.plan, &read);
            anew.push(begun.elapsed());
            if &read != kept.history() || decision != held.decide(&self.plan, kept.history()) {
                return Err("what is kept is not what is read".to_owned());
            }
        }
        Ok((looks.split_off(looks.len() * 9 / 10), anew))
    }
}

/// A trial that has run to the level it was sent to.
fn run(mut trial: Trial) -> Result<Trial, String> {
    let level = trial.spec.target_level;
    let status = trial.status.get_or_insert_default();
    let loss = format!("{}", f64::from(trial.spec.number.wrapping_mul(2_654_435_761) % 1_000) / f64::from(level));
    let metric = json!({"name": "loss", "last": loss, "best": loss, "mean": loss, "count": level});
    let text = |error: serde_json::Error| error.to_string();
    status.values.push(serde_json::from_value(json!({"level": level, "metrics": [metric]})).map_err(text)?);
    status.rests.push(serde_json::from_value(json!({"level": level, "spent": level})).map_err(text)?);
    status.rested_level = Some(level);
    status.spent_fidelity = u64::from(level);
    Ok(trial)
}
