//! Error replies in the form of OSS.
//!
//! Form: OSS document "Error responses" (XML body, `x-oss-ec`); without a body, the same XML in base64 in
//! `x-oss-err`, as the Go and Python SDKs v2 read it for HEAD. Codes, messages and EC numbers: the documents
//! named at each error.

use openssl::base64::encode_block;

use super::reply::{Body, Reply};
use crate::clock::iso_date;
use crate::signature::{MAX_SKEW_MS, Refusal};

/// An error of the service.
#[derive(Clone, Debug)]
pub(crate) struct OssError {
    status: u16,
    code: String,
    message: String,
    /// Number in the OSS catalogue of error causes, if a document gives it.
    ec: Option<&'static str>,
    elements: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl OssError {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        OssError {
            status,
            code: code.into(),
            message: message.into(),
            ec: None,
            elements: Vec::new(),
            headers: Vec::new(),
        }
    }

    fn ec(mut self, ec: &'static str) -> Self {
        self.ec = Some(ec);
        self
    }

    fn element(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.elements.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// "0015-00000101" in the SDKs' tests of `NoSuchBucket`.
    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist.")
            .ec("0015-00000101")
            .element("BucketName", bucket)
    }

    /// "0026-00000001".
    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.")
            .ec("0026-00000001")
            .element("Key", key)
    }

    /// "0026-00000001", which covers versions as well.
    pub(crate) fn no_such_version(key: &str, version: &str) -> Self {
        Self::new(404, "NoSuchVersion", "The specified version does not exist.")
            .ec("0026-00000001")
            .element("Key", key)
            .element("VersionId", version)
    }

    /// "GetObject": the version id of a delete marker gives 405 and `Allow: DELETE`. "0017-00000002".
    pub(crate) fn delete_marker_asked() -> Self {
        let message = "The specified method is not allowed against this resource.";
        Self::new(405, "MethodNotAllowed", message)
            .ec("0017-00000002")
            .header("Allow", "DELETE")
            .header("x-oss-delete-marker", "true")
    }

    /// "GetObject", error codes. "0026-00000012".
    pub(crate) fn no_symlink_target(target: &str) -> Self {
        let message = "The symlink target object does not exist.";
        Self::new(404, "SymlinkTargetNotExist", message)
            .ec("0026-00000012")
            .element("SymlinkTarget", target)
    }

    /// "GetObject", error codes: the target of a link is a link.
    pub(crate) fn symlink_to_symlink(target: &str) -> Self {
        let message = "The symlink target object is a symlink.";
        Self::new(400, "InvalidTargetType", message).element("SymlinkTarget", target)
    }

    /// "How to troubleshoot 403 status code when you access OSS".
    pub(crate) fn archived(key: &str) -> Self {
        let message = "The operation is not valid for the object's state";
        Self::new(403, "InvalidObjectState", message).element("ObjectName", key)
    }

    /// "GetObject" and the SDKs' error tables.
    pub(crate) fn precondition_failed(condition: &str) -> Self {
        let message = "At least one of the pre-conditions you specified did not hold.";
        Self::new(412, "PreconditionFailed", message).element("Condition", condition)
    }

    /// "HTTP status code 416".
    pub(crate) fn invalid_range(range: &str, size: u64) -> Self {
        Self::new(416, "InvalidRange", "The requested range cannot be satisfied")
            .element("ActualObjectSize", size.to_string())
            .element("RangeRequested", range)
    }

    pub(crate) fn invalid_argument(message: &str, name: &str, value: &str) -> Self {
        Self::new(400, "InvalidArgument", message)
            .element("ArgumentName", name)
            .element("ArgumentValue", value)
    }

    pub(crate) fn method_not_allowed(method: &str) -> Self {
        let message = "The specified method is not allowed against this resource.";
        Self::new(405, "MethodNotAllowed", message)
            .element("Method", method)
            .header("Allow", "GET, HEAD")
    }

    /// "0002-00000007".
    pub(crate) fn token_expired() -> Self {
        let message = "The security token you provided has expired.";
        Self::new(403, "SecurityTokenExpired", message).ec("0002-00000007")
    }

    /// The reply, without the headers that all replies share.
    pub(crate) fn reply(&self, request_id: &str, host: &str, head: bool) -> Reply {
        let xml = self.xml(request_id, host);
        let mut reply = Reply::new(self.status, Body::Bytes(xml.clone().into_bytes()));
        reply.push("Content-Type", "application/xml");
        if head {
            reply.push("x-oss-err", encode_block(xml.as_bytes()));
        }
        if let Some(ec) = self.ec {
            reply.push("x-oss-ec", ec);
        }
        for (name, value) in &self.headers {
            reply.push(name, value);
        }
        reply
    }

    fn xml(&self, request_id: &str, host: &str) -> String {
        let fixed = [
            ("Code", self.code.as_str()),
            ("Message", &self.message),
            ("RequestId", request_id),
            ("HostId", host),
        ];
        let extra = self.elements.iter().map(|(name, value)| (*name, value.as_str()));
        let ec = self.ec.map(|ec| ("EC", ec));
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n");
        for (name, value) in fixed.into_iter().chain(extra).chain(ec) {
            xml.push_str(&format!("  <{name}>{}</{name}>\n", escape(value)));
        }
        xml.push_str("</Error>\n");
        xml
    }
}

impl OssError {
    /// The error for a refused signature; `now` is the server's clock.
    pub(crate) fn refusal(refusal: Refusal, now: jiff::Timestamp) -> Self {
        match refusal {
            // "Error responses", first example: 0003-00000001.
            Refusal::Unsigned => {
                let message = "You have no right to access this object because of bucket acl.";
                Self::new(403, "AccessDenied", message).ec("0003-00000001")
            }
            Refusal::Malformed(message) => Self::new(400, "InvalidArgument", message),
            // "0002-00000503".
            Refusal::NoDate => {
                let message = "OSS authentication requires a valid Date.";
                Self::new(403, "AccessDenied", message).ec("0002-00000503")
            }
            // "0002-00000902".
            Refusal::UnknownKey(id) => {
                let message = "The OSS Access Key Id you provided does not exist in our records.";
                Self::new(403, "InvalidAccessKeyId", message)
                    .ec("0002-00000902")
                    .element("OSSAccessKeyId", id)
            }
            // "0002-00000006".
            Refusal::WrongToken => {
                let message = "The security token you provided is invalid.";
                Self::new(403, "InvalidSecurityToken", message).ec("0002-00000006")
            }
            Refusal::TokenExpired => Self::token_expired(),
            // "0002-00000226", with the message the Python SDK's tests expect.
            Refusal::WrongRegion => {
                let message = "Invalid signing region in Authorization header.";
                Self::new(400, "InvalidArgument", message).ec("0002-00000226")
            }
            // "0002-00000504"; elements as in aliyun-oss-android-sdk issue 167.
            Refusal::Skewed { request_time } => {
                let message = "The difference between the request time and the current time is too large.";
                Self::new(403, "RequestTimeTooSkewed", message)
                    .ec("0002-00000504")
                    .element("MaxAllowedSkewMilliseconds", MAX_SKEW_MS.to_string())
                    .element("RequestTime", iso_date(request_time))
                    .element("ServerTime", iso_date(now))
            }
            Refusal::UrlExpired => Self::new(403, "AccessDenied", "Request has expired."),
            // "0002-00000040" in the SDKs' tests.
            Refusal::Mismatch { key_id, provided, string_to_sign } => Self::new(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
            )
            .ec("0002-00000040")
            .element("OSSAccessKeyId", key_id)
            .element("SignatureProvided", provided)
            .element("StringToSign", string_to_sign),
        }
    }
}

/// `text` as the content of an XML element, without what XML cannot express.
pub(super) fn escape(text: &str) -> String {
    let legal = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    legal.fold(String::new(), |mut escaped, c| {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
        escaped
    })
}
