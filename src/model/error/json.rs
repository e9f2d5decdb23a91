//! An error as a JSON object.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use serde::{Serialize, Serializer};

use super::Error;

impl Error {
    /// The error as one JSON object, in one line:
    ///
    /// | field | value |
    /// |---|---|
    /// | `kind` | string: the name of [`Error::kind`], such as `"service"` |
    /// | `kind_number` | number: [`ErrorKind::number`](crate::ErrorKind::number) |
    /// | `code` | string: [`Error::code`], such as `"NoSuchKey"` |
    /// | `message` | string: [`Error::message`] |
    /// | `status` | number: [`Error::status`] |
    /// | `request_id` | string or null |
    /// | `host_id` | string or null |
    /// | `ec` | string or null |
    /// | `errno` | number, or null if there is none |
    /// | `path` | string: the file concerned; U+FFFD replaces what is not UTF-8; or null |
    ///
    /// All fields are always there. A later version may add fields. No field contains a secret.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        // A `Vec` takes everything, and every field has a JSON form.
        let written = Document::from(self).write(&mut text);
        debug_assert!(written.is_ok(), "{written:?}");
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The fields of an error, wherever they are kept.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    pub kind: &'static str,
    pub kind_number: i32,
    pub code: &'a str,
    pub message: &'a str,
    pub status: i64,
    pub request_id: Option<&'a str>,
    pub host_id: Option<&'a str>,
    pub ec: Option<&'a str>,
    pub errno: Option<i32>,
    #[serde(serialize_with = "shown")]
    pub path: Option<&'a Path>,
}

impl Document<'_> {
    /// Writes the object. Allocates nothing.
    pub fn write(&self, to: impl Write) -> serde_json::Result<()> {
        serde_json::to_writer(to, self)
    }
}

fn shown<S: Serializer>(path: &Option<&Path>, to: S) -> Result<S::Ok, S::Error> {
    struct Shown<D>(D);
    impl<D: Display> Serialize for Shown<D> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_str(&self.0)
        }
    }
    path.map(|path| Shown(path.display())).serialize(to)
}

impl<'a> From<&'a Error> for Document<'a> {
    fn from(error: &'a Error) -> Self {
        Document {
            kind: error.kind().as_str(),
            kind_number: error.kind().number(),
            code: error.code(),
            message: error.message(),
            status: error.status(),
            request_id: error.request_id(),
            host_id: error.host_id(),
            ec: error.ec(),
            errno: error.errno(),
            path: error.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt;

    use serde_json::{Value, json};

    use super::*;
    use crate::model::error::ErrorKind;

    fn read(error: &Error) -> Value {
        let text = error.to_json();
        assert!(!text.contains(['\n', '\0']), "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn each_field_is_written_under_its_name() {
        let source = io::Error::from_raw_os_error(libc::EACCES);
        let path = Path::new(OsStr::from_bytes(b"/a/\"b\xff"));
        let error = Error::io("write", path, &source)
            .with_status(-7)
            .with_ids(Some("ID\0".to_owned()), Some("host".to_owned()), Some("0026".to_owned()))
            .with_context("\n");
        assert_eq!(
            read(&error),
            json!({
                "kind": "io",
                "kind_number": 300,
                "code": "LocalIoError",
                "message": format!("{}", error.message()),
                "status": -7,
                "request_id": "ID\0",
                "host_id": "host",
                "ec": "0026",
                "errno": libc::EACCES,
                "path": "/a/\"b\u{fffd}",
            })
        );
    }

    #[test]
    fn what_an_error_does_not_have_is_null() {
        let error = Error::new(ErrorKind::Service, "NoSuchKey", "gone").with_status(404);
        assert_eq!(
            read(&error),
            json!({
                "kind": "service",
                "kind_number": 200,
                "code": "NoSuchKey",
                "message": "gone",
                "status": 404,
                "request_id": null,
                "host_id": null,
                "ec": null,
                "errno": null,
                "path": null,
            })
        );
    }
}
