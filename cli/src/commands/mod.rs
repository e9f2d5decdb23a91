//! The subcommands, one a file.

pub mod completions;
pub mod discard;
pub mod get;
pub mod get_prefix;
pub mod ls;
pub mod man;
pub mod status;
pub mod verify;
