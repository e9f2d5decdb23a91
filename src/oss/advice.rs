//! Advice for errors of the service.

use super::service_error::ServiceError;

/// OSS answers 405 to a GET of an object only if the requested version is a delete marker.
const DELETE_MARKER_VERSION: &str = "The version that was asked for is a delete marker, which has no \
                                     data: give the version id of an earlier version.";

/// What the request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Download,
    /// A download from a URL.
    Url,
    List,
}

/// A sentence that explains the error or says what to do; `None` if there is nothing to add.
pub fn advice(error: &ServiceError, purpose: Purpose) -> Option<String> {
    if error.delete_marker && error.status == 405 {
        return Some(DELETE_MARKER_VERSION.to_owned());
    }
    if error.delete_marker {
        return Some(
            "The object was deleted: this version is a delete marker; give the version id of an \
             earlier version to download it."
                .to_owned(),
        );
    }
    if let Some(endpoint) = &error.endpoint {
        return Some(format!("The bucket is in another region: use the endpoint '{endpoint}'."));
    }
    if purpose == Purpose::Url
        && let Some(advice) = for_url(error)
    {
        return Some(advice.to_owned());
    }
    by_code(error, purpose).or_else(|| by_status(error.status)).map(str::to_owned).or_else(|| {
        (300..400).contains(&error.status).then(|| redirected(error.redirected_to.as_deref()))
    })
}

/// Advice for a URL where that for a bucket and a key would not fit.
fn for_url(error: &ServiceError) -> Option<&'static str> {
    Some(match (error.status, error.code.as_str()) {
        (_, "SignatureDoesNotMatch") => {
            "The URL is not the one that was signed: use it unchanged, and send the headers for which it was signed \
             (extra_headers)."
        }
        (_, "InvalidObjectState" | "SymlinkTargetNotExist" | "InvalidTargetType") => return None,
        (401 | 403, _) => {
            "The server does not allow this: the URL may be incomplete, or it needs credentials (extra_headers) or a \
             signature."
        }
        (404 | 410, _) => "Check the URL: the server has no such object.",
        (405, _) => "Check the URL: the server does not allow it to be downloaded.",
        (429 | 503, _) => "The server is busy or limits requests: use fewer connections.",
        (300..=399, _) if error.status != 304 => {
            "Check the URL: the server offers another one, which no redirect names."
        }
        _ => return None,
    })
}

fn by_code(error: &ServiceError, purpose: Purpose) -> Option<&'static str> {
    Some(match error.code.as_str() {
        "NoSuchKey" => {
            "Check the key: it is case-sensitive, does not start with '/' and is not a URL."
        }
        "NoSuchVersion" => "Check the version id: the object has no such version.",
        "NoSuchBucket" => "Check the bucket name and the region of the endpoint.",
        "SymlinkTargetNotExist" => {
            "The object is a symbolic link whose target does not exist: restore the target, or point the \
             link to another object (PutSymlink)."
        }
        "InvalidTargetType" => {
            "The object is a symbolic link to another symbolic link, which OSS does not follow: download \
             the object that the other link points to."
        }
        "MethodNotAllowed" if error.status == 405 => DELETE_MARKER_VERSION,
        "AccessDenied" => access_denied(&error.message, purpose),
        "InvalidObjectState" => {
            "The object is archived: restore it (RestoreObject), wait until that is done, then \
             download it; or switch on real-time access of archived objects for the bucket."
        }
        "SignatureDoesNotMatch" => {
            "Check the access key secret and the region, and whether a proxy changes the request."
        }
        "InvalidAccessKeyId" => {
            "Check the access key id: it does not exist or is disabled, or it is temporary \
             and its security token is missing."
        }
        "SecurityTokenExpired" => {
            "The temporary credentials have expired: get new ones, or set a credentials provider, \
             which is asked again when they expire."
        }
        "InvalidSecurityToken" | "AccessKeyIdAndSecurityTokenNotMatch" => {
            "The access key id, its secret and the security token must come from the same STS reply."
        }
        "RequestTimeTooSkewed" => {
            "The clock of this machine is wrong by more than 15 minutes: set it, or leave clock correction on."
        }
        "InvalidArgument" if error.message.contains("region") => {
            "Check the region: it must be the region of the bucket, in the form cn-hangzhou."
        }
        "InvalidBucketName" => "Check the bucket name, and that the endpoint does not contain it.",
        "UserDisable" | "InDebt" | "InDebtOverdue" | "UbsmsInvalidBid" => {
            "The account is suspended or has an overdue payment."
        }
        _ => return None,
    })
}

fn access_denied(message: &str, purpose: Purpose) -> &'static str {
    if message.contains("specified endpoint") {
        "The bucket is in another region: use that region's endpoint."
    } else if message.contains("Anonymous") {
        "The request was anonymous: set credentials."
    } else if message.contains("expired") {
        "The signature has expired: create a new one, and check the clock of this machine."
    } else if purpose == Purpose::List {
        "The access key needs the permission oss:ListObjects for this bucket, and no bucket policy or referer rule may \
         deny it."
    } else {
        "The access key needs the permission oss:GetObject for this object (oss:GetObjectVersion \
         when a version id is set), and no bucket policy or referer rule may deny it."
    }
}

fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        304 => {
            "The object has not changed (If-None-Match or If-Modified-Since); nothing was downloaded."
        }
        401 | 403 => "Check the credentials and their permissions.",
        404 => "Check the bucket, the key and the endpoint.",
        405 => "Check the endpoint: it may not be OSS.",
        407 => "The proxy requires a user name and a password.",
        412 => {
            "The object does not meet the condition of the request (If-Match or \
             If-Unmodified-Since): it was replaced, or the condition is for another object."
        }
        416 => "The range starts beyond the end of the object.",
        429 | 503 => {
            "The service is busy or limits this account's requests: use fewer connections."
        }
        _ => return None,
    })
}

fn redirected(origin: Option<&str>) -> String {
    match origin {
        Some(origin) => format!(
            "The service redirects to {origin}, which this library does not follow: check the endpoint and \
             the region."
        ),
        None => "The service redirects to another address: check the endpoint and the region."
            .to_owned(),
    }
}
