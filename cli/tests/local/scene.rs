//! A folder with a Study and a program, and what happened in it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use trimtab_api::study::ActionRecord;
use trimtab_api::trial::TrialStatus;
use trimtab_local::{Book, Folder, identity};

/// A folder of a test's own, removed with it.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A program that keeps its progress from its beginning on, each time when it has told of it, and says the same wherever it goes on
/// from. So what it has told is ahead of what it keeps by one epoch at most.
pub(crate) const TRAINS: &str = r#"
from=0
if [ -e "$TRIMTAB_RESUME/epoch" ]; then from=$(cat "$TRIMTAB_RESUME/epoch"); fi
mkdir -p "$TRIMTAB_CHECKPOINT"
keep() { echo "$1" > "$TRIMTAB_CHECKPOINT/part" && mv "$TRIMTAB_CHECKPOINT/part" "$TRIMTAB_CHECKPOINT/epoch"; }
keep "$from"
epoch=$from
while [ "$epoch" -lt "$TRIMTAB_FIDELITY" ]; do
    epoch=$((epoch + 1))
    awk -v x="$PARAM_X" -v e="$epoch" 'BEGIN { printf "epoch=%d loss=%.9f\n", e, (x - 0.3) ^ 2 + 1 / e }' || exit
    keep "$epoch"
done
"#;

/// A Study with these lines in its spec besides the objective, one parameter and the program.
pub(crate) fn study(lines: &str) -> String {
    let lines: Vec<String> = lines.lines().map(|line| format!("  {line}")).collect();
    format!(
        "apiVersion: trimtab.dev/v1alpha1\nkind: Study\nmetadata: {{name: tuned}}\nspec:\n  \
         objectives: [{{metric: loss, goal: Minimize}}]\n  \
         parameters: [{{name: x, float: {{min: 0, max: 1}}}}]\n  seed: 5\n{}\n",
        lines.join("\n")
    )
}

/// What a trial runs: a shell with the program of the scene, and more of the pod and of the template.
pub(crate) fn trial(container: &str, pod: &str, template: &str) -> String {
    format!(
        "trial:\n  job: {{spec: {{template: {{spec: {{containers: [{{name: c, command: [sh, ./program.sh]{container}}}]{pod}}}}}}}}}\n{template}"
    )
}

/// Hyperband over up to nine epochs with checkpoints.
pub(crate) fn hyperband(parallelism: u32) -> String {
    study(&format!(
        "fidelity: {{unit: epoch, min: 1, max: 9}}\nscheduler: {{hyperband: {{}}}}\nparallelism: {parallelism}\n{}",
        trial("", "", "  checkpoint: {claimName: c}")
    ))
}

impl Scene {
    pub(crate) fn new(study: &str, program: &str) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        scene.write("study.yaml", study);
        scene.write(
            "program.sh",
            &format!("#!/bin/sh\nset -u\n{}", program.replace("$TRIMTAB_RESUME", "${TRIMTAB_RESUME:-}")),
        );
        std::fs::set_permissions(scene.path("program.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
        command.args(arguments).current_dir(self.root()).env("KUBECONFIG", "/nonexistent").stdin(Stdio::null());
        command
    }

    pub(crate) fn trimtab(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn run(&self) -> Ran {
        self.trimtab(&["run", "study.yaml"])
    }

    /// A run that is left to itself; what it says goes into a file.
    pub(crate) fn start(&self) -> Child {
        let log = std::fs::File::create(self.path("said")).unwrap();
        self.command(&["run", "study.yaml"]).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    pub(crate) fn study_folder(&self) -> Folder {
        Folder::at(&self.path("tuned.trimtab"))
    }

    pub(crate) fn book(&self) -> Book {
        Book::read(&self.study_folder()).unwrap()
    }

    pub(crate) fn status(&self, number: u32) -> TrialStatus {
        self.book().trial(number).unwrap().status.clone().unwrap()
    }

    /// What a run printed.
    pub(crate) fn output(&self, number: u32, run: u32) -> String {
        std::fs::read_to_string(self.study_folder().run(number, run).output()).unwrap()
    }

    /// Every action of the study in an order that does not depend on how they came into batches.
    pub(crate) fn actions(&self) -> Vec<String> {
        let book = self.book();
        let plan = &book.plan;
        let record =
            |action: &trimtab_engine::Action| -> ActionRecord { trimtab_api::history::action_record(plan, action) };
        let batches = book.history.batches.iter();
        let mut actions: Vec<String> =
            batches.flat_map(|batch| &batch.actions).map(|action| format!("{:?}", record(action))).collect();
        actions.sort();
        actions
    }

    /// Asserts that nothing of the study runs any more, and that every decision is what its evidence gives.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let uid = self.book().study.metadata.uid.clone().unwrap();
        assert_eq!(identity::kill_marked(&format!("{uid}/"), &self.study_folder().trials()), 0, "processes were left");
        let ran = self.trimtab(&["explain", "tuned.trimtab", "--verify"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        has(&ran.out, &[" 0 mismatches, 0 cannot be verified"]);
        let book = self.book();
        for (place, trial) in book.trials.iter().enumerate() {
            assert_eq!(trial.spec.number as usize, place, "numbers are given once, in order");
            let runs = &trial.status.as_ref().unwrap().runs;
            for (before, after) in runs.iter().zip(runs.iter().skip(1)) {
                assert_eq!(before.number + 1, after.number);
                assert!(before.end.is_some(), "two runs of trial {place} at once");
            }
        }
    }
}

/// Asserts that a text has all of these parts.
#[track_caller]
pub(crate) fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}
