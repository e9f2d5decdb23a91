//! Arguments of `get`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use oss_resumable::MAX_THREAD_NUM;

use super::{ConnectionArguments, TargetArguments};
use crate::quantity::parse_rate;

/// What to download, where to, and how.
#[derive(Args)]
pub struct GetArguments {
    /// What to download: oss://BUCKET/KEY or a URL; with -r oss://BUCKET/PREFIX
    #[arg(value_name = "SOURCE", required_unless_present = "from_file")]
    pub sources: Vec<String>,
    /// Download all objects whose keys begin with oss://BUCKET/PREFIX. What follows the last slash of the prefix is the path
    /// of the file in the directory. Files that are unchanged since an earlier run are not fetched again
    #[arg(short, long, conflicts_with_all = ["from_file", "output"])]
    pub recursive: bool,
    /// With -r: read the files of earlier runs and compare them with their checksums
    #[arg(long, requires = "recursive")]
    pub verify: bool,
    /// Read more sources from a file, one in a line, after a digest as sha256sum and md5sum write them if there is one;
    /// '-' is standard input
    #[arg(long, value_name = "LIST")]
    pub from_file: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetArguments,
    /// What happens to a file that is there already
    #[arg(long, value_name = "WHEN", default_value = "always")]
    pub overwrite: Replacing,
    /// If another program is downloading to the same file, or with -r to the same directory, wait for it and go on from what
    /// it leaves
    #[arg(long)]
    pub wait: bool,
    /// Connections of each file: a number, or 'auto' to use as many as make it faster
    #[arg(long, value_name = "auto|N", default_value = "auto", value_parser = parse_connections)]
    pub connections: Connections,
    /// Limit of the bandwidth over all files in bytes per second, such as 50M
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub limit: Option<u64>,
    /// Print errors only
    #[arg(short, long)]
    pub quiet: bool,
    /// Print one JSON object for each file, and one for the whole
    #[arg(long)]
    pub json: bool,
    /// Write a JSON object for each HTTP request to a file, one in a line
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Draw the connections over time
    #[arg(long, value_name = "FILE.svg")]
    pub timeline: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// The connections of one download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// As many as make it faster.
    Auto,
    /// So many.
    Fixed(u32),
}

/// When an existing file is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Replacing {
    /// It is replaced once the new file is complete
    Always,
    /// It is left as it is, which is an error
    Never,
    /// It is compared first; if it is the object, nothing is fetched
    IfDifferent,
}

fn parse_connections(text: &str) -> Result<Connections, String> {
    if text == "auto" {
        return Ok(Connections::Auto);
    }
    match text.parse() {
        Ok(count @ 1..=MAX_THREAD_NUM) => Ok(Connections::Fixed(count)),
        _ => Err(format!("expected 'auto' or a number from 1 to {MAX_THREAD_NUM}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_a_number_that_the_library_takes_or_auto() {
        assert_eq!(parse_connections("auto"), Ok(Connections::Auto));
        assert_eq!(parse_connections("1024"), Ok(Connections::Fixed(1024)));
        for wrong in ["0", "1025", "-1", "many", ""] {
            assert!(parse_connections(wrong).is_err(), "{wrong}");
        }
    }
}
