//! A study and its trials as they were written down: in a cluster, in the folder of a local study, or in files as `kubectl get -o yaml` or `-o json` gives them.

use std::path::{Path, PathBuf};

use clap::Args;
use kube::ResourceExt;
use serde_json::Value;
use trimtab_api::{GROUP, Study, Trial, names};
use trimtab_local::{Book, Folder};

use crate::cluster::{self, Access, Cluster};
use crate::error::Error;
use crate::source;

/// Which study is read, and where its record is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The Study's name, or the folder of a local study.
    pub(crate) study: String,
    #[command(flatten)]
    access: Access,
    /// Read `kubectl get studies,trials -o yaml` output instead of a cluster; may be given several times, `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kubeconfig", "context"])]
    from: Vec<PathBuf>,
}

impl Place {
    /// Reads the record of the study: of the local one whose folder is named, or else of a Study of that name.
    pub(crate) fn read(&self) -> Result<Record, Error> {
        let name = self.study.as_str();
        if let Some(folder) = local(name).filter(|_| self.from.is_empty()) {
            return Ok(Record::of(&Book::read(&folder)?));
        }
        if self.from.is_empty() {
            cluster::block_on(async { Cluster::connect(&self.access).await?.record(name).await })
        } else {
            read(&self.from, Some(name), self.access.namespace.as_deref())
        }
    }
}

/// The local study that a name means, if it means one: a folder of a study, or the name of one that is here. What looks like a
/// path is one: a cluster's names have no `/` and no `.`.
pub(crate) fn local(name: &str) -> Option<Folder> {
    let given = Folder::at(Path::new(name));
    let is_path = name.contains(['/', '.']);
    let found = [given.clone(), Folder::named(name)].into_iter().find(Folder::exists);
    found.or(is_path.then_some(given))
}

/// A study and its trials, by number.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) study: Study,
    pub(crate) trials: Vec<Trial>,
    /// What is run instead of the image, of a local study.
    pub(crate) program: Option<Vec<String>>,
    /// What could not be read; the rest is told all the same.
    pub(crate) problems: Vec<String>,
}

impl Record {
    /// The record of a local study.
    pub(crate) fn of(book: &Book) -> Self {
        let (study, trials) = book.objects();
        Self { study, trials, program: Some(book.program.clone()), problems: Vec::new() }
    }

    /// Puts together what belongs to a study. A Trial that cannot be decoded is a problem of its own.
    pub(crate) fn new(study: Study, trials: impl IntoIterator<Item = Value>, mut problems: Vec<String>) -> Self {
        let mut kept: Vec<Trial> = Vec::new();
        for value in trials {
            let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            match serde_json::from_value::<Trial>(value) {
                Ok(trial) if belongs(&study, &trial) => kept.push(trial),
                Ok(_) => {}
                Err(error) => problems.push(format!("Trial {name} cannot be decoded: {error}")),
            }
        }
        kept.sort_by_key(|trial| trial.spec.number);
        kept.dedup_by_key(|trial| trial.spec.number);
        Self { study, trials: kept, program: None, problems }
    }
}

/// A name and a number make a trial's name, and the UID tells it from those of an earlier study of that name.
fn belongs(study: &Study, trial: &Trial) -> bool {
    study.metadata.uid.as_deref().is_none_or(|uid| uid == trial.spec.study_uid)
        && trial.spec.study_name == study.name_any()
        && trial.namespace() == study.namespace()
        && trial.name_any() == names::trial(&study.name_any(), trial.spec.number)
}

/// Reads a study and its trials from files. Without a name there must be one only.
pub(crate) fn read(files: &[PathBuf], name: Option<&str>, namespace: Option<&str>) -> Result<Record, Error> {
    let mut objects = Vec::new();
    let mut shown = Vec::new();
    for file in files {
        let source = source::read(file)?;
        let documents = parse(&source.name, &source.text)?;
        documents.into_iter().for_each(|document| flatten(document, &mut objects));
        shown.push(source.name);
    }
    let is = |value: &Value, kind: &str| {
        let api_version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        value.get("kind").is_some_and(|k| k == kind) && api_version.split('/').next() == Some(GROUP)
    };
    let (studies, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(|value| is(value, "Study"));
    let place = shown.join(", ");
    if studies.is_empty() {
        return Err(Error::NoStudy { file: place });
    }
    let text = |value: &Value, field: &str| {
        value.pointer(&format!("/metadata/{field}")).and_then(Value::as_str).map(str::to_owned)
    };
    let mut found = studies.iter().filter(|value| {
        name.is_none_or(|name| text(value, "name").as_deref() == Some(name))
            && namespace.is_none_or(|wanted| text(value, "namespace").as_deref() == Some(wanted))
    });
    let others = || -> String {
        let names = studies.iter().filter_map(|value| text(value, "name")).map(|name| format!("`{name}`"));
        names.collect::<Vec<_>>().join(", ")
    };
    let Some(first) = found.next() else {
        return Err(Error::UnknownStudy { name: name.unwrap_or_default().to_owned(), place, others: others() });
    };
    if name.is_none() && found.next().is_some() {
        return Err(Error::SeveralStudies { file: place, names: others() });
    }
    let name = text(first, "name").unwrap_or_default();
    let study: Study = serde_json::from_value(first.clone()).map_err(|error| Error::Malformed {
        file: place,
        message: format!("Study {name} cannot be decoded: {error}"),
    })?;
    Ok(Record::new(study, rest.into_iter().filter(|value| is(value, "Trial")), Vec::new()))
}

/// JSON is read as JSON: a record of many trials is long, and the shorter way is the faster.
fn parse(file: &str, text: &str) -> Result<Vec<Value>, Error> {
    if text.trim_start().starts_with('{') {
        let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        if let Ok(documents) = documents {
            return Ok(documents);
        }
    }
    // A record may be larger than what the reader takes from a stranger.
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Error::Malformed { file: file.to_owned(), message: error.to_string() })
}

fn flatten(document: Value, objects: &mut Vec<Value>) {
    match document {
        Value::Object(mut members) if members.get("items").is_some_and(Value::is_array) => {
            // The items of a list that is named after its kind may leave out what they are.
            let api_version = members.get("apiVersion").cloned();
            let kind = members
                .get("kind")
                .and_then(Value::as_str)
                .and_then(|kind| kind.strip_suffix("List"))
                .filter(|kind| !kind.is_empty())
                .map(str::to_owned);
            if let Some(Value::Array(items)) = members.remove("items") {
                for mut item in items {
                    if let (Value::Object(item), Some(kind), Some(api_version)) = (&mut item, &kind, &api_version) {
                        item.entry("kind").or_insert_with(|| kind.clone().into());
                        item.entry("apiVersion").or_insert_with(|| api_version.clone());
                    }
                    flatten(item, objects);
                }
            }
        }
        Value::Null => {}
        other => objects.push(other),
    }
}
