//! A small data set, runs in this process, and what they print.

use std::fs;
use std::path::Path;

use clap::Parser;
use tempfile::TempDir;
use trimtab_trainer::flags::{Cli, Command};
use trimtab_trainer::run::{Ending, Error, run};
use trimtab_trainer::settings::Settings;
use trimtab_trainer::signals::Stop;

/// Images are SIDE x SIDE, in four classes.
pub const SIDE: usize = 8;
pub const TRAIN: usize = 600;

/// A folder with the four files: an image is noise with one bright quarter, and the quarter is its class.
pub fn data() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_part(folder.path(), "train", TRAIN, 1);
    write_part(folder.path(), "t10k", 100, 2);
    folder
}

fn write_part(folder: &Path, prefix: &str, count: usize, seed: u64) {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let (mut images, mut labels) = (header(0x803, &[count, SIDE, SIDE]), header(0x801, &[count]));
    for _ in 0..count {
        let class = noise() % 4;
        labels.push(class as u8);
        for pixel in 0..SIDE * SIDE {
            let quarter = 2 * usize::from(pixel / SIDE >= SIDE / 2) + usize::from(pixel % SIDE >= SIDE / 2);
            images.push((noise() % 150 + if quarter == class { 60 } else { 0 }) as u8);
        }
    }
    fs::write(folder.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
    fs::write(folder.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
}

pub fn header(magic: u32, sizes: &[usize]) -> Vec<u8> {
    let sizes = sizes.iter().map(|&size| size as u32);
    std::iter::once(magic).chain(sizes).flat_map(u32::to_be_bytes).collect()
}

/// The command line of a run: of a flag that is given twice, the last one counts.
#[derive(Clone, Debug)]
pub struct Flags(Vec<String>);

impl Flags {
    pub fn new(flags: &[&str]) -> Self {
        Self(Vec::new()).with(flags)
    }

    /// The same with more.
    pub fn with(&self, flags: &[&str]) -> Self {
        let more = flags.iter().flat_map(|flags| flags.split_whitespace()).map(str::to_owned);
        Self(self.0.iter().cloned().chain(more).collect())
    }

    /// The same with a flag that is a path.
    pub fn path(&self, flag: &str, path: &Path) -> Self {
        self.with(&[&format!("{flag}={}", path.display())])
    }

    pub fn settings(&self) -> Result<Settings, trimtab_trainer::settings::Error> {
        let words = ["trimtab-trainer", "train"].into_iter().map(str::to_owned).chain(self.0.iter().cloned());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Train(flags) => Settings::new(&flags),
            _ => unreachable!(),
        }
    }
}

/// Flags of a small model on the images in `folder`.
pub fn flags(folder: &Path) -> Flags {
    Flags::new(&[
        "--validation=100 --hidden-units=16 --batch-size=64 --learning-rate=0.01 --epochs=4 --seed=7 --threads=1",
    ])
    .path("--data", folder)
}

/// Flags of a small model on a generated table.
pub fn generated(name: &str) -> Flags {
    Flags::new(&["--hidden-units=16 --batch-size=32 --learning-rate=0.01 --epochs=4 --seed=7 --threads=1"])
        .with(&[&format!("--data=generated:{name}")])
}

/// What a run printed, and how it ended.
pub struct Ran {
    pub output: String,
    pub ending: Result<Ending, Error>,
}

impl Ran {
    /// The lines of epochs, without what they took.
    pub fn epochs(&self) -> Vec<String> {
        epochs(&self.output)
    }

    /// A metric of the last epoch.
    pub fn last(&self, metric: &str) -> f64 {
        let line = self.epochs().pop().unwrap();
        let field = line.split(' ').find_map(|field| field.strip_prefix(&format!("{metric}=")));
        field.unwrap().parse().unwrap()
    }

    /// What a run on bad data or with flags that do not suit it says.
    pub fn error(self) -> String {
        self.ending.unwrap_err().to_string()
    }
}

pub fn epochs(output: &str) -> Vec<String> {
    let lines = output.lines().filter(|line| line.starts_with("epoch="));
    lines.map(|line| line.split_once(" seconds=").unwrap().0.to_owned()).collect()
}

pub fn train(flags: &Flags) -> Ran {
    train_until(flags, &Stop::default())
}

pub fn train_until(flags: &Flags, stop: &Stop) -> Ran {
    let mut output = Vec::new();
    let ending = run(&flags.settings().unwrap(), &mut output, stop);
    Ran { output: String::from_utf8(output).unwrap(), ending }
}

/// The weights and the optimizer's state in a checkpoint of `epoch`.
pub fn files(folder: &Path, epoch: u32) -> [Vec<u8>; 2] {
    ["model", "optimizer"].map(|name| fs::read(folder.join(format!("{name}-{epoch}.bpk"))).unwrap())
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
