//! Curves and bars in a line of text.

/// From the lowest value to the highest.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lowest and the highest of all finite values, so that curves below each other can be compared.
pub(crate) fn range<'v>(curves: impl IntoIterator<Item = &'v [f64]>) -> Option<(f64, f64)> {
    let values = curves.into_iter().flatten().copied().filter(|value| value.is_finite());
    values.fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((f64::min(low, value), f64::max(high, value)))
    })
}

/// A curve in at most `width` characters: of several values that fall on one, the newest. What is no number is a `×`.
pub(crate) fn curve(values: &[f64], (low, high): (f64, f64), width: usize) -> String {
    let columns = values.len().min(width);
    (0..columns)
        .filter_map(|column| values.get(((column + 1) * values.len() / columns).saturating_sub(1)))
        .map(|value| step(*value, low, high))
        .collect()
}

fn step(value: f64, low: f64, high: f64) -> char {
    if !value.is_finite() {
        return '×';
    }
    // A flat curve is drawn in the middle; halves keep the difference of two huge numbers finite.
    let share = if high > low { (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) } else { 0.5 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    let at = (share.clamp(0.0, 1.0) * 7.0).round() as usize;
    STEPS.get(at).copied().unwrap_or('█')
}

/// A bar of `width` characters, filled to a share between 0 and 1.
pub(crate) fn bar(share: f64, width: usize) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and at most the width")]
    let filled = (share.clamp(0.0, 1.0) * width as f64).floor() as usize;
    let tip = if share > 0.0 && filled < width { "╸" } else { "" };
    let rest = width.saturating_sub(filled + tip.chars().count());
    format!("{}{tip}{}", "━".repeat(filled), "─".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_share_a_range_and_keep_their_end() {
        let curves = [vec![0.0, 0.5, f64::NAN], vec![1.0]];
        let range = range(curves.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(range, (0.0, 1.0));
        assert_eq!(curve(&curves[0], range, 9), "▁▅×");
        assert_eq!(curve(&[0.0, 0.1, 0.9, 1.0], range, 2), "▂█");
        assert_eq!(curve(&[3.0, 3.0], (3.0, 3.0), 9), "▅▅");
        assert_eq!(curve(&[-f64::MAX, f64::MAX], (-f64::MAX, f64::MAX), 9), "▁█");
        assert_eq!(curve(&[], range, 9), "");
    }

    #[test]
    fn bars_are_as_long_as_their_width() {
        assert_eq!([0.0, 0.01, 0.5, 1.0, 2.0].map(|share| bar(share, 4)), ["────", "╸───", "━━╸─", "━━━━", "━━━━"]);
    }
}
