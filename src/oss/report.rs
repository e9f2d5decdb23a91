//! Conversion of a service error to an [`Error`]: what was attempted, what the service said, and what to do.

use super::advice;
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
        message.push_str(&format!(": HTTP {}", self.status));
        if !self.message.is_empty() {
            message.push_str(&format!(", {}", self.message));
        }
        if let Some(advice) = advice::advice(&self) {
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
