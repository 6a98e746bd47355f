use crate::fixture::{Study, short};
use crate::history::Reason;
use crate::plan::MAX_AUDIT;
use crate::{Action, AshaForm, PlanSpec, Scheduler, Settings, Sizes};

/// A study with nine slots whose seed draws these of the first nine trials.
fn study(drawn: &[u32], change: impl Fn(&mut PlanSpec)) -> Study {
    let with_seed = |seed| {
        Study::new(|spec| {
            (spec.seed, spec.audit) = (seed, MAX_AUDIT);
            spec.settings.parallelism = 9;
            spec.settings.limits.trials = Some(9);
            change(spec);
        })
    };
    let draws = |study: &Study| (0..9).filter(|&number| study.plan.audits(number)).eq(drawn.iter().copied());
    (0..).map(with_seed).find(draws).unwrap()
}

/// One bracket `9@1 3@3 1@9`.
fn halving(spec: &mut PlanSpec) {
    spec.scheduler = Scheduler::SuccessiveHalving { reduction_factor: 3, configurations: None, run_through: false };
}

/// What is done, with the reasons of those that go on.
fn acts(study: &mut Study) -> Vec<String> {
    let words = |action: &Action| match action {
        Action::Continue { reason, .. } => format!("{} {}", short(action), reason.as_str()),
        _ => short(action),
    };
    study.step().actions.iter().map(words).collect()
}

#[test]
fn whoever_is_drawn_goes_to_the_end_and_takes_nobodys_place() {
    let mut study = study(&[1, 5, 8], halving);
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    let decision = study.step();
    let acts: Vec<String> = decision.actions.iter().map(short).collect();
    assert_eq!(acts[..4], [7, 6, 4, 3].map(|n| format!("stop {n} RungLost")));
    assert_eq!(acts[4..], ["go 0 to 1", "go 1 to 1", "go 2 to 1", "go 5 to 2", "go 8 to 2"]);
    let compared: Vec<_> = decision
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Stop { reason, compared: Some(c), .. } | Action::Continue { reason, compared: Some(c), .. } => {
                Some((action.number().0, reason.as_str(), c.rank, c.kept, c.of, c.cutoff))
            }
            _ => None,
        })
        .collect();
    // Those that are not stopped are ranked among those that are there.
    assert_eq!(compared[0], (7, "RungLost", 8, 3, 9, 2.0));
    assert_eq!(compared[3], (3, "RungLost", 4, 3, 9, 2.0));
    assert_eq!(compared[5], (1, "Promoted", 2, 3, 9, 2.0));
    assert_eq!(compared[7], (5, "Audited", 4, 3, 9, 2.0));
    assert_eq!(compared[8], (8, "Audited", 5, 3, 9, 2.0));
    // The next rung is judged without them, however good they become: of three, one passes. Number 1 is drawn, and lost this time.
    study.reach(5, 1, -9.0);
    for number in 0..3 {
        study.reach(number, 1, -f64::from(number));
    }
    assert_eq!(self::acts(&mut study), ["stop 0 RungLost", "go 2 to 2 Promoted", "go 1 to 2 Audited"]);
    for number in [1, 2, 5, 8] {
        study.reach(number, 2, f64::from(number));
    }
    assert!(self::acts(&mut study).is_empty());
    let state = crate::state::State::fold(&study.plan, &study.history);
    assert_eq!([1, 2, 5, 8].map(|n| state.trial(n).unwrap().audited), [true, false, true, true]);
}

#[test]
fn what_the_limits_cannot_pay_for_is_stopped_as_any_other() {
    // Nine first epochs, 6 to promote three and 6 to promote one of them leave 15 of 36: enough for one that goes to the ninth epoch, not
    // for two.
    let mut study = study(&[5, 8], |spec| {
        halving(spec);
        spec.settings.limits.full_trainings = Some(4);
    });
    study.step();
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    let first = acts(&mut study);
    assert!(first.ends_with(&["go 2 to 1 Promoted".to_owned(), "go 5 to 2 Audited".to_owned()]), "{first:?}");
    assert_eq!(acts(&mut study), ["stop 8 RungLost"]);
}

#[test]
fn runs_that_go_on_past_their_rung_are_not_stopped() {
    let mut study = study(&[0, 8], |spec| {
        spec.scheduler = Scheduler::Hyperband { reduction_factor: 3, sizes: Sizes::Paper, run_through: true };
        spec.resumable = false;
    });
    study.step();
    for number in 0..9 {
        study.observe(number, 0, f64::from(number));
    }
    let acts = acts(&mut study);
    assert_eq!(acts[..5], [7, 6, 5, 4, 3].map(|n| format!("stop {n} RungLost")));
    assert_eq!(acts[5..], ["go 0 to 2 Promoted", "go 1 to 2 Promoted", "go 2 to 2 Promoted", "go 8 to 2 Audited"]);
}

#[test]
fn not_a_number_is_not_audited() {
    let mut study = study(&[4], halving);
    study.step();
    for number in 0..9 {
        study.reach(number, 0, if number == 4 { f64::NAN } else { f64::from(number) });
    }
    assert!(acts(&mut study).contains(&"stop 4 NotFinite".to_owned()));
}

#[test]
fn who_was_judged_keeps_its_place_when_the_log_of_its_value_is_lost() {
    let mut study = study(&[5, 8], halving);
    study.step();
    study.settings(|settings| settings.parallelism = 3);
    for number in 0..9 {
        study.reach(number, 0, f64::from(number));
    }
    assert_eq!(acts(&mut study)[4..], ["go 0 to 1 Promoted", "go 1 to 1 Promoted", "go 2 to 1 Promoted"]);
    // The Trial that held what the batch saw is deleted: its results are open again.
    let seen = std::mem::take(&mut study.history.batches[1].admitted);
    study.history.open.extend(seen);
    study.settings(|settings| settings.parallelism = 9);
    let ranks = |action: &Action| match action {
        Action::Continue { number, compared: Some(compared), .. } => (number.0, compared.rank, compared.cutoff),
        other => panic!("{other:?}"),
    };
    let ranks: Vec<_> = study.step().actions.iter().map(ranks).collect();
    assert_eq!(ranks, [(5, 4, 2.0), (8, 5, 2.0)]);
}

fn asha(form: AshaForm) -> impl Fn(&mut PlanSpec) {
    move |spec| spec.scheduler = Scheduler::Asha { reduction_factor: 3, brackets: 1, form }
}

#[test]
fn asynchronous_rung_lets_the_drawn_go_at_once_and_counts_them_as_members_only() {
    let mut study = study(&[2, 3], asha(AshaForm::Promotion));
    study.step();
    for number in [0, 1, 2] {
        study.reach(number, 0, f64::from(number));
    }
    assert_eq!(acts(&mut study), ["go 0 to 1 Promoted", "go 2 to 2 Audited"]);
    // Of four one may pass, and it has; of six two. The audited one was let past, but not as one of the best.
    study.reach(3, 0, 0.5);
    assert_eq!(acts(&mut study), ["go 3 to 2 Audited"]);
    study.reach(4, 0, 7.0).reach(5, 0, 8.0);
    // Number 3 has what would be the second place: it stays its own.
    assert!(acts(&mut study).is_empty());
    for number in 6..9 {
        study.reach(number, 0, f64::from(number));
    }
    assert_eq!(acts(&mut study), ["go 1 to 1 Promoted"]);
    // On the rung above there are two, and not four.
    study.reach(0, 1, 0.0).reach(1, 1, 1.0).reach(2, 2, -5.0).reach(3, 2, -6.0);
    assert!(acts(&mut study).is_empty());
}

#[test]
fn asynchronous_run_that_is_drawn_is_not_stopped() {
    let mut study = study(&[3], asha(AshaForm::Stopping));
    study.step();
    for number in [0, 1, 2, 3] {
        study.observe(number, 0, f64::from(number));
    }
    assert_eq!(acts(&mut study), ["stop 2 RungLost", "stop 1 RungLost", "go 0 to 2 Promoted", "go 3 to 2 Audited"]);
}

#[test]
fn draws_are_the_seeds_alone_and_as_many_as_the_share_says() {
    let with = |audit, parallelism| {
        Study::new(|spec| {
            halving(spec);
            (spec.audit, spec.settings.parallelism) = (audit, parallelism);
        })
        .plan
    };
    for share in [0.05, MAX_AUDIT] {
        let plan = with(share, 4);
        let count = (0..20_000).filter(|&number| plan.audits(number)).count();
        assert!((count as f64 / 20_000.0 - share).abs() < 0.01, "{share}: {count}");
        let other = plan.with_settings(Settings { parallelism: 1, ..plan.settings().clone() });
        assert!((0..100).all(|number| plan.audits(number) == other.audits(number)));
    }
    assert!((0..1_000).all(|number| !with(0.0, 4).audits(number)));
    // A larger share draws the same trials, and more.
    let (few, many) = (with(0.05, 4), with(MAX_AUDIT, 4));
    assert!((0..1_000).all(|number| !few.audits(number) || many.audits(number)));
    assert_eq!(Reason::parse("Audited"), Some(Reason::Audited));
}
