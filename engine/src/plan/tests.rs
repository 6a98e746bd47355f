use super::*;
use crate::fixture::spec;

fn fields(change: impl FnOnce(&mut PlanSpec)) -> Vec<String> {
    let mut spec = spec();
    change(&mut spec);
    Plan::new(spec).err().unwrap_or_default().into_iter().map(|error| error.field).collect()
}

fn hyperband(reduction_factor: u32) -> Scheduler {
    Scheduler::Hyperband { reduction_factor, sizes: Sizes::Paper, run_through: false }
}

#[test]
fn plan_says_everything_that_is_wrong_at_once() {
    let found = fields(|spec| {
        spec.space.parameters[0].name = "X".to_owned();
        spec.objective.metric.clear();
        spec.settings.parallelism = 0;
        spec.settings.limits.trials = Some(0);
        spec.settings.target = Some(f64::NAN);
        spec.fidelity = Some(FidelityRange { min: 0, max: 9 });
        spec.scheduler = hyperband(11);
    });
    assert_eq!(
        found,
        [
            "parameters[0].name",
            "objectives[0].metric",
            "parallelism",
            "limits.trials",
            "objectives[0].target",
            "fidelity.min",
            "scheduler.hyperband.reductionFactor",
        ]
    );
}

#[test]
fn plan_wants_something_that_ends_it() {
    assert_eq!(fields(|spec| spec.settings.limits.trials = None), ["limits"]);
    let none = [""; 0];
    assert_eq!(
        fields(|spec| {
            spec.settings.limits.trials = None;
            spec.scheduler = hyperband(3);
        }),
        none
    );
    assert_eq!(
        fields(|spec| {
            spec.settings.limits.trials = None;
            spec.settings.limits.active_seconds = Some(60);
        }),
        none
    );
    let hours = |hours: &[(&str, f64)]| {
        let hours = hours.iter().map(|(name, hours)| ((*name).to_owned(), *hours)).collect();
        fields(|spec| spec.settings.limits = Limits { resource_hours: hours, ..Limits::default() })
    };
    assert_eq!(hours(&[("gpu", 0.1), ("cpu", 3.0)]), none);
    assert_eq!(
        hours(&[("gpu", 0.0), ("cpu", f64::NAN), ("gpu", 1.0)]),
        ["limits.resourceHours[0].hours", "limits.resourceHours[1].hours", "limits.resourceHours[2].resource"]
    );
}

#[test]
fn plan_wants_a_fidelity_with_room_for_a_ladder() {
    for (fidelity, field) in [
        (None, "fidelity"),
        (Some(FidelityRange { min: 9, max: 9 }), "fidelity.max"),
        (Some(FidelityRange { min: 10, max: 9 }), "fidelity.min"),
        (Some(FidelityRange { min: 4, max: 9 }), "scheduler.hyperband.reductionFactor"),
    ] {
        let found = fields(|spec| {
            spec.fidelity = fidelity;
            spec.scheduler = hyperband(3);
        });
        assert_eq!(found, [field]);
    }
}

#[test]
fn plan_wants_points_for_a_grid_over_floats() {
    assert_eq!(fields(|spec| spec.sampler = Sampler::Grid { points: None }), ["sampler.grid.points"]);
    assert_eq!(fields(|spec| spec.sampler = Sampler::Grid { points: Some(1) }), ["sampler.grid.points"]);
    assert!(fields(|spec| spec.sampler = Sampler::Grid { points: Some(2) }).is_empty());
}

#[test]
fn overview_adds_up_a_pass() {
    let mut spec = spec();
    spec.scheduler = hyperband(3);
    let overview = Plan::new(spec).unwrap().overview();
    // 9@1 3@3 1@9 | 5@3 1@9 | 3@9
    assert_eq!(overview.levels, [1, 3, 9]);
    assert_eq!(overview.trials, Some(17));
    assert_eq!(overview.resumed, Some(9 + 3 * 2 + 6 + 5 * 3 + 6 + 27));
    assert_eq!(overview.restarted, Some(9 + 9 + 9 + 15 + 9 + 27));
    assert_eq!(overview.plain, Some(17 * 9));
}

#[test]
fn audits_are_at_most_a_fifth_and_of_ladders_that_stop_for_a_rank() {
    let with = |audit: f64, scheduler| {
        fields(|spec| {
            (spec.audit, spec.scheduler) = (audit, scheduler);
        })
    };
    assert!(with(0.2, hyperband(3)).is_empty());
    for audit in [0.21, -0.1, f64::NAN] {
        assert_eq!(with(audit, hyperband(3)), ["scheduler.hyperband.audit"]);
    }
    assert_eq!(with(0.1, Scheduler::Dehb { reduction_factor: 3 }), ["sampler.random", "scheduler.dehb.audit"]);
    let exploit = Exploit::Tournament;
    let population = Scheduler::PopulationBased { population: 4, interval: 1, exploit, resample_percent: 25 };
    let found = with(0.1, population);
    assert!(found.contains(&"scheduler.populationBased.audit".to_owned()), "{found:?}");
}

#[test]
fn overview_expects_audits() {
    let mut spec = spec();
    (spec.scheduler, spec.audit) = (hyperband(3), 0.2);
    let overview = Plan::new(spec).unwrap().overview();
    // Of 9@1 3@3 1@9 | 5@3 1@9 | 3@9, a fifth of the 6 that lose at 1, and of the 2 and 4 that do at 3.
    assert_eq!(overview.audited, 2);
    assert_eq!(overview.resumed, Some(9 + 3 * 2 + 6 + 5 * 3 + 6 + 27 + 17));
    assert_eq!(overview.restarted, Some(9 + 9 + 9 + 15 + 9 + 27 + 22));
    assert_eq!(overview.plain, Some(17 * 9));
}

#[test]
fn overview_of_plain_search_is_its_limit_or_its_space() {
    assert_eq!(Plan::new(spec()).unwrap().overview().plain, Some(180));
    let mut grid = spec();
    grid.sampler = Sampler::Grid { points: Some(7) };
    assert_eq!(Plan::new(grid).unwrap().overview().trials, Some(7));
}

#[test]
fn plan_refuses_what_the_kind_of_fidelity_cannot_carry() {
    let none = [""; 0];
    let asha = |form| Scheduler::Asha { reduction_factor: 3, brackets: 1, form };
    let through = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: true };
    let halving = Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: None, run_through: true };
    let (fresh, repeat) = (FidelityKind::Fresh, FidelityKind::Repeat);
    for (kind, scheduler, wrong) in [
        (fresh, hyperband(3), &none[..]),
        (fresh, Scheduler::None, &none),
        (fresh, asha(AshaForm::Promotion), &none),
        (fresh, asha(AshaForm::Stopping), &["scheduler.asha.form"]),
        (fresh, through, &["scheduler.hyperband.withoutCheckpoint"]),
        (fresh, halving, &["scheduler.successiveHalving.withoutCheckpoint"]),
        (repeat, hyperband(3), &none),
        (repeat, asha(AshaForm::Stopping), &none),
        (repeat, through, &["scheduler.hyperband.withoutCheckpoint"]),
    ] {
        let found = fields(|spec| (spec.kind, spec.scheduler) = (kind, scheduler));
        assert_eq!(found, wrong, "{kind:?} {scheduler:?}");
    }
    let rules = |spec: &mut PlanSpec| spec.stopping = vec![StoppingRule::Median { trials: 3, warm_up: 0 }];
    assert!(fields(|spec| rules(spec)).is_empty());
    assert!(
        fields(|spec| {
            rules(spec);
            spec.kind = repeat;
        })
        .is_empty()
    );
    assert_eq!(
        fields(|spec| {
            rules(spec);
            spec.kind = fresh;
        }),
        ["stopping"]
    );
    let wide = |kind| fields(|spec| (spec.kind, spec.fidelity) = (kind, Some(FidelityRange { min: 1, max: 65 })));
    assert_eq!((wide(repeat), wide(fresh)), (vec!["fidelity.max".to_owned()], Vec::new()));
}

#[test]
fn only_what_is_new_is_paid_where_a_trial_can_go_on() {
    let resumes = |kind, resumable| {
        let mut spec = spec();
        (spec.kind, spec.resumable, spec.scheduler) = (kind, resumable, hyperband(3));
        Plan::new(spec).unwrap().resumes()
    };
    use FidelityKind::{Cumulative, Fresh, Repeat};
    assert_eq!([resumes(Cumulative, true), resumes(Cumulative, false)], [true, false]);
    assert_eq!([resumes(Fresh, true), resumes(Fresh, false)], [false, false]);
    assert_eq!([resumes(Repeat, true), resumes(Repeat, false)], [true, true]);
}

#[test]
fn dehb_proposes_by_itself_and_has_no_end_of_its_own() {
    let dehb = |spec: &mut PlanSpec| {
        spec.sampler = Sampler::Automatic;
        spec.scheduler = Scheduler::Dehb { reduction_factor: 3 };
    };
    let with = |change: &dyn Fn(&mut PlanSpec)| {
        fields(|spec| {
            dehb(spec);
            change(spec);
        })
    };
    assert!(with(&|_| {}).is_empty());
    assert!(with(&|spec| spec.kind = FidelityKind::Fresh).is_empty());
    assert_eq!(with(&|spec| spec.sampler = Sampler::Bohb), ["sampler.bohb"]);
    assert_eq!(with(&|spec| spec.settings.limits = Limits::default()), ["limits"]);
    assert_eq!(
        with(&|spec| spec.scheduler = Scheduler::Dehb { reduction_factor: 1 }),
        ["scheduler.dehb.reductionFactor"]
    );
    assert_eq!(
        with(&|spec| spec.fidelity = Some(FidelityRange { min: 5, max: 9 })),
        ["scheduler.dehb.reductionFactor"]
    );
    let second = |spec: &mut PlanSpec| {
        spec.further = vec![Objective { metric: "second".to_owned(), ..spec.objective.clone() }];
    };
    assert_eq!(with(&second), ["scheduler.dehb.rankBy"]);
    assert!(
        with(&|spec| {
            second(spec);
            spec.rank_by = Some(1);
        })
        .is_empty()
    );
}

#[test]
fn population_has_levels_at_its_interval_and_says_what_it_needs() {
    let spread = |min, max, interval| {
        let mut spec = spec();
        spec.fidelity = Some(FidelityRange { min, max });
        spec.scheduler = population(10, interval, Exploit::Truncation { percent: 20 });
        Plan::new(spec).map(|plan| plan.levels().to_vec())
    };
    assert_eq!(spread(1, 9, 3), Ok(vec![1, 4, 7, 9]));
    assert_eq!(spread(3, 9, 3), Ok(vec![3, 6, 9]));
    assert_eq!(spread(1, 9, 100), Ok(vec![1, 9]));
    assert_eq!(spread(1, 64, 1).unwrap().len(), 64);
    let error = spread(1, 65, 1).unwrap_err().remove(0);
    assert_eq!(error.field, "scheduler.populationBased.interval");
    assert!(error.message.contains("at least 2") && error.message.contains("given 1"), "{error}");
    assert_eq!(spread(1, 65, 2).unwrap().len(), 33);

    let plan =
        Plan::new(PlanSpec { scheduler: population(10, 3, Exploit::Truncation { percent: 25 }), ..spec() }).unwrap();
    let overview = plan.overview();
    assert_eq!((overview.trials, overview.resumed, overview.restarted), (Some(10 + 3 * 2), Some(90), None));
    let with = |scheduler: Scheduler, change: &dyn Fn(&mut PlanSpec)| {
        fields(|spec| {
            spec.scheduler = scheduler;
            change(spec);
        })
    };
    let good = population(4, 2, Exploit::Tournament);
    assert!(with(good, &|spec| spec.settings.limits = Limits::default()).is_empty(), "it ends by itself");
    for (field, scheduler) in [
        ("population", population(1, 2, Exploit::Tournament)),
        ("population", population(1_001, 2, Exploit::Tournament)),
        ("interval", population(4, 0, Exploit::Tournament)),
        ("percent", population(4, 2, Exploit::Truncation { percent: 0 })),
        ("percent", population(4, 2, Exploit::Truncation { percent: 51 })),
        (
            "resamplePercent",
            Scheduler::PopulationBased {
                population: 4,
                interval: 2,
                exploit: Exploit::Tournament,
                resample_percent: 101,
            },
        ),
    ] {
        assert_eq!(with(scheduler, &|_| {}), [format!("scheduler.populationBased.{field}")]);
    }
    assert_eq!(with(good, &|spec| spec.fidelity = None), ["fidelity"]);
    assert_eq!(with(good, &|spec| spec.fidelity = Some(FidelityRange { min: 9, max: 9 })), ["fidelity.max"]);
    assert_eq!(with(good, &|spec| spec.resumable = false), ["resumable"]);
    assert_eq!(with(good, &|spec| spec.kind = FidelityKind::Fresh), ["fidelity.kind"]);
    assert_eq!(with(good, &|spec| spec.kind = FidelityKind::Repeat), ["fidelity.kind"]);
    let rule = StoppingRule::Threshold { value: 1.0, warm_up: 0 };
    assert_eq!(with(good, &|spec| spec.stopping = vec![rule]), ["stopping"]);
    let second = |spec: &mut PlanSpec| {
        spec.further = vec![Objective { metric: "second".to_owned(), ..spec.objective.clone() }];
    };
    assert_eq!(with(good, &second), ["scheduler.populationBased.rankBy"]);
}

fn population(population: u32, interval: u32, exploit: Exploit) -> Scheduler {
    Scheduler::PopulationBased { population, interval, exploit, resample_percent: 25 }
}
