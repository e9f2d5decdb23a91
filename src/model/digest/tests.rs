use openssl::base64::encode_block;
use proptest::prelude::*;

use super::*;

/// SHA-256 and MD5 of "abc" (FIPS 180-2, RFC 1321).
const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

fn refusal<T: FromStr<Err = Error> + fmt::Debug>(text: &str) -> String {
    let error = text.parse::<T>().expect_err(text);
    assert_eq!(error.code(), "ValidateError");
    error.message().to_owned()
}

#[test]
fn each_spelling_of_one_digest_is_the_same_digest() {
    let sha256: Sha256 = SHA256.parse().expect("hex");
    for text in [
        SHA256.to_ascii_uppercase(),
        format!("  {SHA256}\r\n"),
        format!("sha256:{SHA256}"),
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".to_owned(),
        "sha256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".to_owned(),
        "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".to_owned(),
    ] {
        assert_eq!(text.parse::<Sha256>().expect(&text), sha256, "{text}");
    }
    let md5: Md5 = MD5.parse().expect("hex");
    for text in [
        MD5.to_ascii_uppercase(),
        format!("md5:{MD5}"),
        "kAFQmDzST7DWlj99KOF/cg==".to_owned(),
        "md5-kAFQmDzST7DWlj99KOF/cg==".to_owned(),
    ] {
        assert_eq!(text.parse::<Md5>().expect(&text), md5, "{text}");
    }
    for text in
        ["11051210869376104954", "0x995dc9bbdf1939fa", "0X995DC9BBDF1939FA", " 0x995DC9bbdf1939fa "]
    {
        assert_eq!(text.parse::<Crc64>().expect(text), Crc64(0x995D_C9BB_DF19_39FA), "{text}");
    }
}

#[test]
fn a_text_that_is_no_digest_is_refused_with_what_was_expected() {
    let wrong = [
        "",
        " ",
        "ba78",
        // Another length, another digest, another alphabet, no padding, more than one.
        &SHA256[1..],
        &format!("{SHA256}0"),
        MD5,
        &format!("md5:{SHA256}"),
        &format!("SHA256:{SHA256}"),
        &format!("sha256-{SHA256}"),
        &format!("sha256={SHA256}"),
        &format!("g{}", &SHA256[1..]),
        &format!("sha256: {SHA256}"),
        "sha256:",
        "sha256",
        "sha256-",
        "sha256é",
        "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa1=",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa==",
        "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0= sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
    ];
    for text in wrong {
        let message = refusal::<Sha256>(text);
        assert!(message.contains("is not a SHA-256: it must be 64"), "{message}");
    }
    assert!(refusal::<Md5>(SHA256).contains("is not an MD5: it must be 32"));
    for text in [
        "",
        "0x",
        "-1",
        "+1",
        "0x+1",
        "1 2",
        "995dc9bbdf1939fa",
        "18446744073709551616",
        "0x00000000000000001",
        "１",
    ] {
        let message = refusal::<Crc64>(text);
        assert!(message.contains("is not a CRC-64: it must be a decimal"), "{message}");
    }
    let long = refusal::<Sha256>(&"é".repeat(10_000));
    assert!(long.chars().count() < 400 && long.contains("é…' is not"), "{long}");
}

#[test]
fn only_what_is_known_of_both_can_contradict() {
    let expected = Digests { sha256: SHA256.parse().ok(), md5: None, crc64: Some(Crc64(7)) };
    let found = Digests { sha256: None, md5: MD5.parse().ok(), crc64: Some(Crc64(7)) };
    assert_eq!(expected.contradicted_by(&found), None);
    let other = Digests { sha256: Some(Sha256([0xAB; 32])), crc64: Some(Crc64(8)), ..found };
    let mismatch = expected.contradicted_by(&other).expect("the SHA-256");
    assert_eq!((mismatch.field, mismatch.expected.as_str()), ("expected_sha256", SHA256));
    assert_eq!(mismatch.found, "ab".repeat(32));
    let other = Digests { sha256: expected.sha256, ..other };
    assert_eq!(expected.contradicted_by(&other).expect("the CRC-64").found, "8");
}

proptest! {
    #[test]
    fn every_spelling_of_any_digest_is_read(sha256: [u8; 32], md5: [u8; 16], crc: u64) {
        let base64 = [encode_block(&sha256), encode_block(&md5)];
        let (sha256, md5, crc) = (Sha256(sha256), Md5(md5), Crc64(crc));
        for text in [sha256.to_string(), base64[0].clone(), format!("sha256-{}", base64[0])] {
            prop_assert_eq!(text.parse::<Sha256>().expect("a spelling"), sha256);
        }
        for text in [md5.to_string(), base64[1].clone(), format!("md5:{}", base64[1])] {
            prop_assert_eq!(text.parse::<Md5>().expect("a spelling"), md5);
        }
        for text in [crc.to_string(), format!("{:#x}", crc.0), format!("0X{:X}", crc.0)] {
            prop_assert_eq!(text.parse::<Crc64>().expect("a spelling"), crc);
        }
    }

    /// Base64 that is read is the one that encodes the digest: no character of it is ignored.
    #[test]
    fn a_text_of_base64_is_read_only_if_it_is_the_spelling(text in "[A-Za-z0-9+/]{40,44}={0,4}") {
        let read = text.parse::<Sha256>().ok().map(|digest| encode_block(&digest.0));
        prop_assert!(read.is_none() || read == Some(text));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = (text.parse::<Sha256>(), text.parse::<Md5>(), text.parse::<Crc64>());
    }
}
