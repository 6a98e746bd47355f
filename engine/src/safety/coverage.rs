//! How often the interval covers the truth: of pairs that are drawn, and of whole studies whose scheduler selects.

use super::*;
use crate::fixture;
use crate::random::{Purpose, Stream};
use crate::{Action, AshaForm, Plan, ResultKind, Scheduler, Sizes, TrialResult, Values, advance};

/// Pairs or studies of each kind.
const MANY: u64 = 400;

/// A trial's values at three levels, by its stream.
type Curve = fn(&mut Stream) -> [f64; 3];

fn normal(stream: &mut Stream) -> f64 {
    let (u, v) = (1.0 - stream.uniform(), stream.uniform());
    libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v)
}

/// Normal values, each correlated with the one before by `rho`.
fn chain(rho: f64, stream: &mut Stream) -> [f64; 3] {
    let first = normal(stream);
    let mut next = |before: f64| rho * before + libm::sqrt(1.0 - rho * rho) * normal(stream);
    let second = next(first);
    [first, second, next(second)]
}

fn loose(stream: &mut Stream) -> [f64; 3] {
    chain(0.4, stream)
}

fn firm(stream: &mut Stream) -> [f64; 3] {
    chain(0.9, stream)
}

/// Three in ten diverge, and are alike ever after.
fn diverging(stream: &mut Stream) -> [f64; 3] {
    let values = chain(0.6, stream);
    if stream.uniform() < 0.3 { [9.0; 3] } else { values }
}

/// Three in ten are of another kind: what is good early is bad late.
fn crossing(stream: &mut Stream) -> [f64; 3] {
    let values = chain(0.9, stream);
    if stream.uniform() < 0.3 { [-values[0], values[1], values[2]] } else { values }
}

/// Those that are bad early stay so; the order of the others is open.
fn half_open(stream: &mut Stream) -> [f64; 3] {
    let [quality, second, third] = [0; 3].map(|_| stream.uniform());
    if quality > 0.5 {
        [quality, quality + 0.1 * second, quality + 0.1 * third]
    } else {
        [quality, second / 2.0, third / 2.0]
    }
}

const KINDS: [(&str, Curve); 5] =
    [("loose", loose), ("firm", firm), ("diverging", diverging), ("crossing", crossing), ("half open", half_open)];

/// The rank correlation of two levels over so many curves that it is known well.
fn truth(curve: Curve, from: usize, to: usize) -> f64 {
    let mut stream = Stream::new(99, Purpose::TrialSeed, 0);
    let pairs: Vec<(f64, f64)> = (0..30_000).map(|_| curve(&mut stream)).map(|at| (at[from], at[to])).collect();
    correlation(from, to, &pairs).unwrap().estimate
}

#[test]
fn truth_of_normal_curves_is_that_of_the_formula() {
    for (rho, curve) in [(0.4, loose as Curve), (0.9, firm)] {
        // Spearman's correlation of two normal values with Pearson's rho.
        let of = |rho: f64| 6.0 / std::f64::consts::PI * libm::asin(rho / 2.0);
        assert!((truth(curve, 0, 1) - of(rho)).abs() < 0.01);
        assert!((truth(curve, 0, 2) - of(rho * rho)).abs() < 0.01);
    }
}

#[test]
fn interval_covers_the_truth_as_often_as_it_says() {
    let mut stream = Stream::new(3, Purpose::Parameters, 0);
    for (name, curve) in KINDS {
        let truth = truth(curve, 0, 2);
        for count in [10, 20, 60] {
            let covers = |_: &u64| {
                let curves = (0..count).map(|_| curve(&mut stream));
                let pairs: Vec<(f64, f64)> = curves.map(|at| (at[0], at[2])).collect();
                let found = correlation(0, 2, &pairs).unwrap();
                (found.low..=found.high).contains(&truth)
            };
            let share = (0..2 * MANY).filter(covers).count() as f64 / (2 * MANY) as f64;
            assert!((0.93..=0.998).contains(&share), "{name}, {count} pairs: {share}");
        }
    }
}

/// Plays a study to its end: whoever runs to a level reports on the way what its curve says.
fn play(plan: &Plan, curve: Curve) -> State<'static> {
    let mut state = State::new(plan);
    let mut open: Vec<TrialResult> = Vec::new();
    loop {
        let decision = advance(plan, &mut state, &open, 0);
        if decision.actions.is_empty() {
            return state.into_owned();
        }
        open.clear();
        for action in &decision.actions {
            let (Action::Start { number, level, .. } | Action::Continue { number, level, .. }) = *action else {
                continue;
            };
            let values = curve(&mut Stream::new(plan.spec().seed, Purpose::TrialSeed, u64::from(number.0)));
            let observed =
                (0..=level).zip(values).map(|(level, value)| ResultKind::observed(level, Values::once(value)));
            let rested = ResultKind::rested(level, u64::from(plan.fidelity(level)));
            open.extend(observed.chain([rested]).map(|kind| TrialResult { number, kind }));
        }
    }
}

fn plan(seed: u64, change: impl FnOnce(&mut crate::PlanSpec)) -> Plan {
    let mut spec = fixture::spec();
    (spec.seed, spec.settings.parallelism) = (seed, 9);
    change(&mut spec);
    Plan::new(spec).unwrap()
}

/// Of those that rungs have let pass.
fn of_survivors(plan: &Plan, state: &State<'_>, from: usize, to: usize) -> Option<Correlation> {
    let value = |trial: &Trial<'_>, level| trial.values_at(level).map(|shown| shown.values.last);
    let sample: Vec<u32> = unjudged(plan, state, to).iter().map(|trial| trial.number.0).collect();
    let survivors = state.trials().iter().filter(|trial| !sample.contains(&trial.number.0));
    let pairs: Vec<(f64, f64)> = survivors.filter_map(|trial| Some((value(trial, from)?, value(trial, to)?))).collect();
    correlation(from, to, &pairs)
}

/// Of all that is said of rungs, the share in which the interval covers the truth; and of what could be said of the lowest rung by its
/// survivors, the share in which it would not.
fn shares(curve: Curve, plan: &dyn Fn(u64) -> Plan) -> (f64, f64) {
    let truths = [0, 1].map(|from| [1, 2].map(|to| if from < to { truth(curve, from, to) } else { 1.0 }));
    let covers = |found: &Correlation| (found.low..=found.high).contains(&truths[found.from][found.to - 1]);
    let (mut known, mut rungs, mut covered, mut misled, mut by_survivors) = (0, 0, 0, 0, 0);
    for seed in 0..MANY {
        let plan = plan(seed);
        let state = play(&plan, curve);
        // Of a hundred trials less than ten may be audited.
        let Safety::Known(found) = safety_of(&plan, &state) else { continue };
        known += 1;
        rungs += found.len();
        covered += found.iter().filter(|rung| covers(rung)).count();
        if let Some(found) = of_survivors(&plan, &state, 0, found[0].to) {
            by_survivors += 1;
            misled += usize::from(!covers(&found));
        }
    }
    assert!(known > MANY * 9 / 10, "too few pairs in too many studies: {known}");
    (covered as f64 / rungs as f64, misled as f64 / by_survivors.max(1) as f64)
}

#[test]
fn interval_covers_the_truth_in_studies_whose_scheduler_selects() {
    // Eight passes of `9@1 3@3 1@9 | 5@3 1@9 | 3@9`: 24 trials begin at the top.
    let hyperband = |seed| {
        plan(seed, |spec| {
            spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
            spec.settings.limits.trials = Some(17 * 8);
        })
    };
    // One bracket `27@1 9@3 3@9` again and again, and an asynchronous one: who is audited is all there is.
    let halving = |seed| {
        plan(seed, |spec| {
            spec.scheduler =
                Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: Some(27), run_through: false };
            (spec.audit, spec.settings.limits.trials) = (0.2, Some(27 * 4));
        })
    };
    let asha = |seed| {
        plan(seed, |spec| {
            spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form: AshaForm::Promotion };
            (spec.audit, spec.settings.limits.trials) = (0.2, Some(120));
        })
    };
    let plans: [(&str, &dyn Fn(u64) -> Plan); 3] = [("hyperband", &hyperband), ("halving", &halving), ("asha", &asha)];
    for (scheduler, plan) in plans {
        let mut most_misled = 0.0_f64;
        for (name, curve) in KINDS {
            let (share, misled) = shares(curve, plan);
            assert!((0.93..=0.998).contains(&share), "{scheduler}, {name}: {share}");
            most_misled = most_misled.max(misled);
        }
        // The test can fail: what those say whom the rungs have let pass is wrong more often.
        assert!(scheduler != "hyperband" || most_misled > 0.3, "selection misleads nobody: {most_misled}");
    }
}
