//! Virtual time: milliseconds since the world began.

use jiff::{SignedDuration, Timestamp};

/// Milliseconds since the world began.
pub type Millis = u64;

/// A second.
pub const SECOND: Millis = 1_000;
/// A minute.
pub const MINUTE: Millis = 60 * SECOND;

/// When the world begins: 2026-01-01T00:00:00Z.
const BEGINNING: i64 = 1_767_225_600;

/// The instant in the calendar.
#[must_use]
pub fn timestamp(now: Millis) -> Timestamp {
    let beginning = Timestamp::from_second(BEGINNING).unwrap_or_default();
    beginning + SignedDuration::from_millis(i64::try_from(now).unwrap_or(i64::MAX / 2))
}

/// As objects carry it: whole seconds.
#[must_use]
pub fn text(now: Millis) -> String {
    timestamp(now - now % SECOND).to_string()
}

/// As the kubelet stamps a line: nanoseconds, of which the last digits tell lines of one millisecond apart.
#[must_use]
pub fn stamp(now: Millis, line: u64) -> String {
    let whole = text(now);
    let seconds = whole.trim_end_matches('Z');
    format!("{seconds}.{:03}{:06}Z", now % SECOND, line % 1_000_000)
}

/// The instant that a text of the calendar names.
#[must_use]
pub fn parse(text: &str) -> Option<Millis> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond() - BEGINNING * 1_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_stamp_read_back() {
        assert_eq!(text(61_234), "2026-01-01T00:01:01Z");
        assert_eq!(stamp(61_034, 7), "2026-01-01T00:01:01.034000007Z");
        assert_eq!(parse(&stamp(61_034, 7)), Some(61_034));
        assert_eq!(parse(&text(61_034)), Some(61_000));
    }
}
