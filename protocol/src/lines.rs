//! Bytes of a log, in whatever pieces they come, cut into lines.

/// The longest line that is kept, in bytes, its time included.
pub const CAP: usize = 64 * 1024;

/// A line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// When it was written, as the kubelet says it in front of the line; absent where there is no such text.
    pub time: Option<&'a str>,
    /// The line without time and newline. It need not be UTF-8.
    pub text: &'a [u8],
    /// Whether the line was longer than [`CAP`] and its end was dropped.
    pub cut: bool,
}

/// Cuts a stream of bytes into lines, never holding more than [`CAP`] bytes.
///
/// A progress bar that redraws itself with `\r` for the whole training is one endless line. So a line that gets too long is
/// given out at its last `\r`, which loses nothing; only what has none is cut. How the bytes were cut into chunks makes no
/// difference.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    stamped: bool,
    buffer: Vec<u8>,
    time: Option<String>,
    /// Whether `buffer` goes on from a piece that was given out, so that no time stands in front.
    continued: bool,
    /// Whether the rest of the line is dropped, up to the next `\r` or newline.
    skipping: bool,
}

impl Lines {
    /// Lines of a plain stream.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// Lines of a pod's log that was asked for with `timestamps=true`.
    #[must_use]
    pub fn stamped() -> Self {
        Self { stamped: true, ..Self::default() }
    }

    /// Takes the next bytes, and gives each line that is complete now to `each`.
    pub fn push(&mut self, chunk: &[u8], mut each: impl FnMut(Line<'_>)) {
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            if self.skipping {
                let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                let Some(end) = end else { return };
                self.skipping = false;
                self.continued = rest.get(end) == Some(&b'\r');
                rest = rest.get(end + 1..).unwrap_or_default();
            } else if byte == b'\n' {
                self.give(false, &mut each);
                rest = rest.get(1..).unwrap_or_default();
            } else if self.buffer.len() == CAP {
                self.overflow(&mut each);
            } else {
                let room = rest.get(..CAP - self.buffer.len()).unwrap_or(rest);
                let length = room.iter().position(|byte| *byte == b'\n').unwrap_or(room.len());
                let (text, after) = rest.split_at(length);
                self.buffer.extend_from_slice(text);
                rest = after;
            }
        }
    }

    /// The stream has ended: gives out a last line that had no newline.
    pub fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        if !self.buffer.is_empty() {
            self.give(false, &mut each);
        }
        self.skipping = false;
        self.continued = false;
    }

    /// Gives out the buffer as the end of a line, and makes ready for the next one.
    fn give(&mut self, cut: bool, each: &mut impl FnMut(Line<'_>)) {
        let (time, text) = self.split(&self.buffer);
        let text = if cut { without_torn_end(text) } else { text };
        each(Line { time, text, cut });
        if cut {
            // Pieces of this line may still come, and they were written at its time.
            self.time = time.map(str::to_owned);
        }
        self.continued = false;
        self.skipping = cut;
        self.buffer.clear();
    }

    /// Makes room in a full buffer: at the last `\r` if there is one, by dropping the line's end if there is none.
    fn overflow(&mut self, each: &mut impl FnMut(Line<'_>)) {
        match self.buffer.iter().rposition(|byte| *byte == b'\r') {
            Some(end) => {
                let (time, text) = self.split(self.buffer.get(..end).unwrap_or_default());
                each(Line { time, text, cut: false });
                self.time = time.map(str::to_owned);
                self.continued = true;
                self.buffer.drain(..=end);
            }
            None => self.give(true, each),
        }
    }

    /// Time and text of a line, or of a piece that goes on from one.
    fn split<'a>(&'a self, line: &'a [u8]) -> (Option<&'a str>, &'a [u8]) {
        if !self.stamped {
            (None, line)
        } else if self.continued {
            (self.time.as_deref(), line)
        } else {
            split_time(line)
        }
    }
}

/// A cut line without its last word: half a number would read as another number.
pub(crate) fn without_torn_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| byte.is_ascii_whitespace() || *byte == b',').unwrap_or(0);
    line.get(..end).unwrap_or_default()
}

/// Splits the time off a line, if one stands in front.
fn split_time(line: &[u8]) -> (Option<&str>, &[u8]) {
    let word = line.get(..40.min(line.len())).unwrap_or_default();
    let end = word.iter().position(|byte| *byte == b' ').unwrap_or(word.len());
    let time = line.get(..end).and_then(|word| std::str::from_utf8(word).ok());
    match time {
        Some(time) if nanoseconds(time).is_some() => (Some(time), line.get(end + 1..).unwrap_or_default()),
        _ => (None, line),
    }
}

/// Nanoseconds since 1970 of a time as the kubelet writes it (RFC 3339 with up to nine digits of a second), so that times
/// can be compared: as text they cannot, because trailing zeros and the zone vary.
#[must_use]
pub fn nanoseconds(time: &str) -> Option<i64> {
    let bytes = time.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0_i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut fraction = 0;
    if is(at, b'.') {
        let length = bytes.get(at + 1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&length) {
            return None;
        }
        fraction = (length..9).fold(number(at + 1, at + 1 + length)?, |fraction, _| fraction * 10);
        at += 1 + length;
    }
    let offset = match (bytes.get(at)?, bytes.len() - at) {
        (b'Z', 1) => 0,
        (sign @ (b'+' | b'-'), 6) if is(at + 3, b':') => {
            let minutes = number(at + 1, at + 3)? * 60 + number(at + 4, at + 6)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + (minute - offset) * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// Days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owned = (Option<String>, Vec<u8>, bool);

    fn cut_up(mut lines: Lines, chunks: &[&[u8]]) -> Vec<Owned> {
        let mut found = Vec::new();
        let mut keep = |line: Line<'_>| found.push((line.time.map(str::to_owned), line.text.to_vec(), line.cut));
        for chunk in chunks {
            lines.push(chunk, &mut keep);
            assert!(lines.buffer.len() <= CAP);
        }
        lines.finish(&mut keep);
        found
    }

    #[test]
    fn chunks_are_joined_and_split_at_newlines() {
        let found = cut_up(Lines::plain(), &[b"a=1\nb", b"=2", b"\n\n", b"last"]);
        let texts: Vec<&[u8]> = found.iter().map(|line| line.1.as_slice()).collect();
        assert_eq!(texts, [b"a=1".as_slice(), b"b=2", b"", b"last"]);
    }

    #[test]
    fn time_in_front_of_a_line_is_split_off() {
        let log =
            b"2026-11-22T18:00:00.123456789Z loss=1 x\n2026-11-22T19:00:00+01:00 \nno time\n2026-13-22T19:00:00Z a";
        let found = cut_up(Lines::stamped(), &[log]);
        assert_eq!(found[0], (Some("2026-11-22T18:00:00.123456789Z".to_owned()), b"loss=1 x".to_vec(), false));
        assert_eq!(found[1], (Some("2026-11-22T19:00:00+01:00".to_owned()), Vec::new(), false));
        assert_eq!(found[2], (None, b"no time".to_vec(), false));
        assert_eq!(found[3].0, None);
    }

    #[test]
    fn times_compare_across_zones_and_digits() {
        let at = |text| nanoseconds(text).unwrap();
        assert_eq!(at("1970-01-01T00:00:00Z"), 0);
        assert_eq!(at("2026-11-22T18:00:00Z"), 1_795_370_400_000_000_000);
        assert_eq!(at("2024-02-29T12:00:00Z") + 86_400_000_000_000, at("2024-03-01T12:00:00Z"));
        assert_eq!(at("2026-11-22T19:00:00+01:00"), at("2026-11-22T18:00:00Z"));
        assert_eq!(at("2026-11-22T18:00:00.5Z"), at("2026-11-22T18:00:00.500000000Z"));
        assert!(at("2026-11-22T18:00:00.1Z") < at("2026-11-22T18:00:00.12Z"));
        for wrong in [
            "",
            "2026-11-22",
            "2026-11-22T18:00:00",
            "2026-11-22T18:00:00.Z",
            "2026-11-22T18:00:00Zx",
            "2026-11-22T18:00:00.1234567890Z",
            "9999-11-22T18:00:00Z",
        ] {
            assert_eq!(nanoseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn line_without_end_is_cut_at_a_word_and_says_so() {
        let mut log = b"2026-11-22T18:00:00Z loss=0.5 ".to_vec();
        log.resize(CAP + 100, b'7');
        log.extend_from_slice(b"\nloss=0.4\n");
        let found = cut_up(Lines::stamped(), &[&log]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (Some("2026-11-22T18:00:00Z".to_owned()), b"loss=0.5".to_vec(), true));
        assert_eq!(found[1], (None, b"loss=0.4".to_vec(), false));
    }

    #[test]
    fn line_of_just_the_cap_is_whole() {
        let mut log = vec![b'x'; CAP];
        log.extend_from_slice(b"\ny");
        let found = cut_up(Lines::plain(), &[&log]);
        assert_eq!((found[0].1.len(), found[0].2, found[1].1.as_slice()), (CAP, false, b"y".as_slice()));
    }

    #[test]
    fn endless_progress_bar_comes_in_pieces_of_whole_frames() {
        let mut log = b"2026-11-22T18:00:00Z ".to_vec();
        for frame in 0..10_000 {
            log.extend_from_slice(format!("\rEpoch {frame}: 100%|####| 8/8 [00:01, loss=0.5]").as_bytes());
        }
        log.push(b'\n');
        let found = cut_up(Lines::stamped(), &[&log]);
        assert!(found.len() > 2);
        assert!(found.iter().all(|line| line.0.as_deref() == Some("2026-11-22T18:00:00Z") && !line.2));
        let frames: usize = found
            .iter()
            .map(|line| line.1.split(|byte| *byte == b'\r').filter(|frame| frame.ends_with(b"]")).count())
            .sum();
        assert_eq!(frames, 10_000);
    }

    #[test]
    fn frames_after_a_dropped_end_are_read_again() {
        let mut log = vec![b'x'; CAP + 10];
        log.extend_from_slice(b"\rloss=1\nloss=2\n");
        let found = cut_up(Lines::plain(), &[&log]);
        let texts: Vec<&[u8]> = found.iter().map(|line| line.1.as_slice()).collect();
        assert_eq!(texts, [b"".as_slice(), b"loss=1", b"loss=2"]);
    }
}
