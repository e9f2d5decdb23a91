//! The storage side: bytes are hashed, gathered and written in place, by writer threads when the disk is slow.

pub mod buffers;
pub mod intake;
pub mod write_target;
pub mod writer_threads;
