//! Downloads from a real server, through the Rust API.

mod basics;
mod children;
mod document;
mod endpoints;
mod handles;
mod lab;
mod options;
mod replies;
mod requests;
mod retries;
mod secrets;
