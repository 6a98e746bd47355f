//! `trimtab list`: the local studies of a folder.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use trimtab_local::{Book, Folder};

use crate::error::Error;
use crate::output::Output;
use crate::table::Table;
use crate::{Exit, output};

/// Where to look.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder whose local studies are listed; `kubectl get studies` lists those of a cluster.
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// A local study.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    folder: String,
    /// Unreadable, or the study's state.
    state: String,
    progress: String,
    /// The best value, or the size of the front.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_trial: Option<u32>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Lists local studies. One that cannot be read has its reason in its line.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let failed = |error| Error::Read { file: options.folder.display().to_string(), error };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(&options.folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if Folder::is_one(&path) {
            folders.push(path);
        }
    }
    folders.sort();
    let listed: Vec<Listed> = folders.iter().map(|path| Listed::read(path)).collect();
    if listed.is_empty() && options.output.is_table() {
        output::complain(&format!(
            "no local study in {}: `trimtab run STUDY.yaml` makes one",
            options.folder.display()
        ));
        return Ok(Exit::Yes);
    }
    options.output.answer(&listed, || table(&listed))?;
    Ok(Exit::Yes)
}

impl Listed {
    fn read(path: &Path) -> Self {
        let folder = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Book::read(&Folder::at(path)) {
            Ok(book) => {
                let status = book.objects().0.status.unwrap_or_default();
                let (best, best_trial) = (status.answer, status.best.map(|best| best.number));
                let (state, progress) = (status.state.unwrap_or_default(), status.progress.unwrap_or_default());
                Self { folder, state, progress, best, best_trial, problem: None }
            }
            Err(error) => {
                Self { folder, state: "Unreadable".to_owned(), problem: Some(error.to_string()), ..Self::default() }
            }
        }
    }
}

fn table(listed: &[Listed]) -> String {
    let mut table = Table::new(&["FOLDER", "STATE", "TRIALS", "BEST", "BEST TRIAL"]);
    for study in listed {
        let mut row = vec![study.folder.clone(), study.state.clone()];
        match &study.problem {
            Some(problem) => row.push(problem.clone()),
            None => row.extend([
                study.progress.clone(),
                study.best.clone().unwrap_or_default(),
                study.best_trial.map(|number| number.to_string()).unwrap_or_default(),
            ]),
        }
        table.row(row);
    }
    table.render(0)
}
