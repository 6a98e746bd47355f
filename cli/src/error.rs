//! What keeps a command from answering. Each message says what to do about it.

use std::io;

/// Why a question could not be answered; the exit code is 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Usage(String),
    #[error("cannot read {file}: {error}")]
    Read { file: String, error: io::Error },
    #[error("{file} is no YAML or JSON: {message}")]
    Malformed { file: String, message: String },
    #[error("{file} has no Study: give `kubectl get studies,trials -o yaml` output")]
    NoStudy { file: String },
    #[error("there is no Study `{name}` in {place}; there is {others}")]
    UnknownStudy { name: String, place: String, others: String },
    #[error(
        "there is no Study `{name}` in the namespace `{namespace}`: `kubectl get studies --all-namespaces` lists them, `-n` picks the namespace"
    )]
    NotFound { name: String, namespace: String },
    #[error("the Study `{name}` was deleted while it was watched")]
    Deleted { name: String },
    #[error("the cluster does not know Studies: install the definitions with `trimtab crds | kubectl apply -f -`")]
    NotInstalled,
    #[error(
        "the cluster refuses {doing}: {message}; ask for `get` and `list` on `studies` and `trials` of `trimtab.dev`"
    )]
    Forbidden { doing: String, message: String },
    #[error(
        "the cluster refuses {doing}: {message}; ask for `patch` on `studies` of `trimtab.dev`, as the cluster role `edit` has it"
    )]
    Unwritable { doing: String, message: String },
    #[error("{doing} failed: {message}; does `kubectl cluster-info` answer?")]
    Cluster { doing: String, message: String },
    #[error(
        "the kubeconfig cannot be used: {0}; see `kubectl config view`, or give `--kubeconfig` and `--context`. A study of this machine is named where its folder is: see `trimtab list`"
    )]
    Kubeconfig(String),
    #[error("the Study `{name}` is not valid, so nothing of it can be recomputed: {message}")]
    InvalidStudy { name: String, message: String },
    #[error("the Study has no trial {number}; its trials are {known}")]
    UnknownTrial { number: u32, known: String },
    #[error("trial {trial} has no such run; its runs are {known}")]
    UnknownRun { trial: u32, known: String },
    #[error("{0}")]
    NoOutput(String),
    #[error("the cluster refuses {doing}: {message}; ask for `get` on `pods/log`")]
    Unlogged { doing: String, message: String },
    #[error("{file}:{line}: {message}")]
    Table { file: String, line: usize, message: String },
    #[error("{file} has several Studies ({names}): pick one with --name")]
    SeveralStudies { file: String, names: String },
    #[error("there is no Study in {0}: one begins with `apiVersion: trimtab.dev/v1alpha1` and `kind: Study`")]
    NothingToCheck(String),
    #[error(transparent)]
    Local(#[from] trimtab_local::Error),
    #[error("cannot write {file}: {error}")]
    WriteFile { file: String, error: io::Error },
    #[error("cannot write: {0}")]
    Write(io::Error),
    #[error("cannot render: {0}")]
    Render(String),
}

impl Error {
    /// What came back from the API server.
    pub(crate) fn of(doing: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 401 || status.code == 403 => {
                Self::Forbidden { doing: doing.to_owned(), message: status.message.clone() }
            }
            // A missing object names itself in the details; a missing kind does not.
            kube::Error::Api(status) if status.code == 404 => Self::NotInstalled,
            _ => Self::Cluster { doing: doing.to_owned(), message: chain(error) },
        }
    }

    /// What came back from the API server when something was to be changed.
    pub(crate) fn of_writing(doing: &str, error: &kube::Error) -> Self {
        match Self::of(doing, error) {
            Self::Forbidden { doing, message } => Self::Unwritable { doing, message },
            other => other,
        }
    }

    /// What came back from the API server when a log was asked for.
    pub(crate) fn of_logs(doing: &str, error: &kube::Error) -> Self {
        match Self::of(doing, error) {
            Self::Forbidden { doing, message } => Self::Unlogged { doing, message },
            other => other,
        }
    }

    /// Whether asking again later may help.
    pub(crate) fn is_passing(error: &kube::Error) -> bool {
        match error {
            kube::Error::Api(status) => status.code == 429 || status.code >= 500,
            _ => true,
        }
    }
}

/// An error with its causes: the outermost alone hardly ever says which host was meant.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
