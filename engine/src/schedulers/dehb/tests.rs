use super::*;
use crate::fixture::{Study, short};
use crate::plan::{Sampler, Scheduler, Sizes};
use crate::{Decision, Outcome, TrialNumber};

/// Brackets of 9@1 3@3 1@9, 5@3 1@9 and 3@9: 17 trials in the first pass.
fn study(parallelism: u32, trials: u32) -> Study {
    Study::new(|spec| {
        spec.sampler = Sampler::Automatic;
        spec.scheduler = Scheduler::Dehb { reduction_factor: 3 };
        spec.settings.parallelism = parallelism;
        spec.settings.limits.trials = Some(trials);
    })
}

/// Lets whoever was sent somewhere arrive there.
fn arrive(study: &mut Study, decision: &Decision, value: impl Fn(u32, usize) -> f64) {
    for action in &decision.actions {
        if let Action::Start { number, level, .. } | Action::Continue { number, level, .. } = action {
            study.reach(number.0, *level, value(number.0, *level));
        }
    }
}

/// Plays a study to its end, everybody arriving at once; what was done, in short.
fn play(study: &mut Study, value: impl Fn(u32, usize) -> f64) -> Vec<String> {
    let mut acts = Vec::new();
    loop {
        let decision = study.step();
        if decision.actions.is_empty() {
            return acts;
        }
        acts.extend(decision.actions.iter().map(short));
        arrive(study, &decision, &value);
    }
}

fn mixed(number: u32, level: usize) -> f64 {
    f64::from(number.wrapping_mul(2_654_435_761) >> (9 + level) & 1023)
}

fn dehb(study: &Study) -> (State<'_>, Dehb) {
    let state = State::fold(&study.plan, &study.history);
    let crate::schedulers::Memo::Dehb(dehb) = state.memo() else { panic!("another memo") };
    let dehb = (**dehb).clone();
    (state, dehb)
}

fn last_stop(decision: &Decision, of: u32) -> (Reason, Comparison) {
    let stop = decision.actions.iter().find_map(|action| match action {
        Action::Stop { number, reason, compared } if number.0 == of => Some((*reason, compared.unwrap())),
        _ => None,
    });
    stop.unwrap()
}

#[test]
fn first_pass_is_that_of_hyperband() {
    for parallelism in [1, 2, 5, 40] {
        let mut theirs = Study::new(|spec| {
            spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: false };
            spec.settings.parallelism = parallelism;
            spec.settings.limits.trials = Some(17);
        });
        assert_eq!(play(&mut study(parallelism, 17), mixed), play(&mut theirs, mixed), "{parallelism} at once");
    }
}

#[test]
fn each_place_of_a_later_rung_is_a_trial_of_its_own() {
    let mut study = study(1, 40);
    let acts = play(&mut study, mixed);
    let first = acts.iter().position(|act| act.contains(" in 3 ")).unwrap();
    let later: Vec<&str> = acts[first..].iter().map(String::as_str).collect();
    let mut expected: Vec<String> = Vec::new();
    let mut number = 17;
    // The bracket with its sizes by level, the highest last; below it whoever has arrived is stopped.
    for (bracket, rungs) in [(3, vec![(0, 9), (1, 3), (2, 1)]), (4, vec![(1, 5), (2, 1)]), (5, vec![(2, 3)])] {
        for (level, size) in rungs {
            for _ in 0..size {
                expected.push(format!("start {number} in {bracket} to {level}"));
                if level < 2 {
                    expected.push(format!("stop {number} Evaluated"));
                }
                number += 1;
            }
        }
    }
    assert_eq!(later[..expected.len()], expected);
    assert_eq!(crate::verify::verify(&study.plan, &study.history), []);
}

#[test]
fn a_bracket_that_waits_idles_nobody() {
    let mut study = study(1, 17);
    play(&mut study, mixed);
    study.settings(|settings| (settings.parallelism, settings.limits.trials) = (12, Some(60)));
    // Nine in the next bracket, and three in the one after it.
    let decision = study.step();
    let acts: Vec<String> = decision.actions.iter().map(short).collect();
    assert_eq!((acts[8].as_str(), acts[9].as_str(), acts.len()), ("start 25 in 3 to 0", "start 26 in 4 to 1", 12));
    for number in 17..25 {
        study.reach(number, 0, mixed(number, 0));
    }
    // One of the nine is still out: the rung above waits, the other bracket takes its last two, and a third bracket begins.
    let acts = study.acts();
    assert_eq!(
        acts[8..],
        [
            "start 29 in 4 to 1",
            "start 30 in 4 to 1",
            "start 31 in 5 to 2",
            "start 32 in 5 to 2",
            "start 33 in 5 to 2",
            "start 34 in 6 to 0",
            "start 35 in 6 to 0",
            "start 36 in 6 to 0"
        ]
    );
    // Its failure ends the waiting, and the oldest bracket comes first.
    study.end(25, Outcome::Failed);
    assert_eq!(study.acts(), ["start 37 in 3 to 1"]);
}

#[test]
fn a_bracket_is_begun_beside_others_only_if_all_can_be_paid() {
    // The first pass costs 21, 21 and 27 epochs, the brackets behind it 27, 24 and 27: the first of them fits into 108, not the second.
    let mut study = study(40, 1_000);
    study.settings(|settings| settings.limits.full_trainings = Some(12));
    let decision = study.step();
    assert_eq!(decision.actions.len(), 17 + 9);
    arrive(&mut study, &decision, mixed);
    // What their promotions need was kept for them.
    let promoted =
        |decision: &Decision| decision.actions.iter().filter(|a| matches!(a, Action::Continue { .. })).count();
    assert_eq!(promoted(&study.step()), 3 + 1);
}

#[test]
fn a_place_goes_to_what_is_no_worse() {
    let mut study = study(1, 17);
    play(&mut study, |_, _| 5.0);
    study.settings(|settings| settings.limits.trials = Some(60));
    // The places of the lowest level are held by trials 0 to 8; the next nine compete for them in turn.
    let holder = |study: &Study, place: usize| dehb(study).1.levels[0].holder(place);
    assert_eq!((0..9).map(|place| holder(&study, place)).collect::<Vec<_>>(), (0..9).map(Some).collect::<Vec<_>>());
    let values = [4.0, 6.0, 5.0, f64::NAN, f64::INFINITY];
    for (place, value) in values.into_iter().enumerate() {
        let number = 17 + u32::try_from(place).unwrap();
        study.step();
        study.reach(number, 0, value);
        let (reason, compared) = last_stop(&study.step(), number);
        let expected = match place {
            0 => (Reason::Evaluated, 1, 2, number),
            1 => (Reason::Evaluated, 2, 2, 1),
            2 => (Reason::Evaluated, 1, 2, number),
            _ => (Reason::NotFinite, 2, 2, u32::try_from(place).unwrap()),
        };
        let found = (reason, compared.rank, compared.of, holder(&study, place).unwrap());
        assert_eq!((found, compared.cutoff, compared.kept), (expected, 5.0, 1), "place {place}");
    }
}

#[test]
fn who_fails_after_all_gives_its_place_back() {
    let mut study = study(9, 17);
    let first = study.step();
    arrive(&mut study, &first, |number, _| f64::from(number));
    study.step();
    assert_eq!(dehb(&study).1.levels[0].holder(0), Some(0));
    // It was promoted, and holds its place above once it has a value there.
    assert_eq!(dehb(&study).1.levels[1].holder(0), None);
    study.end(0, Outcome::Failed);
    let (_, memo) = dehb(&study);
    assert_eq!((memo.levels[0].holder(0), memo.levels[0].holder(1)), (None, Some(1)));
    assert_eq!(memo.levels[0].holders(), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn mates_are_the_best_of_the_level_below() {
    let mut study = study(1, 26);
    play(&mut study, mixed);
    study.settings(|settings| settings.limits.trials = Some(60));
    let (state, memo) = dehb(&study);
    // The lowest rung of the fourth bracket is done: now three are bred for the level above.
    let breeding = memo.breeding(&study.plan).unwrap();
    let mut low: Vec<(f64, u32)> = Vec::new();
    for place in 0..9 {
        // What came later wins a tie, but there is none here.
        low.push([place, 17 + place].map(|n| (mixed(n, 0), n)).into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap());
    }
    low.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(breeding.level, 1);
    assert_eq!(breeding.mates, low[..3].iter().map(|(_, number)| *number).collect::<Vec<_>>());
    // Eight were sent to that level in the first pass, three of them promoted, and it has five places.
    assert_eq!(breeding.place, 3);
    assert_eq!(breeding.target, memo.levels[1].holder(3));
    assert!(state.trial(breeding.target.unwrap()).unwrap().values_at(1).is_some());
}

#[test]
fn a_removed_trial_keeps_its_place_on_its_rung() {
    let mut study = study(1, 40);
    play(&mut study, mixed);
    let gone = TrialNumber(18);
    for batch in &mut study.history.batches {
        batch.actions.retain(|action| action.number() != gone);
        batch.admitted.retain(|result| result.number != gone);
    }
    let (state, memo) = dehb(&study);
    assert!(state.trial(18).unwrap().is_hole());
    assert_eq!((memo.later[&3][0].members, memo.later[&3][0].waiting), (9, 0));
    study.settings(|settings| settings.limits.trials = Some(80));
    play(&mut study, mixed);
    assert_eq!(study.history.next_number, 80);
}

#[test]
fn what_makes_no_sense_in_a_log_breaks_nothing() {
    let mut study = study(1, 30);
    play(&mut study, mixed);
    for batch in &mut study.history.batches {
        for action in &mut batch.actions {
            match action {
                Action::Start { level, .. } if *level == 1 => *level = 60,
                Action::Continue { cleared, .. } => *cleared = 60,
                _ => {}
            }
        }
    }
    // Who was sent further than it went holds its slot for ever.
    study.settings(|settings| (settings.parallelism, settings.limits.trials) = (40, Some(50)));
    play(&mut study, mixed);
    assert_eq!(study.history.next_number, 50);
}
