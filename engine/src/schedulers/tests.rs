use crate::fixture::{Study, short};
use crate::{Action, FidelityRange, Outcome, Scheduler, Sizes, Verdict, VerdictReason, decide};

fn hyperband(run_through: bool) -> Scheduler {
    Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through }
}

/// Brackets `9@1 3@3 1@9 | 5@3 1@9 | 3@9`, nine slots.
fn study(parallelism: u32) -> Study {
    Study::new(|spec| {
        spec.scheduler = hyperband(false);
        spec.settings.parallelism = parallelism;
        spec.settings.limits.trials = Some(100);
    })
}

fn first_nine(study: &mut Study) {
    while study.history.next_number < 9 {
        study.step();
        for number in 0..study.history.next_number {
            study.rest(number, 0, 1);
        }
    }
}

#[test]
fn rung_lets_the_best_third_pass_and_stops_the_others() {
    let mut study = study(9);
    assert_eq!(study.acts().len(), 9);
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    let decision = study.step();
    let acts: Vec<String> = decision.actions.iter().map(short).collect();
    assert_eq!(acts[..6], [8, 7, 6, 5, 4, 3].map(|n| format!("stop {n} RungLost")));
    assert_eq!(acts[6..9], ["go 0 to 1", "go 1 to 1", "go 2 to 1"]);
    // The six free slots open the next bracket, which starts at the second level.
    assert_eq!(acts[9], "start 9 in 1 to 1");
    let Action::Stop { compared: Some(compared), .. } = decision.actions[0] else { panic!() };
    assert_eq!((compared.rank, compared.kept, compared.of, compared.value, compared.cutoff), (9, 3, 9, 8.0, 2.0));
    let Action::Continue { compared: Some(compared), cleared, .. } = decision.actions[7] else { panic!() };
    assert_eq!((compared.rank, compared.kept, compared.cutoff, cleared), (2, 3, 2.0, 0));
}

#[test]
fn ties_let_exactly_the_lowest_numbers_pass() {
    let mut study = study(9);
    study.step();
    for number in (0..9).rev() {
        study.reach(number, 0, 0.5);
    }
    let acts = study.acts();
    assert_eq!(acts.iter().filter(|act| act.starts_with("go")).count(), 3);
    assert!(acts.contains(&"go 2 to 1".to_owned()) && acts.contains(&"stop 3 RungLost".to_owned()));
}

#[test]
fn straggler_idles_nobody() {
    let mut study = study(3);
    first_nine(&mut study);
    for number in 0..8 {
        study.observe(number, 0, 0.1);
    }
    // Trial 8 has not reported: the first rung stays open, and the next bracket begins.
    assert_eq!(study.acts(), ["start 9 in 1 to 1", "start 10 in 1 to 1", "start 11 in 1 to 1"]);
}

#[test]
fn nan_and_failed_members_rank_last_and_never_stall_a_rung() {
    let mut study = study(9);
    study.step();
    for number in 0..5 {
        study.reach(number, 0, [f64::NAN, 3.0, f64::NEG_INFINITY, 1.0, 2.0][number as usize]);
    }
    for number in 5..9 {
        study.end(number, [Outcome::Failed, Outcome::Lost, Outcome::Removed, Outcome::Failed][number as usize - 5]);
    }
    let acts = study.acts();
    assert_eq!(acts[..5], ["stop 0 NotFinite", "stop 2 NotFinite", "go 3 to 1", "go 4 to 1", "go 1 to 1"]);
}

#[test]
fn rung_of_nothing_but_failures_ends_its_bracket() {
    let mut study = study(9);
    study.settings(|settings| settings.limits.trials = Some(9));
    study.step();
    for number in 0..9 {
        study.end(number, Outcome::Failed);
    }
    assert_eq!(study.step().verdict, Verdict::Failed(VerdictReason::NoUsableTrial));
}

#[test]
fn short_rung_is_judged_when_nothing_more_can_start() {
    let mut study = study(9);
    study.settings(|settings| settings.limits.trials = Some(7));
    study.step();
    for number in 0..7 {
        study.reach(number, 0, f64::from(number));
    }
    let acts = study.acts();
    assert_eq!(acts.iter().filter(|act| act.starts_with("stop")).count(), 5);
    assert_eq!(acts[5..], ["go 0 to 1", "go 1 to 1"]);
    // A judged bracket takes no more members, also when the limit is raised.
    study.settings(|settings| settings.limits.trials = Some(9));
    assert_eq!(study.acts(), ["start 7 in 1 to 1", "start 8 in 1 to 1"]);
}

#[test]
fn suspension_and_full_slots_close_no_rung() {
    let mut study = study(3);
    study.step();
    for number in 0..3 {
        study.reach(number, 0, f64::from(number));
    }
    study.settings(|settings| settings.suspend = true);
    assert_eq!(study.acts(), Vec::<String>::new());
    study.settings(|settings| settings.suspend = false);
    assert_eq!(study.acts(), ["start 3 in 0 to 0", "start 4 in 0 to 0", "start 5 in 0 to 0"]);
}

#[test]
fn stops_are_decided_while_suspended() {
    let mut study = study(9);
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    study.settings(|settings| settings.suspend = true);
    let decision = study.step();
    assert!(decision.actions.iter().all(|action| matches!(action, Action::Stop { .. })));
    assert_eq!((decision.actions.len(), decision.verdict), (6, Verdict::Running));
}

#[test]
fn converged_trial_passes_rungs_at_no_cost_and_without_a_slot() {
    let mut study = study(9);
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    // Trial 0 stopped by itself: its value holds at every level.
    study.observe(0, 1, 0.0).observe(0, 2, 0.0).rest(0, 2, 1);
    study.settings(|settings| settings.parallelism = 2);
    let acts = study.acts();
    assert_eq!(acts[6..], ["go 0 to 1", "go 1 to 1", "go 2 to 1"]);
    for number in 1..3 {
        study.reach(number, 1, f64::from(number));
    }
    let acts = study.acts();
    assert_eq!(acts[..3], ["stop 2 RungLost", "stop 1 RungLost", "go 0 to 2"]);
}

#[test]
fn run_through_starts_at_the_last_level_and_stops_losers_on_the_way() {
    let mut study = Study::new(|spec| {
        spec.scheduler = hyperband(true);
        spec.resumable = false;
        spec.settings.parallelism = 9;
        spec.settings.limits.trials = Some(9);
    });
    assert_eq!(study.acts()[0], "start 0 in 0 to 2");
    for number in 0..9 {
        study.observe(number, 0, f64::from(number));
    }
    let acts = study.acts();
    assert_eq!(acts[0], "stop 8 RungLost");
    assert_eq!(acts[6..], ["go 0 to 2", "go 1 to 2", "go 2 to 2"]);
}

#[test]
fn rungs_crossed_at_once_are_judged_in_order() {
    let mut study = Study::new(|spec| {
        spec.scheduler = hyperband(true);
        spec.resumable = false;
        spec.settings.parallelism = 9;
        spec.settings.limits.trials = Some(9);
    });
    study.step();
    for number in 0..9 {
        study.observe(number, 0, f64::from(number)).observe(number, 1, f64::from(9 - number));
    }
    let first = study.step();
    assert!(first.more, "judging the first rung makes the second one possible");
    // Of those that passed the first rung, trial 2 is the best on the second.
    assert_eq!(study.acts(), ["stop 0 RungLost", "stop 1 RungLost", "go 2 to 2"]);
}

#[test]
fn one_pass_without_limits_and_then_the_brackets_are_done() {
    let mut study = Study::new(|spec| {
        spec.scheduler = hyperband(false);
        spec.settings.parallelism = 100;
        spec.settings.limits.trials = None;
    });
    assert_eq!(study.acts().len(), 9 + 5 + 3);
    for _ in 0..4 {
        for number in 0..17 {
            for level in 0..3 {
                study.reach(number, level, f64::from(number));
            }
        }
        study.step();
    }
    let decision = decide(&study.plan, &study.history);
    assert_eq!((decision.actions.len(), decision.verdict), (0, Verdict::Complete(VerdictReason::BracketsDone)));
    // A limit makes the brackets cycle.
    study.settings(|settings| settings.limits.trials = Some(20));
    assert_eq!(study.acts(), ["start 17 in 3 to 0", "start 18 in 3 to 0", "start 19 in 3 to 0"]);
}

#[test]
fn brackets_are_begun_side_by_side_only_if_their_promotions_can_be_paid() {
    let limited = |full_trainings| {
        Study::new(|spec| {
            spec.scheduler = hyperband(false);
            spec.settings.parallelism = 20;
            spec.settings.limits.trials = None;
            spec.settings.limits.full_trainings = Some(full_trainings);
        })
    };
    // The three brackets cost 21, 21 and 27 epochs: two fit into 54, all three into 72.
    assert_eq!(limited(8).acts().len(), 9 + 5 + 3);
    let mut study = limited(6);
    assert_eq!(study.acts().len(), 9 + 5);
    let mut acts = Vec::new();
    for level in [0, 1, 2] {
        for number in 0..14 {
            study.reach(number, level, f64::from(number));
        }
        acts.push(study.acts());
    }
    let count = |acts: &[String], what: &str| acts.iter().filter(|act| act.starts_with(what)).count();
    // All promotions of both are paid before what is left over begins a third.
    assert_eq!(acts.iter().map(|acts| count(acts, "go")).collect::<Vec<_>>(), [3, 2, 0]);
    assert_eq!(acts.iter().map(|acts| count(acts, "start")).collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn hole_is_a_removed_member_of_the_bracket_it_would_have_joined() {
    let mut study = study(9);
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    study.history.batches[0].actions.remove(0);
    study.history.open.retain(|result| result.number.0 != 0);
    let acts = study.acts();
    assert_eq!(acts[5..8], ["go 1 to 1", "go 2 to 1", "go 3 to 1"]);
    assert_eq!(acts[8], "start 9 in 1 to 1");
}

#[test]
fn successive_halving_repeats_its_bracket() {
    let mut study = Study::new(|spec| {
        spec.fidelity = Some(FidelityRange { min: 1, max: 4 });
        spec.scheduler =
            Scheduler::SuccessiveHalving { reduction_factor: 2, configurations: Some(3), run_through: false };
        spec.settings.parallelism = 5;
    });
    let acts = study.acts();
    assert_eq!(acts[2..], ["start 2 in 0 to 0", "start 3 in 1 to 0", "start 4 in 1 to 0"]);
}

#[test]
fn rung_is_judged_when_runs_have_ended_whichever_news_comes_first() {
    let played = |news: &[fn(&mut Study)]| {
        let mut study = Study::new(|spec| {
            spec.scheduler =
                Scheduler::SuccessiveHalving { reduction_factor: 2, configurations: Some(2), run_through: false };
            spec.settings.parallelism = 1;
        });
        study.step();
        study.reach(0, 0, 1.0);
        study.step();
        news.iter()
            .flat_map(|tell| {
                tell(&mut study);
                study.step().actions
            })
            .collect::<Vec<_>>()
    };
    let together = played(&[|study| {
        study.reach(1, 0, 1.0);
    }]);
    let apart = played(&[
        |study| {
            study.observe(1, 0, 1.0);
        },
        |study| {
            study.rest(1, 0, 1);
        },
    ]);
    assert!(matches!(together[..], [Action::Stop { .. }, Action::Continue { .. }]), "{together:?}");
    assert_eq!(together, apart);
}
