//! What can go wrong, by the stage at which it does.

use std::io;
use std::path::{Path, PathBuf};

/// Why a cluster could not be built, started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine lacks something that cannot be put in place from here.
    #[error("this machine cannot run a cluster: {0}")]
    Machine(String),
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be run, or it failed.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// What it printed, or why it could not be run.
        output: String,
    },
    /// A cluster of this name is up already.
    #[error("a cluster named {0:?} is already running")]
    AlreadyRunning(String),
    /// No cluster of this name is up.
    #[error("no cluster named {0:?} is running")]
    NotRunning(String),
    /// The supervisor could not prepare the cluster, or it ended.
    #[error("the cluster did not start: {0}")]
    Supervisor(String),
    /// A component keeps ending.
    #[error("{component} keeps ending; the last of its log:\n{log}")]
    Component {
        /// Which one.
        component: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// Something that was waited for did not come about.
    #[error("gave up waiting for {what}; the last answer was: {last}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// The last thing that was seen.
        last: String,
    },
    /// The call needs this harness's own node, and the tests run against some other cluster.
    #[error("{0} needs a cluster of the harness's own, and TRIMTAB_TEST_KUBECONFIG names another")]
    External(&'static str),
    /// An image cannot be made from what was given.
    #[error("image {name}: {reason}")]
    Image {
        /// The image's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A name or an option that cannot work.
    #[error("{0}")]
    Option(String),
}

impl Error {
    /// Turns an error about a file into one that names it.
    pub(crate) fn file(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::File { path, source }
    }
}
