//! The manual pages in `docs/man`: made of the command line, and compared with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::exits;

/// What the environment says to the program.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("KUBECONFIG", "the kubeconfig files of a cluster, unless --kubeconfig names one"),
    ("CUDA_VISIBLE_DEVICES", "the GPUs that trials of this machine may have, unless --gpus names them"),
    ("NO_COLOR", "no colours, also on a terminal, when it is set to anything"),
    ("TERM", "`dumb`: neither colours nor a live view"),
];

/// How roff is told to write an apostrophe.
const DEFINITIONS: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// Every page by the name of its file.
fn pages() -> BTreeMap<String, String> {
    let mut program = crate::command_line().disable_help_subcommand(true);
    program.build();
    let verbs: Vec<Command> = program.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    let names: Vec<String> = verbs.iter().map(|verb| format!("trimtab-{}", verb.get_name())).collect();
    let mut pages: BTreeMap<_, _> = verbs.into_iter().map(|verb| page(verb, &["trimtab".to_owned()])).collect();
    pages.extend([page(program, &names)]);
    // The same program under the name by which kubectl finds it.
    pages.insert("kubectl-trimtab.1".to_owned(), ".so man1/trimtab.1\n".to_owned());
    pages
}

fn page(command: Command, related: &[String]) -> (String, String) {
    let is_program = command.get_name() == "trimtab";
    let codes = exits::codes((!is_program).then(|| command.get_name()));
    let has_verbs = command.has_subcommands();
    // clap's own line of usage knows of `--` before a program, which a list of the arguments does not show.
    let usage = command.clone().render_usage().to_string().replacen("Usage: ", "", 1);
    let man = Man::new(command).source(concat!("trimtab ", env!("CARGO_PKG_VERSION"))).manual("Trimtab");
    let mut page = Vec::new();
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    Roff::new().control("SH", ["SYNOPSIS"]).text([roman(usage)]).to_writer(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    if has_verbs {
        man.render_subcommands_section(&mut page).unwrap();
    }
    let mut rest = Roff::new();
    let mut list = |heading: &str, entries: &[(String, &str)]| {
        rest.control("SH", [heading]);
        for (term, words) in entries {
            rest.control("TP", []).text([bold(term)]).text([roman(*words)]);
        }
    };
    let codes: Vec<_> = codes.iter().map(|(code, words)| (code.to_string(), *words)).collect();
    list("EXIT STATUS", &codes);
    if is_program {
        let variables: Vec<_> = ENVIRONMENT.iter().map(|(name, words)| ((*name).to_owned(), *words)).collect();
        list("ENVIRONMENT", &variables);
    }
    let related: Vec<String> = related.iter().map(|name| format!("{name}(1)")).collect();
    rest.control("SH", ["SEE ALSO"]).text([roman(related.join(", "))]);
    rest.to_writer(&mut page).unwrap();
    // Each section brings the same definitions along; one of them is enough.
    let page = String::from_utf8(page).unwrap();
    (man.get_filename(), format!("{DEFINITIONS}{}", page.replace(DEFINITIONS, "")))
}

#[test]
fn pages_are_the_committed_ones() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/man");
    let pages = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        pages.iter().for_each(|(name, page)| std::fs::write(folder.join(name), page).unwrap());
    }
    let committed: BTreeMap<String, String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&pages), "run UPDATE_DOCS=1 cargo test -p trimtab-cli");
    for (name, page) in &pages {
        assert!(
            committed[name] == *page,
            "docs/man/{name} is not what the code says: run UPDATE_DOCS=1 cargo test -p trimtab-cli"
        );
    }
}

#[test]
fn every_verb_has_a_page_with_its_exit_codes() {
    let pages = pages();
    for verb in crate::command_line().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let page = &pages[&format!("trimtab-{}.1", verb.get_name())];
        for part in [".SH SYNOPSIS", ".SH OPTIONS", ".SH \"EXIT STATUS\"", "trimtab(1)"] {
            assert!(page.contains(part), "`{part}` is not in the page of {}:\n{page}", verb.get_name());
        }
        assert!(pages["trimtab.1"].contains(&format!("trimtab\\-{}(1)", verb.get_name().replace('-', "\\-"))));
    }
    assert!(!pages.keys().any(|name| name.contains("supervise")), "what is hidden has no page");
}

#[test]
fn the_document_has_every_exit_code() {
    let text = include_str!("../../docs/command-line.md");
    for (code, words) in exits::codes(None) {
        assert!(text.contains(&format!("| {code} | {words} |")), "{code}: {words}");
    }
    for (name, _) in ENVIRONMENT {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}
