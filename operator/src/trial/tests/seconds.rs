//! How long a run took: from its container's start to its end, whoever was there to see it.

use trimtab_api::trial::RunEnd;

use super::*;

fn at(seconds_ago: i64) -> Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time> {
    let at = now().checked_sub(SignedDuration::from_secs(seconds_ago)).unwrap();
    Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at))
}

/// Run 1, as an operator knew it that saw its container begin so long ago.
fn since(seconds_ago: i64) -> TrialStatus {
    let mut status = running();
    status.runs[0].pod_name = Some("digits-0004-1-abcde".to_owned());
    status.runs[0].start_time = at(seconds_ago);
    status
}

fn in_state(phase: &str, state: Value) -> Pod {
    pod(json!({"phase": phase, "containerStatuses": [status_of(state)]}))
}

/// What the end of run 1 costs, and what all runs do.
fn cost(step: &Step) -> (u64, u64) {
    (step.status.runs[0].end.as_ref().unwrap().seconds, step.status.run_seconds)
}

#[test]
fn an_operator_that_was_away_counts_what_the_node_says() {
    // It ran for forty seconds and ended ten seconds ago; nobody saw it begin, or it was seen.
    for status in [running(), since(50), since(9)] {
        let ended = Case::new(study(|_| {}), trial(status), &[exited(0, "Completed")]);
        assert_eq!(cost(&ended.said(&[(1.0, 0.5), (3.0, 0.3)], true).step()), (40, 40));
    }
    // It began before the operator looked, and the time that counts began with it.
    let begun = ordinary(&[in_state("Running", json!({"running": {"startedAt": ago(50)}}))]).step();
    assert_eq!(begun.status.runs[0].start_time, at(50));
    // A node's clock may be ahead, or far behind.
    for (says, held) in [(-30, 0), (9_000, 100)] {
        let begun = ordinary(&[in_state("Running", json!({"running": {"startedAt": ago(says)}}))]).step();
        assert_eq!(begun.status.runs[0].start_time, at(held));
    }
}

#[test]
fn what_nobody_saw_end_counts_until_it_is_found_gone() {
    let gone = |status| Case::new(study(|_| {}), trial(status), &[]).with(|seen| seen.job = JobSeen::Absent).step();
    assert_eq!(cost(&gone(since(30))), (30, 30));
    assert_eq!(cost(&gone(running())), (0, 0), "queueing costs nothing");
    let unknown = json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}});
    let lost = Case::new(study(|_| {}), trial(since(30)), &[in_state("Failed", unknown)]).said(&[], true);
    assert_eq!(cost(&lost.step()), (30, 30));
}

#[test]
fn a_container_that_never_ran_did_not_begin_in_1970() {
    let never = json!({"terminated": {
        "exitCode": 128, "reason": "StartError", "message": "exec: not found",
        "startedAt": "1970-01-01T00:00:00Z", "finishedAt": ago(10),
    }});
    let step = ordinary(&[in_state("Failed", never)]).said(&[], true).step();
    assert_eq!(step.status.runs[0].end.as_ref().unwrap().reason, reason::CONFIG);
    assert_eq!(cost(&step), (0, 0));
}

#[test]
fn a_run_that_was_told_to_end_counts_until_it_has() {
    let mut status = since(50);
    status.run_seconds = 40 + 7;
    status.runs[0].end = Some(RunEnd {
        reason: reason::TIMEOUT.to_owned(),
        message: String::new(),
        exit_code: None,
        time: at(10).unwrap(),
        seconds: 40,
        uncounted: false,
        gone: false,
    });
    let late = json!({"terminated": {"exitCode": 137, "reason": "Error", "startedAt": ago(50), "finishedAt": ago(2)}});
    let mut case = Case::new(study(|_| {}), trial(status), &[in_state("Failed", late)]);
    assert_eq!(trimtab_api::resources::settled_seconds(&case.seen.status), 7, "its forty seconds are put right later");
    (case.seen.current, case.seen.job) = (Some(0), JobSeen::Absent);
    let settled = case.step();
    assert_eq!(cost(&settled), (48, 48 + 7));
    assert_eq!(trimtab_api::resources::settled_seconds(&settled.status), 48 + 7);
    case.seen.pods.clear();
    assert_eq!(cost(&case.step()), (50, 50 + 7));
}

#[test]
fn a_queueing_system_that_takes_a_run_back_stops_its_clock() {
    let held = |seen: &mut Seen| {
        if let JobSeen::Present { suspended, .. } = &mut seen.job {
            *suspended = true;
        }
    };
    let taken = Case::new(study(|_| {}), trial(since(30)), &[]).with(held).step().status;
    assert_eq!((taken.runs[0].earlier_seconds, taken.runs[0].start_time.clone()), (30, None));
    let again = Case::new(study(|_| {}), trial(taken.clone()), &[]).with(held).step().status;
    assert_eq!(again.runs[0].earlier_seconds, 30);
    // Its next pod ran for forty seconds.
    let ended = Case::new(study(|_| {}), trial(taken), &[exited(0, "Completed")]);
    assert_eq!(cost(&ended.said(&[(1.0, 0.5), (3.0, 0.3)], true).step()), (70, 70));
    // Nobody saw it held: the old pod ran until the new one was made, a hundred seconds ago.
    let mut status = since(130);
    status.runs[0].pod_name = Some("digits-0004-1-other".to_owned());
    let step =
        Case::new(study(|_| {}), trial(status), &[in_state("Running", json!({"running": {"startedAt": ago(50)}}))])
            .step();
    let run = &step.status.runs[0];
    assert_eq!((run.earlier_seconds, run.start_time.clone()), (30, at(50)));
}
