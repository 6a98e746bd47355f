//! What the data set does to a run: bad files are named, good ones are learned.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use trimtab_trainer::run::Ending;

use crate::fixture::{SIDE, TRAIN, data, flags, header, train};

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

/// The error of a run on data that `spoil` changed.
fn error(spoil: impl Fn(&Path)) -> String {
    let data = data();
    spoil(data.path());
    let ran = train(&flags(data.path()));
    assert_eq!(ran.ending.as_ref().unwrap_err().exit_code(), 2);
    ran.error().replace(&data.path().display().to_string(), "DATA")
}

fn compress(folder: &Path, name: &str, cut: usize) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&fs::read(folder.join(name)).unwrap()).unwrap();
    let bytes = encoder.finish().unwrap();
    fs::write(folder.join(format!("{name}.gz")), &bytes[..bytes.len() - cut]).unwrap();
    fs::remove_file(folder.join(name)).unwrap();
}

#[test]
fn easy_problem_is_learned_by_every_optimizer() {
    let data = data();
    for optimizer in ["sgd", "nesterov", "adam", "adamw", "rmsprop"] {
        let ran = train(&flags(data.path()).with(&["--epochs=8 --test", &format!("--optimizer={optimizer}")]));
        assert!(ran.last("val_accuracy") > 0.9, "{}", ran.output);
        let test = ran.output.lines().last().unwrap();
        let accuracy = test.strip_prefix("test_accuracy=").unwrap();
        let accuracy: f64 = accuracy.split(' ').next().unwrap().parse().unwrap();
        assert!(accuracy > 0.9, "{test}");
    }
}

#[test]
fn passes_in_sixteen_bits_learn_what_those_in_thirty_two_learn() {
    let data = data();
    for network in [
        "--hidden-units=16",
        "--batch-norm=on --dropout=0.1",
        "--model=cnn --channels=4 --batch-norm=on --pool=average",
    ] {
        let ran = |precision| train(&flags(data.path()).with(&[network, "--epochs=8", precision]));
        let [single, mixed] = ["--precision=single", "--precision=bfloat16"].map(ran);
        assert!(mixed.last("val_accuracy") > 0.9, "{network}: {}", mixed.output);
        let [left, right] = [&single, &mixed].map(|ran| ran.last("loss"));
        assert!(left != right && (left - right).abs() < 0.05, "{network}: {left} {right}");
    }
    let refused = flags(data.path()).with(&["--precision=bfloat16 --hypergradients=l1"]);
    assert!(train(&refused).error().contains("expected --precision=single"));
}

#[test]
fn compressed_files_are_the_same_data() {
    let data = data();
    let plain = train(&flags(data.path())).epochs();
    compress(data.path(), IMAGES, 0);
    compress(data.path(), LABELS, 0);
    assert_eq!(train(&flags(data.path())).epochs(), plain);
}

#[test]
fn fewer_training_images_are_still_validated_on_the_same() {
    let data = data();
    let ran = train(&flags(data.path()).with(&["--train-limit=50"]));
    assert!(ran.output.contains("# 50 images, 100 more for validation, on cpu, 1 thread\n"), "{}", ran.output);
}

#[test]
fn diverged_run_prints_nan_and_says_so() {
    let data = data();
    let flags = flags(data.path()).with(&["--optimizer=sgd --learning-rate=1000 --weight-decay=1000"]);
    let ran = train(&flags);
    assert_eq!(ran.ending.as_ref().unwrap(), &Ending::Diverged);
    assert!(ran.last("loss").is_nan(), "{}", ran.output);
    assert!(ran.last("val_accuracy").is_nan(), "{}", ran.output);
    assert!(ran.output.contains("# diverged in epoch 1"), "{}", ran.output);
}

#[test]
fn missing_file_is_named() {
    let error = error(|folder| fs::remove_file(folder.join(LABELS)).unwrap());
    assert_eq!(error, "no train-labels-idx1-ubyte and no train-labels-idx1-ubyte.gz in DATA");
}

#[test]
fn other_magic_is_told() {
    let error = error(|folder| {
        fs::copy(folder.join(LABELS), folder.join(IMAGES)).unwrap();
    });
    let expected = "DATA/train-images-idx3-ubyte is no IDX file of images: \
                    expected the magic number 0x00000803, found 0x00000801";
    assert_eq!(error, expected);
}

#[test]
fn truncated_file_is_told() {
    let cut = |folder: &Path, keep: usize| {
        let content = fs::read(folder.join(IMAGES)).unwrap();
        fs::write(folder.join(IMAGES), &content[..keep]).unwrap();
    };
    let promised = TRAIN * SIDE * SIDE;
    assert_eq!(
        error(|folder| cut(folder, 16 + 1000)),
        format!("DATA/{IMAGES} is truncated: its header promises {promised} bytes of images, found 1000")
    );
    assert_eq!(
        error(|folder| cut(folder, 6)),
        format!("DATA/{IMAGES} is truncated: expected a header of 16 bytes, found less than 8")
    );
    assert_eq!(
        error(|folder| cut(folder, 0)),
        format!("DATA/{IMAGES} is truncated: expected a header of 16 bytes, found less than 4")
    );
}

#[test]
fn truncated_compressed_file_is_told() {
    let error = error(|folder| compress(folder, IMAGES, 500));
    assert!(error.contains(&format!("{IMAGES}.gz is truncated: its header promises")), "{error}");
}

#[test]
fn file_with_more_than_it_says_is_told() {
    let error = error(|folder| {
        let mut content = fs::read(folder.join(LABELS)).unwrap();
        content.push(0);
        fs::write(folder.join(LABELS), content).unwrap();
    });
    assert_eq!(error, format!("DATA/{LABELS} is too long: its header promises {TRAIN} bytes of labels, found more"));
}

#[test]
fn counts_that_differ_are_told() {
    let error = error(|folder| {
        let mut content = header(0x801, &[10]);
        content.extend([0; 10]);
        fs::write(folder.join(LABELS), content).unwrap();
    });
    assert_eq!(error, format!("DATA/{IMAGES} has {TRAIN} images, but DATA/{LABELS} has 10 labels"));
}

#[test]
fn header_that_claims_the_impossible_is_told() {
    let error = error(|folder| {
        fs::write(folder.join(IMAGES), header(0x803, &[u32::MAX as usize; 3])).unwrap();
    });
    assert!(error.contains("has an impossible header: 4294967295 items of"), "{error}");
}

#[test]
fn validation_that_takes_all_is_told() {
    let data = data();
    let error = train(&flags(data.path()).with(&["--validation=600"])).error();
    assert!(error.ends_with("has 600 images: 600 of them for validation leaves none to train on"), "{error}");
}
