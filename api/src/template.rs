//! Checks of the Job that a Study's runs are made from.

use std::cell::RefCell;

use serde_json::{Map, Value};
use trimtab_protocol::environment::{PARAMETER_PREFIX, RUN_PREFIX, RUN_VARIABLES, is_reserved, variable};
use trimtab_protocol::expand;

use crate::names;
use crate::podspec::{POD, objects, text};
use crate::study::StudySpec;
use crate::validate::{FieldError, is_dns_label};

/// Adds what is wrong with the template. The API server's dry run finds the rest, before anything runs.
pub(crate) fn check(spec: &StudySpec, errors: &mut Vec<FieldError>) {
    check_metadata(spec, errors);
    check_job(&spec.trial.job.spec.0, errors);
    let Some(pod) = spec.trial.job.spec.pod() else {
        errors.push(FieldError::new("spec.trial.job.spec.template.spec", "must be a pod's spec"));
        return;
    };
    if pod.get("restartPolicy").is_some_and(|p| p.as_str() != Some("Never")) {
        errors.push(FieldError::new(
            format!("{POD}.restartPolicy"),
            "must be Never or left out: what is tried again is decided by the study",
        ));
    }
    if objects(pod, "volumes").any(|(_, v)| text(v, "name") == Some(names::CHECKPOINT_VOLUME)) {
        errors.push(FieldError::new(
            format!("{POD}.volumes"),
            format!("must not have one named `{}`: the name is taken", names::CHECKPOINT_VOLUME),
        ));
    }
    let trains = check_containers(spec, pod, errors);
    check_variables(spec, pod, trains, errors);
    check_checkpoint(spec, pod, trains, errors);
}

fn check_metadata(spec: &StudySpec, errors: &mut Vec<FieldError>) {
    let Some(metadata) = &spec.trial.job.metadata else { return };
    let labels = metadata.labels.keys().map(|k| ("labels", k));
    for (kind, key) in labels.chain(metadata.annotations.keys().map(|k| ("annotations", k))) {
        if key.starts_with(names::PREFIX) {
            errors.push(FieldError::new(
                format!("spec.trial.job.metadata.{kind}[{key}]"),
                format!("must not begin with `{}`", names::PREFIX),
            ));
        }
    }
}

/// A run is one pod, so what would make several of it is refused rather than ignored.
fn check_job(job: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for field in ["completions", "parallelism"] {
        if job.get(field).is_some_and(|n| n.as_u64() != Some(1)) {
            errors.push(FieldError::new(
                format!("spec.trial.job.spec.{field}"),
                "must be 1 or left out: a run is one pod",
            ));
        }
    }
    for field in ["selector", "manualSelector"] {
        if job.contains_key(field) {
            errors.push(FieldError::new(
                format!("spec.trial.job.spec.{field}"),
                "must be left out: the Job controller sets it",
            ));
        }
    }
}

/// Adds what is wrong with the list of containers, and returns the place of the one that trains.
fn check_containers(spec: &StudySpec, pod: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<usize> {
    let containers: Vec<_> = objects(pod, "containers").collect();
    if containers.is_empty() {
        errors.push(FieldError::new(format!("{POD}.containers"), "must have a container that trains"));
        return None;
    }
    for (i, container) in &containers {
        if !text(container, "name").is_some_and(is_dns_label) {
            errors.push(FieldError::new(
                format!("{POD}.containers[{i}].name"),
                "must be set, of lower case letters, digits and `-`, and begin and end with a letter or digit",
            ));
        }
    }
    let given =
        containers.iter().filter_map(|(_, c)| text(c, "name")).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    match &spec.trial.container {
        Some(name) => {
            let found = containers.iter().find(|(_, c)| text(c, "name") == Some(name)).map(|(i, _)| *i);
            if found.is_none() {
                errors.push(FieldError::new(
                    "spec.trial.container",
                    format!("must name a container of the template: {given} (given `{name}`)"),
                ));
            }
            found
        }
        None if containers.len() == 1 => containers.first().map(|(i, _)| *i),
        None => {
            errors.push(FieldError::new(
                "spec.trial.container",
                format!("must say which container trains, as there are several: {given}"),
            ));
            None
        }
    }
}

/// Refuses references to variables that nobody sets: the kubelet would hand them on as they stand.
fn check_variables(spec: &StudySpec, pod: &Map<String, Value>, trains: Option<usize>, errors: &mut Vec<FieldError>) {
    let parameters: Vec<String> = spec.parameters.iter().map(|p| variable(&p.name)).collect();
    let known: Vec<&str> = parameters.iter().map(String::as_str).chain(RUN_VARIABLES).collect();
    for list in ["containers", "initContainers"] {
        for (i, container) in objects(pod, list) {
            // Where it is not clear which container trains, that is the mistake to mend first.
            let has_them = list == "containers" && trains.is_none_or(|at| at == i);
            let field = format!("{POD}.{list}[{i}]");
            for (part, value) in texts(container) {
                for name in references(value).into_iter().filter(|name| is_reserved(name)) {
                    let place = format!("{field}.{part}");
                    if !known.contains(&name.as_str()) {
                        let message =
                            format!("must not name `$({name})`, which nothing sets; known are {}", known.join(", "));
                        errors.push(FieldError::new(place, message));
                    } else if !has_them {
                        errors.push(FieldError::new(
                            place,
                            format!("must not name `$({name})`: only the container that trains has it"),
                        ));
                    }
                }
            }
            for (j, held) in objects(container, "env") {
                if text(held, "name").is_some_and(is_reserved) {
                    let message =
                        format!("must not begin with `{PARAMETER_PREFIX}` or `{RUN_PREFIX}`: Trimtab sets those");
                    errors.push(FieldError::new(format!("{field}.env[{j}].name"), message));
                }
            }
        }
    }
}

/// The texts of a container in which the kubelet replaces variables, each with its place.
fn texts(container: &Map<String, Value>) -> Vec<(String, &str)> {
    let lists = ["command", "args"].into_iter().flat_map(|list| {
        let texts = container.get(list).and_then(Value::as_array).into_iter().flatten();
        texts.enumerate().filter_map(move |(i, t)| Some((format!("{list}[{i}]"), t.as_str()?)))
    });
    let env = objects(container, "env").filter_map(|(i, v)| Some((format!("env[{i}].value"), text(v, "value")?)));
    lists.chain(env).collect()
}

/// The names that a text refers to as `$(NAME)`: those that the expansion asks for.
fn references(text: &str) -> Vec<String> {
    let asked = RefCell::new(Vec::new());
    let _ = expand(text, |name| {
        asked.borrow_mut().push(name.to_owned());
        None
    });
    asked.into_inner()
}

fn check_checkpoint(spec: &StudySpec, pod: &Map<String, Value>, trains: Option<usize>, errors: &mut Vec<FieldError>) {
    let Some(checkpoint) = &spec.trial.checkpoint else { return };
    if checkpoint.claim_name.is_empty() {
        errors.push(FieldError::new("spec.trial.checkpoint.claimName", "must name a PersistentVolumeClaim"));
    }
    let path = checkpoint.mount_path.as_str();
    let bare = path.trim_end_matches('/');
    if !path.starts_with('/') || bare.is_empty() || path.contains(':') || path.split('/').any(|part| part == "..") {
        errors.push(FieldError::new(
            "spec.trial.checkpoint.mountPath",
            format!("must be an absolute path below `/`, without `:` and `..` (given `{path}`)"),
        ));
    }
    let container = trains.and_then(|at| objects(pod, "containers").find(|(i, _)| *i == at));
    let Some((i, container)) = container else { return };
    for (j, mount) in objects(container, "volumeMounts") {
        if text(mount, "mountPath").is_some_and(|p| p.trim_end_matches('/') == bare) {
            errors.push(FieldError::new(
                "spec.trial.checkpoint.mountPath",
                format!(
                    "must not be where `{POD}.containers[{i}].volumeMounts[{j}]` mounts something else (given `{path}`)"
                ),
            ));
        }
    }
}
