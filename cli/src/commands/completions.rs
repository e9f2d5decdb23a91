//! `completions`: a script for a shell.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Cli;
use crate::exit::{Exit, Failure};

pub fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "oss-resumable", &mut script);
    match io::Write::write_all(&mut io::stdout().lock(), &script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(Exit::Success),
    }
}
