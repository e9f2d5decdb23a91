//! V1: HMAC-SHA1 over a few headers and the resource.

use openssl::base64::encode_block;
use openssl::hash::MessageDigest;

use super::{Claim, Refusal, Scheme, Validity, header_time, hmac, signed_headers};
use crate::address::Address;
use crate::request::Request;

/// Query parameters that belong to the resource, besides all that start with `x-oss-` or `response-`.
///
/// From the list in "Include a V1 signature in the Authorization header", those that apply to reading an
/// object and to listing a bucket.
const SUB_RESOURCES: [&str; 10] = [
    "acl",
    "callback",
    "callback-var",
    "continuation-token",
    "objectMeta",
    "security-token",
    "symlink",
    "tagging",
    "versionId",
    "img",
];

/// Parameters of the signature itself; they must not include a name with `x-oss-`.
const URL_PARAMETERS: [&str; 3] = ["OSSAccessKeyId", "Expires", "Signature"];

/// Parses `Authorization: OSS id:signature`.
pub(super) fn header_claim(
    fields: &str,
    request: &Request,
    address: &Address,
) -> Result<Claim, Refusal> {
    let (id, signature) = fields
        .trim()
        .split_once(':')
        .ok_or(Refusal::Malformed("Authorization header is invalid."))?;
    let time = header_time(request).ok_or(Refusal::NoDate)?;
    let date = request.header("x-oss-date").or_else(|| request.header("date"));
    Ok(Claim {
        key_id: id.to_owned(),
        token: request.header("x-oss-security-token").map(str::to_owned),
        signature: signature.to_owned(),
        string_to_sign: string_to_sign(request, address, date.unwrap_or_default()),
        scheme: Scheme::V1,
        validity: Validity::Near(time),
    })
}

/// Parses `OSSAccessKeyId`, `Expires` (seconds since 1970) and `Signature` from the query.
pub(super) fn url_claim(request: &Request, address: &Address) -> Result<Claim, Refusal> {
    let missing = Refusal::Malformed(
        "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters",
    );
    let [Some(id), Some(expires), Some(signature)] =
        URL_PARAMETERS.map(|name| request.parameter(name))
    else {
        return Err(missing);
    };
    let end = expires.parse().ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    Ok(Claim {
        key_id: id.to_owned(),
        token: request.parameter("security-token").map(str::to_owned),
        signature: signature.to_owned(),
        string_to_sign: string_to_sign(request, address, expires),
        scheme: Scheme::V1,
        validity: Validity::Between(jiff::Timestamp::MIN, end.ok_or(missing)?),
    })
}

/// Base64 of the HMAC-SHA1.
pub(super) fn signature(secret: &str, string_to_sign: &str) -> Option<String> {
    let digest = hmac(MessageDigest::sha1(), secret.as_bytes(), string_to_sign.as_bytes())?;
    Some(encode_block(&digest))
}

fn string_to_sign(request: &Request, address: &Address, date: &str) -> String {
    let header = |name| request.header(name).unwrap_or_default();
    let mut text = format!(
        "{}\n{}\n{}\n{date}\n",
        request.method,
        header("content-md5"),
        header("content-type")
    );
    for (name, value) in signed_headers(request, |_| false) {
        text.push_str(&format!("{name}:{value}\n"));
    }
    text.push_str(&resource(request, address));
    text
}

/// `/bucket/key?sub-resources`, not escaped.
fn resource(request: &Request, address: &Address) -> String {
    let mut parameters: Vec<_> = request.query.iter().filter(|(n, _)| is_sub_resource(n)).collect();
    parameters.sort();
    let pairs = parameters.iter().map(|(name, value)| match value.as_str() {
        "" => name.clone(),
        value => format!("{name}={value}"),
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    let separator = if query.is_empty() { "" } else { "?" };
    format!("/{}/{}{separator}{query}", address.bucket, address.key)
}

fn is_sub_resource(name: &str) -> bool {
    SUB_RESOURCES.contains(&name) || name.starts_with("x-oss-") || name.starts_with("response-")
}
