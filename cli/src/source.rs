//! Texts that commands read: files, or standard input.

use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// A text and the name under which messages speak of it.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path as it was given, or `<stdin>`.
    pub(crate) name: String,
    /// The contents.
    pub(crate) text: String,
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(file: &Path) -> Result<Source, Error> {
    let is_stdin = file.as_os_str() == "-";
    let name = if is_stdin { "<stdin>".to_owned() } else { file.display().to_string() };
    let mut text = String::new();
    let read = if is_stdin {
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    match read {
        Ok(text) => Ok(Source { name, text }),
        Err(error) => Err(Error::Read { file: name, error }),
    }
}
