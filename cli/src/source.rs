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
    /// An `http` or `https` URL. Its query may hold a signature.
    Url(String),
}

impl Source {
    /// Reads a source; the message says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if is_url(text) {
            return Ok(Source::Url(text.to_owned()));
        }
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
            Source::Url(url) => without_secrets(url),
        }
    }

    /// A request for it with every default.
    pub fn request(&self) -> DownloadRequest {
        match self {
            Source::Object { bucket, key } => DownloadRequest::new(bucket, key),
            Source::Url(url) => DownloadRequest::from_url(url),
        }
    }
}

/// Splits `oss://BUCKET/REST`; the rest may be empty.
pub fn bucket_and_rest(text: &str) -> Result<(&str, &str), String> {
    let rest = text.strip_prefix(SCHEME).ok_or_else(|| {
        let shown = without_secrets(text);
        format!("'{shown}' is not a source: oss://BUCKET/KEY or a URL is expected")
    })?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(format!("'{text}' names no bucket"));
    }
    Ok((bucket, key))
}

/// Whether a source is rather a prefix than an object: a bucket, or a key that ends in a slash.
pub fn is_prefix(text: &str) -> bool {
    bucket_and_rest(text).is_ok_and(|(_, key)| key.is_empty() || key.ends_with('/'))
}

pub fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// A URL without its query, which may hold a signature, and without a user and a password.
pub fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
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
    fn a_url_is_shown_without_what_may_be_secret() {
        let source =
            Source::parse("HTTPS://user:S3cret@host/a%20b?Signature=S3cret#x").expect("one");
        assert_eq!(source.name(), "HTTPS://host/a%20b");
        assert_eq!(source.request().default_file_name().ok(), None, "the library takes no user");
        let source = Source::parse("http://host/a%20b?x").expect("a source");
        assert_eq!(source.request().default_file_name().ok().as_deref(), Some("a b"));
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
