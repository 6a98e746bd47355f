//! A study that ends by the hours of a resource that its runs have used.

use trimtab_api::conditions::reason;

use crate::scene::{Scene, has, study, trial};

/// One second of a run is two hours of a CPU, so that the limit comes at once.
fn of(hours: u32) -> String {
    let container = ", resources: {requests: {cpu: 7200}}";
    study(&format!(
        "parallelism: 1\nlimits: {{trials: 2, resourceHours: [{{resource: cpu, hours: {hours}}}]}}\n{}",
        trial(container, "", "")
    ))
}

#[test]
fn hours_of_a_resource_end_a_study_and_more_of_them_let_it_go_on() {
    // The first run of a trial hangs behind its value, and the next one does not.
    let program =
        "echo loss=0.5\nif [ \"$TRIMTAB_RUN\" = 1 ] && [ \"$TRIMTAB_TRIAL\" = 0 ]; then exec sleep 1000; fi\n";
    let scene = Scene::new(&of(1), program);
    let ran = scene.run();
    has(&ran.err, &["complete (ResourceHoursReached)"]);
    let run = scene.status(0).runs[0].end.clone().unwrap();
    assert_eq!(run.reason, reason::SUSPENDED);
    let used = scene.book().objects().0.status.unwrap().resource_hours;
    assert_eq!(used.len(), 1);
    assert!(used[0].hours >= 2.0 && (used[0].hours - 2.0 * run.seconds as f64).abs() < 1e-9, "{used:?}");
    has(&scene.trimtab(&["explain", "tuned"]).out, &["ResourceHoursReached", " of 1 hours of cpu"]);
    // It is known from the journal, so another session has nothing left to spend.
    assert_eq!(scene.run().code, ran.code);
    assert_eq!(scene.status(0).runs.len(), 1);
    scene.write("study.yaml", &of(1_000_000));
    has(&scene.run().err, &["complete (TrialsReached): 2 trials"]);
    has(&scene.trimtab(&["explain", "tuned", "--verify"]).out, &[" 0 mismatches"]);
    scene.is_sound();
}
