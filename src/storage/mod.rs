//! The files of a download: their paths, the temporary file, and its rename to the target.

pub mod aligned;
pub mod claim;
pub mod existing_file;
pub mod file_hasher;
mod link;
pub mod paths;
pub mod rights;
pub mod temp_file;
pub mod temp_name;
