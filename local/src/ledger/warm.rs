//! What a study begins with of an earlier one on this machine.

use std::path::Path;

use trimtab_api::study::WarmStarted;
use trimtab_api::warm;

use crate::book::Book;
use crate::error::Error;
use crate::folder::Folder;

/// The copy that is still to be made: of the study of that name in the folder beside this one's. `None` where none was asked
/// for, or it is on record.
///
/// # Errors
/// When the earlier study is not there, is being worked on, is damaged, or searched for something else.
pub(super) fn copy(book: &Book, folder: &Folder) -> Result<Option<WarmStarted>, Error> {
    let status = book.study.status.as_ref();
    let is_settled = status.is_some_and(|status| status.warm_start.is_some() || status.batch.is_some());
    let Some(wanted) = book.study.spec.warm_start.as_ref().filter(|_| !is_settled) else { return Ok(None) };
    let beside = folder.root().parent().unwrap_or(Path::new(""));
    let places = [Folder::named(&wanted.study_name).root().to_owned(), wanted.study_name.clone().into()];
    let Some(there) = places.iter().map(|place| Folder::at(&beside.join(place))).find(Folder::exists) else {
        let name = &wanted.study_name;
        let here = if beside.as_os_str().is_empty() { Path::new(".") } else { beside }.display();
        return Err(Error::WarmStart(format!(
            "`spec.warmStart.studyName`: there is no study `{name}` in {here}: run it first, or leave `warmStart` out"
        )));
    };
    let earlier = Book::read_at_rest(&there)?;
    if let Some(why) = warm::refusal(&book.study, &earlier.study) {
        return Err(Error::WarmStart(why));
    }
    Ok(Some(warm::copy(&book.plan, &earlier.study, &earlier.trials)))
}
