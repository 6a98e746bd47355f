//! The report: one HTML file with everything that is known of a study, which needs nobody else to be read.
//!
//! The page is fixed; what differs is one block of JSON in it. The page's script puts values on the screen as text and never as
//! markup, and a policy in the page lets no other script run and nothing be fetched.

mod again;
mod curves;
mod data;
mod failures;
mod front;
mod importance;
mod ladders;
mod page;
mod slots;
mod space;
mod trials;

use jiff::Timestamp;

use crate::error::Error;
use crate::record::Record;

pub(crate) use importance::{ImportanceAccount, importances};

/// The report of a study as it stood when its record was read, as HTML.
pub(crate) fn page(record: &Record, now: Timestamp) -> Result<String, Error> {
    let data = data::Data::new(record, now);
    let json = serde_json::to_string(&data).map_err(|error| Error::Render(error.to_string()))?;
    Ok(page::page(&json))
}

#[cfg(test)]
mod tests;
