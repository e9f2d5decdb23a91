//! The rules of a download, pure: no I/O; the caller passes time and randomness.

pub mod auto_concurrency;
pub mod certificate;
pub mod connection_limit;
pub mod connection_shares;
pub mod download_queue;
pub mod failure_cause;
pub mod link;
pub mod list_progress;
pub mod pinning;
pub mod plan;
pub mod reply_check;
pub mod retry;
pub mod sequential;
pub mod stall_clock;
pub mod throttle_back_off;
