use super::rested_run;
use crate::conditions::reason;
use crate::study::Origin;
use crate::trial::Run;
use crate::whole::tests::Player;

/// A run that was killed after it had saved more than it had printed; the next one goes on there and has nothing to say.
fn killed_between_saving_and_printing(kind: &str, target: u32) -> Player {
    let mut player = Player::new(kind);
    player.begin(target);
    player.print(Some(1.0), 0.5);
    player.print(Some(2.0), 0.6);
    player.end(reason::EVICTED, "the node was short of memory");
    let run = player.begin(target);
    assert_eq!(run.resume_from, Some(1));
    player
}

#[test]
fn a_checkpoint_ahead_of_its_log_is_no_failure_and_is_not_gone_on_from_again() {
    for kind in ["Cumulative", "Fresh"] {
        let mut player = killed_between_saving_and_printing(kind, 3);
        assert_eq!(player.finish(), reason::LOG_LOST, "{kind}");
        assert_eq!((player.status.retries, &player.status.outcome), (2, &None), "{kind}");
        let run = player.begin(3);
        assert_eq!((run.resume_from, run.start.as_str()), (None, "0"), "{kind}");
        for epoch in 1..=3_u8 {
            player.print(Some(f64::from(epoch)), [0.5, 0.6, 0.75][usize::from(epoch) - 1]);
        }
        assert_eq!(player.finish(), reason::REACHED, "{kind}");
        assert_eq!(player.value(3), Some(0.75), "{kind}");
    }
}

#[test]
fn who_goes_on_and_prints_has_reached_its_level() {
    let mut player = killed_between_saving_and_printing("Cumulative", 3);
    player.print(Some(3.0), 0.7);
    assert_eq!(player.finish(), reason::REACHED);
    assert_eq!(player.begin(9).resume_from, Some(2));
}

#[test]
fn who_begins_at_zero_and_prints_nothing_has_failed() {
    let mut player = Player::new("Cumulative");
    player.begin(3);
    assert_eq!(player.finish(), reason::NO_METRIC);
    assert!(player.status.outcome.is_some());
}

#[test]
fn a_copy_begins_from_its_donors_run_until_it_has_one_of_its_own() {
    let origin = |run| Origin { trial: 4, level: 1, run, start: Some("1".to_owned()) };
    let began = |run: &Run| (run.resume_trial, run.resume_from, run.start.clone());
    let donors = (Some(4), Some(2), "1".to_owned());
    let mut player = Player::copy("Cumulative", origin(Some(2)));
    assert_eq!(began(&player.begin(3)), donors);
    player.end(reason::EVICTED, "the node was short of memory");
    assert_eq!(began(&player.begin(3)), donors, "it has nothing of its own yet");
    player.print(Some(2.0), 0.6);
    player.end(reason::EVICTED, "the node was short of memory");
    assert_eq!(began(&player.begin(3)), (None, Some(2), "2".to_owned()), "its own second run");
    player.print(Some(3.0), 0.7);
    assert_eq!(player.finish(), reason::REACHED);
    assert_eq!(player.status.spent_fidelity, 2, "from epoch 1 to 3");

    // A donor whose run nobody knows any more, and a checkpoint with nothing to go on with: from zero.
    assert_eq!(began(&Player::copy("Cumulative", origin(None)).begin(3)), (None, None, "0".to_owned()));
    let mut player = Player::copy("Cumulative", origin(Some(2)));
    player.begin(3);
    assert_eq!(player.finish(), reason::LOG_LOST);
    assert_eq!(began(&player.begin(3)), (None, None, "0".to_owned()));
    player.print(Some(1.0), 0.5);
    player.print(Some(3.0), 0.7);
    assert_eq!((player.finish(), player.status.spent_fidelity), (reason::REACHED, 3));
}

#[test]
fn a_copy_of_a_donor_with_nothing_left_to_do_begins_from_the_run_before() {
    let mut player = Player::new("Cumulative");
    player.begin(1);
    for epoch in 1..=3_u8 {
        player.print(Some(f64::from(epoch)), 0.5);
    }
    player.end(reason::OVERRAN, "the run went on to 3");
    assert_eq!(rested_run(&player.status.runs, 1), Some((1, "3".to_owned())));
    // What it had already trained was known, so the next run has nothing to print, and saves nothing.
    assert_eq!(player.begin(3).resume_from, Some(1));
    assert_eq!(player.finish(), reason::REACHED);
    assert_eq!(rested_run(&player.status.runs, 3), Some((1, "3".to_owned())));
}
