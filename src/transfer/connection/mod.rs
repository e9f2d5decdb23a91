//! The network side: transfer threads, each with a libcurl multi loop, and their requests.

pub mod fetch;
pub mod held_body;
pub mod reply_stage;
pub mod span;
pub mod wire;
pub mod worker;
