//! Documents that are generated: the chart's table of values, and the reference of metrics, conditions and reasons.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use trimtab_operator::metrics::catalog;

/// A row of the table of values: its path, its default, what it says.
pub type Row = (String, Value, String);

/// The rows of a `values.yaml` in which each value has a comment that begins with `# --`.
///
/// # Errors
/// When a value has no comment, or a comment no value.
pub fn rows(text: &str) -> Result<Vec<Row>> {
    let values: Value = serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut rows: Vec<Row> = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut said: Option<String> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        if let Some(words) = line.strip_prefix("# -- ") {
            said = Some(words.to_owned());
            continue;
        }
        let Some((key, rest)) = line.split_once(':').filter(|(key, _)| key.chars().all(char::is_alphanumeric)) else {
            continue;
        };
        path.retain(|(held, _)| *held < indent);
        // Below a value that is explained as a whole, nothing is explained by itself.
        let inner = path.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
        if rows.iter().any(|(held, ..)| *held == inner || inner.starts_with(&format!("{held}."))) {
            continue;
        }
        path.push((indent, key.to_owned()));
        let full: Vec<&str> = path.iter().map(|(_, key)| key.as_str()).collect();
        match said.take() {
            Some(words) => {
                let value = values.pointer(&format!("/{}", full.join("/"))).context(full.join("."))?;
                rows.push((full.join("."), value.clone(), words));
            }
            None if rest.trim().is_empty() => {}
            None => bail!("{} has no comment", full.join(".")),
        }
    }
    Ok(rows)
}

/// The chart's README: what stands above the table is kept by hand in `README.md.head`.
///
/// # Errors
/// When `values.yaml` cannot be read.
pub fn readme(head: &str, values: &str) -> Result<String> {
    let mut text = format!("{}\n\n| value | default | what it does |\n| --- | --- | --- |\n", head.trim_end());
    for (path, value, words) in rows(values)? {
        let default = value.to_string().replace('|', "\\|");
        writeln!(text, "| `{path}` | `{default}` | {} |", words.replace('|', "\\|"))?;
    }
    Ok(text)
}

/// The reference of all metrics.
///
/// # Errors
/// Never, but by the formatter.
pub fn metrics() -> Result<String> {
    let mut text = "# Metrics\n\nGenerated from the code: `UPDATE_DOCS=1 ./test chart`. The operator serves them at `/metrics` on port 8080, with those of its \
        process (`process_cpu_seconds_total`, `process_resident_memory_bytes` and so on).\n\nGauges that speak of objects come from the \
        replica that leads, and vanish with the object. Counters are raised by the one write that made something happen, so nothing counts \
        twice when the operator restarts. Series with the label `study` exist only where `operator.studyMetrics` is above 0.\n\n\
        | metric | kind | labels | what it says |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for metric in catalog() {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(text, "| `{}` | {} | {} | {} |", metric.name, metric.kind, labels.join(", "), metric.help)?;
    }
    Ok(text)
}

/// The reference of conditions and reasons, from the comments in `api/src/conditions.rs`, which has nothing but them and their words, and from
/// those of the enums in `engine/src/history.rs`.
///
/// # Errors
/// When the source is not as expected.
pub fn conditions(source: &str, engine: &str) -> Result<String> {
    let mut text = "# Conditions and reasons\n\nGenerated from the code: `UPDATE_DOCS=1 ./test chart`. Conditions have the form of `metav1.Condition`, and all are \
        present from the first visit on.\n"
        .to_owned();
    let (mut section, mut said) = ("", String::new());
    for line in source.lines().map(str::trim) {
        if line.starts_with("pub fn ") {
            break;
        }
        let title = match line {
            "pub mod study {" => "Conditions of a Study",
            "pub mod trial {" => "Conditions of a Trial",
            "pub mod reason {" => "Reasons of conditions, runs and outcomes",
            _ => "",
        };
        if !title.is_empty() {
            section = title;
            writeln!(text, "\n## {title}\n\n| word | says |\n| --- | --- |")?;
            said.clear();
            continue;
        }
        if let Some(words) = line.strip_prefix("/// ") {
            said = if said.is_empty() { words.to_owned() } else { format!("{said} {words}") };
            continue;
        }
        let word = line.split_once("= \"").and_then(|(_, rest)| rest.split_once('"')).map(|(word, _)| word);
        if let (Some(word), false) = (word, section.is_empty()) {
            if said.is_empty() {
                bail!("{word} has no comment");
            }
            writeln!(text, "| `{word}` | {said} |")?;
        }
        said.clear();
    }
    for (title, name) in [
        ("Why a Study is `Complete` or `Failed`", "VerdictReason"),
        ("Why trials were started, promoted and stopped, as `explain`, events and metrics say it", "Reason"),
    ] {
        writeln!(text, "\n## {title}\n\n| word | says |\n| --- | --- |")?;
        for (word, said) in variants(engine, name)? {
            writeln!(text, "| `{word}` | {said} |")?;
        }
    }
    Ok(text)
}

/// The variants of an enum in a source whose words in the API are their names, with what their comments say.
fn variants(source: &str, name: &str) -> Result<Vec<(String, String)>> {
    let (_, body) = source.split_once(&format!("pub enum {name} {{")).with_context(|| format!("no enum {name}"))?;
    let (body, _) = body.split_once("\n}").context("an enum without an end")?;
    let (mut all, mut said) = (Vec::new(), String::new());
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(words) = line.strip_prefix("/// ") {
            said = if said.is_empty() { words.to_owned() } else { format!("{said} {words}") };
            continue;
        }
        let word = line.trim_end_matches(',');
        ensure!(!said.is_empty(), "{name}::{word} has no comment");
        ensure!(source.contains(&format!("Self::{word} => \"{word}\",")), "{name}::{word} has another word");
        all.push((word.to_owned(), std::mem::take(&mut said)));
    }
    Ok(all)
}
