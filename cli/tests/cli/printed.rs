//! What is printed, word for word: the files in `printed/`, and `data/mistakes.txt`.
//!
//! A file of `printed/` is a session: `$ ` begins a command, the lines below are its answer, `! ` begins a line of standard error, and
//! `? ` says the exit code. `UPDATE_DOCS=1 cargo test -p trimtab-cli` writes what the program says now; read the difference before you commit it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::played::play;
use crate::{Ran, run};

/// The verbs, as the program's own help lists them.
fn verbs() -> Vec<String> {
    let help = run(&["--help"]).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed.map(|line| line.split_whitespace().next().unwrap().to_owned()).filter(|verb| verb != "help").collect()
}

/// Asserts that a committed file says this.
#[track_caller]
pub(crate) fn same(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(text.lines()).find(|(was, is)| was != is);
    assert!(committed == text, "{name} is not what is printed, first {differing:?}: see cli/tests/cli/printed.rs");
}

/// A run as a session shows it.
fn shown(ran: &Ran) -> String {
    let mut text = ran.out.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in ran.err.lines() {
        let _ = writeln!(text, "{}", format!("! {line}").trim_end());
    }
    let _ = writeln!(text, "? {}", ran.code);
    text
}

/// Runs the commands of a session again. Words in single quotes are one argument.
fn replay(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/printed").join(name);
    let played = play(1000).file(&format!("{name}.json"));
    let mut text = String::new();
    let mut is_head = true;
    for line in std::fs::read_to_string(path).unwrap().lines() {
        is_head &= !line.starts_with("$ ");
        if is_head {
            let _ = writeln!(text, "{line}");
        }
        let Some(command) = line.strip_prefix("$ trimtab") else { continue };
        let arguments: Vec<String> = command
            .split('\'')
            .enumerate()
            .flat_map(|(at, part)| match at % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![part.to_owned()],
            })
            .map(|argument| if argument == "PLAYED" { played.clone() } else { argument })
            .collect();
        let ran = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let shown = shown(&ran).replace(&played, "PLAYED").replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let _ = writeln!(text, "{line}\n{}", shown.trim_end_matches('\n'));
        text.push('\n');
    }
    same(&format!("printed/{name}"), &format!("{}\n", text.trim_end()));
}

#[test]
fn help_of_every_verb_is_the_committed_one() {
    let mut files = BTreeSet::from(["trimtab.txt".to_owned()]);
    same("printed/help/trimtab.txt", &run(&["--help"]).out);
    for verb in verbs() {
        let ran = run(&[&verb, "--help"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{verb}");
        let usage = format!("Usage: trimtab {verb}");
        assert!(ran.out.contains(&usage) && ran.out.contains("\nExit codes:\n  0  "), "{}", ran.out);
        let name = format!("{verb}.txt");
        same(&format!("printed/help/{name}"), &ran.out);
        files.insert(name);
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/printed/help");
    let committed = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(committed.collect::<BTreeSet<_>>(), files, "a help without its verb");
}

#[test]
fn what_cannot_be_asked_is_told() {
    replay("usage.txt");
}

#[test]
fn files_that_are_no_use_are_told() {
    replay("files.txt");
}

#[test]
fn clusters_that_do_not_answer_are_told() {
    replay("clusters.txt");
}

#[test]
fn answers_have_every_form() {
    replay("answers.txt");
}
