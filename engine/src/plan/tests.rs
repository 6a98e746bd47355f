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
fn overview_of_plain_search_is_its_limit_or_its_space() {
    assert_eq!(Plan::new(spec()).unwrap().overview().plain, Some(180));
    let mut grid = spec();
    grid.sampler = Sampler::Grid { points: Some(7) };
    assert_eq!(Plan::new(grid).unwrap().overview().trials, Some(7));
}
