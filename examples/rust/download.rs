//! Downloads one object to a file. Resumes where an earlier run stopped.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example download -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket \
//!     exampledir/exampleobject.txt examplefile.txt checkpoints [shared]
//! ```

use std::process::ExitCode;

use oss_resumable::{Client, ClientOptions, DownloadRequest, Outcome, Overwrite, Result, WhenBusy};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let shared = arguments.pop_if(|last| last == "shared").is_some();
    let [endpoint, region, bucket, key, file, checkpoint_dir] = arguments.as_slice() else {
        eprintln!("usage: download ENDPOINT REGION BUCKET KEY FILE CHECKPOINT-DIRECTORY [shared]");
        return ExitCode::from(2);
    };

    // The directory must exist. The checkpoint in it is deleted after success.
    let mut request =
        DownloadRequest::new(bucket, key).file_path(file).checkpoint_dir(checkpoint_dir);
    if shared {
        // Other processes start the same download: one fetches the object, the others wait for it. A file that is
        // right already is not fetched again.
        request.when_busy = WhenBusy::Wait;
        request.overwrite = Overwrite::IfDifferent;
    }
    match download(endpoint, region, &request) {
        Ok(outcome) => {
            println!("downloaded {}", outcome.file_path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "download failed, code: {}, message: {}, requestId: {}",
                error.code(),
                error.message(),
                error.request_id().unwrap_or("none")
            );
            ExitCode::FAILURE
        }
    }
}

fn download(endpoint: &str, region: &str, request: &DownloadRequest) -> Result<Outcome> {
    // Reads credentials from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET. Signs with V4.
    let client = Client::new(ClientOptions::new(endpoint).region(region))?;
    client.download(request)
}
