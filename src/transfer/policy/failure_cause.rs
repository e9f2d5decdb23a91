//! What a failed attempt means: its cause, and whether a retry may mend it. Pure.

use std::borrow::Cow;
use std::time::Duration;

use super::certificate;
use super::reply_check::Flaw;
use super::retry::{Cause, Retryability};
use crate::model::error::{Error, ErrorKind};
use crate::oss::service_error::ServiceError;

/// A connection that could not be made, or that broke.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken<'a> {
    pub cause: Cause,
    pub retryability: Retryability,
    /// libcurl's code for it.
    pub code: u32,
    pub what: Cow<'a, str>,
}

/// The meaning of a refusal: a retry may help if the service is overloaded, or if `can_sign_anew`: newer credentials are
/// available, or the clock could be corrected.
pub fn of_refusal(
    refusal: &ServiceError,
    can_sign_anew: impl FnOnce() -> bool,
) -> (Cause, Retryability) {
    if refusal.is_throttling() {
        (Cause::Throttled, Retryability::Retryable)
    } else if refusal.is_retryable() {
        (Cause::Service, Retryability::Retryable)
    } else if can_sign_anew() {
        (Cause::Auth, Retryability::Retryable)
    } else {
        (Cause::Service, Retryability::Never)
    }
}

/// A provider of the host, without whose answer no request can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Credentials,
    Url,
}

/// The error of a provider that has not answered for `limit`, which the option `name` sets.
pub fn silent_provider(provider: Provider, limit: Duration, name: &str) -> Error {
    let (what, code) = match provider {
        Provider::Credentials => ("credentials", "CredentialsError"),
        Provider::Url => ("URL", "UrlProviderError"),
    };
    let message = format!("the {what} provider has not answered for {limit:?} ({name})");
    Error::new(ErrorKind::Service, code, message)
}

/// The cause of a reply with a flaw.
pub fn of_flaw(flaw: &Flaw) -> Cause {
    match flaw {
        Flaw::Unreadable(_) => Cause::Unreadable,
        _ => Cause::Reply,
    }
}

/// What is wrong with a reply that has a flaw, for a message.
pub fn described(flaw: &Flaw) -> String {
    let not_asked_for = |what| format!("the reply does not match the request: {what}");
    match flaw {
        Flaw::Changed(what) | Flaw::Contradiction(what) | Flaw::Incomplete(what) => {
            not_asked_for(what.as_str())
        }
        Flaw::RangeIgnored => not_asked_for("the service ignores the Range header"),
        Flaw::Unreadable(what) => format!("the reply cannot be read: {what}"),
    }
}

/// The meaning of libcurl's error `code`, which it describes with `message`.
pub fn of_connection(code: u32, message: &str) -> Broken<'_> {
    if certificate::is_refused(code, message) {
        return Broken {
            cause: Cause::Connect,
            retryability: Retryability::Never,
            code: curl_sys::CURLE_PEER_FAILED_VERIFICATION,
            what: Cow::Owned(format!(
                "the server's certificate is not trusted: {message}; if it was issued by a private CA, set ca_file or ca_path"
            )),
        };
    }
    let (cause, retryability) = match code {
        curl_sys::CURLE_COULDNT_RESOLVE_HOST
        | curl_sys::CURLE_COULDNT_RESOLVE_PROXY
        | curl_sys::CURLE_INTERFACE_FAILED => (Cause::Connect, Retryability::OnlyAfterProgress),
        curl_sys::CURLE_COULDNT_CONNECT | curl_sys::CURLE_SSL_CONNECT_ERROR => {
            (Cause::Connect, Retryability::Retryable)
        }
        curl_sys::CURLE_OPERATION_TIMEDOUT => (Cause::TimedOut, Retryability::Retryable),
        curl_sys::CURLE_SSL_CACERT_BADFILE
        | curl_sys::CURLE_SSL_ISSUER_ERROR
        | curl_sys::CURLE_SSL_INVALIDCERTSTATUS
        | curl_sys::CURLE_SSL_CERTPROBLEM
        | curl_sys::CURLE_SSL_CIPHER
        | curl_sys::CURLE_URL_MALFORMAT
        | curl_sys::CURLE_FAILED_INIT => (Cause::Connect, Retryability::Never),
        _ => (Cause::Broken, Retryability::Retryable),
    };
    Broken { cause, retryability, code, what: Cow::Borrowed(message) }
}
