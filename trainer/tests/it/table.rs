//! Tables: what they become, and that they are learned.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use burn::tensor::Device;
use tempfile::TempDir;
use trimtab_trainer::data::raw::Raw;
use trimtab_trainer::data::split::{Amount, Scheme, Split};
use trimtab_trainer::data::table::{Options, Table};
use trimtab_trainer::data::{Dataset, Source, Targets};

use crate::fixture::{Flags, generated, train};

const TABLE: &str = "\u{feff}size;colour;code;price\n1;red;7;10\n3;;8;20\n;green;7;30\n5;red;9;40\n100;blue;8;50\n";

fn source(options: &Options) -> Source {
    let raw = Raw::parse(Path::new("t.csv"), Cursor::new(TABLE), None).unwrap();
    Source::Table(Box::new(Table::new(raw, options).unwrap()))
}

fn inputs(data: &Dataset, rows: &[u32]) -> Vec<Vec<f32>> {
    let tensor = data.samples.inputs(rows, &Device::flex());
    let width = tensor.dims()[1];
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    values.chunks(width).map(<[f32]>::to_vec).collect()
}

#[test]
fn everything_is_learnt_from_the_training_rows_only() {
    let options = Options { categorical: vec!["code".to_owned()], ..Options::default() };
    let source = source(&options);
    // The split's own order is by chance, so the rows are given: the last one is held out.
    let fold = trimtab_trainer::data::split::Fold { number: 0, train: vec![0, 1, 2, 3], validation: vec![4] };
    let data = Dataset::new(&source, fold, 0).unwrap();
    // size: mean 3 of 1, 3, 5, deviation the root of 8/3, and whether it is missing; colour: green, red, missing; code: 7, 8, 9.
    let unit = (2.0 / (8.0_f64 / 3.0).sqrt()) as f32;
    let rows = inputs(&data, &[0, 1, 2, 3, 4]);
    assert_eq!(rows[0], [-unit, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(rows[1], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(rows[2], [0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(rows[3], [unit, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    // A colour that training did not see is none of those it saw; a size is scaled as in training.
    assert_eq!(rows[4], [(97.0 / (8.0_f64 / 3.0).sqrt()) as f32, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert!(matches!(data.samples.targets(), Targets::Classes(labels) if labels.as_slice() == [0, 1, 2, 3, 4]));
}

#[test]
fn classes_are_sorted_as_numbers_where_they_are_numbers() {
    let raw = Raw::parse(Path::new("t.csv"), Cursor::new("a,b\n1,10\n2,9\n3,-1\n"), None).unwrap();
    let source = Source::Table(Box::new(Table::new(raw, &Options::default()).unwrap()));
    let names = format!("{:?}", source.prepare(&[0, 1, 2]).target);
    assert!(names.contains(r#"["-1", "9", "10"]"#), "{names}");
}

fn split(scheme: Scheme) -> Split {
    Split { scheme, validation: Amount::Share(0.25), folds: 4, repeats: 1, only: None, seed: 3, train_limit: None }
}

/// A table of 40 rows, 30 of one class and 10 of another.
fn uneven() -> Source {
    let rows: String = (0..40).map(|row| format!("{row},{}\n", if row % 4 == 0 { "rare" } else { "usual" })).collect();
    let raw = Raw::parse(Path::new("t.csv"), Cursor::new(format!("a,b\n{rows}")), None).unwrap();
    Source::Table(Box::new(Table::new(raw, &Options::default()).unwrap()))
}

#[test]
fn every_row_is_held_out_once_by_folds() {
    let source = uneven();
    for (scheme, parts) in [(Scheme::KFold, 4), (Scheme::StratifiedKFold, 4), (Scheme::LeaveOneOut, 40)] {
        let folds = split(scheme).folds(&source.rows()).unwrap();
        assert_eq!(folds.len(), parts);
        let mut held_out: Vec<u32> = folds.iter().flat_map(|fold| fold.validation.clone()).collect();
        held_out.sort_unstable();
        assert_eq!(held_out, (0..40).collect::<Vec<_>>());
        for fold in folds {
            assert_eq!(fold.validation.len(), 40 / parts);
            let mut all = [fold.train, fold.validation].concat();
            all.sort_unstable();
            assert_eq!(all, (0..40).collect::<Vec<_>>());
        }
    }
}

#[test]
fn stratified_divisions_have_of_each_class_its_share() {
    let source = uneven();
    let rare = |rows: &[u32]| rows.iter().filter(|&&row| row % 4 == 0).count();
    for fold in split(Scheme::StratifiedKFold).folds(&source.rows()).unwrap() {
        // 10 rare rows in 4 parts: two or three in each.
        assert!((2..=3).contains(&rare(&fold.validation)));
    }
    let fold = &split(Scheme::Stratified).folds(&source.rows()).unwrap()[0];
    assert_eq!(fold.validation.len(), 10);
    // A quarter of 10 is 2.5 and of 30 is 7.5: both have the same remainder, and the first class gets the row.
    assert_eq!(rare(&fold.validation), 3);
}

#[test]
fn repeats_differ_and_a_single_one_is_the_same_as_among_all() {
    let source = uneven();
    let repeated = Split { repeats: 3, ..split(Scheme::KFold) };
    let all = repeated.folds(&source.rows()).unwrap();
    assert_eq!(all.len(), 12);
    assert_ne!(all[0].validation, all[4].validation);
    let one = Split { only: Some(6), ..repeated }.folds(&source.rows()).unwrap();
    assert_eq!(one, all[5..6]);
    // A hold-out has as many repeats as are asked for.
    let hold_out = |only| Split { only: Some(only), ..split(Scheme::HoldOut) }.folds(&source.rows()).unwrap();
    assert_ne!(hold_out(1)[0].validation, hold_out(100)[0].validation);
}

#[test]
fn generated_problems_are_learned() {
    for (name, flags, metric, least) in [
        ("spirals", "--epochs=60 --widths=64,64", "val_accuracy", 0.95),
        ("blobs", "--epochs=4", "val_accuracy", 0.98),
        ("plane", "--epochs=20 --model=linear --metrics=r2", "val_r2", 0.9999),
        ("waves", "--epochs=40 --widths=64,64 --metrics=r2", "val_r2", 0.95),
    ] {
        let ran = train(&generated(name).with(&[flags]));
        assert!(ran.last(metric) > least, "{name}: {}", ran.output);
    }
}

#[test]
fn folds_are_reported_as_mean_and_standard_error() {
    let flags = generated("blobs:90").with(&["--split=k-fold --folds=3 --epochs=2 --metrics=f1_macro"]);
    let ran = train(&flags);
    assert!(ran.output.contains("# k-fold, 3 networks side by side, each value is their mean\n"), "{}", ran.output);
    let alone: Vec<f64> = (1..=3)
        .map(|repeat| {
            let ran = train(&flags.with(&[&format!("--repeat={repeat}")]));
            // Epochs are remarks: the fold is what is reported, and once.
            assert!(ran.epochs().is_empty(), "{}", ran.output);
            let line =
                ran.output.lines().find(|line| line.starts_with(&format!("repeat={repeat} "))).unwrap().to_owned();
            line.split("val_loss=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
        })
        .collect();
    let mean = alone.iter().sum::<f64>() / 3.0;
    let squares: f64 = alone.iter().map(|value| (value - mean).powi(2)).sum();
    assert!((ran.last("val_loss") - mean).abs() < 2e-6, "{} {mean}", ran.output);
    assert!((ran.last("val_loss_se") - (squares / 2.0 / 3.0).sqrt()).abs() < 2e-6, "{}", ran.output);
    assert!(ran.last("val_f1_macro_se") >= 0.0);
}

#[test]
fn regression_is_in_the_unit_of_its_target() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("t.csv");
    let rows: String = (0..200).map(|row| format!("{row},{}\n", 1000.0 * f64::from(row) + 5e5)).collect();
    fs::write(&path, format!("a,b\n{rows}")).unwrap();
    let flags =
        Flags::new(&["--model=linear --epochs=40 --batch-size=16 --learning-rate=0.02 --metrics=mae --threads=1"]);
    let ran = train(&flags.path("--data", &path));
    assert!((0.0..2000.0).contains(&ran.last("val_rmse")), "{}", ran.output);
    assert!(ran.last("val_mae") <= ran.last("val_rmse"), "{}", ran.output);
}
