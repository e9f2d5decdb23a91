//! Exports the parsers of untrusted bytes for the targets in `fuzz/`. Only in fuzzing builds (`cfg(fuzzing)`, set by
//! cargo-fuzz and `scripts/fuzz.sh`). It is a cfg and not a feature so that dependent programs cannot enable it; it is
//! not part of any API.

#[cfg(feature = "capi")]
pub use crate::capi::{client_options, request as c_request, sized, status};
pub use crate::checkpoint::{format, sdk_record};
pub use crate::model::{crc64, digest, extent, listing, pinning, web_address};
pub use crate::oss::{
    address, clock, endpoint, envelope, get_object, list_document, reply, service_error, sign,
    source_url, validate,
};
pub use crate::prefix::manifest::format as manifest;
pub use crate::prefix::mapping;
pub use crate::transfer::policy::reply_check;
