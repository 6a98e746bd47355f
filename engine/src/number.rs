//! Numbers as text: the shortest form that comes back exactly.

/// Writes a number in the shortest form that reads back as the same double.
///
/// Zero and magnitudes from 1e-5 up to 1e16 are written plainly, others with an exponent. NaN and the infinities are
/// written as `NaN`, `Infinity` and `-Infinity`.
#[must_use]
pub fn to_text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = x.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { format!("{x}") } else { format!("{x:e}") }
}

/// Reads a number: decimal, with or without exponent, or NaN and the infinities in any common spelling and case.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    // The standard parser accepts exactly that: `nan`, `inf` and `infinity` in any case, with or without a sign.
    text.trim().parse().ok()
}

/// Maps a number to an integer that sorts as the number does; both zeros are equal. NaN must not be given.
#[must_use]
pub fn sortable(x: f64) -> u64 {
    // Adding zero turns the negative zero into the positive one, so that they tie.
    let bits = (x + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// The first of the integers that are beyond [`sortable`] of every finite number.
pub(crate) const BEYOND: u64 = 0xFFF0_0000_0000_0000;

/// Maps a positive number to an integer beyond those of every finite number and below `u64::MAX`, in the numbers' order as
/// far as twelve digits tell it. NaN and negative numbers must not be given.
pub(crate) fn sortable_beyond(x: f64) -> u64 {
    // 53 bits hold what is left of the 63 of a positive number, infinity included.
    BEYOND + (x.to_bits() >> 11)
}

/// Whether two numbers are the same, where NaN is the same as NaN: what a log needs when it is compared.
pub(crate) fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn to_text_is_the_shortest_form() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (32.0, "32"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "0.00001"),
            (9.9e-6, "9.9e-6"),
            (1e15, "1000000000000000"),
            (1e16, "1e16"),
            (-2.5e300, "-2.5e300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(to_text(x), text);
        }
    }

    #[test]
    fn parse_takes_common_spellings() {
        for text in ["nan", "NaN", "NAN"] {
            assert!(parse(text).unwrap().is_nan());
        }
        for text in ["inf", "+inf", "Infinity", "INF", " infinity "] {
            assert_eq!(parse(text), Some(f64::INFINITY));
        }
        assert_eq!(parse("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(parse("1e-3"), Some(0.001));
        for text in ["", "x", "1,5", "0x10", "1_000", "--1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back_exactly(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            let back = parse(&to_text(x)).unwrap();
            prop_assert!(back.to_bits() == x.to_bits() || (x.is_nan() && back.is_nan()));
        }

        #[test]
        fn sortable_sorts_as_numbers_do(a in any::<f64>(), b in any::<f64>()) {
            prop_assert_eq!(sortable(a).partial_cmp(&sortable(b)), a.partial_cmp(&b));
            prop_assert_eq!(sortable(0.0), sortable(-0.0));
        }

        #[test]
        fn what_is_beyond_sorts_behind_every_number(
            a in prop_oneof![0.0..1e300_f64, Just(0.0), Just(5e-324), Just(f64::MAX), Just(f64::INFINITY)],
            factor in 1.000_001..1e9_f64,
            x in prop::num::f64::NORMAL,
        ) {
            prop_assert!(sortable(x) < BEYOND && BEYOND <= sortable_beyond(a) && sortable_beyond(a) < u64::MAX);
            prop_assert!(sortable_beyond(a) <= sortable_beyond(a * factor));
            prop_assert!(!(1e-300..=1e300).contains(&a) || sortable_beyond(a) < sortable_beyond(a * factor));
        }
    }
}
