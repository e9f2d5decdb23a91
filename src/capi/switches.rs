//! Small integers in the C structs and their meanings.

use std::time::Duration;

use super::failure::{Failure, Result};

/// For fields that say "default, on or off": the documented default.
pub const OSS_RESUMABLE_DEFAULT: i32 = 0;
/// For fields that say "default, on or off": on.
pub const OSS_RESUMABLE_ON: i32 = 1;
/// For fields that say "default, on or off": off.
pub const OSS_RESUMABLE_OFF: i32 = 2;

/// Reads a switch.
pub fn switch(value: i32, default: bool, name: &str) -> Result<bool> {
    match value {
        OSS_RESUMABLE_DEFAULT => Ok(default),
        OSS_RESUMABLE_ON => Ok(true),
        OSS_RESUMABLE_OFF => Ok(false),
        _ => Err(unknown(name, value)),
    }
}

/// Reads a time limit: 0 is the default, −1 is no limit.
pub fn limit(ms: i64, default: Option<Duration>, name: &str) -> Result<Option<Duration>> {
    match ms {
        0 => Ok(default),
        -1 => Ok(None),
        _ => match u64::try_from(ms) {
            Ok(ms) => Ok(Some(Duration::from_millis(ms))),
            Err(_) => Err(Failure::validation(format_args!(
                "{name} is {ms}; it must be −1 (no limit), 0 (default) or a time in milliseconds"
            ))),
        },
    }
}

/// Refuses a field that must be zero.
pub fn reserved(value: u32, name: &str) -> Result<()> {
    if value == 0 {
        Ok(())
    } else {
        Err(Failure::validation(format_args!("the field {name} is reserved and must be zero")))
    }
}

/// The error for a number that is not one of a field's values.
pub fn unknown(name: &str, value: i32) -> Failure {
    Failure::validation(format_args!("{name} is {value}, which is not a valid value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_its_default_or_what_it_says() {
        assert!(switch(OSS_RESUMABLE_DEFAULT, true, "x").expect("default"));
        assert!(switch(OSS_RESUMABLE_ON, false, "x").expect("on"));
        assert!(!switch(OSS_RESUMABLE_OFF, true, "x").expect("off"));
        assert!(switch(3, true, "x").is_err() && switch(-1, true, "x").is_err());
    }

    #[test]
    fn a_limit_is_its_default_a_time_or_none() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(limit(0, second, "x").expect("default"), second);
        assert_eq!(limit(-1, second, "x").expect("none"), None);
        assert_eq!(limit(20, second, "x").expect("time"), Some(Duration::from_millis(20)));
        assert!(limit(-2, second, "x").is_err());
    }
}
