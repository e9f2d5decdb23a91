//! V4: `OSS4-HMAC-SHA256` over the whole query and a scope of date and region.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{SigningContext, Unsigned, canonical_headers, join_query, pair, parameter};
use crate::model::error::{Error, Result};
use crate::oss::{clock, crypto, escape};

const ALGORITHM: &str = "OSS4-HMAC-SHA256";
const PRODUCT: &str = "oss";
const TERMINATOR: &str = "aliyun_v4_request";
/// Bodies are not signed; those of GET and HEAD are empty anyway.
const PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const MAX_EXPIRES: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn sign(
    context: &SigningContext<'_>,
    request: &Unsigned<'_>,
) -> Result<Vec<(String, String)>> {
    let scope = Scope::new(context)?;
    let mut added = vec![
        pair("Date", clock::http_date(context.time)?),
        pair("x-oss-date", &scope.time),
        pair("x-oss-content-sha256", PAYLOAD),
    ];
    if let Some(token) = context.token() {
        added.push(pair("x-oss-security-token", token));
    }
    let headers = [request.headers, &added].concat();
    let additional = additional_headers(request);
    let canonical = canonical_request(request, request.query, &headers, &additional);
    let signature = scope.signature(context, &canonical)?;
    let mut authorization = format!("{ALGORITHM} Credential={}/{scope}", context.key.id);
    if !additional.is_empty() {
        authorization.push_str(&format!(",AdditionalHeaders={}", additional.join(";")));
    }
    authorization.push_str(&format!(",Signature={signature}"));
    added.push(pair("Authorization", authorization));
    Ok(added)
}

pub(super) fn presign(
    context: &SigningContext<'_>,
    request: &Unsigned<'_>,
    expires: Duration,
) -> Result<Vec<(String, Option<String>)>> {
    if expires < Duration::from_secs(1) || expires > MAX_EXPIRES {
        return Err(Error::validation("a presigned URL is valid for 1 second to 7 days"));
    }
    let scope = Scope::new(context)?;
    let additional = additional_headers(request);
    let mut query = request.query.to_vec();
    query.push(parameter("x-oss-signature-version", ALGORITHM));
    query.push(parameter("x-oss-date", &scope.time));
    query.push(parameter("x-oss-expires", expires.as_secs().to_string()));
    query.push(parameter("x-oss-credential", format!("{}/{scope}", context.key.id)));
    if let Some(token) = context.token() {
        query.push(parameter("x-oss-security-token", token));
    }
    if !additional.is_empty() {
        query.push(parameter("x-oss-additional-headers", additional.join(";")));
    }
    let canonical = canonical_request(request, &query, request.headers, &additional);
    query.push(parameter("x-oss-signature", scope.signature(context, &canonical)?));
    Ok(query)
}

/// The scope of a signature: a day, a region and the product.
struct Scope<'a> {
    time: String,
    region: &'a str,
}

impl<'a> Scope<'a> {
    fn new(context: &SigningContext<'a>) -> Result<Self> {
        if context.region.is_empty() {
            return Err(Error::validation(
                "V4 signatures need a region, such as cn-hangzhou; set it, or use an endpoint that contains it",
            ));
        }
        Ok(Scope { time: clock::basic_iso8601(context.time)?, region: context.region })
    }

    fn day(&self) -> &str {
        self.time.split('T').next().unwrap_or_default()
    }

    fn signature(&self, context: &SigningContext<'_>, canonical_request: &str) -> Result<String> {
        let hashed = crypto::sha256_hex(canonical_request.as_bytes())?;
        let string_to_sign = format!("{ALGORITHM}\n{}\n{self}\n{hashed}", self.time);
        let mut key = Zeroizing::new(Vec::with_capacity(context.key.secret.len() + 9));
        key.extend_from_slice(b"aliyun_v4");
        key.extend_from_slice(context.key.secret.as_bytes());
        for step in [self.day(), self.region, PRODUCT, TERMINATOR] {
            key = crypto::hmac_sha256(&key, step.as_bytes())?;
        }
        Ok(crypto::hex(&crypto::hmac_sha256(&key, string_to_sign.as_bytes())?))
    }
}

impl std::fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{PRODUCT}/{TERMINATOR}", self.day(), self.region)
    }
}

fn canonical_request(
    request: &Unsigned<'_>,
    query: &[(String, Option<String>)],
    headers: &[(String, String)],
    additional: &[String],
) -> String {
    let mut escaped: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| {
            (escape::component(name), escape::component(value.as_deref().unwrap_or("")))
        })
        .collect();
    escaped.sort();
    format!(
        "{}\n{}\n{}\n{}\n{}\n{PAYLOAD}",
        request.method,
        escape::path(&format!("/{}/{}", request.bucket, request.key)),
        join_query(escaped.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        canonical_headers(headers, |name| {
            is_always_signed(name) || additional.iter().any(|signed| signed == name)
        }),
        additional.join(";"),
    )
}

fn is_always_signed(lower_case_name: &str) -> bool {
    lower_case_name.starts_with("x-oss-")
        || matches!(lower_case_name, "content-type" | "content-md5")
}

/// Lower-case names of the additional headers that are present, sorted.
fn additional_headers(request: &Unsigned<'_>) -> Vec<String> {
    let mut names: Vec<String> = request
        .additional_headers
        .iter()
        .map(|name| name.to_ascii_lowercase())
        .filter(|name| !is_always_signed(name))
        .filter(|name| !super::header(request.headers, name).is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}
