//! Compares the layout of the structs with that of a C compiler.

use std::fmt::Write as _;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use super::callbacks::oss_resumable_failed_attempt;
use super::client_options::oss_resumable_client_options;
use super::encryption::{oss_resumable_decryption_key, oss_resumable_wrapped_key};
use super::event::oss_resumable_event;
use super::list_request::oss_resumable_list_request;
use super::listing::oss_resumable_object_entry;
use super::lists::oss_resumable_pair;
use super::prefix_request::oss_resumable_prefix_request;
use super::prefix_result::oss_resumable_prefix_object;
use super::prefix_status::{oss_resumable_prefix_counts, oss_resumable_prefix_status};
use super::request::oss_download_object_request;
use super::status::{oss_resumable_statistics, oss_resumable_status};
use super::trace::oss_resumable_trace_record;

/// A struct's C expressions and what they must evaluate to; the fields are all of the struct's, in order.
struct Layout {
    name: &'static str,
    size: usize,
    fields: Vec<(&'static str, usize)>,
    field_bytes: usize,
}

macro_rules! layout {
    ($type:ident { $($field:ident),* $(,)? }) => {{
        // A pattern without `..` does not compile when a field is missing here.
        fn field_bytes(value: &$type) -> usize {
            let $type { $($field),* } = value;
            0 $(+ size_of_val($field))*
        }
        Layout {
            name: stringify!($type),
            size: size_of::<$type>(),
            fields: vec![$((stringify!($field), offset_of!($type, $field))),*],
            // SAFETY: all-zero structs of integers, raw pointers and nullable functions are valid.
            field_bytes: field_bytes(&unsafe { std::mem::zeroed() }),
        }
    }};
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(oss_resumable_client_options {
            struct_size,
            endpoint,
            region,
            access_key_id,
            access_key_secret,
            security_token,
            credentials_provider,
            retry_decision,
            log,
            user_data,
            user_data_free,
            ca_file,
            ca_path,
            user_agent,
            connect_timeout_ms,
            idle_timeout_ms,
            first_byte_limit_ms,
            no_progress_limit_ms,
            max_attempts,
            max_workers,
            signature_version,
            address_style,
            anonymous,
            verify_tls,
            verify_crc,
            correct_clock,
            log_level,
            reserved,
            proxy_host,
            proxy_user,
            proxy_password,
            network_interface,
            max_bandwidth,
            proxy_port,
            proxy_scheme,
            throttle_limit_ms,
            decryption_keys,
            decryption_keys_count,
            key_unwrapper,
            key_unwrapper_user_data,
            key_unwrapper_user_data_free,
            max_active_downloads,
            max_connections,
            trace,
            trace_user_data,
            trace_user_data_free,
        }),
        layout!(oss_download_object_request {
            struct_size,
            bucket,
            key,
            file_path,
            checkpoint_dir,
            part_size,
            thread_num,
            has_range,
            range_start,
            range_end,
            if_match,
            if_match_count,
            if_none_match,
            if_none_match_count,
            if_modified_since,
            if_unmodified_since,
            response_content_type,
            response_content_language,
            response_expires,
            response_cache_control,
            response_content_disposition,
            response_content_encoding,
            version_id,
            traffic_limit,
            extra_headers,
            extra_headers_count,
            extra_query,
            extra_query_count,
            deadline_ms,
            progress,
            user_data,
            user_data_free,
            enable_checkpoint,
            overwrite,
            requester_pays,
            set_modified_time,
            check_space,
            preallocate,
            flush,
            verify_before_rename,
            allow_encrypted,
            reserved,
            max_bandwidth,
            event_queue,
            tag,
            priority,
            reserved2,
            order,
            write_mode,
            auto_concurrency,
            reserved3,
            expected_sha256,
            expected_md5,
            expected_crc64,
            when_busy,
            reserved4,
            url,
            url_provider,
            url_provider_user_data,
            url_provider_user_data_free,
        }),
        layout!(oss_resumable_status {
            struct_size,
            bytes_done,
            bytes_total,
            phase,
            active_connections,
            bytes_from_network,
            bytes_reused,
            bytes_discarded,
            requests,
            connections,
            retries,
            elapsed_ms,
            bytes_per_second,
            eta_ms,
            retries_connect,
            retries_broken,
            retries_timeout,
            retries_service,
            retries_auth,
            retries_reply,
            queue_position,
            contiguous_bytes,
            contiguous_resets,
            temp_path,
        }),
        layout!(oss_resumable_event {
            struct_size,
            tag,
            kind,
            code,
            bytes_done,
            bytes_total,
            phase,
            active_connections,
            bytes_per_second,
            eta_ms,
            elapsed_ms,
            contiguous_bytes,
            contiguous_resets,
        }),
        layout!(oss_resumable_statistics {
            struct_size,
            bytes_from_network,
            bytes_reused,
            bytes_discarded,
            requests,
            connections,
            retries_connect,
            retries_broken,
            retries_timeout,
            retries_service,
            retries_auth,
            retries_reply,
            elapsed_ms,
            throttled_ms,
        }),
        layout!(oss_resumable_failed_attempt {
            struct_size,
            code,
            status,
            attempts,
            would_retry,
            message
        }),
        layout!(oss_resumable_list_request {
            struct_size,
            bucket,
            prefix,
            delimiter,
            start_after,
            deadline_ms,
            max_keys,
            requester_pays,
        }),
        layout!(oss_resumable_object_entry {
            struct_size,
            key,
            etag,
            storage_class,
            object_type,
            restore_info,
            size,
            last_modified_ms,
            crc64,
            kind,
            has_crc64,
        }),
        layout!(oss_resumable_prefix_request {
            struct_size,
            bucket,
            prefix,
            directory,
            manifest_dir,
            start_after,
            objects,
            deadline_ms,
            verify,
            reserved,
            event_queue,
            tag,
        }),
        layout!(oss_resumable_prefix_counts {
            struct_size,
            objects,
            fetched,
            unchanged,
            directories,
            failed,
            bytes_listed,
            bytes_done,
            bytes_from_network,
            bytes_reused,
        }),
        layout!(oss_resumable_prefix_status {
            struct_size,
            objects,
            fetched,
            unchanged,
            directories,
            failed,
            active,
            bytes_listed,
            bytes_done,
            bytes_from_network,
            bytes_per_second,
            phase,
            is_paused,
            bytes_reused,
        }),
        layout!(oss_resumable_prefix_object {
            struct_size,
            key,
            path,
            error,
            size,
            result,
            reserved,
        }),
        layout!(oss_resumable_trace_record {
            struct_size,
            tag,
            slot,
            end,
            start_us,
            connected_us,
            first_byte_us,
            end_us,
            range_start,
            range_end,
            bytes,
            status,
            curl_code,
            peer,
            request_id,
            local_port,
            is_reused,
            is_head,
            reserved,
        }),
        layout!(oss_resumable_pair { name, value }),
        layout!(oss_resumable_decryption_key { pem, matdesc }),
        layout!(oss_resumable_wrapped_key {
            struct_size,
            bucket,
            key,
            wrap_algorithm,
            matdesc,
            description,
            description_count,
            encrypted_key,
            encrypted_key_size,
            encrypted_iv,
            encrypted_iv_size,
        }),
    ]
}

#[test]
fn no_struct_has_padding() {
    for layout in layouts() {
        assert_eq!(layout.field_bytes, layout.size, "{}", layout.name);
    }
}

#[test]
fn a_c_compiler_lays_the_structs_out_as_we_do() {
    let mut source = String::from("#include \"oss_resumable/oss_resumable.h\"\n");
    let mut assert = |left: String, right: usize| {
        writeln!(source, "_Static_assert({left} == {right}, \"{left}\");").expect("to a string");
    };
    for Layout { name, size, fields, .. } in layouts() {
        assert(format!("sizeof({name})"), size);
        for (field, offset) in fields {
            assert(format!("offsetof({name}, {field})"), offset);
        }
    }
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("layout.c");
    std::fs::write(&file, source).expect("write");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let compiler = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Werror", "-fsyntax-only", "-I"])
        .args([&include, &file])
        .output()
        .expect("a C compiler named cc");
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
}
