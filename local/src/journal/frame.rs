//! The form of a journal: a record a line, as `CHECKSUM JSON`.
//!
//! The checksum is the CRC-32 of the line before's checksum and the JSON. So a line that was changed is found, and so is one that
//! is missing or in another place. A line that does not verify at the very end is a torn write; one with whole lines behind
//! it is damage.

use std::fmt::Write as _;

/// Hexadecimal digits of a checksum.
const DIGITS: usize = 8;

/// The line of a record behind one with the checksum `before`, and its own checksum.
pub(super) fn encode(before: u32, json: &str) -> (String, u32) {
    let sum = checksum(before, json.as_bytes());
    let mut line = String::with_capacity(json.len() + DIGITS + 2);
    // Writing to a string cannot fail.
    let _ = writeln!(line, "{sum:08x} {json}");
    (line, sum)
}

fn checksum(before: u32, json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&before.to_le_bytes());
    hasher.update(json);
    hasher.finalize()
}

/// A line that is where it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'b> {
    pub(super) json: &'b [u8],
    pub(super) number: usize,
    pub(super) offset: usize,
}

/// What a journal's bytes hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frames<'b> {
    /// The whole lines, in order.
    pub(super) lines: Vec<Line<'b>>,
    /// The checksum of the last one.
    pub(super) sum: u32,
    /// Where they end.
    pub(super) end: usize,
    /// The line that does not verify although lines behind it do: its number and first byte.
    pub(super) damage: Option<(usize, usize)>,
}

/// Reads a journal's bytes.
pub(super) fn decode(bytes: &[u8]) -> Frames<'_> {
    let mut frames = Frames { lines: Vec::new(), sum: 0, end: 0, damage: None };
    while let Some((text, length)) = line(bytes, frames.end) {
        let Some((sum, json)) = split(text).filter(|(sum, json)| *sum == checksum(frames.sum, json)) else { break };
        frames.lines.push(Line { json, number: frames.lines.len() + 1, offset: frames.end });
        frames.sum = sum;
        frames.end += length;
    }
    let mut at = frames.end;
    let mut before = None;
    while let Some((text, length)) = line(bytes, at) {
        let found = split(text);
        if let (Some(before), Some((sum, json))) = (before, found)
            && checksum(before, json) == sum
        {
            frames.damage = Some((frames.lines.len() + 1, frames.end));
            break;
        }
        before = found.map(|(sum, _)| sum);
        at += length;
    }
    frames
}

/// The line that begins at a byte, without its newline, and its length with it. `None` where there is no newline any more.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some((rest.get(..end)?, end + 1))
}

fn split(line: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = line.split_at_checked(DIGITS)?;
    let json = rest.strip_prefix(b" ")?;
    // Only as it is written: a capital letter is a changed bit.
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(is_digit))?;
    Some((u32::from_str_radix(digits, 16).ok()?, json))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn journal(records: &[String]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut sum, mut ends) = (Vec::new(), 0, vec![0]);
        for record in records {
            let (line, next) = encode(sum, record);
            bytes.extend_from_slice(line.as_bytes());
            sum = next;
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    proptest! {
        #[test]
        fn every_cut_leaves_the_whole_lines_before_it(
            records in proptest::collection::vec("[ -~]{0,20}", 1..6),
            cut in any::<proptest::sample::Index>(),
        ) {
            let (bytes, ends) = journal(&records);
            let cut = cut.index(bytes.len() + 1);
            let frames = decode(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            prop_assert_eq!(frames.lines.len(), whole);
            prop_assert_eq!(frames.end, ends[whole]);
            prop_assert_eq!(frames.damage, None);
        }

        #[test]
        fn a_changed_bit_is_found_and_told_from_a_torn_end(
            records in proptest::collection::vec("[ -~]{1,20}", 2..8),
            at in any::<proptest::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let (mut bytes, ends) = journal(&records);
            let at = at.index(bytes.len());
            let line = ends.iter().filter(|end| **end <= at).count() - 1;
            bytes[at] ^= 1 << bit;
            let frames = decode(&bytes);
            prop_assert!(frames.lines.len() <= line, "{} lines before line {line}", frames.lines.len());
            // Two whole lines behind the one that was hit give it away; and a newline that is hit takes a second line with it.
            if line + 3 < records.len() {
                prop_assert_eq!(frames.damage, Some((line + 1, ends[line])));
            }
        }
    }

    #[test]
    fn a_missing_and_a_doubled_line_are_damage() {
        let records: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let (bytes, ends) = journal(&records);
        let without: Vec<u8> = [&bytes[..ends[1]], &bytes[ends[2]..]].concat();
        assert_eq!(decode(&without).damage, Some((2, ends[1])));
        let twice: Vec<u8> = [&bytes[..ends[2]], &bytes[ends[1]..]].concat();
        assert_eq!(decode(&twice).damage, Some((3, ends[2])));
    }

    #[test]
    fn zeros_behind_the_end_are_a_torn_end() {
        let (mut bytes, _) = journal(&["a".to_owned()]);
        let end = bytes.len();
        bytes.extend([0; 4096]);
        let frames = decode(&bytes);
        assert_eq!((frames.lines.len(), frames.end, frames.damage), (1, end, None));
    }
}
