//! Where the things of a study are on the disk.
//!
//! ```text
//! fashion-mnist.trimtab/
//!   journal               everything that is known
//!   request               what was asked from outside, until it is on record
//!   trials/7/2/           run 2 of trial 7
//!     output.log          what it printed
//!     checkpoint/         made by the program: TRIMTAB_CHECKPOINT
//!     scratch/            its TMPDIR, removed when it has ended
//!     end.json            how it ended, from its supervisor
//! ```

use std::path::{Path, PathBuf};

/// The folder of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
}

/// The folder of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// The folder itself.
    pub root: PathBuf,
}

impl Folder {
    /// What a study's folder is called: its name and this.
    const SUFFIX: &'static str = ".trimtab";

    /// The folder here that a study has by its name.
    #[must_use]
    pub fn named(study: &str) -> Self {
        Self { root: PathBuf::from(format!("{study}{}", Self::SUFFIX)) }
    }

    /// The folder at a path.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Whether a path is the folder of a study.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        Self::at(path).exists()
    }

    /// Whether a study was begun in it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.journal().is_file()
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// What was asked from outside and is not on record yet: see [`crate::request`].
    #[must_use]
    pub fn request(&self) -> PathBuf {
        self.root.join("request")
    }

    /// Where the folders of all trials are.
    #[must_use]
    pub fn trials(&self) -> PathBuf {
        self.root.join("trials")
    }

    /// The folder of a trial.
    #[must_use]
    pub fn trial(&self, number: u32) -> PathBuf {
        self.trials().join(number.to_string())
    }

    /// The folder of a run.
    #[must_use]
    pub fn run(&self, number: u32, run: u32) -> RunFolder {
        RunFolder { root: self.trial(number).join(run.to_string()) }
    }
}

impl RunFolder {
    /// What the run printed.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.root.join("output.log")
    }

    /// Where it keeps its progress.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// Its temporary files.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// How it ended.
    #[must_use]
    pub fn end(&self) -> PathBuf {
        self.root.join("end.json")
    }
}
