//! What a download reads from.

use oss_resumable::DownloadRequest;

const SCHEME: &str = "oss://";

/// The source of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `oss://BUCKET/KEY`
    Object {
        /// The bucket.
        bucket: String,
        /// The key, as it is.
        key: String,
    },
}

impl Source {
    /// Reads a source; the message says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (bucket, key) = bucket_and_rest(text)?;
        if key.is_empty() {
            return Err(format!(
                "'{text}' names a bucket and no object: oss://BUCKET/KEY is expected"
            ));
        }
        Ok(Source::Object { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// Its name in messages and results, without anything secret.
    pub fn name(&self) -> String {
        match self {
            Source::Object { bucket, key } => format!("{SCHEME}{bucket}/{key}"),
        }
    }

    /// A request for it with every default.
    pub fn request(&self) -> DownloadRequest {
        match self {
            Source::Object { bucket, key } => DownloadRequest::new(bucket, key),
        }
    }
}

/// Splits `oss://BUCKET/REST`; the rest may be empty.
pub fn bucket_and_rest(text: &str) -> Result<(&str, &str), String> {
    let rest = text.strip_prefix(SCHEME).ok_or_else(|| {
        format!("'{}' is not a source: oss://BUCKET/KEY is expected", shown(text))
    })?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(format!("'{text}' names no bucket"));
    }
    Ok((bucket, key))
}

/// A text that may be a URL, without its query, which may hold a signature.
fn shown(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_its_bucket_and_its_key_as_it_is() {
        let source = Source::parse("oss://bucket/dir/a%20b?c#d").expect("a source");
        let expected = Source::Object { bucket: "bucket".into(), key: "dir/a%20b?c#d".into() };
        assert_eq!(source, expected);
        assert_eq!(source.name(), "oss://bucket/dir/a%20b?c#d");
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in ["", "file", "oss:/bucket/key", "oss://", "oss:///key", "oss://b", "oss://b/"]
        {
            assert!(Source::parse(wrong).is_err(), "{wrong}");
        }
        let message = Source::parse("ftp://host/a?Signature=S3cret").expect_err("a scheme");
        assert!(!message.contains("S3cret"), "{message}");
    }
}
