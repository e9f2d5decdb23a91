//! Whole lives of clients and downloads.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::atomic::Ordering;

use local_oss::{Fault, Matcher};

use super::allocator::{Fails, Turn};
use super::fixture::{Fixture, SIZE};
use super::{allocator, done, fail_each, made, note_failure, refused, repeated, text};
use crate::capi::checkpoint::*;
use crate::capi::client::*;
use crate::capi::codes::*;
use crate::capi::download::*;
use crate::capi::error_object::oss_resumable_error;
use crate::capi::event::oss_resumable_event;
use crate::capi::event_queue::*;
use crate::capi::list_request::*;
use crate::capi::listing::*;
use crate::capi::prefix::*;
use crate::capi::prefix_request::*;
use crate::capi::prefix_result::*;
use crate::capi::request::*;
use crate::capi::result::*;
use crate::capi::status::*;

/// Reads everything of a result, which allocates nothing, and frees it. Returns its statistics.
fn read_and_free(result: *mut oss_resumable_result) -> oss_resumable_statistics {
    let before = allocator::seen();
    // SAFETY: live until the last call.
    unsafe {
        assert!(!oss_resumable_result_file_path(result).is_null());
        assert!(!oss_resumable_result_etag(result).is_null());
        assert!(!oss_resumable_result_version_id(result).is_null());
        assert!(!oss_resumable_result_last_modified(result).is_null());
        assert!(!oss_resumable_result_request_id(result).is_null());
        let last = oss_resumable_result_header_count(result) - 1;
        let name = oss_resumable_result_header_name(result, last);
        assert!(!oss_resumable_result_header_value(result, last).is_null());
        assert!(!oss_resumable_result_header(result, name).is_null());
        assert_eq!(oss_resumable_result_size(result), SIZE);
        let mut figures: oss_resumable_statistics = std::mem::zeroed();
        figures.struct_size = size_of_val(&figures);
        assert_eq!(oss_resumable_result_stats(result, &raw mut figures), OSS_RESUMABLE_OK);
        oss_resumable_result_free(result);
        assert_eq!(allocator::seen(), before);
        figures
    }
}

#[test]
fn each_allocation_in_the_life_of_a_client_may_fail() {
    let fixture = Fixture::new();
    let failures = fail_each(|| {
        let client = fixture.with_options(|options| {
            options.credentials_provider = None;
            options.access_key_id = c"id".as_ptr();
            options.access_key_secret = c"secret".as_ptr();
            options.security_token = c"token".as_ptr();
            options.proxy_host = c"proxy".as_ptr();
            options.proxy_user = c"user".as_ptr();
            options.proxy_password = c"password".as_ptr();
            fixture.client_with(options)
        });
        let (id, secret, token) = (c"id".as_ptr(), c"secret".as_ptr(), c"token".as_ptr());
        // SAFETY: a live client, literals and live outputs.
        unsafe {
            done(|err| oss_resumable_client_set_region(client, c"cn-beijing".as_ptr(), err));
            done(|err| oss_resumable_client_set_credentials(client, id, secret, token, err));
        }
        fixture.free(client);
    });
    assert!(failures > 40, "{failures}");
}

#[test]
fn each_allocation_in_the_life_of_a_fresh_download_may_fail() {
    let fixture = Fixture::new();
    let failures = fail_each(|| {
        let client = fixture.client();
        // SAFETY: live handles, requests and outputs.
        unsafe {
            let download = fixture.made_for_request(|request, out, err| {
                oss_resumable_download_start(client, request, out, err)
            });
            let result = made(|out, err| oss_resumable_download_wait(download, -1, out, err));
            if oss_resumable_result_json(result).is_null() {
                note_failure();
            }
            assert!(text(result, oss_resumable_result_json).starts_with('{'));
            assert!(read_and_free(result).bytes_reused == 0);
            fixture.assert_file();
            fixture.remove_file();
            oss_resumable_download_free(download);
        }
        fixture.free(client);
    });
    assert!(failures > 100, "{failures}");
    assert!(fixture.host.progress.load(Ordering::SeqCst) > 0);
    assert!(fixture.host.traces.load(Ordering::SeqCst) > 0);
}

/// The files of a download that was interrupted after its first part.
fn interrupted(fixture: &Fixture) -> Vec<(String, Vec<u8>)> {
    let stall = fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(1000));
    let client = fixture.client();
    // SAFETY: live handles, requests and outputs.
    unsafe {
        let download = fixture.made_for_request(|request, out, err| {
            oss_resumable_download_start(client, request, out, err)
        });
        let mut status: oss_resumable_status = std::mem::zeroed();
        status.struct_size = size_of_val(&status);
        while status.bytes_done < OSS_RESUMABLE_MIN_PART_SIZE
            || fixture.server.fault_hits(stall) == 0
        {
            assert_eq!(oss_resumable_download_status(download, &raw mut status), OSS_RESUMABLE_OK);
            std::thread::yield_now();
        }
        oss_resumable_download_free(download);
    }
    fixture.free(client);
    fixture.server.clear_faults();
    let files = fixture.contents();
    assert_eq!(files.len(), 2, "a checkpoint and a temporary file");
    files
}

#[test]
fn each_allocation_in_the_life_of_a_resumed_download_may_fail() {
    let fixture = Fixture::new();
    let files = interrupted(&fixture);
    let failures = fail_each(|| {
        fixture.restore(&files);
        let client = fixture.client();
        // SAFETY: live handles, requests and outputs.
        unsafe {
            let checkpoint = fixture.made_for_request(|request, out, err| {
                oss_resumable_checkpoint_inspect(client, request, out, err)
            });
            assert!(!text(checkpoint, oss_resumable_checkpoint_path).is_empty());
            assert!(!text(checkpoint, oss_resumable_checkpoint_etag).is_empty());
            assert_eq!(text(checkpoint, oss_resumable_checkpoint_bucket), "examplebucket");
            assert!(!text(checkpoint, oss_resumable_checkpoint_key).is_empty());
            assert!(!text(checkpoint, oss_resumable_checkpoint_version_id).is_empty());
            assert!(text(checkpoint, oss_resumable_checkpoint_url).is_empty());
            assert!(text(checkpoint, oss_resumable_checkpoint_file_path).ends_with("/file.bin"));
            assert!(!text(checkpoint, oss_resumable_checkpoint_last_modified).is_empty());
            assert!(oss_resumable_checkpoint_bytes_recorded(checkpoint) > 0);
            oss_resumable_checkpoint_free(checkpoint);

            let mut connections = fixture.server.connections();
            let result = fixture.with_request(|request| {
                made(|out, err| {
                    let code = fixture
                        .host
                        .giving(1, || oss_resumable_download_object(client, request, out, err));
                    // Without memory, nothing has happened, or everything but the making of the result.
                    if code == OSS_RESUMABLE_ERR_OUT_OF_MEMORY {
                        if fixture.server.connections() == connections {
                            assert!(fixture.contents() == files);
                        } else {
                            fixture.assert_file();
                            fixture.remove_file();
                            fixture.restore(&files);
                            connections = fixture.server.connections();
                        }
                    }
                    code
                })
            });
            assert!(read_and_free(result).bytes_reused > 0);
        }
        fixture.assert_file();
        fixture.remove_file();
        fixture.free(client);
    });
    assert!(failures > 150, "{failures}");
}

#[test]
fn each_allocation_in_the_life_of_an_event_queue_may_fail() {
    let failures = fail_each(|| {
        // SAFETY: a live queue and live outputs.
        unsafe {
            let queue = made(|out, err| oss_resumable_event_queue_new(out, err));
            let mut event: oss_resumable_event = std::mem::zeroed();
            event.struct_size = size_of_val(&event);
            let code = oss_resumable_event_queue_next(queue, 0, &raw mut event);
            assert_eq!(code, OSS_RESUMABLE_WAIT_TIMEOUT);
            oss_resumable_event_queue_free(queue);
        }
    });
    assert!(failures > 0, "{failures}");
}

#[test]
fn each_allocation_in_the_life_of_a_listing_may_fail() {
    let fixture = Fixture::new();
    let failures = fail_each(|| {
        let client = fixture.client();
        // SAFETY: live handles and outputs, literals for strings, and all zero is valid by the contract of `SizeFirst`.
        unsafe {
            let mut request: oss_resumable_list_request = std::mem::zeroed();
            request.struct_size = size_of_val(&request);
            (request.bucket, request.prefix) = (c"examplebucket".as_ptr(), c"exampledir/".as_ptr());
            (request.delimiter, request.start_after) = (c"#".as_ptr(), c"a".as_ptr());
            let listing =
                made(|out, err| oss_resumable_list_objects(client, &raw const request, out, err));
            let mut entry: oss_resumable_object_entry = std::mem::zeroed();
            entry.struct_size = size_of_val(&entry);
            done(|err| oss_resumable_listing_next(listing, &raw mut entry, err));
            assert_eq!(CStr::from_ptr(entry.key), c"exampledir/exampleobject.bin");
            assert_eq!((CStr::from_ptr(entry.storage_class), entry.size), (c"Standard", SIZE));
            let code = oss_resumable_listing_next(listing, &raw mut entry, ptr::null_mut());
            assert_eq!(code, OSS_RESUMABLE_END_OF_LIST);
            oss_resumable_listing_free(listing);
        }
        fixture.free(client);
    });
    assert!(failures > 20, "{failures}");
}

#[test]
fn each_allocation_in_the_life_of_a_prefix_download_may_fail() {
    let fixture = Fixture::new();
    // One that fails because of its key.
    fixture.server.put("examplebucket", "exampledir/a//b", local_oss::Object::bytes("1"));
    let dir = tempfile::tempdir().expect("directory");
    let directory = CString::new(dir.path().as_os_str().as_bytes()).expect("no NUL");
    let failures = fail_each(|| {
        let client = fixture.client();
        // SAFETY: live handles and outputs, literals for strings, and all zero is valid by the contract of `SizeFirst`.
        unsafe {
            let mut objects: oss_download_object_request = std::mem::zeroed();
            objects.struct_size = size_of_val(&objects);
            let mut request: oss_resumable_prefix_request = std::mem::zeroed();
            request.struct_size = size_of_val(&request);
            (request.bucket, request.prefix) = (c"examplebucket".as_ptr(), c"exampledir/".as_ptr());
            (request.directory, request.manifest_dir) = (directory.as_ptr(), directory.as_ptr());
            (request.start_after, request.objects) = (c"a".as_ptr(), &raw const objects);
            let queue = made(|out, err| oss_resumable_event_queue_new(out, err));
            (request.event_queue, request.tag) = (queue, 7);
            let download = made(|out, err| {
                oss_resumable_prefix_download_start(client, &raw const request, out, err)
            });
            let mut result = ptr::null_mut();
            let code = repeated(|| {
                oss_resumable_prefix_download_wait(download, -1, &raw mut result, ptr::null_mut())
            });
            assert_eq!(code, OSS_RESUMABLE_OBJECTS_FAILED);
            let mut object: oss_resumable_prefix_object = std::mem::zeroed();
            object.struct_size = size_of_val(&object);
            for index in 0..2 {
                let code =
                    repeated(|| oss_resumable_prefix_result_object(result, index, &raw mut object));
                assert_eq!(code, OSS_RESUMABLE_OK);
                assert_eq!(object.result == OSS_RESUMABLE_OBJECT_FAILED, index == 0);
                assert_eq!(object.error.is_null(), index == 1);
            }
            assert_eq!(CStr::from_ptr(object.key), c"exampledir/exampleobject.bin");
            oss_resumable_prefix_result_free(result);
            oss_resumable_prefix_download_free(download);
            oss_resumable_event_queue_free(queue);
        }
        fixture.free(client);
    });
    assert!(failures > 20, "{failures}");
}

#[test]
fn each_allocation_of_discarding_a_checkpoint_may_fail() {
    let fixture = Fixture::new();
    let files = interrupted(&fixture);
    let client = fixture.client();
    fail_each(|| {
        fixture.restore(&files);
        let mut discarded = -1;
        fixture.with_request(|request| {
            // SAFETY: a live client, request and outputs.
            done(|err| unsafe {
                let code = fixture.host.giving(1, || {
                    oss_resumable_checkpoint_discard(client, request, &raw mut discarded, err)
                });
                assert_eq!(discarded == 1, code == OSS_RESUMABLE_OK, "written on success only");
                assert_eq!(fixture.contents() == files, code != OSS_RESUMABLE_OK);
                code
            });
        });
    });
    fixture.free(client);
}

#[test]
fn each_allocation_of_an_error_may_fail() {
    let fixture = Fixture::new();
    let client = fixture.client();
    let download = |change: &dyn Fn(&mut oss_download_object_request), failure| {
        fixture.with_request(|request| {
            change(request);
            // SAFETY: a live client, request and outputs.
            refused(failure, |err| unsafe {
                fixture.host.giving(1, || {
                    oss_resumable_download_object(client, request, ptr::null_mut(), err)
                })
            })
        })
    };
    let service = (OSS_RESUMABLE_ERR_SERVICE, "NoSuchKey");
    let validation = (OSS_RESUMABLE_ERR_VALIDATION, "ValidateError");
    let io = (OSS_RESUMABLE_ERR_IO, "LocalIoError");
    fail_each(|| {
        let [request_id, host_id, ec, _] =
            download(&|request| request.key = c"missing".as_ptr(), service);
        assert!(!request_id.is_empty() && !host_id.is_empty() && !ec.is_empty());
    });
    fail_each(|| {
        let change = |request: &mut oss_download_object_request| {
            request.file_path = c"/proc/file.bin".as_ptr();
            request.enable_checkpoint = 2;
        };
        let [.., path] = download(&change, io);
        assert!(!path.is_empty());
    });
    for change in [
        &|request: &mut oss_download_object_request| request.bucket = ptr::null(),
        &|request| request.key = c"\xff".as_ptr(),
        &|request| request.overwrite = 7,
        &|request| request.deadline_ms = -7,
        &|request| request.if_match = ptr::null(),
        &|request| request.extra_query_count = usize::MAX,
        &|request| request.reserved = 1,
        // Refused below the boundary.
        &|request| request.range_start = -7,
    ] as [&dyn Fn(&mut oss_download_object_request); 8]
    {
        fail_each(|| {
            drop(download(
                &|request| {
                    request.has_range = 1;
                    change(request)
                },
                validation,
            ))
        });
    }
    fixture.free(client);
}

#[test]
fn each_allocation_of_refusing_null_may_fail() {
    let (client, download) = (ptr::null_mut(), ptr::null_mut());
    let failure = (OSS_RESUMABLE_ERR_VALIDATION, "ValidateError");
    let refuse = |call: &dyn Fn(*mut *mut oss_resumable_error) -> oss_resumable_code| {
        fail_each(|| drop(refused(failure, call)));
    };
    let refuse_without_error = |call: &dyn Fn() -> oss_resumable_code| {
        fail_each(|| assert_eq!(repeated(call), OSS_RESUMABLE_ERR_VALIDATION));
    };
    // SAFETY: NULL is allowed.
    unsafe {
        refuse(&|err| oss_resumable_client_new(ptr::null(), ptr::null_mut(), err));
        refuse(&|err| oss_resumable_client_set_bandwidth(client, 1, err));
        refuse(&|err| oss_resumable_client_set_max_connections(client, 1, err));
        refuse(&|err| oss_resumable_client_disable_requests(client, err));
        refuse(&|err| oss_resumable_client_enable_requests(client, err));
        refuse_without_error(&|| oss_resumable_download_status(download, ptr::null_mut()));
        refuse_without_error(&|| oss_resumable_download_set_bandwidth(download, 1));
        refuse_without_error(&|| oss_resumable_download_set_priority(download, 1));
        refuse_without_error(&|| oss_resumable_download_cancel(download));
        refuse_without_error(&|| oss_resumable_result_stats(ptr::null(), ptr::null_mut()));
    }
}

#[test]
fn each_allocation_of_waiting_for_a_failure_may_fail() {
    let fixture = Fixture::new();
    let client = fixture.client();
    // SAFETY: live handles, requests and outputs.
    unsafe {
        let download = fixture.with_request(|request| {
            request.key = c"missing".as_ptr();
            made(|out, err| {
                fixture.host.giving(1, || oss_resumable_download_start(client, request, out, err))
            })
        });
        fail_each(|| {
            let failure = (OSS_RESUMABLE_ERR_SERVICE, "NoSuchKey");
            refused(failure, |err| oss_resumable_download_wait(download, -1, ptr::null_mut(), err));
        });
        oss_resumable_download_free(download);
    }
    fixture.free(client);
}

#[test]
fn without_outputs_only_the_code_tells_of_a_failed_allocation() {
    let fixture = Fixture::new();
    let client = fixture.client();
    fail_each(|| {
        // SAFETY: a live client and request.
        let code = fixture.with_request(|request| unsafe {
            request.overwrite = 7;
            repeated(|| {
                let (out, err) = (ptr::null_mut(), ptr::null_mut());
                fixture.host.giving(1, || oss_resumable_download_start(client, request, out, err))
            })
        });
        assert_eq!(code, OSS_RESUMABLE_ERR_VALIDATION);
    });
    fixture.free(client);
}

/// The handles that a progress callback frees.
struct Freeing {
    client: *mut oss_resumable_client,
    download: Cell<*mut oss_resumable_download>,
    is_freed: Cell<bool>,
}

#[test]
fn freeing_handles_inside_a_callback_needs_no_memory() {
    unsafe extern "C" fn free_both(_: *const oss_resumable_status, data: *mut c_void) -> i32 {
        // SAFETY: the test's data, on the test's thread; the handles are freed once.
        unsafe {
            let freeing = &*data.cast::<Freeing>();
            let download = freeing.download.replace(ptr::null_mut());
            if !download.is_null() {
                oss_resumable_client_free(freeing.client);
                oss_resumable_download_free(download);
            }
        }
        0
    }
    unsafe extern "C" fn note_freed(data: *mut c_void) {
        // SAFETY: the test's data, on the test's thread.
        unsafe { &*data.cast::<Freeing>() }.is_freed.set(true);
    }
    let fixture = Fixture::new();
    let client = fixture.client();
    let freeing = Freeing { client, download: Cell::default(), is_freed: Cell::default() };
    let download = fixture.with_request(|request| {
        request.progress = Some(free_both);
        request.user_data = ptr::from_ref(&freeing).cast_mut().cast();
        request.user_data_free = Some(note_freed);
        // SAFETY: a live client, request and outputs.
        made(|out, err| unsafe { oss_resumable_download_start(client, request, out, err) })
    });
    freeing.download.set(download);

    let turn = Turn::wait();
    allocator::start(&turn, Fails::From(1));
    // SAFETY: live until the end of the call.
    unsafe { oss_resumable_download_wait(download, -1, ptr::null_mut(), ptr::null_mut()) };
    assert_eq!(allocator::stop().marked, 0);
    assert!(freeing.is_freed.get());
    fixture.host.assert_all_freed();
}
