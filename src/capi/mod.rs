//! The C boundary: the only place that knows C types, and what `include/oss_resumable/oss_resumable.h` is
//! generated from (`tests/header.rs`). The doc comments here are that header's manual, in Doxygen's form.
#![allow(unsafe_code, non_camel_case_types)]

mod allocation;
mod answer;
mod callbacks;
mod checkpoint;
mod client;
pub mod client_options;
mod codes;
mod counted;
mod crc64;
mod download;
mod encryption;
mod error;
mod error_object;
mod event;
mod event_queue;
mod failure;
mod guard;
mod handle;
mod json;
mod list_request;
mod listing;
mod lists;
mod prefix;
mod prefix_request;
mod prefix_result;
mod prefix_status;
pub mod request;
mod result;
mod scope;
pub mod sized;
pub mod status;
mod switches;
mod text;
pub mod trace;
mod url_provider;
mod version;

#[cfg(test)]
mod layout;
#[cfg(test)]
mod out_of_memory;
