//! Conversion of a service error to an [`Error`]: what was attempted, what the service said, and what to do.

use super::advice::{self, Purpose};
use super::service_error::{ServiceError, one_line};
use crate::model::error::{Error, ErrorKind};

/// The longest bucket and key fit.
const MAX_OBJECT: usize = 1100;

impl ServiceError {
    /// The error to report. `object` is `oss://bucket/key`; `range` is (first, last inclusive).
    pub fn into_error(self, object: &str, range: Option<(u64, u64)>) -> Error {
        let advice = advice::advice(&self, Purpose::Download);
        self.report(attempted(object, range), advice.as_deref())
    }

    /// The error of a download from a URL; `object` is the URL without its query. `lapsed` is what to say if the URL has
    /// expired.
    pub fn into_url_error(
        self,
        object: &str,
        range: Option<(u64, u64)>,
        lapsed: Option<&str>,
    ) -> Error {
        let advice = advice::advice(&self, Purpose::Url);
        self.report(attempted(object, range), lapsed.or(advice.as_deref()))
    }

    /// The error of a listing. `listed` is `oss://bucket/prefix`.
    pub fn into_list_error(self, listed: &str) -> Error {
        let listed = one_line(listed, MAX_OBJECT).unwrap_or_default();
        let advice = advice::advice(&self, Purpose::List);
        self.report(format!("cannot list {listed}"), advice.as_deref())
    }

    /// The error of an attempt, whose description is completed.
    fn report(self, mut message: String, advice: Option<&str>) -> Error {
        message.push_str(&format!(": HTTP {}", self.status));
        if !self.message.is_empty() {
            message.push_str(&format!(", {}", self.message));
        }
        if let Some(advice) = advice {
            if !message.ends_with('.') {
                message.push('.');
            }
            message.push_str(&format!(" {advice}"));
        }
        Error::new(ErrorKind::Service, self.code, message)
            .with_status(i64::from(self.status))
            .with_ids(self.request_id, self.host_id, self.ec)
    }
}

fn attempted(object: &str, range: Option<(u64, u64)>) -> String {
    let object = one_line(object, MAX_OBJECT).unwrap_or_default();
    match range {
        Some((first, last)) => format!("cannot download {object} (bytes {first}-{last})"),
        None => format!("cannot download {object}"),
    }
}
