use clap::Parser;

use super::*;
use crate::flags::{Cli, Command};

fn settings(flags: &[&str]) -> Result<Settings, Error> {
    let words = ["trimtab-trainer", "train"].iter().chain(flags);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Train(flags) => Settings::new(&flags),
        _ => unreachable!(),
    }
}

fn error(flag: &str) -> String {
    settings(&[flag]).unwrap_err().to_string()
}

#[test]
fn empty_values_count_as_absent() {
    let settings = settings(&["--layers=", "--momentum= ", "--resume=", "--widths="]).unwrap();
    assert_eq!((settings.model.widths, settings.resume), (vec![256, 256], None));
}

#[test]
fn of_a_flag_that_is_given_twice_the_last_one_counts() {
    assert_eq!(settings(&["--seed=1", "--seed=2"]).unwrap().seed, 2);
}

#[test]
fn bad_values_name_flag_variable_value_and_what_is_allowed() {
    assert_eq!(error("--layers=65"), "--layers (or PARAM_LAYERS) is `65`: expected a whole number from 1 to 64");
    assert_eq!(
        error("--activation=swish"),
        "--activation (or PARAM_ACTIVATION) is `swish`: expected one of relu, leaky-relu, elu, gelu, tanh, sigmoid, silu, \
         mish, softplus"
    );
    for (flag, expected) in [
        ("--learning-rate=NaN", "a number above 0 and at most 1000"),
        ("--learning-rate=0", "a number above 0 and at most 1000"),
        ("--dropout=1", "a number from 0 to below 1"),
        ("--dropout=0.1,0.2,0.3", "one number, or one for each of 2 layers"),
        ("--dropout=0.1,1.5", "at most 64 with commas between, each a number from 0 to below 1"),
        ("--momentum=-0.5", "a number from 0 to below 1"),
        ("--weight-decay=inf", "a number from 0 to 1000"),
        ("--l1=-1", "a number from 0 to 1000"),
        ("--clip-norm=0", "a number above 0"),
        ("--epochs=0", "a whole number from 1 to 1000000"),
        ("--batch-size=1.5", "a whole number from 1 to 65536"),
        ("--optimizer=Adam", "one of sgd, nesterov, adam, adamw, rmsprop"),
        ("--widths=128,0", "at most 64 with commas between, each a whole number from 1 to 8192"),
        ("--kernel=4", "one of 1, 3, 5, 7, 9"),
        ("--batch-norm=yes", "one of on, off"),
        ("--schedule=linear", "one of constant, step, cosine, one-cycle"),
        ("--validation=1.5", "a whole number from 1 to 4294967295, or a share between 0 and 1"),
        ("--split=bootstrap", "one of hold-out, stratified, k-fold, stratified-k-fold, leave-one-out"),
        ("--class-weights=1,-1", "equal, balanced, or a number above 0 for each class, with commas between"),
        ("--monitor=accuracy", "loss, val_loss, or val_ and the name of a metric"),
        ("--repeat=0", "a whole number from 1 to 1000000"),
    ] {
        let error = error(flag);
        assert!(error.ends_with(&format!("expected {expected}")), "{flag}: {error}");
    }
    assert!(error("--metrics=accuracy,f2").contains("expected names with commas between, of top_K, accuracy,"));
}

#[test]
fn shares_and_counts_are_told_apart() {
    let amount = |flag| settings(&[flag]).unwrap().split.validation;
    assert_eq!(amount("--validation=0.25"), Amount::Share(0.25));
    assert_eq!(amount("--validation=25"), Amount::Count(25));
    assert_eq!(amount("--validation="), Amount::Default);
}

#[test]
fn what_is_usual_depends_on_the_method() {
    let optimization = |flags: &[&str]| settings(flags).unwrap().optimization;
    assert_eq!(optimization(&["--optimizer=sgd"]).momentum.to_string(), "0.9");
    assert_eq!(optimization(&["--optimizer=rmsprop"]).momentum.to_string(), "0");
    assert!(optimization(&["--optimizer=adamw"]).decoupled);
    assert!(!optimization(&["--optimizer=adamw", "--decay=l2"]).decoupled);
    assert!(!optimization(&["--optimizer=adam"]).decoupled);
}

#[test]
fn the_usual_data_is_what_is_installed_or_fetched_where_a_user_has_a_folder() {
    let (here, nowhere, cache) = (Path::new("/"), Path::new("/no/where"), || Some(PathBuf::from("/home/me/.cache")));
    let of = |installed: &Path, cache| usual_data(installed, cache, "http://here");
    assert_eq!(of(here, cache()), (here.to_owned(), None));
    assert_eq!(of(nowhere, None), (nowhere.to_owned(), None));
    let fetched = PathBuf::from("/home/me/.cache/trimtab/fashion-mnist");
    assert_eq!(of(nowhere, cache()), (fetched, Some("http://here".to_owned())));
    assert_eq!(source(&SourceFlags::default()), fetch::PUBLISHER);
    assert_eq!(settings(&["--data=here"]).unwrap().fetch, None);
}
