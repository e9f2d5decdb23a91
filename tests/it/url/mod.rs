//! Downloads from a URL: presigned and public links, redirects, and servers that are not OSS.

mod caches;
mod defaults;
mod existing;
mod expiry;
mod hostile;
mod killed;
mod links;
mod redirects;
mod secrets;
mod server;
mod servers;

use std::time::Duration;

use local_oss::LoggedRequest;
use oss_resumable::{
    AccessKey, Client, ClientOptions, DownloadRequest, SignatureVersion, UrlProvider,
};

use crate::fixture::{BUCKET, Fixture, ID, KEY, PART, SECRET};

/// In the signature of a presigned URL, whatever its version.
const SIGNATURES: [&str; 2] = ["Signature=", "x-oss-signature="];

/// A URL of the fixture's object that is valid for the time.
fn presigned(fixture: &Fixture, version: SignatureVersion, valid: Duration) -> String {
    let client = fixture.client_with(|options| options.signature = version);
    let key = AccessKey::new(ID, SECRET, None);
    client.presign(&DownloadRequest::new(BUCKET, KEY), &key, valid).expect("presign")
}

/// A URL of the object that is valid for an hour.
fn link(fixture: &Fixture) -> String {
    presigned(fixture, SignatureVersion::V4, Duration::from_secs(3600))
}

/// A client without endpoint and credentials.
fn client() -> Client {
    client_with(|_| ())
}

fn client_with(change: impl FnOnce(&mut ClientOptions)) -> Client {
    let mut options = ClientOptions::for_urls();
    options.connect_timeout = Some(Duration::from_secs(2));
    options.idle_timeout = Some(Duration::from_secs(1));
    change(&mut options);
    Client::new(options).expect("client")
}

impl Fixture {
    /// A request for the object at `url`, with a checkpoint and small parts.
    fn request_for(&self, url: impl Into<String>) -> DownloadRequest {
        DownloadRequest::from_url(url.into())
            .file_path(self.target())
            .checkpoint_dir(self.dir())
            .part_size(PART)
    }
}

/// Asserts that a request has nothing that a signature would have to cover, and no credentials.
fn assert_bare(request: &LoggedRequest) {
    let allowed = ["accept", "host", "if-match", "range", "user-agent"];
    for (name, _) in &request.headers {
        assert!(allowed.contains(&name.to_ascii_lowercase().as_str()), "{name} was sent");
    }
    assert_eq!(request.method, "GET");
}

/// Gives these URLs, one after the other.
fn provider(urls: impl IntoIterator<Item = String>) -> impl UrlProvider + 'static {
    let urls: Vec<String> = urls.into_iter().collect();
    let urls = parking_lot::Mutex::new(urls.into_iter());
    move || urls.lock().next().ok_or_else(|| "there is no other URL".to_owned())
}
