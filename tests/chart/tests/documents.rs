//! What is generated is what is committed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use trimtab_chart_tests::{documents, file, root};

fn same(path: &str, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(root().join(path), text).unwrap();
    }
    let committed = file(path).unwrap_or_default();
    assert!(committed == text, "{path} is not what the code says: run UPDATE_DOCS=1 ./test chart");
}

#[test]
fn readme_of_the_chart_has_all_values() {
    let head = file("charts/trimtab/README.md").unwrap_or_default();
    let head = head.split("\n| value | default |").next().unwrap();
    same("charts/trimtab/README.md", &documents::readme(head, &file("charts/trimtab/values.yaml").unwrap()).unwrap());
}

#[test]
fn reference_has_all_metrics() {
    same("docs/reference/metrics.md", &documents::metrics().unwrap());
}

#[test]
fn reference_has_all_conditions_and_reasons() {
    let text = documents::conditions(&file("api/src/conditions.rs").unwrap(), &file("engine/src/history.rs").unwrap());
    let text = text.unwrap();
    for word in trimtab_api::conditions::reason::ALL {
        assert!(text.contains(&format!("| `{word}` |")), "{word} is missing");
    }
    for word in trimtab_api::conditions::study::ALL.iter().chain(&trimtab_api::conditions::trial::ALL) {
        assert!(text.contains(&format!("| `{word}` |")), "{word} is missing");
    }
    same("docs/reference/conditions.md", &text);
}

#[test]
fn a_value_without_a_comment_is_found() {
    let error = documents::rows("# -- One.\na: 1\nb: 2\n").unwrap_err().to_string();
    assert_eq!(error, "b has no comment");
}
