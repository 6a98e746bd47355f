//! What shells propose.

use std::path::Path;
use std::process::Command;

use crate::{has, run, scratch};

/// What a user has typed before asking, and what is proposed.
const TYPED: [(&str, &str); 4] = [
    ("trimtab wa", "watch"),
    ("trimtab su", "suspend"),
    ("trimtab best --kubec", "--kubeconfig"),
    ("trimtab export digits --output c", "csv"),
];

#[test]
fn completions_name_the_commands() {
    for (shell, begins) in [("bash", "_trimtab() {"), ("zsh", "#compdef trimtab"), ("fish", "complete -c trimtab")] {
        let ran = run(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        has(&ran.out, &[begins, "explain", "validate"]);
        assert!(!ran.out.contains("supervise"), "what is hidden is not proposed by {shell}");
    }
}

/// What a program says, in which there is no wrong.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_completes_verbs_options_and_their_values() {
    let script = scratch("completions.bash", &run(&["completions", "bash"]).out);
    for (typed, expected) in TYPED {
        let last = typed.split(' ').count() - 1;
        let ask = format!(
            "source '{script}'; COMP_WORDS=({typed}); COMP_CWORD={last}; \
             _trimtab trimtab \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last} - 1]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        assert_eq!(said("bash", &["--norc", "-c", &ask]).trim(), expected, "{typed}");
    }
}

#[test]
#[ignore = "needs fish"]
fn fish_proposes_the_same() {
    let script = scratch("completions.fish", &run(&["completions", "fish"]).out);
    for (typed, expected) in TYPED {
        let proposed = said("fish", &["--no-config", "-c", &format!("source '{script}'; complete -C '{typed}'")]);
        let proposed: Vec<&str> = proposed.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(proposed, [expected], "{typed}");
    }
}

#[test]
#[ignore = "needs zsh"]
fn zsh_proposes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("_trimtab"), run(&["completions", "zsh"]).out).unwrap();
    let script = format!("{}/tests/cli/data/proposed.zsh", env!("CARGO_MANIFEST_DIR"));
    for (typed, expected) in TYPED {
        let said = said("zsh", &["-f", &script, folder.path().to_str().unwrap(), typed]);
        let proposed: Vec<&str> = said.split('<').skip(1).filter_map(|part| Some(part.split_once('>')?.0)).collect();
        assert_eq!(proposed, [expected], "{typed}");
    }
}

/// A link to the program under another name.
fn called(folder: &Path, name: &str) -> String {
    let link = folder.join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_trimtab"), &link).unwrap();
    link.to_str().unwrap().to_owned()
}

#[test]
fn kubectl_is_told_what_may_stand_there() {
    let folder = tempfile::tempdir().unwrap();
    let program = called(folder.path(), "kubectl_complete-trimtab");
    for (words, expected, besides) in [
        (&["wa"][..], &["watch"][..], ":4"),
        (&["su"], &["suspend"], ":4"),
        (&["superv"], &[], ":4"),
        (&["best", "--kubec"], &["--kubeconfig"], ":4"),
        (&["best", "--kubeconfig", ""], &[], ":0"),
        (&["best", "--context", ""], &[], ":4"),
        (&["export", "digits", "--output", "c"], &["csv"], ":4"),
        (&["export", "digits", "-o", "j"], &["json"], ":4"),
        (&["export", "digits", "--output=y"], &["--output=yaml"], ":4"),
        (&["export", "--output", "csv", "dig"], &[], ":0"),
        (&["completions", "z"], &["zsh"], ":0"),
        (&["run", "study.yaml", "--", "./train", "--x"], &[], ":0"),
        (&["unheard", "of", "--x"], &[], ":4"),
    ] {
        let said = said(&program, words);
        let lines: Vec<&str> = said.lines().collect();
        let (last, proposed) = lines.split_last().unwrap();
        let names: Vec<&str> = proposed.iter().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!((names.as_slice(), *last), (expected, besides), "{words:?}");
    }
    let verbs = said(&program, &[""]);
    has(&verbs, &["watch\tFollows a Study until it ends\n", "run\tRuns a Study on this machine"]);
    assert!(!verbs.contains("supervise") && verbs.ends_with(":4\n"), "{verbs}");
    assert_eq!(said(&program, &[]), verbs, "nothing typed is like an empty word");
}

#[test]
#[ignore = "needs kubectl 1.26 or later"]
fn kubectl_proposes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    called(folder.path(), "kubectl-trimtab");
    called(folder.path(), "kubectl_complete-trimtab");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for (typed, expected) in TYPED {
        let words = typed.split(' ');
        let output = Command::new("kubectl").arg("__complete").args(words).env("PATH", &path).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let proposed: Vec<&str> =
            said.lines().filter(|line| !line.starts_with(':')).filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(proposed, [expected], "{typed}");
    }
}
