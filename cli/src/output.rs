//! Writing to the two streams. A reader that went away, such as `head`, is no mistake.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::error::Error;

/// Writes a text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}

/// Writes a value to standard output as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::Render(error.to_string()))?;
    text.push('\n');
    print(&text)
}

/// Writes a line to standard error. When even that fails there is nobody left to tell.
pub(crate) fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", line.trim_end()));
}
