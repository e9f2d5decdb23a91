//! The network side: transfer threads with a libcurl multi loop each, and the requests they carry.

pub mod fetch;
pub mod span;
pub mod wire;
pub mod worker;
