//! Digests of a file's bytes, computed by OpenSSL.

use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};

use crate::model::crc64;
use crate::model::digest::{Algorithms, Crc64, Digests, Md5, Sha256};
use crate::model::error::{Error, Result};
use crate::sys::exit;

/// Computes digests of bytes that come in order.
pub struct FileHasher {
    sha256: OpenSslHasher,
    md5: OpenSslHasher,
    crc64: Option<crc64::Digest>,
}

impl FileHasher {
    /// A hasher of zero bytes. An error also if OpenSSL does not offer an algorithm, as MD5 in FIPS mode.
    pub fn new(algorithms: Algorithms) -> Result<Self> {
        let Algorithms { sha256, md5, crc64 } = algorithms;
        Ok(FileHasher {
            sha256: OpenSslHasher::new(sha256.then(MessageDigest::sha256))?,
            md5: OpenSslHasher::new(md5.then(MessageDigest::md5))?,
            crc64: crc64.then(crc64::Digest::new),
        })
    }

    /// Appends `bytes`.
    pub fn update(&mut self, bytes: &[u8]) -> Result<()> {
        self.sha256.update(bytes)?;
        self.md5.update(bytes)?;
        if let Some(crc64) = &mut self.crc64 {
            crc64.update(bytes);
        }
        Ok(())
    }

    /// The digests of all bytes.
    pub fn finish(mut self) -> Result<Digests> {
        Ok(Digests {
            sha256: self.sha256.finish()?.map(Sha256),
            md5: self.md5.finish()?.map(Md5),
            crc64: self.crc64.map(|digest| Crc64(digest.value())),
        })
    }
}

/// A hasher of OpenSSL, or none.
struct OpenSslHasher(Option<Hasher>);

impl OpenSslHasher {
    fn new(algorithm: Option<MessageDigest>) -> Result<Self> {
        let _exit_guard = exit::guard()?;
        algorithm.map(Hasher::new).transpose().map(OpenSslHasher).map_err(failed)
    }

    fn update(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(hasher) = &mut self.0 else { return Ok(()) };
        let _exit_guard = exit::guard()?;
        hasher.update(bytes).map_err(failed)
    }

    fn finish<const N: usize>(&mut self) -> Result<Option<[u8; N]>> {
        let Some(hasher) = &mut self.0 else { return Ok(None) };
        let _exit_guard = exit::guard()?;
        let digest = hasher.finish().map_err(failed)?;
        let digest = <[u8; N]>::try_from(digest.as_ref());
        digest.map(Some).map_err(|_| Error::internal("OpenSSL computed a digest of another length"))
    }
}

impl Drop for OpenSslHasher {
    fn drop(&mut self) {
        let Some(hasher) = self.0.take() else { return };
        match exit::guard() {
            Ok(_exit_guard) => drop(hasher),
            // OpenSSL may already have freed its own data.
            Err(_) => std::mem::forget(hasher),
        }
    }
}

fn failed(source: ErrorStack) -> Error {
    Error::internal(format!("OpenSSL cannot compute a digest of the file: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_pieces_are_those_of_the_whole_and_only_those_that_are_wanted() {
        let all = Algorithms { sha256: true, md5: true, crc64: true };
        let mut hasher = FileHasher::new(all).expect("hasher");
        for piece in [b"1234".as_slice(), b"", b"56789"] {
            hasher.update(piece).expect("update");
        }
        let digests = hasher.finish().expect("digests");
        // Computed with sha256sum and md5sum; the CRC-64 is the published check value.
        let sha256 = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
        assert_eq!(digests.sha256.map(|digest| digest.to_string()).as_deref(), Some(sha256));
        let md5 = "25f9e794323b453885f5181f1b624d0b";
        assert_eq!(digests.md5.map(|digest| digest.to_string()).as_deref(), Some(md5));
        assert_eq!(digests.crc64, Some(Crc64(0x995D_C9BB_DF19_39FA)));

        let none = FileHasher::new(Algorithms::default()).expect("hasher");
        assert!(none.finish().expect("digests").is_empty());
    }
}
