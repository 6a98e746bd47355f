//! A trial of each example Study, in small form: with values of its parameters, on the small data of these tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::data;

/// What stands between `start` and `end` after the first `start`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// The parts of a list, whose commas inside of quotes divide nothing, without the quotes.
fn parts(list: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for letter in list.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(String::new()),
            _ => parts.last_mut().unwrap().push(letter),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// The parameters of a Study with some values of each: all choices, or the ends of the range.
fn parameters(study: &str) -> Vec<(String, Vec<String>)> {
    let lines = study.lines().filter_map(|line| line.strip_prefix("  - {name: "));
    let values = |line: &str| match between(line, "[", "]") {
        Some(list) if !line.contains("min: ") => parts(list),
        _ => ["min: ", "max: "]
            .map(|end| {
                let rest = line.split_once(end).unwrap().1;
                rest.split([',', '}']).next().unwrap().to_owned()
            })
            .to_vec(),
    };
    lines.map(|line| (line.split(',').next().unwrap().to_owned(), values(line))).collect()
}

fn runs(study: &Path, images: &Path) {
    let text = fs::read_to_string(study).unwrap();
    let name = study.display();
    let metric = between(&text, "- metric: ", "\n").unwrap();
    let recorded = between(&text, "recordMetrics: [", "]").map(parts).unwrap_or_default();
    let parameters = parameters(&text);
    assert!(parameters.len() >= 4, "{name}: {parameters:?}");
    let most = parameters.iter().map(|(_, values)| values.len()).max().unwrap();
    for choice in 0..most {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab-trainer"));
        command.env_clear().env("TRAINER_DATA", images).env("TRAINER_VALIDATION", "60");
        command.env("TRAINER_TRAIN_LIMIT", "120").env("TRIMTAB_FIDELITY", "1");
        let mut arguments = parts(between(&text, "args: [", "]\n").unwrap());
        if let Some(table) = between(&text, "TRAINER_DATA, value: \"", "\"") {
            command.env("TRAINER_DATA", format!("{table}:200")).env_remove("TRAINER_VALIDATION");
        }
        for (name, values) in &parameters {
            let value = &values[choice % values.len()];
            command.env(format!("PARAM_{}", name.to_uppercase()), value);
            for argument in &mut arguments {
                *argument = argument.replace(&format!("$(PARAM_{})", name.to_uppercase()), value);
            }
        }
        let output = command.args(&arguments).arg("--epochs=1").output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let line = printed.lines().find(|line| line.starts_with("epoch=1 ")).unwrap();
        for metric in recorded.iter().map(String::as_str).chain([metric]) {
            assert!(line.contains(&format!(" {metric}=")), "{name}: {metric} is not in {line}");
        }
    }
}

#[test]
fn trials_of_all_examples_run() {
    let images = data();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            runs(&path, images.path());
            found += 1;
        }
    }
    assert!(found >= 7, "only {found} examples");
}
