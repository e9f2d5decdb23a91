//! Downloads every object whose key begins with a prefix into a directory. Run again, it fetches only what is missing.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example prefix -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket exampledir/ examples
//! ```

use std::process::ExitCode;
use std::time::Duration;

use oss_resumable::{Client, ClientOptions, PrefixOutcome, PrefixRequest, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, prefix, directory] = arguments.as_slice() else {
        eprintln!("usage: prefix ENDPOINT REGION BUCKET PREFIX DIRECTORY");
        return ExitCode::from(2);
    };
    match download(endpoint, region, &PrefixRequest::new(bucket, prefix, directory)) {
        Ok(outcome) => report(&outcome),
        Err(error) => {
            eprintln!("download failed, code: {}, message: {}", error.code(), error.message());
            ExitCode::FAILURE
        }
    }
}

fn download(endpoint: &str, region: &str, request: &PrefixRequest) -> Result<PrefixOutcome> {
    let client = Client::new(ClientOptions::new(endpoint).region(region))?;
    let download = client.start_prefix(request)?;
    loop {
        if let Some(ended) = download.wait(Some(Duration::from_millis(500))) {
            return ended;
        }
        let status = download.status();
        let done = status.counts.fetched + status.counts.unchanged;
        eprintln!(
            "{done} of {} objects, {} bytes/s",
            status.counts.objects, status.bytes_per_second
        );
    }
}

fn report(outcome: &PrefixOutcome) -> ExitCode {
    for (object, error) in outcome.failures() {
        // A key may contain anything; what is printed here is on one line.
        eprintln!("{}: {}: {}", object.key.escape_debug(), error.code(), error.message());
    }
    let counts = outcome.counts();
    println!(
        "{} fetched, {} unchanged, {} failed",
        counts.fetched, counts.unchanged, counts.failed
    );
    if outcome.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
