//! A small data set, runs in this process, and what they print.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use trimtab_trainer::flags::Flags;
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

/// Flags of a small model on the data in `folder`.
pub fn flags(folder: &Path) -> Flags {
    Flags {
        data: Some(folder.into()),
        validation: text("100"),
        hidden_units: text("16"),
        batch_size: text("64"),
        learning_rate: text("0.01"),
        epochs: text("4"),
        seed: text("7"),
        threads: text("1"),
        ..Flags::default()
    }
}

pub fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
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
    let ending = run(&Settings::new(flags).unwrap(), &mut output, stop);
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

pub fn os(path: &Path) -> Option<std::ffi::OsString> {
    Some(PathBuf::from(path).into())
}
