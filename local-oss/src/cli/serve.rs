//! `local-oss`: the server.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use local_oss::{
    Auth, Config, Fault, Key, Matcher, Server, Tls, parse_duration, parse_fault, parse_size,
};

/// Arguments of the server.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Port on 127.0.0.1; 0: a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Bucket that exists; may be repeated
    #[arg(long, value_name = "NAME", default_value = "examplebucket")]
    bucket: Vec<String>,
    /// Serve the files below this directory from every bucket
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Serve HTTPS with a certificate signed by a CA that is created at the start
    #[arg(long)]
    tls: bool,
    /// Write the certificate of that CA to this file (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// Accept only requests signed with this key; default: accept any
    #[arg(long, value_name = "ID", requires = "access_key_secret")]
    access_key_id: Option<String>,
    /// Secret of the key
    #[arg(long, value_name = "SECRET", requires = "access_key_id")]
    access_key_secret: Option<String>,
    /// Security token (STS) of the key
    #[arg(long, value_name = "TOKEN", requires = "access_key_id")]
    token: Option<String>,
    /// Region that V4 signatures must contain
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// Keep replaced objects as versions, and send version ids
    #[arg(long)]
    versioning: bool,
    /// Set the server's clock ahead by this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    clock_offset: i64,
    /// Limit each connection to this many bytes a second, such as 20MB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    rate: Option<u64>,
    /// Add this time to each reply and to opening a connection, such as 40ms
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    round_trip: Option<Duration>,
    /// Inject a fault; may be repeated (syntax: below, with --help)
    #[arg(long, value_name = "FAULT", value_parser = parse_fault)]
    fault: Vec<(Matcher, Fault)>,
    /// Write a line for each request to standard error
    #[arg(long)]
    log: bool,
}

/// Serves until the process is killed.
pub(crate) fn run(arguments: Arguments) -> Result<(), String> {
    let server = Server::start(config(&arguments))
        .map_err(|error| format!("cannot listen on port {}: {error}", arguments.port))?;
    for bucket in &arguments.bucket {
        server.create_bucket(bucket);
        if let Some(folder) = &arguments.folder {
            server.serve_folder(bucket, folder);
        }
    }
    if let (Some(path), Some(pem)) = (&arguments.ca_file, server.ca_pem()) {
        let written = std::fs::write(path, pem);
        written.map_err(|error| format!("cannot write '{}': {error}", path.display()))?;
    }
    let rate = arguments.rate.map(Fault::RateLimit);
    let round_trip = arguments.round_trip.map(Fault::RoundTrip);
    // These come first, so that a fault for some connections replaces one for all.
    for fault in rate.into_iter().chain(round_trip) {
        server.inject(fault);
    }
    for (matcher, fault) in arguments.fault {
        server.inject_when(matcher, fault);
    }
    announce(&server.endpoint())?;
    loop {
        std::thread::park();
    }
}

fn announce(endpoint: &str) -> Result<(), String> {
    let mut out = std::io::stdout();
    let written = writeln!(out, "listening on {endpoint}").and_then(|()| out.flush());
    written.map_err(|error| format!("cannot write to standard output: {error}"))
}

fn config(arguments: &Arguments) -> Config {
    let key = |(id, secret): (&String, &String)| Key {
        id: id.clone(),
        secret: secret.clone(),
        token: arguments.token.clone(),
        expires: None,
    };
    let pair = arguments.access_key_id.as_ref().zip(arguments.access_key_secret.as_ref());
    Config {
        port: arguments.port,
        tls: arguments.tls.then_some(Tls::Valid),
        auth: pair.map_or(Auth::Anonymous, |pair| Auth::Keys(vec![key(pair)])),
        region: arguments.region.clone(),
        clock_offset: arguments.clock_offset,
        versioning: arguments.versioning,
        log_to_stderr: arguments.log,
        ..Config::default()
    }
}
