//! Progress bars: is what a bar says final, or will it be drawn again?

/// What a frame is, as far as progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// No progress bar.
    None,
    /// A bar that is not full yet. Its numbers are of a part of the unit, or left over from the unit before.
    Unfinished,
    /// A full bar.
    Finished,
}

/// The heavy line that Keras, rich and Ultralytics draw bars with.
const HEAVY_LINE: &[u8] = "━".as_bytes();

/// Looks for a bar in a frame.
///
/// Three kinds are known: tqdm's `50%|██ | 16/32 [`, Keras' `16/32 [==>..]` and `16/32 ━━━`, and that of rich and
/// Ultralytics, `━━━ 16/32` or `50% ━━━ 16/32`. Plain `3/10` with no bar is no progress bar: it may well be an epoch.
pub(super) fn bar(frame: &[u8]) -> Bar {
    let heavy = find(frame, HEAVY_LINE);
    let percent = find(frame, b"%|").or_else(|| find(frame, "% ━".as_bytes()));
    let (counted, percent_is_full) = if let Some(at) = percent {
        let digits = frame.get(..at).unwrap_or_default();
        let full = digits.ends_with(b"100");
        let behind = frame.get(at + 2..).unwrap_or_default();
        let bar_end = behind.iter().position(|byte| *byte == b'|').map_or(0, |end| end + 1);
        (part(skip_bar(behind.get(bar_end..).unwrap_or_default())), Some(full))
    } else if let Some(counted) = keras(frame) {
        (counted, None)
    } else if let Some(at) = heavy {
        (part(skip_bar(frame.get(at..).unwrap_or_default())), None)
    } else {
        return Bar::None;
    };
    // tqdm rounds 199 of 200 up to 100%, so the count has the last word where there is one.
    match (counted, percent_is_full) {
        (Some(full), _) | (None, Some(full)) => {
            if full {
                Bar::Finished
            } else {
                Bar::Unfinished
            }
        }
        (None, None) => Bar::Unfinished,
    }
}

/// Keras' bar stands behind its count. `Some(None)` is a bar whose total is not known.
fn keras(frame: &[u8]) -> Option<Option<bool>> {
    let end = frame.iter().position(|byte| *byte == b' ')?;
    let count = frame.get(..end)?;
    let behind = frame.get(end..)?.trim_ascii_start();
    let is_bar = behind.starts_with(HEAVY_LINE)
        || behind.first() == Some(&b'[') && matches!(behind.get(1), Some(b'=' | b'>' | b'.'));
    let unknown = count.ends_with(b"/Unknown") && count.first().is_some_and(u8::is_ascii_digit);
    if unknown {
        return Some(None);
    }
    (is_bar && part(count).is_some()).then(|| part(count))
}

/// What comes behind the bar's own characters.
fn skip_bar(text: &[u8]) -> &[u8] {
    let length = text.iter().take_while(|byte| !byte.is_ascii() || matches!(byte, b' ' | b'|' | b'#' | b'-')).count();
    text.get(length..).unwrap_or_default()
}

/// Whether the count that a text begins with, such as `16/32`, is full.
fn part(text: &[u8]) -> Option<bool> {
    let number = |text: &[u8]| {
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count().min(18);
        let value = text.get(..digits)?.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        (digits > 0).then_some((value, digits))
    };
    let (done, length) = number(text)?;
    let rest = text.get(length..)?.strip_prefix(b"/")?;
    let (total, _) = number(rest)?;
    Some(done >= total)
}

/// The first place of a short text in a frame.
fn find(frame: &[u8], needle: &[u8]) -> Option<usize> {
    frame.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_told_from_text() {
        for (frame, expected) in [
            ("Epoch 3: 100%|██████████| 32/32 [00:01<00:00, 20.1it/s, loss=0.5]", Bar::Finished),
            ("Epoch 3:  50%|█████     | 16/32 [00:01<00:00, 20.1it/s, loss=0.5]", Bar::Unfinished),
            ("Epoch 3: 100%|█████████▉| 199/200 [00:01<00:00, loss=0.5]", Bar::Unfinished),
            ("100%|##########| 3/3 [00:01<00:00]", Bar::Finished),
            ("  0%|          | 0/3 [00:00<?, ?it/s]", Bar::Unfinished),
            ("1875/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - loss: 0.3", Bar::Finished),
            ("12/1875 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - loss: 0.3", Bar::Unfinished),
            ("1875/1875 [==============================] - 3s - loss: 0.3", Bar::Finished),
            ("12/1875 [>.............................] - ETA: 3s - loss: 0.3", Bar::Unfinished),
            ("12/Unknown - 3s - loss: 0.3", Bar::Unfinished),
            ("Epoch 3/9 ━━━━━━━━━━━━ 32/32 0:00:01 • 0:00:00 20.12it/s loss: 0.5", Bar::Finished),
            ("Epoch 3/9 ━━━━━━╸━━━━━ 16/32 0:00:01 • 0:00:00 20.12it/s loss: 0.5", Bar::Unfinished),
            ("1/3 2.1G 0.95 1.2 1.1 20 640: 100% ━━━━━━━━━━━━ 8/8 2.5it/s 3.2s", Bar::Finished),
            ("1/3 2.1G 0.95 1.2 1.1 20 640: 25% ━━━───────── 2/8 2.5it/s 3.2s", Bar::Unfinished),
            ("1875/1875 - 3s - loss: 0.3", Bar::None),
            ("3/10 loss=0.5", Bar::None),
            ("accuracy 91% loss 0.3", Bar::None),
            ("", Bar::None),
        ] {
            assert_eq!(bar(frame.as_bytes()), expected, "{frame}");
        }
    }
}
