//! Lists the objects of a bucket whose keys begin with a prefix, and what looks like directories below it.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example list -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket exampledir/
//! ```

use std::process::ExitCode;

use oss_resumable::{Client, ClientOptions, ListEntry, ListRequest, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, prefix] = arguments.as_slice() else {
        eprintln!("usage: list ENDPOINT REGION BUCKET PREFIX");
        return ExitCode::from(2);
    };
    match list(endpoint, region, &ListRequest::new(bucket).prefix(prefix).delimiter("/")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("listing failed, code: {}, message: {}", error.code(), error.message());
            ExitCode::FAILURE
        }
    }
}

fn list(endpoint: &str, region: &str, request: &ListRequest) -> Result<()> {
    let client = Client::new(ClientOptions::new(endpoint).region(region))?;
    // The next page is fetched when it is needed.
    for entry in client.list_objects(request)? {
        match entry? {
            // A key may contain anything; what is printed here is on one line.
            ListEntry::Object(object) => {
                println!("{:>14}  {}", object.size, object.key.escape_debug());
            }
            ListEntry::CommonPrefix(prefix) => println!("{:>14}  {}", "", prefix.escape_debug()),
            _ => {}
        }
    }
    Ok(())
}
