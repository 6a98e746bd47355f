//! The objective of the test's trials: a function of the configuration and the epoch, known to the program that prints it and
//! to the tests that check what came of it. It depends on nothing but `std`, so that the program is compiled by itself.

/// The value at an epoch, of a configuration given as names and texts in any order.
///
/// Curves cross: how good a configuration is in the end and how fast it gets there are independent of each other.
#[must_use]
pub fn value(parameters: &[(String, String)], epoch: u32) -> f64 {
    let mut sorted = parameters.to_vec();
    sorted.sort();
    let text: String = sorted.iter().map(|(name, value)| format!("{name}={value};")).collect();
    let quality = fraction(&text, 1);
    let slowness = 0.5 + 4.0 * fraction(&text, 2);
    let epoch = f64::from(epoch);
    round(quality * epoch / (epoch + slowness))
}

/// Six digits are what is printed, so they are what is compared.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// A number from 0 to 1 that the text and the purpose give: FNV-1a, stirred once more because its high bits are weak.
fn fraction(text: &str, purpose: u8) -> f64 {
    let mut hash = text
        .bytes()
        .chain([purpose])
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    f64::from(u32::try_from(hash >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
