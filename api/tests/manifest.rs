//! A file is read as strictly as an API server reads it, and a mistake is shown where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "manifest/hostile.rs"]
mod hostile;

use trimtab_api::manifest::{ManifestError, parse, parse_study};
use trimtab_api::validate;

const STUDY: &str = include_str!("rules/study.yaml");

fn errors(text: &str) -> Vec<ManifestError> {
    parse(text).expect_err("the file has a mistake")
}

/// The only mistake of the study in which `from` was replaced.
fn broken(from: &str, to: &str) -> ManifestError {
    assert!(STUDY.contains(from), "{from}");
    let mut found = errors(&STUDY.replacen(from, to, 1));
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn study_is_read_as_it_is_written() {
    let study = parse_study(STUDY).unwrap();
    assert_eq!(study.metadata.name.as_deref(), Some("digits"));
    let wanted: trimtab_api::Study = serde_saphyr::from_str(STUDY).unwrap();
    assert_eq!(study, wanted);
    let float = study.spec.parameters[0].float.as_ref().unwrap();
    assert_eq!(float.min, 1e-4);
    assert_eq!(parse_study(&STUDY.replace("1.0e-4", "1e-4")).unwrap(), study);
    assert!(validate(&study).is_ok());
}

#[test]
fn unknown_field_is_shown_with_those_that_are_known() {
    let error = broken("  parallelism: 4", "  paralelism: 4");
    assert_eq!((error.line, error.column), (14, 3));
    assert!(
        error.message.starts_with("`spec.paralelism` is unknown; did you mean `parallelism`? known are ")
            && error.message.contains("parallelism"),
        "{}",
        error.message
    );
    assert_eq!(error.snippet, "14 |   paralelism: 4\n   |   ^");
}

#[test]
fn unknown_fields_of_a_job_are_left_to_the_cluster() {
    assert!(parse(&STUDY.replacen("      spec:\n", "      spec:\n        fromTheFuture: 1\n", 1)).is_ok());
    let error = broken("cpu: 500m, memory: 1Gi", "cpu: 0.5, memory: 1Gi}, requests: 3, limits2: {memory: 1Gi");
    assert!(error.message.contains("requests` must be an object (given 3)"), "{}", error.message);
}

#[test]
fn number_is_no_text_and_text_no_number() {
    let error = broken("otherwise: \"0\"", "otherwise: 0");
    assert!(error.message.ends_with("must be text (given 0; put it in quotes)"), "{}", error.message);
    let error = broken("seed: 7", "seed: \"7\"");
    assert_eq!(error.message, "`spec.seed` must be a whole number (given \"7\")");
    assert_eq!((error.line, error.column), (16, 9));
    let error = broken("seed: 7", "seed: 7.5");
    assert_eq!(error.message, "`spec.seed` must be a whole number (given 7.5)");
    let error = broken("seed: 7", "seed:");
    assert_eq!(error.message, "`spec.seed` must be a whole number (given nothing)");
}

#[test]
fn bounds_of_the_schema_hold() {
    for (from, to, message) in [
        ("parallelism: 4", "parallelism: 0", "`spec.parallelism` must be at least 1 (given 0)"),
        ("goal: Maximize", "goal: maximize", "`spec.objectives[0].goal` must be Minimize or Maximize (given maximize)"),
        (
            "name: learning_rate",
            "name: LR",
            "`spec.parameters[0].name` must be of lower case letters, digits and `_`, a letter first (given LR)",
        ),
        (
            "objectives: [{metric: val_accuracy, goal: Maximize}]",
            "objectives: []",
            "`spec.objectives` must have 1 to 4 members (given 0)",
        ),
        ("scale: Log", "step: 0", "`spec.parameters[0].float.step` must be above 0 (given 0)"),
        ("unit: epoch, ", "", "`spec.fidelity.unit` must be set, to text"),
        (
            "apiVersion: trimtab.dev/v1alpha1",
            "apiVersion: v1",
            "`apiVersion` must be trimtab.dev/v1alpha1 (given \"v1\")",
        ),
    ] {
        assert_eq!(broken(from, to).message, message);
    }
}

#[test]
fn all_mistakes_come_in_the_order_of_the_file() {
    let text = STUDY
        .replace("seed: 7", "seed: x")
        .replace("goal: Maximize", "gaol: Maximize")
        .replace("limits: {trials: 30}", "limits: {trails: 30}");
    let found: Vec<_> = errors(&text).into_iter().map(|e| e.line).collect();
    assert_eq!(found, [5, 5, 15, 16]);
}

#[test]
fn broken_yaml_is_shown_where_it_breaks() {
    let error = &errors("apiVersion: trimtab.dev/v1alpha1\nkind: Study\nspec: {objectives: [\n")[0];
    assert!(error.line >= 3, "{error}");
    let error = &errors("kind: Study\nkind: Study\n")[0];
    assert_eq!(error.line, 2, "{error}");
    assert!(error.message.contains("duplicate"), "{error}");
    assert!(!errors("").is_empty());
    assert!(!errors("- a\n- b\n").is_empty());
    assert!(!errors("a: .nan").is_empty());
}

#[test]
fn mistakes_of_the_study_are_put_where_they_are() {
    let text = STUDY
        .replace("min: 1.0e-4, max: 0.1", "min: 1.0, max: 0.1")
        .replace("PARAM_LEARNING_RATE", "PARAM_LERNING_RATE");
    let manifest = parse(&text).unwrap();
    let found: Vec<_> = validate(&manifest.study).unwrap_err().iter().map(|e| manifest.locate(e)).collect();
    let lines: Vec<_> = found.iter().map(|e| e.line).collect();
    assert_eq!(lines, [8, 26], "{found:#?}");
    assert!(found[1].snippet.lines().last().unwrap().ends_with('^'));
    assert_eq!(found[1].column, 22, "{}", found[1]);
}

#[test]
fn anchors_are_followed() {
    let text = STUDY
        .replace("float: {min: 0.5, max: 0.99}", "float: *range")
        .replace("float: {min: 1.0e-4, max: 0.1, scale: Log}", "float: &range {min: 1.0e-4, max: 0.1, scale: Log}");
    assert!(parse(&text).is_ok());
}
