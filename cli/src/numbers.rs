//! Numbers on the command line.

use std::str::FromStr;

/// A whole number that is not negative. What std says of others speaks of digits that were found.
pub(crate) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "must be a whole number".to_owned())
}
