//! Downloads one object to a file and prints a JSON object for each HTTP request, one in a line: enough to draw a
//! timeline of the connections.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example trace -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket \
//!     exampledir/exampleobject.txt examplefile.txt
//! ```

use std::process::ExitCode;
use std::time::Instant;

use oss_resumable::{Client, ClientOptions, DownloadRequest, Outcome, RequestTrace, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, key, file] = arguments.as_slice() else {
        eprintln!("usage: trace ENDPOINT REGION BUCKET KEY FILE");
        return ExitCode::from(2);
    };
    // As many connections as make it faster, at most 16.
    let request = DownloadRequest::new(bucket, key).file_path(file).auto_concurrency(16);
    match download(endpoint, region, &request) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("download failed, code: {}, message: {}", error.code(), error.message());
            ExitCode::FAILURE
        }
    }
}

fn download(endpoint: &str, region: &str, request: &DownloadRequest) -> Result<Outcome> {
    let begun = Instant::now();
    // Runs on a thread of the client when a request has ended.
    let options = ClientOptions::new(endpoint).region(region).trace(move |trace| {
        println!("{}", line(&trace, begun));
    });
    Client::new(options)?.download(request)
}

fn line(trace: &RequestTrace, begun: Instant) -> String {
    let micros = |at: Instant| at.saturating_duration_since(begun).as_micros();
    let first_byte = trace.first_byte.map_or("null".to_owned(), |at| micros(at).to_string());
    let range_end = trace.range_end.map_or("null".to_owned(), |end| end.to_string());
    format!(
        r#"{{"slot":{},"start_us":{},"first_byte_us":{first_byte},"end_us":{},"range":[{},{range_end}],"bytes":{},"status":{},"reused":{},"end":"{:?}"}}"#,
        trace.slot,
        micros(trace.started),
        micros(trace.ended),
        trace.range_start,
        trace.bytes,
        trace.status,
        trace.is_reused,
        trace.end,
    )
}
