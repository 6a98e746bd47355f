//! `trimtab report`: a study in one HTML file.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;

use crate::error::Error;
use crate::record::{Place, Record};
use crate::{Exit, output, report};

/// Which Study, and where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The file to write; `-` is standard output. Left out: the Study's name with `.html`, here.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Writes the report and prints where it is.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    let record = options.place.read()?;
    let name = format!("{}.html", record.study.name_any());
    let file = options.to.clone().unwrap_or_else(|| PathBuf::from(name));
    if file.as_os_str() == "-" {
        output::print(&report::page(&record, Timestamp::now())?)?;
    } else {
        write_into(&file, &record)?;
        output::print(&format!("{}\n", file.display()))?;
    }
    Ok(Exit::Yes)
}

/// Writes the report of a study into a file.
pub(crate) fn write_into(file: &Path, record: &Record) -> Result<(), Error> {
    let page = report::page(record, Timestamp::now())?;
    write(file, &page).map_err(|error| Error::WriteFile { file: file.display().to_string(), error })
}

/// Writes the whole file or leaves the one that is there.
fn write(file: &Path, page: &str) -> std::io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    std::fs::write(&part, page).and_then(|()| std::fs::rename(&part, file)).inspect_err(|_| {
        // What was begun is of no use to anybody; the error is already being told.
        drop(std::fs::remove_file(&part));
    })
}
