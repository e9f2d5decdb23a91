//! Conversion of a service error to an [`Error`]: what was attempted, what the service said, and what to do.

use super::advice::{self, Purpose};
use super::service_error::{ServiceError, one_line};
use crate::model::error::{Error, ErrorKind};

/// The longest bucket and key fit.
const MAX_OBJECT: usize = 1100;

impl ServiceError {
    /// The error to report. `object` is `oss://bucket/key`; `range` is (first, last inclusive).
    pub fn into_error(self, object: &str, range: Option<(u64, u64)>) -> Error {
        let object = one_line(object, MAX_OBJECT).unwrap_or_default();
        let mut message = format!("cannot download {object}");
        if let Some((first, last)) = range {
            message.push_str(&format!(" (bytes {first}-{last})"));
        }
        self.report(message, Purpose::Download)
    }

    /// The error of a listing. `listed` is `oss://bucket/prefix`.
    pub fn into_list_error(self, listed: &str) -> Error {
        let listed = one_line(listed, MAX_OBJECT).unwrap_or_default();
        self.report(format!("cannot list {listed}"), Purpose::List)
    }

    /// The error of an attempt, whose description is completed.
    fn report(self, mut message: String, purpose: Purpose) -> Error {
        message.push_str(&format!(": HTTP {}", self.status));
        if !self.message.is_empty() {
            message.push_str(&format!(", {}", self.message));
        }
        if let Some(advice) = advice::advice(&self, purpose) {
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
