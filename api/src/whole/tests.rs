use jiff::Timestamp;
use trimtab_engine::{FidelityKind, Plan};
use trimtab_protocol::Report;

use super::*;
use crate::conditions::reason;
use crate::ending;
use crate::record;
use crate::study::Origin;

fn plan(kind: &str) -> Plan {
    let study = serde_json::json!({
        "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s"},
        "spec": {
            "objectives": [{"metric": "val", "goal": "Maximize", "reduce": "Best"}],
            "recordMetrics": ["loss"],
            "parameters": [{"name": "x", "float": {"min": 0.0, "max": 1.0}}],
            "fidelity": {"unit": "fold", "kind": kind, "min": 1, "max": 9},
            "scheduler": {"hyperband": {}},
            "limits": {"trials": 4},
            "trial": {"job": {"spec": {"template": {"spec": {"containers": [{"name": "train", "image": "i"}]}}}}},
        },
    });
    let study: crate::Study = serde_json::from_value(study).unwrap();
    crate::validate(&study).unwrap()
}

/// Plays the runs of one trial.
pub(crate) struct Player {
    plan: Plan,
    from: Option<Origin>,
    pub(crate) status: TrialStatus,
}

impl Player {
    pub(crate) fn new(kind: &str) -> Self {
        Self { plan: plan(kind), from: None, status: TrialStatus { next_run: 1, ..TrialStatus::default() } }
    }

    /// The runs of a copy.
    pub(crate) fn copy(kind: &str, from: Origin) -> Self {
        Self { from: Some(from), ..Self::new(kind) }
    }

    pub(crate) fn begin(&mut self, target_level: u32) -> Run {
        ending::begin(&mut self.status, Scale { plan: &self.plan }, target_level, true, self.from.as_ref())
    }

    pub(crate) fn print(&mut self, epoch: Option<f64>, value: f64) {
        let index = self.status.runs.len() - 1;
        let report = |metric: &str, value| Report { metric: metric.to_owned(), fidelity: epoch, value };
        let reports = [report("val", value), report("loss", 1.0 - value)];
        record::record(&mut self.status, index, Scale { plan: &self.plan }, &reports);
    }

    pub(crate) fn finish(&mut self) -> &'static str {
        let index = self.status.runs.len() - 1;
        let target = self.status.runs[index].target_level;
        let (why, words) = ending::in_order(&mut self.status, Scale { plan: &self.plan }, target);
        self.end(why, &words)
    }

    pub(crate) fn end(&mut self, why: &'static str, words: &str) -> &'static str {
        let (index, scale) = (self.status.runs.len() - 1, Scale { plan: &self.plan });
        ending::write_end(&mut self.status, index, scale, (why, words), None, 7, Timestamp::UNIX_EPOCH);
        ending::settle(&mut self.status, index, scale);
        why
    }

    pub(crate) fn value(&self, level: u32) -> Option<f64> {
        record::value_at(&self.status, &self.plan, level)
    }
}

#[test]
fn repeats_run_one_by_one_and_their_mean_counts() {
    let mut player = Player::new("Repeat");
    assert_eq!(player.plan.spec().kind, FidelityKind::Repeat);
    for (repeat, best) in [(1, 0.5), (2, 0.7), (3, 0.9)] {
        let run = player.begin(3);
        assert_eq!((run.number, run.target_level, run.resume_from, run.start.as_str()), (repeat, repeat, None, "0"));
        assert_eq!(told(&player.plan, &run, 2), (None, Some(repeat)));
        // Each run counts its epochs from 1, past the number of folds, and the best of them is its value.
        for epoch in 1..=20 {
            player.print(Some(f64::from(epoch)), if epoch == 7 { best } else { 0.1 });
        }
        assert_eq!(player.finish(), reason::REACHED);
    }
    let means: Vec<_> = (1..=3).map(|level| player.value(level).unwrap()).collect();
    assert!(means.iter().zip([0.5, 0.6, 0.7]).all(|(mean, wanted)| (mean - wanted).abs() < 1e-12), "{means:?}");
    assert_eq!((player.status.spent_fidelity, player.status.rested_level), (3, Some(3)));
    assert_eq!(player.status.reached.as_deref(), Some("3"));
    // Only what is a level of the plan is a rest that a decision knows of.
    assert_eq!(player.status.rests.iter().map(|rest| (rest.level, rest.spent)).collect::<Vec<_>>(), [(1, 1), (3, 3)]);
    let third = player.status.values.last().unwrap();
    let loss = third.metrics.iter().find(|metric| metric.name == "loss").unwrap();
    assert_eq!((third.metrics.len(), loss.count, loss.last.as_str()), (2, 3, "0.9"));
    // The engine sees the levels of its plan, and of these the mean alone.
    let levels: Vec<f64> = player.status.curve.iter().map(|point| point.fidelity.parse().unwrap()).collect();
    assert_eq!(levels, [1.0, 2.0, 3.0]);
}

#[test]
fn a_broken_repeat_fails_its_trial() {
    let mut player = Player::new("Repeat");
    player.begin(9);
    player.print(None, 0.5);
    assert_eq!(player.finish(), reason::REACHED);
    player.begin(9);
    player.print(None, f64::NAN);
    assert_eq!(player.finish(), reason::NOT_FINITE);
    assert!(player.status.outcome.is_some());
    assert_eq!(player.status.spent_fidelity, 2, "it ran, and is paid for");
    let mut silent = Player::new("Repeat");
    silent.begin(9);
    assert_eq!(silent.finish(), reason::NO_METRIC);
    assert_eq!((silent.status.values.len(), silent.status.spent_fidelity), (0, 1));
}

#[test]
fn a_fresh_level_is_a_run_from_the_start_and_pays_in_full() {
    let mut player = Player::new("Fresh");
    let first = player.begin(1);
    player.print(Some(5.0), 0.4);
    assert_eq!(player.finish(), reason::REACHED);
    let second = player.begin(3);
    assert_eq!(
        (first.target_level, second.target_level, second.resume_from),
        (1, 3, None),
        "no other level's checkpoint"
    );
    let (fidelity, repeat) = told(&player.plan, &second, 1);
    assert_eq!((fidelity.unwrap().target, fidelity.unwrap().reached, repeat), (3, 0, None));
    // What the first level printed at the same epochs is another run's.
    player.print(Some(1.0), 0.2);
    player.print(Some(5.0), 0.3);
    assert_eq!(player.finish(), reason::REACHED);
    assert_eq!((player.value(1), player.value(3)), (Some(0.4), Some(0.3)));
    assert_eq!(player.status.spent_fidelity, 4, "1 and 3, not 3");
}

#[test]
fn an_interrupted_run_is_taken_up_at_its_own_level_and_paid_once() {
    for kind in ["Fresh", "Repeat"] {
        let mut player = Player::new(kind);
        player.begin(1);
        player.print(Some(9.0), 0.9);
        player.finish();
        let run = player.begin(3);
        let interrupted = player.status.runs.len();
        player.print(Some(1.0), 0.6);
        player.print(Some(2.0), 0.2);
        player.end(reason::EVICTED, "");
        assert_eq!(player.status.retries, 1);
        let again = player.begin(3);
        assert_eq!((again.target_level, again.resume_from), (run.target_level, Some(run.number)), "{kind}");
        assert_eq!(again.start, "0");
        // The lines are printed again up to where it was, and go on; the best was before.
        player.print(Some(2.0), 0.2);
        assert_eq!(player.status.retries, 1, "no gain yet");
        player.print(Some(3.0), 0.3);
        assert_eq!(player.status.retries, 0, "further than ever");
        assert_eq!(player.finish(), reason::REACHED);
        let wanted = if kind == "Fresh" { 0.6 } else { 0.75 };
        assert_eq!(player.value(run.target_level), Some(wanted), "{kind}");
        let paid = if kind == "Fresh" { 4 } else { 2 };
        assert_eq!(player.status.spent_fidelity, paid, "{kind}");
        assert!(!ending::ignored_checkpoint(&player.status.runs[interrupted]));
    }
}

#[test]
fn a_run_that_printed_nothing_or_went_down_with_its_node_is_not_resumed() {
    let mut player = Player::new("Repeat");
    player.begin(1);
    player.end(reason::EVICTED, "");
    assert_eq!(player.begin(1).resume_from, None);
    player.print(Some(1.0), 0.5);
    player.end(reason::NODE_LOST, "");
    assert_eq!(player.begin(1).resume_from, None);
}
