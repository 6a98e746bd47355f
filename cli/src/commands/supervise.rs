//! `trimtab supervise`: not for people. See [`trimtab_local::supervisor`].

use crate::Exit;
use crate::error::Error;

/// Carries out the order on standard input.
pub(crate) fn run() -> Result<Exit, Error> {
    trimtab_local::supervisor::supervise().map_err(Error::Write)?;
    Ok(Exit::Yes)
}
