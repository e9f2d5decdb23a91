//! The digests used in OSS's signatures, computed by OpenSSL.

use openssl::base64;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::PKey;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::model::error::{Error, Result};
use crate::sys::exit;

/// Longest base64 text that is decoded, in bytes; headers are shorter.
const MAX_BASE64: usize = 64 * 1024;

/// HMAC-SHA1 of `data`.
pub fn hmac_sha1(key: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let _exit_guard = exit::guard()?;
    hmac(MessageDigest::sha1(), key, data).map_err(|source| failed("HMAC-SHA1", &source))
}

/// HMAC-SHA256 of `data`. The result may itself be used as a key, so it is wiped on drop.
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let _exit_guard = exit::guard()?;
    hmac(MessageDigest::sha256(), key, data).map_err(|source| failed("HMAC-SHA256", &source))
}

/// SHA-256 of `data`, in lower-case hex.
pub fn sha256_hex(data: &[u8]) -> Result<String> {
    let _exit_guard = exit::guard()?;
    hash(MessageDigest::sha256(), data)
        .map(|digest| hex(&digest))
        .map_err(|source| failed("SHA-256", &source))
}

/// `bytes` in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// `bytes` in base64; intended for digests, not for bulk data.
pub fn base64_encode(bytes: &[u8]) -> String {
    base64::encode_block(bytes)
}

/// Decodes base64; `None` if the text is not valid or longer than [`MAX_BASE64`].
pub fn base64_decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_BASE64 { None } else { base64::decode_block(text).ok() }
}

fn hmac(
    digest: MessageDigest,
    key: &[u8],
    data: &[u8],
) -> std::result::Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let key = PKey::hmac(key)?;
    let mut signer = Signer::new(digest, &key)?;
    signer.sign_oneshot_to_vec(data).map(Zeroizing::new)
}

fn failed(what: &str, source: &ErrorStack) -> Error {
    Error::internal(format!("OpenSSL cannot compute {what}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digests_are_those_of_the_rfcs() {
        // RFC 2202 and RFC 4231, test case 2; FIPS 180-2 "abc".
        let data = b"what do ya want for nothing?";
        assert_eq!(
            hex(&hmac_sha1(b"Jefe", data).unwrap()),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", data).unwrap()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            sha256_hex(b"abc").unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn invalid_base64_is_refused() {
        assert_eq!(base64_decode("Zm9v").as_deref(), Some(&b"foo"[..]));
        assert_eq!(base64_decode("Zm9"), None);
        assert_eq!(base64_decode("***="), None);
        assert_eq!(base64_decode(&"A".repeat(MAX_BASE64 + 4)), None);
    }

    proptest! {
        #[test]
        fn base64_decoding_inverts_encoding(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(base64_decode(&base64_encode(&bytes)), Some(bytes));
        }

        #[test]
        fn base64_decoding_of_any_text_does_not_panic(text in any::<String>()) {
            let _ = base64_decode(&text);
        }
    }
}
