//! What the targets in `fuzz/` reach: the readers of everything that comes from outside. Here only in builds made for
//! fuzzing (`cfg(fuzzing)`, set by cargo-fuzz and `scripts/fuzz.sh`); a cfg and no feature, so that no program that
//! depends on this library can switch it on, and no part of any API.

#[cfg(feature = "capi")]
pub use crate::capi::{client_options, request as c_request, sized, status};
pub use crate::checkpoint::{format, sdk_record};
pub use crate::model::{crc64, extent};
pub use crate::oss::{address, clock, endpoint, get_object, reply, service_error, sign, validate};
pub use crate::transfer::policy::reply_check;
