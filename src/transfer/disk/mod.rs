//! The storage side: bytes are hashed, gathered and written at their offset, by writer threads if the disk is slow.

pub mod buffers;
pub mod intake;
pub mod write_target;
pub mod writer_threads;
