//! Which file a download is for.

use std::path::PathBuf;

use clap::Args;

/// Where the file and its checkpoint are.
#[derive(Args, Default)]
pub struct TargetArguments {
    /// Name of the file; only with one source. Default: the last segment of the key
    #[arg(short, long, value_name = "FILE", conflicts_with = "directory")]
    pub output: Option<PathBuf>,
    /// Directory of the files, created if needed; default: the current directory
    #[arg(short, long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Keep checkpoints in this directory, which must exist; default: beside each file, and with
    /// -r in .oss-resumable in the directory of the files
    #[arg(long, value_name = "DIR")]
    pub checkpoint_dir: Option<PathBuf>,
}
