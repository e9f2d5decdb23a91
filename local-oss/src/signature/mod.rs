//! Verification of request signatures, written from the OSS documents without shared code.
//!
//! Sources: "Include a V4 signature in the Authorization header", "Include a V4 signature in a URL",
//! "Include a V1 signature in the Authorization header", "Add signatures to URLs".

mod v1;
mod v4;

use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use crate::address::Address;
use crate::clock::{parse_compact_date, parse_http_date, timestamp};
use crate::config::Key;
use crate::request::Request;

/// Error `RequestTimeTooSkewed`, element `MaxAllowedSkewMilliseconds`.
pub(crate) const MAX_SKEW_MS: i64 = 900_000;

/// The reason why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No signature at all.
    Unsigned,
    /// A signature that cannot be parsed; the text names the wrong part.
    Malformed(&'static str),
    /// No valid `Date` or `x-oss-date`.
    NoDate,
    /// The access key id is unknown, or temporary and sent without its token.
    UnknownKey(String),
    /// The token does not belong to the key.
    WrongToken,
    /// The token has expired.
    TokenExpired,
    /// A V4 scope for another region.
    WrongRegion,
    /// The request's time differs too much from the server's.
    Skewed { request_time: Timestamp },
    /// A presigned URL that has expired.
    UrlExpired,
    /// The signature differs from the one computed here.
    Mismatch { key_id: String, provided: String, string_to_sign: String },
}

/// The data of a request's signature, in any of the four forms.
struct Claim {
    key_id: String,
    token: Option<String>,
    signature: String,
    /// The string to sign, computed from the received request.
    string_to_sign: String,
    scheme: Scheme,
    validity: Validity,
}

enum Scheme {
    V1,
    V4 { scope: v4::Scope },
}

/// The time in which a signature is valid.
enum Validity {
    /// Around the request's time.
    Near(Timestamp),
    /// Between two times: presigned URLs.
    Between(Timestamp, Timestamp),
}

/// Accepts `request` if it has a signature with one of `keys` that is valid at `now` in `region`.
pub(crate) fn verify(
    request: &Request,
    address: &Address,
    keys: &[Key],
    region: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let claim = read_claim(request, address)?;
    let key = keys.iter().find(|key| key.id == claim.key_id);
    let key = key.ok_or_else(|| Refusal::UnknownKey(claim.key_id.clone()))?;
    check_token(key, &claim, now)?;
    if let Scheme::V4 { scope } = &claim.scheme
        && scope.region != region
    {
        return Err(Refusal::WrongRegion);
    }
    check_time(&claim.validity, now)?;
    let expected = match &claim.scheme {
        Scheme::V1 => v1::signature(&key.secret, &claim.string_to_sign),
        Scheme::V4 { scope } => v4::signature(&key.secret, scope, &claim.string_to_sign),
    };
    if expected.is_some_and(|expected| expected == claim.signature) {
        return Ok(());
    }
    Err(Refusal::Mismatch {
        key_id: claim.key_id,
        provided: claim.signature,
        string_to_sign: claim.string_to_sign,
    })
}

fn read_claim(request: &Request, address: &Address) -> Result<Claim, Refusal> {
    if let Some(authorization) = request.header("authorization") {
        return match authorization.split_once(' ') {
            Some((v4::ALGORITHM, fields)) => v4::header_claim(fields, request, address),
            Some(("OSS", fields)) => v1::header_claim(fields, request, address),
            _ => Err(Refusal::Malformed("Authorization header is invalid.")),
        };
    }
    if request.parameter("x-oss-signature").is_some() {
        return v4::url_claim(request, address);
    }
    if request.parameter("Signature").is_some() {
        return v1::url_claim(request, address);
    }
    Err(Refusal::Unsigned)
}

fn check_token(key: &Key, claim: &Claim, now: Timestamp) -> Result<(), Refusal> {
    match (&key.token, &claim.token) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Refusal::UnknownKey(key.id.clone())),
        (known, given) if known != given => Err(Refusal::WrongToken),
        _ if key.expires.is_some_and(|end| timestamp(end) <= now) => Err(Refusal::TokenExpired),
        _ => Ok(()),
    }
}

fn check_time(validity: &Validity, now: Timestamp) -> Result<(), Refusal> {
    let skew = |time: &Timestamp| time.as_millisecond() - now.as_millisecond();
    match validity {
        Validity::Near(time) if skew(time).abs() > MAX_SKEW_MS => {
            Err(Refusal::Skewed { request_time: *time })
        }
        Validity::Between(start, _) if skew(start) > MAX_SKEW_MS => {
            Err(Refusal::Skewed { request_time: *start })
        }
        Validity::Between(_, end) if *end < now => Err(Refusal::UrlExpired),
        _ => Ok(()),
    }
}

/// The time in a signed header: `x-oss-date`, or else `Date`, in either format.
fn header_time(request: &Request) -> Option<Timestamp> {
    let text = request.header("x-oss-date").or_else(|| request.header("date"))?;
    parse_compact_date(text).or_else(|| parse_http_date(text))
}

fn seconds_later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(time)
}

/// `x-oss-…` headers and those that `also` accepts: lower-case name and value, sorted.
fn signed_headers(request: &Request, also: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let named =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let mut headers: Vec<_> =
        named.filter(|(name, _)| name.starts_with("x-oss-") || also(name)).collect();
    headers.sort();
    headers
}

fn hmac(digest: MessageDigest, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let key = PKey::hmac(key).ok()?;
    Signer::new(digest, &key).ok()?.sign_oneshot_to_vec(message).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
