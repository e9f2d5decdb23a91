//! `man`: the man pages, made from what `--help` shows.

use std::path::Path;

use clap::CommandFactory;

use crate::arguments::Cli;
use crate::exit::{Exit, Failure};

pub fn run(directory: &Path) -> Result<Exit, Failure> {
    // The versions of the libraries are those of this machine.
    let command = Cli::command().long_version(None::<&str>).disable_help_subcommand(true);
    clap_mangen::generate_to(command, directory).map_err(|error| {
        Failure::Failed(format!("cannot write the man pages to '{}': {error}", directory.display()))
    })?;
    Ok(Exit::Success)
}
