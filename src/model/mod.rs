//! The words every layer speaks: request, options, outcome, error, extent. No I/O.

pub mod crc64;
pub mod credentials;
pub mod digest;
pub mod encryption;
pub mod error;
pub mod events;
pub mod extent;
pub mod listing;
pub mod names;
pub mod options;
pub mod outcome;
pub mod pinning;
pub mod prefix;
pub mod request;
pub mod source_url;
pub mod temp_path;
pub mod trace;
pub mod web_address;
