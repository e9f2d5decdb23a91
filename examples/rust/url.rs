//! Downloads the object at a presigned or public URL. Resumes where an earlier run stopped, also with another signature.
//!
//! The URL is a secret, so it is a line of standard input and not an argument. When it expires during the download, the
//! next line is used.
//!
//! ```text
//! echo 'https://examplebucket.oss-cn-hangzhou.aliyuncs.com/exampleobject.txt?x-oss-signature=...' |
//!     cargo run --example url -- examplefile.txt checkpoints
//! ```

use std::process::ExitCode;

use oss_resumable::{Client, ClientOptions, DownloadRequest, Outcome, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, checkpoint_dir] = arguments.as_slice() else {
        eprintln!("usage: url FILE CHECKPOINT-DIRECTORY < FILE-WITH-URLS");
        return ExitCode::from(2);
    };
    match download(file, checkpoint_dir) {
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

fn download(file: &str, checkpoint_dir: &str) -> Result<Outcome> {
    // Needs no endpoint and no credentials.
    let client = Client::new(ClientOptions::for_urls())?;
    let request = DownloadRequest::from_url(next_url().unwrap_or_default())
        .url_provider(next_url)
        .file_path(file)
        .checkpoint_dir(checkpoint_dir);
    client.download(&request)
}

/// The next line of standard input. The library calls this on a thread of its own.
fn next_url() -> std::result::Result<String, String> {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) => Err("there is no other URL".to_owned()),
        Ok(_) => Ok(line),
        Err(error) => Err(error.to_string()),
    }
}
