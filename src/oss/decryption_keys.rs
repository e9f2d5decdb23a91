//! The RSA keys of a client, which unwrap content keys.

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use zeroize::Zeroizing;

use super::envelope::{Envelope, normal_matdesc};
use crate::model::encryption::{ContentKey, DecryptionKey};
use crate::model::error::{Error, Result};
use crate::sys::exit;

/// Bytes of a wrapped key and of a wrapped counter block.
const KEY: usize = 32;
const IV: usize = 16;
/// Smallest number of non-zero bytes in the padding of PKCS #1 v1.5.
const LEAST_PADDING: usize = 8;

/// Keys by description.
#[derive(Default)]
pub struct DecryptionKeys(Vec<Entry>);

struct Entry {
    matdesc: Option<String>,
    key: Rsa<Private>,
}

impl DecryptionKeys {
    /// Parses the keys; the `ValidateError` names the first invalid one.
    pub fn new(keys: &[DecryptionKey]) -> Result<Self> {
        let _exit_guard = exit::guard()?;
        let mut read = DecryptionKeys::default();
        for (index, key) in keys.iter().enumerate() {
            let matdesc = key.matdesc.as_deref().and_then(normal_matdesc);
            if read.0.iter().any(|known| known.matdesc == matdesc) {
                return Err(Error::validation(format!(
                    "decryption_keys: key {} has the same matdesc as one before it",
                    index + 1
                )));
            }
            let key = parse(&key.pem).map_err(|why| {
                Error::validation(format!("decryption_keys: key {} {why}", index + 1))
            })?;
            read.0.push(Entry { matdesc, key });
        }
        Ok(read)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Unwraps the content key of an object with the key that has the same description, or else with the key without a
    /// description. `None` if there is neither. The inner error says why the key does not fit.
    pub fn unwrap(
        &self,
        envelope: &Envelope,
    ) -> Result<Option<std::result::Result<ContentKey, String>>> {
        let matdesc = envelope.matdesc.as_deref().and_then(normal_matdesc);
        let with = |wanted: &Option<String>| self.0.iter().find(|entry| entry.matdesc == *wanted);
        let Some(entry) = with(&matdesc).or_else(|| with(&None)) else { return Ok(None) };
        let _exit_guard = exit::guard()?;
        Ok(Some(unwrap_both(&entry.key, envelope)))
    }
}

impl Drop for DecryptionKeys {
    fn drop(&mut self) {
        let keys = std::mem::take(&mut self.0);
        match exit::guard() {
            Ok(_exit_guard) => drop(keys),
            // OpenSSL may already have freed its own data.
            Err(_) => std::mem::forget(keys),
        }
    }
}

fn unwrap_both(key: &Rsa<Private>, envelope: &Envelope) -> std::result::Result<ContentKey, String> {
    let unwrapped = unwrap_one(key, &envelope.encrypted_key, KEY).zip(unwrap_one(
        key,
        &envelope.encrypted_iv,
        IV,
    ));
    let Some((content_key, iv)) = unwrapped else {
        return Err("the private key is not the one for it, or the metadata are damaged".to_owned());
    };
    ContentKey::new(&content_key, &iv).map_err(|error| error.message().to_owned())
}

/// Unwraps `len` bytes. From OpenSSL 3.2 on, removing the padding returns random bytes for a wrong key and no error.
/// Therefore the padding is checked here. Because the length of the message is known, every other byte of the block is
/// either fixed or must not be zero. The time does not depend on the contents.
fn unwrap_one(key: &Rsa<Private>, wrapped: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let size = usize::try_from(key.size()).ok()?;
    if wrapped.len() != size || size < len + LEAST_PADDING + 3 {
        return None;
    }
    let mut block = Zeroizing::new(vec![0; size]);
    if key.private_decrypt(wrapped, &mut block, Padding::NONE).ok()? != size {
        return None;
    }
    let (padding, message) = block.split_at(size - len);
    let (head, filled) = padding.split_at(2);
    let (filled, separator) = filled.split_at(filled.len() - 1);
    let zeros = filled.iter().fold(0, |zeros: usize, byte| zeros + usize::from(*byte == 0));
    let wrong = usize::from(head[0]) | usize::from(head[1] ^ 2) | usize::from(separator[0]) | zeros;
    let unwrapped = Zeroizing::new(message.to_vec());
    (wrong == 0).then_some(unwrapped)
}

fn parse(pem: &str) -> std::result::Result<Rsa<Private>, &'static str> {
    // Without the callback OpenSSL would ask for a password on the terminal.
    let mut protected = false;
    let no_password = |_: &mut [u8]| {
        protected = true;
        Err(ErrorStack::get())
    };
    let parsed = PKey::private_key_from_pem_callback(pem.as_bytes(), no_password);
    if protected {
        return Err("is protected by a password; give it without");
    }
    let key = parsed.map_err(|_| "is no private key in PEM")?;
    key.rsa().map_err(|_| "is no RSA key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::symm::Cipher;
    use std::sync::LazyLock;

    static OWN: LazyLock<Rsa<Private>> = LazyLock::new(|| Rsa::generate(1024).expect("a key"));
    static OTHER: LazyLock<Rsa<Private>> = LazyLock::new(|| Rsa::generate(1024).expect("a key"));

    fn pem(key: &Rsa<Private>) -> String {
        String::from_utf8(key.private_key_to_pem().expect("PEM")).expect("text")
    }

    fn wrapped(key: &Rsa<Private>, bytes: &[u8], padding: Padding) -> Vec<u8> {
        let mut wrapped = vec![0; key.size() as usize];
        key.public_encrypt(bytes, &mut wrapped, padding).expect("wrap");
        wrapped
    }

    fn envelope(key: &[u8], iv: &[u8], matdesc: Option<&str>) -> Envelope {
        Envelope {
            encrypted_key: wrapped(&OWN, key, Padding::PKCS1),
            encrypted_iv: wrapped(&OWN, iv, Padding::PKCS1),
            wrap_algorithm: "RSA/NONE/PKCS1Padding".to_owned(),
            matdesc: matdesc.map(str::to_owned),
        }
    }

    fn keys(keys: &[(&Rsa<Private>, Option<&str>)]) -> DecryptionKeys {
        let key = |(key, matdesc): &(&Rsa<Private>, Option<&str>)| DecryptionKey {
            matdesc: matdesc.map(str::to_owned),
            ..DecryptionKey::new(pem(key))
        };
        DecryptionKeys::new(&keys.iter().map(key).collect::<Vec<_>>()).expect("keys")
    }

    fn unwrapped(keys: &DecryptionKeys, envelope: &Envelope) -> Option<bool> {
        let expected = ContentKey::new(&[7; 32], &[8; 16]).expect("key");
        let answer = keys.unwrap(envelope).expect("OpenSSL");
        answer.map(|answer| answer.is_ok_and(|content_key| content_key == expected))
    }

    #[test]
    fn a_key_is_chosen_by_its_description_and_one_without_is_for_the_rest() {
        let (named, unnamed) = (
            envelope(&[7; 32], &[8; 16], Some(r#"{"n": "1"}"#)),
            envelope(&[7; 32], &[8; 16], None),
        );
        let own = (&*OWN, Some(r#"{"n":"1"}"#));
        assert_eq!(unwrapped(&keys(&[(&OTHER, None), own]), &named), Some(true));
        assert_eq!(unwrapped(&keys(&[(&OTHER, None), own]), &unnamed), Some(false), "a wrong key");
        assert_eq!(unwrapped(&keys(&[(&OWN, None), (&OTHER, Some("{}x"))]), &named), Some(true));
        assert_eq!(unwrapped(&keys(&[own]), &unnamed), None);
        assert_eq!(unwrapped(&keys(&[(&OWN, Some("another"))]), &named), None);
        assert_eq!(unwrapped(&keys(&[(&OWN, Some("{}"))]), &unnamed), Some(true));
    }

    #[test]
    fn any_flipped_bit_of_a_wrapped_key_or_counter_block_is_told() {
        let keys = keys(&[(&OWN, None)]);
        let good = envelope(&[7; 32], &[8; 16], None);
        for bit in (0..good.encrypted_key.len() * 8).step_by(41) {
            for iv in [false, true] {
                let mut flipped = good.clone();
                let bytes = if iv { &mut flipped.encrypted_iv } else { &mut flipped.encrypted_key };
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(unwrapped(&keys, &flipped), Some(false), "bit {bit}");
            }
        }
        for cut in [0, 1, 127, 129] {
            let mut other = good.clone();
            other.encrypted_key.resize(cut, 0);
            assert_eq!(unwrapped(&keys, &other), Some(false), "{cut} bytes");
        }
    }

    #[test]
    fn what_is_wrapped_must_have_the_length_of_a_key_and_of_a_counter_block() {
        let keys = keys(&[(&OWN, None)]);
        for (key, iv) in [(16, 16), (31, 16), (33, 16), (32, 15), (32, 17), (32, 32), (16, 32)] {
            let envelope = envelope(&vec![7; key], &vec![8; iv], None);
            assert_eq!(unwrapped(&keys, &envelope), Some(false), "{key} and {iv}");
        }
    }

    #[test]
    fn every_fixed_byte_of_the_padding_is_checked() {
        let size = OWN.size() as usize;
        let mut block = vec![0xFF; size];
        (block[0], block[1], block[size - 33]) = (0, 2, 0);
        block[size - 32..].fill(7);
        let unwrap = |block: &[u8]| unwrap_one(&OWN, &wrapped(&OWN, block, Padding::NONE), 32);
        assert_eq!(unwrap(&block).expect("right").as_slice(), [7; 32]);
        // A block is a number below the key's modulus, so its first byte cannot be any.
        for (at, byte) in [(1, 1), (1, 0), (2, 0), (50, 0), (size - 34, 0), (size - 33, 1)] {
            let mut changed = block.clone();
            changed[at] = byte;
            assert!(unwrap(&changed).is_none(), "byte {at}");
        }
        block[0] = 1;
        block[1] = 2;
        assert!(unwrap(&block).is_none(), "byte 0");
    }

    #[test]
    fn keys_that_are_none_are_refused_by_their_number_and_without_their_text() {
        let read = |pems: &[&str]| {
            let keys: Vec<_> = pems.iter().map(|pem| DecryptionKey::new(*pem)).collect();
            DecryptionKeys::new(&keys).map(|_| ()).expect_err("refused").message().to_owned()
        };
        let own = pem(&OWN);
        let public = String::from_utf8(OWN.public_key_to_pem().expect("PEM")).expect("text");
        for wrong in ["", "hush", &public, &own[..own.len() / 2]] {
            let message = read(&[wrong]);
            assert!(message.contains("key 1 is no private key"), "{message}");
            assert!(wrong.is_empty() || !message.contains(wrong), "{message}");
        }
        let pkey = PKey::from_rsa(OWN.clone()).expect("key");
        let pkcs8 = pkey.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"hush");
        let pkcs8 = String::from_utf8(pkcs8.expect("PEM")).expect("text");
        let rsa = OWN.private_key_to_pem_passphrase(Cipher::aes_256_cbc(), b"hush").expect("PEM");
        let rsa = String::from_utf8(rsa).expect("text");
        for protected in [pkcs8, rsa] {
            let message = read(&[&protected]);
            assert!(message.contains("key 1 is protected by a password"), "{message}");
        }
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("curve");
        let elliptic = EcKey::generate(&group).expect("key").private_key_to_pem().expect("PEM");
        let message = read(&[std::str::from_utf8(&elliptic).expect("text")]);
        assert!(message.contains("key 1 is no RSA key"), "{message}");
        assert!(read(&[&own, &own]).contains("key 2 has the same matdesc"));
    }

    #[test]
    fn both_forms_of_pem_are_read() {
        let pkcs8 = PKey::from_rsa(OWN.clone()).expect("key").private_key_to_pem_pkcs8();
        let pkcs8 = String::from_utf8(pkcs8.expect("PEM")).expect("text");
        assert!(pkcs8.contains("BEGIN PRIVATE KEY") && pem(&OWN).contains("BEGIN RSA PRIVATE KEY"));
        assert!(DecryptionKeys::new(&[DecryptionKey::new(pkcs8)]).is_ok());
    }
}
