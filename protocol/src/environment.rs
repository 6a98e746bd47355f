//! The variables of a trial's container.

use std::collections::BTreeMap;

use trimtab_engine::TrialNumber;

/// What the name of every parameter's variable begins with.
pub const PARAMETER_PREFIX: &str = "PARAM_";

/// What the name of every variable about the run begins with.
pub const RUN_PREFIX: &str = "TRIMTAB_";

/// The study's name.
pub const STUDY: &str = "TRIMTAB_STUDY";
/// The trial's number.
pub const TRIAL: &str = "TRIMTAB_TRIAL";
/// The run's number.
pub const RUN: &str = "TRIMTAB_RUN";
/// All active parameters as a JSON object from name to text.
pub const PARAMETERS: &str = "TRIMTAB_PARAMETERS";
/// The fidelity at which this run ends.
pub const FIDELITY: &str = "TRIMTAB_FIDELITY";
/// The fidelity of a full training.
pub const FIDELITY_MAX: &str = "TRIMTAB_FIDELITY_MAX";
/// The fidelity that the trial has reached before this run.
pub const FIDELITY_REACHED: &str = "TRIMTAB_FIDELITY_REACHED";
/// Which repeat, such as a fold, this run is, counted from 1.
pub const REPEAT: &str = "TRIMTAB_REPEAT";
/// The trial's own seed.
pub const SEED: &str = "TRIMTAB_SEED";
/// The folder that this run writes its checkpoints to.
pub const CHECKPOINT: &str = "TRIMTAB_CHECKPOINT";
/// The folder that this run resumes from.
pub const RESUME: &str = "TRIMTAB_RESUME";

/// Every variable about the run, in the order in which they are written.
pub const RUN_VARIABLES: [&str; 11] =
    [STUDY, TRIAL, RUN, PARAMETERS, FIDELITY, FIDELITY_MAX, FIDELITY_REACHED, REPEAT, SEED, CHECKPOINT, RESUME];

/// How far a run goes, in the study's unit, counted from the trial's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fidelity {
    /// Where this run ends.
    pub target: u32,
    /// A full training.
    pub max: u32,
    /// What the trial has reached before this run; 0 if nothing.
    pub reached: u32,
}

/// The facts of a run that its process is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The study's name.
    pub study: String,
    /// The trial's number.
    pub trial: TrialNumber,
    /// The run's number.
    pub run: u32,
    /// Name and text of each active parameter.
    pub parameters: Vec<(String, String)>,
    /// Name and text of each parameter that has an `otherwise`: what its variable says while the parameter is inactive.
    pub otherwise: Vec<(String, String)>,
    /// How far the run goes; absent in a study without a fidelity, or whose fidelity is a number of repeats.
    pub fidelity: Option<Fidelity>,
    /// Which repeat the run is, counted from 1; absent where the fidelity is no number of repeats.
    pub repeat: Option<u32>,
    /// The trial's own seed.
    pub seed: u64,
    /// The folder to write checkpoints to; absent without a checkpoint claim.
    pub checkpoint: Option<String>,
    /// The folder to resume from; absent when there is nothing to resume.
    pub resume: Option<String>,
}

/// The name of a parameter's variable.
#[must_use]
pub fn variable(parameter: &str) -> String {
    format!("{PARAMETER_PREFIX}{}", parameter.to_ascii_uppercase())
}

/// Whether a variable's name belongs to Trimtab, so that a user's template must not define it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    name.starts_with(PARAMETER_PREFIX) || name.starts_with(RUN_PREFIX)
}

/// The variables of a run: parameters in the order given, then the run's own facts.
///
/// Values are what the process is to see. Kubernetes expands references inside `env` values too, so what goes into a pod
/// goes through [`escape`](crate::escape) first, or a choice such as `$(HOME)` would arrive as something else.
///
/// A parameter's `otherwise` text is set as its variable only. `TRIMTAB_PARAMETERS` has the active parameters alone, so
/// that a program can tell an inactive parameter from one that happens to have that value.
#[must_use]
pub fn environment(facts: &Facts) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> =
        facts.parameters.iter().map(|(name, text)| (variable(name), text.clone())).collect();
    for (name, text) in &facts.otherwise {
        if !facts.parameters.iter().any(|(active, _)| active == name) {
            variables.push((variable(name), text.clone()));
        }
    }
    let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
    set(STUDY, facts.study.clone());
    set(TRIAL, facts.trial.to_string());
    set(RUN, facts.run.to_string());
    set(PARAMETERS, parameters_as_json(&facts.parameters));
    if let Some(fidelity) = facts.fidelity {
        set(FIDELITY, fidelity.target.to_string());
        set(FIDELITY_MAX, fidelity.max.to_string());
        set(FIDELITY_REACHED, fidelity.reached.to_string());
    }
    if let Some(repeat) = facts.repeat {
        set(REPEAT, repeat.to_string());
    }
    set(SEED, facts.seed.to_string());
    if let Some(folder) = &facts.checkpoint {
        set(CHECKPOINT, folder.clone());
    }
    if let Some(folder) = &facts.resume {
        set(RESUME, folder.clone());
    }
    variables
}

/// The object is written in the order of the names, so that it does not depend on how `serde_json` keeps its maps.
fn parameters_as_json(parameters: &[(String, String)]) -> String {
    let sorted: BTreeMap<&str, &str> = parameters.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let object = sorted.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn facts() -> Facts {
        Facts {
            study: "mnist".to_owned(),
            trial: TrialNumber(7),
            run: 2,
            parameters: vec![pair("optimizer", "adam"), pair("learning_rate", "0.01")],
            otherwise: vec![pair("momentum", "0"), pair("optimizer", "none")],
            fidelity: Some(Fidelity { target: 9, max: 27, reached: 3 }),
            repeat: Some(4),
            seed: u64::MAX,
            checkpoint: Some("/checkpoints/u/7/2".to_owned()),
            resume: Some("/checkpoints/u/7/1".to_owned()),
        }
    }

    #[test]
    fn every_fact_of_a_run_is_a_variable() {
        assert_eq!(
            environment(&facts()),
            [
                pair("PARAM_OPTIMIZER", "adam"),
                pair("PARAM_LEARNING_RATE", "0.01"),
                pair("PARAM_MOMENTUM", "0"),
                pair("TRIMTAB_STUDY", "mnist"),
                pair("TRIMTAB_TRIAL", "7"),
                pair("TRIMTAB_RUN", "2"),
                pair("TRIMTAB_PARAMETERS", r#"{"learning_rate":"0.01","optimizer":"adam"}"#),
                pair("TRIMTAB_FIDELITY", "9"),
                pair("TRIMTAB_FIDELITY_MAX", "27"),
                pair("TRIMTAB_FIDELITY_REACHED", "3"),
                pair("TRIMTAB_REPEAT", "4"),
                pair("TRIMTAB_SEED", "18446744073709551615"),
                pair("TRIMTAB_CHECKPOINT", "/checkpoints/u/7/2"),
                pair("TRIMTAB_RESUME", "/checkpoints/u/7/1"),
            ]
        );
    }

    #[test]
    fn what_a_run_does_not_have_is_no_variable() {
        let bare = Facts { fidelity: None, repeat: None, checkpoint: None, resume: None, ..facts() };
        let names: Vec<String> = environment(&bare).into_iter().map(|(name, _)| name).collect();
        for absent in [FIDELITY, FIDELITY_MAX, FIDELITY_REACHED, REPEAT, CHECKPOINT, RESUME] {
            assert!(!names.iter().any(|name| name == absent), "{absent}");
        }
    }

    #[test]
    fn every_variable_about_the_run_is_listed() {
        let written: Vec<String> = environment(&facts())
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| name.starts_with(RUN_PREFIX))
            .collect();
        assert_eq!(written, RUN_VARIABLES);
    }

    #[test]
    fn quotes_in_a_choice_are_escaped_in_the_json() {
        let odd = Facts { parameters: vec![pair("a", "say \"hi\"\n")], ..facts() };
        assert!(environment(&odd).contains(&pair("TRIMTAB_PARAMETERS", r#"{"a":"say \"hi\"\n"}"#)));
    }
}
