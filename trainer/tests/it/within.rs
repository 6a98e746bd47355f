//! A trial in pieces that end anywhere in its epochs is the trial in one piece.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use trimtab_trainer::random::{Purpose, Stream};
use trimtab_trainer::run::Ending;
use trimtab_trainer::signals::Stop;

use crate::fixture::{Flags, data, flags, generated, names, train, train_until};

/// What a run says about its training: lines of epochs, of places in them and of folds, without what they took.
fn said(output: &str) -> Vec<String> {
    let starts = ["epoch=", "repeat=", "# epoch "];
    let lines = output.lines().filter(|line| starts.iter().any(|start| line.starts_with(start)));
    lines.map(|line| line.split(" seconds=").next().unwrap().to_owned()).collect()
}

/// All that a folder holds, without what the last epoch took.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &str| {
        let bytes = fs::read(folder.join(name)).unwrap();
        if name != "checkpoint.json" {
            return bytes;
        }
        let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert!(manifest["line"].as_object_mut().unwrap().remove("seconds").unwrap().as_f64().unwrap() > 0.0);
        manifest.to_string().into_bytes()
    };
    names(folder).into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// Compares folders by the names of what differs, because the rest is no text.
fn same(whole: &Path, pieces: &Path, what: &str) {
    let (whole, pieces) = (content(whole), content(pieces));
    assert_eq!(whole.keys().collect::<Vec<_>>(), pieces.keys().collect::<Vec<_>>(), "{what}");
    let differ: Vec<_> = whole.keys().filter(|name| whole[*name] != pieces[*name]).collect();
    assert!(differ.is_empty(), "{differ:?} differ: {what}");
}

/// A trial that is stopped again and again at looks that `next` gives, and goes on each time in its own folder or in another one.
struct Pieces {
    folder: PathBuf,
    said: Vec<String>,
    output: String,
}

fn in_pieces(flags: &Flags, folders: &Path, mut next: impl FnMut() -> (u32, bool)) -> Pieces {
    let mut folder = folders.join("piece-0");
    let mut from: Option<PathBuf> = None;
    let (mut lines, mut output) = (Vec::<String>::new(), String::new());
    for life in 1.. {
        assert!(life < 1000, "it never ends: {output}");
        let ((look, moves), goes_on) = (next(), folder.is_dir());
        let resumed = flags.path("--checkpoint", &folder);
        let resumed = from.iter().fold(resumed, |flags, from| flags.path("--resume", from));
        let ran = train_until(&resumed, &Stop::at_look(look));
        output += &ran.output;
        // Who goes on in its own folder repeats the newest lines, because they may have been lost. Nobody else repeats any.
        let is_new = |line: &String| !goes_on || !lines.contains(line);
        let new: Vec<String> = said(&ran.output).into_iter().skip_while(|line| !is_new(line)).collect();
        lines.extend(new);
        match ran.ending.unwrap() {
            Ending::Complete => break,
            ending => assert_eq!(ending, Ending::Stopped(15), "{output}"),
        }
        if moves && folder.is_dir() {
            from = Some(folder);
            folder = folders.join(format!("piece-{life}"));
        }
    }
    Pieces { folder, said: lines, output }
}

/// Trains at once, and in pieces that end at random looks, and compares all that can be seen.
fn goes_on_exactly(flags: &Flags) {
    let folders = TempDir::new().unwrap();
    let folder = folders.path().join("whole");
    let whole = train(&flags.path("--checkpoint", &folder));
    assert_eq!(whole.ending.unwrap(), Ending::Complete, "{flags:?}");
    let mut dice = Stream::new(30, Purpose::Generated, [0; 3]);
    let pieces = in_pieces(flags, folders.path(), || ((dice.unit() * 12.0) as u32 + 1, dice.unit() < 0.5));
    assert_eq!(said(&whole.output), pieces.said, "{flags:?}: {}", pieces.output);
    same(&folder, &pieces.folder, &format!("{flags:?}: {}", pieces.output));
    assert!(pieces.output.contains(" batches"), "it was never stopped within an epoch: {}", pieces.output);
}

#[test]
fn every_method_of_descent_goes_on_exactly_within_an_epoch() {
    let data = data();
    let flags = flags(data.path()).with(&["--epochs=3"]);
    for optimizer in [
        "--optimizer=sgd --momentum=0.8 --l1=0.0001",
        "--optimizer=nesterov --schedule=one-cycle",
        "--optimizer=adam --dropout=0.3 --schedule=cosine --warm-up=1",
        "--optimizer=adamw --weight-decay=0.01 --clip-norm=0.5 --label-smoothing=0.1",
        "--optimizer=rmsprop --momentum=0.5 --class-weights=balanced",
        "--precision=bfloat16 --dropout=0.1",
    ] {
        goes_on_exactly(&flags.with(&[optimizer]));
    }
}

#[test]
fn normalization_convolutions_and_threads_go_on_exactly_within_an_epoch() {
    let data = data();
    let flags = flags(data.path()).with(&["--epochs=2"]);
    for network in [
        "--batch-norm=on --dropout=0.2",
        "--batch-norm=on --hidden-units=300 --threads=2",
        "--model=cnn --channels=4,6 --batch-norm=on --block-dropout=0.1 --train-limit=200 --batch-size=32",
        "--threads=2 --batch-size=128 --dropout=0.2 --epochs=4",
        "--threads=2 --batch-size=100 --parts=5 --optimizer=sgd",
    ] {
        goes_on_exactly(&flags.with(&[network]));
    }
}

#[test]
fn hypergradients_and_early_stopping_go_on_exactly_within_an_epoch() {
    let small = generated("blobs:120").with(&["--widths=6 --epochs=3 --batch-size=16 --dropout=0.1"]);
    goes_on_exactly(&small.with(&["--hypergradients=weight_decay,learning_rate"]));
    goes_on_exactly(&small.with(&["--optimizer=sgd --hypergradients=momentum --threads=2 --every=2"]));
    let data = data();
    goes_on_exactly(&flags(data.path()).with(&["--epochs=30 --patience=2 --margin=0.01 --learning-rate=0.05"]));
}

#[test]
fn folds_and_lines_within_epochs_go_on_exactly() {
    let table = generated("blobs:60").with(&["--epochs=2 --batch-size=8 --dropout=0.1 --metrics=roc_auc,f1_macro"]);
    goes_on_exactly(&table.with(&["--every=2"]));
    goes_on_exactly(&table.with(&["--split=stratified-k-fold --folds=3"]));
    goes_on_exactly(&table.with(&["--split=k-fold --folds=3 --hypergradients=l1 --widths=5"]));
    goes_on_exactly(&table.with(&["--split=k-fold --folds=3 --repeat=2 --epochs=4"]));
}

#[test]
fn lines_of_several_networks_tell_an_epoch_that_only_rises() {
    let flags = generated("blobs:60").with(&["--epochs=2 --batch-size=8 --split=k-fold --folds=3 --every=2"]);
    goes_on_exactly(&flags);
    let lines = said(&train(&flags).output);
    let epochs = lines.iter().map(|line| line["epoch=".len()..].split(' ').next().unwrap().parse().unwrap());
    let epochs: Vec<f64> = epochs.collect();
    assert!(epochs.len() == 2 * (3 * 2 + 1) && epochs.is_sorted_by(|left, right| left < right), "{epochs:?}");
}

#[test]
fn it_can_be_stopped_at_every_look() {
    let flags = generated("blobs:60").with(&["--epochs=2 --batch-size=16 --dropout=0.2 --widths=6 --every=2"]);
    let flags = flags.with(&["--hypergradients=learning_rate"]);
    let folders = TempDir::new().unwrap();
    let whole = folders.path().join("whole");
    let lines = said(&train(&flags.path("--checkpoint", &whole)).output);
    let mut stopped = 0;
    for look in 1.. {
        let folder = folders.path().join(look.to_string());
        let flags = flags.path("--checkpoint", &folder);
        let first = train_until(&flags, &Stop::at_look(look));
        if first.ending.unwrap() == Ending::Complete {
            break;
        }
        stopped += 1;
        let rest = train(&flags);
        let mut all = [said(&first.output), said(&rest.output)].concat();
        let mut seen = Vec::new();
        all.retain(|line| {
            !seen.contains(line) && {
                seen.push(line.clone());
                true
            }
        });
        assert_eq!(all, lines, "{look}: {} {}", first.output, rest.output);
        same(&whole, &folder, &format!("{look}: {} {}", first.output, rest.output));
    }
    // Of each epoch three batches, a line within and the one at the end, each with its hypergradient.
    assert_eq!(stopped, 2 * (3 + 2 + 2));
}

#[test]
fn it_is_stopped_twice_in_one_epoch_and_says_where() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [whole, own] = ["whole", "own"].map(|name| folders.path().join(name));
    let flags = flags(data.path()).with(&["--dropout=0.2 --epochs=2"]);
    let uninterrupted = train(&flags.path("--checkpoint", &whole));
    let flags = flags.path("--checkpoint", &own);
    // Eight batches and a measurement are an epoch.
    let first = train_until(&flags, &Stop::at_look(9 + 4));
    assert!(first.output.ends_with("# stopped by SIGTERM after epoch 1 and 3 batches\n"), "{}", first.output);
    let files = ["checkpoint.json", "model-1-after-3.bpk", "model-1.bpk", "optimizer-1-after-3.bpk", "optimizer-1.bpk"];
    assert_eq!(names(&own), [files.as_slice(), &["within.json"]].concat());
    let second = train_until(&flags, &Stop::at_look(3));
    let from = format!("# resumed from epoch 1 and 3 batches of {}\n", own.display());
    assert!(second.output.contains(&from), "{}", second.output);
    assert!(second.output.ends_with("# stopped by SIGTERM after epoch 1 and 5 batches\n"), "{}", second.output);
    assert!(names(&own).contains(&"model-1-after-5.bpk".to_owned()) && names(&own).len() == 6, "{:?}", names(&own));
    // Its last whole epoch is said again; that none was trained, nothing says.
    assert_eq!(second.epochs(), uninterrupted.epochs()[..1]);
    // At the end of an epoch that is trained and not measured yet, measuring is all that is left.
    let third = train_until(&flags, &Stop::at_look(4));
    assert!(third.output.ends_with("# stopped by SIGTERM after epoch 1 and 8 batches\n"), "{}", third.output);
    let last = train(&flags);
    assert_eq!(last.epochs(), uninterrupted.epochs());
    same(&whole, &own, &last.output);
}

#[test]
fn whole_epochs_are_as_they_were_for_whoever_asks_for_something_else() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let [border, beyond, first, second] = ["border", "beyond", "first", "second"].map(|name| folders.path().join(name));
    let flags = flags(data.path()).with(&["--dropout=0.2"]);
    train(&flags.path("--checkpoint", &border).with(&["--epochs=1"]));
    let stopped = train_until(&flags.path("--checkpoint", &beyond), &Stop::at_look(9 + 4));
    assert!(stopped.output.ends_with("after epoch 1 and 3 batches\n"), "{}", stopped.output);
    // The manifest of whole epochs has not changed by a byte, but for what the epoch took.
    let (expected, found) = (content(&border), content(&beyond));
    assert!(expected.iter().all(|(name, bytes)| found[name] == *bytes));

    // A copy in population based training has other parameters: it does not matter how far its donor was in the next epoch.
    let copy = |from: &Path, to: &Path, more: &str| {
        train(&flags.path("--checkpoint", to).path("--resume", from).with(&[more]))
    };
    for more in ["--learning-rate=0.02 --epochs=3", "--batch-size=32 --epochs=3", "--seed=9 --epochs=2", "--epochs=1"] {
        let (left, right) = (copy(&border, &first, more), copy(&beyond, &second, more));
        assert_eq!(left.epochs(), right.epochs(), "{more}");
        same(&first, &second, more);
        let left_out = right.output.contains("# the beginning of epoch 2 was trained in another way and is left out\n");
        assert!(left_out != (more == "--epochs=1") && right.output.contains("# resumed from epoch 1 of "), "{more}");
        for folder in [&first, &second] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
    // How far a training is to go changes nothing in the epochs before.
    let further = copy(&beyond, &second, "--epochs=5");
    assert!(further.output.contains("# resumed from epoch 1 and 3 batches of "), "{}", further.output);
    assert_eq!(further.epochs(), train(&flags.with(&["--epochs=5"])).epochs()[1..]);
}

#[test]
fn what_is_left_of_damage_is_the_epoch_before() {
    let (data, folders) = (data(), TempDir::new().unwrap());
    let (flags, whole) = (flags(data.path()).with(&["--dropout=0.2 --epochs=2"]), folders.path().join("whole"));
    let lines = train(&flags.path("--checkpoint", &whole)).epochs();
    for look in [4, 9 + 4] {
        for damage in ["model", "optimizer", "within.json", "shortened", "beyond", "negative"] {
            let folder = folders.path().join(format!("{damage}-{look}"));
            let flags = flags.path("--checkpoint", &folder);
            train_until(&flags, &Stop::at_look(look));
            let names = names(&folder);
            let starts =
                |name: &&String| name.starts_with(damage) && (name.contains("-after-") || damage == "within.json");
            let path = folder.join(names.iter().find(starts).map_or("within.json", |name| name));
            let mut content = fs::read(&path).unwrap();
            match damage {
                "shortened" => content.truncate(content.len() / 2),
                "beyond" | "negative" => {
                    let batches = if damage == "beyond" { "999" } else { "-1" };
                    let text = String::from_utf8(content).unwrap();
                    let changed = text.replace("\"batches\": 3", &format!("\"batches\": {batches}"));
                    assert_ne!(text, changed);
                    content = changed.into_bytes();
                }
                _ => {
                    let middle = content.len() / 2;
                    content[middle] ^= 0x80;
                }
            }
            fs::write(&path, content).unwrap();
            let rest = train(&flags);
            if damage == "beyond" {
                let error = rest.error();
                assert!(error.contains("within.json is damaged") && error.contains("999 batches"), "{error}");
                continue;
            }
            assert!(rest.output.contains(" is damaged and left out, "), "{damage}: {}", rest.output);
            assert_eq!(rest.epochs(), lines, "{damage}");
            same(&whole, &folder, damage);
        }
    }
}

#[test]
fn checkpoints_of_whole_epochs_are_those_of_earlier_versions() {
    let (data, folder) = (data(), TempDir::new().unwrap());
    train(&flags(data.path()).path("--checkpoint", folder.path()).with(&["--epochs=1"]));
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("checkpoint.json")).unwrap()).unwrap();
    let keys: Vec<&String> = manifest.as_object().unwrap().keys().collect();
    let earlier = ["architecture", "data", "epoch", "format", "hypergradients", "line", "models", "optimizer"];
    assert_eq!(keys, [earlier.as_slice(), &["preparation", "progress", "slopes", "states"]].concat());
    assert_eq!(manifest["format"], 2);
}

#[test]
fn losses_that_are_no_numbers_are_not_kept_within_an_epoch() {
    let (data, folder) = (data(), TempDir::new().unwrap());
    let more = "--optimizer=sgd --learning-rate=1000 --weight-decay=1000 --checkpoint-seconds=0";
    let flags = flags(data.path()).with(&[more]).path("--checkpoint", folder.path());
    let stopped = train_until(&flags, &Stop::at_look(9));
    assert_eq!(stopped.ending.unwrap(), Ending::Stopped(15));
    let kept = names(folder.path());
    assert!(!kept.iter().any(|name| name.contains("-after-8")) && kept.contains(&"within.json".to_owned()), "{kept:?}");
    assert_eq!(train(&flags).ending.unwrap(), Ending::Diverged);
}
