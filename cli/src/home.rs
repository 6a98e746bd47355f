//! Where a study of this machine lives.

use std::path::PathBuf;

use clap::Args;
use trimtab_local::Folder;

/// The folder of a study.
#[derive(Debug, Args)]
pub(crate) struct Home {
    /// The study's folder; left out: its name and `.trimtab`, here.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Home {
    /// The folder of a study by this name.
    pub(crate) fn of(&self, name: &str) -> Folder {
        self.folder.as_deref().map_or_else(|| Folder::named(name), Folder::at)
    }
}
