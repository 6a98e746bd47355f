//! Kubernetes' quantities: `500m`, `2`, `1.5Gi`, `1e3`.

/// A quantity in thousandths of its unit, rounded up; `None` for what is none, is negative, or is beyond 2^64 - 1 thousandths.
#[must_use]
pub fn thousandths(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return None;
    }
    let (factor, divisor) = scale(suffix)?;
    let part = part.trim_end_matches('0');
    let divisor = divisor.checked_mul(10_u128.checked_pow(u32::try_from(part.len()).ok()?)?)?;
    let number: u128 = format!("{whole}{part}").parse().ok()?;
    let scaled = number.checked_mul(factor)?.checked_mul(1000)?;
    u64::try_from(scaled.div_ceil(divisor)).ok()
}

/// What a suffix multiplies by, and what it divides by.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    Some(match suffix {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "" => (1, 1),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
            if exponent < 0 { (1, power) } else { (power, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, expected) in [
            ("2", Some(2000)),
            ("+2", Some(2000)),
            ("200m", Some(200)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("5.", Some(5000)),
            ("1.0000001", Some(1001)),
            ("1u", Some(1)),
            ("0n", Some(0)),
            ("1Gi", Some(1000 << 30)),
            ("1.5Ki", Some(1_536_000)),
            ("500M", Some(500_000_000_000)),
            ("1e3", Some(1_000_000)),
            ("12E-1", Some(1200)),
            ("0.001Pi", Some(1_125_899_906_842_624)),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
        for text in ["", ".", "1X", "-1", "1.2.3", "Gi", "1e", "1e99", "1 ", "1E", "99999999999999999999", "é"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
