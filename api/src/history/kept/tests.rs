use proptest::prelude::*;
use serde_json::json;
use trimtab_engine as engine;

use super::*;
use crate::history::{apply_to_trial, batch_record, trial_from_start};

/// A Study, and what there is of it in the cluster.
struct World {
    study: Study,
    /// The Study before its newest batch.
    before: Study,
    plan: Arc<Plan>,
    trials: BTreeMap<u32, Arc<Trial>>,
    kept: Option<Kept>,
    anew: usize,
    looks: usize,
}

impl World {
    fn new() -> Self {
        let study: Study = serde_json::from_value(json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study",
            "metadata": {"name": "digits", "namespace": "lab", "uid": "u", "generation": 1},
            "spec": {
                "objectives": [{"metric": "loss", "goal": "Minimize"}],
                "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
                "fidelity": {"unit": "epoch", "min": 1, "max": 9},
                "sampler": {"random": {}}, "scheduler": {"asha": {}},
                "parallelism": 4, "seed": 7, "limits": {"trials": 40},
                "trial": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}}},
            },
        }))
        .unwrap();
        let plan = Arc::new(crate::validate(&study).unwrap());
        Self { before: study.clone(), study, plan, trials: BTreeMap::new(), kept: None, anew: 0, looks: 0 }
    }

    /// What is kept is what there is.
    fn look(&mut self) -> History {
        let all: Vec<&Trial> = self.trials.values().map(|trial| &**trial).collect();
        let truth = history(&self.plan, &self.study, &all, 0);
        self.looks += 1;
        match &mut self.kept {
            Some(kept) => self.anew += usize::from(!kept.look(&self.plan, &self.study, &self.trials)),
            None => self.kept = Some(Kept::new(&self.plan, &self.study, &self.trials)),
        }
        assert_eq!(self.kept.as_ref().unwrap().history(), &truth);
        truth
    }

    /// Decides, and writes the batch where there is one.
    fn decide(&mut self) {
        let history = self.look();
        let decision = engine::decide(&self.plan, &history);
        let mut status = self.study.status.take().unwrap_or_default();
        let newest = status.batch.as_ref().map_or(0, |batch| batch.number);
        status.applied_batch = newest;
        if !decision.actions.is_empty() {
            self.before = Study { status: Some(status.clone()), ..self.study.clone() };
            let record = batch_record(&self.plan, &decision, newest + 1);
            let starts = record.actions.iter().filter(|action| action.action == ActionKind::Start);
            let next = starts.map(|action| action.trial + 1).max().unwrap_or(0);
            status.next_trial = status.next_trial.max(next).max(history.next_number);
            status.batch = Some(record);
        }
        self.study.status = Some(status);
    }

    /// Carries out one action of the newest batch. Returns whether there was one left.
    fn carry_out(&mut self) -> bool {
        let Some(batch) = record(&self.study).cloned() else { return false };
        for (index, action) in (0_u32..).zip(&batch.actions) {
            let held = self.trials.get(&action.trial);
            let applied = self.study.status.as_ref().is_some_and(|status| status.applied_batch >= batch.number);
            let made = match (action.action, held) {
                (ActionKind::Start, None) if !applied => trial_from_start(&self.study, &batch, index),
                (ActionKind::Start, _) | (_, None) => None,
                (_, Some(held)) => apply_to_trial(&self.study, &batch, index, held).map(|spec| {
                    let mut trial = (**held).clone();
                    trial.spec = spec;
                    trial
                }),
            };
            if let Some(trial) = made {
                self.trials.insert(action.trial, Arc::new(trial));
                return true;
            }
        }
        false
    }

    /// A trial runs to its level, or a stopped one ends.
    fn run(&mut self, number: u32) {
        let Some(held) = self.trials.get(&number) else { return };
        let mut trial = (**held).clone();
        let level = trial.spec.target_level;
        let status = trial.status.get_or_insert_default();
        if status.rested_level >= Some(level) || status.outcome.is_some() {
            return;
        }
        let loss = format!("{}", f64::from(number.wrapping_mul(2_654_435_761) % 97) / f64::from(level));
        let values = json!({"level": level, "metrics": [{"name": "loss", "last": loss, "best": loss, "mean": loss, "count": level}]});
        status.values.push(serde_json::from_value(values).unwrap());
        status.rests.push(serde_json::from_value(json!({"level": level, "spent": level})).unwrap());
        status.rested_level = Some(level);
        status.spent_fidelity = u64::from(level);
        if trial.spec.stop.is_some() {
            let outcome =
                json!({"kind": "Stopped", "reason": "RungLost", "message": "", "time": "2026-11-22T12:00:00Z"});
            status.outcome = Some(serde_json::from_value(outcome).unwrap());
        }
        self.trials.insert(number, Arc::new(trial));
    }
}

/// What happens to a Study.
#[derive(Clone, Debug)]
enum Deed {
    Decide,
    CarryOut,
    Run(u32),
    Look,
    /// A user deletes a Trial.
    Delete(u32),
    /// Somebody writes another value into a status.
    Tamper(u32),
    /// The spec is changed.
    Change,
    /// The Study is seen as it was before its newest batch.
    Late,
}

fn deeds(odd: u32) -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        30 => Just(Deed::Decide),
        60 => Just(Deed::CarryOut),
        60 => (0..40_u32).prop_map(Deed::Run),
        10 => Just(Deed::Look),
        odd => (0..40_u32).prop_map(Deed::Delete),
        odd => (0..40_u32).prop_map(Deed::Tamper),
        odd => Just(Deed::Change),
        odd => Just(Deed::Late),
    ];
    prop::collection::vec(deed, 0..400)
}

fn play(deeds: &[Deed]) -> World {
    let mut world = World::new();
    for deed in deeds {
        match *deed {
            Deed::Decide => {
                // As a controller does: nothing is decided before the batch is carried out.
                while world.carry_out() {}
                world.decide();
            }
            Deed::CarryOut => {
                world.carry_out();
            }
            Deed::Run(number) => world.run(number),
            Deed::Look => {}
            Deed::Delete(number) => {
                world.trials.remove(&number);
            }
            Deed::Tamper(number) => {
                if let Some(held) = world.trials.get(&number) {
                    let mut trial = (**held).clone();
                    if let Some(values) = trial.status.as_mut().and_then(|status| status.values.first_mut()) {
                        values.metrics.iter_mut().for_each(|metric| metric.last = "0.5".to_owned());
                    }
                    world.trials.insert(number, Arc::new(trial));
                }
            }
            Deed::Late => {
                let before = world.before.clone();
                let now = std::mem::replace(&mut world.study, before);
                world.look();
                world.study = now;
            }
            Deed::Change => world.plan = Arc::new(crate::validate(&world.study).unwrap()),
        }
        world.look();
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_kept_is_what_there_is(deeds in deeds(2)) {
        play(&deeds);
    }

    #[test]
    fn a_controllers_own_work_is_never_looked_at_anew(deeds in deeds(0)) {
        prop_assert_eq!(play(&deeds).anew, 0);
    }
}

#[test]
fn a_study_is_played_to_some_depth() {
    let deeds: Vec<Deed> = (0..400)
        .flat_map(|round| [Deed::Decide, Deed::CarryOut, Deed::Run(round % 40), Deed::Run((round * 7) % 40)])
        .collect();
    let world = play(&deeds);
    assert!(world.trials.len() == 40 && world.anew == 0 && world.looks > 1000);
    assert!(world.trials.values().any(|trial| trial.spec.batches.len() == 3), "somebody was promoted twice");
}
