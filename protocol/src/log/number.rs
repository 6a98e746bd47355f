//! Numbers as programs print them.
//!
//! A number is decimal, with an optional sign, fraction and exponent, or `nan`, `inf` or `infinity` in any case. Around it
//! may stand quotes, or the wrapper that Python prints around a scalar: `tensor(0.5)`, `np.float64(0.5)`. What comes right
//! behind it decides whether it can be trusted:
//!
//! - punctuation that ends a word is fine, and so is a deviation (`0.5+0.01`, `0.5±0.01`);
//! - `%` is dropped and the number stays as it is printed: `91%` is 91;
//! - letters are a unit (`12ms`, `2.1G`, also `0x1f`) and are refused, because the same metric may come in another one next;
//! - a comma and a digit (`1,234`) are refused, because they mean a thousand here and a list there.

use super::{Why, steps};

/// What stands at a place where a number is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// A number, and where it ends.
    Number(f64, usize),
    /// Something else.
    Refused(Why),
    /// The end of the text.
    Nothing,
}

/// Wrappers that Python prints around a scalar.
const WRAPPERS: [&[u8]; 10] = [
    b"tensor(",
    b"np.float64(",
    b"np.float32(",
    b"np.float16(",
    b"np.int64(",
    b"np.int32(",
    b"numpy.float64(",
    b"array(",
    b"Array(",
    b"tf.Tensor(",
];

/// Reads the number that begins at `at`, spaces skipped. With `part_of`, it may be the first of `3/10`.
pub(super) fn read(text: &[u8], at: usize, part_of: bool) -> Reading {
    let mut at = at + spaces(text, at);
    if matches!(text.get(at), Some(b'"' | b'\'')) {
        at += 1;
        at += spaces(text, at);
    }
    let rest = text.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return Reading::Nothing;
    }
    if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| rest.starts_with(wrapper)) {
        at += wrapper.len();
    }
    let Some(length) = length(text.get(at..).unwrap_or_default()) else {
        return Reading::Refused(Why::NotANumber);
    };
    let end = at + length;
    steps::count(length);
    let value =
        text.get(at..end).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok());
    match (value, refusal(text, end, part_of)) {
        (_, Some(why)) => Reading::Refused(why),
        (Some(value), None) => Reading::Number(value, end),
        (None, None) => Reading::Refused(Why::NotANumber),
    }
}

/// Reads a text that is a number and nothing else.
pub(super) fn whole(text: &[u8]) -> Option<f64> {
    match read(text, 0, false) {
        Reading::Number(value, end) => {
            let rest = text.get(end..).unwrap_or_default().trim_ascii();
            (rest.is_empty() || rest == b")" || rest.starts_with(b", ") && rest.ends_with(b")")).then_some(value)
        }
        Reading::Refused(_) | Reading::Nothing => None,
    }
}

/// How many spaces and tabs there are from a place on.
fn spaces(text: &[u8], at: usize) -> usize {
    let length = text.get(at..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    steps::count(length);
    length
}

/// The length of the number that a text begins with.
fn length(text: &[u8]) -> Option<usize> {
    let digits =
        |from: usize| text.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    for word in [b"infinity".as_slice(), b"inf", b"nan"] {
        if text.get(sign..sign + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return Some(sign + word.len());
        }
    }
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        // The dot behind `3.` may end a sentence as well: either way the value is 3.
        end += if whole > 0 || fraction > 0 { 1 + fraction } else { 0 };
    }
    if whole == 0 && fraction == 0 {
        return None;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    Some(end)
}

/// Why what stands behind a number makes it doubtful.
fn refusal(text: &[u8], end: usize, part_of: bool) -> Option<Why> {
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    match text.get(end)? {
        b' ' | b'\t' | b'\r' | b'\n' | b';' | b')' | b']' | b'}' | b'\'' | b'"' | b'`' | b'|' | b'%' | b'*' | b'!'
        | b'<' | b'>' | b'\\' => None,
        // `Epoch: [3][10/500]` has the number that counts in a bracket of its own.
        b'[' if part_of => None,
        b'/' if part_of && is_digit(end + 1) => None,
        b',' if is_digit(end + 1) => Some(Why::Thousands),
        b',' => None,
        b':' if !is_digit(end + 1) => None,
        b'.' if text.get(end + 1).is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'')) => None,
        b'+' if is_digit(end + 1) || text.get(end + 1) == Some(&b'/') => None,
        byte if byte.is_ascii_alphabetic() || *byte == b'_' => Some(Why::Unit),
        // The plus-minus sign, a bullet, and the lines and blocks that tables and bars are drawn with.
        0xc2 if text.get(end + 1) == Some(&0xb1) => None,
        0xe2 if matches!((text.get(end + 1), text.get(end + 2)), (Some(0x94..=0x96), _) | (Some(0x80), Some(0xa2))) => {
            None
        }
        byte if !byte.is_ascii() => Some(Why::Unit),
        _ => Some(Why::NotANumber),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<f64> {
        match read(text.as_bytes(), 0, false) {
            Reading::Number(value, _) => Some(value),
            Reading::Refused(_) | Reading::Nothing => None,
        }
    }

    #[test]
    fn numbers_are_read_as_programs_print_them() {
        for (text, expected) in [
            ("0.91", 0.91),
            ("0.91,", 0.91),
            ("0.91, x", 0.91),
            ("0.91.", 0.91),
            ("3.", 3.0),
            (".5", 0.5),
            ("-1e-4", -1e-4),
            ("+2.5E+3;", 2500.0),
            ("  7)", 7.0),
            ("'0.3'", 0.3),
            ("\"0.3\"}", 0.3),
            ("91%", 91.0),
            ("91 %", 91.0),
            ("tensor(0.25, device='cuda:0')", 0.25),
            ("np.float64(0.5)}", 0.5),
            ("Array(0.5, dtype=float32)", 0.5),
            ("0.5+0.01", 0.5),
            ("0.5±0.01", 0.5),
            ("0.5 + 0.01", 0.5),
            ("12 ms", 12.0),
            ("0.4│", 0.4),
            ("3: next", 3.0),
            ("1e400", f64::INFINITY),
            ("inf", f64::INFINITY),
            ("-Infinity,", f64::NEG_INFINITY),
            ("0.10*", 0.1),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        for text in ["nan", "NaN", "-nan", "NAN,"] {
            assert!(value(text).is_some_and(f64::is_nan), "{text}");
        }
    }

    #[test]
    fn what_might_mean_something_else_is_refused() {
        for (text, why) in [
            ("12ms", Why::Unit),
            ("2.1G", Why::Unit),
            ("0x1f", Why::Unit),
            ("1_000", Why::Unit),
            ("12µs", Why::Unit),
            ("1e", Why::Unit),
            ("1,234", Why::Thousands),
            ("0.5,0.6", Why::Thousands),
            ("3/10", Why::NotANumber),
            ("2026-11-22", Why::NotANumber),
            ("12:30:01", Why::NotANumber),
            ("1.2.3", Why::NotANumber),
            ("None", Why::NotANumber),
            ("information", Why::Unit),
            ("-", Why::NotANumber),
            (".", Why::NotANumber),
            ("tensor([1, 2])", Why::NotANumber),
            ("--1", Why::NotANumber),
        ] {
            assert_eq!(read(text.as_bytes(), 0, false), Reading::Refused(why), "{text}");
        }
        assert_eq!(read(b"  ", 0, false), Reading::Nothing);
        assert_eq!(read(b"x", 9, false), Reading::Nothing);
    }

    #[test]
    fn fidelity_may_be_a_part_of_a_whole() {
        assert_eq!(read(b"3/10", 0, true), Reading::Number(3.0, 1));
        assert_eq!(read(b"3/x", 0, true), Reading::Refused(Why::NotANumber));
    }
}
