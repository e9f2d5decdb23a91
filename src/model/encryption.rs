//! Keys of objects that a client encrypted before the upload.

use std::fmt;

use zeroize::Zeroizing;

use super::error::{Error, Result};

/// Bytes of a content key: AES-256.
const KEY: usize = 32;
/// Bytes of an initial counter block.
const IV: usize = 16;

/// The key and the initial counter block with which the content of one object is encrypted (AES-256 in counter mode).
/// Wiped from memory on drop; `Debug` hides both.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(
    /// The key and the counter block. In a place of their own, so that moving this leaves no copies behind.
    Box<Zeroizing<[u8; KEY + IV]>>,
);

impl ContentKey {
    /// Copies `key`, which must have 32 bytes, and `iv`, which must have 16.
    pub fn new(key: &[u8], iv: &[u8]) -> Result<Self> {
        Self::check_sizes(key.len(), iv.len())?;
        let mut both = Box::new(Zeroizing::new([0; KEY + IV]));
        both[..KEY].copy_from_slice(key);
        both[KEY..].copy_from_slice(iv);
        Ok(ContentKey(both))
    }

    /// Whether a key and an initial counter block may have these numbers of bytes.
    pub(crate) fn check_sizes(key: usize, iv: usize) -> Result<()> {
        let wrong = |what: &str, len: usize, right: usize| {
            Err(Error::validation(format!("the {what} has {len} bytes; it must have {right}")))
        };
        match (key, iv) {
            (KEY, IV) => Ok(()),
            (KEY, _) => wrong("initial counter block of the content", iv, IV),
            _ => wrong("content key", key, KEY),
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.0[..KEY]
    }

    pub(crate) fn iv(&self) -> [u8; IV] {
        std::array::from_fn(|at| self.0[KEY + at])
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentKey").finish_non_exhaustive()
    }
}

/// An RSA private key that unwraps content keys (`RSA/NONE/PKCS1Padding`). Wiped from memory on drop; `Debug` hides the
/// key.
#[derive(Clone)]
pub struct DecryptionKey {
    /// PEM, PKCS #1 (`RSA PRIVATE KEY`) or PKCS #8 (`PRIVATE KEY`), not protected by a password.
    pub pem: Zeroizing<String>,
    /// Description of the key pair, a JSON object of strings such as `{"name":"2026"}`, as it was given for the upload.
    /// The key is used for objects with an equal description; the order of its members and blanks do not matter.
    /// `None`: the key is used for every object whose description no other key has.
    pub matdesc: Option<String>,
}

impl DecryptionKey {
    /// A key for every object whose description no other key has.
    pub fn new(pem: impl Into<String>) -> Self {
        DecryptionKey { pem: Zeroizing::new(pem.into()), matdesc: None }
    }

    /// Sets the description of the key pair.
    #[must_use]
    pub fn matdesc(mut self, matdesc: impl Into<String>) -> Self {
        self.matdesc = Some(matdesc.into());
        self
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey").field("matdesc", &self.matdesc).finish_non_exhaustive()
    }
}

/// What the metadata of an encrypted object says of its content key, for a [`KeyUnwrapper`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrappedKey {
    /// Bucket of the object; empty if the request has a URL.
    pub bucket: String,
    /// Key of the object; `//host:port/path` if the request has a URL.
    pub object_key: String,
    /// How the content key is wrapped, such as `KMS/ALICLOUD` or `RSA/NONE/PKCS1Padding`.
    pub wrap_algorithm: String,
    /// Description of the key that wraps it, usually a JSON object of strings.
    pub matdesc: Option<String>,
    /// The members of that object that are strings, numbers or booleans, as text, in the order of their names; empty when
    /// it is none.
    pub description: Vec<(String, String)>,
    /// The content key, wrapped; base64 is decoded.
    pub encrypted_key: Vec<u8>,
    /// The initial counter block, wrapped; base64 is decoded.
    pub encrypted_iv: Vec<u8>,
}

impl WrappedKey {
    pub(crate) fn new(
        (bucket, object_key): (&str, &str),
        wrap_algorithm: &str,
        (matdesc, description): (Option<&str>, Vec<(String, String)>),
        (encrypted_key, encrypted_iv): (&[u8], &[u8]),
    ) -> Self {
        WrappedKey {
            bucket: bucket.to_owned(),
            object_key: object_key.to_owned(),
            wrap_algorithm: wrap_algorithm.to_owned(),
            matdesc: matdesc.map(str::to_owned),
            description,
            encrypted_key: encrypted_key.to_vec(),
            encrypted_iv: encrypted_iv.to_vec(),
        }
    }
}

/// Unwraps the content keys of encrypted objects, by a key management service for instance. Called once for each
/// download of an encrypted object that no [`DecryptionKey`] is for, and again if the object is replaced during it, on a
/// thread of its own, for several downloads possibly at once, and never while a lock is held. It may block for as long as a download may wait for its first byte
/// ([`ClientOptions::first_byte_limit`](crate::ClientOptions::first_byte_limit)); a cancel does not wait for it.
/// While 64 calls whose downloads have ended have not returned, it is not called, and downloads that need it fail.
pub trait KeyUnwrapper: Send + Sync {
    /// Returns the content key, or the reason why there is none, which becomes part of the error message and must not
    /// contain secrets.
    fn unwrap_key(&self, wrapped: &WrappedKey) -> std::result::Result<ContentKey, String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_key_of_another_length_is_refused_by_name_and_number() {
        for (key, iv, word) in [(31, 16, "31"), (33, 16, "33"), (32, 15, "15"), (0, 16, "0 bytes")]
        {
            let error = ContentKey::new(&vec![7; key], &vec![7; iv]).expect_err("wrong length");
            assert!(error.message().contains(word), "{error}");
        }
        assert!(ContentKey::new(&[7; 32], &[7; 16]).is_ok());
    }

    #[test]
    fn debug_output_hides_keys() {
        let content_key = ContentKey::new(&[77; 32], &[78; 16]).expect("key");
        let key = DecryptionKey::new("-----BEGIN PRIVATE KEY-----").matdesc("{}");
        let shown = format!("{content_key:?} {key:?}");
        assert!(!shown.contains("77") && !shown.contains("78") && !shown.contains("BEGIN"));
    }
}
