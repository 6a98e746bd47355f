//! How a trial is run again.

use serde::Serialize;
use trimtab_api::study::ParameterValue;
use trimtab_api::trial::Run;
use trimtab_api::whole::told;
use trimtab_api::{Study, Trial, validate};
use trimtab_engine::{TrialNumber, random};
use trimtab_local::program::Program;
use trimtab_protocol::{Facts, arguments, environment, expand};

use crate::commands::best::{env, flags, quoted};

/// A trial's parameters in the forms that programs take, and what it ran.
#[derive(Debug, Serialize)]
pub(super) struct Again {
    /// Arguments of a command.
    flags: String,
    /// Variables, a line each.
    environment: String,
    /// The whole command of a shell, where the Study says what runs: from zero, to the same level, with the same seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// A starting point for another Study.
    start_with: String,
}

impl Again {
    /// How a trial is run again, up to a level. The program is that of a local study.
    pub(super) fn new(study: &Study, trial: &Trial, level: Option<u32>, program: Option<&[String]>) -> Self {
        let parameters = &trial.spec.parameters;
        Self {
            flags: flags(parameters),
            environment: env(parameters),
            command: command(study, trial, level, program),
            start_with: start_with(parameters),
        }
    }
}

fn start_with(parameters: &[ParameterValue]) -> String {
    // A flow of JSON is a flow of YAML.
    let values = serde_json::to_string(parameters).unwrap_or_default();
    format!("startWith:\n- values: {values}\n")
}

fn command(study: &Study, trial: &Trial, level: Option<u32>, program: Option<&[String]>) -> Option<String> {
    let plan = validate(study).ok()?;
    let spec = &study.spec;
    let texts = trial.spec.parameters.iter().map(|p| (p.name.clone(), p.value.clone()));
    let otherwise = spec.parameters.iter().filter_map(|p| Some((p.name.clone(), p.otherwise.clone()?)));
    let top = plan.levels().last().copied().unwrap_or(1);
    let (fidelity, repeat) = told(&plan, &Run::from_zero(1, level.unwrap_or(top)), 0);
    let seed = study.status.as_ref().and_then(|status| status.seed).unwrap_or(plan.spec().seed);
    let facts = Facts {
        study: trial.spec.study_name.clone(),
        trial: TrialNumber(trial.spec.number),
        run: 1,
        parameters: texts.collect(),
        otherwise: otherwise.collect(),
        fidelity,
        repeat,
        seed: random::trial_seed(seed, trial.spec.number),
        checkpoint: None,
        resume: None,
    };
    let contract = environment(&facts);
    // Without a program the first word stands for the image, and what the container adds to it is what follows.
    let own = Program::new(study, program.unwrap_or_default(), std::path::Path::new("."));
    let (runs, words, variables) = match (own, program) {
        (Ok(own), Some(_)) => {
            let variables = own.environment(contract);
            ("env", own.words(&variables), variables)
        }
        _ => {
            let image = Container::of(study)?;
            let words = [image.text("image")?];
            let entrypoint = image.list("command");
            let after = arguments(&[entrypoint.clone(), image.list("args")].concat(), &contract);
            let lookup = |name: &str| contract.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str());
            let mut after = after.iter().map(|word| expand(word, lookup));
            let first = if entrypoint.is_empty() { None } else { after.next() };
            let entry = first.map(|first| vec!["--entrypoint".to_owned(), first]).unwrap_or_default();
            let words = entry.into_iter().chain(words).chain(after).collect();
            ("docker run --rm", words, contract)
        }
    };
    let set = |(name, value): &(String, String)| {
        let dash = if runs == "env" { "" } else { "-e " };
        format!(" {dash}{name}={}", quoted(value))
    };
    let set: String = variables.iter().map(set).collect();
    let words: String = words.iter().map(|word| format!(" {}", quoted(word))).collect();
    Some(format!("{runs}{set}{words}"))
}

/// The container that trains.
struct Container<'s>(&'s serde_json::Map<String, serde_json::Value>);

impl<'s> Container<'s> {
    fn of(study: &'s Study) -> Option<Self> {
        let template = &study.spec.trial;
        let containers = template.job.spec.pod()?.get("containers")?.as_array()?;
        let wanted = template.container.as_deref();
        let is_it = |c: &&serde_json::Value| wanted.is_none() || c.get("name").and_then(|name| name.as_str()) == wanted;
        containers.iter().find(is_it)?.as_object().map(Self)
    }

    fn text(&self, field: &str) -> Option<String> {
        self.0.get(field)?.as_str().map(str::to_owned)
    }

    fn list(&self, field: &str) -> Vec<String> {
        let list = self.0.get(field).and_then(|list| list.as_array());
        list.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    }
}
