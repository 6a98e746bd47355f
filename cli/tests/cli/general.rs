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

/// kubectl finds a plugin by its name in the PATH, and hands on what stands behind that name.
#[test]
fn plugin_is_called_by_its_kubectl_name() {
    let folder = tempfile::tempdir().unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_trimtab"));
    let copy = |link: &std::path::Path| {
        std::fs::hard_link(program, link).or_else(|_| std::fs::copy(program, link).map(drop)).unwrap();
    };
    std::os::unix::fs::symlink(program, folder.path().join("kubectl-trimtab")).unwrap();
    copy(&folder.path().join("kubectl-trimtab.exe"));
    for (name, usage) in [("kubectl-trimtab", "kubectl trimtab"), ("kubectl-trimtab.exe", "kubectl trimtab")] {
        let ran = |arguments: &[&str]| {
            let output = std::process::Command::new(folder.path().join(name)).args(arguments).output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
        };
        let (code, out, _) = ran(&["watch", "--help"]);
        assert_eq!(code, 0);
        has(&out, &[&format!("Usage: {usage} watch")]);
        let (code, _, err) = ran(&["watch"]);
        assert_eq!(code, 2);
        has(&err, &[&format!("Usage: {usage} watch")]);
        let (code, out, _) = ran(&["--help"]);
        assert_eq!(code, 0);
        has(&out, &[&format!("Usage: {usage} <COMMAND>")]);
        let (code, out, _) = ran(&["completions", "bash"]);
        assert_eq!((code, out), (0, run(&["completions", "bash"]).out), "the shell completes the program itself");
    }
}

#[test]
fn cluster_that_cannot_be_found_is_told() {
    let ran = run(&["watch", "digits", "--kubeconfig", "missing"]);
    assert_eq!(ran.code, 2);
    has(&ran.err, &["error: the kubeconfig cannot be used", "--kubeconfig"]);
}
