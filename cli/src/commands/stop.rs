//! `trimtab stop`: ends a study with what it has. Its runs are stopped in order, and can go on when that is taken back.

use trimtab_api::wish::Wish;

use crate::Exit;
use crate::asking::Asking;
use crate::error::Error;

/// Asks it of the study.
pub(crate) fn run(options: &Asking) -> Result<Exit, Error> {
    options.ask(Wish::Stop)
}
