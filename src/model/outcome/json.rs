//! An outcome as a JSON object.

use std::fmt::Display;
use std::io::Write;

use serde::{Serialize, Serializer};

use super::{Outcome, Statistics};

impl Outcome {
    /// The outcome and its statistics as one JSON object, in one line:
    ///
    /// | field | value |
    /// |---|---|
    /// | `file_path` | string: absolute path of the file; U+FFFD replaces what is not UTF-8 |
    /// | `file_size` | number: size of the file in bytes |
    /// | `object_size` | number: size of the whole object in bytes; of a processed object, the file's |
    /// | `etag` | string without quotes, or null |
    /// | `version_id` | string or null |
    /// | `crc64` | string: CRC-64/XZ of the bytes that were downloaded, in decimal as in `x-oss-hash-crc64ecma`, because not every JSON parser reads integers of 64 bits exactly |
    /// | `object_crc64` | string as `crc64`: the object's, as sent by the service; or null |
    /// | `last_modified` | string: HTTP date; or null |
    /// | `request_id` | string or null |
    /// | `proof` | `"object_crc"`, `"generation"`, `"not_compared"` or `"expected_digest"`: see [`Proof`](crate::Proof) |
    /// | `headers` | array of objects with the strings `name` and `value`: those of the first successful reply, in the service's order and spelling |
    /// | `statistics` | object with the numbers of [`Statistics`] under their names, except that `elapsed` is `elapsed_ms`, in milliseconds |
    ///
    /// All fields are always there. A later version may add fields.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        // A `Vec` takes everything, and every field has a JSON form.
        let written = self.write_json(&mut text);
        debug_assert!(written.is_ok(), "{written:?}");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Writes [`Outcome::to_json`].
    pub(crate) fn write_json(&self, to: impl Write) -> serde_json::Result<()> {
        serde_json::to_writer(to, &Document::from(self))
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(serialize_with = "as_text")]
    file_path: std::path::Display<'a>,
    file_size: u64,
    object_size: u64,
    etag: Option<&'a str>,
    version_id: Option<&'a str>,
    #[serde(serialize_with = "as_text")]
    crc64: u64,
    object_crc64: Option<Decimal>,
    last_modified: Option<&'a str>,
    request_id: Option<&'a str>,
    proof: &'static str,
    headers: Headers<'a>,
    statistics: Figures,
}

#[derive(Serialize)]
struct Decimal(#[serde(serialize_with = "as_text")] u64);

struct Headers<'a>(&'a [(String, String)]);

#[derive(Serialize)]
struct Header<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Figures {
    bytes_from_network: u64,
    bytes_reused: u64,
    bytes_discarded: u64,
    requests: u64,
    connections: u64,
    retries_connect: u64,
    retries_broken: u64,
    retries_timeout: u64,
    retries_service: u64,
    retries_auth: u64,
    retries_reply: u64,
    throttled_ms: u64,
    elapsed_ms: u64,
}

fn as_text<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|(name, value)| Header { name, value }))
    }
}

impl<'a> From<&'a Outcome> for Document<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        Document {
            file_path: outcome.file_path.display(),
            file_size: outcome.file_size,
            object_size: outcome.object_size,
            etag: outcome.etag.as_deref(),
            version_id: outcome.version_id.as_deref(),
            crc64: outcome.crc64,
            object_crc64: outcome.object_crc64.map(Decimal),
            last_modified: outcome.last_modified.as_deref(),
            request_id: outcome.request_id.as_deref(),
            proof: outcome.proof.as_str(),
            headers: Headers(&outcome.headers),
            statistics: Figures::from(&outcome.statistics),
        }
    }
}

impl From<&Statistics> for Figures {
    fn from(statistics: &Statistics) -> Self {
        // Without `..`: a new figure must not be forgotten here.
        let Statistics {
            bytes_from_network,
            bytes_reused,
            bytes_discarded,
            requests,
            connections,
            retries_connect,
            retries_broken,
            retries_timeout,
            retries_service,
            retries_auth,
            retries_reply,
            throttled_ms,
            elapsed,
        } = *statistics;
        Figures {
            bytes_from_network,
            bytes_reused,
            bytes_discarded,
            requests,
            connections,
            retries_connect,
            retries_broken,
            retries_timeout,
            retries_service,
            retries_auth,
            retries_reply,
            throttled_ms,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::time::Duration;

    use super::*;
    use crate::model::outcome::Proof;

    fn outcome() -> Outcome {
        Outcome {
            file_path: OsStr::from_bytes(b"/a/\"b\\\n\xff").into(),
            file_size: 1,
            object_size: 2,
            etag: Some("E\0".to_owned()),
            version_id: None,
            crc64: u64::MAX,
            object_crc64: Some(4),
            last_modified: Some("L".to_owned()),
            request_id: None,
            headers: vec![
                ("ETag".to_owned(), "\"E\"".to_owned()),
                ("x-oss-meta-a".to_owned(), "\u{1F980}".to_owned()),
            ],
            proof: Proof::ObjectCrc,
            content: None,
            statistics: Statistics {
                bytes_from_network: 1,
                bytes_reused: 2,
                bytes_discarded: 3,
                requests: 4,
                connections: 5,
                retries_connect: 6,
                retries_broken: 7,
                retries_timeout: 8,
                retries_service: 9,
                retries_auth: 10,
                retries_reply: 11,
                throttled_ms: 12,
                elapsed: Duration::from_micros(13_999),
            },
        }
    }

    #[test]
    fn each_field_is_written_under_its_name() {
        let text = outcome().to_json();
        assert!(!text.contains(['\n', '\0']), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            read,
            serde_json::json!({
                "file_path": "/a/\"b\\\n\u{fffd}",
                "file_size": 1,
                "object_size": 2,
                "etag": "E\0",
                "version_id": null,
                "crc64": "18446744073709551615",
                "object_crc64": "4",
                "last_modified": "L",
                "request_id": null,
                "proof": "object_crc",
                "headers": [
                    {"name": "ETag", "value": "\"E\""},
                    {"name": "x-oss-meta-a", "value": "\u{1F980}"},
                ],
                "statistics": {
                    "bytes_from_network": 1,
                    "bytes_reused": 2,
                    "bytes_discarded": 3,
                    "requests": 4,
                    "connections": 5,
                    "retries_connect": 6,
                    "retries_broken": 7,
                    "retries_timeout": 8,
                    "retries_service": 9,
                    "retries_auth": 10,
                    "retries_reply": 11,
                    "throttled_ms": 12,
                    "elapsed_ms": 13,
                },
            })
        );
    }
}
