//! The text form of a list of result keys: compact, canonical, and safe to read from anyone.
//!
//! `o2:0-8,11;r2:0-8;e:4` says: values at level 2 of trials 0 to 8 and 11, rests at level 2 of trials 0 to 8, the end of
//! trial 4. Groups come in the order of [`ResultKey`], numbers rise within each.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::history::{ResultKey, TrialNumber};

/// Why a text is no list of result keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdmittedError {
    /// The text is longer than [`MAX_BYTES`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It stands for more than [`MAX_KEYS`] keys.
    TooMany,
    /// It cannot be read at this byte.
    Malformed {
        /// The byte's offset.
        at: usize,
    },
}

impl std::fmt::Display for AdmittedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(f, "{bytes} bytes are more than the {MAX_BYTES} allowed"),
            Self::TooMany => write!(f, "stands for more than {MAX_KEYS} results"),
            Self::Malformed { at } => write!(f, "cannot be read at byte {at}"),
        }
    }
}

impl std::error::Error for AdmittedError {}

/// The longest text that is read.
pub const MAX_BYTES: usize = 64 * 1024;

/// The most keys that a text may stand for.
pub const MAX_KEYS: usize = 200_000;

/// Levels are indices into a list of at most 64.
const MAX_LEVEL: u32 = 63;

/// Writes keys in canonical order with ranges, such as `o2:0-8,11;r2:0-8;e:4`. Keys given twice are written once.
#[must_use]
pub fn encode(keys: &[ResultKey]) -> String {
    let sorted: BTreeSet<ResultKey> = keys.iter().copied().collect();
    let mut text = String::new();
    let mut group = None;
    let mut rest = sorted.into_iter().peekable();
    while let Some(key) = rest.next() {
        let (kind, first) = parts(key);
        if group == Some(kind) {
            text.push(',');
        } else {
            if group.is_some() {
                text.push(';');
            }
            text.push(kind.0);
            if let Some(level) = kind.1 {
                // Writing to a string cannot fail.
                let _ = write!(text, "{level}");
            }
            text.push(':');
            group = Some(kind);
        }
        let mut last = first;
        while let Some(next) = rest.next_if(|&next| parts(next) == (kind, last.wrapping_add(1)) && last != u32::MAX) {
            last = parts(next).1;
        }
        let _ = if last == first { write!(text, "{first}") } else { write!(text, "{first}-{last}") };
    }
    text
}

fn parts(key: ResultKey) -> ((char, Option<usize>), u32) {
    match key {
        ResultKey::Observed(level, TrialNumber(n)) => (('o', Some(level)), n),
        ResultKey::Rested(level, TrialNumber(n)) => (('r', Some(level)), n),
        ResultKey::Ended(TrialNumber(n)) => (('e', None), n),
    }
}

/// Reads what [`encode`] wrote. Groups and numbers may come in any order; the keys come back in canonical order, once each.
///
/// # Errors
/// When the text is not such a list, or is longer or stands for more than the bounds allow.
pub fn decode(text: &str) -> Result<Vec<ResultKey>, AdmittedError> {
    if text.len() > MAX_BYTES {
        return Err(AdmittedError::TooLong { bytes: text.len() });
    }
    let mut keys = Vec::new();
    if text.is_empty() {
        return Ok(keys);
    }
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    loop {
        let kind = reader.byte()?;
        let level = match kind {
            b'o' | b'r' => reader.number(MAX_LEVEL)? as usize,
            b'e' => 0,
            _ => return Err(reader.malformed(1)),
        };
        reader.expect(b':')?;
        loop {
            let first = reader.number(u32::MAX)?;
            let last = if reader.skip(b'-') { reader.number(u32::MAX)? } else { first };
            if last < first {
                return Err(reader.malformed(1));
            }
            // The count is checked before anything of this size is made.
            if (last - first) as usize >= MAX_KEYS - keys.len() {
                return Err(AdmittedError::TooMany);
            }
            keys.extend((first..=last).map(|n| match kind {
                b'o' => ResultKey::Observed(level, TrialNumber(n)),
                b'r' => ResultKey::Rested(level, TrialNumber(n)),
                _ => ResultKey::Ended(TrialNumber(n)),
            }));
            if !reader.skip(b',') {
                break;
            }
        }
        if reader.at == reader.bytes.len() {
            break;
        }
        reader.expect(b';')?;
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn malformed(&self, back: usize) -> AdmittedError {
        AdmittedError::Malformed { at: self.at.saturating_sub(back) }
    }

    fn byte(&mut self) -> Result<u8, AdmittedError> {
        let byte = *self.bytes.get(self.at).ok_or(self.malformed(0))?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), AdmittedError> {
        if self.skip(wanted) { Ok(()) } else { Err(self.malformed(0)) }
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let hit = self.bytes.get(self.at) == Some(&wanted);
        self.at += usize::from(hit);
        hit
    }

    fn number(&mut self, max: u32) -> Result<u32, AdmittedError> {
        let start = self.at;
        let mut value: u32 = 0;
        while let Some(digit) = self.bytes.get(self.at).filter(|b| b.is_ascii_digit()) {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(u32::from(digit - b'0')))
                .filter(|&v| v <= max)
                .ok_or(self.malformed(0))?;
            self.at += 1;
        }
        // One way to write each number: no leading zeros.
        let length = self.at - start;
        if length == 0 || (length > 1 && self.bytes.get(start) == Some(&b'0')) {
            return Err(AdmittedError::Malformed { at: start });
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = ResultKey> {
        (0..3_u8, 0..64_usize, prop_oneof![0..40_u32, any::<u32>(), Just(u32::MAX), Just(u32::MAX - 1)]).prop_map(
            |(kind, level, n)| match kind {
                0 => ResultKey::Observed(level, TrialNumber(n)),
                1 => ResultKey::Rested(level, TrialNumber(n)),
                _ => ResultKey::Ended(TrialNumber(n)),
            },
        )
    }

    proptest! {
        #[test]
        fn keys_come_back_sorted(mut keys in proptest::collection::vec(key(), 0..200)) {
            let text = encode(&keys);
            keys.sort_unstable();
            keys.dedup();
            let read = decode(&text).unwrap();
            prop_assert_eq!(encode(&read), text);
            prop_assert_eq!(read, keys);
        }

        #[test]
        fn decode_survives_any_text(text in "[oer0-9:;,\\-]{0,40}|.{0,40}") {
            if let Ok(keys) = decode(&text) {
                prop_assert_eq!(decode(&encode(&keys)).unwrap(), keys);
            }
        }
    }

    #[test]
    fn encode_is_the_documented_form() {
        let mut keys: Vec<_> = (0..=8).map(|n| ResultKey::Rested(2, TrialNumber(n))).collect();
        keys.extend((0..=8).map(|n| ResultKey::Observed(2, TrialNumber(n))));
        keys.extend([ResultKey::Ended(TrialNumber(4)), ResultKey::Observed(2, TrialNumber(11))]);
        assert_eq!(encode(&keys), "o2:0-8,11;r2:0-8;e:4");
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn decode_refuses_what_is_not_a_list() {
        for text in ["x", "o", "o:", "o2", "o2:", "o64:1", "e:4-2", "e:4;", "e:,", "e:01", "e:4294967296", "e:1 ", "é"]
        {
            assert!(matches!(decode(text), Err(AdmittedError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn decode_caps_length_and_expansion() {
        assert_eq!(decode("e:0-4294967295"), Err(AdmittedError::TooMany));
        assert_eq!(decode("e:0-199999").unwrap().len(), MAX_KEYS);
        assert_eq!(decode("e:0-199999;o1:1"), Err(AdmittedError::TooMany));
        assert_eq!(decode(&"e".repeat(MAX_BYTES + 1)), Err(AdmittedError::TooLong { bytes: MAX_BYTES + 1 }));
    }
}
