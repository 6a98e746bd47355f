//! Reading from a cluster, as the user that the kubeconfig names. Nothing here writes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use trimtab_api::{Study, Trial, names};

use crate::error::Error;
use crate::record::Record;

/// How many Trials one answer of the API server holds.
const PAGE: u32 = 250;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Access {
    /// The namespace; left out: that of the context.
    #[arg(long, short)]
    pub(crate) namespace: Option<String>,
    /// The kubeconfig file; left out: KUBECONFIG, or `~/.kube/config`.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long)]
    context: Option<String>,
}

/// A connection to a namespace of a cluster.
pub(crate) struct Cluster {
    client: Client,
    pub(crate) namespace: String,
}

/// Runs a command's work on this thread: all of it is waiting for one server.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::Usage(format!("no event loop can be made here: {error}")))?.block_on(work)
}

impl Cluster {
    /// Connects; nothing is asked yet.
    pub(crate) async fn connect(access: &Access) -> Result<Self, Error> {
        let options = KubeConfigOptions { context: access.context.clone(), cluster: None, user: None };
        let unusable = |error: &dyn std::fmt::Display| Error::Kubeconfig(error.to_string());
        let mut config = match (&access.kubeconfig, &access.context) {
            (Some(file), _) => {
                let kubeconfig = Kubeconfig::read_from(file).map_err(|e| unusable(&e))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|e| unusable(&e))?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|e| unusable(&e))?,
            // Also the service account of a pod, where there is no kubeconfig.
            (None, None) => Config::infer().await.map_err(|e| unusable(&e))?,
        };
        config.read_timeout = Some(PATIENCE);
        let namespace = access.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|e| unusable(&e))?;
        Ok(Self { client, namespace })
    }

    /// A Study, if it is there.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Study>, kube::Error> {
        Api::<Study>::namespaced(self.client.clone(), &self.namespace).get_opt(name).await
    }

    /// A Study that has to be there.
    pub(crate) async fn study(&self, name: &str) -> Result<Study, Error> {
        let doing = format!("reading the Study `{name}`");
        if let Some(study) = self.find(name).await.map_err(|error| Error::of(&doing, &error))? {
            return Ok(study);
        }
        // A kind that is not installed is as absent as an object that is not there; a list tells them apart.
        let api = Api::<Study>::namespaced(self.client.clone(), &self.namespace);
        api.list_metadata(&ListParams::default().limit(1))
            .await
            .map_err(|error| Error::of("listing Studies", &error))?;
        Err(Error::NotFound { name: name.to_owned(), namespace: self.namespace.clone() })
    }

    /// A Study and its Trials.
    pub(crate) async fn record(&self, name: &str) -> Result<Record, Error> {
        let study = self.study(name).await?;
        // Untyped, so that one Trial that cannot be decoded does not hide the others.
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &ApiResource::erase::<Trial>(&()));
        let mut params = ListParams::default().labels(&format!("{}={name}", names::STUDY_LABEL)).limit(PAGE);
        let (mut trials, mut problems) = (Vec::new(), Vec::new());
        loop {
            let page = api.list(&params).await.map_err(|error| Error::of("listing Trials", &error))?;
            let next = page.metadata.continue_.clone().filter(|token| !token.is_empty());
            for trial in page.items {
                let name = trial.name_any();
                match serde_json::to_value(trial) {
                    Ok(value) => trials.push(value),
                    Err(error) => problems.push(format!("Trial {name} cannot be read: {error}")),
                }
            }
            match next {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(Record::new(study, trials, problems)),
            }
        }
    }
}
