//! Downloads one object whose SHA-256 is known, for example from the list that a model or a release comes with. The file
//! is there only if it has that digest.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example digest -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket model.safetensors \
//!     model.safetensors sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
//! ```

use std::process::ExitCode;

use oss_resumable::{Checkpoint, Client, ClientOptions, DownloadRequest, Outcome, Result};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, key, file, sha256] = arguments.as_slice() else {
        eprintln!("usage: digest ENDPOINT REGION BUCKET KEY FILE SHA256");
        return ExitCode::from(2);
    };
    let mut request = DownloadRequest::new(bucket, key).file_path(file);
    request.checkpoint = Checkpoint::BesideTarget;
    match download(endpoint, region, request, sha256) {
        Ok(outcome) => {
            println!("downloaded {}, which has the expected SHA-256", outcome.file_path.display());
            return ExitCode::SUCCESS;
        }
        Err(error) if error.code() == "DigestMismatch" => {
            eprintln!("this is another file: {}", error.message());
        }
        Err(error) => {
            eprintln!("download failed, code: {}, message: {}", error.code(), error.message());
        }
    }
    ExitCode::FAILURE
}

fn download(
    endpoint: &str,
    region: &str,
    mut request: DownloadRequest,
    sha256: &str,
) -> Result<Outcome> {
    // In hexadecimal digits or base64, with or without "sha256:".
    request.expected_sha256 = Some(sha256.parse()?);
    Client::new(ClientOptions::new(endpoint).region(region))?.download(&request)
}
