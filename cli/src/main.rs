//! The command `oss-resumable`: downloads objects from Alibaba Cloud OSS, and resumes by itself.

mod arguments;
mod commands;
mod configuration;
mod exit;
mod interrupt;
mod jobs;
mod output;
mod progress;
mod quantity;
mod recording;
mod report;
mod source;
mod source_list;
mod timeline;
mod usage;
mod version;

use std::process::ExitCode;

use arguments::{Cli, Command};
use exit::Failure;

fn main() -> ExitCode {
    let Cli { command } = match usage::parse() {
        Ok(arguments) => arguments,
        Err(exit) => return exit.into(),
    };
    let ended = match command {
        Command::Get(arguments) => commands::get::run(&arguments),
        Command::Ls(arguments) => commands::ls::run(&arguments),
        Command::Status(arguments) => commands::status::run(&arguments),
        Command::Discard(arguments) => commands::discard::run(&arguments),
        Command::Verify(arguments) => commands::verify::run(&arguments),
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Man { directory } => commands::man::run(&directory),
    };
    ended.unwrap_or_else(Failure::report).into()
}
