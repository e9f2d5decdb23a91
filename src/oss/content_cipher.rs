//! The cipher of an encrypted object's content: AES-256 in counter mode, from any byte on.

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;

use crate::model::encryption::ContentKey;
use crate::model::error::{Error, Result};
use crate::sys::exit;

/// Bytes of a cipher block.
const BLOCK: u64 = 16;

/// Encrypts or decrypts an object's bytes in order; in counter mode these are the same operation. OpenSSL wipes its copy
/// of the key.
pub struct ContentCipher {
    /// `None` only during the drop.
    context: Option<CipherCtx>,
}

impl ContentCipher {
    /// A cipher whose next byte is the object's byte `offset`.
    pub fn at(content_key: &ContentKey, offset: u64) -> Result<Self> {
        let _exit_guard = exit::guard()?;
        let context = start(content_key, offset).map_err(|source| failed(&source))?;
        Ok(ContentCipher { context: Some(context) })
    }

    /// Processes `input`, the next bytes, and appends the result to `output`; appends nothing if that fails.
    pub fn append(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<()> {
        let _exit_guard = exit::guard()?;
        let Some(context) = &mut self.context else { return Ok(()) };
        let start = output.len();
        output.resize(start + input.len(), 0);
        let updated = context.cipher_update(input, Some(&mut output[start..]));
        updated.map(drop).map_err(|source| {
            output.truncate(start);
            failed(&source)
        })
    }

    /// Processes `data`, the next bytes, in place.
    pub fn replace(&mut self, data: &mut [u8]) -> Result<()> {
        let _exit_guard = exit::guard()?;
        let Some(context) = &mut self.context else { return Ok(()) };
        let updated = context.cipher_update_inplace(data, data.len());
        updated.map(drop).map_err(|source| failed(&source))
    }
}

impl Drop for ContentCipher {
    fn drop(&mut self) {
        let context = self.context.take();
        match exit::guard() {
            Ok(_exit_guard) => drop(context),
            // OpenSSL may already have freed its own data.
            Err(_) => std::mem::forget(context),
        }
    }
}

fn start(content_key: &ContentKey, offset: u64) -> std::result::Result<CipherCtx, ErrorStack> {
    let mut context = CipherCtx::new()?;
    let counter = counter_block(&content_key.iv(), offset / BLOCK);
    context.encrypt_init(Some(Cipher::aes_256_ctr()), Some(content_key.key()), Some(&counter))?;
    let mut before = [0; BLOCK as usize];
    let within = usize::try_from(offset % BLOCK).unwrap_or_default();
    context.cipher_update_inplace(&mut before[..within], within)?;
    Ok(context)
}

/// The counter of the object's cipher block `block`: a 128-bit big-endian number, as in one stream over the whole object.
/// The C++ and Go SDKs add only to its low 64 bits when they start inside an object. The result is the same, because the
/// SDKs set the upper 32 of these bits to zero, and no object has 2⁶⁴ − 2³² blocks.
fn counter_block(iv: &[u8; 16], block: u64) -> [u8; 16] {
    u128::from_be_bytes(*iv).wrapping_add(u128::from(block)).to_be_bytes()
}

fn failed(source: &ErrorStack) -> Error {
    Error::internal(format!("OpenSSL cannot run AES-256-CTR: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::symm::{Cipher as Whole, encrypt};
    use proptest::prelude::*;

    const KEY: [u8; 32] = [0x42; 32];

    /// `plain`, encrypted in one stream from the counter `iv`.
    fn in_one_stream(iv: u128, plain: &[u8]) -> Vec<u8> {
        encrypt(Whole::aes_256_ctr(), &KEY, Some(&iv.to_be_bytes()), plain).expect("encrypt")
    }

    fn content_key(iv: u128) -> ContentKey {
        ContentKey::new(&KEY, &iv.to_be_bytes()).expect("key")
    }

    #[test]
    fn the_vector_of_nist_comes_out() {
        // SP 800-38A, F.5.5 CTR-AES256.Encrypt, the second block.
        let hex = |text: &str| -> Vec<u8> {
            let digits = text.as_bytes().chunks(2);
            let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            digits.map(byte).collect()
        };
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let iv = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let content_key = ContentKey::new(&key, &iv).expect("key");
        let mut block = hex("ae2d8a571e03ac9c9eb76fac45af8e51");
        ContentCipher::at(&content_key, 16).expect("cipher").replace(&mut block).expect("run");
        assert_eq!(block, hex("f443e3ca4d62b59aca84e990cacaf5c5"));
    }

    #[test]
    fn the_counter_carries_where_a_part_of_it_is_full() {
        for full in
            [0xFF, 0xFFFF_FFFF, u128::from(u64::MAX), u128::MAX, (7 << 64) | u64::MAX as u128]
        {
            let iv = full - 1;
            let plain: Vec<u8> = (0..100).collect();
            let stored = in_one_stream(iv, &plain);
            for offset in 0..plain.len() {
                let mut rest = stored[offset..].to_vec();
                let mut cipher =
                    ContentCipher::at(&content_key(iv), offset as u64).expect("cipher");
                cipher.replace(&mut rest).expect("run");
                assert_eq!(rest, plain[offset..], "counter {iv:x}, byte {offset}");
            }
        }
    }

    #[test]
    fn an_object_as_long_as_there_can_be_is_decrypted_at_its_last_byte() {
        let last = i64::MAX as u64;
        let iv = 0x0123_4567_89AB_CDEF_0000_0000_FFFF_FFFF_u128;
        let counter = iv + u128::from(last / 16);
        let expected = in_one_stream(counter, &[0; 16])[(last % 16) as usize];
        let mut byte = [0];
        ContentCipher::at(&content_key(iv), last).expect("cipher").replace(&mut byte).expect("run");
        assert_eq!(byte, [expected]);
    }

    /// What the C++ and the Go SDK compute for the start of a part.
    fn as_the_sdks_count(iv: u128, block: u64) -> u128 {
        (iv >> 64 << 64) | u128::from((iv as u64).wrapping_add(block))
    }

    proptest! {
        #[test]
        fn any_piece_of_an_object_is_decrypted_alone_and_in_pieces(
            iv: u128, plain in prop::collection::vec(any::<u8>(), 1..400),
            from in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
        ) {
            let stored = in_one_stream(iv, &plain);
            let from = from.index(plain.len());
            let (first, second) = stored[from..].split_at(cut.index(stored.len() - from));
            let mut cipher = ContentCipher::at(&content_key(iv), from as u64).unwrap();
            let mut found = b"before".to_vec();
            cipher.append(first, &mut found).unwrap();
            cipher.append(second, &mut found).unwrap();
            prop_assert_eq!(&found[..6], b"before");
            prop_assert_eq!(&found[6..], &plain[from..]);
        }

        #[test]
        fn counters_are_those_of_the_sdks_for_every_iv_that_they_make(
            high: u64, low: u32, offset in 0..i64::MAX as u64,
        ) {
            let iv = u128::from(high) << 64 | u128::from(low);
            let counter = u128::from_be_bytes(counter_block(&iv.to_be_bytes(), offset / BLOCK));
            prop_assert_eq!(counter, as_the_sdks_count(iv, offset / BLOCK));
        }
    }
}
