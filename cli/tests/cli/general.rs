//! What all commands share, and the small ones.

use crate::{has, run};

#[test]
fn definitions_are_the_committed_ones() {
    let ran = run(&["crds"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let printed: Vec<serde_json::Value> = serde_saphyr::from_multiple(&ran.out).unwrap();
    let committed = ["studies", "trials"].map(|plural| {
        let path = format!("{}/../crds/trimtab.dev_{plural}.yaml", env!("CARGO_MANIFEST_DIR"));
        serde_saphyr::from_str::<serde_json::Value>(&std::fs::read_to_string(path).unwrap()).unwrap()
    });
    assert_eq!(printed, committed);
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        has(&ran.out, &["explain", "validate"]);
    }
}

#[test]
fn usage_is_told_without_colours() {
    let ran = run(&["explain"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.err.contains('\u{1b}'));
    has(&ran.err, &["Usage: trimtab explain"]);
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    has(
        &help.out,
        &[
            "run",
            "list",
            "show",
            "export",
            "crds",
            "validate",
            "explain",
            "watch",
            "best",
            "importance",
            "report",
            "completions",
        ],
    );
}

#[test]
fn plugin_is_called_by_its_kubectl_name() {
    let link = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kubectl-trimtab");
    drop(std::fs::remove_file(&link));
    std::fs::hard_link(env!("CARGO_BIN_EXE_trimtab"), &link)
        .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_trimtab"), &link).map(drop))
        .unwrap();
    let output = std::process::Command::new(&link).args(["watch", "--help"]).output().unwrap();
    has(&String::from_utf8(output.stdout).unwrap(), &["Usage: kubectl trimtab watch"]);
}

#[test]
fn cluster_that_cannot_be_found_is_told() {
    let ran = run(&["watch", "digits", "--kubeconfig", "missing"]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["error: the kubeconfig cannot be used", "--kubeconfig"]);
}
