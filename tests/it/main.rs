//! Downloads from a real server, through the Rust API.

mod basics;
mod lab;
mod document;
mod endpoints;
mod requests;
mod replies;
mod retries;
mod options;
