//! The examples in small form: each Study is played to its end by the trainer, with fewer trials and on few small pictures.

use std::fmt::Write as _;
use std::path::Path;

use trimtab_local::{Book, Folder};

use crate::scene::{Scene, has};

/// How many trials each example is played with. The example with folds is played whole, beside the kinds of fidelity.
const SMALL: [(&str, usize); 8] = [
    ("fashion-mnist", 8),
    ("fashion-mnist-cnn", 6),
    ("fashion-mnist-gaussian-process", 12),
    ("fashion-mnist-genetic", 12),
    ("fashion-mnist-grid", 8),
    ("hypergradients", 8),
    ("table-folds", 5),
    ("table-regression", 6),
];

/// The one that begins with what another one has found.
const WARM: &str = "fashion-mnist-warm";

/// Side of a picture, how many there are, and of how many classes.
const SIDE: usize = 8;
const PICTURES: usize = 300;
const CLASSES: usize = 4;

/// Pictures as Fashion-MNIST's files have them: one quarter of each is brighter, and says the class.
fn pictures(folder: &Path) {
    let header = |magic: u32, sizes: &[usize]| -> Vec<u8> {
        let sizes = sizes.iter().map(|size| u32::try_from(*size).unwrap());
        std::iter::once(magic).chain(sizes).flat_map(u32::to_be_bytes).collect()
    };
    let (mut images, mut labels) = (header(0x803, &[PICTURES, SIDE, SIDE]), header(0x801, &[PICTURES]));
    for picture in 0..PICTURES {
        let class = picture * 7 % CLASSES;
        labels.push(u8::try_from(class).unwrap());
        for pixel in 0..SIDE * SIDE {
            let quarter = 2 * (pixel / SIDE / 4) + pixel % SIDE / 4;
            let noise = (picture * 31 + pixel * 17) * (pixel + 3) % 150;
            images.push(u8::try_from(noise + if quarter == class { 100 } else { 0 }).unwrap());
        }
    }
    std::fs::create_dir(folder).unwrap();
    std::fs::write(folder.join("train-images-idx3-ubyte"), images).unwrap();
    std::fs::write(folder.join("train-labels-idx1-ubyte"), labels).unwrap();
}

/// The Study with another limit of trials.
fn smaller(study: &str, trials: usize) -> String {
    let mut text = String::new();
    for line in study.lines().filter(|line| !line.starts_with("  limits: ")) {
        if line.starts_with("  parallelism: ") {
            writeln!(text, "  limits: {{trials: {trials}}}").unwrap();
        }
        writeln!(text, "{line}").unwrap();
    }
    text
}

#[test]
fn every_example_is_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned())).collect();
    names.sort();
    let mut played: Vec<&str> = SMALL.iter().map(|(name, _)| *name).chain(["folds", WARM]).collect();
    played.sort_unstable();
    assert_eq!(names, played);
}

#[test]
#[ignore = "needs the trainer: TRIMTAB_TRAINER_BIN names it"]
fn the_other_examples_are_played_by_the_trainer() {
    let trainer = std::env::var_os("TRIMTAB_TRAINER_BIN").unwrap();
    for (name, trials) in SMALL {
        let scene = Scene::new(&small(name, trials), "");
        pictures(&scene.path("pictures"));
        play(&scene, &trainer, (name, trials), "study.yaml");
        if name == "fashion-mnist-grid" {
            // It begins with what the grid has found, in the folder beside its own.
            std::fs::write(scene.path("warm.yaml"), small(WARM, 4)).unwrap();
            let said = play(&scene, &trainer, (WARM, 4), "warm.yaml");
            has(&said, &["begins warm"]);
        }
    }
}

/// An example as a Study of so many trials.
fn small(name: &str, trials: usize) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../examples/{name}.yaml"));
    smaller(&std::fs::read_to_string(file).unwrap(), trials)
}

/// Plays an example to its end, and returns what it said.
fn play(scene: &Scene, trainer: &std::ffi::OsStr, (name, trials): (&str, usize), file: &str) -> String {
    let mut command = scene.command(&["run", file, "--", trainer.to_str().unwrap()]);
    command.env("TRAINER_DATA", scene.path("pictures")).env("TRAINER_VALIDATION", "60");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{name}: {said}");

    let folder = format!("{name}.trimtab");
    let verified = scene.trimtab(&["explain", &folder, "--verify"]);
    has(&verified.out, &[" 0 mismatches, 0 cannot be verified"]);
    let book = Book::read(&Folder::at(&scene.path(&folder))).unwrap();
    assert_eq!(book.trials.len(), trials, "{name}: {said}");
    let best: f64 = book.best().unwrap().value.parse().unwrap();
    // Whatever was drawn, something of it learns: better than guessing, and than the mean.
    let right = if name.starts_with("fashion") || name == "table-folds" { best > 0.4 } else { best < 1.5 };
    assert!(right, "{name}: the best is {best}");
    said
}
