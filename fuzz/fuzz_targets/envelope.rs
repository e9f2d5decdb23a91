//! The metadata of encrypted objects: an envelope has all its parts, and they are what was sent; anything else is told in
//! one line. Descriptions are equal when their members are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::envelope::{Encryption, members, normal_matdesc};
use oss_resumable::fuzzing::reply::ReplyHead;

const PREFIX: &str = "x-oss-meta-client-side-encryption-";

fuzz_target!(|lines: &[u8]| {
    let mut head = ReplyHead::default();
    head.push_line(b"HTTP/1.1 206 Partial Content\r\n");
    for line in lines.split(|byte| *byte == b'\n') {
        head.push_line(&[PREFIX.as_bytes(), line, b"\r\n"].concat());
    }
    let sent = |name: &str| head.get(&format!("{PREFIX}{name}"));
    match Encryption::of(&head) {
        Encryption::None => assert!(sent("key").is_none() && sent("start").is_none()),
        Encryption::Unusable(why) => {
            assert!(!why.is_empty() && !why.contains(char::is_control), "{why:?}");
        }
        Encryption::Envelope(envelope) => {
            let base64 = |bytes: &[u8]| openssl::base64::encode_block(bytes);
            let is = |name: &str, bytes: &[u8]| {
                sent(name).is_some_and(|text| decoded(text) == decoded(&base64(bytes)))
            };
            assert!(is("key", &envelope.encrypted_key), "{envelope:?}");
            assert!(is("start", &envelope.encrypted_iv), "{envelope:?}");
            assert_eq!(sent("wrap-alg"), Some(&*envelope.wrap_algorithm));
            let cipher = sent("cek-alg").expect("a cipher");
            assert!(cipher.eq_ignore_ascii_case("AES/CTR/NoPadding"), "{cipher}");
            assert_eq!(
                sent("matdesc").filter(|text| !text.is_empty()),
                envelope.matdesc.as_deref()
            );
        }
    }
    let matdesc = sent("matdesc").unwrap_or_default();
    if let Some(normal) = normal_matdesc(matdesc) {
        assert_eq!(normal_matdesc(&normal).as_ref(), Some(&normal));
        assert_eq!(members(matdesc), members(&normal));
    } else {
        assert_eq!(members(matdesc), []);
    }
});

fn decoded(text: &str) -> Option<Vec<u8>> {
    openssl::base64::decode_block(text).ok()
}
