//! Everything specific to OSS: endpoints and URLs, signatures, request headers, replies and errors. No I/O.

pub mod address;
mod advice;
pub mod clock;
mod crypto;
pub mod endpoint;
mod error_document;
mod escape;
pub mod get_object;
mod key_url;
pub mod reply;
mod report;
pub mod service_error;
pub mod sign;
pub mod validate;
