use proptest::prelude::*;

use super::*;
use crate::model::error::ErrorKind;

const OBJECT: &str = "oss://bkt/dir/key";

fn head(status: u16, headers: &[&str]) -> ReplyHead {
    let mut head = ReplyHead::default();
    head.push_line(format!("HTTP/1.1 {status} Text\r\n").as_bytes());
    for header in headers {
        head.push_line(header.as_bytes());
    }
    head
}

fn document(code: &str, message: &str, more: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>")
}

fn answered(status: u16, code: &str, message: &str, more: &str) -> ServiceError {
    parse(&head(status, &[]), document(code, message, more).as_bytes())
}

fn reported(status: u16, code: &str, message: &str, more: &str) -> String {
    answered(status, code, message, more).into_error(OBJECT, None).message().to_owned()
}

#[test]
fn the_document_in_the_body_is_read() {
    let more = "<RequestId>534B</RequestId><HostId>bkt.example.com</HostId><EC>0026-00000001</EC>";
    let error = answered(404, "NoSuchKey", "The specified key does not exist.", more)
        .into_error(OBJECT, Some((0, 99)));
    assert_eq!(
        (error.kind(), error.code(), error.status()),
        (ErrorKind::Service, "NoSuchKey", 404)
    );
    assert_eq!(error.request_id(), Some("534B"));
    assert_eq!(error.host_id(), Some("bkt.example.com"));
    assert_eq!(error.ec(), Some("0026-00000001"));
    assert_eq!(
        error.message(),
        "cannot download oss://bkt/dir/key (bytes 0-99): HTTP 404, The specified key does not exist. \
         Check the key: it is case-sensitive, does not start with '/' and is not a URL."
    );
}

#[test]
fn an_error_in_place_of_an_object_has_a_code_a_message_and_a_request_id() {
    let good = head(200, &[]);
    let whole = document("InternalError", "Try again.", "<RequestId>534B</RequestId>");
    let error = in_place_of_object(&good, whole.as_bytes()).expect("an error");
    assert_eq!((error.code.as_str(), error.status), ("InternalError", 200));
    for other in [
        document("InternalError", "Try again.", ""),
        whole.replace("Error>", "Result>"),
        "{\"Code\":\"InternalError\"}".to_owned(),
        String::new(),
    ] {
        assert_eq!(in_place_of_object(&good, other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_reply_to_head_carries_the_document_in_a_header() {
    let encoded = crypto::base64_encode(document("NoSuchKey", "Gone.", "").as_bytes());
    let reply = head(
        404,
        &[&format!("x-oss-err: {encoded}"), "x-oss-request-id: 534B", "x-oss-ec: 0026-00000001"],
    );
    let error = parse(&reply, b"");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("NoSuchKey", "Gone."));
    assert_eq!(error.request_id.as_deref(), Some("534B"));
    assert_eq!(error.ec.as_deref(), Some("0026-00000001"));
}

#[test]
fn without_a_document_the_status_makes_the_code() {
    let error = parse(&head(304, &[]), b"");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("ServerError:304", ""));
    let broken = parse(&head(404, &["x-oss-err: ***"]), b"");
    assert_eq!(broken.code, "ServerError:404");
}

#[test]
fn a_proxys_page_is_named_but_not_shown() {
    let reply = head(502, &["Content-Type: text/html", "Server: squid"]);
    let error = parse(&reply, b"<html>Authorization: OSS id:secret</html>");
    assert!(error.is_retryable());
    let error = error.into_error(OBJECT, None);
    assert_eq!(error.code(), "ServerError:502");
    assert_eq!(
        error.message(),
        "cannot download oss://bkt/dir/key: HTTP 502, with a body that is not an OSS error document (text/html), \
         from a server that calls itself 'squid'"
    );
}

#[test]
fn the_token_and_the_signed_string_of_a_document_are_never_reported() {
    let more = "<SecurityToken>SECRET</SecurityToken><StringToSign>SECRET</StringToSign>\
                <SignatureProvided>SECRET</SignatureProvided><OSSAccessKeyId>SECRET</OSSAccessKeyId>";
    for code in ["SecurityTokenExpired", "SignatureDoesNotMatch", "Unheard"] {
        let error = answered(403, code, "No.", more);
        assert!(!format!("{error:?}").contains("SECRET"));
        assert!(!format!("{:?}", error.into_error(OBJECT, None)).contains("SECRET"));
    }
}

#[test]
fn a_redirection_shows_no_more_of_its_target_than_the_host() {
    let reply = head(307, &["Location: https://user:pw@other.example.com/key?Signature=secret"]);
    let message = parse(&reply, b"").into_error(OBJECT, None).message().to_owned();
    assert!(message.contains("redirects to https://other.example.com,"), "{message}");
    assert!(!message.contains("secret") && !message.contains("pw"), "{message}");
}

#[test]
fn the_error_for_a_wrong_endpoint_names_the_right_one() {
    let text =
        "The bucket you are attempting to access must be addressed using the specified endpoint.";
    let named = "<Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>";
    assert!(reported(403, "AccessDenied", text, named).ends_with(
        "The bucket is in another region: use the endpoint 'oss-cn-beijing.aliyuncs.com'."
    ));
    assert!(reported(403, "AccessDenied", text, "").ends_with("use that region's endpoint."));
}

#[test]
fn a_delete_marker_is_not_called_a_wrong_key() {
    let reply = head(404, &["x-oss-delete-marker: true"]);
    let body = document("NoSuchKey", "The specified key does not exist.", "");
    let message = parse(&reply, body.as_bytes()).into_error(OBJECT, None).message().to_owned();
    assert!(message.contains("this version is a delete marker"), "{message}");
}

#[test]
fn a_405_from_oss_means_a_delete_marker_and_otherwise_a_wrong_endpoint() {
    let marked = parse(&head(405, &["x-oss-delete-marker: true"]), b"");
    let sent_by_oss = answered(405, "MethodNotAllowed", "Not allowed.", "");
    for error in [marked, sent_by_oss] {
        let error = error.into_error(OBJECT, None);
        assert!(error.message().contains("is a delete marker, which has no data"), "{error}");
    }
    let foreign = parse(&head(405, &[]), b"<html></html>").into_error(OBJECT, None);
    assert!(foreign.message().contains("Check the endpoint"), "{foreign}");
}

#[test]
fn common_failures_say_what_to_do() {
    for (status, code, text, advice) in [
        (404, "NoSuchBucket", "", "Check the bucket name"),
        (404, "NoSuchVersion", "", "version id"),
        (404, "SymlinkTargetNotExist", "", "target does not exist"),
        (400, "InvalidTargetType", "", "link to another symbolic link"),
        (405, "MethodNotAllowed", "", "delete marker"),
        (403, "AccessDenied", "You have no right.", "oss:GetObject"),
        (403, "AccessDenied", "Anonymous user has no right.", "set credentials"),
        (403, "AccessDenied", "Request has expired.", "create a new one"),
        (403, "InvalidObjectState", "", "restore it"),
        (403, "SignatureDoesNotMatch", "", "access key secret and the region"),
        (403, "InvalidAccessKeyId", "", "access key id"),
        (403, "SecurityTokenExpired", "", "credentials provider"),
        (403, "RequestTimeTooSkewed", "", "clock"),
        (400, "InvalidArgument", "Invalid signing region in Authorization header.", "cn-hangzhou"),
        (412, "PreconditionFailed", "", "If-Match"),
        (416, "InvalidRange", "", "beyond the end of the object"),
        (503, "SlowDown", "", "fewer connections"),
    ] {
        let message = reported(status, code, text, "");
        assert!(message.contains(advice), "{code}: {message}");
    }
    for (status, advice) in [(304, "not changed"), (407, "proxy"), (302, "redirects to another")] {
        let error = parse(&head(status, &[]), b"").into_error(OBJECT, None);
        assert!(error.message().contains(advice), "{error}");
    }
}

#[test]
fn an_unknown_code_is_reported_without_advice() {
    let message = reported(418, "Teapot", "Short and stout", "");
    assert_eq!(message, "cannot download oss://bkt/dir/key: HTTP 418, Short and stout");
}

#[test]
fn the_error_for_a_wrong_clock_contains_the_services_time() {
    let time = "<ServerTime>1994-11-06T08:49:37.000Z</ServerTime>";
    let error = answered(403, "RequestTimeTooSkewed", "", time);
    assert!(error.is_clock_skew());
    assert_eq!(error.server_time, Timestamp::from_second(784_111_777).ok());
    let by_header = parse(&head(403, &["Date: Sun, 06 Nov 1994 08:49:37 GMT"]), b"");
    assert!(!by_header.is_clock_skew());
    assert_eq!(by_header.server_time, error.server_time);
}

#[test]
fn expired_credentials_are_distinguished_from_wrong_ones() {
    for (code, is_expired) in [
        ("SecurityTokenExpired", true),
        ("InvalidSecurityToken", true),
        ("InvalidAccessKeyId", true),
        ("SignatureDoesNotMatch", false),
        ("AccessDenied", false),
    ] {
        assert_eq!(answered(403, code, "", "").is_expired_credentials(), is_expired, "{code}");
    }
}

#[test]
fn transient_errors_are_retryable_and_permanent_ones_are_not() {
    for status in [408, 429, 500, 502, 503, 504, 507, 599] {
        assert!(answered(status, "Any", "", "").is_retryable(), "{status}");
    }
    for status in [301, 304, 400, 401, 403, 404, 412, 416, 501, 505] {
        assert!(!answered(status, "Any", "", "").is_retryable(), "{status}");
    }
    assert!(answered(400, "RequestTimeout", "", "").is_retryable());
}

#[test]
fn messages_are_one_line_of_limited_length() {
    let error = answered(500, "Internal\nError", &"long\r\nline ".repeat(1000), "");
    let error = error.into_error("oss://bkt/a\nb", None);
    assert_eq!(error.code(), "Internal Error");
    assert!(!error.message().contains(['\r', '\n']));
    assert!(error.message().len() < 1000);
}

proptest! {
    #[test]
    fn any_reply_is_parsed_without_a_panic(
        status in any::<u16>(), header in any::<String>(), body in any::<Vec<u8>>(),
    ) {
        let names = ["x-oss-err", "Location", "Date", "Server"];
        let headers: Vec<String> = names.iter().map(|name| format!("{name}: {header}")).collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let mut reply = head(200, &headers);
        reply.status = status;
        let error = parse(&reply, &body).into_error(OBJECT, None);
        prop_assert!(!error.message().chars().any(char::is_control));
        prop_assert!(!error.code().is_empty());
    }
}
