//! Downloads one object to a file, under control: the lines "pause", "resume" and "cancel" on the standard input do what
//! they say.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example pause -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket \
//!     exampledir/exampleobject.txt examplefile.txt checkpoints
//! ```

use std::io;
use std::process::ExitCode;

use oss_resumable::{Client, ClientOptions, Download, DownloadRequest, Outcome, Result, WriteMode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, key, file, checkpoint_dir] = arguments.as_slice() else {
        eprintln!("usage: pause ENDPOINT REGION BUCKET KEY FILE CHECKPOINT-DIRECTORY");
        return ExitCode::from(2);
    };
    let mut request =
        DownloadRequest::new(bucket, key).file_path(file).checkpoint_dir(checkpoint_dir);
    // Nobody reads the file soon: it does not displace other files from memory.
    request.write_mode = WriteMode::Direct;
    match download(endpoint, region, &request) {
        Ok(outcome) => {
            println!("downloaded {}", outcome.file_path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("download failed, code: {}, message: {}", error.code(), error.message());
            ExitCode::FAILURE
        }
    }
}

fn download(endpoint: &str, region: &str, request: &DownloadRequest) -> Result<Outcome> {
    let client = Client::new(ClientOptions::new(endpoint).region(region))?;
    let download = client.start(request)?;
    control(&download);
    download.wait(None).expect("a wait without a limit returns the result")
}

/// Obeys the lines on the standard input up to its end.
fn control(download: &Download) {
    for line in io::stdin().lines().map_while(io::Result::ok) {
        match line.as_str() {
            // Its connections are closed within a second, and its bytes are kept.
            "pause" => download.pause(),
            "resume" => download.resume(),
            "cancel" => download.cancel(),
            _ => eprintln!("pause, resume or cancel?"),
        }
    }
}
