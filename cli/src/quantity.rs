//! Sizes, rates and times: read from the command line, and shown.

use std::time::Duration;

const KIB: u64 = 1024;
const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("k", KIB),
    ("m", KIB * KIB),
    ("g", KIB * KIB * KIB),
    ("t", KIB * KIB * KIB * KIB),
    ("kib", KIB),
    ("mib", KIB * KIB),
    ("gib", KIB * KIB * KIB),
    ("tib", KIB * KIB * KIB * KIB),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];

/// Reads a number of bytes such as `50M`, `1.5GiB` or `800kB`. K, M, G and T are powers of 1024, as are KiB …; kB, MB, GB
/// and TB are powers of 1000.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a number of bytes such as 800000, 50M or 1.5GiB");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let bytes = number * factor as f64;
    if bytes.is_finite() && bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(wrong()) }
}

/// A rate limit: as [`parse_bytes`], and not zero.
pub fn parse_rate(text: &str) -> Result<u64, String> {
    match parse_bytes(text.strip_suffix("/s").unwrap_or(text))? {
        0 => Err("the limit must be at least one byte per second".to_owned()),
        rate => Ok(rate),
    }
}

/// A number of bytes in at most ten columns, such as `512 B` or `1023.9 MiB`.
pub fn bytes(count: u64) -> String {
    match unit_of(count) {
        None => format!("{count} B"),
        Some((factor, name)) => format!("{:.1} {name}", count as f64 / factor),
    }
}

/// A part and a whole in the unit of the whole, such as `44.9/190.7 MiB`, in at most seventeen columns.
pub fn progress(done: u64, total: u64) -> String {
    match unit_of(total) {
        None => format!("{done}/{total} B"),
        Some((factor, _)) => format!("{:.1}/{}", done as f64 / factor, bytes(total)),
    }
}

/// The largest unit of which there is at least one, as it is shown; `None`: bytes.
fn unit_of(count: u64) -> Option<(f64, &'static str)> {
    const NAMES: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < KIB {
        return None;
    }
    let mut factor = KIB as f64;
    let mut names = NAMES.iter();
    let mut name = names.next()?;
    while count as f64 / factor >= 1023.95
        && let Some(next) = names.next()
    {
        (factor, name) = (factor * KIB as f64, next);
    }
    Some((factor, name))
}

/// A rate such as `12.3 MiB/s`.
pub fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

/// A time such as `0:07`, `12:34`, `1:02:03` or `4d 05h`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        1..100 => format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        _ => format!("{}d {:02}h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_alone_and_binary_units_are_powers_of_1024_and_the_others_of_1000() {
        assert_eq!(parse_bytes("800"), Ok(800));
        assert_eq!(parse_bytes("50M"), Ok(50 * 1024 * 1024));
        assert_eq!(parse_bytes("1.5GiB"), Ok(3 << 29));
        assert_eq!(parse_bytes("8 kB"), Ok(8000));
        for wrong in ["", "M", "-1", "1e9", "5X", "1.2.3", "99999999T"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_is_a_rate_above_zero() {
        assert_eq!(parse_rate("2MB/s"), Ok(2_000_000));
        assert!(parse_rate("0").is_err());
        assert!(parse_rate("0.5").is_err());
    }

    #[test]
    fn a_size_never_takes_more_than_ten_columns() {
        for count in (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]).chain([u64::MAX]) {
            let text = bytes(count);
            assert!(text.len() <= 10, "{text}");
        }
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(progress(1 << 20, 1536 << 20), "0.0/1.5 GiB");
        assert_eq!(progress(1000, 1023), "1000/1023 B");
    }

    #[test]
    fn a_time_is_shown_in_the_units_that_it_needs() {
        let shown = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!(shown(7), "0:07");
        assert_eq!(shown(754), "12:34");
        assert_eq!(shown(3723), "1:02:03");
        assert_eq!(shown(101 * 3600), "4d 05h");
    }
}
