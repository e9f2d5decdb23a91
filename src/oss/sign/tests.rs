use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::*;
use crate::model::error::ErrorKind;
use crate::model::options::AddressStyle;
use crate::oss::address::{object_address, with_query};
use crate::oss::endpoint::Endpoint;

type Query = Vec<(String, Option<String>)>;

/// One case of the test vectors, computed by Alibaba's Python SDK.
#[derive(serde::Deserialize)]
struct Vector {
    id: String,
    kind: String,
    method: String,
    bucket: String,
    key: String,
    region: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    additional_headers: Vec<String>,
    time: String,
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
    expires_in_s: Option<u64>,
    expect_headers: Option<BTreeMap<String, String>>,
    expect_url: Option<String>,
}

#[derive(serde::Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

impl Vector {
    fn access_key(&self) -> AccessKey {
        let token = Some(self.security_token.clone()).filter(|token| !token.is_empty());
        AccessKey::new(&self.access_key_id, &self.access_key_secret, token)
    }

    fn query(&self) -> Query {
        self.query.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect()
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.headers.clone().into_iter().collect()
    }

    fn version(&self) -> SignatureVersion {
        if self.kind.starts_with("v4") { SignatureVersion::V4 } else { SignatureVersion::V1 }
    }

    fn signed_headers(&self) -> BTreeMap<String, String> {
        let (key, query, headers) = (self.access_key(), self.query(), self.headers());
        let additional: Vec<&str> = self.additional_headers.iter().map(String::as_str).collect();
        let added = sign(&self.context(&key), &self.unsigned(&query, &headers, &additional));
        let all = headers.into_iter().chain(added.unwrap());
        all.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
    }

    fn presigned_url(&self) -> String {
        let (key, query, headers) = (self.access_key(), self.query(), self.headers());
        let additional: Vec<&str> = self.additional_headers.iter().map(String::as_str).collect();
        let expires = Duration::from_secs(self.expires_in_s.unwrap());
        let request = self.unsigned(&query, &headers, &additional);
        let query = presign(&self.context(&key), &request, expires).unwrap();
        let endpoint = Endpoint::parse("oss-cn-hangzhou.aliyuncs.com").unwrap();
        let address =
            object_address(&endpoint, AddressStyle::Auto, &self.bucket, &self.key).unwrap();
        with_query(&address.url, &query)
    }

    fn context<'a>(&'a self, key: &'a AccessKey) -> SigningContext<'a> {
        SigningContext {
            version: self.version(),
            key,
            region: &self.region,
            time: self.time.parse().unwrap(),
        }
    }

    fn unsigned<'a>(
        &'a self,
        query: &'a [(String, Option<String>)],
        headers: &'a [(String, String)],
        additional_headers: &'a [&'a str],
    ) -> Unsigned<'a> {
        Unsigned {
            method: &self.method,
            bucket: &self.bucket,
            key: &self.key,
            query,
            headers,
            additional_headers,
        }
    }
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../tests/data/signatures.json");
    serde_json::from_str::<Vectors>(text).unwrap().vectors
}

/// The part of a URL before the query, and its parameters, whose order is irrelevant.
fn taken_apart(url: &str) -> (String, BTreeSet<String>) {
    let (path, query) = url.split_once('?').unwrap();
    (path.to_owned(), query.split('&').map(str::to_owned).collect())
}

fn first(kind: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.kind == kind).unwrap()
}

#[test]
fn every_header_signature_is_that_of_the_official_sdk() {
    let signed: Vec<Vector> =
        vectors().into_iter().filter(|vector| vector.expect_headers.is_some()).collect();
    for vector in &signed {
        assert_eq!(Some(vector.signed_headers()), vector.expect_headers, "{}", vector.id);
    }
    let of = |kind| signed.iter().filter(|vector| vector.kind == kind).count();
    assert_eq!((of("v4"), of("v1")), (120, 120));
}

#[test]
fn every_presigned_url_is_that_of_the_official_sdk() {
    let presigned: Vec<Vector> =
        vectors().into_iter().filter(|vector| vector.expect_url.is_some()).collect();
    for vector in &presigned {
        let expected = vector.expect_url.as_deref().unwrap();
        assert_eq!(taken_apart(&vector.presigned_url()), taken_apart(expected), "{}", vector.id);
    }
    let of = |kind| presigned.iter().filter(|vector| vector.kind == kind).count();
    assert_eq!((of("v4-presigned"), of("v1-presigned")), (24, 24));
}

#[test]
fn v4_signs_content_headers_and_oss_headers_but_not_those_the_http_client_adds() {
    let signature = |extra: &[(&str, &str)]| {
        let mut vector = first("v4");
        for (name, value) in extra {
            vector.headers.insert((*name).to_owned(), (*value).to_owned());
        }
        vector.signed_headers()["authorization"].clone()
    };
    let plain = signature(&[]);
    for name in ["Host", "User-Agent", "Accept", "Range", "If-Match"] {
        assert_eq!(signature(&[(name, "x")]), plain, "{name}");
    }
    for name in ["Content-Type", "Content-MD5", "x-oss-anything", "X-OSS-Request-Payer"] {
        assert_ne!(signature(&[(name, "x")]), plain, "{name}");
    }
}

#[test]
fn v1_signs_the_sub_resources_of_the_query_and_nothing_else_of_it() {
    let signature = |parameter: &str| {
        let mut vector = first("v1");
        vector.query.insert(parameter.to_owned(), "x".to_owned());
        vector.signed_headers()["authorization"].clone()
    };
    let plain = first("v1").signed_headers()["authorization"].clone();
    assert_eq!(signature("anything"), plain);
    for name in ["versionId", "response-content-type", "x-oss-process", "x-oss-traffic-limit"] {
        assert_ne!(signature(name), plain, "{name}");
    }
}

#[test]
fn an_empty_token_counts_as_absent() {
    let vector = first("v4");
    let without = vector.signed_headers();
    let key = AccessKey::new(&vector.access_key_id, &vector.access_key_secret, Some(String::new()));
    let added = sign(&vector.context(&key), &vector.unsigned(&[], &[], &[])).unwrap();
    assert!(added.iter().all(|(name, _)| name != "x-oss-security-token"));
    assert_eq!(added.last().unwrap().1, without["authorization"]);
}

#[test]
fn v4_without_a_region_is_refused_before_anything_is_signed() {
    let mut vector = first("v4");
    vector.region = String::new();
    let key = vector.access_key();
    let request = vector.unsigned(&[], &[], &[]);
    for error in [
        sign(&vector.context(&key), &request).unwrap_err(),
        presign(&vector.context(&key), &request, Duration::from_secs(1)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(error.message().contains("region"), "{error}");
    }
}

#[test]
fn a_presigned_url_is_valid_for_at_least_a_second_and_in_v4_for_at_most_a_week() {
    const WEEK: u64 = 7 * 24 * 3600;
    for (kind, seconds, is_valid) in [
        ("v4-presigned", 0, false),
        ("v4-presigned", 1, true),
        ("v4-presigned", WEEK, true),
        ("v4-presigned", WEEK + 1, false),
        ("v1-presigned", 0, false),
        ("v1-presigned", WEEK + 1, true),
        ("v1-presigned", u64::MAX, false),
    ] {
        let vector = first(kind);
        let key = vector.access_key();
        let request = vector.unsigned(&[], &[], &[]);
        let result = presign(&vector.context(&key), &request, Duration::from_secs(seconds));
        assert_eq!(result.is_ok(), is_valid, "{kind} {seconds}");
    }
}

#[test]
fn the_order_of_headers_and_parameters_does_not_change_a_signature() {
    for vector in vectors() {
        let (key, mut query, mut headers) = (vector.access_key(), vector.query(), vector.headers());
        let forward = sign(&vector.context(&key), &vector.unsigned(&query, &headers, &[]));
        query.reverse();
        headers.reverse();
        let backward = sign(&vector.context(&key), &vector.unsigned(&query, &headers, &[]));
        assert_eq!(forward.unwrap(), backward.unwrap(), "{}", vector.id);
    }
}

#[test]
fn a_time_that_cannot_be_formatted_is_an_error() {
    let vector = first("v4");
    let key = vector.access_key();
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let context = SigningContext { version, time: Timestamp::MIN, ..vector.context(&key) };
        assert!(sign(&context, &vector.unsigned(&[], &[], &[])).is_err());
    }
}

proptest! {
    #[test]
    fn a_presigned_url_contains_every_parameter(
        name in "[a-z][ -~]{0,12}", value in any::<String>(), key in "[^\0/\\\\][^\0]{0,40}",
    ) {
        let mut vector = first("v4-presigned");
        vector.key = key;
        vector.query = BTreeMap::from([(name.clone(), value.clone())]);
        let url = vector.presigned_url();
        let (path, parameters) = taken_apart(&url);
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let key = path.strip_prefix("https://examplebucket.oss-cn-hangzhou.aliyuncs.com/").unwrap();
        prop_assert_eq!(decoded(key), vector.key);
        let is_there = parameters.iter().any(|parameter| {
            let (n, v) = parameter.split_once('=').unwrap_or((parameter, ""));
            decoded(n) == name && decoded(v) == value
        });
        prop_assert!(is_there, "{}", url);
    }
}
