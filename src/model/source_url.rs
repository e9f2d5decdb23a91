//! The URL of a download, and the provider of newer ones.

use std::fmt;
use std::sync::Arc;

use super::web_address::WebAddress;

/// The URL of an object. `Debug` leaves out its query, which may contain a signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl(String);

impl SourceUrl {
    /// The whole URL. It may contain a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for SourceUrl {
    fn from(url: T) -> Self {
        SourceUrl(url.into())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WebAddress::parse(&self.0) {
            Ok(address) => write!(f, "{address}"),
            Err(_) => f.write_str("not a URL"),
        }
    }
}

/// Supplies a new URL of the same object when the one of a download has expired. Called on a thread of the client, for
/// one download never concurrently, and never while a lock is held; it may block.
pub trait UrlProvider: Send + Sync {
    /// Returns a URL that is valid now, or the reason why there is none, which becomes part of the error message and
    /// must not contain secrets. Its host may be another one than before.
    fn fetch(&self) -> std::result::Result<String, String>;
}

impl<F: Fn() -> std::result::Result<String, String> + Send + Sync> UrlProvider for F {
    fn fetch(&self) -> std::result::Result<String, String> {
        self()
    }
}

/// A shared [`UrlProvider`].
pub type SharedUrlProvider = Arc<dyn UrlProvider>;

impl fmt::Debug for dyn UrlProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlProvider")
    }
}
