//! Access keys and their sources.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use zeroize::Zeroizing;

/// An access key, with a token if it is temporary (STS). Wiped from memory on drop; `Debug` hides the secrets.
#[derive(Clone)]
pub struct AccessKey {
    /// Access key id.
    pub id: String,
    /// Access key secret.
    pub secret: Zeroizing<String>,
    /// Security token of temporary credentials.
    pub token: Option<Zeroizing<String>>,
    /// When temporary credentials expire, if known: they are renewed shortly before.
    pub expires: Option<SystemTime>,
}

impl AccessKey {
    /// A key without expiry.
    pub fn new(id: impl Into<String>, secret: impl Into<String>, token: Option<String>) -> Self {
        AccessKey {
            id: id.into(),
            secret: Zeroizing::new(secret.into()),
            token: token.map(Zeroizing::new),
            expires: None,
        }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Supplies and renews temporary credentials. Called on a thread of the client, never concurrently and never while a
/// lock is held; it may block.
pub trait CredentialsProvider: Send + Sync {
    /// Returns a key that is valid now, or the reason why there is none, which becomes part of the error message and
    /// must not contain secrets.
    fn fetch(&self) -> std::result::Result<AccessKey, String>;
}

/// The source of a client's credentials.
#[derive(Clone, Default)]
pub enum Credentials {
    /// `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`, read when a download starts.
    /// Leading and trailing blanks and line ends of their values are ignored.
    #[default]
    Environment,
    /// Requests are sent without a signature.
    Anonymous,
    /// A fixed key, until [`Client::set_credentials`](crate::Client::set_credentials) replaces it.
    Static(AccessKey),
    /// A provider, called when there is no key yet, when the key is about to expire, and when the service reports that
    /// it has expired.
    Provider(Arc<dyn CredentialsProvider>),
}

impl Credentials {
    /// Credentials that `provider` supplies.
    pub fn provider(provider: impl CredentialsProvider + 'static) -> Self {
        Credentials::Provider(Arc::new(provider))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Environment => "Environment",
            Credentials::Anonymous => "Anonymous",
            Credentials::Static(_) => "Static",
            Credentials::Provider(_) => "Provider",
        })
    }
}
