//! The stable names of values: in JSON, in messages and in the command's output.

use std::fmt;

use super::error::ErrorKind;
use super::events::EventKind;
use super::outcome::{Phase, Proof};
use super::prefix::PrefixPhase;
use super::trace::RequestEnd;

/// Gives a type the method `as_str` and the same as its `Display`.
macro_rules! names {
    ($type:ident { $($value:pat => $name:literal,)* }) => {
        impl $type {
            /// The name of the value, a lower-case word or several with `_` between them. It never changes.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($value => $name,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

names!(ErrorKind {
    ErrorKind::Validation => "validation",
    ErrorKind::Service => "service",
    ErrorKind::Transport => "transport",
    ErrorKind::Integrity => "integrity",
    ErrorKind::Io => "io",
    ErrorKind::Busy => "busy",
    ErrorKind::Cancelled => "cancelled",
    ErrorKind::Disabled => "disabled",
    ErrorKind::Deadline => "deadline",
    ErrorKind::ObjectChanged => "object_changed",
    ErrorKind::Forked => "forked",
    ErrorKind::Internal => "internal",
});

names!(EventKind {
    EventKind::Started => "started",
    EventKind::Progress => "progress",
    EventKind::Paused => "paused",
    EventKind::Ended(_) => "ended",
});

names!(Phase {
    Phase::Queued => "queued",
    Phase::Starting => "starting",
    Phase::Transferring => "transferring",
    Phase::Finishing => "finishing",
    Phase::Succeeded => "succeeded",
    Phase::Failed => "failed",
    Phase::Paused => "paused",
});

names!(PrefixPhase {
    PrefixPhase::Listing => "listing",
    PrefixPhase::Transferring => "transferring",
    PrefixPhase::Succeeded => "succeeded",
    PrefixPhase::Failed => "failed",
});

names!(Proof {
    Proof::ObjectCrc => "object_crc",
    Proof::Generation => "generation",
    Proof::NotCompared => "not_compared",
    Proof::ExpectedDigest => "expected_digest",
});

names!(RequestEnd {
    RequestEnd::Complete => "complete",
    RequestEnd::Shared => "shared",
    RequestEnd::Slow => "slow",
    RequestEnd::Paused => "paused",
    RequestEnd::Yielded => "yielded",
    RequestEnd::Stopped => "stopped",
    RequestEnd::Refused => "refused",
    RequestEnd::Unusable => "unusable",
    RequestEnd::Broken => "broken",
    RequestEnd::Stalled => "stalled",
    RequestEnd::Failed => "failed",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_the_variants_in_lower_case() {
        let snake = |variant: String| {
            let mut name = String::new();
            for letter in variant.chars().take_while(char::is_ascii_alphabetic) {
                if letter.is_ascii_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            name
        };
        macro_rules! assert_names {
            ($($type:ident: $($variant:ident)*;)*) => {
                $($(
                    let value = $type::$variant;
                    assert_eq!(value.as_str(), snake(format!("{value:?}")));
                )*)*
            };
        }
        assert_names! {
            ErrorKind: Validation Service Transport Integrity Io Busy Cancelled Disabled Deadline ObjectChanged
                Forked Internal;
            EventKind: Started Progress Paused;
            Phase: Queued Starting Transferring Finishing Succeeded Failed Paused;
            PrefixPhase: Listing Transferring Succeeded Failed;
            Proof: ObjectCrc Generation NotCompared ExpectedDigest;
            RequestEnd: Complete Shared Slow Paused Yielded Stopped Refused Unusable Broken Stalled Failed;
        }
        let failed = EventKind::Ended(Err(ErrorKind::Busy));
        assert_eq!([failed.as_str(), EventKind::Ended(Ok(())).as_str()], ["ended", "ended"]);
    }

    #[test]
    fn a_name_is_shown_with_the_width_that_is_asked_for() {
        assert_eq!(format!("{:>6}|{:<5}|", ErrorKind::Busy, RequestEnd::Slow), "  busy|slow |");
    }
}
