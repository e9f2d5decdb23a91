//! Whether a reply is the requested one. Pure; every reply is checked here before a byte of it is written.

use std::ops::Range;

use crate::model::pinning::Pinning;
use crate::oss::envelope;
use crate::oss::reply::{ContentRange, ReplyHead};

/// An unknown end of a body or size of an object.
pub const UNKNOWN: u64 = u64::MAX;

/// The flaw of a reply that is not a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is of another generation of the object.
    Changed(String),
    /// The whole object was sent although a range was requested.
    RangeIgnored,
    /// It contradicts the request or itself.
    Contradiction(String),
    /// It lacks something that every reply of OSS has.
    Incomplete(String),
    /// It is not an HTTP reply.
    Unreadable(String),
}

impl Flaw {
    /// Whether the first reply of a service may always have this flaw by design. No service is designed to contradict
    /// itself or to send something other than HTTP: that is a fault, which may be over at the next attempt.
    pub fn is_by_design(&self) -> bool {
        matches!(self, Flaw::RangeIgnored | Flaw::Incomplete(_))
    }
}

/// One generation of an object, with which every later reply is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// ETag without quotes, or a weak one as sent; without one nothing can be pinned.
    pub etag: Option<String>,
    /// Size of the whole object in bytes, or [`UNKNOWN`] while a processed object is sent without its length.
    pub size: u64,
    /// CRC-64 of the whole object.
    pub crc64: Option<u64>,
    /// The version id that the service sent.
    pub version_id: Option<String>,
    /// As sent.
    pub last_modified: Option<String>,
    /// Bytes may be appended to the object, but the existing ones do not change.
    pub appendable: bool,
    /// Its bytes may be encrypted: the reply has metadata of client-side encryption, or they do not matter.
    pub encrypted: bool,
}

impl Generation {
    /// Whether the ETag is a weak one.
    pub fn has_weak_etag(&self) -> bool {
        self.etag.as_ref().is_some_and(|etag| etag.starts_with("W/\""))
    }
}

/// The contents of the first reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstReply {
    /// The object's generation.
    pub generation: Generation,
    /// The bytes in its body.
    pub body: Range<u64>,
    /// The service sent the whole object to a ranged request: it ignores ranges.
    pub ranges_ignored: bool,
}

/// Checks OSS's reply to the first request for `first..=last` (`None`: without a range).
pub fn first_reply(head: &ReplyHead, asked: Option<(u64, u64)>) -> Result<FirstReply, Flaw> {
    body_length(head)?;
    require_oss_header(head)?;
    object_reply(head, asked)
}

/// Checks the reply of any server to the first request for `first..=last` (`None`: without a range).
///
/// A body without a length is accepted if it is chunked. A whole object within the range does not show that ranges are
/// ignored: OSS sends it if the range, without `x-oss-range-behavior`, ends beyond the object.
pub fn first_url_reply(head: &ReplyHead, asked: Option<(u64, u64)>) -> Result<FirstReply, Flaw> {
    if head.status == 200 && content_length(head)?.is_none() && head.transfer_coding().is_some() {
        if asked.is_some_and(|(first, _)| first != 0) {
            return Err(Flaw::RangeIgnored);
        }
        return Ok(FirstReply { ranges_ignored: true, ..stream_reply(head)? });
    }
    let mut reply = object_reply(head, asked)?;
    let end = asked.map_or(u64::MAX, |(_, last)| last.saturating_add(1));
    reply.ranges_ignored &= reply.generation.size > end;
    Ok(reply)
}

fn object_reply(head: &ReplyHead, asked: Option<(u64, u64)>) -> Result<FirstReply, Flaw> {
    let length = body_length(head)?;
    match (head.status, asked) {
        (206, Some((first, last))) => {
            let (body, total) = ranged_body(head, length)?;
            if body.start != first || body.end > last.saturating_add(1) || body.end > total {
                return Err(Flaw::Contradiction(format!(
                    "bytes {first}-{last} were requested, but the reply contains {}-{} of {total}",
                    body.start,
                    body.end.saturating_sub(1)
                )));
            }
            if body.end < last.saturating_add(1).min(total) {
                return Err(Flaw::Contradiction(format!(
                    "bytes {first}-{last} of {total} were requested, but the reply ends at {}",
                    body.end.saturating_sub(1)
                )));
            }
            Ok(FirstReply { generation: generation(head, total), body, ranges_ignored: false })
        }
        // An empty object has no bytes that a range could select.
        (200, Some((first, _))) if first != 0 && length != Some(0) => Err(Flaw::RangeIgnored),
        (200, asked) => {
            let size = length.ok_or_else(|| {
                Flaw::Incomplete("the reply does not contain the size of the object".to_owned())
            })?;
            Ok(FirstReply {
                generation: generation(head, size),
                body: 0..size,
                ranges_ignored: asked.is_some() && size > 0,
            })
        }
        (status, _) => Err(Flaw::Contradiction(format!("unexpected status {status}"))),
    }
}

/// Checks the reply to a request without a range for a processed object (`x-oss-process`), whose bytes are not the
/// stored ones. A CRC-64 in it is that of the stored ones.
pub fn processed_reply(head: &ReplyHead) -> Result<FirstReply, Flaw> {
    body_length(head)?;
    require_oss_header(head)?;
    let FirstReply { generation, body, ranges_ignored } = stream_reply(head)?;
    Ok(FirstReply { generation: Generation { crc64: None, ..generation }, body, ranges_ignored })
}

/// Checks a reply to a request without a range, whose body may be chunked.
fn stream_reply(head: &ReplyHead) -> Result<FirstReply, Flaw> {
    let length = body_length(head)?;
    if head.status != 200 {
        return Err(Flaw::Contradiction(format!("unexpected status {}", head.status)));
    }
    let size = match (length, head.transfer_coding()) {
        (Some(size), None) => size,
        (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => UNKNOWN,
        // The connection may have ended before the body did.
        (None, None) => {
            return Err(Flaw::Incomplete(
                "it has no length and is not chunked, so that nothing shows whether it is complete"
                    .to_owned(),
            ));
        }
        (length, Some(coding)) => {
            return Err(Flaw::Contradiction(format!(
                "Transfer-Encoding {coding:?} with Content-Length {length:?}"
            )));
        }
    };
    Ok(FirstReply { generation: generation(head, size), body: 0..size, ranges_ignored: false })
}

/// Checks the reply to a HEAD.
pub fn head_reply(head: &ReplyHead) -> Result<Generation, Flaw> {
    require_oss_header(head)?;
    if head.status != 200 {
        return Err(Flaw::Contradiction(format!("unexpected status {}", head.status)));
    }
    let size = content_length(head)?.ok_or_else(|| {
        Flaw::Incomplete("the reply does not contain the size of the object".to_owned())
    })?;
    Ok(generation(head, size))
}

/// Checks the reply of any server to a request for one byte, which is sent in place of a HEAD: a signature may not
/// cover that method.
pub fn probe_reply(head: &ReplyHead) -> Result<Generation, Flaw> {
    let length = body_length(head)?;
    match (head.status, length) {
        (206, _) => Ok(generation(head, ranged_body(head, length)?.1)),
        (200, Some(size)) => Ok(generation(head, size)),
        (200, None) => {
            Err(Flaw::Incomplete("the reply does not contain the size of the object".to_owned()))
        }
        (status, _) => Err(Flaw::Contradiction(format!("unexpected status {status}"))),
    }
}

/// Checks the reply to a request for a page of a listing.
pub fn list_reply(head: &ReplyHead) -> Result<(), Flaw> {
    body_length(head)?;
    require_oss_header(head)?;
    match head.status {
        200 => Ok(()),
        status => Err(Flaw::Contradiction(format!("unexpected status {status}"))),
    }
}

/// Checks the reply to a later request for exactly `asked` of `pinned`.
pub fn later_reply(
    head: &ReplyHead,
    asked: &Range<u64>,
    pinned: &Generation,
    pinning: Pinning,
) -> Result<(), Flaw> {
    let length = body_length(head)?;
    match head.status {
        206 => {}
        200 => return Err(Flaw::RangeIgnored),
        status => return Err(Flaw::Contradiction(format!("unexpected status {status}"))),
    }
    let (body, total) = ranged_body(head, length)?;
    continues(&generation(head, total), pinned, pinning)?;
    if body != *asked {
        return Err(Flaw::Contradiction(format!(
            "bytes {}-{} were requested, but the reply contains {}-{}",
            asked.start,
            asked.end.saturating_sub(1),
            body.start,
            body.end.saturating_sub(1)
        )));
    }
    Ok(())
}

/// Whether bytes of `seen` may be combined with those of `expected`, which are pinned by `pinning`.
pub fn continues(seen: &Generation, expected: &Generation, pinning: Pinning) -> Result<(), Flaw> {
    if seen.encrypted && !expected.encrypted {
        // Whether the bytes are decrypted was decided without these metadata.
        return Err(Flaw::Changed(
            "an earlier reply had no metadata of client-side encryption".to_owned(),
        ));
    }
    match pinning {
        Pinning::IfMatch => same_generation(seen, expected),
        Pinning::Comparison => {
            same_generation(seen, expected)?;
            same_if_known("Last-Modified", &seen.last_modified, &expected.last_modified)
        }
        Pinning::Growth if seen.size > expected.size && seen.appendable => {
            same_if_known("version", &seen.version_id, &expected.version_id)
        }
        Pinning::Growth => same_generation(seen, expected),
    }
}

fn changed(what: &str, seen: &str, expected: &str) -> Result<(), Flaw> {
    Err(Flaw::Changed(format!("{what} was {expected} and is {seen}")))
}

fn same_if_known<T: PartialEq + ToString>(
    what: &str,
    seen: &Option<T>,
    expected: &Option<T>,
) -> Result<(), Flaw> {
    match (seen, expected) {
        (Some(seen), Some(expected)) if seen != expected => {
            changed(what, &seen.to_string(), &expected.to_string())
        }
        _ => Ok(()),
    }
}

/// Whether `seen` is the generation `expected`; fields that one side lacks are not compared.
fn same_generation(seen: &Generation, expected: &Generation) -> Result<(), Flaw> {
    if seen.size != expected.size {
        return changed("size", &seen.size.to_string(), &expected.size.to_string());
    }
    if let Some(etag) = &expected.etag {
        match &seen.etag {
            Some(other) if other == etag => {}
            Some(other) => return changed("ETag", other, etag),
            None => return changed("ETag", "missing", etag),
        }
    }
    same_if_known("version", &seen.version_id, &expected.version_id)?;
    same_if_known("CRC-64", &seen.crc64, &expected.crc64)
}

fn generation(head: &ReplyHead, size: u64) -> Generation {
    Generation {
        etag: head.etag().or_else(|| head.weak_etag()).map(str::to_owned),
        size,
        crc64: head.crc64(),
        version_id: head.version_id().map(str::to_owned),
        last_modified: head.last_modified().map(str::to_owned),
        appendable: head.is_appendable(),
        encrypted: envelope::is_encrypted(head),
    }
}

fn content_length(head: &ReplyHead) -> Result<Option<u64>, Flaw> {
    // A length equal to [`UNKNOWN`] would make every end of the body valid.
    let length = head.content_length().ok().filter(|length| *length != Some(UNKNOWN));
    length.ok_or_else(|| {
        Flaw::Contradiction(format!(
            "unreadable Content-Length {:?}",
            head.get("content-length").unwrap_or_default()
        ))
    })
}

/// The bytes in a 206 and the object's size.
fn ranged_body(head: &ReplyHead, length: Option<u64>) -> Result<(Range<u64>, u64), Flaw> {
    let (first, last, total) = match head.content_range() {
        Ok(Some(ContentRange::Satisfied { first, last, total: Some(total) })) => {
            (first, last, total)
        }
        Ok(Some(ContentRange::Satisfied { total: None, .. })) => {
            return Err(Flaw::Incomplete(
                "its Content-Range does not contain the size of the object".to_owned(),
            ));
        }
        Ok(None) => return Err(Flaw::Incomplete("206 without Content-Range".to_owned())),
        Ok(Some(ContentRange::Unsatisfied { .. })) | Err(_) => {
            return Err(Flaw::Contradiction(format!(
                "unusable Content-Range {:?}",
                head.get("content-range").unwrap_or_default()
            )));
        }
    };
    let end = last.checked_add(1).filter(|end| first < *end && *end <= total && total != UNKNOWN);
    let Some(end) = end else {
        return Err(Flaw::Contradiction(format!(
            "impossible Content-Range {first}-{last}/{total}"
        )));
    };
    if length.is_some_and(|length| length != end - first) {
        return Err(Flaw::Contradiction(format!(
            "Content-Range {first}-{last} with Content-Length {}",
            length.unwrap_or_default()
        )));
    }
    Ok((first..end, total))
}

/// Refuses a page that a proxy or a network's login page sent instead of the object: OSS marks each of its replies.
/// Later replies need no such check, because they have the ETag of the first.
fn require_oss_header(head: &ReplyHead) -> Result<(), Flaw> {
    if head.headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("x-oss-")) {
        return Ok(());
    }
    Err(Flaw::Incomplete(
        "it has no x-oss header, so it came from a proxy or another server, not from OSS"
            .to_owned(),
    ))
}

/// The length of the body, if the reply has one, which must not be that of compressed bytes.
fn body_length(head: &ReplyHead) -> Result<Option<u64>, Flaw> {
    let length = content_length(head)?;
    refuse_transfer_compression(head, length)?;
    Ok(length)
}

/// Refuses a body that was compressed in transit: without a length it does not consist of the stored bytes. An object
/// *stored* with a Content-Encoding is sent with its length and saved as it is stored.
fn refuse_transfer_compression(head: &ReplyHead, length: Option<u64>) -> Result<(), Flaw> {
    match head.content_coding() {
        Some(coding) if length.is_none() => Err(Flaw::Contradiction(format!(
            "the object was compressed in transit ({coding}) although the request did not allow it"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
