//! A trial in pieces is the trial in one piece.

use std::fs;

use tempfile::TempDir;
use trimtab_trainer::model::Activation;
use trimtab_trainer::run::Ending;
use trimtab_trainer::signals::Stop;

use crate::fixture::{Flags, Ran, data, epochs, files, flags, generated, names, train, train_until};

/// Trains 4 epochs at once, and 2 and 2 in other folders, and compares all that can be seen.
fn resumes_exactly(flags: &Flags) {
    let folders = TempDir::new().unwrap();
    let [whole, first, second] = ["whole", "first", "second"].map(|name| folders.path().join(name));
    // The schedule is that of the whole training, as it would be in a trial.
    let flags = flags.with(&["--schedule-epochs=4"]);

    let at_once = train(&flags.path("--checkpoint", &whole));
    let part = train(&flags.path("--checkpoint", &first).with(&["--epochs=2"]));
    let rest = train(&flags.path("--checkpoint", &second).path("--resume", &first));

    assert_eq!(at_once.ending.as_ref().unwrap(), &Ending::Complete, "{flags:?}");
    assert_eq!(at_once.epochs().len(), 4, "{flags:?}");
    assert_eq!(at_once.epochs(), [part.epochs(), rest.epochs()].concat(), "{flags:?}");
    assert!(files(&whole, 4) == files(&second, 4), "the checkpoints differ: {flags:?}");
    assert_eq!(names(&second), ["checkpoint.json", "model-4.bpk", "optimizer-4.bpk"]);
    assert_eq!(names(&first), ["checkpoint.json", "model-2.bpk", "optimizer-2.bpk"]);
    assert!(rest.output.contains(&format!("# resumed from epoch 2 of {}\n", first.display())), "{}", rest.output);
}

#[test]
fn every_optimizer_resumes_exactly() {
    let data = data();
    for optimizer in [
        "--optimizer=sgd --momentum=0.8",
        "--optimizer=sgd --momentum=0 --weight-decay=0.001",
        "--optimizer=sgd --weight-decay=0.01 --decay=decoupled",
        "--optimizer=nesterov --l1=0.0001",
        "--optimizer=adam --dropout=0.3",
        "--optimizer=adam --beta1=0.8 --beta2=0.99 --epsilon=0.001",
        "--optimizer=adamw --weight-decay=0.01 --clip-norm=0.5",
        "--optimizer=rmsprop --smoothing=0.9",
        "--optimizer=rmsprop --momentum=0.5 --clip-value=0.01",
    ] {
        resumes_exactly(&flags(data.path()).with(&[optimizer]));
    }
}

#[test]
fn every_activation_and_depth_resumes_exactly() {
    let data = data();
    for (depth, (activation, _)) in Activation::ALL.into_iter().enumerate() {
        let layers = format!("--activation={activation} --layers={}", depth % 4 + 1);
        resumes_exactly(&flags(data.path()).with(&[&layers, "--train-limit=200"]));
    }
    resumes_exactly(&flags(data.path()).with(&["--widths=24,12,6 --dropout=0.1,0,0.3 --initialization=orthogonal"]));
    resumes_exactly(&flags(data.path()).with(&["--model=linear --initialization=zeros"]));
}

#[test]
fn every_schedule_resumes_exactly() {
    let data = data();
    for schedule in ["step --step-epochs=1 --step-factor=0.5", "cosine --last-rate=0.1 --warm-up=1", "one-cycle"] {
        resumes_exactly(&flags(data.path()).with(&[&format!("--schedule={schedule}")]));
    }
}

#[test]
fn every_loss_resumes_exactly() {
    let data = data();
    resumes_exactly(&flags(data.path()).with(&["--label-smoothing=0.1 --class-weights=balanced"]));
    resumes_exactly(&flags(data.path()).with(&["--class-weights=1,2,0.5,1 --split=stratified"]));
    for loss in ["mse", "mae", "huber"] {
        resumes_exactly(&generated("waves").with(&[&format!("--loss={loss} --metrics=r2,mae")]));
    }
}

#[test]
fn convolutions_and_batch_norm_resume_exactly() {
    let data = data();
    let small = flags(data.path()).with(&["--train-limit=200 --batch-norm=on"]);
    resumes_exactly(&small.with(&["--dropout=0.2"]));
    resumes_exactly(&small.with(&["--model=cnn --channels=4,6 --block-dropout=0.1 --pool=average"]));
    resumes_exactly(&small.with(&["--model=cnn --channels=4 --convolutions=2 --global-average=on --batch-norm=off"]));
}

#[test]
fn all_folds_resume_exactly() {
    let folders = TempDir::new().unwrap();
    let [whole, part] = ["whole", "part"].map(|name| folders.path().join(name));
    let flags = generated("blobs:60").with(&["--split=stratified-k-fold --folds=3 --dropout=0.1"]);
    let at_once = train(&flags.path("--checkpoint", &whole));
    let first = train(&flags.path("--checkpoint", &part).with(&["--epochs=1"]));
    let rest = train(&flags.path("--checkpoint", &part));
    assert_eq!(at_once.epochs()[..1], first.epochs());
    assert_eq!(at_once.epochs(), rest.epochs());
    let named = |what: &str| (0..3).map(|fold| format!("{what}-4-{fold}.bpk")).collect::<Vec<_>>();
    assert_eq!(names(&whole), [vec!["checkpoint.json".to_owned()], named("model"), named("optimizer")].concat());
    for name in names(&whole).iter().skip(1) {
        assert!(fs::read(whole.join(name)).unwrap() == fs::read(part.join(name)).unwrap(), "{name} differs");
    }
}

#[test]
fn early_stopping_resumes_exactly() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [whole, part, later] = ["whole", "part", "later"].map(|name| folders.path().join(name));
    let flags = flags(data.path()).with(&["--epochs=30 --patience=2 --margin=0.01 --learning-rate=0.05"]);
    let at_once = train(&flags.path("--checkpoint", &whole));
    let last = at_once.epochs().len();
    assert!((3..30).contains(&last), "{}", at_once.output);
    assert!(at_once.output.contains(&format!("# stopped early after epoch {last}, val_loss was best 2 epochs ago")));
    let first = train(&flags.path("--checkpoint", &part).with(&[&format!("--epochs={}", last - 1)]));
    let rest = train(&flags.path("--checkpoint", &later).path("--resume", &part));
    assert_eq!(at_once.epochs(), [first.epochs(), rest.epochs()].concat());
    // One that has ended by itself has ended, and says so again.
    let again = train(&flags.path("--checkpoint", &later).with(&["--epochs=40"]));
    assert_eq!(again.epochs(), at_once.epochs()[last - 1..]);
    assert_eq!(again.ending.unwrap(), Ending::Complete);
}

#[test]
fn number_of_threads_changes_nothing() {
    let data = data();
    // Wide enough that the matrix products are divided among threads.
    let flags = flags(data.path()).with(&["--hidden-units=512 --batch-size=500 --epochs=1 --dropout=0.1"]);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(&flags)).epochs()
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn seeds_differ() {
    let data = data();
    let with = |seed| train(&flags(data.path()).with(&["--epochs=1", seed])).epochs();
    assert_eq!(with("--seed=1"), with("--seed=1"));
    assert_ne!(with("--seed=1"), with("--seed=2"));
}

#[test]
fn own_checkpoint_is_preferred_and_its_line_repeated() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [own, other] = ["own", "other"].map(|name| folders.path().join(name));
    let flags = flags(data.path());
    train(&flags.path("--checkpoint", &other).with(&["--epochs=1"]));
    let first = train(&flags.path("--checkpoint", &own).with(&["--epochs=3"]));
    let again = train(&flags.path("--checkpoint", &own).path("--resume", &other));
    assert_eq!(again.epochs()[0], first.epochs()[2]);
    assert_eq!(again.epochs().len(), 2);
}

#[test]
fn run_that_begins_at_its_end_says_its_epoch_again_and_leaves_a_checkpoint() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [first, second] = ["first", "second"].map(|name| folders.path().join(name));
    let flags = flags(data.path());
    let before = train(&flags.path("--checkpoint", &first));
    // Its own epoch may have been lost with a log; one beyond what was asked for answers nothing.
    for (asked, said) in [("4", &before.epochs()[3..]), ("2", &[][..])] {
        let flags = flags.path("--checkpoint", &second).path("--resume", &first);
        let ran = train(&flags.with(&[&format!("--epochs={asked}")]));
        assert!(ran.output.contains(&format!("# nothing to do, epoch 4 is reached and {asked} was asked\n")));
        assert_eq!(ran.epochs(), said);
        assert_eq!(ran.ending.unwrap(), Ending::Complete);
        assert!(files(&first, 4) == files(&second, 4));
        fs::remove_dir_all(&second).unwrap();
    }
}

#[test]
fn checkpoint_of_another_network_optimizer_or_data_is_refused() {
    let (data, folder) = (data(), TempDir::new().unwrap());
    let flags = flags(data.path());
    train(&flags.path("--checkpoint", folder.path()).with(&["--epochs=1"]));
    let resumed = flags.path("--resume", folder.path());
    for (change, expected) in [
        ("--layers=3", r#"is of the network {"shape":[1,8,8],"blocks":[],"global_average":false,"widths":[16,16],"#),
        ("--hidden-units=32", r#""widths":[32,32]"#),
        ("--activation=silu", r#""activation":"silu""#),
        ("--batch-norm=on", r#""batch_norm":true"#),
        ("--optimizer=sgd", r#"is of the optimizer "adam", but this run has "sgd""#),
        ("--split-seed=9", r#"is of the data [{"#),
        ("--train-limit=300", r#""train":300"#),
    ] {
        let ran = train(&resumed.with(&[change]));
        assert_eq!(ran.ending.as_ref().unwrap_err().exit_code(), 2);
        let error = ran.error();
        assert!(error.contains(expected), "{error}");
    }
    // What may change on the way, may.
    let changed = resumed.with(&["--learning-rate=0.02 --dropout=0.1 --batch-size=32 --weight-decay=0.01 --seed=8"]);
    assert_eq!(train(&changed).epochs().len(), 3);
}

/// Damages the checkpoint in all ways and trains.
fn with_damage(train: impl Fn(&std::path::Path) -> Ran, check: impl Fn(&str, Ran)) {
    let data = data();
    for damage in ["truncated", "altered", "missing", "manifest"] {
        let folder = TempDir::new().unwrap();
        crate::fixture::train(&flags(data.path()).path("--checkpoint", folder.path()).with(&["--epochs=2"]));
        let (model, manifest) = (folder.path().join("model-2.bpk"), folder.path().join("checkpoint.json"));
        let mut content = fs::read(&model).unwrap();
        match damage {
            "truncated" => fs::write(&model, &content[..content.len() / 2]).unwrap(),
            "altered" => {
                let middle = content.len() / 2;
                content[middle] ^= 1;
                fs::write(&model, content).unwrap();
            }
            "missing" => fs::remove_file(&model).unwrap(),
            _ => {
                let text = fs::read(&manifest).unwrap();
                fs::write(&manifest, &text[..text.len() / 2]).unwrap();
            }
        }
        check(damage, train(folder.path()));
    }
}

#[test]
fn damaged_checkpoint_to_resume_from_is_refused() {
    let data = data();
    with_damage(
        |folder| train(&flags(data.path()).path("--resume", folder)),
        |damage, ran| {
            assert_eq!(ran.ending.as_ref().unwrap_err().exit_code(), 1, "{damage}");
            let error = ran.error();
            assert!(error.contains("is damaged"), "{damage}: {error}");
        },
    );
}

#[test]
fn damaged_checkpoint_of_its_own_is_trained_again() {
    let data = data();
    let whole = train(&flags(data.path()));
    with_damage(
        |folder| train(&flags(data.path()).path("--checkpoint", folder)),
        |damage, ran| {
            assert_eq!(ran.epochs(), whole.epochs(), "{damage}");
            assert!(ran.output.contains("is damaged and left out"), "{damage}: {}", ran.output);
        },
    );
}

#[test]
fn folder_without_checkpoint_is_refused() {
    let (data, empty) = (data(), TempDir::new().unwrap());
    let error = train(&flags(data.path()).path("--resume", empty.path())).error();
    assert!(error.ends_with("holds no checkpoint"), "{error}");
}

#[test]
fn stopped_run_leaves_the_last_whole_epoch() {
    let (data, folder) = (data(), TempDir::new().unwrap());
    let whole = train(&flags(data.path()));
    let flags = flags(data.path()).path("--checkpoint", folder.path());
    train(&flags.with(&["--epochs=2"]));
    let stop = Stop::default();
    stop.request(15);
    let stopped = train_until(&flags, &stop);
    assert_eq!(stopped.ending.unwrap(), Ending::Stopped(15));
    assert!(stopped.output.ends_with("# stopped by SIGTERM after epoch 2\n"), "{}", stopped.output);
    assert_eq!(epochs(&train(&flags).output)[1..], whole.epochs()[2..]);
}
