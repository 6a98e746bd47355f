use super::*;
use crate::fixture::Study;
use crate::{AshaForm, Scheduler, Sizes, StoppingRule};

#[test]
fn estimate_is_spearmans_with_mean_ranks_for_ties() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
    let y = [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0, 10.0, 9.0];
    let pairs: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
    // Without ties it is 1 - 6 * 10 / (10 * 99).
    assert!((correlation(0, 1, &pairs).unwrap().estimate - (1.0 - 60.0 / 990.0)).abs() < 1e-12);
    assert_eq!(ranks::Ranks::of(&[1.0, 5.0, 5.0, 9.0]).centred, [-1.5, 0.0, 0.0, 1.5]);
    let constant: Vec<(f64, f64)> = x.into_iter().map(|x| (x, 1.0)).collect();
    assert_eq!(correlation(0, 1, &constant).map(|found| found.estimate), Some(0.0));
    assert_eq!(correlation(0, 1, &pairs[..9]), None);
}

/// Brackets `9@1 3@3 1@9 | 5@3 1@9 | 3@9`, cycled, all slots at once.
fn hyperband() -> Study {
    let mut study = Study::new(|spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
        spec.settings.parallelism = 1_000;
        spec.settings.limits.trials = Some(17 * 4);
    });
    while study.step().more {}
    study
}

fn starts_at(study: &Study, number: u32) -> usize {
    State::fold(&study.plan, &study.history).trial(number).map_or(0, |trial| trial.bracket as usize % 3)
}

#[test]
fn only_values_that_nobody_was_chosen_by_count() {
    let mut study = hyperband();
    for number in 0..68 {
        let value = f64::from(number);
        match starts_at(&study, number) {
            // Survivors of the first rung would say that ranks turn around.
            0 => study.observe(number, 0, value).observe(number, 1, -value).observe(number, 2, -value),
            first => {
                for level in 0..=first {
                    study.observe(number, level, value);
                }
                // Above its first rung a trial was chosen.
                if first == 1 { study.observe(number, 2, -value) } else { &mut study }
            }
        };
    }
    let Safety::Known(rungs) = safety(&study.plan, &study.history) else { panic!() };
    let levels: Vec<_> = rungs.iter().map(|rung| (rung.from, rung.to, rung.pairs)).collect();
    assert_eq!(levels, [(0, 2, 12), (1, 2, 12)]);
    assert!(rungs.iter().all(|rung| rung.estimate > 0.999 && rung.low < rung.estimate && rung.high <= 1.0));
}

#[test]
fn lower_level_with_enough_pairs_is_used_while_the_top_has_too_few() {
    let mut study = hyperband();
    for number in 0..34 {
        for level in 0..=starts_at(&study, number) {
            study.observe(number, level, f64::from(number) * if level == 0 { -1.0 } else { 1.0 });
        }
    }
    let found = safety(&study.plan, &study.history);
    let Safety::Known(rungs) = &found else { panic!() };
    // Six trials began at the top, and ten more at the second level: only the first rung can be judged.
    assert_eq!(rungs.iter().map(|rung| (rung.from, rung.to, rung.pairs)).collect::<Vec<_>>(), [(0, 1, 16)]);
    assert_eq!(found.is_safe(), Some(false));
}

#[test]
fn nothing_is_said_below_ten_pairs_or_where_nobody_runs_unjudged() {
    let study = hyperband();
    assert_eq!(safety(&study.plan, &study.history), Safety::Unknown { pairs: 0, can_come: true });
    let asha = Study::new(|spec| {
        spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form: AshaForm::Promotion };
    });
    assert_eq!(safety(&asha.plan, &asha.history), Safety::Unknown { pairs: 0, can_come: false });
    let rules = Study::new(|spec| spec.stopping = vec![StoppingRule::Median { trials: 1, warm_up: 0 }]);
    assert_eq!(safety(&rules.plan, &rules.history).is_safe(), None);
    let none = Study::new(|_| {});
    assert_eq!(safety(&none.plan, &none.history), Safety::NothingStops);
}
