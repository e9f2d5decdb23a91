//! Listings of a bucket ("ListObjectsV2 (GetBucketV2)").

use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use openssl::base64::{decode_block, encode_block};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{OssError, escape};
use super::reply::{Body, Reply};
use crate::address::Address;
use crate::clock::iso_date;
use crate::object::Generation;
use crate::request::Request;
use crate::store::Store;

/// `max-keys` if the request does not have it, and its largest value.
const DEFAULT_MAX_KEYS: usize = 100;
const MAX_KEYS: usize = 1000;
/// What `encoding-type=url` leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Whether a request asks for a listing.
pub(super) fn is_listing(request: &Request, address: &Address) -> bool {
    address.key.is_empty()
        && request.method == "GET"
        && request.parameter("list-type").is_some_and(|version| version == "2")
}

/// One page of a listing.
pub(super) fn list(
    store: &Store,
    request: &Request,
    address: &Address,
    now: Timestamp,
) -> Result<Reply, OssError> {
    let query = Query::read(request)?;
    let page = query.page(store, &address.bucket, now)?;
    let mut reply = Reply::new(200, Body::Bytes(query.xml(&address.bucket, &page).into_bytes()));
    reply.push("Content-Type", "application/xml");
    Ok(reply)
}

/// The parameters of the request.
struct Query<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    start_after: &'a str,
    /// The last entry of the page before.
    continued: Option<String>,
    token: Option<&'a str>,
    max_keys: usize,
    encodes: bool,
}

/// What a page lists, in the order of the names.
#[derive(Default)]
struct Page {
    objects: Vec<(String, Arc<Generation>)>,
    prefixes: Vec<String>,
    last: Option<String>,
    is_truncated: bool,
}

impl<'a> Query<'a> {
    fn read(request: &'a Request) -> Result<Self, OssError> {
        let text = |name| request.parameter(name).unwrap_or_default();
        let token = request.parameter("continuation-token").filter(|token| !token.is_empty());
        let continued = token.map(|token| {
            let bytes = decode_block(token).ok();
            bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
                let message = "The continuation token provided is incorrect.";
                OssError::invalid_argument(message, "continuation-token", token)
            })
        });
        let max_keys = match request.parameter("max-keys") {
            None => DEFAULT_MAX_KEYS,
            Some(text) => {
                let count = text.parse().ok().filter(|count| (1..=MAX_KEYS).contains(count));
                count.ok_or_else(|| {
                    let message = "Argument max-keys must be an integer between 1 and 1000.";
                    OssError::invalid_argument(message, "max-keys", text)
                })?
            }
        };
        let encodes = match text("encoding-type") {
            "" => false,
            "url" => true,
            other => {
                let message = "Invalid Encoding Method specified in Request.";
                return Err(OssError::invalid_argument(message, "encoding-type", other));
            }
        };
        Ok(Query {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            start_after: text("start-after"),
            continued: continued.transpose()?,
            token,
            max_keys,
            encodes,
        })
    }

    fn page(&self, store: &Store, bucket: &str, now: Timestamp) -> Result<Page, OssError> {
        store.notice_files(bucket, now);
        let mut page = Page::default();
        let start = self.continued.as_deref().unwrap_or(self.start_after);
        let mut after = if start < self.prefix {
            Bound::Included(self.prefix.to_owned())
        } else {
            Bound::Excluded(start.to_owned())
        };
        // The objects of a common prefix that was listed do not come again.
        let mut listed = self.continued.clone().filter(|last| self.is_common_prefix(last));
        loop {
            let next = store.next_object(bucket, &after);
            let next = next.map_err(|()| OssError::no_such_bucket(bucket))?;
            let Some((key, generation)) = next.filter(|(key, _)| key.starts_with(self.prefix))
            else {
                return Ok(page);
            };
            after = Bound::Excluded(key.clone());
            if listed.as_ref().is_some_and(|prefix| key.starts_with(prefix)) {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == self.max_keys {
                page.is_truncated = true;
                return Ok(page);
            }
            match self.common_prefix(&key) {
                Some(prefix) => {
                    page.last = Some(prefix.clone());
                    listed = Some(prefix.clone());
                    page.prefixes.push(prefix);
                }
                None => {
                    page.last = Some(key.clone());
                    page.objects.push((key, generation));
                }
            }
        }
    }

    /// The part of a key up to the first delimiter after the prefix.
    fn common_prefix(&self, key: &str) -> Option<String> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(self.prefix)?;
        let end = rest.find(self.delimiter)? + self.delimiter.len();
        Some(format!("{}{}", self.prefix, rest.get(..end)?))
    }

    fn is_common_prefix(&self, name: &str) -> bool {
        self.common_prefix(name).is_some_and(|prefix| prefix == name)
    }

    fn xml(&self, bucket: &str, page: &Page) -> String {
        let mut xml =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult>\n");
        let mut element = |name: &str, value: &str| {
            xml.push_str(&format!("  <{name}>{value}</{name}>\n"));
        };
        element("Name", &escape(bucket));
        element("Prefix", &self.text(self.prefix));
        if !self.start_after.is_empty() {
            element("StartAfter", &self.text(self.start_after));
        }
        if let Some(token) = self.token {
            element("ContinuationToken", &self.text(token));
        }
        element("MaxKeys", &self.max_keys.to_string());
        element("Delimiter", &self.text(self.delimiter));
        if self.encodes {
            element("EncodingType", "url");
        }
        element("IsTruncated", &page.is_truncated.to_string());
        if let Some(last) = page.last.as_ref().filter(|_| page.is_truncated) {
            element("NextContinuationToken", &self.text(&encode_block(last.as_bytes())));
        }
        for (key, generation) in &page.objects {
            xml.push_str(&self.contents(key, generation));
        }
        for prefix in &page.prefixes {
            let prefix = self.text(prefix);
            xml.push_str(&format!(
                "  <CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>\n"
            ));
        }
        let count = page.objects.len() + page.prefixes.len();
        xml.push_str(&format!("  <KeyCount>{count}</KeyCount>\n</ListBucketResult>\n"));
        xml
    }

    fn contents(&self, key: &str, generation: &Generation) -> String {
        let object = generation.object();
        let restored = object.headers.iter().find(|(name, _)| name == "x-oss-restore");
        let restored = restored.map(|(_, value)| escape(value));
        format!(
            "  <Contents>\n    <Key>{}</Key>\n    <LastModified>{}</LastModified>\n    <ETag>\"{}\"</ETag>\n    \
             <Type>{}</Type>\n    <Size>{}</Size>\n    <StorageClass>{}</StorageClass>\n{}  </Contents>\n",
            self.text(key),
            iso_date(generation.last_modified()),
            escape(generation.etag()),
            generation.kind().name(),
            generation.size(),
            escape(&object.storage_class),
            restored
                .map_or(String::new(), |info| format!("    <RestoreInfo>{info}</RestoreInfo>\n")),
        )
    }

    fn text(&self, text: &str) -> String {
        match self.encodes {
            true => utf8_percent_encode(text, ENCODED).to_string(),
            false => escape(text),
        }
    }
}
