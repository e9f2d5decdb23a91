//! The boundary allocates nothing but through `allocation.rs`.

use std::fs;
use std::path::Path;
use std::ptr;

use super::allocator::{self, Fails, Turn};
use super::fixture::{Fixture, decide, note, provide, unwrap, write};
use crate::capi::callbacks::UserData;
use crate::capi::counted::Counted;
use crate::capi::error_object::oss_resumable_error;
use crate::capi::failure::Failure;
use crate::capi::{callbacks, client_options, encryption, error, request, result, trace};
use crate::model::credentials::CredentialsProvider;
use crate::model::encryption::{KeyUnwrapper, WrappedKey};
use crate::model::error::Error;
use crate::model::options::{FailedAttempt, LogLevel};
use crate::model::outcome::{Outcome, Proof, Statistics};

/// What allocates, or makes something of the library that does.
const ALLOCATING: &[&str] = &[
    "Arc",
    "Box::new",
    "CString::new",
    "Error::",
    "Rc",
    "String::from",
    "append",
    "boxed::Box",
    "clone",
    "cloned",
    "collect",
    "extend",
    "format!",
    "insert",
    "into_boxed_slice",
    "into_boxed_str",
    "into_owned",
    "push",
    "push_str",
    "reserve",
    "resize",
    "to_owned",
    "to_string",
    "to_vec",
    "vec!",
    "with_capacity",
];

/// Lines that contain such a word and do not allocate, with the reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("allocation.rs", "copies.push(copy(element)?);", "there is room"),
    ("allocation.rs", "bytes.extend(kept());", "there is room"),
    ("allocation.rs", "bytes.push(0);", "there is room"),
    ("allocation.rs", "self.0.push_str(part);", "there is room"),
    ("callbacks.rs", "let user_data = Counted::clone(user_data);", "another owner"),
    (
        "counted.rs",
        "unsafe { Counted::clone(&ManuallyDrop::new(Self::from_raw(value))) }",
        "another owner",
    ),
    ("counted.rs", "fn clone(&self) -> Self {", "another owner"),
    (
        "guard.rs",
        "Err(defect) => unsafe { report(err, Failure::Library(Error::from(defect))) },",
        "after a panic, which allocates",
    ),
];

/// Whether `word` is in the line, and not as a part of a longer one.
fn contains(line: &str, word: &str) -> bool {
    let is_of_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let ends_in_name = is_of_name(word.chars().next_back());
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let is_part = is_of_name(before.chars().next_back())
            || (ends_in_name && is_of_name(after.chars().next()));
        !is_part
    })
}

#[test]
fn no_source_file_of_the_boundary_allocates_by_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi");
    let mut allowed = vec![0; ALLOWED.len()];
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("src/capi") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // These are tests.
        if !path.is_file() || ["layout.rs", "out_of_memory.rs"].contains(&name.as_str()) {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source file");
        let code = source.split("#[cfg(test)]\nmod tests {").next().expect("the code");
        for (line, number) in code.lines().map(str::trim).zip(1..) {
            if line.starts_with("//") || !ALLOCATING.iter().any(|word| contains(line, word)) {
                continue;
            }
            let known = ALLOWED.iter().position(|(file, text, _)| *file == name && *text == line);
            let known = known.unwrap_or_else(|| {
                panic!("{name}:{number} allocates without `allocation`: {line}")
            });
            allowed[known] += 1;
        }
        files += 1;
    }
    assert!(files > 20, "only {files} files were found");
    let unused = allowed.iter().position(|&count| count == 0).map(|at| ALLOWED[at]);
    assert_eq!(unused, None, "nothing is left to allow");
}

/// The number of allocations that are not the boundary's while `body` runs.
fn others<T>(body: impl FnOnce() -> T) -> (T, u32) {
    let turn = Turn::wait();
    allocator::start(&turn, Fails::Never);
    let value = body();
    (value, allocator::stop().others)
}

#[test]
fn reading_structs_and_calling_back_allocates_nothing_else() {
    let fixture = Fixture::new();
    // SAFETY: live structs.
    let read =
        || fixture.with_request(|request| unsafe { request::read(request) }.expect("request"));
    assert_eq!(others(read).1, 0);
    // The library itself allocates for the four callbacks and the unwrapper.
    // SAFETY: live structs.
    let read = || fixture.with_options(|c| unsafe { client_options::read(c) }.expect("options"));
    assert_eq!(others(read).1, 5);

    let data = Counted::new(UserData::new(fixture.host.pointer(), None)).expect("memory");
    let log = callbacks::log_sink(Some(write), &data).expect("a function");
    assert_eq!(others(|| log(LogLevel::Warn, "line")).1, 0);
    let decide = callbacks::retry_decision(Some(decide), &data).expect("a function");
    let (code, message) = ("Busy", "too many requests");
    let attempt = FailedAttempt { attempts: 1, status: 503, code, message, would_retry: true };
    assert_eq!(others(|| decide(attempt)).1, 0);
    let sink = trace::trace_sink(Some(note), UserData::new(fixture.host.pointer(), None));
    let (sink, record) = (sink.expect("a function"), super::trace());
    assert_eq!(others(|| sink(record)).1, 0);
    let provider = callbacks::credentials_provider(Some(provide), &data).expect("a function");
    assert_eq!(others(|| provider.fetch().expect("a key")).1, 0);
    let unwrapper = encryption::key_unwrapper(Some(unwrap), UserData::new(ptr::null_mut(), None));
    let description = vec![("name".to_owned(), "value".to_owned())];
    let wrapped =
        WrappedKey::new(("bucket", "key"), "KMS", (Some("{}"), description), (b"wrapped", b"iv"));
    let unwrapper = unwrapper.expect("a function");
    assert_eq!(others(|| unwrapper.unwrap_key(&wrapped).expect_err("no key")).1, 0);
}

#[test]
fn making_objects_allocates_nothing_else() {
    let text = || Some("text".to_owned());
    let outcome = Outcome {
        file_path: "/a/b".into(),
        file_size: 1,
        object_size: 1,
        etag: text(),
        version_id: text(),
        crc64: 1,
        object_crc64: Some(1),
        last_modified: text(),
        request_id: text(),
        headers: vec![("name".to_owned(), "value".to_owned())],
        proof: Proof::ObjectCrc,
        content: None,
        statistics: Statistics::default(),
    };
    let (given, count) = others(|| result::oss_resumable_result::give(outcome).expect("memory"));
    assert_eq!(count, 0);
    // SAFETY: just made; freed after its last use.
    unsafe {
        assert_eq!(others(|| result::oss_resumable_result_json(given)).1, 0);
        result::oss_resumable_result_free(given);
    }

    let failed = std::io::Error::from_raw_os_error(libc::EACCES);
    let failed = Error::io("write", Path::new("/a/b"), &failed).with_ids(text(), text(), text());
    for failure in [Failure::validation(format_args!("{} is wrong", 7)), Failure::Library(failed)] {
        let (given, count) = others(|| oss_resumable_error::give(&failure));
        assert_eq!(count, 0);
        // SAFETY: just made; freed after its last use.
        unsafe {
            assert_eq!(others(|| error::oss_resumable_error_json(given)).1, 0);
            error::oss_resumable_error_free(given);
        }
    }
}

#[test]
fn the_first_call_of_a_thread_allocates_nothing_else() {
    // SAFETY: NULL is allowed.
    let call = || others(|| unsafe { result::oss_resumable_result_size(ptr::null()) }).1;
    // The first call of the process installs the panic hook.
    call();
    assert_eq!(std::thread::spawn(call).join().expect("join"), 0);
}
