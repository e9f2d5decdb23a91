//! What a simulated process asks for: the request and the options that its plan stands for.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::options::{ClientOptions, LogLevel, RetryVerdict};
use crate::model::request::{DownloadRequest, Overwrite, WhenBusy};

use super::plan::{ClientPlan, Condition, Processed, RequestPlan, RetryPlan};
use super::universe::Universe;

/// The download request of a plan.
pub fn request_of(plan: &RequestPlan, first_etag: &str) -> DownloadRequest {
    let mut request = DownloadRequest::new("bucket", "key");
    request.file_path = Some(PathBuf::from(format!("/files/{}", plan.target)));
    if plan.checkpoint {
        request = request.checkpoint_dir("/checkpoints");
    }
    request.part_size = plan.part_size;
    request.thread_num = plan.thread_num;
    request.auto_concurrency = plan.auto_concurrency;
    if let Some((first, last)) = plan.range {
        request = request.range(first, last);
    }
    if let Some(processed) = plan.processed {
        let value = match processed {
            Processed::WithLength => "length",
            Processed::Chunked => "chunked",
            Processed::Error => "error",
        };
        request.extra_query.push(("x-oss-process".to_owned(), value.to_owned()));
    }
    match plan.condition {
        None => {}
        Some(Condition::Match) => request.if_match.push(first_etag.to_owned()),
        Some(Condition::NoneMatch) => request.if_none_match.push(first_etag.to_owned()),
        Some(Condition::MatchOther) => request.if_match.push("other".to_owned()),
    }
    request.flush = plan.flush;
    request.preallocate = plan.preallocate;
    request.check_space = plan.check_space;
    request.verify_before_rename = plan.verify_before_rename;
    request.set_modified_time = plan.set_modified_time;
    request.deadline = plan.deadline;
    request.max_bandwidth = plan.max_bandwidth;
    request.traffic_limit = plan.traffic_limit;
    request.order = plan.order;
    if plan.waits {
        request.when_busy = WhenBusy::Wait;
    }
    if plan.keep_target {
        request.overwrite = Overwrite::Fail;
    } else if plan.if_different {
        request.overwrite = Overwrite::IfDifferent;
    }
    request
}

/// The client options of a plan.
pub fn options_of(plan: &ClientPlan, universe: &Universe, process: usize) -> ClientOptions {
    let mut options = ClientOptions::new("http://oss.simulated");
    options.max_attempts = plan.max_attempts;
    options.verify_crc = plan.verify_crc;
    options.correct_clock = plan.correct_clock;
    options.connect_timeout = plan.connect_timeout;
    options.idle_timeout = plan.idle_timeout;
    options.first_byte_limit = plan.first_byte_limit;
    options.no_progress_limit = plan.no_progress_limit;
    options.throttle_limit = plan.throttle_limit;
    options.max_bandwidth = plan.max_bandwidth;
    match plan.retry {
        RetryPlan::Absent => {}
        RetryPlan::Default => options.retry = Some(Arc::new(|_| RetryVerdict::Default)),
        RetryPlan::Stop => options.retry = Some(Arc::new(|_| RetryVerdict::Stop)),
        RetryPlan::After(wait, attempts) => {
            options.retry = Some(Arc::new(move |attempt| {
                if attempt.attempts < attempts {
                    RetryVerdict::After(wait)
                } else {
                    RetryVerdict::Stop
                }
            }));
        }
    }
    if let Some(story) = &universe.story {
        let story = story.clone();
        options.log_level = LogLevel::Debug;
        options.log = Some(Arc::new(move |_, line| story.add(process, &format!("says: {line}"))));
    }
    options
}
