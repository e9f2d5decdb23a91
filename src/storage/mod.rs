//! The files of a download: where they are, the temporary file, and how it becomes the target.

mod link;
pub mod paths;
pub mod rights;
pub mod temp_file;
mod temp_name;
