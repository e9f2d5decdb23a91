//! The command line. `--help`, the man pages and the completions are made from it.

mod connection;
mod get;
mod target;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use connection::{Addressing, ConnectionArguments};
pub use get::{Connections, GetArguments, Replacing};
pub use target::TargetArguments;

use crate::version;

const LONG_ABOUT: &str = "\
Downloads objects from Alibaba Cloud OSS over several connections at once. A download that was interrupted, by Ctrl-C, a \
broken connection or a power failure, goes on where it stopped when the same command is run again. A file gets its name \
only when it is complete and its checksum is the one that OSS stores.";

const AFTER_HELP: &str = "\
CONFIGURATION:
Flags come first, then the environment, then the profile of ossutil 2. Each value is looked up by itself, except that \
the access key, its secret and its token come from one place. There is no flag for a secret, because other users can \
see the arguments of a program.

  OSS_ACCESS_KEY_ID      the access key
  OSS_ACCESS_KEY_SECRET  its secret
  OSS_SESSION_TOKEN      the token of a temporary key
  OSS_ENDPOINT           as --endpoint
  OSS_REGION             as --region
  OSSUTIL_CONFIG_FILE    as --config-file
  OSSUTIL_PROFILE        as --profile
  http_proxy, https_proxy, all_proxy, no_proxy
                         as curl uses them
  NO_COLOR               if set, no colors

EXIT CODES:
  0    everything was done
  1    something failed: a download, or a file that differs
  2    the arguments or the configuration are wrong
  3    interrupted; the same command goes on
  130  interrupted twice, which ends the program at once; the
       same command goes on (143 for SIGTERM)";

/// Resumable, verified downloads from Alibaba Cloud OSS
#[derive(Parser)]
#[command(
    name = "oss-resumable",
    version,
    long_version = version::long(),
    long_about = LONG_ABOUT,
    after_long_help = AFTER_HELP,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What is to be done.
#[derive(Subcommand)]
pub enum Command {
    /// Download objects to files, or go on with it
    Get(GetArguments),
    /// List the objects of a bucket
    Ls(LsArguments),
    /// Show what the checkpoint of an unfinished download holds
    Status(CheckpointArguments),
    /// Delete the checkpoint of an unfinished download, and what it has downloaded
    Discard(CheckpointArguments),
    /// Compare a file with an object, by the checksum that the service stores
    Verify(VerifyArguments),
    /// Print a script that completes this command's arguments in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a directory
    #[command(hide = true)]
    Man {
        /// Where they are written
        directory: PathBuf,
    },
}

/// Arguments of `ls`.
#[derive(Args)]
pub struct LsArguments {
    /// oss://BUCKET, or oss://BUCKET/PREFIX: only objects whose keys begin with the prefix
    #[arg(value_name = "oss://BUCKET/PREFIX")]
    pub source: String,
    /// List all objects, not only one level of what looks like directories
    #[arg(short, long)]
    pub recursive: bool,
    /// Print one JSON object for each entry
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `status` and `discard`: those of the `get` that was interrupted.
#[derive(Args)]
pub struct CheckpointArguments {
    /// The source of the download
    pub source: String,
    #[command(flatten)]
    pub target: TargetArguments,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `verify`.
#[derive(Args)]
pub struct VerifyArguments {
    /// The file
    pub file: PathBuf,
    /// The object with which it is compared
    pub source: String,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}
