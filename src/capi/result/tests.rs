use super::*;
use crate::model::outcome::Statistics;
use std::path::PathBuf;

fn outcome() -> Outcome {
    Outcome {
        file_path: PathBuf::from("/a/b"),
        file_size: 1,
        object_size: 2,
        etag: Some("E".to_owned()),
        version_id: None,
        crc64: 3,
        object_crc64: Some(4),
        last_modified: Some("L".to_owned()),
        request_id: Some("R".to_owned()),
        headers: vec![("x-oss-meta-A".to_owned(), "1".to_owned())],
        proof: Proof::Generation,
        content: None,
        statistics: Statistics { requests: 9, ..Statistics::default() },
    }
}

fn string(text: *const c_char) -> Option<&'static str> {
    // SAFETY: NULL, or a string of a result that lives to the test's end.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8"))
}

#[test]
fn a_result_reads_back_as_it_was_made() {
    let given = oss_resumable_result::give(outcome()).expect("memory");
    // SAFETY: `given` is live until the last call, and the strings are checked before.
    unsafe {
        assert_eq!(string(oss_resumable_result_file_path(given)), Some("/a/b"));
        assert_eq!(string(oss_resumable_result_etag(given)), Some("E"));
        assert_eq!(string(oss_resumable_result_version_id(given)), None);
        assert_eq!(string(oss_resumable_result_last_modified(given)), Some("L"));
        assert_eq!(string(oss_resumable_result_request_id(given)), Some("R"));
        assert_eq!(oss_resumable_result_size(given), 1);
        assert_eq!(oss_resumable_result_object_size(given), 2);
        assert_eq!(oss_resumable_result_crc64(given), 3);
        let mut crc = 0;
        assert_eq!((oss_resumable_result_object_crc64(given, &raw mut crc), crc), (1, 4));
        assert_eq!(oss_resumable_result_object_crc64(given, ptr::null_mut()), 1);
        assert_eq!(oss_resumable_result_proof(given), OSS_RESUMABLE_PROOF_GENERATION);
        oss_resumable_result_free(given);
    }
}

#[test]
fn headers_are_found_by_place_and_by_name() {
    let given = oss_resumable_result::give(outcome()).expect("memory");
    // SAFETY: `given` is live until the last call, and the strings are checked before.
    unsafe {
        assert_eq!(oss_resumable_result_header_count(given), 1);
        assert_eq!(string(oss_resumable_result_header_name(given, 0)), Some("x-oss-meta-A"));
        assert_eq!(string(oss_resumable_result_header_value(given, 0)), Some("1"));
        assert_eq!(string(oss_resumable_result_header_name(given, 1)), None);
        let by_name = |name: &CStr| string(oss_resumable_result_header(given, name.as_ptr()));
        assert_eq!(by_name(c"X-OSS-Meta-a"), Some("1"));
        assert_eq!(by_name(c"x-oss-meta-b"), None);
        assert_eq!(string(oss_resumable_result_header(given, ptr::null())), None);
        oss_resumable_result_free(given);
    }
}

#[test]
fn the_json_text_is_the_outcome_s_and_lives_as_long_as_the_result() {
    let given = oss_resumable_result::give(outcome()).expect("memory");
    // SAFETY: `given` is live until the last call, and the string is checked before; NULL is allowed.
    unsafe {
        let text = oss_resumable_result_json(given);
        assert_eq!(string(text), Some(outcome().to_json().as_str()));
        assert_eq!(oss_resumable_result_json(given), text, "it is written once");
        oss_resumable_result_free(given);
        assert_eq!(string(oss_resumable_result_json(ptr::null())), None);
    }
}

#[test]
fn figures_are_written_up_to_the_callers_size() {
    let given = oss_resumable_result::give(outcome()).expect("memory");
    // SAFETY: `given` is live until the last call; the struct is as long as it says.
    unsafe {
        let mut figures: oss_resumable_statistics = std::mem::zeroed();
        assert_ne!(oss_resumable_result_stats(given, &raw mut figures), OSS_RESUMABLE_OK);
        figures.struct_size = size_of::<oss_resumable_statistics>();
        assert_eq!(oss_resumable_result_stats(given, &raw mut figures), OSS_RESUMABLE_OK);
        assert_eq!(figures.requests, 9);
        oss_resumable_result_free(given);
    }
}
