//! `trimtab validate`: says whether the cluster would take a Study, and what the Study amounts to.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use trimtab_api::Study;
use trimtab_api::manifest::ManifestError;

use crate::account::PlanAccount;
use crate::check::{self, Checker, Verdict};
use crate::error::Error;
use crate::output::Output;
use crate::source::{self, Source};
use crate::{Exit, output};

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files with Studies; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Answer {
    valid: bool,
    documents: Vec<Answered>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    file: String,
    line: usize,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Valid, Invalid or Skipped.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<ManifestError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanAccount>,
}

/// Checks all files and answers.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let checker = Checker::new()?;
    let mut documents = Vec::new();
    let mut files = Vec::new();
    for file in &options.files {
        let source = source::read(file)?;
        files.push(source.name.clone());
        check(&checker, &source, &mut documents);
    }
    let valid = documents.iter().all(|document| document.verdict != "Invalid");
    let is_checked = documents.iter().any(|document| document.verdict != "Skipped");
    if options.output.is_table() {
        for document in &documents {
            let text = render(document);
            if document.verdict == "Valid" {
                output::print(&text)?;
            } else {
                output::complain(&text);
            }
        }
    } else {
        options.output.answer(&Answer { valid, documents }, String::new)?;
    }
    if !is_checked {
        return Err(Error::NothingToCheck(files.join(", ")));
    }
    Ok(if valid { Exit::Yes } else { Exit::No })
}

fn check(checker: &Checker, source: &Source, answers: &mut Vec<Answered>) {
    for document in check::documents(&source.text) {
        let mut answer = Answered {
            file: source.name.clone(),
            line: document.line,
            kind: "Study".to_owned(),
            name: document.name(),
            verdict: "Invalid",
            mistakes: Vec::new(),
            plan: None,
        };
        match checker.check(&document) {
            Verdict::Empty => continue,
            Verdict::Other(kind) => {
                answer.verdict = "Skipped";
                answer.kind = kind;
            }
            Verdict::Valid(valid) => {
                let (study, plan) = *valid;
                answer.verdict = "Valid";
                answer.plan = Some(plan_account(&study, &plan));
            }
            Verdict::Invalid(mistakes) => answer.mistakes = mistakes,
        }
        answers.push(answer);
    }
}

fn plan_account(study: &Study, plan: &trimtab_engine::Plan) -> PlanAccount {
    let unit = study.spec.fidelity.as_ref().map_or("full training", |fidelity| fidelity.unit.as_str());
    PlanAccount::new(plan, unit, study.spec.seed.is_some())
}

fn render(document: &Answered) -> String {
    let Answered { file, line, kind, .. } = document;
    let name = document.name.as_deref().unwrap_or_default();
    let what = format!("{kind} {name}");
    let what = what.trim_end();
    let mut text = String::new();
    match (document.verdict, &document.plan) {
        ("Valid", Some(plan)) => {
            let _ = writeln!(text, "{file}:{line}: {what} is valid\n");
            text.push_str(&plan.render());
            text.push('\n');
        }
        ("Invalid", _) => {
            for mistake in &document.mistakes {
                let _ = writeln!(text, "{}\n", check::told(file, mistake));
            }
            let count = document.mistakes.len();
            let _ = writeln!(
                text,
                "{file}:{line}: {what} is not valid: {count} {}",
                if count == 1 { "mistake" } else { "mistakes" }
            );
        }
        _ => {
            let _ = writeln!(text, "{file}:{line}: skipped: {what} is no Study");
        }
    }
    text
}
