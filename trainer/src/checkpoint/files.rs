//! The files of a checkpoint: written so that they are whole or not there, read so that damage shows.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;

/// A file that belongs to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name in the folder.
    pub(super) file: String,
    bytes: u64,
    crc32: u32,
}

impl Entry {
    pub(super) fn of(file: String, content: &[u8]) -> Self {
        Self { file, bytes: content.len() as u64, crc32: crc32fast::hash(content) }
    }
}

/// Writes a file under another name, waits until it is on disk, and renames it.
pub(super) fn put(folder: &Path, name: &str, content: &[u8]) -> Result<(), Error> {
    let (path, temporary) = (folder.join(name), folder.join(format!("{name}.tmp")));
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    };
    write().map_err(|source| Error::Write { path: path.clone(), source })
}

/// Waits until the folder's entries are on disk. Some network volumes cannot: there, a rename is all that can be had.
pub(super) fn sync(folder: &Path) -> Result<(), Error> {
    let opened = File::open(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    match opened.sync_all() {
        Err(source) if !matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(Error::Write { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Reads a file that the manifest names and compares it with what the manifest says.
pub(super) fn read_entry(folder: &Path, entry: &Entry) -> Result<Vec<u8>, Error> {
    let path = folder.join(&entry.file);
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    // The name is data: it must not lead out of the folder.
    if Path::new(&entry.file).file_name().is_none_or(|name| name != entry.file.as_str()) {
        return Err(damaged("its manifest names a file elsewhere".to_owned()));
    }
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged("it is missing".to_owned()));
        }
        Err(source) => return Err(Error::Read { path, source }),
    };
    if content.len() as u64 != entry.bytes {
        return Err(damaged(format!("expected {} bytes, found {}", entry.bytes, content.len())));
    }
    let crc32 = crc32fast::hash(&content);
    if crc32 != entry.crc32 {
        return Err(damaged(format!("expected the checksum {:#010x}, found {crc32:#010x}", entry.crc32)));
    }
    Ok(content)
}
