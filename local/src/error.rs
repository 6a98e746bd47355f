//! What ends a study's session on this machine. Each message says what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a session cannot begin or go on. What was recorded before stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be used.
    #[error("cannot {doing} {path}: {error}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is no journal.
    #[error(
        "there is no local study in {folder}: `trimtab list` shows those that are here, `trimtab run STUDY.yaml` makes one"
    )]
    Absent {
        /// Where one was looked for.
        folder: PathBuf,
    },
    /// Another process has the journal.
    #[error("{path} is in use: another `trimtab run` works on this study; wait for it or end it")]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// The journal is damaged where it was whole before.
    #[error(
        "{path} is damaged in line {line} (byte {offset}): {what}; records after it are whole, so it is no torn end. Restore the file, or cut it there by `truncate --size={offset}` and lose what came after"
    )]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The line's first byte.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// There is no study in the folder.
    #[error("{path} has no study: `trimtab run STUDY.yaml` makes one")]
    Empty {
        /// The journal.
        path: PathBuf,
    },
    /// A newer program wrote the journal.
    #[error("{path} was written in format {found}, and this program reads format {known}: use a newer trimtab")]
    Format {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// There is something where a study is to be made.
    #[error("{folder} is there already: give another --folder")]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The Study is not what the journal began with.
    #[error(
        "the study in {folder} was begun with another `spec.{field}`, and a study's search is fixed: give another --folder, or another `metadata.name`"
    )]
    Changed {
        /// The study's folder.
        folder: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// What the study is to begin with cannot be had.
    #[error("{0}")]
    WarmStart(String),
    /// The Study is not valid.
    #[error("the Study is not valid: {0}")]
    Invalid(String),
    /// There is nothing to start.
    #[error("{0}")]
    NoProgram(String),
    /// A trial needs more than the machine has.
    #[error("{0}")]
    NoRoom(String),
}

impl Error {
    /// For `map_err`: what was tried, and where.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { doing, path, error }
    }

    /// For `map_err`: a journal that cannot be read, or is not there at all.
    pub(crate) fn journal(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| match (error.kind(), path.parent()) {
            (io::ErrorKind::NotFound, Some(folder)) => Self::Absent { folder: folder.to_owned() },
            _ => Self::File { doing: "read", path, error },
        }
    }
}
