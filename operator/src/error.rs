//! Errors by what is to be done about them.

/// Why a reconcile did not come to its end. All of these are tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A write was refused because something changed since the cache was filled: look again.
    #[error("{what} changed meanwhile")]
    Conflict {
        /// What was to be written.
        what: String,
    },
    /// The API server did not do what was asked.
    #[error("{what}")]
    Api {
        /// What was asked.
        what: String,
        /// What it answered.
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// The class of the error, for logs and metrics: a closed list.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Api { source, .. } => match &**source {
                kube::Error::Api(status) if status.code == 429 => "throttled",
                kube::Error::Api(status) if status.code >= 500 => "server",
                kube::Error::Api(_) => "refused",
                _ => "transport",
            },
        }
    }

    pub(crate) fn of(what: impl Into<String>, source: kube::Error) -> Self {
        match &source {
            kube::Error::Api(status) if status.code == 409 && status.reason == "Conflict" => {
                Self::Conflict { what: what.into() }
            }
            _ => Self::Api { what: what.into(), source: Box::new(source) },
        }
    }
}

/// The API server's answer, if the error is one.
#[must_use]
pub fn status_of(error: &kube::Error) -> Option<&kube::core::Status> {
    match error {
        kube::Error::Api(status) => Some(status),
        _ => None,
    }
}
