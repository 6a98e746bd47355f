//! Renders the chart with Helm, and reads the files beside it.

pub mod documents;
pub mod names;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The chart's folder.
#[must_use]
pub fn chart() -> PathBuf {
    root().join("charts/trimtab")
}

/// A file of the repository.
///
/// # Errors
/// When it is not there.
pub fn file(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// The Helms to test with, with colons between them, from `TRIMTAB_HELM`. `./test chart` builds two and names them.
///
/// # Errors
/// When none is named.
pub fn helms() -> Result<Vec<PathBuf>> {
    let named = std::env::var("TRIMTAB_HELM").context("TRIMTAB_HELM names no helm: run ./test chart")?;
    Ok(named.split(':').map(PathBuf::from).collect())
}

/// The documents of a YAML stream.
///
/// # Errors
/// When one is no YAML.
pub fn documents(stream: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for text in format!("\n{stream}").split("\n---") {
        let value: Value = serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{error}\n{text}"))?;
        if !value.is_null() {
            all.push(value);
        }
    }
    Ok(all)
}

/// What Helm says to these settings (as of `--set` and `--set-json`), under one release name and namespace.
#[derive(Clone, Debug)]
pub struct Release {
    name: String,
    namespace: String,
    kubernetes: String,
    arguments: Vec<String>,
}

impl Default for Release {
    fn default() -> Self {
        let text = |word: &str| word.to_owned();
        Self {
            name: text("trimtab"),
            namespace: text("trimtab-system"),
            kubernetes: text("1.37.0"),
            arguments: Vec::new(),
        }
    }
}

impl Release {
    /// Sets a value, given as JSON.
    #[must_use]
    pub fn set(mut self, path: &str, json: &str) -> Self {
        self.arguments.extend(["--set-json".to_owned(), format!("{path}={json}")]);
        self
    }

    /// Under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// For another version of Kubernetes.
    #[must_use]
    pub fn on(mut self, kubernetes: &str) -> Self {
        kubernetes.clone_into(&mut self.kubernetes);
        self
    }

    /// The text that one Helm renders.
    ///
    /// # Errors
    /// With Helm's own words when it refuses.
    pub fn text(&self, helm: &Path) -> Result<String> {
        let answer = Command::new(helm)
            .args(["template", &self.name])
            .arg(chart())
            .args(["--namespace", &self.namespace, "--kube-version", &self.kubernetes])
            .args(&self.arguments)
            .output()
            .with_context(|| helm.display().to_string())?;
        if !answer.status.success() {
            bail!("{}", String::from_utf8_lossy(&answer.stderr));
        }
        Ok(String::from_utf8(answer.stdout)?)
    }

    /// The objects that every Helm renders; they must agree.
    ///
    /// # Errors
    /// When one Helm refuses, or two differ.
    pub fn objects(&self) -> Result<Objects> {
        let mut first: Option<Vec<Value>> = None;
        for helm in helms()? {
            let mut objects = documents(&self.text(&helm)?)?;
            objects.sort_by_key(|object| (word(object, "/kind").to_owned(), word(object, "/metadata/name").to_owned()));
            match &first {
                Some(first) if *first != objects => bail!("{} renders something else", helm.display()),
                Some(_) => {}
                None => first = Some(objects),
            }
        }
        Ok(Objects(first.context("no helm")?))
    }
}

/// The text at a JSON pointer, empty where there is none.
#[must_use]
pub fn word<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What was rendered.
#[derive(Clone, Debug)]
pub struct Objects(pub Vec<Value>);

impl Objects {
    /// All of a kind.
    #[must_use]
    pub fn of(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|object| word(object, "/kind") == kind).collect()
    }

    /// One of a kind, by name.
    ///
    /// # Errors
    /// When it is not there.
    pub fn one(&self, kind: &str, name: &str) -> Result<&Value> {
        let found = self.of(kind).into_iter().find(|object| word(object, "/metadata/name") == name);
        found.with_context(|| format!("no {kind} {name}"))
    }

    /// The operator's pod template.
    ///
    /// # Errors
    /// When there is no Deployment.
    pub fn pod(&self) -> Result<&Value> {
        let deployment = self.of("Deployment").into_iter().next().context("no Deployment")?;
        deployment.pointer("/spec/template").context("no template")
    }

    /// The operator's container.
    ///
    /// # Errors
    /// When there is none.
    pub fn container(&self) -> Result<&Value> {
        self.pod()?.pointer("/spec/containers/0").context("no container")
    }
}
