// The fields of the C API's structs, so that tests can set each of them.
#ifndef TESTS_FIELDS_HPP
#define TESTS_FIELDS_HPP

#include <cstddef>
#include <cstring>
#include <vector>

#include <oss_resumable/oss_resumable.h>

namespace tests {

enum class Holds {
    text,     // a string that is sent
    path,     // a string that names a file or a directory
    number,   // any integer
    list,     // a pointer to an array; its count is a number
    callback, // a function, its data, or what frees the data
    handle,   // an object of the library
};

struct Field {
    const char *name;
    size_t offset;
    size_t size;
    Holds holds;

    // Writes the field; a value that is too large is truncated, as in an assignment.
    template <typename T> void set(void *object, T value) const {
        std::memcpy(static_cast<char *>(object) + offset, &value,
                    size < sizeof value ? size : sizeof value);
    }
};

#define TESTS_FIELD(type, name, holds)                                                             \
    Field { #name, offsetof(type, name), sizeof(type::name), Holds::holds }

inline const std::vector<Field> &requestFields() {
#define FIELD(name, holds) TESTS_FIELD(oss_download_object_request, name, holds)
    static const std::vector<Field> fields{
        FIELD(bucket, text),
        FIELD(key, text),
        FIELD(file_path, path),
        FIELD(checkpoint_dir, path),
        FIELD(part_size, number),
        FIELD(thread_num, number),
        FIELD(has_range, number),
        FIELD(range_start, number),
        FIELD(range_end, number),
        FIELD(if_match, list),
        FIELD(if_match_count, number),
        FIELD(if_none_match, list),
        FIELD(if_none_match_count, number),
        FIELD(if_modified_since, text),
        FIELD(if_unmodified_since, text),
        FIELD(response_content_type, text),
        FIELD(response_content_language, text),
        FIELD(response_expires, text),
        FIELD(response_cache_control, text),
        FIELD(response_content_disposition, text),
        FIELD(response_content_encoding, text),
        FIELD(version_id, text),
        FIELD(traffic_limit, number),
        FIELD(extra_headers, list),
        FIELD(extra_headers_count, number),
        FIELD(extra_query, list),
        FIELD(extra_query_count, number),
        FIELD(deadline_ms, number),
        FIELD(progress, callback),
        FIELD(user_data, callback),
        FIELD(user_data_free, callback),
        FIELD(enable_checkpoint, number),
        FIELD(overwrite, number),
        FIELD(requester_pays, number),
        FIELD(set_modified_time, number),
        FIELD(check_space, number),
        FIELD(preallocate, number),
        FIELD(flush, number),
        FIELD(verify_before_rename, number),
        FIELD(allow_encrypted, number),
        FIELD(reserved, number),
        FIELD(max_bandwidth, number),
        FIELD(event_queue, handle),
        FIELD(tag, number),
        FIELD(priority, number),
        FIELD(reserved2, number),
        FIELD(order, number),
        FIELD(write_mode, number),
        FIELD(auto_concurrency, number),
        FIELD(reserved3, number),
        FIELD(expected_sha256, text),
        FIELD(expected_md5, text),
        FIELD(expected_crc64, text),
        FIELD(when_busy, number),
        FIELD(reserved4, number),
        FIELD(url, text),
        FIELD(url_provider, callback),
        FIELD(url_provider_user_data, callback),
        FIELD(url_provider_user_data_free, callback),
    };
#undef FIELD
    return fields;
}

inline const std::vector<Field> &optionFields() {
#define FIELD(name, holds) TESTS_FIELD(oss_resumable_client_options, name, holds)
    static const std::vector<Field> fields{
        FIELD(endpoint, text),
        FIELD(region, text),
        FIELD(access_key_id, text),
        FIELD(access_key_secret, text),
        FIELD(security_token, text),
        FIELD(credentials_provider, callback),
        FIELD(retry_decision, callback),
        FIELD(log, callback),
        FIELD(user_data, callback),
        FIELD(user_data_free, callback),
        FIELD(ca_file, path),
        FIELD(ca_path, path),
        FIELD(user_agent, text),
        FIELD(connect_timeout_ms, number),
        FIELD(idle_timeout_ms, number),
        FIELD(first_byte_limit_ms, number),
        FIELD(no_progress_limit_ms, number),
        FIELD(max_attempts, number),
        FIELD(max_workers, number),
        FIELD(signature_version, number),
        FIELD(address_style, number),
        FIELD(anonymous, number),
        FIELD(verify_tls, number),
        FIELD(verify_crc, number),
        FIELD(correct_clock, number),
        FIELD(log_level, number),
        FIELD(reserved, number),
        FIELD(proxy_host, text),
        FIELD(proxy_user, text),
        FIELD(proxy_password, text),
        FIELD(network_interface, text),
        FIELD(max_bandwidth, number),
        FIELD(proxy_port, number),
        FIELD(proxy_scheme, number),
        FIELD(throttle_limit_ms, number),
        FIELD(decryption_keys, list),
        FIELD(decryption_keys_count, number),
        FIELD(key_unwrapper, callback),
        FIELD(key_unwrapper_user_data, callback),
        FIELD(key_unwrapper_user_data_free, callback),
        FIELD(max_active_downloads, number),
        FIELD(max_connections, number),
        FIELD(trace, callback),
        FIELD(trace_user_data, callback),
        FIELD(trace_user_data_free, callback),
    };
#undef FIELD
    return fields;
}

} // namespace tests

#endif
