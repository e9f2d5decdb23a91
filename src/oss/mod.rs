//! Everything specific to OSS: endpoints and URLs, signatures, request headers, replies and errors. No I/O.

pub mod address;
mod advice;
pub mod clock;
pub mod content_cipher;
mod crypto;
pub mod decryption_keys;
pub mod endpoint;
pub mod envelope;
mod error_document;
mod escape;
pub mod get_object;
mod key_url;
pub mod list_document;
pub mod list_objects;
pub mod reply;
mod report;
pub mod service_error;
pub mod sign;
pub mod source_url;
pub mod validate;
