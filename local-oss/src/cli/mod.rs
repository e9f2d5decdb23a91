//! The command line.

pub(crate) mod pattern;
pub(crate) mod serve;

use clap::{Parser, Subcommand};

const ABOUT: &str = "\
A small server that answers object downloads as Alibaba Cloud OSS does.

It serves every bucket's keys generated/<size>[-seed<number>][.<extension>], such as
generated/1GiB or generated/20MB-seed7.bin: bytes that are made as they are sent and need no disk.
--folder serves files as well. Clients reach it at 127.0.0.1 in path style (/bucket/key), or as
bucket.localhost.

When it is ready it prints one line, \"listening on http://127.0.0.1:PORT\", and serves until it is killed.";

/// Arguments of the program.
#[derive(Parser)]
#[command(
    name = "local-oss",
    version,
    about = "A small OSS-compatible server, with faults on demand",
    long_about = ABOUT,
    after_long_help = local_oss::FAULT_HELP,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: serve::Arguments,
}

/// Commands other than serving.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the bytes of a generated object to a file, or compare a file with them.
    Pattern(pattern::Arguments),
}
