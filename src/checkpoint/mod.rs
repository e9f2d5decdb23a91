//! The record of a download's progress: its format, its file, and the OSS C++ SDK's own record.

pub mod fields;
pub mod format;
pub mod journal;
pub mod manage;
pub mod sdk_record;
