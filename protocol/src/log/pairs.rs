//! `name=value` and `name: value` anywhere in a text, and the fidelity that a text says it is about.

use super::number::{self, Reading};
use super::{Found, NAME_BYTES, Wanted, steps};

/// Whether a byte can be part of a name that is not in quotes.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.' | b'@' | b'\'')
}

/// Collects the metrics that are wanted.
///
/// Each `=` and `:` looks back for a name and ahead for a number, and neither way beyond the next `=` or `:`: so every byte
/// is looked at a bounded number of times.
pub(super) fn scan(text: &[u8], wanted: &Wanted, found: &mut Found) {
    let mut floor = 0;
    for (at, byte) in text.iter().enumerate() {
        if !matches!(byte, b'=' | b':') {
            continue;
        }
        let before = text.get(floor..at).unwrap_or_default().trim_ascii_end();
        steps::count(at - floor);
        floor = at + 1;
        let name = Name::at_end_of(before);
        if name.last.is_empty() || name.last.len() > NAME_BYTES {
            continue;
        }
        // `==` and `:=` are no assignments in any log that is known.
        if matches!(text.get(at + 1), Some(b'=' | b':')) {
            continue;
        }
        wanted.each_spelling(&name, |spelling| {
            found.offer(spelling, number::read(text, at + 1, false), text.get(at + 1..).unwrap_or_default());
        });
    }
}

/// A name as it is printed in front of its value.
pub(super) struct Name<'a> {
    /// The word, or what the quotes hold.
    pub(super) last: &'a [u8],
    /// For LightGBM's `valid_0's auc`: what the word belongs to, `valid_0`.
    pub(super) owner: Option<&'a [u8]>,
}

impl<'a> Name<'a> {
    /// The name that a text ends with; empty if it ends with none.
    fn at_end_of(text: &'a [u8]) -> Self {
        if let Some((quote @ (b'"' | b'\'' | b'`'), inner)) = text.split_last() {
            let start = inner.iter().rposition(|byte| byte == quote);
            steps::count(inner.len() - start.unwrap_or(0));
            if let Some(name) = start.and_then(|start| inner.get(start + 1..)) {
                return Self { last: name, owner: None };
            }
        }
        let (before, last) = split_last_word(text);
        let owner =
            before.strip_suffix(b" ").map(|before| split_last_word(before).1).and_then(|word| word.strip_suffix(b"'s"));
        Self { last: trim_quotes(last), owner: owner.map(trim_quotes).filter(|owner| !owner.is_empty()) }
    }
}

/// Splits the last run of name bytes off a text.
fn split_last_word(text: &[u8]) -> (&[u8], &[u8]) {
    let start = text.iter().rposition(|byte| !is_name_byte(*byte)).map_or(0, |before| before + 1);
    steps::count(text.len() - start);
    text.split_at(start)
}

/// A quote without its partner is no part of the name.
fn trim_quotes(word: &[u8]) -> &[u8] {
    let word = word.strip_prefix(b"'").unwrap_or(word);
    word.strip_suffix(b"'").unwrap_or(word)
}

/// The fidelity that a text names by its key: `epoch=3`, `Epoch 3/10`, `Epoch: [3]`, `'epoch': 3.0`.
///
/// The key is found in any case, because the label that a framework prints is `Epoch` where the metric is `epoch`.
pub(super) fn labelled(text: &[u8], key: &[u8]) -> Option<f64> {
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..)?;
        let length = rest.iter().take_while(|byte| is_name_byte(**byte)).count();
        steps::count(length);
        let word = trim_quotes(rest.get(..length)?);
        at += length.max(1);
        if word.eq_ignore_ascii_case(key) {
            let behind = text.get(at..)?;
            let gap = behind
                .iter()
                .take(8)
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'=' | b':' | b'[' | b'(' | b'#' | b'"'))
                .count();
            if gap > 0
                && let Some(fidelity) = fidelity(number::read(text, at + gap, true))
            {
                return Some(fidelity);
            }
        }
    }
    None
}

/// The fidelity that a line begins with: the round of XGBoost and LightGBM, `[3]`, or CatBoost's `3:` and a tab.
pub(super) fn leading(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii_start();
    let (digits, behind) = match text.strip_prefix(b"[") {
        Some(rest) => {
            let end = rest.iter().take(20).position(|byte| *byte == b']')?;
            (rest.get(..end)?, rest.get(end + 1)?)
        }
        None => {
            let end = text.iter().take(20).position(|byte| *byte == b':')?;
            (text.get(..end)?, text.get(end + 1).filter(|byte| **byte == b'\t')?)
        }
    };
    let is_round = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && matches!(behind, b' ' | b'\t');
    if is_round { number::whole(digits) } else { None }
}

/// A number that can be a fidelity.
pub(super) fn fidelity(reading: Reading) -> Option<f64> {
    match reading {
        Reading::Number(value, _) if value.is_finite() && value >= 0.0 => Some(value),
        Reading::Number(..) | Reading::Refused(_) | Reading::Nothing => None,
    }
}
