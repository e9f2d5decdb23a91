//! Signatures: those of the official SDK are accepted, changed ones are not.

mod support;

use std::time::{Duration, SystemTime};

use local_oss::{Auth, Config, Fault, Key, Object, Server};
use serde_json::Value;

use support::{Client, Reply, element};

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/signatures.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}

/// A signed request as sent over the network.
#[derive(Clone)]
struct Signed {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

impl Signed {
    fn of(vector: &Value) -> Self {
        let target = match vector["expect_url"].as_str() {
            Some(url) => url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap(),
            None => target(vector),
        };
        let headers = vector["expect_headers"].as_object().or(vector["headers"].as_object());
        let own =
            |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
        Signed {
            method: text(vector, "method").to_owned(),
            target,
            headers: headers.unwrap().iter().map(own).collect(),
        }
    }

    fn send(&self, client: &mut Client, host: &str) -> Reply {
        let mut headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.push(("Host", host));
        client.send(&self.method, &self.target, &headers);
        client.reply(self.method == "HEAD")
    }
}

const PATH_ESCAPES: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.');

/// Path and query of a request with a signature in its headers.
fn target(vector: &Value) -> String {
    let escape = |text: &str| percent_encoding::utf8_percent_encode(text, PATH_ESCAPES).to_string();
    let query = vector["query"].as_object().unwrap().iter();
    let pairs: Vec<_> = query
        .map(|(name, value)| format!("{}={}", escape(name), escape(value.as_str().unwrap())))
        .collect();
    format!("/{}?{}", escape(text(vector, "key")), pairs.join("&"))
}

/// A server that knows the vector's key and object, at the vector's time.
fn prepare(server: &Server, vector: &Value) {
    let token = Some(text(vector, "security_token")).filter(|token| !token.is_empty());
    server.set_auth(Auth::Keys(vec![Key {
        id: text(vector, "access_key_id").to_owned(),
        secret: text(vector, "access_key_secret").to_owned(),
        token: token.map(str::to_owned),
        expires: None,
    }]));
    let version = vector["query"]["versionId"].as_str().unwrap_or("V1");
    let object = Object::pattern(16 << 20, 0)
        .version_id(version)
        .etag("5B3C1A2E053D763E1B002CC607C5A0FE1****");
    server.put(text(vector, "bucket"), text(vector, "key"), object);
    server.set_clock(time(vector));
}

fn time(vector: &Value) -> SystemTime {
    let time: jiff::Timestamp = text(vector, "time").parse().unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_second().cast_unsigned())
}

const HOST: &str = "examplebucket.oss-cn-hangzhou.aliyuncs.com";

#[test]
fn every_signature_of_the_official_sdk_is_accepted_at_its_time() {
    let server = Server::start(Config::default()).unwrap();
    server.inject(Fault::ShortBody(u64::MAX));
    let vectors = vectors();
    assert_eq!(vectors.len(), 288);
    for vector in &vectors {
        prepare(&server, vector);
        let reply = Signed::of(vector).send(&mut Client::new(&server), HOST);
        let good = matches!(reply.status, 200 | 206);
        assert!(good, "{}: {} {}", vector["id"], reply.status, explain(&reply));
    }
}

/// The error document, also of a reply to HEAD.
fn explain(reply: &Reply) -> String {
    let header = reply.header("x-oss-err").and_then(|xml| openssl::base64::decode_block(xml).ok());
    let xml = header.and_then(|xml| String::from_utf8(xml).ok()).unwrap_or_else(|| reply.text());
    element(&xml, "Code")
}

/// Changes one character of a signed part.
fn changed(signed: &Signed, what: &str) -> Option<Signed> {
    let mut signed = signed.clone();
    let turn = |text: &str, at: usize| {
        let old = text.as_bytes()[at];
        let new = if old == b'a' { 'b' } else { 'a' };
        format!("{}{new}{}", &text[..at], &text[at + 1..])
    };
    match what {
        "signature" => {
            let names = ["Signature=", "x-oss-signature=", ":"];
            let header = signed.headers.iter_mut().find(|(name, _)| name == "authorization");
            let place = |text: &str| {
                names.iter().filter_map(|name| text.rfind(name).map(|at| at + name.len())).max()
            };
            match header {
                Some((_, value)) => *value = turn(value, place(value)?),
                None => signed.target = turn(&signed.target, place(&signed.target)?),
            }
        }
        "path" => signed.target = turn(&signed.target, 1),
        "x-oss header" => {
            let (_, value) = signed.headers.iter_mut().find(|(name, _)| {
                name.starts_with("x-oss-")
                    && !matches!(name.as_str(), "x-oss-date" | "x-oss-security-token")
            })?;
            *value = turn(value, 0);
        }
        "method" => signed.method = if signed.method == "GET" { "HEAD" } else { "GET" }.to_owned(),
        "query" => {
            let at = signed.target.find("response-expires=")? + "response-expires=".len();
            signed.target = turn(&signed.target, at);
        }
        _ => unreachable!(),
    }
    Some(signed)
}

#[test]
fn one_changed_character_is_refused() {
    let server = Server::start(Config::default()).unwrap();
    let parts = ["signature", "path", "x-oss header", "method", "query"];
    let mut tried = [0; 5];
    for vector in vectors() {
        prepare(&server, &vector);
        for (part, tried) in parts.iter().zip(&mut tried) {
            let Some(signed) = changed(&Signed::of(&vector), part) else { continue };
            let reply = signed.send(&mut Client::new(&server), HOST);
            let refused = matches!(reply.status, 400 | 403);
            assert!(refused, "{} with another {part}: {}", vector["id"], reply.status);
            *tried += 1;
        }
    }
    assert!(tried.iter().all(|count| *count >= 20), "{tried:?}");
}

/// A V4 header, a V1 header, a V4 URL and a V1 URL, all GET, with or without a token.
fn one_of_each(with_token: bool) -> Vec<Value> {
    let all = vectors();
    let fits = |vector: &&Value, kind: &str| {
        text(vector, "kind") == kind
            && text(vector, "method") == "GET"
            && text(vector, "security_token").is_empty() != with_token
    };
    let kinds = ["v4", "v1", "v4-presigned", "v1-presigned"];
    kinds.iter().map(|kind| all.iter().find(|v| fits(v, kind)).unwrap().clone()).collect()
}

fn code(server: &Server, vector: &Value) -> String {
    let reply = Signed::of(vector).send(&mut Client::new(server), HOST);
    if reply.status < 300 { "OK".to_owned() } else { reply.code() }
}

#[test]
fn a_time_more_than_fifteen_minutes_off_gets_the_servers_time() {
    let server = Server::start(Config::default()).unwrap();
    for vector in &one_of_each(false)[..2] {
        prepare(&server, vector);
        server.set_clock(time(vector) + Duration::from_secs(14 * 60));
        assert_eq!(code(&server, vector), "OK");
        server.set_clock(time(vector) + Duration::from_secs(16 * 60));
        let reply = Signed::of(vector).send(&mut Client::new(&server), HOST);
        assert_eq!((reply.status, reply.code().as_str()), (403, "RequestTimeTooSkewed"));
        assert!(element(&reply.text(), "ServerTime").ends_with("Z"));
        assert_eq!(element(&reply.text(), "MaxAllowedSkewMilliseconds"), "900000");

        server.set_clock(time(vector));
        server.inject(Fault::SkewedClock(-3600));
        assert_eq!(code(&server, vector), "RequestTimeTooSkewed");
        server.clear_faults();
    }
}

#[test]
fn a_presigned_url_is_valid_until_it_expires() {
    let server = Server::start(Config::default()).unwrap();
    for vector in &one_of_each(false)[2..] {
        prepare(&server, vector);
        server.set_clock(time(vector) + Duration::from_secs(3590));
        assert_eq!(code(&server, vector), "OK", "{}", vector["id"]);
        server.set_clock(time(vector) + Duration::from_secs(3610));
        assert_eq!(code(&server, vector), "AccessDenied", "{}", vector["id"]);
    }
}

#[test]
fn tokens_must_belong_to_the_key_and_not_be_expired() {
    let server = Server::start(Config::default()).unwrap();
    for vector in one_of_each(true) {
        prepare(&server, &vector);
        assert_eq!(code(&server, &vector), "OK");
        let key = |token: Option<&str>, expires| Key {
            id: text(&vector, "access_key_id").to_owned(),
            secret: text(&vector, "access_key_secret").to_owned(),
            token: token.map(str::to_owned),
            expires,
        };
        let own = Some(text(&vector, "security_token"));
        let moment = Duration::from_secs(60);
        let cases = [
            (key(Some("another"), None), "InvalidSecurityToken"),
            (key(None, None), "InvalidSecurityToken"),
            (key(own, Some(time(&vector) - moment)), "SecurityTokenExpired"),
            (key(own, Some(time(&vector) + moment)), "OK"),
        ];
        for (key, expected) in cases {
            server.set_auth(Auth::Keys(vec![key]));
            assert_eq!(code(&server, &vector), expected, "{}", vector["id"]);
        }
    }
}

#[test]
fn unknown_keys_wrong_secrets_and_wrong_regions_have_their_codes() {
    let server = Server::start(Config::default()).unwrap();
    let elsewhere =
        Server::start(Config { region: "cn-beijing".to_owned(), ..Config::default() }).unwrap();
    for vector in one_of_each(false) {
        prepare(&server, &vector);
        server.set_auth(Auth::key("other", "secret"));
        assert_eq!(code(&server, &vector), "InvalidAccessKeyId");
        server.set_auth(Auth::key(text(&vector, "access_key_id"), "wrong"));
        let reply = Signed::of(&vector).send(&mut Client::new(&server), HOST);
        assert_eq!((reply.status, reply.code().as_str()), (403, "SignatureDoesNotMatch"));
        let shown =
            element(&reply.text(), "StringToSign").replace("&amp;", "&").replace("&quot;", "\"");
        assert_eq!(shown, text(&vector, "string_to_sign"));
        assert!(!reply.text().contains("wrong"), "secrets are not shown");

        prepare(&elsewhere, &vector);
        let expected =
            if text(&vector, "kind").starts_with("v4") { "InvalidArgument" } else { "OK" };
        assert_eq!(code(&elsewhere, &vector), expected);
    }
}

#[test]
fn unsigned_and_unreadable_requests_are_refused() {
    let server =
        Server::start(Config { auth: Auth::key("id", "secret"), ..Config::default() }).unwrap();
    server.put("examplebucket", "key", Object::bytes("1"));
    let get = |headers: &[(&str, &str)], query: &str| {
        let target = format!("/examplebucket/key{query}");
        let reply = Client::new(&server).get(&target, headers);
        (reply.status, reply.code())
    };
    assert_eq!(get(&[], ""), (403, "AccessDenied".to_owned()));
    for bad in ["OSS", "OSS id", "Basic x", "OSS4-HMAC-SHA256 Credential=id", ""] {
        let (status, code) = get(&[("Authorization", bad)], "");
        assert_eq!((status, code.as_str()), (400, "InvalidArgument"), "{bad}");
    }
    assert_eq!(get(&[("Authorization", "OSS id:x")], ""), (403, "AccessDenied".to_owned()));
    let incomplete = "?OSSAccessKeyId=id&Signature=x";
    assert_eq!(get(&[], incomplete), (400, "InvalidArgument".to_owned()));
    assert_eq!(get(&[], "?x-oss-signature=x"), (400, "InvalidArgument".to_owned()));
}
