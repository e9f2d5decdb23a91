//! V4: HMAC-SHA256 over the whole request, with a key for one day, region and product.

use jiff::Timestamp;
use openssl::hash::{MessageDigest, hash};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Claim, Refusal, Scheme, Validity, header_time, hex, hmac, seconds_later, signed_headers,
};
use crate::address::Address;
use crate::clock::{compact_date, parse_compact_date};
use crate::request::Request;

/// First word of the `Authorization` header, and of the string to sign.
pub(super) const ALGORITHM: &str = "OSS4-HMAC-SHA256";
/// The only payload that OSS accepts: "x-oss-content-sha256 … valid value: UNSIGNED-PAYLOAD".
const PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// Seven days, the longest validity of a URL.
const MAX_URL_SECONDS: i64 = 604_800;

/// RFC 3986's unreserved characters are not escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// `date/region/product/aliyun_v4_request`, the part of the credential from which the signing key is derived.
pub(super) struct Scope {
    date: String,
    pub(super) region: String,
    product: String,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/aliyun_v4_request", self.date, self.region, self.product)
    }
}

/// Parses `Credential=…,AdditionalHeaders=…,Signature=…`.
pub(super) fn header_claim(
    fields: &str,
    request: &Request,
    address: &Address,
) -> Result<Claim, Refusal> {
    let field = |name: &str| {
        let parts = fields.split(',').filter_map(|part| part.trim().split_once('='));
        parts.into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    };
    let malformed = Refusal::Malformed("Authorization header is invalid.");
    let (Some(credential), Some(signature)) = (field("Credential"), field("Signature")) else {
        return Err(malformed);
    };
    if request.header("x-oss-content-sha256") != Some(PAYLOAD) {
        return Err(Refusal::Malformed("x-oss-content-sha256 must be UNSIGNED-PAYLOAD."));
    }
    let (id, scope) = read_credential(credential).ok_or(malformed)?;
    let time = header_time(request).ok_or(Refusal::NoDate)?;
    let additional = field("AdditionalHeaders").unwrap_or_default();
    Ok(Claim {
        key_id: id,
        token: request.header("x-oss-security-token").map(str::to_owned),
        signature: signature.to_owned(),
        string_to_sign: string_to_sign(request, address, additional, time, &scope),
        scheme: Scheme::V4 { scope },
        validity: Validity::Near(time),
    })
}

/// Parses the `x-oss-…` parameters of a presigned URL.
pub(super) fn url_claim(request: &Request, address: &Address) -> Result<Claim, Refusal> {
    let parameter = |name| request.parameter(name);
    if parameter("x-oss-signature-version") != Some(ALGORITHM) {
        return Err(Refusal::Malformed("x-oss-signature-version is invalid."));
    }
    let credential = parameter("x-oss-credential").and_then(read_credential);
    let (id, scope) = credential.ok_or(Refusal::Malformed("x-oss-credential is invalid."))?;
    let time = parameter("x-oss-date").and_then(parse_compact_date).ok_or(Refusal::NoDate)?;
    let life = parameter("x-oss-expires").and_then(|text| text.parse::<i64>().ok());
    let life = life.filter(|seconds| (1..=MAX_URL_SECONDS).contains(seconds));
    let life = life.ok_or(Refusal::Malformed("x-oss-expires is invalid."))?;
    let additional = parameter("x-oss-additional-headers").unwrap_or_default();
    Ok(Claim {
        key_id: id,
        token: parameter("x-oss-security-token").map(str::to_owned),
        signature: parameter("x-oss-signature").unwrap_or_default().to_owned(),
        string_to_sign: string_to_sign(request, address, additional, time, &scope),
        scheme: Scheme::V4 { scope },
        validity: Validity::Between(time, seconds_later(time, life)),
    })
}

/// Hex of the HMAC-SHA256 with the scope's key.
pub(super) fn signature(secret: &str, scope: &Scope, string_to_sign: &str) -> Option<String> {
    let first = format!("aliyun_v4{secret}").into_bytes();
    let steps = [&scope.date, &scope.region, &scope.product, "aliyun_v4_request", string_to_sign];
    let digest = steps
        .iter()
        .try_fold(first, |key, step| hmac(MessageDigest::sha256(), &key, step.as_bytes()))?;
    Some(hex(&digest))
}

fn read_credential(credential: &str) -> Option<(String, Scope)> {
    let parts: Vec<_> = credential.split('/').collect();
    let [id, date, region, product, "aliyun_v4_request"] = parts[..] else { return None };
    let scope =
        Scope { date: date.to_owned(), region: region.to_owned(), product: product.to_owned() };
    Some((id.to_owned(), scope))
}

fn string_to_sign(
    request: &Request,
    address: &Address,
    additional: &str,
    time: Timestamp,
    scope: &Scope,
) -> String {
    let canonical = canonical_request(request, address, additional);
    let digest = hash(MessageDigest::sha256(), canonical.as_bytes());
    let digest = digest.map(|digest| hex(&digest)).unwrap_or_default();
    format!("{ALGORITHM}\n{}\n{scope}\n{digest}", compact_date(time))
}

fn canonical_request(request: &Request, address: &Address, additional: &str) -> String {
    let path = format!("/{}/{}", address.bucket, address.key);
    let path = utf8_percent_encode(&path, ESCAPED_IN_PATH);
    let names: Vec<_> = additional.split(';').filter(|name| !name.is_empty()).collect();
    let always = ["content-type", "content-md5"];
    let headers = signed_headers(request, |name| always.contains(&name) || names.contains(&name));
    let headers: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let query = canonical_query(request);
    format!("{}\n{path}\n{query}\n{headers}\n{additional}\n{PAYLOAD}", request.method)
}

/// Every parameter except the signature, escaped and sorted.
fn canonical_query(request: &Request) -> String {
    let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let parameters = request.query.iter().filter(|(name, _)| name != "x-oss-signature");
    let mut pairs: Vec<_> = parameters.map(|(name, value)| (escape(name), escape(value))).collect();
    pairs.sort();
    let pairs = pairs.into_iter().map(|(name, value)| match value.as_str() {
        "" => name,
        value => format!("{name}={value}"),
    });
    pairs.collect::<Vec<_>>().join("&")
}
