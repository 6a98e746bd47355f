//! What a terminal would show of a line: escape sequences gone, and one frame for each time the line was drawn anew.

/// The frames of a line, in the order in which they were drawn, blank ones left out.
///
/// A carriage return, a move of the cursor or an erased line begins a new frame. A backspace takes the character before it
/// back: programs that use it draw something else in its place at once. Colours and titles leave no trace.
pub(super) fn frames(line: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut frame: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        at += 1;
        match byte {
            b'\r' => finish(&mut frame, &mut frames),
            0x08 => {
                // A character of several bytes goes as a whole: its later bytes all begin with the bits 10.
                while frame.pop().is_some_and(|popped| popped & 0xc0 == 0x80) {}
            }
            0x1b => {
                let (end, moves) = escape(line, at);
                at = end;
                if moves {
                    finish(&mut frame, &mut frames);
                }
            }
            b'\t' => frame.push(byte),
            0..0x20 | 0x7f => {}
            _ => frame.push(byte),
        }
    }
    finish(&mut frame, &mut frames);
    frames
}

/// Closes a frame, unless it is blank.
fn finish(frame: &mut Vec<u8>, frames: &mut Vec<Vec<u8>>) {
    let text = frame.trim_ascii();
    if !text.is_empty() {
        frames.push(text.to_vec());
    }
    frame.clear();
}

/// Where an escape sequence ends that began before `at`, and whether it moves the cursor or erases the line.
fn escape(line: &[u8], at: usize) -> (usize, bool) {
    let rest = line.get(at..).unwrap_or_default();
    match rest.first() {
        // Parameters and intermediates, then one letter that says what to do.
        Some(b'[') => match rest.iter().skip(1).position(|byte| !(0x20..0x40).contains(byte)) {
            Some(length) => {
                let erases_line = rest.get(1..1 + length) == Some(b"2");
                let moves = match rest.get(1 + length) {
                    Some(b'A'..=b'H' | b'J' | b'f' | b'S' | b'T') => true,
                    Some(b'K') => erases_line,
                    _ => false,
                };
                (at + length + 2, moves)
            }
            None => (line.len(), false),
        },
        // A title or a link: up to a bell or the string terminator.
        Some(b']') => match rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b)) {
            Some(length) if rest.get(length) == Some(&0x07) => (at + length + 1, false),
            Some(length) => (at + length + 2, false),
            None => (line.len(), false),
        },
        Some(_) => (at + 1, false),
        None => (at, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<String> {
        frames(line.as_bytes()).into_iter().map(|frame| String::from_utf8_lossy(&frame).into_owned()).collect()
    }

    #[test]
    fn colours_and_titles_leave_no_trace() {
        assert_eq!(shown("\x1b[1;32mloss\x1b[0m=\x1b[38;5;9m0.5\x1b[0m\x1b[K"), ["loss=0.5"]);
        assert_eq!(shown("\x1b]0;title\x07a=1\x1b]8;;link\x1b\\b"), ["a=1b"]);
        assert_eq!(shown("a\x1b("), ["a"]);
        assert_eq!(shown("a\x1b[12"), ["a"]);
        assert_eq!(shown("a\x1b"), ["a"]);
    }

    #[test]
    fn each_drawing_is_a_frame() {
        assert_eq!(shown("one\rtwo  \r   \rthree\r"), ["one", "two", "three"]);
        assert_eq!(shown("one\x1b[2Ktwo\x1b[Athree"), ["one", "two", "three"]);
    }

    #[test]
    fn backspaces_take_whole_characters_back() {
        assert_eq!(shown("10%\x08\x08\x0820%"), ["20%"]);
        assert_eq!(shown("a━\x08b"), ["ab"]);
        assert_eq!(shown("\x08\x08a"), ["a"]);
    }
}
