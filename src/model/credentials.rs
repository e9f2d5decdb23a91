//! Access keys and where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use zeroize::Zeroizing;

/// One access key, with a token when it is temporary (STS). Zeroized on drop; `Debug` hides the secrets.
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

/// Renews temporary credentials. Asked on a thread of the client's own, one call at a time,
/// never while a lock is held; it may block.
pub trait CredentialsProvider: Send + Sync {
    /// Returns a key that is valid now, or why there is none (shown to the user; no secrets).
    fn fetch(&self) -> std::result::Result<AccessKey, String>;
}

/// Where a client's credentials come from.
#[derive(Clone, Default)]
pub enum Credentials {
    /// `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`, read at each download's start.
    /// Blanks and line ends around their values do not count.
    #[default]
    Environment,
    /// Requests are not signed.
    Anonymous,
    /// This key, until [`Client::set_credentials`](crate::Client::set_credentials) replaces it.
    Static(AccessKey),
    /// Asked when there is no key yet, when it is about to expire, and when the service says it expired.
    Provider(Arc<dyn CredentialsProvider>),
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
