//! A trial in pieces is the trial in one piece.

use std::fs;

use tempfile::TempDir;
use trimtab_trainer::flags::Flags;
use trimtab_trainer::run::Ending;
use trimtab_trainer::signals::Stop;

use crate::fixture::{Ran, data, epochs, files, flags, names, os, text, train, train_until};

/// Trains 4 epochs at once, and 2 and 2 in other folders, and compares all that can be seen.
fn resumes_exactly(change: impl Fn(Flags) -> Flags) {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [whole, first, second] = ["whole", "first", "second"].map(|name| folders.path().join(name));
    let flags = change(flags(data.path()));

    let at_once = train(&Flags { checkpoint: os(&whole), ..flags.clone() });
    let part = train(&Flags { checkpoint: os(&first), epochs: text("2"), ..flags.clone() });
    let rest = train(&Flags { checkpoint: os(&second), resume: os(&first), ..flags });

    assert_eq!(at_once.ending.as_ref().unwrap(), &Ending::Complete);
    assert_eq!(at_once.epochs().len(), 4);
    assert_eq!(at_once.epochs(), [part.epochs(), rest.epochs()].concat());
    assert!(files(&whole, 4) == files(&second, 4), "the checkpoints differ");
    assert_eq!(names(&second), ["checkpoint.json", "model-4.bpk", "optimizer-4.bpk"]);
    assert_eq!(names(&first), ["checkpoint.json", "model-2.bpk", "optimizer-2.bpk"]);
    assert!(rest.output.contains(&format!("# resumed from epoch 2 of {}\n", first.display())), "{}", rest.output);
}

#[test]
fn adam_with_dropout_resumes_exactly() {
    resumes_exactly(|flags| Flags { dropout: text("0.3"), ..flags });
}

#[test]
fn sgd_with_momentum_and_dropout_resumes_exactly() {
    resumes_exactly(|flags| Flags { optimizer: text("sgd"), dropout: text("0.3"), momentum: text("0.8"), ..flags });
}

#[test]
fn plain_sgd_with_weight_decay_resumes_exactly() {
    resumes_exactly(|flags| Flags {
        optimizer: text("sgd"),
        momentum: text("0"),
        weight_decay: text("0.001"),
        ..flags
    });
}

#[test]
fn every_activation_and_depth_resumes_exactly() {
    for (depth, activation) in ["relu", "gelu", "tanh", "sigmoid", "silu"].into_iter().enumerate() {
        resumes_exactly(|flags| Flags { activation: text(activation), layers: Some((depth + 1).to_string()), ..flags });
    }
}

#[test]
fn number_of_threads_changes_nothing() {
    let data = data();
    // Wide enough that the matrix products are divided among threads.
    let flags = Flags {
        hidden_units: text("512"),
        batch_size: text("500"),
        epochs: text("1"),
        dropout: text("0.1"),
        ..flags(data.path())
    };
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(&flags)).epochs()
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn seeds_differ() {
    let data = data();
    let with = |seed| train(&Flags { seed: text(seed), epochs: text("1"), ..flags(data.path()) }).epochs();
    assert_eq!(with("1"), with("1"));
    assert_ne!(with("1"), with("2"));
}

#[test]
fn own_checkpoint_is_preferred_and_its_line_repeated() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [own, other] = ["own", "other"].map(|name| folders.path().join(name));
    let flags = flags(data.path());
    train(&Flags { checkpoint: os(&other), epochs: text("1"), ..flags.clone() });
    let first = train(&Flags { checkpoint: os(&own), epochs: text("3"), ..flags.clone() });
    let again = train(&Flags { checkpoint: os(&own), resume: os(&other), ..flags });
    assert_eq!(again.epochs()[0], first.epochs()[2]);
    assert_eq!(again.epochs().len(), 2);
}

#[test]
fn run_that_begins_at_its_end_says_its_epoch_again_and_leaves_a_checkpoint() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [first, second] = ["first", "second"].map(|name| folders.path().join(name));
    let flags = flags(data.path());
    let before = train(&Flags { checkpoint: os(&first), ..flags.clone() });
    // Its own epoch may have been lost with a log; one beyond what was asked for answers nothing.
    for (asked, said) in [("4", &before.epochs()[3..]), ("2", &[][..])] {
        let ran = train(&Flags { checkpoint: os(&second), resume: os(&first), epochs: text(asked), ..flags.clone() });
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
    train(&Flags { checkpoint: os(folder.path()), epochs: text("1"), ..flags.clone() });
    let resumed = Flags { resume: os(folder.path()), ..flags };
    for (flags, expected) in [
        (Flags { layers: text("3"), ..resumed.clone() }, r#"is of the network {"inputs":64,"layers":2,"#),
        (
            Flags { hidden_units: text("32"), ..resumed.clone() },
            r#"this run has {"inputs":64,"layers":2,"hidden_units":32"#,
        ),
        (Flags { activation: text("silu"), ..resumed.clone() }, r#""activation":"silu""#),
        (Flags { optimizer: text("sgd"), ..resumed.clone() }, r#"is of the optimizer "adam", but this run has "sgd""#),
        (Flags { split_seed: text("9"), ..resumed.clone() }, r#"is of the data {"#),
    ] {
        let ran = train(&flags);
        assert_eq!(ran.ending.as_ref().unwrap_err().exit_code(), 2);
        let error = ran.error();
        assert!(error.contains(expected), "{error}");
    }
    // What may change on the way, may.
    let changed = Flags {
        learning_rate: text("0.02"),
        dropout: text("0.1"),
        batch_size: text("32"),
        weight_decay: text("0.01"),
        seed: text("8"),
        ..resumed
    };
    assert_eq!(train(&changed).epochs().len(), 3);
}

/// Damages the checkpoint in all ways and trains.
fn with_damage(train: impl Fn(&std::path::Path) -> Ran, check: impl Fn(&str, Ran)) {
    let data = data();
    for damage in ["truncated", "altered", "missing", "manifest"] {
        let folder = TempDir::new().unwrap();
        crate::fixture::train(&Flags { checkpoint: os(folder.path()), epochs: text("2"), ..flags(data.path()) });
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
        |folder| train(&Flags { resume: os(folder), ..flags(data.path()) }),
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
        |folder| train(&Flags { checkpoint: os(folder), ..flags(data.path()) }),
        |damage, ran| {
            assert_eq!(ran.epochs(), whole.epochs(), "{damage}");
            assert!(ran.output.contains("is damaged and left out"), "{damage}: {}", ran.output);
        },
    );
}

#[test]
fn folder_without_checkpoint_is_refused() {
    let (data, empty) = (data(), TempDir::new().unwrap());
    let error = train(&Flags { resume: os(empty.path()), ..flags(data.path()) }).error();
    assert!(error.ends_with("holds no checkpoint"), "{error}");
}

#[test]
fn stopped_run_leaves_the_last_whole_epoch() {
    let (data, folder) = (data(), TempDir::new().unwrap());
    let flags = Flags { checkpoint: os(folder.path()), ..flags(data.path()) };
    let whole = train(&Flags { checkpoint: None, ..flags.clone() });
    train(&Flags { epochs: text("2"), ..flags.clone() });
    let stop = Stop::default();
    stop.request(15);
    let stopped = train_until(&flags, &stop);
    assert_eq!(stopped.ending.unwrap(), Ending::Stopped(15));
    assert!(stopped.output.ends_with("# stopped by SIGTERM after epoch 2\n"), "{}", stopped.output);
    assert_eq!(epochs(&train(&flags).output)[1..], whole.epochs()[2..]);
}
