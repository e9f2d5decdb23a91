//! One download in a process of its own, which [`kernel`](super::kernel) runs.

use std::sync::Arc;
use std::time::Duration;

use oss_resumable::{
    AccessKey, AddressStyle, Client, ClientOptions, Credentials, DownloadRequest, RetryVerdict,
    WriteMode,
};

use super::kernel::{BEGIN, END, RESULT, SAVED};
use crate::fixture::{BUCKET, ID, KEY, PART, SECRET};

/// Limits of the time without a byte.
const NO_PROGRESS: Duration = Duration::from_secs(3);

#[test]
#[ignore = "runs in a child process that the other tests here start"]
fn child() {
    let variable = |name: &str| std::env::var(name).expect("run by the other tests");
    let mut options = ClientOptions::new(variable("TEST_ENDPOINT"))
        .region("cn-hangzhou")
        .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
    options.address_style = AddressStyle::Path;
    options.ca_file = std::env::var_os("TEST_CA").map(Into::into);
    options.max_workers = 2;
    options.connect_timeout = Some(Duration::from_secs(2));
    options.idle_timeout = Some(Duration::from_secs(1));
    options.first_byte_limit = Some(NO_PROGRESS);
    options.no_progress_limit = Some(NO_PROGRESS);
    // As often as the library would try, but without its pauses.
    options.retry = Some(Arc::new(|attempt| match attempt.would_retry {
        true => RetryVerdict::After(Duration::from_millis(5)),
        false => RetryVerdict::Stop,
    }));
    let request = DownloadRequest::new(BUCKET, KEY)
        .file_path(variable("TEST_FILE"))
        .checkpoint_dir(variable("TEST_CHECKPOINTS"))
        .part_size(PART)
        .thread_num(3);
    let request = match std::env::var_os("TEST_DIRECT") {
        Some(_) => written_directly(request),
        None => request,
    };
    mark(BEGIN);
    // The client is dropped before the calls stop counting.
    let result = Client::new(options).and_then(|client| client.download(&request));
    mark(END);
    match result {
        Ok(_) => println!("\n{RESULT}{SAVED}"),
        Err(error) => println!("\n{RESULT}{error}"),
    }
}

fn written_directly(mut request: DownloadRequest) -> DownloadRequest {
    request.write_mode = WriteMode::Direct;
    request.verify_before_rename = true;
    request
}

/// Tells the kernel of the tests what begins or ends here.
fn mark(path: &str) {
    assert!(std::fs::symlink_metadata(path).is_err(), "'{path}' exists");
}
