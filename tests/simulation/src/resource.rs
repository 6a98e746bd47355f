//! The kinds that the simulated server knows.

/// A kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// trimtab.dev/v1alpha1 Study.
    Study,
    /// trimtab.dev/v1alpha1 Trial.
    Trial,
    /// batch/v1 Job.
    Job,
    /// v1 Pod.
    Pod,
    /// events.k8s.io/v1 Event.
    Event,
    /// coordination.k8s.io/v1 Lease.
    Lease,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Study, Self::Trial, Self::Job, Self::Pod, Self::Event, Self::Lease];

    /// Group and version as `apiVersion` has them.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Study | Self::Trial => "trimtab.dev/v1alpha1",
            Self::Job => "batch/v1",
            Self::Pod => "v1",
            Self::Event => "events.k8s.io/v1",
            Self::Lease => "coordination.k8s.io/v1",
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Study => "Study",
            Self::Trial => "Trial",
            Self::Job => "Job",
            Self::Pod => "Pod",
            Self::Event => "Event",
            Self::Lease => "Lease",
        }
    }

    /// The plural in paths.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Study => "studies",
            Self::Trial => "trials",
            Self::Job => "jobs",
            Self::Pod => "pods",
            Self::Event => "events",
            Self::Lease => "leases",
        }
    }

    /// The plural with its group, as messages have it.
    #[must_use]
    pub fn qualified(self) -> &'static str {
        match self {
            Self::Study => "studies.trimtab.dev",
            Self::Trial => "trials.trimtab.dev",
            Self::Job => "jobs.batch",
            Self::Pod => "pods",
            Self::Event => "events.events.k8s.io",
            Self::Lease => "leases.coordination.k8s.io",
        }
    }

    /// Whether status is a subresource of its own.
    #[must_use]
    pub fn has_status(self) -> bool {
        matches!(self, Self::Study | Self::Trial | Self::Job | Self::Pod)
    }

    /// Whether the spec's changes are counted.
    #[must_use]
    pub fn has_generation(self) -> bool {
        matches!(self, Self::Study | Self::Trial | Self::Job)
    }

    /// Whether it is defined by a CustomResourceDefinition, which allows no update without a resourceVersion.
    #[must_use]
    pub fn is_custom(self) -> bool {
        matches!(self, Self::Study | Self::Trial)
    }

    /// The kind under this group, version and plural.
    #[must_use]
    pub fn find(api_version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.api_version() == api_version && r.plural() == plural)
    }
}

/// Names an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind.
    pub resource: Resource,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of an object.
    #[must_use]
    pub fn new(resource: Resource, namespace: &str, name: &str) -> Self {
        Self { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.resource.kind(), self.namespace, self.name)
    }
}
