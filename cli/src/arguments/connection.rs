//! Which service, and as whom.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that take precedence over the environment and the profile.
#[derive(Args, Default)]
#[command(next_help_heading = "Connection options")]
pub struct ConnectionArguments {
    /// Endpoint of the service; default: the public one of the region
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Region, such as cn-hangzhou; default: that of the endpoint
    #[arg(long, value_name = "ID")]
    pub region: Option<String>,
    /// Profile of ossutil 2; default: 'default'
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Configuration file of ossutil 2; default: ~/.ossutilconfig, if it is there
    #[arg(long, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Send requests without a signature, for public objects
    #[arg(long)]
    pub anonymous: bool,
    /// How the bucket is named in the address; default: virtual, and path for IP addresses
    #[arg(long, value_name = "STYLE")]
    pub addressing_style: Option<Addressing>,
    /// File of trusted certificates (PEM) in place of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Where the bucket is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Addressing {
    /// In the host name
    Virtual,
    /// In the path
    Path,
    /// Nowhere: the endpoint is a domain of the bucket's own
    Cname,
}
