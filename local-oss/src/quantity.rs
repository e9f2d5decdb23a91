//! Parsing of sizes and durations.

use std::time::Duration;

const UNITS: [(&str, u64); 10] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("", 1),
];

/// Parses `1048576`, `64KiB` (powers of 1024) or `20MB` (powers of 1000) into bytes.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let number = number.parse::<u64>().ok();
    match (number, factor) {
        (Some(number), Some(factor)) => {
            number.checked_mul(factor).ok_or_else(|| format!("'{text}' is too large"))
        }
        _ => Err(format!("'{text}' is not a size: expected bytes, or a number with KB, KiB, MB …")),
    }
}

/// Parses `40ms`, `2s` or `1500us`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number = number.parse::<u64>().ok();
    match (number, unit) {
        (Some(number), "us") => Ok(Duration::from_micros(number)),
        (Some(number), "ms") => Ok(Duration::from_millis(number)),
        (Some(number), "s") => Ok(Duration::from_secs(number)),
        _ => Err(format!("'{text}' is not a duration: expected a number with us, ms or s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!(parse_size("0"), Ok(0));
        assert_eq!(parse_size("102400"), Ok(102_400));
        assert_eq!(parse_size("20MB"), Ok(20_000_000));
        assert_eq!(parse_size("1GiB"), Ok(1 << 30));
        assert_eq!(parse_duration("40ms"), Ok(Duration::from_millis(40)));
    }

    #[test]
    fn invalid_sizes_are_refused() {
        for text in ["", "GiB", "1gib", "-1", "1.5GiB", "99999999999TiB", "1 GiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert!(parse_duration("40").is_err());
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in ".*") {
            let _ = parse_size(&text);
            let _ = parse_duration(&text);
        }
    }
}
