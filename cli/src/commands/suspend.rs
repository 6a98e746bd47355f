//! `trimtab suspend`: lets a study rest. Its runs are stopped in order, and go on from their checkpoints when it is resumed.

use trimtab_api::wish::Wish;

use crate::Exit;
use crate::asking::Asking;
use crate::error::Error;

/// Asks it of the study.
pub(crate) fn run(options: &Asking) -> Result<Exit, Error> {
    options.ask(Wish::Suspend)
}
