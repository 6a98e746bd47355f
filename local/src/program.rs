//! What a run starts: the container's command and arguments, or what was given instead of its image.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use trimtab_api::Study;
use trimtab_api::quantity::thousandths;
use trimtab_protocol::{arguments, check_arguments, expand};

use crate::error::Error;

/// Seconds that Kubernetes gives a pod to stop, unless it says otherwise.
const GRACE_SECONDS: u64 = 30;

/// What every run of a study starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The program and its arguments, with references to variables.
    pub words: Vec<String>,
    /// The container's own variables that are plain text, in order.
    pub variables: Vec<(String, String)>,
    /// The folder it is started in.
    pub directory: PathBuf,
    /// GPUs that a run asks for.
    pub gpus: u32,
    /// Thousandths of a CPU that a run asks for; 0 if it does not say.
    pub millicpus: u64,
    /// Bytes of memory that a run may have.
    pub memory: Option<u64>,
    /// Seconds between SIGTERM and SIGKILL.
    pub grace: u64,
    /// What of the container has no meaning here, for people.
    pub warnings: Vec<String>,
}

impl Program {
    /// The program of a study. What is `given` stands for the image: one word for its entrypoint, which the container's `args`
    /// follow; several for entrypoint and arguments.
    ///
    /// # Errors
    /// When neither is there, or an argument that was given names a variable that nobody sets.
    pub fn new(study: &Study, given: &[String], directory: &Path) -> Result<Self, Error> {
        let empty = Map::new();
        let spec = &study.spec;
        let pod = spec.trial.job.spec.pod().unwrap_or(&empty);
        let containers: Vec<&Map<String, Value>> = pod
            .get("containers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .collect();
        let named = |c: &&&Map<String, Value>| c.get("name").and_then(Value::as_str) == spec.trial.container.as_deref();
        let container = containers.iter().find(named).or(containers.first()).copied().unwrap_or(&empty);
        let list = |key: &str| -> Vec<String> {
            let texts = container.get(key).and_then(Value::as_array).into_iter().flatten();
            texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let (command, args) = (list("command"), list("args"));
        let words = match given {
            [] if command.is_empty() => {
                let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
                return Err(Error::NoProgram(format!(
                    "the Study says what to run by its image `{image}` only, and there are no images here: give the program behind `--`, as in `trimtab run STUDY.yaml -- ./train.py`; the container's `args` follow it"
                )));
            }
            [] => [command, args].concat(),
            [entrypoint] => [vec![entrypoint.clone()], args].concat(),
            several => {
                let always = |p: &trimtab_api::study::Parameter| p.when.is_empty() || p.otherwise.is_some();
                let known: Vec<(&str, bool)> = spec.parameters.iter().map(|p| (p.name.as_str(), always(p))).collect();
                check_arguments("command", several, &known).map_err(|error| Error::NoProgram(error.to_string()))?;
                several.to_vec()
            }
        };
        let mut warnings = Vec::new();
        let variables = variables(container, &mut warnings);
        let resources = container.get("resources").and_then(Value::as_object);
        let asked = |kind: &str, name: &str| resources?.get(kind)?.as_object()?.get(name).map(text);
        let number = |name: &str| asked("requests", name).or_else(|| asked("limits", name));
        let gpus = number("nvidia.com/gpu").and_then(|n| n.parse().ok()).unwrap_or(0);
        let memory = asked("limits", "memory");
        let bytes = memory.as_deref().and_then(quantity);
        if let (Some(text), None) = (&memory, bytes) {
            warnings.push(format!("`resources.limits.memory` is {text}, which cannot be read: memory has no limit"));
        }
        let mut directory = directory.to_owned();
        if let Some(own) = container.get("workingDir").and_then(Value::as_str).filter(|own| Path::new(own).is_dir()) {
            directory = PathBuf::from(own);
        }
        let mut program = Self {
            words,
            variables,
            directory,
            gpus,
            // A quantity without a unit is in CPUs, and thousandths of bytes are nothing anybody asks for.
            millicpus: number("cpu").as_deref().and_then(thousandths).unwrap_or(0),
            memory: bytes,
            grace: pod.get("terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(GRACE_SECONDS),
            warnings,
        };
        program.warn(pod, containers.len());
        Ok(program)
    }

    fn warn(&mut self, pod: &Map<String, Value>, containers: usize) {
        if containers > 1
            || pod.get("initContainers").is_some_and(|list| list.as_array().is_some_and(|l| !l.is_empty()))
        {
            self.warnings.push("only the container that trains is run here, none of the pod's others".to_owned());
        }
    }

    /// Whether the program is there to be started: the local mode's preflight, before anything is on record.
    ///
    /// # Errors
    /// When there is no such file, or it may not be executed.
    pub fn preflight(&self) -> Result<(), Error> {
        let Some(program) = self.words.first().filter(|word| !word.contains('$')) else { return Ok(()) };
        let found: Vec<PathBuf> = if program.contains('/') {
            vec![self.directory.join(program)]
        } else {
            let own = self.variables.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.into());
            let path = own.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
            std::env::split_paths(&path).map(|folder| self.directory.join(folder).join(program)).collect()
        };
        let mut files = found.iter().filter(|path| path.is_file()).peekable();
        let place = self.directory.display();
        if files.peek().is_none() {
            return Err(Error::NoProgram(format!("there is no program `{program}` (from {place})")));
        }
        let is_executable = |path: &PathBuf| nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok();
        if !files.any(is_executable) {
            return Err(Error::NoProgram(format!("`{program}` (from {place}) may not be executed: `chmod +x` it")));
        }
        Ok(())
    }

    /// The words of one run: references are replaced, and elements that name a variable which the run does not have are left
    /// out, as on a cluster. `environment` is the run's own.
    #[must_use]
    pub fn words(&self, environment: &[(String, String)]) -> Vec<String> {
        let lookup =
            |name: &str| environment.iter().rev().find(|(set, _)| set == name).map(|(_, value)| value.as_str());
        arguments(&self.words, environment).iter().map(|word| expand(word, lookup)).collect()
    }

    /// The environment of a run: the contract's variables, then the container's own, which may refer to those before them.
    #[must_use]
    pub fn environment(&self, contract: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut all = contract;
        for (name, value) in &self.variables {
            let value = {
                let lookup = |wanted: &str| all.iter().rev().find(|(set, _)| set == wanted).map(|(_, v)| v.as_str());
                expand(value, lookup)
            };
            all.push((name.clone(), value));
        }
        all
    }
}

/// Plain variables. What comes from objects of a cluster is left to the environment of trimtab itself.
fn variables(container: &Map<String, Value>, warnings: &mut Vec<String>) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for held in container.get("env").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = held.get("name").and_then(Value::as_str) else { continue };
        match held.get("value").and_then(Value::as_str) {
            Some(value) => variables.push((name.to_owned(), value.to_owned())),
            None if held.get("valueFrom").is_none() => variables.push((name.to_owned(), String::new())),
            None if std::env::var_os(name).is_none() => {
                warnings.push(format!("`env` takes {name} from the cluster: set {name} here if the program needs it"));
            }
            None => {}
        }
    }
    if container.get("envFrom").is_some_and(|list| list.as_array().is_some_and(|l| !l.is_empty())) {
        warnings.push("`envFrom` has no meaning here: set what the program needs".to_owned());
    }
    variables
}

/// A quantity is a text or a number in YAML.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A Kubernetes quantity in whole units, such as `1Gi` or `500M`.
fn quantity(text: &str) -> Option<u64> {
    thousandths(text).map(|thousandths| thousandths.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn study(container: Value) -> Study {
        let study = json!({
            "apiVersion": "trimtab.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s"},
            "spec": {
                "objectives": [{"metric": "loss", "goal": "Minimize"}],
                "parameters": [
                    {"name": "x", "float": {"min": 0, "max": 1}},
                    {"name": "y", "int": {"min": 0, "max": 1}, "when": [{"parameter": "x", "in": ["1"]}]},
                ],
                "limits": {"trials": 3},
                "trial": {"job": {"spec": {"template": {"spec": {"containers": [container]}}}}},
            },
        });
        serde_json::from_value(study).unwrap()
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_given_stands_for_the_image() {
        let image_only = study(json!({"name": "c", "image": "i:1", "args": ["--x=$(PARAM_X)", "--y=$(PARAM_Y)"]}));
        let whole = study(json!({"name": "c", "command": ["prog"], "args": ["a"]}));
        let of = |study: &Study, given: &[&str]| Program::new(study, &strings(given), Path::new("/")).map(|p| p.words);
        assert!(of(&image_only, &[]).unwrap_err().to_string().contains("`i:1`"));
        assert_eq!(of(&image_only, &["./t"]).unwrap(), ["./t", "--x=$(PARAM_X)", "--y=$(PARAM_Y)"]);
        assert_eq!(of(&image_only, &["./t", "-v"]).unwrap(), ["./t", "-v"]);
        assert_eq!(of(&whole, &[]).unwrap(), ["prog", "a"]);
        assert!(of(&whole, &["t", "$(PARAM_Z)"]).unwrap_err().to_string().contains("`$(PARAM_Z)` names nothing"));
    }

    #[test]
    fn words_and_variables_are_expanded_as_kubernetes_does() {
        let container = json!({
            "name": "c", "command": ["p", "--x=$(PARAM_X)", "--y=$(PARAM_Y)", "$(OWN)", "$$(OWN)"],
            "env": [{"name": "OWN", "value": "<$(PARAM_X)>"}, {"name": "EMPTY"}],
        });
        let program = Program::new(&study(container), &[], Path::new("/")).unwrap();
        let environment = program.environment(vec![("PARAM_X".into(), "0.5".into())]);
        assert_eq!(environment.last(), Some(&("EMPTY".to_owned(), String::new())));
        assert_eq!(program.words(&environment), ["p", "--x=0.5", "<0.5>", "$(OWN)"]);
    }

    #[test]
    fn memory_is_in_whole_bytes() {
        for (text, expected) in
            [("1Gi", Some(1 << 30)), ("128974848", Some(128_974_848)), ("100m", Some(1)), ("1X", None)]
        {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }
}
