use super::*;
use crate::capi::event_queue::{oss_resumable_event_queue_free, oss_resumable_event_queue_new};
use crate::capi::url_provider::oss_resumable_url_sink;
use crate::event_queue::EventQueue;
use crate::model::digest::Crc64;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn zeroed() -> oss_download_object_request {
    // SAFETY: all zero is valid by the contract of `SizeFirst`.
    let mut request: oss_download_object_request = unsafe { mem::zeroed() };
    request.struct_size = size_of::<oss_download_object_request>();
    request.bucket = c"examplebucket".as_ptr();
    request.key = c"a/b".as_ptr();
    request
}

fn read_one(c: &oss_download_object_request) -> Result<DownloadRequest> {
    // SAFETY: a live struct with literals for strings and no longer counts than lists.
    unsafe { read(ptr::from_ref(c)) }.map(|(request, _)| request)
}

fn refused(change: impl FnOnce(&mut oss_download_object_request)) -> String {
    let mut c = zeroed();
    change(&mut c);
    read_one(&c).expect_err("refused").message().to_owned()
}

#[test]
fn zero_is_every_default() {
    let request = read_one(&zeroed()).expect("request");
    let default = DownloadRequest::new("examplebucket", "a/b");
    assert_eq!(format!("{request:?}"), format!("{default:?}"));
}

#[test]
fn each_field_reaches_its_place() {
    let etags = [c"e1".as_ptr(), c"e2".as_ptr()];
    let pair = oss_resumable_pair { name: c"n".as_ptr(), value: c"v".as_ptr() };
    let mut c = zeroed();
    (c.file_path, c.checkpoint_dir) = (c"/f".as_ptr(), c"/c".as_ptr());
    (c.part_size, c.thread_num) = (200_000, 7);
    (c.has_range, c.range_start, c.range_end) = (1, 5, -1);
    (c.if_match, c.if_match_count) = (etags.as_ptr(), 2);
    (c.if_none_match, c.if_none_match_count) = (etags.as_ptr(), 1);
    (c.if_modified_since, c.if_unmodified_since) = (c"since".as_ptr(), c"until".as_ptr());
    c.response_content_type = c"r1".as_ptr();
    c.response_content_language = c"r2".as_ptr();
    c.response_expires = c"r3".as_ptr();
    c.response_cache_control = c"r4".as_ptr();
    c.response_content_disposition = c"r5".as_ptr();
    c.response_content_encoding = c"r6".as_ptr();
    (c.version_id, c.traffic_limit) = (c"v1".as_ptr(), 819_200);
    (c.extra_headers, c.extra_headers_count) = (&raw const pair, 1);
    (c.extra_query, c.extra_query_count) = (&raw const pair, 1);
    (c.deadline_ms, c.max_bandwidth, c.priority) = (9, 8, -7);
    c.order = OSS_RESUMABLE_ORDER_SEQUENTIAL;
    c.overwrite = OSS_RESUMABLE_OVERWRITE_FAIL;
    c.write_mode = OSS_RESUMABLE_WRITE_MODE_DIRECT;
    (c.requester_pays, c.set_modified_time, c.check_space, c.preallocate) = (1, 1, 2, 1);
    (c.flush, c.verify_before_rename, c.allow_encrypted) = (2, 1, 1);
    c.auto_concurrency = 1;
    c.expected_sha256 = c"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".as_ptr();
    c.expected_md5 = c" 900150983CD24FB0D6963F7D28E17F72\n".as_ptr();
    c.expected_crc64 = c"0x10".as_ptr();
    c.when_busy = OSS_RESUMABLE_BUSY_WAIT;
    let mut queue = ptr::null_mut();
    // SAFETY: a live local, and no error is wanted.
    unsafe { oss_resumable_event_queue_new(&raw mut queue, ptr::null_mut()) };
    (c.event_queue, c.tag) = (queue, 77);

    let text = |text: &str| Some(text.to_owned());
    let mut r = DownloadRequest::new("examplebucket", "a/b").file_path("/f");
    r = r.checkpoint_dir("/c").part_size(200_000).thread_num(7).range(5, -1);
    r.if_match = vec!["e1".to_owned(), "e2".to_owned()];
    r.if_none_match = vec!["e1".to_owned()];
    (r.if_modified_since, r.if_unmodified_since) = (text("since"), text("until"));
    r.response_headers = ResponseHeaders {
        content_type: text("r1"),
        content_language: text("r2"),
        expires: text("r3"),
        cache_control: text("r4"),
        content_disposition: text("r5"),
        content_encoding: text("r6"),
    };
    (r.version_id, r.traffic_limit) = (text("v1"), 819_200);
    r.extra_headers = vec![("n".to_owned(), "v".to_owned())];
    r.extra_query = r.extra_headers.clone();
    (r.deadline, r.max_bandwidth) = (Some(Duration::from_millis(9)), 8);
    (r.priority, r.order) = (-7, Order::Sequential);
    r.overwrite = Overwrite::Fail;
    r.write_mode = WriteMode::Direct;
    (r.requester_pays, r.set_modified_time, r.check_space) = (true, true, false);
    (r.preallocate, r.flush) = (true, false);
    (r.verify_before_rename, r.allow_encrypted) = (true, true);
    r.auto_concurrency = true;
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    r.expected_sha256 = sha256.parse().ok();
    r.expected_md5 = "kAFQmDzST7DWlj99KOF/cg==".parse().ok();
    r.expected_crc64 = Some(Crc64(16));
    r.when_busy = WhenBusy::Wait;
    let other = EventQueue::new().expect("queue");
    r = r.event_queue(&other, 77);
    assert_eq!(format!("{:?}", read_one(&c).expect("request")), format!("{r:?}"));
    // SAFETY: given above, freed once.
    unsafe { oss_resumable_event_queue_free(queue) };
}

#[test]
fn a_url_stands_in_place_of_bucket_and_key_and_its_provider_s_data_is_freed_once() {
    unsafe extern "C" fn provide(_: *mut oss_resumable_url_sink, _: *mut c_void) {}
    unsafe extern "C" fn count(data: *mut c_void) {
        // SAFETY: the test passes a live counter.
        unsafe { &*data.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
    }
    let freed = AtomicU32::new(0);
    let mut c = zeroed();
    (c.bucket, c.key) = (ptr::null(), c"".as_ptr());
    c.url = c"https://host/a?Signature=s".as_ptr();
    c.url_provider = Some(provide);
    c.url_provider_user_data = ptr::from_ref(&freed).cast_mut().cast();
    c.url_provider_user_data_free = Some(count);
    let request = read_one(&c).expect("request");
    assert_eq!(request.url.as_ref().map(|url| url.as_str()), Some("https://host/a?Signature=s"));
    assert_eq!((request.bucket.as_str(), request.key.as_str()), ("", ""));
    assert!(request.url_provider.is_some() && freed.load(Ordering::SeqCst) == 0);
    drop(request);
    assert_eq!(freed.load(Ordering::SeqCst), 1);
    c.overwrite = 7;
    read_one(&c).expect_err("refused");
    assert_eq!(freed.load(Ordering::SeqCst), 2);
    (c.overwrite, c.url_provider) = (0, None);
    assert!(read_one(&c).expect("request").url_provider.is_none());
    assert_eq!(freed.load(Ordering::SeqCst), 3);
}

#[test]
fn a_checkpoint_is_where_the_two_fields_say() {
    let place = |directory, enable| {
        let mut c = zeroed();
        (c.checkpoint_dir, c.enable_checkpoint) = (directory, enable);
        read_one(&c).expect("request").checkpoint
    };
    let directory = c"/c".as_ptr();
    assert_eq!(place(ptr::null(), 0), Checkpoint::Off);
    assert_eq!(place(ptr::null(), 1), Checkpoint::BesideTarget);
    assert_eq!(place(directory, 0), Checkpoint::Directory(PathBuf::from("/c")));
    assert_eq!(place(directory, 2), Checkpoint::Off);
}

#[test]
fn zero_connections_are_the_default_or_those_that_auto_concurrency_may_have() {
    let mut c = zeroed();
    assert_eq!(read_one(&c).expect("request").most_connections(), DEFAULT_THREAD_NUM);
    c.auto_concurrency = 1;
    assert_eq!(read_one(&c).expect("request").most_connections(), 32);
    c.thread_num = 5;
    assert_eq!(read_one(&c).expect("request").most_connections(), 5);
}

#[test]
fn a_range_is_ignored_unless_it_is_switched_on() {
    let mut c = zeroed();
    (c.range_start, c.range_end) = (-7, -7);
    assert_eq!(read_one(&c).expect("request").range, None);
}

#[test]
fn values_that_a_field_does_not_have_are_refused_by_the_fields_name() {
    assert!(refused(|c| c.bucket = ptr::null()).contains("bucket"));
    assert!(refused(|c| c.key = c"\xff".as_ptr()).contains("key"));
    assert!(refused(|c| c.url = c"\xff".as_ptr()).contains("url"));
    assert!(refused(|c| c.has_range = 7).contains("has_range"));
    assert!(refused(|c| c.overwrite = 7).contains("overwrite"));
    assert!(refused(|c| c.write_mode = 3).contains("write_mode"));
    assert!(refused(|c| c.flush = -1).contains("flush"));
    assert!(refused(|c| c.deadline_ms = -9).contains("deadline_ms"));
    assert!(refused(|c| c.extra_headers_count = 1).contains("extra_headers"));
    assert!(refused(|c| c.reserved = 7).contains("reserved"));
    assert!(refused(|c| c.reserved2 = 7).contains("reserved2"));
    assert!(refused(|c| c.order = 7).contains("order"));
    assert!(refused(|c| c.auto_concurrency = 3).contains("auto_concurrency"));
    assert!(refused(|c| c.reserved3 = 7).contains("reserved3"));
    assert!(refused(|c| c.when_busy = 2).contains("when_busy"));
    assert!(refused(|c| c.reserved4 = 7).contains("reserved4"));
}

#[test]
fn each_overwrite_has_its_constant() {
    let overwrite = |value| {
        let mut c = zeroed();
        c.overwrite = value;
        read_one(&c).expect("request").overwrite
    };
    assert_eq!(overwrite(OSS_RESUMABLE_OVERWRITE_REPLACE), Overwrite::Replace);
    assert_eq!(overwrite(OSS_RESUMABLE_OVERWRITE_FAIL), Overwrite::Fail);
    assert_eq!(overwrite(OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT), Overwrite::IfDifferent);
}

#[test]
fn a_text_that_is_no_digest_is_refused_by_its_fields_name_and_with_what_is_accepted() {
    let sha256 = refused(|c| c.expected_sha256 = c"ba78".as_ptr());
    assert!(
        sha256.starts_with("expected_sha256: 'ba78' is not a SHA-256: it must be 64"),
        "{sha256}"
    );
    let md5 = refused(|c| c.expected_md5 = c"".as_ptr());
    assert!(md5.starts_with("expected_md5: '' is not an MD5: it must be 32"), "{md5}");
    let crc64 = refused(|c| c.expected_crc64 = c"ab".as_ptr());
    assert!(crc64.starts_with("expected_crc64: 'ab' is not a CRC-64: it must be"), "{crc64}");
    assert!(refused(|c| c.expected_md5 = c"\xff".as_ptr()).contains("expected_md5"));
}
