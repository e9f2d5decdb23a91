//! The metadata of an encrypted object: its cipher, and its wrapped key.

use serde_json::Value;

use super::crypto::base64_decode;
use super::reply::ReplyHead;

/// The prefix of the names of these metadata.
const PREFIX: &str = "x-oss-meta-client-side-encryption-";
/// Those of them that only encrypted objects have.
const MARKS: [&str; 4] = ["key", "start", "cek-alg", "wrap-alg"];
/// Metadata that mark encrypted objects in earlier formats.
const FORMER_MARKS: [&str; 2] =
    ["x-oss-meta-oss-crypto-key", "x-oss-meta-x-oss-client-side-encryption-key"];
/// The only supported content cipher.
const CONTENT_CIPHER: &str = "AES/CTR/NoPadding";
/// A key wrapped by RSA with the padding of PKCS #1 v1.5.
const RSA_WRAP: &str = "RSA/NONE/PKCS1Padding";

/// How the content of an object is encrypted, and its key wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The content key, wrapped.
    pub encrypted_key: Vec<u8>,
    /// The initial counter block, wrapped.
    pub encrypted_iv: Vec<u8>,
    /// How the two are wrapped, as sent.
    pub wrap_algorithm: String,
    /// Description of the key that wraps them, as sent; `None` if it is absent or empty.
    pub matdesc: Option<String>,
}

/// What a reply says about client-side encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// The object is not encrypted.
    None,
    /// The object is encrypted in this way.
    Envelope(Envelope),
    /// The object is encrypted, and cannot be decrypted for this reason.
    Unusable(String),
}

impl Encryption {
    /// Reads the metadata in a reply's head.
    pub fn of(head: &ReplyHead) -> Self {
        if !has_mark(head) {
            return match former_mark(head) {
                Some(mark) => Encryption::Unusable(format!(
                    "its metadata ({mark}) are of a former format of Alibaba's SDKs, which is not supported"
                )),
                None => Encryption::None,
            };
        }
        match envelope(head) {
            Ok(envelope) => Encryption::Envelope(envelope),
            Err(why) => Encryption::Unusable(why),
        }
    }
}

/// Whether a reply has metadata that only encrypted objects have, readable or not.
pub fn is_encrypted(head: &ReplyHead) -> bool {
    has_mark(head) || former_mark(head).is_some()
}

impl Envelope {
    /// Whether the key is wrapped by RSA with the padding of PKCS #1 v1.5.
    pub fn is_rsa(&self) -> bool {
        self.wrap_algorithm.eq_ignore_ascii_case(RSA_WRAP)
    }
}

fn has_mark(head: &ReplyHead) -> bool {
    MARKS.iter().any(|name| head.get(&format!("{PREFIX}{name}")).is_some())
}

fn former_mark(head: &ReplyHead) -> Option<&'static str> {
    FORMER_MARKS.into_iter().find(|mark| head.get(mark).is_some())
}

fn envelope(head: &ReplyHead) -> Result<Envelope, String> {
    let (encrypted_key, encrypted_iv) = (bytes(head, "key")?, bytes(head, "start")?);
    let cipher = text(head, "cek-alg")?;
    if !cipher.eq_ignore_ascii_case(CONTENT_CIPHER) {
        return Err(format!(
            "its content cipher ({PREFIX}cek-alg) is {}, and only {CONTENT_CIPHER} is supported",
            shown(cipher)
        ));
    }
    Ok(Envelope {
        encrypted_key,
        encrypted_iv,
        wrap_algorithm: text(head, "wrap-alg")?.to_owned(),
        matdesc: single(head, "matdesc")?.filter(|text| !text.is_empty()).map(str::to_owned),
    })
}

/// The value of a metadata header that must not have two different values.
fn single<'a>(head: &'a ReplyHead, name: &str) -> Result<Option<&'a str>, String> {
    head.single(&format!("{PREFIX}{name}"))
        .map_err(|_| format!("it has two different {PREFIX}{name} metadata"))
}

fn text<'a>(head: &'a ReplyHead, name: &str) -> Result<&'a str, String> {
    single(head, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| format!("its metadata lack {PREFIX}{name}"))
}

fn bytes(head: &ReplyHead, name: &str) -> Result<Vec<u8>, String> {
    base64_decode(text(head, name)?)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| format!("its metadata {PREFIX}{name} are not base64"))
}

/// A text from the reply, for a message.
pub fn shown(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    format!("'{}'", start.escape_debug())
}

/// The members of a description that are strings, numbers or booleans, in the order of their names. Numbers and booleans
/// are converted to text, as in the C++ SDK.
pub fn members(matdesc: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(members)) = serde_json::from_str(matdesc.trim()) else {
        return Vec::new();
    };
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        Value::Number(_) | Value::Bool(_) => Some((name, value.to_string())),
        _ => None,
    };
    members.into_iter().filter_map(text).collect()
}

/// The normal form of a description, which is the same for equal ones: a JSON object has no blanks and its members in
/// order; any other text is unchanged. `None` for an empty description.
pub fn normal_matdesc(matdesc: &str) -> Option<String> {
    let text = matdesc.trim();
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) if members.is_empty() => None,
        Ok(value @ Value::Object(_)) => Some(value.to_string()),
        _ if text.is_empty() => None,
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(fields: &[(&str, &str)]) -> ReplyHead {
        let mut head = ReplyHead::default();
        head.push_line(b"HTTP/1.1 206 Partial Content\r\n");
        for (name, value) in fields {
            head.push_line(format!("{PREFIX}{name}: {value}\r\n").as_bytes());
        }
        head
    }

    const GOOD: [(&str, &str); 5] = [
        ("key", "a2V5"),
        ("start", "aXY="),
        ("cek-alg", "AES/CTR/NoPadding"),
        ("wrap-alg", "RSA/NONE/PKCS1Padding"),
        ("matdesc", r#"{"name":"2026"}"#),
    ];

    /// The good metadata with one of them changed, or left out.
    fn with(name: &str, value: Option<&str>) -> Encryption {
        let fields: Vec<_> = GOOD
            .into_iter()
            .filter_map(|(n, v)| Some((n, if n == name { value? } else { v })))
            .collect();
        Encryption::of(&head(&fields))
    }

    fn why_not(encryption: Encryption) -> String {
        match encryption {
            Encryption::Unusable(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_metadata_of_the_sdks_are_read() {
        let Encryption::Envelope(envelope) = with("", None) else { panic!("an envelope") };
        assert_eq!((&*envelope.encrypted_key, &*envelope.encrypted_iv), (&b"key"[..], &b"iv"[..]));
        assert_eq!(envelope.matdesc.as_deref(), Some(r#"{"name":"2026"}"#));
        assert!(envelope.is_rsa());
        let Encryption::Envelope(kms) = with("wrap-alg", Some("KMS/ALICLOUD")) else { panic!() };
        assert!(!kms.is_rsa());
        assert_eq!(Encryption::of(&head(&[])), Encryption::None);
        assert!(!is_encrypted(&head(&[])) && is_encrypted(&head(&GOOD)));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for name in ["key", "start", "cek-alg", "wrap-alg"] {
            assert!(why_not(with(name, None)).contains(name), "{name} is missing");
            assert!(why_not(with(name, Some(""))).contains(name), "{name} is empty");
        }
        for name in ["key", "start"] {
            assert!(why_not(with(name, Some("a2V5*"))).contains("base64"));
        }
        let cipher = why_not(with("cek-alg", Some("AES/GCM/NoPadding")));
        assert!(cipher.contains("'AES/GCM/NoPadding'"), "{cipher}");
        let twice = head(&[&GOOD[..], &[("key", "b3RoZXI=")]].concat());
        assert!(why_not(Encryption::of(&twice)).contains("two different"));
    }

    #[test]
    fn an_object_with_the_names_of_its_algorithms_alone_is_encrypted() {
        for mark in &GOOD[2..4] {
            let head = head(&[*mark]);
            assert!(is_encrypted(&head));
            assert_eq!(why_not(Encryption::of(&head)), format!("its metadata lack {PREFIX}key"));
        }
        let description = head(&GOOD[4..]);
        assert!(!is_encrypted(&description));
        assert_eq!(Encryption::of(&description), Encryption::None);
    }

    #[test]
    fn an_object_in_a_former_format_is_recognised() {
        for mark in FORMER_MARKS {
            let mut head = head(&[]);
            head.push_line(format!("{mark}: a2V5\r\n").as_bytes());
            assert!(is_encrypted(&head) && why_not(Encryption::of(&head)).contains(mark));
        }
    }

    #[test]
    fn descriptions_are_equal_when_their_members_are() {
        let same = [r#"{"a":"1","b":"ü"}"#, " { \"b\" : \"\\u00fc\" , \"a\" : \"1\" } "];
        assert_eq!(normal_matdesc(same[0]), normal_matdesc(same[1]));
        assert_ne!(normal_matdesc(same[0]), normal_matdesc(r#"{"a":"1"}"#));
        let long = normal_matdesc(r#"{"a":1666666666666600000000000128431160538246239560}"#);
        assert_eq!(normal_matdesc(long.as_deref().unwrap()), long);
        let around = "\u{b}{\"a\":\"1\"}\u{a0}";
        assert_eq!(normal_matdesc(around), normal_matdesc(r#"{"a":"1"}"#));
        assert_eq!(members(around), members(r#"{"a":"1"}"#));
        assert_eq!(normal_matdesc("my key"), Some("my key".to_owned()));
        for nothing in ["", "  ", "{}", " { } "] {
            assert_eq!(normal_matdesc(nothing), None);
        }
        let found =
            members(r#"{"b":"2","n":3,"a":"\u00fc","yes":true,"list":[1],"none":null,"x":-1.5}"#);
        let found: Vec<_> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, [("a", "ü"), ("b", "2"), ("n", "3"), ("x", "-1.5"), ("yes", "true")]);
        assert_eq!(members("my key"), []);
    }

    proptest! {
        #[test]
        fn any_metadata_give_an_envelope_with_all_its_parts_or_a_reason(
            values in prop::collection::vec(prop::option::of("[ -~]{0,20}"), GOOD.len()),
        ) {
            let fields: Vec<_> = GOOD.iter().zip(&values).map(|((name, good), value)| {
                (*name, value.as_deref().unwrap_or(good))
            }).collect();
            match Encryption::of(&head(&fields)) {
                Encryption::Envelope(envelope) => {
                    prop_assert!(!envelope.encrypted_key.is_empty());
                    prop_assert!(!envelope.encrypted_iv.is_empty());
                    prop_assert!(!envelope.wrap_algorithm.is_empty());
                }
                Encryption::Unusable(why) => prop_assert!(why.contains("metadata") || why.contains("cek-alg")),
                Encryption::None => prop_assert!(false, "it is marked"),
            }
        }

        #[test]
        fn normal_descriptions_stay_as_they_are(text in ".{0,40}", name in ".{0,9}", value in ".{0,9}") {
            let object = serde_json::json!({ name: value }).to_string();
            for description in [text, object] {
                if let Some(normal) = normal_matdesc(&description) {
                    prop_assert_eq!(normal_matdesc(&normal), Some(normal.clone()));
                }
            }
        }
    }
}
