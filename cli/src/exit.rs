//! How the command ends.

use std::process::ExitCode;

use oss_resumable::{Error, ErrorKind};

use crate::output;

/// The exit codes. A second interrupt ends the program with 128 plus the signal's number (`interrupt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Success = 0,
    /// Something failed.
    Failed = 1,
    /// The arguments or the configuration are wrong; nothing was done.
    Usage = 2,
    /// An interrupt ended the downloads; the same command goes on.
    Interrupted = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The arguments or the configuration are wrong.
    Usage(String),
    /// The work failed.
    Failed(String),
}

impl Failure {
    /// Writes the reason to standard error.
    pub fn report(self) -> Exit {
        let (message, exit) = match self {
            Failure::Usage(message) => (message, Exit::Usage),
            Failure::Failed(message) => (message, Exit::Failed),
        };
        output::complain(&message);
        exit
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Validation => Failure::Usage(error.message().to_owned()),
            _ => Failure::Failed(error.to_string()),
        }
    }
}
