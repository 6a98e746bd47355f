//! A line that is one JSON object, or one Python dict as `print` shows it.
//!
//! Only what stands at the top or right under `metrics` is read, so that a number deep in some configuration is not taken
//! for a metric. The scanner keeps its own stack of [`DEPTH`] levels and never calls itself.

use super::{DEPTH, Found, Wanted, number, pairs, steps};

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Key,
    Colon,
    Value,
    Comma,
}

/// Text of a log record that may hold a line of its own.
const MESSAGES: [&[u8]; 2] = [b"message", b"msg"];

/// Reads a whole line. `None` if it is not one object; otherwise the message that it carries, if any.
pub(super) fn read(text: &[u8], key: &[u8], wanted: &Wanted, found: &mut Found) -> Option<Option<Vec<u8>>> {
    let mut scanner = Scanner { text, at: 0 };
    let mut stack = [b'}'; DEPTH];
    let mut depth = 0_usize;
    let mut under_metrics = false;
    let mut name: Vec<u8> = Vec::new();
    let mut message = None;
    let mut fidelity = None;
    let mut expect = Expect::Value;
    loop {
        scanner.skip_spaces();
        let byte = scanner.peek()?;
        let closer = depth.checked_sub(1).and_then(|top| stack.get(top)).copied();
        let closes = Some(byte) == closer
            && matches!(expect, Expect::Key | Expect::Comma | Expect::Value)
            && !(expect == Expect::Value && byte == b'}');
        if closes {
            scanner.at += 1;
            depth -= 1;
            under_metrics &= depth > 1;
            if depth == 0 {
                break;
            }
            expect = Expect::Comma;
            continue;
        }
        match expect {
            Expect::Key => {
                name = scanner.string()?;
                expect = Expect::Colon;
            }
            Expect::Colon => {
                scanner.take(b':')?;
                expect = Expect::Value;
            }
            Expect::Comma => {
                scanner.take(b',')?;
                expect = if closer == Some(b'}') { Expect::Key } else { Expect::Value };
            }
            Expect::Value if matches!(byte, b'{' | b'[') => {
                under_metrics |= depth == 1 && byte == b'{' && name == b"metrics";
                *stack.get_mut(depth)? = if byte == b'{' { b'}' } else { b']' };
                depth += 1;
                scanner.at += 1;
                expect = if byte == b'{' { Expect::Key } else { Expect::Value };
            }
            // Only an object can be a line.
            Expect::Value if depth == 0 => return None,
            Expect::Value => {
                let value = scanner.scalar()?;
                expect = Expect::Comma;
                let is_read = closer == Some(b'}') && (depth == 1 || depth == 2 && under_metrics);
                if is_read {
                    if name.eq_ignore_ascii_case(key) && fidelity.is_none() {
                        fidelity = pairs::fidelity(number::read(&value, 0, false));
                    }
                    if depth == 1 && MESSAGES.contains(&name.as_slice()) {
                        message = Some(value.clone());
                    }
                    wanted.exactly(&name, |spelling| found.offer_whole(spelling, &value));
                }
            }
        }
    }
    scanner.skip_spaces();
    if scanner.peek().is_some() {
        return None;
    }
    found.fidelity = fidelity;
    Some(message)
}

/// A place in the text.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            steps::count(0);
            self.at += 1;
        }
    }

    /// A string in either kind of quotes, without them.
    fn string(&mut self) -> Option<Vec<u8>> {
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'\''))?;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            steps::count(0);
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'\\' => self.escape(&mut text)?,
                byte if byte == quote => return Some(text),
                byte => text.push(byte),
            }
        }
    }

    /// What a backslash and the characters after it stand for.
    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            b'r' => text.push(b'\r'),
            b'u' => {
                let mut code = self.hexadecimal()?;
                // Characters beyond the first 65,536 come as two halves.
                if (0xd800..0xdc00).contains(&code) && self.text.get(self.at..self.at + 2) == Some(b"\\u") {
                    self.at += 2;
                    let low = self.hexadecimal()?;
                    code = 0x10000 + ((code - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                }
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            byte => text.push(byte),
        }
        Some(())
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
    }

    /// A string's content, or a bare word: a number, `NaN`, `null`, `True`, `np.float64(0.5)`.
    fn scalar(&mut self) -> Option<Vec<u8>> {
        if matches!(self.peek()?, b'"' | b'\'') {
            return self.string();
        }
        let start = self.at;
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            steps::count(0);
            match byte {
                b'(' => open += 1,
                b')' => open = open.checked_sub(1)?,
                b',' | b'}' | b']' if open == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        let word = self.text.get(start..self.at)?.trim_ascii_end();
        (!word.is_empty()).then(|| word.to_vec())
    }
}
