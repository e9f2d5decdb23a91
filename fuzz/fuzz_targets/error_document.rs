//! Error replies: any bytes give an error that fits on one line, and a well-formed document gives its own
//! texts.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::reply::ReplyHead;
use oss_resumable::fuzzing::service_error::{self, ServiceError};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    status: u16,
    document: Option<(&'a str, &'a str)>,
    headers: Vec<(Header, &'a [u8])>,
    body: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Header {
    Error,
    RequestId,
    Ec,
    Date,
    Location,
    ContentType,
    Server,
    DeleteMarker,
}

fuzz_target!(|input: Input| {
    let head = head(&input);
    shown(service_error::parse(&head, input.body));
    if let Some((code, message)) = input.document {
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{}</Code>\n  <Message>{}</Message>\n</Error>\n",
            escape(code),
            escape(message)
        );
        let error = service_error::parse(&head, document.as_bytes());
        let code = one_line(code, 100);
        assert_eq!(
            error.code,
            if code.is_empty() { format!("ServerError:{}", head.status) } else { code }
        );
        assert_eq!(error.message, one_line(message, 500));
        shown(error);
    }
});

fn head(input: &Input) -> ReplyHead {
    let mut head = ReplyHead::default();
    head.push_line(format!("HTTP/1.1 {:03} X\r\n", input.status % 1000).as_bytes());
    for (name, value) in &input.headers {
        let name: &[u8] = match name {
            Header::Error => b"x-oss-err: ",
            Header::RequestId => b"x-oss-request-id: ",
            Header::Ec => b"x-oss-ec: ",
            Header::Date => b"Date: ",
            Header::Location => b"Location: ",
            Header::ContentType => b"Content-Type: ",
            Header::Server => b"Server: ",
            Header::DeleteMarker => b"x-oss-delete-marker: ",
        };
        let value = value.split(|byte| *byte == b'\n').next().unwrap_or_default();
        head.push_line(&[name, value, b"\r\n"].concat());
    }
    head.push_line(b"\r\n");
    head
}

/// Asserts that no text of the error corrupts a log or a terminal or is too long.
fn shown(error: ServiceError) {
    let is_line =
        |text: &str, max| text.chars().count() <= max && !text.chars().any(char::is_control);
    assert!(!error.code.is_empty() && is_line(&error.code, 100), "{error:?}");
    assert!(is_line(&error.message, 500), "{error:?}");
    for id in [&error.request_id, &error.host_id, &error.ec].into_iter().flatten() {
        assert!(!id.is_empty() && is_line(id, 100), "{error:?}");
    }
    let _ = (error.is_retryable(), error.is_clock_skew(), error.is_expired_credentials());
    let error = error.into_error("oss://bucket/key\r\n", Some((0, 99)));
    assert!(is_line(error.message(), 3000), "{error}");
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '&' => "&amp;".to_owned(),
            // XML normalises line ends, and both are blanks in the result.
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

/// The text as it appears in the error.
fn one_line(text: &str, max: usize) -> String {
    let blank: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    blank.trim().chars().take(max).collect()
}
