//! The program `local-oss`.

mod cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Pattern(arguments)) => cli::pattern::run(&arguments),
        None => cli::serve::run(cli.serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("local-oss: {message}");
            ExitCode::FAILURE
        }
    }
}
