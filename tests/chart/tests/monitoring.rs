//! Alerts, runbooks and dashboards: what they name is there, and what is there is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use serde_json::Value;
use trimtab_chart_tests::names::{expressions, metrics};
use trimtab_chart_tests::{chart, documents, file, root, word};
use trimtab_operator::metrics::catalog;

const PROCESS: [&str; 7] = [
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
];

fn exported() -> BTreeSet<String> {
    catalog().into_iter().map(|metric| metric.name).chain(PROCESS.map(str::to_owned)).collect()
}

fn rules() -> Vec<Value> {
    let file = documents(&file("charts/trimtab/files/alerts.yaml").unwrap()).unwrap();
    let groups = file[0]["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn dashboards() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(chart().join("files/dashboards")).unwrap() {
        let path = entry.unwrap().path();
        let value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        all.push((path.file_stem().unwrap().to_string_lossy().into_owned(), value));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn texts(folder: &str) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "md") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    all
}

#[test]
fn every_metric_that_is_named_is_exported() {
    let exported = exported();
    let shown: String =
        dashboards().iter().flat_map(|(_, dashboard)| expressions(dashboard)).collect::<Vec<_>>().join("\n");
    let alerts = file("charts/trimtab/files/alerts.yaml").unwrap();
    let cases = file("tests/chart/rules/alerts.yaml").unwrap();
    for (what, text) in [
        ("dashboards", shown),
        ("alerts", alerts),
        ("cases", cases),
        ("runbooks", texts("docs/runbooks")),
        ("documents", texts("docs")),
    ] {
        let unknown: Vec<_> = metrics(&text).difference(&exported).cloned().collect();
        assert!(unknown.is_empty(), "{what} name metrics that nobody exports: {unknown:?}");
    }
}

#[test]
fn every_metric_that_is_exported_is_shown() {
    let shown: BTreeSet<String> =
        dashboards().iter().flat_map(|(_, dashboard)| expressions(dashboard)).flat_map(|text| metrics(&text)).collect();
    let own: BTreeSet<String> = catalog().into_iter().map(|metric| metric.name).collect();
    let hidden: Vec<_> = own.difference(&shown).collect();
    assert!(hidden.is_empty(), "no dashboard shows {hidden:?}");
}

#[test]
fn every_label_that_is_asked_for_is_there() {
    let by = regex::Regex::new(r"by \(([^)]*)\)").unwrap();
    let labels: BTreeSet<String> = catalog().into_iter().flat_map(|metric| metric.labels).collect();
    let texts = dashboards().into_iter().flat_map(|(_, dashboard)| expressions(&dashboard));
    let rules = rules();
    for text in texts.chain(rules.iter().map(|rule| word(rule, "/expr").to_owned())) {
        for found in
            by.captures_iter(&text).flat_map(|c| c[1].split(',').map(|l| l.trim().to_owned()).collect::<Vec<_>>())
        {
            let known = labels.contains(&found) || ["le", "job", "instance"].contains(&found.as_str());
            assert!(known, "no metric has the label {found}: {text}");
        }
    }
}

#[test]
fn every_alert_is_complete_and_has_its_runbook() {
    let rules = rules();
    assert!(rules.len() >= 12, "a dozen alerts");
    let cases = file("tests/chart/rules/alerts.yaml").unwrap();
    let mut known = BTreeSet::new();
    for rule in &rules {
        let name = word(rule, "/alert");
        assert!(known.insert(format!("{name}.md")), "{name} is there twice");
        assert!(["critical", "warning", "info"].contains(&word(rule, "/labels/severity")), "{name} has no severity");
        let increase = word(rule, "/expr").contains("increase(");
        assert!(rule["for"].is_string() || increase, "{name} neither waits nor looks back");
        for annotation in ["/annotations/summary", "/annotations/description"] {
            assert!(word(rule, annotation).ends_with('.'), "{name} lacks {annotation}");
        }
        for part in ["fires", "is silent"] {
            assert!(cases.contains(&format!("- name: {name} {part}\n")), "no case in which {name} {part}");
        }
        let runbook = file(&format!("docs/runbooks/{name}.md")).unwrap();
        let heads: Vec<&str> = runbook.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(heads, [&format!("# {name}"), "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]);
    }
    for entry in std::fs::read_dir(root().join("docs/runbooks")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(known.contains(&name), "{name} is the runbook of no alert");
    }
}

#[test]
fn dashboards_are_as_grafana_wants_them() {
    let all = dashboards();
    assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["fleet", "operator", "study"]);
    for (name, dashboard) in &all {
        assert_eq!(word(dashboard, "/uid"), format!("trimtab-{name}"));
        assert!(dashboard.get("id").is_none(), "{name}: an id belongs to one Grafana");
        assert!(!word(dashboard, "/description").is_empty() && dashboard["schemaVersion"].as_u64() >= Some(36));
        assert!(dashboard["links"].as_array().unwrap().len() >= 2, "{name}: links to the others and to the runbooks");
        let variables: Vec<&str> =
            dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| word(v, "/name")).collect();
        assert_eq!(variables.first(), Some(&"datasource"));
        let mut ids = BTreeSet::new();
        let mut places: Vec<(u64, u64, u64, u64)> = Vec::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let title = word(panel, "/title");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}/{title}: its id is there twice");
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let place = (at("x"), at("y"), at("w"), at("h"));
            assert!(place.0 + place.2 <= 24, "{name}/{title} is too wide");
            for held in &places {
                let apart = place.0 + place.2 <= held.0
                    || held.0 + held.2 <= place.0
                    || place.1 + place.3 <= held.1
                    || held.1 + held.3 <= place.1;
                assert!(apart, "{name}/{title} lies on another panel");
            }
            places.push(place);
            if word(panel, "/type") == "row" {
                continue;
            }
            assert!(word(panel, "/description").ends_with('.'), "{name}/{title} has no description");
            assert!(!word(panel, "/fieldConfig/defaults/unit").is_empty(), "{name}/{title} has no unit");
            assert!(
                panel.pointer("/fieldConfig/defaults/thresholds/steps").is_some(),
                "{name}/{title} has no thresholds"
            );
            for target in panel["targets"].as_array().unwrap() {
                assert_eq!(word(target, "/datasource/uid"), "${datasource}", "{name}/{title}");
                let expression = word(target, "/expr");
                for ranged in ["rate(", "increase("] {
                    let fixed = expression
                        .split(ranged)
                        .skip(1)
                        .any(|rest| !rest.split(')').next().unwrap_or_default().contains("[$__r"));
                    assert!(!fixed, "{name}/{title} has an interval of its own: {expression}");
                }
                for variable in ["namespace", "study"] {
                    let asks = expression.contains(&format!("${variable}"));
                    assert!(!asks || variables.contains(&variable), "{name}/{title} asks for ${variable}");
                }
            }
        }
    }
}
