//! `trimtab list`: the local studies of a folder.

use std::path::PathBuf;

use clap::Args;
use trimtab_local::{Book, Folder};

use crate::error::Error;
use crate::table::Table;
use crate::{Exit, output};

/// Where to look.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder whose local studies are listed; `kubectl get studies` lists those of a cluster.
    #[arg(default_value = ".")]
    folder: PathBuf,
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
    let mut table = Table::new(&["FOLDER", "STATE", "TRIALS", "BEST", "BEST TRIAL"]);
    for path in folders {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Book::read(&Folder::at(&path)) {
            Ok(book) => {
                let (study, _) = book.objects();
                let status = study.status.unwrap_or_default();
                let best = status.best.map(|best| (best.value, best.number.to_string())).unwrap_or_default();
                let state = status.state.unwrap_or_default();
                table.row(vec![name, state, status.progress.unwrap_or_default(), best.0, best.1]);
            }
            Err(error) => table.row(vec![name, "Unreadable".to_owned(), error.to_string()]),
        }
    }
    output::print(&table.render(0))?;
    Ok(Exit::Yes)
}
