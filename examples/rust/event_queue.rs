//! Downloads several objects at once to the current directory. One thread follows them all.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example event_queue -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket first.bin second.bin
//! ```

use std::process::ExitCode;

use oss_resumable::{Client, ClientOptions, DownloadRequest, EventKind, EventQueue, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, keys @ ..] = arguments.as_slice() else {
        eprintln!("usage: event_queue ENDPOINT REGION BUCKET KEY...");
        return ExitCode::from(2);
    };
    match download(endpoint, region, bucket, keys) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} downloads failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the number of downloads that failed.
fn download(endpoint: &str, region: &str, bucket: &str, keys: &[String]) -> Result<usize> {
    let mut options = ClientOptions::new(endpoint).region(region);
    // Four at a time; the others wait.
    options.max_active_downloads = 4;
    let client = Client::new(options)?;
    let queue = EventQueue::new()?;
    let mut downloads = Vec::new();
    for (tag, key) in (0..).zip(keys) {
        let mut request = DownloadRequest::new(bucket, key).event_queue(&queue, tag);
        // The last object is the most urgent one of those that wait.
        request.priority = i32::from(tag + 1 == keys.len() as u64);
        downloads.push((key, client.start(&request)?));
    }

    let (mut running, mut failed) = (downloads.len(), 0);
    while running > 0 {
        let Some(event) = queue.next(None)? else { continue };
        let (key, download) = &downloads[event.tag as usize];
        let status = event.status;
        match event.kind {
            EventKind::Ended(_) => {
                running -= 1;
                // Returns at once.
                match download.wait(None) {
                    Some(Err(error)) => {
                        failed += 1;
                        println!("{key}: {error}");
                    }
                    _ => println!("{key}: downloaded"),
                }
            }
            _ => println!(
                "{key}: {} of {:?} bytes, {} bytes/s, {:?} left",
                status.bytes_done, status.bytes_total, status.bytes_per_second, status.eta
            ),
        }
    }
    Ok(failed)
}
